"""Bugs of our own, put into the engine's real source one at a time, to see whether the searches find them.

A bug is a place and two texts: what stands there, and what a tired engineer might have written. When the engine changes
and the text is no longer there, the gate says so; write the bug anew.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

__all__ = ["BUGS", "Bug"]


@dataclass(frozen=True)
class Bug:
    """One seeded bug."""

    name: str
    place: str
    """`package:name` of a function, method or SQL text; where in the package does not matter."""
    old: str
    new: str
    by: str = ""
    """Who finds it, where asking everybody takes long: `machine`, or the name of a scene."""

    @contextmanager
    def seeded(self) -> Iterator[None]:
        """As long as this lasts, the engine has the bug."""
        module, owner, name = self._where()
        before = inspect.getattr_static(owner, name)
        broken = self._text(before) if isinstance(before, str) else self._function(module, before)
        changed = _put(owner, name, before, broken)
        try:
            yield
        finally:
            for holder, attribute in changed:
                setattr(holder, attribute, before)

    def _where(self) -> tuple[ModuleType, Any, str]:
        """(module, what holds it, its name): functions and methods move more often than they change."""
        path, _, name = self.place.partition(":")
        package = importlib.import_module(path)
        below = pkgutil.iter_modules(getattr(package, "__path__", []), f"{path}.")
        for module in [package, *(importlib.import_module(found.name) for found in below)]:
            classes = [
                one for one in vars(module).values() if inspect.isclass(one) and one.__module__ == module.__name__
            ]
            for owner in [module, *classes]:
                made = vars(owner).get(name)
                if isinstance(made, str) or getattr(made, "__module__", None) == module.__name__:
                    return module, owner, name
        raise AssertionError(f"'{self.name}': nothing below {path} makes {name}; write the bug anew")

    def _text(self, text: str) -> str:
        found = text.count(self.old)
        assert found == 1, f"'{self.name}': {self.place} holds {self.old!r} {found} times; write the bug anew"
        return text.replace(self.old, self.new)

    def _function(self, module: ModuleType, function: Any) -> Any:
        source = self._text(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
        # The future import: annotations of a function on its own may name what exists for type checkers only.
        space = module.__dict__
        known = dict(space)
        exec(compile("from __future__ import annotations\n" + source, f"<{self.name}>", "exec"), space)
        made = space[function.__name__]
        if function.__name__ in known:
            space[function.__name__] = known[function.__name__]
        else:
            del space[function.__name__]
        return made


def _put(owner: Any, name: str, before: Any, after: Any) -> list[tuple[Any, str]]:
    """Everywhere the engine knows it by: modules import functions by name."""
    changed = [(owner, name)]
    if inspect.isfunction(before) and inspect.ismodule(owner):
        changed += [
            (module, attribute)
            for path, module in list(sys.modules.items())
            if path.split(".")[0] in ("nurture", "nodes") and module is not owner
            for attribute, value in list(vars(module).items())
            if value is before
        ]
    for holder, attribute in changed:
        setattr(holder, attribute, after)
    return changed


ENROLLMENTS = "nurture.store.enrollments"
STORE = "nurture.store"

BUGS: tuple[Bug, ...] = (
    # Fencing and leases
    Bug("a batch is committed without the fence", f"{STORE}:commit",
        "if standing.get(m.claimed.id) == (m.claimed.epoch, m.claimed.heard, True)]",
        "if standing[m.claimed.id][1] == m.claimed.heard]",
        by="one stalled over a decision"),
    Bug("what was heard since the claim is ignored", f"{STORE}:commit",
        "if standing.get(m.claimed.id) == (m.claimed.epoch, m.claimed.heard, True)]",
        "if standing[m.claimed.id][::2] == (m.claimed.epoch, True)]"),
    Bug("an enrollment is claimed without looking at the lease", f"{ENROLLMENTS}:CLAIM",
        "lease_until <= ?", "? > 0"),
    Bug("a claim does not count the epoch up", "nurture.store.touches:CLAIM", "epoch = epoch + 1,", "epoch = epoch,",
        by="one stalled before its intent"),
    Bug("an intent is committed for whoever asks", f"{STORE}:commit_intents",
        'if not ours and standing.get(touch.key) != ("pending", touch.epoch):', "if False:",
        by="one stalled before its intent"),
    Bug("recovery does not look at the lease", "nurture.store.recovery:RECOVER", "lease_until <= ?", "? > 0"),
    Bug("recovery lets the silent one speak again", f"{STORE}:recover",
        "SET epoch = epoch + 1 WHERE", "SET epoch = epoch WHERE"),
    Bug("a verdict stands whatever its epoch", f"{STORE}:settle", "and found[1] == verdict.touch.epoch", "",
        by="one stalled before its intent"),
    Bug("trying again forgets the epoch", f"{STORE}:retry",
        "UPDATE enrollments SET status = 'waiting',", "UPDATE enrollments SET epoch = 0, status = 'waiting',",
        by="machine"),
    # Intents
    Bug("the message leaves before its intent", "nurture.engine:_may_start",
        "await self.delivery.ask(intent, self.channel, self.now)", '""'),
    Bug("an intent is not on the disk", "nurture.engine.delivering:_commit", "durable=bool(waiting)", "durable=False"),
    Bug("opt-outs are not asked again", f"{STORE}:commit_intents",
        "barred = suppressed(tx, [intent.address_hash for intent in intents])\n"
        "    silent = opted_out(tx, [hashed for intent in intents for hashed in intent.person_hashes])",
        "barred, silent = {}, {}"),
    Bug("a pause is not asked again", f"{STORE}:commit_intents", "elif touch.version_id in paused:", "elif False:"),
    Bug("owners are not asked again", f"{STORE}:commit_intents",
        "elif marketing and touch.lead_id in owners:", "elif False:",
        by="one delivers, one hands over"),
    Bug("the cap is not asked again", f"{STORE}:commit_intents", "len(times) >= intent.cap", "False"),
    Bug("expired messages go out", "nurture.store.touches:CLAIM", "asked_at, expires_at,",
        "asked_at, expires_at + 99000000000000,",
        by="two workers deliver what has expired"),
    Bug("an opt-out suppresses nothing", "nurture.engine:_hear_batch", "stop_writing_to(tx, secret, new)", "pass"),
    Bug("each attempt has a Message-ID of its own", "nurture.engine:message_maker",
        "message_id(secret, effect, domain)", 'message_id(secret, f"{effect}/{touch.attempts}", domain)'),
    # What nobody can know, and what comes back
    Bug("what may have left is sent again", f"{STORE}:in_doubt",
        "RESENDS.get(touch.on_unknown, 0)", "3"),
    Bug("what may have left counts as refused", f"{STORE}:in_doubt",
        'return Settled(touch, "ambiguous", at, because)', 'return Settled(touch, "refused", at, because)',
        by="the line is cut after the end"),
    Bug("a verdict wakes nobody", f"{STORE}:settle", "wake(tx, [verdict.touch.enrollment_id for verdict in final], now=now)",
        "pass"),
    Bug("what comes back goes out after the end", f"{STORE}:settle", "if ended := ended_among(", "if ended := False and ended_among(",
        by="the lead is gone during delivery"),
    Bug("the end cancels nothing", f"{STORE}:commit", "cancel_pending(tx, ended, now=now)", "pass",
        by="the lead is gone before delivery"),
    # Time and order
    Bug("an outcome beats an exit", "nurture.step:advance", "if signal.at <= moment)", "if signal.at < moment)"),
    Bug("exits are no moments", "nurture.step:_next_moment", "for signal in exits:", "for signal in []:",
        by="two workers find one that fell silent"),
    Bug("verdicts are no moments", "nurture.step:_next_moment", "for touch in facts.touches:", "for touch in []:"),
    Bug("a wait is over an hour early", "nurture.step:advance", "following > now:", "following > now + timedelta(hours=1):",
        by="almost at the end of a wait"),
    Bug("a verdict of later is known now", "nurture.snapshot:_as_of", "touch.settled_at <= now", "touch.settled_at > touch.asked_at"),
    Bug("it is due an hour early", "nurture.engine:_moved", "else micros(found.due),", "else micros(found.due) - 3_600_000_000,"),
    Bug("messages of one instant stand by name", "nurture.engine:in_turn", "plan.order.index(touch.node)", "touch.node",
        by="machine"),
    Bug("only the first enrollment of a lead is woken", f"{STORE}:wake_leads",
        "AND lead_id IN {{many}}",
        "AND id IN (SELECT MIN(id) FROM enrollments WHERE lead_id IN {{many}} GROUP BY lead_id)",
        by="two workers deliver two messages to a capped person"),
    Bug("the same signal is new again", f"{STORE}:hear", "if signal.id not in known:", "if True:",
        by="machine"),
    # Versions and the journal
    Bug("everybody runs the current version", "nurture.engine.plans:get",
        "found = self._ready.get(version_id)\n    if found is None:\n        with self._store.read() as tx:\n"
        "            version = version_by_id(tx, version_id)",
        "from nurture.store.versions import current\n    found = None\n    if found is None:\n"
        "        with self._store.read() as tx:\n            version = current(tx, version_by_id(tx, version_id).campaign)",
        by="machine"),
    Bug("a lead that is moved forgets what it got", f"{STORE}:_carry_messages",
        "[row for row in going if row[2:] not in pending]", "[]",
        by="one delivers, one moves"),
    Bug("a lead is moved while its message is on its way", "nurture.engine:_at_work",
        'message.state == "sending" or', "",
        by="one delivers, one moves"),
    Bug("points count twice", f"{STORE}:change_leads", "score = score + ?", "score = score + 2 * ?"),
    Bug("steps are not numbered on", f"{STORE}:commit", "enumerate(m.steps, m.claimed.steps + 1)", "enumerate(m.steps, 1)"),
    Bug("one that cannot be decided stops the others", "nurture.step:_ask", "except BaseException as error:", "except ZeroDivisionError as error:",
        by="machine"),
)  # fmt: skip
