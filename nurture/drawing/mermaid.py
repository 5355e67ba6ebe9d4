"""A campaign as Mermaid text, for places that draw it themselves: a README, a pull request, a wiki."""

from __future__ import annotations

from nurture.definition import Definition
from nurture.drawing.sketch import Box, Counts, number, sketch
from nurture.plan import Plan
from nurture.words import safe

__all__ = ["render"]

SHAPES = {
    "entry": ("([", "])"),
    "message": ("[", "]"),
    "wait": ("(", ")"),
    "question": ("{{", "}}"),
    "change": ("[", "]"),
    "end": ("([", "])"),
}
COLOURS = {
    "message": "#2563c9",
    "wait": "#b9770e",
    "question": "#7a4fc4",
    "change": "#16836f",
    "end": "#5d6875",
}


def render(campaign: Plan | Definition, counts: Counts | None = None, language: str = "en") -> str:
    """The flowchart. `counts` is what `nurture status` says of the campaign's nodes; titles are in `language`."""
    shown = sketch(campaign, counts, language)
    # Ids and classes of our own: `end`, `graph`, `style` and others are words of Mermaid's.
    ids = {box.id: f"n{n}" for n, box in enumerate(shown.boxes)}
    lines = ["---", f"title: {_quoted(shown.title)}", "---", "flowchart TD"]
    for box in shown.boxes:
        first, last = SHAPES[box.kind]
        lines.append(f'    {ids[box.id]}{first}"{_words(box, language)}"{last}:::is_{box.kind}')
    for arrow in shown.arrows:
        words = [_text(arrow.label)] if arrow.label else []
        words += [number(arrow.count)] if arrow.count is not None else []
        joined = " · ".join(words)
        label = f'|"{joined}"|' if words else ""
        lines.append(f"    {ids[arrow.source]} -->{label} {ids[arrow.target]}")
    # Borders only, so that text keeps its contrast on light and dark pages.
    lines += [f"    classDef is_{kind} stroke:{colour},stroke-width:2px" for kind, colour in COLOURS.items()]
    lines.append("    classDef is_entry stroke-width:1px")
    return "\n".join(lines) + "\n"


def _words(box: Box, language: str) -> str:
    if ">" in box.id:
        before = [_text(box.detail)] if box.detail else []
        before += [number(box.entered)] if box.entered is not None else []
        title = _text(box.title)
        if box.kind == "entry":
            return " ".join([title, *before])
        return f"{' · '.join(before)} → {title}" if before else title
    lines = [f"<b>{_text(box.title)}</b>", f"<small>{_text(box.detail)}</small>"]
    if box.entered is not None:
        entered, here = ("进入", "停留") if language.startswith("zh") else ("entered", "here")
        lines.append(f"{entered} {number(box.entered)}" + (f" · {here} {number(box.here)}" if box.here else ""))
    return "<br/>".join(lines)


def _text(text: str) -> str:
    """As Mermaid writes characters that mean something to it: `#34;`. A page that shows this runs nothing of it."""
    kept = " .,:·-_/…%+=，。：、"
    return "".join(char if char.isalnum() or char in kept else f"#{ord(char)};" for char in safe(text))


def _quoted(text: str) -> str:
    """A title in the head, which is YAML: in single quotes nothing but the quote itself means anything."""
    return "'" + safe(text).replace("'", "''") + "'"
