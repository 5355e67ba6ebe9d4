"""Which country's rules hold for messages to a lead, and what they ask for beyond what we ask for everywhere.

Everywhere: a legal basis on record, opt-out by one click and by mail, the sender's postal address. Not legal advice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["KNOWN", "Rules", "may_hold", "rules_for"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a country asks for."""

    name: str = ""
    opt_in: bool = False
    """No other legal basis stands for the person's own yes."""
    marked: bool = False
    """The subject of an advertisement begins with 广告 or AD."""


CHINA = Rules("CN", opt_in=True, marked=True)
KNOWN: Mapping[str, Rules] = {"CN": CHINA}
_NAMES: Mapping[str, Rules] = dict.fromkeys(("cn", "chn", "china", "prc", "mainland china", "中国", "中國", "中国大陆", "中華人民共和國", "中华人民共和国"), CHINA)  # fmt: skip
FIELDS = ("jurisdiction", "country", "region")
"""Where a lead says it, the first that is known counts. A region counts only where it names a country."""
NONE = Rules()


def rules_for(fields: Mapping[str, Any], default: str) -> Rules:
    """The rules for a lead with these fields; `default` is the country (two letters) of leads of whom nothing is known."""
    for name in FIELDS:
        said = str(fields.get(name) or "").strip().casefold()
        if said in _NAMES:
            return _NAMES[said]
        if said and name != "region":
            return KNOWN.get(said.upper(), NONE)
    return KNOWN.get(default, NONE)


def may_hold(fields: str, default: str) -> bool:
    """Whether any rules can hold for a lead with these fields (JSON), before they are read."""
    return default in KNOWN or any(f'"{name}"' in fields for name in FIELDS)
