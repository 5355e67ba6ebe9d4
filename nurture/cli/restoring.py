"""`nurture restore`: a backup was put back, and a person decides what may have left since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from nurture.cli.answer import Answer, table, text
from nurture.cli.opening import opened
from nurture.cli.options import AsJson, Flag, Now, clock, moment, usage

__all__ = ["restore"]


def restore(
    *,
    since: Annotated[
        datetime | None,
        Parameter(converter=moment, help="Hold everything: what happened since then is not in this database."),
    ] = None,
    opt_outs: Annotated[Path | None, Parameter(help="A web server's log: whoever opted out there is out.")] = None,
    left: Annotated[
        Path | None, Parameter(help="The relay's log: messages whose Message-ID is in it have left, the others go out.")
    ] = None,
    as_sent: Annotated[bool, Flag, Parameter(help="What is held may have left: it counts as sent.")] = False,
    release: Annotated[bool, Flag, Parameter(help="Nothing of it had left: it goes out.")] = False,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Show what is held since a backup was put back, and decide about it. Opt-outs first; nothing is sent by this."""
    from nurture.engine import recognising, restoring

    present = clock(now)
    if sum((left is not None, as_sent, release)) > 1:
        raise usage("--left FILE, --as-sent or --release: one of them", "see: nurture restore --help")
    decided: dict[str, Any] = {}
    with opened() as engine:
        if since is not None:
            recognising.enter_by_hand(engine.store, since)
        if opt_outs is not None:
            decided["opted_out"] = restoring.opt_outs_in(engine, _lines(opt_outs), now=present)
        document = restoring.review(engine, now=present)
        if (left or as_sent or release) and document["restored"] is None:
            what = "there is nothing to decide: this database is the one that was left"
            raise usage(what, "a snapshot of the whole machine cannot be told from it: `nurture restore --since TIME`")
        if left is not None:
            done = restoring.by_log(engine, restoring.ids_in(_lines(left)), now=present)
        elif as_sent or release:
            done = restoring.by_word(engine, left=as_sent, now=present)
        else:
            done = None
        if done is not None:
            decided |= {"counted_as_sent": done.counted_as_sent, "going_out": done.going_out}
    undecided = document["restored"] is not None and done is None

    def show(on: Console) -> None:
        if document["restored"] is None:
            on.print(text("nothing is held: this database is the one that was left", style="green"))
            return
        show_held(on, document)
        if "opted_out" in decided:
            on.print(text(f"{decided['opted_out']} people had opted out"))
        if done is not None:
            on.print(text(f"{done.counted_as_sent} messages count as sent, {done.going_out} go out with the next tick"))
        else:
            on.print(
                text("opt-outs since then are not known here: bring them back first (--opt-outs, `nurture signal`)")
            )
            on.print(text("then decide: --left FILE (what the relay's log knows), --as-sent or --release"))

    return Answer(document | {"decided": decided or None}, show, json, status=1 if undecided else 0)


def show_held(on: Console, document: Mapping[str, Any]) -> None:
    held = document["held"]
    on.print(text(f"a backup was put back: {document['restored']}", style="bold red"))
    on.print(text(f"held: {held['sending']} messages that were on their way, {held['pending']} that would go out now"))
    if document["messages"]:
        rows = table(on, "asked for", "lead", "campaign", "node", "Message-ID")
        for one in document["messages"]:
            when = str(one["asked_at"])[:16].replace("T", " ")
            rows.add_row(
                *(text(word or "") for word in (when, one["lead"], one["campaign"], one["node"], one["message_id"]))
            )
        on.print(rows)
    for one in document["due"]:
        line = f"{one['leads']:,} leads of {one['campaign']} would go on from {one['node']}, the first since {one['since']}"
        on.print(text(line))


def _lines(file: Path) -> Iterator[str]:
    with file.open(encoding="utf-8", errors="replace") as lines:
        yield from lines
