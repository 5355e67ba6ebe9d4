"""`nurture listen`: what came back by mail."""

from __future__ import annotations

from rich.console import Console

from nurture.cli.answer import Answer, text
from nurture.cli.failures import BrokenEnvironment
from nurture.cli.leads import show_numbers
from nurture.cli.opening import opened
from nurture.cli.options import AsJson, Now, clock
from nurture.problems import Problem

__all__ = ["listen"]


def listen(*, json: AsJson = False, now: Now = None) -> Answer:
    """Read what is new in the mailbox of NURTURE_MAILBOX_URL: replies, automatic replies, bounces, opt-outs, complaints.

    Each mail counts once, however often this is called. `nurture tick` and `nurture up` listen by themselves.
    """
    from nurture.engine import listening
    from nurture.mailbox import BadMailbox, MailboxDown

    with opened() as engine:
        if not engine.settings.mailbox_url:
            what = "NURTURE_MAILBOX_URL is not set, so there is no mailbox to read"
            raise BrokenEnvironment(
                [Problem("", "E_SETTING", what, "imaps://user:password@host/INBOX or maildir:///path")]
            )
        try:
            report = listening.listen(engine, now=clock(now))
        except (BadMailbox, MailboxDown) as error:
            raise BrokenEnvironment([Problem("", "E_SETTING", f"NURTURE_MAILBOX_URL: {error}")]) from error
    document = report.as_json()

    def show(on: Console) -> None:
        on.print(text(f"{report.read} mails read"))
        show_numbers(on, document["found"])
        if report.resolved:
            on.print(text(f"{report.resolved} messages that nobody was certain of had left: there is proof now"))

    return Answer(document, show, json)
