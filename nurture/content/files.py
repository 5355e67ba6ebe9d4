"""One content file: its name, its head, its templates, and everything that is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from nurture.content.forms import Form, read_form
from nurture.content.links import links_of
from nurture.content.mail_body import BadSource, Body, from_markdown, from_mjml
from nurture.content.templates import Flaw, Flawed, Kind, Template, compile_template
from nurture.problems import Problem, errors
from nurture.words import did_you_mean, quoted

__all__ = ["FORM", "NAMES", "Source", "Written", "compile_source", "read_name", "uses", "with_advertising_mark"]

NAMES = frozenset("campaign form_url lead postal_address preferences_url sender_name unsubscribe_url view_url".split())
"""What a template is given."""

LONGEST_SUBJECT = 250
LARGEST_PAGE = 512 * 1024
MOST_SLOTS = 50
HEADERS = ("Subject", "Preheader", "Purpose", "Jurisdiction", "Tracking")
FORM = "form"
"""What stands for the channel in the name of a form's file."""
KINDS = ("json", "md", "mjml", "txt")

_file_name = re.compile(
    r"(?P<channel>[a-z][a-z0-9_]{0,31})\.(?P<language>[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})?)\.(?P<kind>[a-z]{2,5})"
).fullmatch
_header = re.compile(r"([A-Za-z][A-Za-z-]*):[ \t]*(.*)").fullmatch
_slot = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{[{%]").finditer
_marked = re.compile(r"[(（\[【]?\s*(?:广告|AD(?![A-Za-z]))").match


@dataclass(frozen=True, slots=True)
class Source:
    """A file as its author wrote it."""

    path: str
    """Below the content folder."""
    content: str
    channel: str
    language: str
    kind: str
    text: str
    folder: str = ""
    """How the content folder is called, for people."""

    def shown_in(self, folder: str) -> Source:
        return replace(self, folder=folder)


@dataclass(frozen=True, slots=True)
class Written:
    """A file, compiled."""

    language: str
    subject: Template | None = None
    text: Template | None = None
    html: Template | None = None
    data: Mapping[str, Template] = field(default_factory=dict)
    advertising: bool = False
    """The subject has to begin with 广告 or AD, as Chinese law wants it."""
    links: tuple[str, ...] = ()
    """Where its links lead, those with slots left out."""
    tracking: bool = True
    """Whether links and a picture may tell what the lead does with it, where the installation asks for that."""
    form: Form | None = None

    def names(self) -> frozenset[str]:
        """What its templates ask for, of all that they may be given."""
        templates = (self.subject, self.text, self.html, *self.data.values())
        return frozenset().union(*(template.names for template in templates if template is not None))


def read_name(path: PurePosixPath, text: str) -> Source | Problem:
    """What a file is, by its name."""
    found = _file_name(path.name)
    if found is None or found["kind"] not in KINDS:
        what = f"the name {quoted(path.name)} does not say what this is"
        return Problem("", "E_CONTENT", what, "names are like email.zh.md, email.en.mjml, sms.zh.txt", file=str(path))
    return Source(str(path), path.parent.name, found["channel"], found["language"], found["kind"], text)


def compile_source(source: Source) -> tuple[Written | None, tuple[Problem, ...]]:
    """The file compiled (None when it has errors), and all its problems."""
    problems: list[Problem] = []
    if "\0" in source.text:
        problems.append(Problem("", "E_CONTENT", "the file holds a NUL; it is not a text"))
        return None, tuple(problems)
    if source.channel == FORM:
        written = _form(source, problems)
    elif source.kind == "json":
        written = _data(source, problems)
    elif source.channel == "email":
        written = _mail(source, problems)
    elif source.kind == "txt":
        text = _template(source.text, "text", problems)
        written = Written(source.language, text=text) if text is not None else None
        if not source.text.strip():
            problems.append(Problem("", "E_CONTENT", "the message is empty"))
    else:
        written = None
        what = f"a {source.kind} file is for e-mail; {source.channel} takes txt or json"
        problems.append(Problem("", "E_CONTENT", what))
    return (None if errors(problems) else written), tuple(problems)


# -- mail -----------------------------------------------------------------------------------------------------------


def _mail(source: Source, problems: list[Problem]) -> Written | None:
    head, body, line = _split(source.text, problems)
    subject_line, subject = head.get("Subject", (1, ""))
    _check_subject(subject_line, subject, problems)
    subject_template = _template(subject, "line", problems, subject_line)
    preheader_line, preheader = head.get("Preheader", (1, ""))
    _template(preheader, "line", problems, preheader_line)
    raw = _template(body, "text", problems, line)
    if not body.strip():
        problems.append(Problem(f"line {line}", "E_CONTENT", "the mail has no body"))
    if raw is None or errors(problems):
        return None
    if head.get("Purpose", (1, "marketing"))[1] == "marketing":
        _check_slots(raw, problems)
    if source.kind == "txt":
        return Written(source.language, subject_template, text=raw)
    try:
        if source.kind == "md":
            made = from_markdown(body, subject=subject, preheader=preheader, language=source.language, line=line)
        else:
            made = from_mjml(body, preheader=preheader, language=source.language, line=line)
    except BadSource as error:
        problems.append(Problem(f"line {line}", "E_CONTENT", str(error)))
        return None
    html, text = _pages(made, problems)
    advertising = head.get("Jurisdiction", (1, ""))[1] == "CN"
    tracking = head.get("Tracking", (1, "on"))[1] == "on"
    return Written(source.language, subject_template, text, html, {}, advertising, links_of(made.html), tracking)


def _split(text: str, problems: list[Problem]) -> tuple[dict[str, tuple[int, str]], str, int]:
    """Header lines, the body, and the line at which it begins."""
    lines = text.replace("\r\n", "\n").split("\n")
    head: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            return head, "\n".join(lines[number:]), number + 1
        found = _header(line)
        if found is None:
            what = "a mail begins with header lines and an empty line, and this is neither"
            problems.append(Problem(f"line {number}", "E_CONTENT", what, "Subject: ..."))
            return head, "\n".join(lines[number - 1 :]), number
        name, value = found[1].capitalize(), found[2].strip()
        where = f"line {number}"
        if name not in HEADERS:
            problems.append(
                Problem(where, "E_CONTENT", f"there is no header {quoted(found[1])}", did_you_mean(name, HEADERS))
            )
        elif name in head:
            problems.append(Problem(where, "E_CONTENT", f"{name} is given twice"))
        elif name == "Purpose" and value not in ("marketing", "service"):
            problems.append(Problem(where, "E_CONTENT", "Purpose is marketing or service"))
        elif name == "Tracking" and value not in ("on", "off"):
            problems.append(Problem(where, "E_CONTENT", "Tracking is on or off"))
        elif name == "Jurisdiction" and value != "CN":
            problems.append(Problem(where, "E_CONTENT", "Jurisdiction is CN, or is left out"))
        head.setdefault(name, (number, value))
    return head, "", len(lines)


def _check_subject(line: int, subject: str, problems: list[Problem]) -> None:
    where = f"line {line}"
    if not subject:
        problems.append(Problem(where, "E_MAIL_SUBJECT", "the mail has no subject", "begin with: Subject: ..."))
    elif len(subject) > LONGEST_SUBJECT:
        what = f"the subject has {len(subject)} characters; inboxes show fewer than 80"
        problems.append(Problem(where, "E_MAIL_SUBJECT", what, f"{LONGEST_SUBJECT} at most"))


def _check_slots(body: Template, problems: list[Problem]) -> None:
    """A marketing mail tells every reader, under any condition, how to stop it and who writes."""
    for name, code, what in (
        ("unsubscribe_url", "E_MAIL_UNSUBSCRIBE", "a marketing mail needs a way to stop it"),
        ("postal_address", "E_MAIL_ADDRESS", "a marketing mail needs the sender's postal address"),
    ):
        if name not in body.always:
            hint = f"put {{{{ {name} }}}} where no condition can hide it, or say Purpose: service above"
            problems.append(Problem("", code, what, hint))


def _pages(made: Body, problems: list[Problem]) -> tuple[Template | None, Template | None]:
    found: list[Template | None] = []
    for source, kind, lines in ((made.html, "html", made.html_lines), (made.text, "text", made.text_lines)):
        try:
            found.append(compile_template(source, "html" if kind == "html" else "text", NAMES, largest=LARGEST_PAGE))
        except Flawed as flawed:
            found.append(None)
            for flaw in flawed.flaws:
                before = [line for line in lines if line <= flaw.line]
                where = f"line {lines[max(before)]}" if before else ""
                problem = Problem(where, "E_TEMPLATE", flaw.what, flaw.hint)
                if problem not in problems:
                    problems.append(problem)
    return found[0], found[1]


def with_advertising_mark(subject: str, language: str) -> str:
    """The subject, beginning with 广告 or AD. Whatever stands before such a mark to hide it does not count as one."""
    visible = subject.lstrip(" \u00a0\u3000\u200b\u200c\u200d\u2060\ufeff")
    if _marked(visible):
        return visible
    return f"(广告) {visible}" if language.startswith("zh") else f"AD: {visible}"


# -- forms ----------------------------------------------------------------------------------------------------------


def _form(source: Source, problems: list[Problem]) -> Written | None:
    if source.kind != "json":
        problems.append(Problem("", "E_CONTENT", "a form is a JSON file", f"form.{source.language}.json"))
        return None
    form, found = read_form(source.text)
    problems += found
    return None if form is None else Written(source.language, form=form)


# -- other channels -------------------------------------------------------------------------------------------------


def _data(source: Source, problems: list[Problem]) -> Written | None:
    """Named slots: a JSON object of texts; objects inside it give names with dots. `text` is also the message's text."""
    try:
        value = json.loads(source.text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        problems.append(Problem(f"line {line}", "E_CONTENT", f"this is not JSON: {getattr(error, 'msg', error)}"))
        return None
    slots: dict[str, str] = {}
    _collect(value, "", slots, problems)
    templates: dict[str, Template] = {}
    for name, text in slots.items():
        template = _template(text, "text", problems, where="/" + name.replace(".", "/"))
        if template is not None:
            templates[name] = template
    return Written(source.language, text=templates.get("text"), data=templates)


def _collect(value: Any, prefix: str, slots: dict[str, str], problems: list[Problem]) -> None:
    where = "/" + prefix.replace(".", "/") if prefix else ""
    if isinstance(value, str):
        slots[prefix] = value
    elif isinstance(value, dict) and prefix.count(".") < 3 and len(slots) < MOST_SLOTS:
        for name, inner in value.items():
            _collect(inner, f"{prefix}.{name}" if prefix else name, slots, problems)
    else:
        hint = "numbers too are written as texts" if isinstance(value, int | float) else ""
        problems.append(Problem(where, "E_CONTENT", "a message is an object of texts", hint))


def _template(
    text: str, kind: Kind, problems: list[Problem], first_line: int = 1, *, where: str = ""
) -> Template | None:
    """The template, with its problems noted; None when it has errors."""
    try:
        template = compile_template(text, kind, NAMES)
    except Flawed as flawed:
        for flaw in flawed.flaws:
            place = where or _place(text, flaw, flaw.line, first_line)
            problems.append(Problem(place, "E_TEMPLATE", flaw.what, flaw.hint))
        return None
    for line, path in template.uncertain:
        what = f"a lead without {path.removeprefix('lead.')} does not get this message"
        hint = f'{{{{ {path}|default("...") }}}} gives it another word'
        place = where or _place(text, None, line, first_line)
        problems.append(Problem(place, "W_MISSING_DEFAULT", what, hint, "warning"))
    return template


def _place(text: str, flaw: Flaw | None, line: int, first_line: int) -> str:
    """Line and column in the file: where the slot begins that is wrong, as far as that can be told apart."""
    lines = text.split("\n")
    if not 0 < line <= len(lines):
        return f"line {first_line}"
    slots = list(_slot(lines[line - 1]))
    guilty = next((slot for slot in slots if flaw is not None and _has(slot[0], flaw)), slots[0] if slots else None)
    return f"line {line + first_line - 1}" + (f", column {guilty.start() + 1}" if guilty else "")


def uses(source: Source, name: str) -> bool:
    """Whether some slot of this file takes this value."""
    return any(re.search(rf"\b{name}\b", slot[0]) for slot in _slot(source.text))


def _has(slot: str, flaw: Flaw) -> bool:
    """Whether this slot alone has this flaw."""
    try:
        compile_template(slot, "text", NAMES)
    except Flawed as flawed:
        return any(found.what == flaw.what for found in flawed.flaws)
    return False
