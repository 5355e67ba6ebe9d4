"""Turns and rests, as delivery needs them: who may start now, who waits for whom, and what a verdict means for others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from nurture.channels.base import Ambiguous, Channel, NotSent, Verdict
from nurture.crashpoints import crash_point
from nurture.pacing import GOOD_FOR, Pace, Rate
from nurture.store import Store, paces
from nurture.store.paces import WHOLE, Key
from nurture.store.touches import Outbound

__all__ = ["Pacer", "Turns"]

MICROSECOND = timedelta(microseconds=1)
IN_A_MILLISECOND = 4_000_000
"""So many can be told apart; a place still fits into 64 bits."""
OF_THE_CHANNEL = {"sender": True, "standing": False, "connection": False}
"""Faults that concern everybody; True: one is enough."""
OF_THE_DOMAIN = {"busy": True, "temporary": False}


class Turns(NamedTuple):
    """What became of those who wanted to start."""

    now: list[Outbound]
    later: list[tuple[Outbound, int, str]]
    """Whose domain has no turn for them: (touch, when it has, why)."""
    back: list[Outbound]
    """Whose channel has none: they stay in line."""


@dataclass(slots=True)
class Pacer:
    """One worker's view of the paces. `channel` opens a channel by name."""

    store: Store
    channel: Callable[[str], Channel]
    news: list[str] = field(default_factory=list)
    """Rests that began here, in words: each is said by one worker, once."""
    _seen: dict[Key, Pace] = field(default_factory=dict)
    """As they were at the last look, and what has happened here since."""
    _probes: set[Key] = field(default_factory=set)
    _given: dict[tuple[int, str, int], int] = field(default_factory=dict)
    """When each touch was given its turn."""

    def rooms(self, known: dict[str, Pace], *, now: int, most: int) -> dict[str, int]:
        """How many messages may be claimed of each of these channels."""
        return {name: pace.ready(self._rates(name)[0], now, most) for name, pace in known.items()}

    def turns(self, wanting: Sequence[tuple[Outbound, str]], now: int, looked: Mapping[Key, Pace]) -> Turns:
        """Who of these (touch, domain), the longest asked for first, may start now. `looked`: what is known of them."""
        keys = {(touch.channel, part) for touch, domain in wanting for part in (WHOLE, domain)}
        for key in keys:
            self._seen.pop(key, None)
        if not looked and not any(map(self._is_capped, keys)):
            return Turns([touch for touch, _ in wanting], [], [])
        found = Turns([], [], [])
        with self.store.write() as tx:
            # Of a capped channel only what is capped in it; of any channel what something is known of.
            held = paces.lock(tx, {key for key in keys if key in looked or self._is_capped(key)}, now=now)
            self._seen |= held
            for touch, domain in wanting:
                self._turn(touch, domain, now, found)
            for (name, domain), pace in held.items():
                if domain == WHOLE:
                    pace.close_when_spent(self._rates(name)[0], now)
            paces.keep(tx, held, now=now)
            crash_point("deliver.turns_taking")
        crash_point("deliver.turns_taken")
        return found

    def _turn(self, touch: Outbound, domain: str, now: int, found: Turns) -> None:
        name = touch.channel
        rate, domain_rate = self._rates(name)
        whole = self._seen.get((name, WHOLE)) or Pace()
        if not whole.ready(rate, now, 1):
            found.back.append(touch)
            return
        part = self._seen.get((name, domain)) if domain else None
        if part is not None:
            until = part.turn(domain_rate, _place(touch), now)
            if until:
                why = f"{domain} has asked for a pause" if part.rests else f"the rate cap of {domain}"
                found.later.append((touch, until, why))
                return
            self._tries((name, domain), part)
        whole.take(rate, now)
        self._tries((name, WHOLE), whole)
        self._given[touch.key] = now
        found.now.append(touch)

    def _tries(self, key: Key, pace: Pace) -> None:
        if pace.probing:
            self._probes.add(key)

    def has_lapsed(self, touch: Outbound, domain: str, now: int) -> bool:
        """Whether the turn of this touch is too long ago to be used, and there is none instead at the moment."""
        given = self._given.get(touch.key)
        if given is None or now - given <= GOOD_FOR:
            return False
        self._given.pop(touch.key)
        if any(self._probes & {(touch.channel, WHOLE), (touch.channel, domain)}):
            return False
        with self.store.read() as tx:
            looked = paces.look(tx, [(touch.channel, WHOLE), (touch.channel, domain)], now=now)
        return not self.turns([(touch, domain)], now, looked).now

    def rests(self, channel: str, domain: str, now: int) -> bool:
        """Whether a fault since the last look keeps this domain from getting more."""
        for key in ((channel, WHOLE), (channel, domain)):
            pace = self._seen.get(key)
            if pace is not None and pace.rests and not pace.probing and pace.open_at > now:
                return True
        return False

    def note(self, touch: Outbound, domain: str, verdict: Verdict, now: int) -> None:
        """What this verdict means for those who come after."""
        self._given.pop(touch.key, None)
        because = verdict.because if isinstance(verdict, NotSent) else ""
        if isinstance(verdict, Ambiguous):
            because = "connection"
        whole, part = (touch.channel, WHOLE), (touch.channel, domain)
        if because == "withdrawn":
            self._give_up({whole, part}, now)
            return
        self._weigh(whole, OF_THE_CHANNEL.get(because), because, verdict, now)
        if domain and because not in OF_THE_CHANNEL:
            self._weigh(part, OF_THE_DOMAIN.get(because), because, verdict, now)
        elif because == "busy":
            self._weigh(whole, True, because, verdict, now)
        elif domain:
            self._give_up({part}, now)

    def _weigh(self, key: Key, at_once: bool | None, because: str, verdict: Verdict, now: int) -> None:
        """`at_once` None: this was no fault."""
        self._probes.discard(key)
        seen = self._seen.get(key)
        if at_once is None and (seen is None or not (seen.faults or seen.rests)):
            return
        if at_once is not None and seen is not None and seen.rests and not seen.probing:
            return
        with self.store.write() as tx:
            pace = self._seen[key] = paces.lock(tx, [key], now=now)[key]
            if at_once is None:
                if pace.heal():
                    pace.close_when_spent(self._rates(key[0])[0] if key[1] == WHOLE else None, now)
            else:
                said = f"{because}: {verdict.detail}"
                asked = verdict.retry_after if isinstance(verdict, NotSent) and because == "sender" else None
                if pace.fault(
                    said, now, at_once=at_once, pause=(asked or timedelta()) // MICROSECOND, key="/".join(key)
                ):
                    self.news.append(f"{' to '.join(filter(None, key))} rests: {said}")
            paces.keep(tx, {key: pace}, now=now)
            crash_point("deliver.fault_noting")
        crash_point("deliver.fault_noted")

    def stop_probing(self, now: int) -> None:
        """Whoever was to try and did not start leaves it to the next."""
        self._give_up(set(self._probes), now)
        self._given.clear()

    def _give_up(self, keys: set[Key], now: int) -> None:
        mine = self._probes & keys
        self._probes -= mine
        if not mine:
            return
        with self.store.write() as tx:
            held = paces.lock(tx, mine, now=now)
            for pace in held.values():
                pace.gave_up(now)
            paces.keep(tx, held, now=now)
        self._seen |= held

    def _is_capped(self, key: Key) -> bool:
        return self._rates(key[0])[key[1] != WHOLE] is not None

    def _rates(self, name: str) -> tuple[Rate | None, Rate | None]:
        """(of the channel as a whole, to each domain)."""
        try:
            channel = self.channel(name)
        except Exception:  # noqa: BLE001  # uninstalled or set wrongly: the judge says so of each message
            return None, None
        return channel.rate, channel.domain_rate


def _place(touch: Outbound) -> int:
    """Where it stands in line: by when it was asked for, then by who entered first."""
    return touch.asked_at // 1000 * IN_A_MILLISECOND + touch.enrollment_id % IN_A_MILLISECOND
