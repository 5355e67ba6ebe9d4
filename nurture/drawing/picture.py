"""A campaign as a picture: one SVG that needs nothing around it, in light and dark, with counts where there are any.

It can stand in a page, in a file, or as the data URI of an image; it holds no script and refers to nothing outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from nurture.definition import Definition
from nurture.drawing.layout import Laid, Link, Size, arrange
from nurture.drawing.sketch import Arrow, Box, Counts, Sketch, number, sketch
from nurture.plan import Plan
from nurture.words import safe

__all__ = ["svg"]

MARGIN = 28.0
NARROWEST, BROADEST = 148.0, 264.0
TITLE_SIZE, TEXT_SIZE, LABEL_SIZE, HEADING_SIZE = 14.0, 12.0, 12.0, 19.0
INSIDE = 46.0
"""What a box needs beside its text: the icon and the edges."""

STYLE = """
svg { --paper: #fbfbf9; --ink: #1d2733; --soft: #66717f; --line: #9aa5b1; --box: #ffffff; --edge: #d9dee4;
  --message: #2563c9; --wait: #b9770e; --question: #7a4fc4; --change: #16836f; --end: #5d6875; --here: #d6336c; }
@media (prefers-color-scheme: dark) { svg { --paper: #14181d; --ink: #e7ebf0; --soft: #9aa6b4; --line: #66727f;
  --box: #1d232a; --edge: #353e48; --message: #6ea2f5; --wait: #e0a63f; --question: #b193f0; --change: #4fc0aa;
  --end: #a3aebb; --here: #f06595; } }
text { font-family: system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
  fill: var(--ink); }
.paper { fill: var(--paper); } .heading { font-size: 19px; font-weight: 650; } .note { font-size: 12px; fill: var(--soft); }
.box { fill: var(--box); stroke: var(--edge); } .title { font-size: 14px; font-weight: 600; }
.detail, .count { font-size: 12px; fill: var(--soft); } .count { font-variant-numeric: tabular-nums; }
.arrow { fill: none; stroke: var(--line); stroke-linecap: round; } .head { fill: var(--line); }
.pill { fill: var(--paper); } .label { font-size: 12px; text-anchor: middle; font-variant-numeric: tabular-nums; }
.round { fill: var(--paper); stroke: var(--line); stroke-width: 1.5; } .word { font-size: 12px; text-anchor: middle;
  fill: var(--soft); } .badge { fill: var(--here); } .waiting { font-size: 11px; font-weight: 650; text-anchor: middle;
  fill: var(--paper); font-variant-numeric: tabular-nums; }
.icon { fill: none; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; }
.message { stroke: var(--message); } .wait { stroke: var(--wait); } .question { stroke: var(--question); }
.change { stroke: var(--change); } .end { stroke: var(--end); }
.bar.message { fill: var(--message); } .bar.wait { fill: var(--wait); } .bar.question { fill: var(--question); }
.bar.change { fill: var(--change); } .bar.end { fill: var(--end); } .bar { stroke: none; }
"""

ICONS = {
    "message": "M1 3.5h14v9.5h-14z M1.5 4l6.5 5 6.5-5",
    "wait": "M8 1.500a6.5 6.5 0 1 0 .01 0z M8 4.500v3.700l2.6 1.6",
    "question": "M8 1v5 M8 6l-5 5v4 M8 6l5 5v4",
    "change": "M2 14l1-4 8-8 3 3-8 8z M9 4l3 3",
    "end": "M3.5 15v-13 M3.5 2.500h9l-2.5 3.25 2.5 3.25h-9",
}
"""Drawn in a square of 16."""


def svg(campaign: Plan | Definition, counts: Counts | None = None, language: str = "en", *, widest: float = 5.0) -> str:
    """The picture as SVG text. `counts` is what `nurture status` says of the campaign's nodes; titles are in `language`;
    `widest` is how wide the arrow is that most leads took: the others are by their share of it."""
    shown = sketch(campaign, counts, language)
    sizes = {box.id: _size(box) for box in shown.boxes}
    links = [
        Link(arrow.source, arrow.target, _label_size(arrow), close=arrow.target.startswith(f"{arrow.source}>"))
        for arrow in shown.arrows
    ]
    laid = arrange(sizes, links)
    heading, note = _cut(shown.title, HEADING_SIZE, 900.0), _cut(shown.note, TEXT_SIZE, 900.0)
    width = max(laid.width, _wide(heading, HEADING_SIZE), _wide(note, TEXT_SIZE), 240.0) + 2 * MARGIN
    left = (width - laid.width) / 2
    top = MARGIN + 42.0
    height = top + laid.height + MARGIN + (26.0 if note else 0.0)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}" '
            f'height="{_n(height)}" role="img" aria-label={_attribute(shown.title)} lang={_attribute(language)}>'
        ),
        f"<title>{_escaped(shown.title)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{_n(width)}" height="{_n(height)}" rx="10"/>',
        f'<text class="heading" x="{_n(MARGIN)}" y="{_n(MARGIN + 14)}">{_escaped(heading)}</text>',
        f'<g transform="translate({_n(left)} {_n(top)})">',
        *_arrows(shown, laid, widest),
        *(_node(box, *laid.boxes[box.id], sizes[box.id], language) for box in shown.boxes),
        "</g>",
    ]
    if note:
        parts.append(f'<text class="note" x="{_n(MARGIN)}" y="{_n(height - MARGIN + 6)}">{_escaped(note)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _size(box: Box) -> Size:
    if ">" in box.id:
        return Size(max(_wide(_round_text(box), LABEL_SIZE) + 24.0, 52.0), 26.0)
    text = max(_wide(box.title, TITLE_SIZE), _wide(box.detail, TEXT_SIZE))
    return Size(min(max(text + INSIDE + 14.0, NARROWEST), BROADEST), 56.0 if box.entered is None else 76.0)


def _round_text(box: Box) -> str:
    """`accepted · 2,600 → end`"""
    words = [_cut(box.detail, LABEL_SIZE, 170.0)] if box.detail else []
    count = [number(box.entered)] if box.entered is not None else []
    if box.kind == "entry":
        return " ".join([box.title, *count])
    return " → ".join([" · ".join([*words, *count]), box.title] if words or count else [box.title])


def _label(arrow: Arrow) -> str:
    words = _cut(arrow.label, LABEL_SIZE, 170.0)
    return words if arrow.count is None else f"{words} · {number(arrow.count)}" if words else number(arrow.count)


def _label_size(arrow: Arrow) -> Size:
    text = _label(arrow)
    return Size(_wide(text, LABEL_SIZE) + 14.0, 20.0) if text else Size(0.0, 0.0)


def _arrows(shown: Sketch, laid: Laid, widest: float) -> list[str]:
    """Lines first, labels over them."""
    lines, labels = [], []
    for arrow, path, at in zip(shown.arrows, laid.paths, laid.labels, strict=True):
        thick = 1.5 + (widest - 1.5) * arrow.share
        lines.append(f'<path class="arrow" stroke-width="{_n(thick)}" d="{_drawn(path)}"/>')
        tip_x, tip_y = path[-1][0], path[-1][1]
        # A link that goes against the order comes from below.
        side = 7.0 if path[0][1] < tip_y else -7.0
        lines.append(f'<path class="head" d="M{_n(tip_x)} {_n(tip_y)}l-4.5 {_n(-side)}h9z"/>')
        text = _label(arrow)
        if text and at is not None:
            x, y = at
            wide = _wide(text, LABEL_SIZE) + 12.0
            labels.append(
                f'<rect class="pill" x="{_n(x - wide / 2)}" y="{_n(y - 10)}" width="{_n(wide)}" height="20" rx="6"/>'
                f'<text class="label" x="{_n(x)}" y="{_n(y + 4)}">{_escaped(text)}</text>'
            )
    return [*lines, *labels]


def _drawn(path: Sequence[tuple[float, float, float]]) -> str:
    x, _, y = path[0]
    drawn = [f"M{_n(x)} {_n(y)}"]
    for n, (next_x, begin, end) in enumerate(path[1:], start=2):
        # The last piece ends in the arrow's head, which is not to be painted over.
        if n == len(path):
            begin = end = begin - (5.0 if begin > y else -5.0)
        half = (y + begin) / 2
        drawn.append(f"C{_n(x)} {_n(half)} {_n(next_x)} {_n(half)} {_n(next_x)} {_n(begin)}")
        if end != begin:
            drawn.append(f"V{_n(end)}")
        x, y = next_x, end
    return "".join(drawn)


def _node(box: Box, x: float, y: float, size: Size, language: str) -> str:
    left, top = x - size.width / 2, y - size.height / 2
    if ">" in box.id:
        return (
            f'<g><rect class="round" x="{_n(left)}" y="{_n(top)}" width="{_n(size.width)}" height="{_n(size.height)}" '
            f'rx="{_n(size.height / 2)}"/><text class="word" x="{_n(x)}" y="{_n(y + 4)}">{_escaped(_round_text(box))}</text></g>'
        )
    room = size.width - INSIDE - 6.0
    words = [
        f"<g data-node={_attribute(box.id)}><title>{_escaped(f'{box.id}: {box.detail}')}</title>",
        f'<rect class="box" x="{_n(left)}" y="{_n(top)}" width="{_n(size.width)}" height="{_n(size.height)}" rx="9"/>',
        f'<path class="bar {box.kind}" d="M{_n(left + 5)} {_n(top)}h-1a4 9 0 0 0 -4 9v{_n(size.height - 18)}a4 9 0 0 0 4 9h1z"/>',
        f'<path class="icon {box.kind}" transform="translate({_n(left + 16)} {_n(top + 14)})" d="{ICONS[box.kind]}"/>',
        f'<text class="title" x="{_n(left + INSIDE - 6)}" y="{_n(top + 25)}">{_escaped(_cut(box.title, TITLE_SIZE, room))}</text>',
        f'<text class="detail" x="{_n(left + INSIDE - 6)}" y="{_n(top + 43)}">{_escaped(_cut(box.detail, TEXT_SIZE, room))}</text>',
    ]
    if box.entered is not None:
        text = f"进入 {number(box.entered)}" if language.startswith("zh") else f"{number(box.entered)} entered"
        words.append(f'<text class="count" x="{_n(left + INSIDE - 6)}" y="{_n(top + 63)}">{text}</text>')
    if box.here:
        text = f"停留 {number(box.here)}" if language.startswith("zh") else f"{number(box.here)} here"
        wide = _wide(text, 11.0) + 16.0
        words.append(
            f'<rect class="badge" x="{_n(left + size.width - wide + 8)}" y="{_n(top - 9)}" width="{_n(wide)}" height="18" rx="9"/>'
            f'<text class="waiting" x="{_n(left + size.width - wide / 2 + 8)}" y="{_n(top + 4)}">{text}</text>'
        )
    return "".join(words) + "</g>"


def _wide(text: str, size: float) -> float:
    """About how wide a text is in a common sans serif; Chinese characters are squares."""
    return size * sum(1.0 if char > "\u2e80" else 0.42 if char in " .,:;'|!iljtfr·()[]/" else 0.66 for char in text)


def _cut(text: str, size: float, room: float) -> str:
    if _wide(text, size) <= room:
        return text
    while text and _wide(text, size) > room - size:
        text = text[:-1]
    return text.rstrip(" ·,/") + "…"


def _escaped(text: str) -> str:
    return escape(safe(text))


def _attribute(text: str) -> str:
    return quoteattr(safe(text))


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
