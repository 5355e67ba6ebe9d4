"""Deployment `trace-lead`: one lead through one campaign, a task per node, so that the run graph *is* the lead's path."""

from __future__ import annotations

from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture

from flows.artifacts import key
from flows.asking import Visit, trace
from flows.common import live_at, open_engine
from flows.forms import Campaign, Moment
from flows.tick import work
from nurture.identity import LeadRef

__all__ = ["trace_lead"]


@flow(name="trace-lead", persist_result=False)
def trace_lead(
    campaign: Campaign,
    lead: str,
    send: bool = False,
    now: Moment = "",
    until: Moment = "",
) -> list[dict[str, str]]:
    """Draws one lead's way through one campaign: open the run, and its graph is the path.

    For a lead in the campaign this is what happened, with the reason of every step. For another lead it is what would
    happen if it never answered; nothing is written and nothing is sent, unless you ask for it.

    Args:
        campaign: Which campaign. The list holds the campaigns in definitions/.
        lead: Which lead, by an id that is no personal data where you have one: id:4711. Parameters can be read by
            everyone who can open this page.
        send: On, the lead enters the campaign, takes its steps and gets its messages.
        now: For tests: pretend that it is this moment, such as 2026-03-02T18:00:00+08:00. Left empty, it is now.
        until: For tests: go on in virtual time until this moment. Left empty, this run ends at once.
    """
    moment, end = live_at(now, until, writing=send)
    with open_engine() as engine:
        if send:
            engine.enroll(campaign, leads=[LeadRef.parse(lead)], now=moment)
            work(engine, moment, end)
        way = trace(engine, campaign, lead, end or moment)
    get_run_logger().info("this happened" if way.lived else "this would happen if the lead never answered")
    before: list[PrefectFuture[Any]] = []
    for visit in way.visits:
        name = f"{visit.node}: {visit.outcome}" if visit.outcome else visit.node
        before = [visited.with_options(task_run_name=name).submit(visit, wait_for=before, return_state=False)]
    for last in before:
        last.wait()
    steps = [_row(visit) for visit in way.visits]
    if steps:
        create_table_artifact(
            steps,
            key=key("trace", campaign),
            description=f"**{campaign}**: {'what happened' if way.lived else 'what would happen without an answer'}",
        )
    return steps


@task(name="node", cache_policy=NO_CACHE, persist_result=False)
def visited(visit: Visit) -> dict[str, str]:
    """One node on the way; its log says why the lead left it as it did."""
    get_run_logger().info("%s: %s", visit.at, visit.because or "no reason needed")
    return _row(visit)


def _row(visit: Visit) -> dict[str, str]:
    return {"node": visit.node, "at": visit.at, "outcome": visit.outcome, "because": visit.because}
