"""The invariants of the house, as queries: some at every commit, the others when everything has come to rest.

They are written against the tables and the post office's own book, not against the engine's functions, so that a bug in
the engine does not repeat itself here.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from nurture.policy import Cap

if TYPE_CHECKING:
    from nurture.engine import Engine

__all__ = ["Accepted", "Broken", "Watch"]

FINAL = frozenset({"sent", "refused", "ambiguous", "cancelled"})
MAY_BECOME: dict[str | None, set[str]] = {
    None: {"pending"},
    "pending": {"pending", "sending", "refused", "cancelled"},
    "sending": {"sending", "pending", "sent", "refused", "ambiguous", "cancelled"},
    **{state: {state} for state in FINAL},
}
OPT_OUTS = "('unsubscribed', 'complained', 'bounced')"
LEFT = ("moved", "removed")
COPIES = {"hold": 1, "retry_once": 2, "retry": 4}
"""How often a node's message may be handed over, by its policy for what nobody can know."""


class Broken(AssertionError):
    """An invariant does not hold."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that the post office took."""

    message_id: str
    key: str
    """enrollment key/node/n"""
    text: str


@dataclass(slots=True)
class Watch:
    """Looks over the store's shoulder at every commit, and keeps the post office's book."""

    micros: Callable[[datetime], int]
    cap_text: str
    db: sqlite3.Connection = field(init=False)
    accepted: list[Accepted] = field(default_factory=list)
    touches: dict[tuple[int, str, int], tuple[Any, ...]] = field(default_factory=dict)
    enrollments: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    started: Counter[str] = field(default_factory=Counter)
    """Message id to number of committed intents."""
    last_signal: int | None = None
    wall: Callable[[], int] = lambda: 0
    actor: int | None = None
    """The worker that is at work, where that is known."""
    broken: list[Broken] = field(default_factory=list)
    """What broke: the engine survives exceptions, and ours are none of its business."""
    _definitions: dict[int, dict[str, Any]] = field(default_factory=dict)

    def kept(self) -> tuple[Any, ...]:
        return (
            list(self.accepted), dict(self.touches), dict(self.enrollments), Counter(self.started), self.last_signal
        )  # fmt: skip

    def back_to(self, kept: tuple[Any, ...]) -> None:
        accepted, touches, enrollments, started, self.last_signal = kept
        self.accepted, self.touches = list(accepted), dict(touches)
        self.enrollments, self.started = dict(enrollments), Counter(started)
        self.broken.clear()
        self.actor = None

    # At every commit

    def commit(self, *, durable: bool, now: int) -> None:
        """A transaction is about to be committed."""
        with self._remembering():
            self._commit(durable, now)

    def accept(self, message: Accepted) -> None:
        """The post office takes a message."""
        self.accepted.append(message)
        with self._remembering():
            self._accept(message)

    def raise_broken(self) -> None:
        if self.broken:
            raise self.broken[0]

    @contextmanager
    def _remembering(self) -> Iterator[None]:
        try:
            yield
        except Broken as broken:
            self.broken.append(broken)
            raise

    def _commit(self, durable: bool, now: int) -> None:
        rows = self.db.execute(
            "SELECT enrollment_id, node, n, state, epoch, message_id, lead_id, version_id, purpose, started_at,"
            " expires_at, worker_id, lease_until, settled_at, past FROM touches"
        ).fetchall()
        found = {row[:3]: row for row in rows}
        if found != self.touches:
            for key, row in found.items():
                before = self.touches.get(key)
                if before != row:
                    self._touch(before, row, durable, now)
            if gone := self.touches.keys() - found.keys():
                raise Broken(f"I1 conservation: touches are gone: {gone}")
            self.touches = found
        rows = self.db.execute(
            "SELECT id, status, node, steps, version_id, epoch, heard, due_at, reason, lease_until, lead_id, enrolled_at,"
            " entered_at FROM enrollments"
        ).fetchall()
        standing = {row[0]: row for row in rows}
        if standing != self.enrollments:
            for id, row in standing.items():
                before = self.enrollments.get(id)
                if before != row:
                    self._enrollment(before, row, now)
            if lost := self.enrollments.keys() - standing.keys():
                raise Broken(f"I1 conservation: enrollments are gone: {lost}")
            self.enrollments = standing
        (last,) = self.db.execute("SELECT MAX(id) FROM signals").fetchone()
        if last != self.last_signal:
            self._woken(now)
            self.last_signal = last

    def _touch(self, before: tuple[Any, ...] | None, row: tuple[Any, ...], durable: bool, now: int) -> None:
        state = row[3]
        was = None if before is None else before[3]
        # The repetition of one that may have left is over before it began.
        given_up = (was, state) == ("pending", "ambiguous") and self.started[row[5]] > 0
        # What a lead brings along from the version it ran before is known, and settled there.
        brought = before is None and row[14] == 2 and state in FINAL
        if state not in MAY_BECOME[was] and not given_up and not brought:
            raise Broken(f"I1 transition of touch {row[:3]}: {was} to {state}")
        if before is not None and row[4] < before[4]:
            raise Broken(f"I2 fencing: the epoch of touch {row[:3]} goes back")
        if row[2] != 0:
            raise Broken(f"I2 one winner: {row[1]} asked for a second message")
        if state == "sending" and was != "sending":
            self._intent(row, durable, now)
        if before is not None and row[4] > before[4] and before[12] > self.wall():
            raise Broken(f"I2 lease: {row[1]} is taken from a worker whose lease runs")
        if was == "sending" and state != was and row[4] == before[4] and self.actor not in (None, before[11]):
            raise Broken(f"I2 fencing: worker {self.actor} writes the verdict of worker {before[11]} on {row[1]}")
        if state in FINAL and was not in FINAL and not brought:
            due = self.db.execute(
                "SELECT due_at FROM enrollments WHERE id = ? AND node = ? AND status = 'waiting'", row[:2]
            ).fetchone()
            if due is not None and due[0] > now:
                raise Broken(f"law 7: {row[1]} is {state}, and nobody is woken")

    def _intent(self, row: tuple[Any, ...], durable: bool, now: int) -> None:
        enrollment, node, _, _, _, message_id, lead, version, purpose, started_at, expires_at, *_ = row
        if not durable:
            raise Broken(f"I3 intent: that of {node} is not on the disk")
        if not message_id or started_at is None:
            raise Broken(f"I3 intent: that of {node} says neither what nor when")
        if self._any(f"SELECT 1 FROM signals WHERE lead_id = ? AND kind IN {OPT_OUTS}", lead):
            raise Broken(f"I5 suppression: {node} is started to somebody who has opted out")
        if self._any("SELECT 1 FROM campaigns c JOIN versions v ON v.campaign = c.campaign"
                     " WHERE v.id = ? AND c.paused_at IS NOT NULL", version):  # fmt: skip
            raise Broken(f"F19 pause: {node} is started in a paused campaign")
        if self._any("SELECT 1 FROM enrollments WHERE id = ? AND status = 'ended'", enrollment):
            raise Broken(f"law 11: {node} is started after its campaign has ended for this lead")
        if started_at >= expires_at:
            raise Broken(f"{node} is started after it has expired")
        if purpose == "marketing":
            if self._any("SELECT 1 FROM handoffs WHERE lead_id = ? AND state IN ('open', 'accepted')", lead):
                raise Broken(f"law 10: {node} is started while somebody works with the lead")
            cap = Cap.parse(self.cap_text)
            if cap is not None:
                (others,) = self.db.execute(
                    "SELECT COUNT(*) FROM touches WHERE lead_id = ? AND purpose = 'marketing' AND started_at > ?"
                    " AND past < 2 AND state IN ('sending', 'sent', 'ambiguous') AND NOT (enrollment_id = ? AND node = ?)",
                    (lead, now - cap.period // timedelta(microseconds=1), enrollment, node),
                ).fetchone()
                if others >= cap.messages:
                    raise Broken(f"frequency cap: {node} goes out after {others} others within {self.cap_text}")
        self.started[message_id] += 1

    def _enrollment(self, before: tuple[Any, ...] | None, row: tuple[Any, ...], now: int) -> None:
        id, status, node, steps, version, epoch, heard, due_at, reason, lease, lead, enrolled, entered = row
        if status == "waiting" and due_at is None:
            raise Broken(f"I8 progress: enrollment {id} waits for nothing at {node}")
        if status != "waiting" and not reason:
            raise Broken(f"I8 progress: enrollment {id} is {status} for no reason")
        if before is None:
            return
        if before[1] == "ended":
            raise Broken(f"I1 transition: enrollment {id} has ended, and becomes {status} at {node}")
        if version != before[4]:
            raise Broken(f"I9 pinning: enrollment {id} has changed its version")
        if steps < before[3] or epoch < before[5] or heard < before[6]:
            raise Broken(f"I2 fencing: enrollment {id} goes back")
        if epoch > before[5] and before[9] > self.wall() and status != "stuck":
            raise Broken(f"I2 lease: enrollment {id} is taken from a worker whose lease runs")
        if status == "ended" and self._any("SELECT 1 FROM touches WHERE enrollment_id = ? AND state = 'pending'", id):
            raise Broken(f"law 11: enrollment {id} has ended, and a message of it is still to go out")
        if status == "waiting" and not lease and due_at > now and entered <= now:
            exits = tuple(self._definition(version).get("exit_on", ()))
            if self._any(
                f"SELECT 1 FROM signals WHERE lead_id = ? AND at >= ? AND at <= ? AND kind IN ({', '.join('?' * len(exits))})",
                lead, enrolled, now, *exits,
            ):  # fmt: skip
                raise Broken(f"law 11: enrollment {id} waits at {node}, and should have ended")
        if steps > before[3]:
            (written,) = self.db.execute("SELECT COUNT(*) FROM steps WHERE enrollment_id = ?", (id,)).fetchone()
            if written != steps:
                raise Broken(f"I6 journal: enrollment {id} has {steps} steps and {written} in the journal")
            # People may move a lead, or take it out, before it is due.
            if reason not in LEFT and (before[1] != "waiting" or before[7] > now):
                raise Broken(f"I7 never early: enrollment {id} moves at {now}, and was due at {before[7]}")

        if steps > before[3]:
            self._in_light_of_all(id, version, before[3])

    def _woken(self, now: int) -> None:
        for id, kind in self.db.execute(
            "SELECT e.id, s.kind FROM signals s JOIN enrollments e ON e.lead_id = s.lead_id"
            " WHERE s.id > ? AND e.status = 'waiting' AND e.due_at > ?",
            (self.last_signal or 0, now),
        ).fetchall():
            raise Broken(f"law 3: {kind} is heard, and enrollment {id} is not woken")

    def _in_light_of_all(self, id: int, version: int, before: int) -> None:
        """Law 3: the new steps count everything that was heard before this commit, by when it happened."""
        lead, enrolled = self.db.execute("SELECT lead_id, enrolled_at FROM enrollments WHERE id = ?", (id,)).fetchone()
        signals = self.db.execute(
            "SELECT kind, at, campaign, node, heard_at FROM signals WHERE lead_id = ? ORDER BY at", (lead,)
        ).fetchall()
        if not signals:
            return
        definition = self._definition(version)
        exits = definition.get("exit_on", ())
        for node, at, outcome, because in self.db.execute(
            "SELECT node, at, outcome, because FROM steps WHERE enrollment_id = ? AND seq > ?", (id, before)
        ).fetchall():
            if outcome in LEFT or str(outcome).startswith("exit:"):
                continue
            for kind, happened, _, _, heard in signals:
                late = kind in ("unsubscribed", "complained", "bounced") and heard >= enrolled
                if kind in exits and happened <= at and (happened >= enrolled or late):
                    raise Broken(f"law 3: {node} was left by '{outcome}' after {kind} had been heard")
            spec = definition["nodes"][node]
            if spec["type"] == "check_response" and outcome == "no" and not because.startswith("never"):
                sent, started = self.db.execute(
                    "SELECT settled_at, started_at FROM touches WHERE enrollment_id = ? AND node = ?", (id, spec["to"])
                ).fetchone()
                deadline = min(at, sent + int(spec["within"].split()[0]) * 86_400_000_000)
                for kind, happened, campaign, to, _ in signals:
                    ours = campaign in (None, definition["campaign"]) and to in (None, spec["to"])
                    since = sent if to is None else min(sent, started or sent)
                    if kind in ("viewed", "clicked", "replied", "submitted") and ours and since <= happened < deadline:
                        raise Broken(f"law 3: {node} was left by 'no' after {kind} had been heard")

    def _definition(self, version: int) -> dict[str, Any]:
        found = self._definitions.get(version)
        if found is None:
            (text,) = self.db.execute("SELECT definition FROM versions WHERE id = ?", (version,)).fetchone()
            found = self._definitions[version] = json.loads(text)
        return found

    def _accept(self, message: Accepted) -> None:
        row = self.db.execute(
            "SELECT t.state, t.started_at, t.on_unknown, e.version_id FROM touches t"
            " JOIN enrollments e ON e.id = t.enrollment_id WHERE t.message_id = ?",
            (message.message_id,),
        ).fetchone()
        if row is None or not self.started[message.message_id]:
            raise Broken(f"I3 intent: {message.key} leaves without one")
        copies = sum(other.message_id == message.message_id for other in self.accepted)
        if copies > min(COPIES[row[2]], self.started[message.message_id]):
            raise Broken(f"I4 at most once: {message.key} leaves {copies} times under '{row[2]}'")
        if any(other.key == message.key and other.message_id != message.message_id for other in self.accepted):
            raise Broken(f"I4 at most once: the copies of {message.key} have different ids")
        if f"version {row[3]} " not in message.text + " ":
            raise Broken(f"I9 pinning: a lead of version {row[3]} gets {message.text!r}")

    def _any(self, statement: str, *values: Any) -> bool:
        return self.db.execute(statement, values).fetchone() is not None

    # When everything has come to rest

    def check_end(self, engine: Engine, now: datetime) -> None:
        self.raise_broken()
        told = engine.status(now=now)
        if not told["conserved"]:
            raise Broken(f"I1 conservation: {told['campaigns']}")
        for problem in self._at_rest(self.micros(now)):
            raise Broken(problem)
        replayed = engine.replay()
        if replayed.different:
            raise Broken(f"I6 replay: {replayed.different}")

    def _at_rest(self, now: int) -> Iterator[str]:
        plans = {
            id: json.loads(definition) for id, definition in self.db.execute("SELECT id, definition FROM versions")
        }
        journal: dict[int, list[Any]] = {}
        for step in self.db.execute(
            "SELECT enrollment_id, seq, node, entered_at, at, decided_at, outcome, effects FROM steps ORDER BY 1, 2"
        ):
            journal.setdefault(step[0], []).append(step)
        points: Counter[int] = Counter()
        if self._any("SELECT 1 FROM moves WHERE finished_at IS NULL"):
            yield "I8 progress: a plan to move leads was not carried out to its end"
        for id, lead, version, status, node, entered, steps, reason, key, placed in self.db.execute(
            "SELECT id, lead_id, version_id, status, node, entered_at, steps, reason, key, placed FROM enrollments"
        ).fetchall():
            said = journal.get(id, [])
            if status == "waiting":
                yield f"I8 progress: enrollment {id} ({key}) still waits at {node} long after everything was due"
            yield from self._folded(id, plans[version], said, status, node, entered, reason, placed)
            if len(said) != steps:
                yield f"I6 journal: enrollment {id} has {steps} steps and {len(said)} in the journal"
            points[lead] += sum(
                effect[1]["points"] for step in said for effect in json.loads(step[7] or "[]") if effect[0] == "score"
            )
        for lead, score in self.db.execute("SELECT id, score FROM leads"):
            if score != points[lead]:
                yield f"I2 one winner: lead {lead} has {score} points, and {points[lead]} in the journal"
        yield from self._messages()

    def _folded(
        self,
        id: int,
        definition: Mapping[str, Any],
        said: list[Any],
        status: str,
        node: str,
        entered: int,
        reason: str | None,
        placed: str | None,
    ) -> Iterator[str]:
        """The journal, folded with the stored definition alone, gives the row."""
        at_node, since, nodes = placed or definition["start"], None, definition["nodes"]
        seen = set()
        for _, seq, visited, from_, at, decided, outcome, _ in said:
            if visited in seen:
                yield f"I2 one winner: enrollment {id} has been at {visited} twice"
            seen.add(visited)
            # Who leaves before their day has come leaves before they enter.
            back = at < from_ and outcome not in LEFT and not str(outcome).startswith("exit:")
            # The clock of a node goes on when a lead is moved there; what the new settings make of it is decided then.
            moved_here = placed is not None and seq == 1
            if visited != at_node or (since is not None and from_ != since) or back:
                yield f"I6 journal: step {seq} of enrollment {id} is at {visited}, and should be at {at_node}"
                return
            if at > decided:
                yield f"I7 never early: enrollment {id} left {visited} before it was time"
            wait = nodes[visited].get("for")
            long = at - from_ - int(wait.split()[0]) * 86_400_000_000 if wait and outcome == "next" else 0
            if long < 0 or (long > 0 and not moved_here):
                yield f"I7 never early, I9 pinning: enrollment {id} waited {(at - from_) / 86.4e9} days, not {wait}"
            settled = self.db.execute(
                "SELECT settled_at FROM touches WHERE enrollment_id = ? AND node = ?", (id, visited)
            ).fetchone()
            if (
                settled is not None
                and outcome in ("sent", "unsent")
                and at != max(settled[0], from_)
                and not moved_here
            ):
                yield f"law 7: enrollment {id} left {visited} at {at}, which was settled at {settled[0]}"
            way = nodes[visited].get("next")
            at_node = way.get(outcome) if isinstance(way, dict) else way
            left = outcome in LEFT or str(outcome).startswith("exit:")
            at_node = None if at_node == "end" or left else at_node
            since = at
        if status == "ended" and at_node is not None:
            yield f"I6 journal: enrollment {id} has ended ({reason}), and its journal stops before {at_node}"
        if status != "ended" and (at_node != node or (since is not None and since != entered)):
            yield f"I6 journal: enrollment {id} stands at {node}, and its journal leads to {at_node}"

    def _messages(self) -> Iterator[str]:
        copies = Counter(message.message_id for message in self.accepted)
        for enrollment, node, state, message_id, settled, because, resent in self.db.execute(
            "SELECT t.enrollment_id, t.node, t.state, t.message_id, t.settled_at, t.because, EXISTS (SELECT 1"
            " FROM touch_notes n WHERE n.enrollment_id = t.enrollment_id AND n.node = t.node AND n.what = 'resent')"
            " FROM touches t WHERE t.past = 0"
        ):
            what = f"{enrollment}/{node}"
            number = copies.pop(message_id, 0)
            if state not in FINAL:
                stands = self.db.execute("SELECT status FROM enrollments WHERE id = ?", (enrollment,)).fetchone()[0]
                if stands != "stuck":
                    yield f"I8 progress: {what} is {state} at the end"
            elif settled is None:
                yield f"I8 progress: {what} is {state}, and nobody knows since when"
            if state == "sent" and number == 0:
                yield f"I4 truth: {what} counts as sent, and never left"
            if state in ("refused", "cancelled") and number:
                yield f"I4 truth: {what} is {state} ({because}), and it left" + (" (resent)" if resent else "")
            if state == "ambiguous" and not self.started[message_id]:
                yield f"I4 truth: {what} is ambiguous without ever having been tried"
        if copies:
            yield f"I3 intent: messages that no touch knows: {copies}"
