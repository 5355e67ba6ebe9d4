"""`nurture doctor`: is this installation well?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Console

from nurture.cli.answer import Answer, table, text
from nurture.cli.opening import settings
from nurture.cli.options import AsJson, Now, clock, usage

if TYPE_CHECKING:
    from nurture.engine.checkup import Finding

__all__ = ["doctor"]


def _of_sender(domain: str) -> list[Finding]:
    from nurture.engine.checkup import Finding
    from nurture.engine.preflight import sender_findings

    try:
        return [Finding(one.what, one.state, one.said, one.hint) for one in sender_findings(settings(), domain)]
    except ValueError as error:
        raise usage(f"--sender {domain}: {error}") from error


STYLES = {"ok": "green", "warning": "yellow", "alarm": "bold red"}


def doctor(
    *,
    sender: Annotated[
        str | None,
        Parameter(help="Instead: what the world's mail systems find about this domain: SPF, DKIM, DMARC, MX, relay."),
    ] = None,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Look at everything this installation needs: database, plugins, content, mail, and whether leads move.

    Nothing is changed, and nobody is written to. Exit status 1: there is an alarm.
    """
    from nurture.engine.checkup import checkup

    findings = list(checkup(settings(), now=clock(now))) if sender is None else _of_sender(sender)
    alarms = sum(finding.state == "alarm" for finding in findings)

    def show(on: Console) -> None:
        rows = table(on, "", "looked at", "found")
        for finding in findings:
            found = text(finding.what)
            if finding.hint and finding.state != "ok":
                found.append(f" ({finding.hint})", style="dim")
            rows.add_row(text(finding.state, STYLES[finding.state]), text(finding.check), found)
        on.print(rows)
        said = f"{alarms} alarms" if alarms > 1 else "an alarm" if alarms else "well"
        on.print(text(said, style="bold red" if alarms else "bold green"))

    document = {"alarms": alarms, "checks": [finding.as_json() for finding in findings]}
    return Answer(document, show, json, status=1 if alarms else 0)
