"""From what an author writes (Markdown or MJML, with slots) to the two templates of a mail: its HTML and its text.

While the page is made, every slot is a word of letters and digits, which neither Markdown nor MJML touches; afterwards
the slots are put back. So a slot may stand wherever text or an address may.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from html.parser import HTMLParser
from typing import NamedTuple

from jinja2 import Environment
from markdown_it import MarkdownIt

from nurture.content.mail_layout import hidden_preheader, page

__all__ = ["BadSource", "Body", "from_markdown", "from_mjml"]

_ENVIRONMENT = Environment(trim_blocks=True, lstrip_blocks=True)  # noqa: S701  # splits sources, renders nothing
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "typographer": False}).enable(["table", "strikethrough"])
_braces = re.compile(r"\{(?=[{%#])")
_remote_fonts = re.compile(
    r'<!--\[if !mso\]><!--><link href="https://fonts\.googleapis[^>]*>.*?<!--<!\[endif\]-->', re.DOTALL
)
_active = re.compile(r"<\s*(script|iframe|object|embed|applet|form|base)\b", re.IGNORECASE)
_include = re.compile(r"<\s*mj-include\b", re.IGNORECASE)


class BadSource(ValueError):
    """This source does not make a mail."""


class Body(NamedTuple):
    """The sources of two templates, and for each of their lines the line of the author's source it comes from."""

    html: str
    text: str
    html_lines: Mapping[int, int]
    text_lines: Mapping[int, int]


class _Slots:
    """Takes the slots out of sources, and puts them back into what was made of these."""

    def __init__(self, *sources: str) -> None:
        together = "\n".join(sources)
        number = 0
        while f"zq{number}x" in together:
            number += 1
        self._word = f"zq{number}x"
        self._tags: list[tuple[str, int]] = []
        self._pattern = re.compile(rf"{self._word}(\d+)xqz")

    def taken_out(self, source: str, first_line: int, *, blocks_apart: bool = False) -> str:
        """The source with a word for every slot. `blocks_apart`: a tag alone on its line becomes a paragraph."""
        pieces: list[str] = []
        tag = ""
        for _, part, text in _ENVIRONMENT.lexer.tokeniter(source, None):
            if tag or part.endswith("_begin"):
                tag += text
                if part.endswith("_end"):
                    self._tags.append((tag, first_line))
                    word = f"{self._word}{len(self._tags) - 1}xqz"
                    alone = blocks_apart and part == "block_end" and (not pieces or pieces[-1].endswith("\n"))
                    pieces.append(f"\n{word}\n\n" if alone else word)
                    tag = ""
            else:
                pieces.append(text)
            first_line += text.count("\n")
        return "".join(pieces)

    def put_back(self, made: str) -> tuple[str, dict[int, int]]:
        """The template's source, and where its lines come from."""
        pieces: list[str] = []
        lines: dict[int, int] = {}
        line, at = 1, 0
        for word in self._pattern.finditer(made):
            tag, origin = self._tags[int(word[1])]
            literal = made[at : word.start()]
            line += literal.count("\n")
            lines.setdefault(line, origin)
            line += tag.count("\n")
            pieces += (_literal(literal), tag)
            at = word.end()
        pieces.append(_literal(made[at:]))
        return "".join(pieces), lines

    @property
    def alone(self) -> re.Pattern[str]:
        """A paragraph of nothing but one slot that is a tag, as `taken_out` sets it apart."""
        blocks = "|".join(str(n) for n, (tag, _) in enumerate(self._tags) if tag.startswith("{%"))
        return re.compile(rf"<p>({self._word}(?:{blocks or 'none'})xqz)</p>")


def _literal(text: str) -> str:
    """Text that is text even where it looks like a slot, as entities in the source may."""
    return _braces.sub('{{ "{" }}', text)


def from_markdown(source: str, *, subject: str, preheader: str, language: str, line: int) -> Body:
    """A mail from Markdown; raw HTML in it stays text. `line` is the line of the file at which it begins."""
    slots = _Slots(source, subject, preheader)
    words = slots.taken_out(source, line, blocks_apart=True)
    made = slots.alone.sub(r"\1", _MARKDOWN.render(words))
    title, hidden = (escape(slots.taken_out(text, 1)) for text in (subject, preheader))
    return _body(slots, page(made, language=language, title=title, preheader=hidden))


def from_mjml(source: str, *, preheader: str, language: str, line: int) -> Body:
    """A mail from MJML. Raises `BadSource`."""
    import mjml

    if _include.search(source):
        raise BadSource("mj-include reads other files; put everything into this one")
    slots = _Slots(source, preheader)
    words = slots.taken_out(source, line)
    try:
        made = mjml.mjml2html(words.strip())
    except ValueError as error:
        raise BadSource(f"this is not MJML: {error}") from None
    # A mail that fetches a font tells a stranger that it was opened.
    made = _remote_fonts.sub("", made)
    made = made.replace('lang="und"', f'lang="{escape(language, quote=True)}"')
    hidden = hidden_preheader(escape(slots.taken_out(preheader, 1)))
    made = re.sub(r"<body[^>]*>", lambda body: body[0] + hidden, made, count=1)
    return _body(slots, made)


def _body(slots: _Slots, made: str) -> Body:
    active = _active.search(made)
    if active:
        raise BadSource(f"<{active[1].lower()}> does nothing in a mail but make it look like an attack")
    html, html_lines = slots.put_back(made)
    text, text_lines = slots.put_back(_text_of(made))
    return Body(html, text, html_lines, text_lines)


def _text_of(html: str) -> str:
    """The page as a person would type it."""
    reader = _Typist()
    reader.feed(html)
    reader.close()
    return reader.typed()


_SILENT = frozenset({"head", "style", "script", "title"})
_APART = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "table", "pre", "hr"})
_BREAKS = frozenset({"br", "div", "tr", "li", "td"})
_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})


class _Typist(HTMLParser):
    """Keeps words, paragraphs, list marks and where links lead."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._silent: list[str] = []
        self._links: list[tuple[str, int]] = []
        self._lists: list[int | None] = []
        self._pre = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if self._silent:
            if tag not in _VOID:
                self._silent.append(tag)
            return
        if (
            tag in _SILENT
            or given.get("aria-hidden") == "true"
            or "display:none" in (given.get("style") or "").replace(" ", "")
        ):
            if tag not in _VOID:
                self._silent.append(tag)
            return
        if tag in _APART:
            self._pieces.append("\n\n")
        elif tag in _BREAKS:
            self._pieces.append("\n")
        match tag:
            case "ul":
                self._lists.append(None)
            case "ol":
                self._lists.append(0)
            case "li":
                self._pieces.append(self._mark())
            case "a":
                self._links.append((given.get("href") or "", len(self._pieces)))
            case "img":
                self._pieces.append(given.get("alt") or "")
            case "hr":
                self._pieces.append("-----")
                self._pieces.append("\n\n")
            case "pre":
                self._pre += 1

    def _mark(self) -> str:
        if self._lists and self._lists[-1] is not None:
            self._lists[-1] += 1
            return f"{self._lists[-1]}. "
        return "- "

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            if tag in self._silent:
                while self._silent.pop() != tag:
                    pass
            return
        if tag == "a" and self._links:
            href, start = self._links.pop()
            shown = "".join(self._pieces[start:]).strip()
            if href and href != shown and not href.startswith("#"):
                self._pieces.append(f" ({href})" if shown else href)
        elif tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        elif tag == "pre" and self._pre:
            self._pre -= 1
        if tag in _APART:
            self._pieces.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._pieces.append(data if self._pre else re.sub(r"[ \t\r\n\f]+", " ", data))

    def typed(self) -> str:
        text = "".join(self._pieces)
        lines = [line.strip() for line in text.split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
