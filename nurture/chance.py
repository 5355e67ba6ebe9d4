"""Where chance may fall: the outcomes that a node gives for different dice, everything else being equal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nurture.node import Go
from nurture.snapshot import Facts, Lead, Snapshot

if TYPE_CHECKING:
    from nurture.plan import Plan, PlannedNode

__all__ = ["arms"]

THROWS = 1_000
_WHENEVER = datetime(2000, 1, 1, tzinfo=UTC)


def arms(planned: PlannedNode, plan: Plan) -> dict[str, float]:
    """Outcome to a throw in [0, 1) that gives it, in the order of the throws; fewer than two where chance has no say.

    Asks the node about a lead of whom nothing is known, and needs no knowledge of any node type. Arms of less than a
    thousandth may be missed.
    """
    falls: dict[str, float] = {}
    throw = 0.0
    facts = Facts(plan.campaign, (), (), lambda: Lead({}), lambda _: throw, plan.calendar)
    for n in range(THROWS):
        throw = (n + 0.5) / THROWS
        try:
            answer = planned.node.decide(Snapshot(facts, planned.id, _WHENEVER, _WHENEVER))
        except Exception:  # noqa: BLE001  # a node that needs to know the lead is not one that chance decides
            return {}
        if not isinstance(answer, Go) or answer.outcome is None:
            return {}
        falls.setdefault(answer.outcome, throw)
    return falls
