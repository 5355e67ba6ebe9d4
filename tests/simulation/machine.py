"""A town in which everything goes wrong, as a Hypothesis state machine on a virtual clock.

Days are crowded on purpose: signals, deadlines, kills and outages fall into the same minutes. Every rule is something that
happens to a real installation; the invariants are looked at on every commit, and again when all has come to rest.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from nurture.engine import Incoming
from nurture.identity import LeadRef
from nurture.moving import Running
from tests.simulation.world import LEASE, WEATHER, Killed, World, running

__all__ = ["Town", "forget", "run"]


def _town(version: int) -> dict[str, Any]:
    return {
        "campaign": "town",
        "exit_on": ["unsubscribed", "bounced", "complained", "converted"],
        "entry": {"again_after": "1 day"},
        "start": "mark",
        "nodes": {
            "mark": {"type": "tag", "add": ["seen"], "next": "z_first"},
            "z_first": {"type": "send_content", "channel": "post", "content": "hello", "next": "m_second"},
            # Asked for in the same moment as the first is settled, under an earlier name, and allowed to repeat.
            "m_second": {
                "type": "send_content", "channel": "post", "content": "again", "on_unknown": "retry_once",
                "expires_after": "2 days", "next": {"sent": "answered", "unsent": "nap"},
            },
            "answered": {
                "type": "check_response", "to": "z_first", "within": "3 days" if version == 1 else "1 day",
                "next": {"yes": "points", "no": "nap"},
            },
            "points": {"type": "score", "points": 5, "next": "hand"},
            "hand": {
                "type": "route", "to": "sdr", "sla": "1 day",
                "next": {"accepted": "won", "returned": "nap", "unanswered": "nap"},
            },
            "won": {"type": "score", "points": 100, "next": "end"},
            "nap": {"type": "wait", "for": "2 days" if version == 1 else "3 days", "next": "last"},
            "last": {
                "type": "send_content", "channel": "post", "content": "hello", "purpose": "service",
                "on_unknown": "retry", "next": "again",
            },
            "again": {"type": "route", "to": "pool", "again_after": "5 days"},
        },
    }  # fmt: skip


NIGHT: dict[str, Any] = {
    "campaign": "night",
    "exit_on": ["unsubscribed"],
    "entry": {"mode": "continuous", "when": {"field": "tags", "op": "has", "value": "seen"}},
    "start": "n_first",
    "nodes": {
        "n_first": {"type": "send_content", "channel": "post", "content": "night", "next": "minus"},
        "minus": {"type": "score", "points": -2, "next": "nightcap"},
        "nightcap": {"type": "wait", "for": "1 days", "next": "a_last"},
        "a_last": {"type": "send_content", "channel": "post", "content": "night", "next": "end"},
    },
}
POISON: dict[str, Any] = {
    "campaign": "poison",
    "start": "until",
    "nodes": {"until": {"type": "wait", "until_date": {"field": "renewal"}, "next": "tail"},
              "tail": {"type": "score", "points": 1, "next": "end"}},
}  # fmt: skip
RUNNING = (
    *(Running(), Running("move"), Running("move", {"answered": "hand"}), Running("move", {"nap": "z_first"})),
    *(Running("move", {"hand": "answered", "m_second": "end"}), Running("exit")),
)
PEOPLE = 3
KINDS = ("replied", "viewed", "clicked", "converted", "unsubscribed", "complained", "bounced", "accepted", "returned")
GENTLE = ("replied", "viewed", "clicked", "accepted", "returned")


@cache
def _world() -> tuple[World, tuple[LeadRef, ...], dict[int, int]]:
    """The town before anything happens: two versions stored, the first one current."""
    world = World(cap="2 per 1 day", quiet="21:00-08:00")
    with running(world):
        ids: dict[int, int] = {}
        for version in (1, 2):
            # Versions are numbered over all campaigns; the texts name their own number.
            for name in ("hello", "again"):
                world.content(
                    f"version {version} {name} {{{{ lead.name | default('you') }}}} {{{{ unsubscribe_url }}}}", name
                )
            ids[version] = world.campaign(_town(version))
        world.content("version 3 {{ lead.nick }} {{ unsubscribe_url }}", "night")
        world.campaign(NIGHT)
        world.campaign(POISON)
        _make_current(world, ids[1])
        people = tuple(
            world.lead(f"lead{n}", zone=zone, nick=f"n{n}")
            for n, zone in enumerate(("Asia/Shanghai", None, "America/Phoenix"))
        )
    world.mark()
    return world, people, ids


def _make_current(world: World, version: int) -> None:
    with world.store.write() as tx:
        tx.run("UPDATE campaigns SET current = ? WHERE campaign = 'town'", version)


class Town(RuleBasedStateMachine):
    """One run of the town."""

    def __init__(self) -> None:
        super().__init__()
        self.world, self.people, self.versions = _world()
        self.world.rewind()
        self._running = running(self.world)
        self._running.__enter__()
        self.heard: list[Incoming] = []
        self.worker = 1

    def teardown(self) -> None:
        try:
            self.world.watch.raise_broken()
            self._mend()
            self.world.settle()
        finally:
            self._running.__exit__(None, None, None)

    def _mend(self) -> None:
        """What poisoned somebody is put right, so that everybody comes to an end."""
        with self.world.store.write() as tx:
            tx.run('UPDATE leads SET fields = \'{"nick":"mended","renewal":"2026-03-04"}\'')
        self.world.engine(9).retry(now=self.world.now)

    # What happens

    @initialize(who=st.sets(st.integers(0, PEOPLE - 1), min_size=1))
    def begin(self, who: set[int]) -> None:
        self.world.engine().enroll("town", leads=[self.people[n] for n in sorted(who)], now=self.world.now)

    @rule(who=st.integers(0, PEOPLE - 1), campaign=st.sampled_from(["town", "night", "poison"]), pace=st.booleans())
    def enroll(self, who: int, campaign: str, pace: bool) -> None:
        """With `pace`, two more come along, and somebody starts on another day."""
        engine, world = self.world.engine(), self.world
        if not pace:
            engine.enroll(campaign, leads=[self.people[who]], now=world.now)
            return
        engine.backfill(campaign, None, segment={"field": "score", "op": ">", "value": -1000}, now=world.now, pace=1)

    @rule(minutes=st.sampled_from([1, 20, 61, 60 * 5, 60 * 14, 60 * 24, 60 * 48, 60 * 71]), beats=st.integers(0, 3))
    def time_passes(self, minutes: int, beats: int) -> None:
        """With so many heartbeats on the way; without one, the installation was down."""
        for _ in range(beats):
            self.world.pass_time(timedelta(minutes=minutes) / (beats + 1))
            self._beat()
        self.world.pass_time(timedelta(minutes=minutes) / (beats + 1))

    @rule(minutes=st.sampled_from([1, 61, 60 * 25]))
    def clock_is_put_back(self, minutes: int) -> None:
        self.world.now -= timedelta(minutes=minutes)

    @rule()
    def heartbeat(self) -> None:
        self._beat()

    @rule()
    def lease_runs_out(self) -> None:
        self.world.wall += 2 * (LEASE // timedelta(microseconds=1))

    @rule(
        who=st.integers(0, PEOPLE - 1),
        kind=st.sampled_from(GENTLE * 3 + KINDS),
        late=st.sampled_from([0, 0, 1, 59, 60 * 24, 60 * 72]),
        to=st.sampled_from(
            [None, None, ("town", "z_first"), ("town", "m_second"), ("town", "hand"), ("night", "n_first")]
        ),
    )
    def hear(self, who: int, kind: str, late: int, to: tuple[str, str] | None) -> None:
        self._hear(self._incoming(who, kind, late, to))

    @rule(which=st.lists(st.integers(0, 50), min_size=1, max_size=4))
    def hear_again(self, which: list[int]) -> None:
        """Webhooks are repeated, in any order."""
        if self.heard:
            again = [self.heard[n % len(self.heard)] for n in which]
            report = self.world.engine(9).hear(again, now=self.world.now)
            assert report.heard == 0, "I10: the same signal counted twice"

    @rule(weather=st.lists(st.sampled_from(WEATHER), min_size=1, max_size=4))
    def weather_turns(self, weather: list[str]) -> None:
        self.world.weather[:] = weather

    @rule()
    def outage_begins_or_ends(self) -> None:
        self.world.outage = not self.world.outage

    @rule(campaign=st.sampled_from(["town", "night"]))
    def pause(self, campaign: str) -> None:
        self.world.engine(9).pause(campaign, now=self.world.now)

    @rule()
    def resume(self) -> None:
        for name in self.world.engine(9).campaigns():
            self.world.engine(9).resume(name, now=self.world.now, despite="looked into")

    @rule(version=st.sampled_from([1, 2]), running=st.sampled_from(RUNNING), moved=st.booleans())
    def publish(self, version: int, running: Running, moved: bool) -> None:
        """What becomes of those inside is carried out at once, or by whoever ticks next."""
        engine = self.world.engine(9)
        engine.roll_back("town", version, now=self.world.now, running=running)
        if moved:
            engine.move_on(now=self.world.now)
        self.world.watch.raise_broken()

    @rule()
    def retry(self) -> None:
        self.world.engine(9).retry(now=self.world.now)

    @rule(who=st.integers(0, PEOPLE - 1), mended=st.booleans())
    def data_changes(self, who: int, mended: bool) -> None:
        """Somebody's data is such that a message cannot be written, or such that it can."""
        fields = '{"nick":"n","renewal":"2026-03-04"}' if mended else "{}"
        with self.world.store.write() as tx:
            tx.run("UPDATE leads SET fields = ? WHERE email_key = ?", fields, self.people[who].key)

    @rule(after=st.integers(1, 30))
    def worker_is_killed(self, after: int) -> None:
        """In the middle of a heartbeat; sometimes the next one on this host notices, sometimes only its lease runs out."""

        def die(nth: int) -> None:
            if nth >= after:
                raise Killed

        before = self.worker
        try:
            self._beat(die)
        except Killed:
            self.worker = before % 5 + 1
            if after % 2:
                self.world.die(before)

    @rule(
        after=st.integers(1, 30),
        what=st.sampled_from(
            ["beat", "unsubscribed", "converted", "replied", "returned", "pause", "lease", "publish", "retry"]
        ),
        who=st.integers(0, PEOPLE - 1),
    )
    def overtaken(self, after: int, what: str, who: int) -> None:
        """In the middle of a heartbeat something else happens: another worker's heartbeat, a signal, a pause."""

        def happen(nth: int) -> None:
            if nth != after:
                return
            self.world.on_gate = lambda what: None
            if what == "beat":
                self.world.engine(6).tick(self.world.now)
            elif what == "lease":
                self.lease_runs_out()
                self.world.engine(6).tick(self.world.now)
            elif what == "pause":
                self.pause("town")
            elif what == "publish":
                self.publish(2, RUNNING[after % len(RUNNING)], after % 2 == 0)
            elif what == "retry":
                self.retry()
            else:
                self._hear(self._incoming(who, what, 0, None))

        self._beat(happen)

    # How

    def _beat(self, at_gate: Callable[[int], None] | None = None) -> None:
        count = 0

        def gate(what: str) -> None:
            nonlocal count
            count += 1
            assert at_gate is not None
            at_gate(count)

        self.world.passed = 0
        self.world.on_gate = gate if at_gate else lambda what: None
        try:
            self.world.engine(self.worker).tick(self.world.now)
        finally:
            self.world.on_gate = lambda what: None
        self.world.watch.raise_broken()

    def _incoming(self, who: int, kind: str, late: int, to: tuple[str, str] | None) -> Incoming:
        campaign, node = to or (None, None)
        at = self.world.now - timedelta(minutes=late)
        return Incoming(kind, self.people[who], at, campaign, node, id=f"signal-{len(self.heard)}")

    def _hear(self, incoming: Incoming) -> None:
        self.heard.append(incoming)
        self.world.engine(9).hear([incoming], now=self.world.now)
        self.world.watch.raise_broken()


def run(runs: int, *, steps: int = 40, seed: int | None = None, shrink: bool = True) -> None:
    """So many runs of so many steps; raises what the first broken one raised. With `seed`, others than by default."""

    class Seeded(Town):
        pass

    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    chosen = settings(
        max_examples=runs, stateful_step_count=steps, deadline=None, database=None, phases=phases,
        derandomize=seed is None, print_blob=False, suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    if seed is not None:
        seeded(seed)(Seeded)
    run_state_machine_as_test(Seeded, settings=chosen)


def forget() -> None:
    """The next run builds its town anew: the engine may have changed."""
    if _world.cache_info().currsize:
        _world()[0].close()
        _world.cache_clear()
