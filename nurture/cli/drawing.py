"""Verbs that draw or describe: render, schema."""

from __future__ import annotations

import json as jsons
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from nurture.cli.answer import Answer, text
from nurture.cli.finding import campaign_file
from nurture.cli.opening import opened, settings
from nurture.cli.options import AsJson, Flag, Now, clock, usage

if TYPE_CHECKING:
    from nurture.definition import Definition
    from nurture.plan import Plan
    from nurture.settings import Settings

__all__ = ["render", "schema"]


def render(
    campaign: Annotated[str, Parameter(help="The name of a campaign, or its file.")],
    *,
    svg: Annotated[bool, Flag, Parameter(help="As a picture that needs nothing around it (the default).")] = False,
    mermaid: Annotated[bool, Flag, Parameter(help="As text that READMEs and wikis draw.")] = False,
    out: Annotated[Path | None, Parameter(help="Write it here; default: stdout.")] = None,
    counts: Annotated[bool, Flag, Parameter(help="With how many leads came through: the published version.")] = False,
    language: Annotated[str, Parameter(help="Of titles and words: zh, en.")] = "en",
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Draw a campaign."""
    present = clock(now)
    if svg and mermaid:
        raise usage("--svg or --mermaid, one of them")
    drawn: Plan | Definition
    numbers = None
    if counts:
        with opened() as engine:
            numbers = engine.status(campaign, now=present)["campaigns"][0]["nodes"]
            drawn = engine.ready(campaign, now=present).plan
    else:
        drawn = _written(campaign_file(settings(), campaign), settings())
    picture = _draw(drawn, numbers, language, mermaid=mermaid)
    document: dict[str, Any] = {"campaign": drawn.campaign, "format": "mermaid" if mermaid else "svg"}
    if out is None:
        return Answer(document | {"text": picture}, lambda on: on.out(picture, end="", highlight=False), json)
    out.write_text(picture, encoding="utf-8")
    return Answer(document | {"out": str(out)}, lambda on: on.print(text(f"drawn into {out}")), json)


def _written(file: Path, here: Settings) -> Plan | Definition:
    """Raises `Rejected` for what is not a campaign; one that would not compile can still be drawn, with less to say."""
    from nurture import definition
    from nurture.content import Catalogue
    from nurture.engine.publishing import world
    from nurture.plan import compile

    loaded = definition.load(file.read_bytes(), file=str(file))
    return compile(loaded, world(Catalogue.load(here.content)))[0] or loaded


def _draw(drawn: Plan | Definition, numbers: Any, language: str, *, mermaid: bool) -> str:
    if mermaid:
        from nurture.drawing.mermaid import render as as_mermaid

        return as_mermaid(drawn, numbers, language)
    from nurture.drawing.picture import svg as as_svg

    return as_svg(drawn, numbers, language)


def schema(
    *,
    write: Annotated[
        bool, Flag, Parameter(help="Write it to definitions/schema.json, where campaigns look for it.")
    ] = False,
    json: AsJson = False,
) -> Answer:
    """The JSON Schema of campaigns, made from the installed node types: editors complete and explain by it."""
    from nurture.content import Catalogue
    from nurture.registry import channel_types, node_types
    from nurture.schema_json import schema as made

    here = settings()
    document = made(node_types(), channel_types(), Catalogue.load(here.content).names)
    written = jsons.dumps(document, ensure_ascii=False, indent=2) + "\n"
    if not write:
        return Answer(document, lambda on: on.out(written, end="", highlight=False), json)
    file = here.definitions / "schema.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    changed = not file.exists() or file.read_text(encoding="utf-8") != written
    if changed:
        file.write_text(written, encoding="utf-8")

    def show(on: Console) -> None:
        on.print(text(f"{file} {'written' if changed else 'is up to date'}"))

    return Answer({"file": str(file), "changed": changed}, show, json)
