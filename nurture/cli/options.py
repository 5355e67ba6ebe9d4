"""Options that several verbs share, and how their texts are understood."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, Token

from nurture.problems import Problem, Rejected

__all__ = [
    "LEAD",
    "AsJson",
    "Flag",
    "Lead",
    "Named",
    "Now",
    "Segment",
    "Usage",
    "clock",
    "moment",
    "pairs",
    "parsed_segment",
    "usage",
]

EARLIEST, LATEST = 1970, 2200


class Usage(Rejected):
    """The command was not understood; nothing was done. Exit status 2."""


def usage(what: str, hint: str = "") -> Usage:
    """Wrong usage, for one reason."""
    return Usage([Problem("", "E_USAGE", what, hint)])


def moment(_type: Any, tokens: Sequence[Token]) -> datetime:
    """An instant, in UTC. A time that names no zone is not one: it could be meant in two ways."""
    text = tokens[0].value.strip()
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise usage(
            f"{text!r} is not a time", "write it as 2026-03-02T10:00:00Z or 2026-03-02T18:00:00+08:00"
        ) from None
    if found.tzinfo is None:
        raise usage(
            f"{text!r} does not say in which time zone",
            f"{found.isoformat()}Z is UTC, {found.isoformat()}+08:00 is Beijing",
        )
    try:
        found = found.astimezone(UTC)
    except OverflowError:
        found = found.replace(year=LATEST + 1, tzinfo=UTC)
    if not EARLIEST <= found.year <= LATEST:
        raise usage(f"{text!r} is not between {EARLIEST} and {LATEST}")
    return found


Flag = Parameter(show_default=False)
Now = Annotated[
    datetime | None,
    Parameter(
        name="--now", converter=moment, help="The present moment, ISO 8601 with Z or an offset; default: the clock."
    ),
]
AsJson = Annotated[
    bool,
    Parameter(name="--json", show_default=False, help="Print one JSON document on stdout, and nothing else there."),
]
Segment = Annotated[
    str | None,
    Parameter(
        name="--segment",
        help='A condition, such as \'{"field": "tags", "op": "has", "value": "registered"}\', or @FILE that holds one.',
    ),
]
LEAD = "An e-mail address, or id:..., phone:..., wechat:..."
Lead = Annotated[str, Parameter(help=LEAD)]
Named = Annotated[str, Parameter(help="The name of a campaign.")]


def clock(now: datetime | None) -> datetime:
    """The present moment: what `--now` says, else the clock, which is read here and nowhere else."""
    return datetime.now(UTC) if now is None else now


def parsed_segment(text: str | None) -> Mapping[str, Any] | None:
    """The condition tree of `--segment`. Raises `Usage` with all that is wrong with it."""
    if text is None:
        return None
    from nurture import strict_json
    from nurture.condition import Condition

    data: bytes | str = text
    if text.startswith("@"):
        try:
            data = Path(text[1:]).read_bytes()
        except OSError as error:
            raise usage(f"--segment {text}: cannot be read: {error.strerror}") from error
    tree, problems = strict_json.read(data)
    if not problems:
        problems = list(Condition.problems(tree, ""))
    if problems:
        raise Usage(problem.at("--segment") for problem in problems)
    assert isinstance(tree, dict)
    return tree


def pairs(option: str, texts: Iterable[str], example: str) -> dict[str, str]:
    """`["a=b"]` as `{"a": "b"}`. Raises `Usage` for what is no pair, and for a name that comes twice."""
    found: dict[str, str] = {}
    problems = []
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            problems.append(
                Problem("", "E_USAGE", f"{option} {text!r} is not NAME=VALUE", f"for example {option} {example}")
            )
        elif name in found:
            problems.append(Problem("", "E_USAGE", f"{option} names {name!r} twice"))
        else:
            found[name] = value
    if problems:
        raise Usage(problems)
    return found
