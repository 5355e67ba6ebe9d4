"""What leads get to read: files in the content folder, compiled once for a version, rendered for each lead.

`content/<name>/<channel>.<language>.<kind>`: `email.zh.md`, `email.en.mjml`, `wechat.zh.json`, `sms.zh.txt`. A mail begins
with header lines (`Subject`, and if wanted `Preheader`, `Purpose: service`, `Jurisdiction: CN`) and an empty line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from nurture.channels.base import Rendered
from nurture.channels.headers import BadHeader, clean_header
from nurture.content.files import FORM, NAMES, Source, Written, compile_source, read_name, uses, with_advertising_mark
from nurture.content.forms import Form
from nurture.content.links import link_name
from nurture.content.template_filters import CannotRender
from nurture.problems import Problem, errors
from nurture.words import did_you_mean, quoted

__all__ = ["NAMES", "CannotRender", "Catalogue", "Content"]

LARGEST_FILE = 64 * 1024
LONGEST_SUBJECT = 500

_content_name = re.compile(r"[a-z0-9_-]{1,64}").fullmatch
_empty_lines = re.compile(r"\n{3,}")


@dataclass(frozen=True)
class Content:
    """All the messages that a version may send, ready to be rendered."""

    _written: Mapping[tuple[str, str], Mapping[str, Written]]
    """By content and channel, then by language."""
    _names: Mapping[tuple[str, str], frozenset[str]]
    """By content and channel: what their templates ask for, in any language."""
    _broken: Mapping[tuple[str, str], str]
    """What cannot be used, and why: it stops its own messages, and nobody else's."""

    @classmethod
    def compile(cls, files: Mapping[str, str]) -> Content:
        """From the files of a version: path below the content folder to text.

        Nothing is raised here. Publishing has checked the files; should a later release of ours refuse one of them,
        `render` says so for the messages that need it.
        """
        written: dict[tuple[str, str], dict[str, Written]] = {}
        broken: dict[tuple[str, str], str] = {}
        for path in sorted(files):
            source = read_name(PurePosixPath(path), files[path])
            if isinstance(source, Problem):
                continue
            key = (source.content, source.channel)
            made, problems = _compiled(source)
            if made is None:
                broken[key] = f"{path}: {errors(problems)[0].what}"
            else:
                written.setdefault(key, {})[source.language] = made
        names = {key: frozenset().union(*(one.names() for one in made.values())) for key, made in written.items()}
        return cls(MappingProxyType(written), MappingProxyType(names), MappingProxyType(broken))

    def asked_for(self, channel: str, content: str) -> frozenset[str]:
        """The names whose values this content shows or looks at, in whatever language."""
        return self._names.get((content, channel), frozenset())

    def render(self, channel: str, content: str, language: str | None, context: Mapping[str, Any]) -> Rendered:
        """What this lead will read, in its language if there is one, else in Chinese, else in what there is.

        Raises `CannotRender` when this lead lacks a value that the text needs.
        """
        key = (content, channel)
        if key in self._broken:
            raise CannotRender(self._broken[key])
        if key not in self._written:
            raise CannotRender(f"there is no content {quoted(content)} for {channel}")
        languages = self._written[key]
        return _rendered(languages[_nearest(languages, language)], context)

    def form(self, content: str, language: str | None) -> tuple[Form, str] | None:
        """The form of this content and the language it is in; None where there is none."""
        languages = self._written.get((content, FORM))
        if not languages:
            return None
        nearest = _nearest(languages, language)
        form = languages[nearest].form
        return None if form is None else (form, nearest)

    def tracked(self, channel: str, content: str, language: str | None) -> tuple[str, ...] | None:
        """Where the links lead that this lead gets; None where its author wants nobody followed."""
        languages = self._written[content, channel]
        written = languages[_nearest(languages, language)]
        return written.links if written.tracking else None

    @cached_property
    def links(self) -> Mapping[str, str]:
        """Every link of every mail by its name."""
        return {
            link_name(url): url
            for languages in self._written.values()
            for written in languages.values()
            for url in written.links
        }

    def languages(self, channel: str, content: str) -> tuple[str, ...]:
        """In which languages it is written."""
        return tuple(sorted(self._written.get((content, channel), ())))


def _nearest(languages: Mapping[str, Any], wanted: str | None) -> str:
    """`zh-CN` is served by `zh`, and the other way round."""
    for language in (wanted or "zh", "zh"):
        if language in languages:
            return language
        base = language.partition("-")[0].lower()
        for candidate in sorted(languages):
            if candidate.partition("-")[0].lower() == base:
                return candidate
    return min(languages)


def _rendered(written: Written, context: Mapping[str, Any]) -> Rendered:
    try:
        subject = written.subject.render(context).strip() if written.subject is not None else ""
        if written.subject is not None:
            if not subject:
                raise CannotRender("the subject is empty")
            if len(subject) > LONGEST_SUBJECT:
                raise CannotRender(f"the subject is longer than {LONGEST_SUBJECT} characters")
            clean_header(subject, "subject")
            if written.advertising:
                subject = with_advertising_mark(subject, written.language)
        text = written.text.render(context).strip() if written.text is not None else ""
        if "\n\n\n" in text:
            text = _empty_lines.sub("\n\n", text)
        html = written.html.render(context) if written.html is not None else ""
        data = {name: template.render(context) for name, template in written.data.items()}
    except BadHeader as error:
        raise CannotRender(str(error)) from None
    for part in (text, html, *data.values()):
        try:
            part.isascii() or part.encode()
        except UnicodeEncodeError:
            raise CannotRender("a value holds half a character") from None
    return Rendered(subject=subject, text=text, html=html, data=data)


@lru_cache(maxsize=512)
def _compiled(source: Source) -> tuple[Written | None, tuple[Problem, ...]]:
    """Kept by what was compiled, because check, publish and delivery ask for the same files."""
    return compile_source(source)


# -- the folder -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The content folder as it stood when it was loaded."""

    names: Mapping[str, frozenset[str]]
    """Each content, and the channels it is written for."""
    _sources: Mapping[str, tuple[Source, ...]] = field(default_factory=dict)
    _problems: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> Catalogue:
        """Everything below the folder; what cannot be used is told by `problems`. No folder is an empty catalogue."""
        sources: dict[str, tuple[Source, ...]] = {}
        problems: dict[str, tuple[Problem, ...]] = {}
        for below in _folders(folder):
            good: list[Source] = []
            bad: list[Problem] = []
            for path in _files(below):
                found = _read(path, PurePosixPath(below.name, path.name))
                if isinstance(found, Source):
                    good.append(found)
                elif found is not None:
                    bad.append(found.at(f"{folder.name}/{found.file}"))
            sources[below.name] = tuple(good)
            problems[below.name] = tuple(bad)
        names = {
            name: frozenset(source.channel for source in given if source.channel != FORM)
            for name, given in sources.items()
        }
        shown = {name: tuple(source.shown_in(folder.name) for source in given) for name, given in sources.items()}
        return cls(MappingProxyType(names), shown, problems)

    def files(self, content: str, channel: str | None = None) -> dict[str, str]:
        """Path below the content folder to text, as they are stored with a version."""
        return {
            source.path: source.text
            for source in self._sources.get(content, ())
            if channel is None or source.channel in (channel, FORM)
        }

    def problems(self, content: str, channel: str) -> list[Problem]:
        """Everything that is wrong with this content on this channel, each with file and line."""
        if content not in self.names:
            return [
                Problem("", "E_CONTENT", f"there is no content {quoted(content)}", did_you_mean(content, self.names))
            ]
        sources = [source for source in self._sources[content] if source.channel == channel]
        forms = [source for source in self._sources[content] if source.channel == FORM]
        found = list(self._problems[content])
        asking = next((source for source in sources if uses(source, "form_url")), None)
        if asking is not None and not forms:
            what = f"{asking.path} leads to a form, and there is none"
            found.append(Problem("", "E_CONTENT", what, f"write {content}/form.{asking.language}.json"))
        if not sources:
            has = ", ".join(sorted(self.names[content])) or "nothing yet"
            what = f"the content {quoted(content)} is not written for {channel}"
            found.append(Problem("", "E_CONTENT", what, f"it is written for: {has}"))
        for language in {source.language for source in sources}:
            files = [source.path for source in sources if source.language == language]
            if len(files) > 1:
                found.append(Problem("", "E_CONTENT", f"{' and '.join(files)} say the same; keep one"))
        for source in [*sources, *forms]:
            _, wrong = _compiled(source)
            found += [problem.at(f"{source.folder}/{source.path}") for problem in wrong]
        return found


def _folders(folder: Path) -> Iterator[Path]:
    """The folders that are contents. A link leads elsewhere, so it is none."""
    if folder.is_dir():
        for below in sorted(folder.iterdir()):
            if below.is_dir() and not below.is_symlink() and _content_name(below.name):
                yield below


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if not path.name.startswith(".") and not path.name.endswith("~"):
            yield path


def _read(path: Path, relative: PurePosixPath) -> Source | Problem | None:
    file = str(relative)
    if path.is_symlink():
        return Problem("", "E_CONTENT", "this is a link, and may lead out of the content folder", file=file)
    if not path.is_file():
        return None
    try:
        with path.open("rb") as opened:
            raw = opened.read(LARGEST_FILE + 1)
    except OSError as error:
        return Problem("", "E_CONTENT", f"cannot be read: {error.strerror}", file=file)
    if len(raw) > LARGEST_FILE:
        return Problem("", "E_CONTENT", f"is larger than {LARGEST_FILE // 1024} KB", "shorten it", file=file)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return Problem(f"line {line}", "E_CONTENT", "this is not UTF-8", "save the file as UTF-8", file=file)
    return read_name(relative, text)
