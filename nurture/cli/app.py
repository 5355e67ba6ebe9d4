"""The verbs, and where each of them is: names and sentences only, so that asking for help costs nothing."""

from __future__ import annotations

from inspect import getdoc

from cyclopts import App, Group, Parameter

__all__ = ["VERBS", "app"]

WRITE = Group.create_ordered("Campaigns")
MOVE = Group.create_ordered("Leads")
TELL = Group.create_ordered("What happens, and why")
HOUSE = Group.create_ordered("The house")

VERBS = (
    (WRITE, "check", "campaigns:check", "All problems of campaigns, each with its place and a hint."),
    (WRITE, "story", "stories:story", "Live the marketers' stories, and say where a campaign leaves one."),
    (WRITE, "simulate", "simulating:simulate", "Walk invented leads through a campaign; nobody is written to."),
    (WRITE, "render", "drawing:render", "Draw a campaign as SVG or Mermaid, with counts if asked."),
    (WRITE, "publish", "campaigns:publish", "Store campaigns as versions, with all they refer to."),
    (WRITE, "versions", "campaigns:versions", "Which versions there are, and who runs them."),
    (WRITE, "diff", "campaigns:diff", "How two versions differ, in words."),
    (WRITE, "rollback", "campaigns:rollback", "Give new leads an older version again."),
    (WRITE, "pause", "campaigns:pause", "Stop a campaign: no decision, no message."),
    (WRITE, "resume", "campaigns:resume", "Let a paused campaign go on where it was."),
    (MOVE, "import", "leads:import_", "Take leads in from a CSV or XLSX file."),
    (MOVE, "backfill", "leads:backfill", "Import leads and enroll them where their history implies."),
    (MOVE, "enroll", "leads:enroll", "Enroll leads that are known already."),
    (MOVE, "remove", "leads:remove", "Take one lead out of a campaign, with a reason."),
    (MOVE, "signal", "signals:signal", "Something happened on the lead's side."),
    (MOVE, "consent", "rights:consent", "Put on record that a lead has given or withdrawn consent."),
    (MOVE, "suppress", "rights:suppress", "No more messages to these people, on any address or channel."),
    (MOVE, "unsuppress", "rights:unsuppress", "Take a suppression back, with a reason."),
    (MOVE, "forget", "rights:forget", "Wipe everything personal of a lead."),
    (MOVE, "listen", "listening:listen", "Read what came back by mail: replies, bounces, opt-outs."),
    (MOVE, "tick", "running:tick", "Decide and deliver all that is due."),
    (MOVE, "retry", "running:retry", "Try stuck leads again."),
    (TELL, "status", "telling:status", "Where all leads are, and whether the numbers add up."),
    (TELL, "report", "telling:report", "How a campaign does: funnel, contents, days; as a page, too."),
    (TELL, "history", "telling:history", "One lead's way, step by step, with the reasons."),
    (TELL, "export", "rights:export", "Everything there is about a lead, for the lead itself."),
    (TELL, "replay", "running:replay", "Decide again from the journal, and compare."),
    (
        HOUSE,
        "demo",
        "nurture.demo:demo",
        "See it work: invented leads, real e-mail to a local catcher, weeks in a minute.",
    ),
    (HOUSE, "up", "serving:up", "The whole system on this machine; one Ctrl-C stops all of it."),
    (HOUSE, "web", "serving:web", "The endpoints and the canvas, without Prefect."),
    (HOUSE, "restore", "restoring:restore", "After a backup was put back: see what is held, and decide."),
    (HOUSE, "doctor", "doctor:doctor", "Is this installation well?"),
    (HOUSE, "schema", "drawing:schema", "The JSON Schema of campaigns, for editors."),
)


def _version() -> str:
    from importlib.metadata import version

    return version("nurtureflow")


def app(called: str = "") -> App:
    """All verbs. Of the one that is called `--help` says more than its sentence here: its docstring."""
    made = App(
        name="nurture",
        help="Walks leads through campaigns that marketers draw and engineers can trust.",
        help_epilogue="`nurture COMMAND --help` says more of each.",
        help_format="plaintext",
        version=_version,
        default_parameter=Parameter(negative=(), show_default=_worth_showing),
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    for order, (group, name, place, sentence) in enumerate(VERBS):
        path = place if place.startswith("nurture.") else f"nurture.cli.{place}"
        made.command(path, name=name, help=sentence, help_epilogue="", group=group, sort_key=order)
    if any(called == name for _, name, _, _ in VERBS):
        verb = made[called]
        verb.help = _in_paragraphs(getdoc(verb.default_command) or "")
    return made


def _in_paragraphs(docstring: str) -> str:
    """Without the line breaks that the code's width asked for: the terminal has its own."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in docstring.split("\n\n"))


def _worth_showing(default: object) -> str | None:
    return None if default in (None, (), "") else str(default)
