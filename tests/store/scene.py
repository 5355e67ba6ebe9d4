"""A store with one campaign in it, and short ways to put leads, enrollments and messages there. Times are small numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nurture.store import Store, Tx, touches, versions, workers
from nurture.store import enrollments as stored
from nurture.store.enrollments import Claimed, Moved
from nurture.store.intents import Intent, commit_intents
from nurture.store.touches import Outbound, Settled

__all__ = ["DAY", "Scene", "intent", "moved", "started"]

DAY = 86_400_000_000
LEASE = 60_000_000


class Scene:
    """`with scene.store.write() as tx` for what the short ways do not do."""

    def __init__(self, url: str) -> None:
        self.store = Store(url)
        self.store.migrate()
        with self.store.write() as tx:
            self.version, _ = versions.publish(tx, "c", "hash", "{}", {}, now=0)
            self.worker = workers.enlist(tx, wall=0)

    def close(self) -> None:
        self.store.close()

    def value(self, statement: str, *parameters: Any) -> Any:
        with self.store.read() as tx:
            return tx.value(statement, *parameters)

    def row(self, statement: str, *parameters: Any) -> tuple[Any, ...]:
        with self.store.read() as tx:
            return tuple(tx.row(statement, *parameters))

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.store.read() as tx:
            return [tuple(row) for row in tx.rows(statement, *parameters)]

    def run(self, statement: str, *parameters: Any) -> int:
        with self.store.write() as tx:
            return tx.run(statement, *parameters)

    # Leads and enrollments

    def lead(self, name: str = "ada") -> int:
        with self.store.write() as tx:
            return int(
                tx.value(
                    "INSERT INTO leads (key, email, email_key, fields, created_at, change)"
                    " VALUES (?, ?, ?, '{}', 0, 0) RETURNING id",
                    name, f"{name}@example.com", f"{name}@example.com",
                )
            )  # fmt: skip

    def enrollment(self, lead: int | None = None, *, campaign: str = "c", due: int = 0, node: str = "a") -> int:
        lead = self.lead(f"lead{self.value('SELECT COUNT(*) FROM leads')}") if lead is None else lead
        with self.store.write() as tx:
            return int(
                tx.value(
                    "INSERT INTO enrollments (key, campaign, lead_id, entry, version_id, enrolled_at, node, entered_at,"
                    " status, due_at) VALUES (?, ?, ?, 1, ?, 0, ?, 0, 'waiting', ?) RETURNING id",
                    f"{campaign}/{lead}", campaign, lead, self.version.id, node, due,
                )
            )  # fmt: skip

    def claim(self, *, now: int = 0, wall: int = 0, worker: int | None = None, limit: int = 100) -> list[Claimed]:
        with self.store.write() as tx:
            return stored.claim_due(
                tx, "c", now=now, wall=wall, worker=worker or self.worker, lease_until=wall + LEASE, limit=limit
            )

    def commit(self, *moved: Moved, now: int = 0) -> int:
        with self.store.write() as tx:
            return stored.commit(tx, list(moved), now=now)

    def status(self, enrollment: int) -> tuple[Any, ...]:
        """(status, node, due_at, reason)."""
        return self.row("SELECT status, node, due_at, reason FROM enrollments WHERE id = ?", enrollment)

    # Messages

    def touch(
        self, enrollment: int | None = None, *, node: str = "a", n: int = 0, **columns: Any
    ) -> tuple[int, str, int]:
        """A pending message, due at once; its key."""
        enrollment = self.enrollment(due=DAY) if enrollment is None else enrollment
        lead = self.value("SELECT lead_id FROM enrollments WHERE id = ?", enrollment)
        row = {
            "enrollment_id": enrollment, "node": node, "n": n, "lead_id": lead, "version_id": self.version.id,
            "channel": "email", "content": "hello", "purpose": "marketing", "on_unknown": "hold", "state": "pending",
            "asked_at": 0, "due_at": 0, "expires_at": 14 * DAY, **columns,
        }  # fmt: skip
        self.run(f"INSERT INTO touches ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", *row.values())
        return enrollment, node, n

    def claim_touches(self, *, now: int = 0, wall: int = 0, limit: int = 100) -> list[Outbound]:
        with self.store.write() as tx:
            return touches.claim_pending(
                tx, now=now, wall=wall, worker=self.worker, lease_until=wall + LEASE, limit=limit
            )

    def start(self, *touched: Outbound, at: int = 0, wall: int = 0, cap: int = 0) -> list[str]:
        """Commit intents; the answers."""
        with self.store.write(durable=True) as tx:
            return commit_intents(
                tx,
                [intent(touch, at=at, cap=cap) for touch in touched],
                worker=self.worker,
                lease_until=wall + LEASE,
            )

    def settle(self, *verdicts: Settled, now: int = 0) -> int:
        with self.store.write() as tx:
            return touches.settle(tx, verdicts, now=now)

    def message(self, key: tuple[int, str, int], *columns: str) -> tuple[Any, ...]:
        return self.row(
            f"SELECT {', '.join(columns)} FROM touches WHERE enrollment_id = ? AND node = ? AND n = ?", *key
        )


def intent(touch: Outbound, *, at: int = 0, cap: int = 0, hashed: str = "") -> Intent:
    """To an address of its own for each lead; with `cap`, so many a day."""
    mine = hashed or f"hash of {touch.lead_id}"
    return Intent(touch, mine, (mine, f"phone of {touch.lead_id}"), "id", at, cap, DAY if cap else 0)


def moved(claimed: Claimed, **changed: Any) -> Moved:
    """A look that found nothing, except for what is said."""
    nothing = Moved(
        claimed, claimed.node, claimed.entered_at, False, "waiting", None, "", DAY, None, [], [], [], 0, [], []
    )
    return replace(nothing, **changed)


def step(node: str, outcome: str | None = "next", at: int = 0) -> tuple[Any, ...]:
    return node, 0, at, outcome, "because", None, None


def counted(tx: Tx, table: str) -> int:
    return int(tx.value(f"SELECT COUNT(*) FROM {table}"))


def started(scene: Scene, **columns: object) -> tuple[tuple[int, str, int], Outbound]:
    """A message whose intent was committed at 5."""
    key = scene.touch(**columns)
    (touch,) = scene.claim_touches()
    assert scene.start(touch, at=5) == [""]
    return key, touch
