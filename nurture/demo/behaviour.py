"""How invented people behave: they read or do not, answer in their own time, and SDR and sales answer for a lead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from nurture.demo.people import Person, chance, pick
from nurture.plan import Plan

__all__ = ["Answer", "Notes", "ask_people", "asked_of", "need_of", "notes_of", "respond", "respond_by_wechat"]

SLOWEST_HOURS, QUICKEST_HOURS = 60.0, 0.1
STRONGEST = ("submitted", "attended", "registered", "downloaded")
"""What takes more than a click, the most telling first."""
RETURNED: Mapping[str, tuple[str, ...]] = {
    "zh": ("预算下个季度才批", "只是收集资料", "正在用同类产品，年底再看", "联系人已离职", "学生做课题"),
    "en": ("no budget before next quarter", "only collecting material", "happy with what they have", "not the buyer"),
}
KNOWN_AFTER_A_TALK: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "budget": {"zh": ("20 万", "50 万", "80 万"), "en": ("30k", "80k", "120k")},
    "need": {"zh": ("线索孵化", "私域运营", "活动获客"), "en": ("lead nurture", "event follow-up", "better leads")},
    "team": {
        "zh": ("市场部 5 人", "市场与 SDR 共 12 人"),
        "en": ("marketing, 6 people", "marketing and SDR, 15 people"),
    },
    "timing": {"zh": ("本季度", "下个季度"), "en": ("this quarter", "next quarter")},
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody does, and when."""

    at: datetime
    kind: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Notes:
    """What an SDR writes down about a lead after talking with them."""

    at: datetime
    fields: Mapping[str, str]


def asked_of(plan: Plan) -> dict[str, tuple[str, ...]]:
    """For each message of a campaign, the responses that some later node asks about."""
    found: dict[str, tuple[str, ...]] = {}
    for spec in plan.definition.nodes.values():
        if spec.type == "check_response" and isinstance(spec.settings.get("to"), str):
            evidence = spec.settings.get("evidence", ["viewed", "clicked", "replied", "submitted"])
            found[spec.settings["to"]] = tuple(evidence)
    return found


def respond(person: Person, node: str, evidence: tuple[str, ...], arrived: datetime) -> list[Answer]:
    """What this person does about this mail, in the order in which it happens."""
    reads = chance(person.key, node, "reads") < 0.08 + 0.7 * person.keen
    if not reads:
        return []
    at = _awake(arrived + _delay(person.key, node), person.time_zone)
    enough = 0.015 + 0.03 * (1 - person.keen)
    if chance(person.key, node, "enough") < enough:
        return [Answer(at, "unsubscribed")]
    does = [Answer(at, "viewed")]
    strong = [kind for kind in STRONGEST if kind in evidence]
    if chance(person.key, node, "acts") < 0.10 + 0.62 * person.keen:
        after = at + timedelta(minutes=1 + int(20 * chance(person.key, node, "minutes")))
        if "clicked" in evidence or not strong:
            does.append(Answer(after, "clicked"))
        if strong and chance(person.key, node, "more") < 0.5 + 0.4 * person.keen:
            does.append(Answer(after + timedelta(minutes=4), strong[0]))
        elif "replied" in evidence and chance(person.key, node, "writes") < 0.1:
            does.append(Answer(after + timedelta(hours=1), "replied"))
    return does


def respond_by_wechat(person: Person, template: str, arrived: datetime) -> list[Answer]:
    """WeChat tells who answered, and not to what."""
    if chance(person.key, template, "wechat") >= 0.08 + 0.4 * person.keen:
        return []
    kind = "submitted" if chance(person.key, template, "form") < 0.5 else "replied"
    return [Answer(_awake(arrived + _delay(person.key, template), person.time_zone), kind)]


def ask_people(person: Person, node: str, to: str, since: datetime) -> Answer | None:
    """What SDR (or sales) say to a lead that was handed to them at this node; None when nobody looks."""
    throw = chance(person.key, node, "people")
    hours = 1 + 30 * chance(person.key, node, "when")
    at = _awake(since + timedelta(hours=hours), "Asia/Shanghai", begin=9, end=18)
    if throw < (0.66 if to == "sdr" else 0.6):
        return Answer(at, "accepted")
    if throw < 0.86:
        return Answer(at, "returned", pick(RETURNED[person.language], person.key, node, "reason"))
    return None


def notes_of(person: Person, accepted: datetime) -> Notes:
    """Most talks bring out all that sales want to know; some leave a gap."""
    told = {
        name: pick(words[person.language], person.key, name)
        for name, words in KNOWN_AFTER_A_TALK.items()
        if chance(person.key, name, "told") < 0.92
    }
    return Notes(accepted + timedelta(days=1 + int(5 * chance(person.key, "notes"))), told)


def need_of(person: Person) -> str:
    """What somebody wants to solve, as they write it into a questionnaire."""
    return pick(KNOWN_AFTER_A_TALK["need"][person.language], person.key, "need")


def _delay(*what: object) -> timedelta:
    """Minutes for some, days for others: evenly spread over the powers of ten."""
    return timedelta(hours=QUICKEST_HOURS * (SLOWEST_HOURS / QUICKEST_HOURS) ** chance(*what, "delay"))


def _awake(at: datetime, zone: str, *, begin: int = 8, end: int = 22) -> datetime:
    """The same moment by day, else some minutes into the next morning."""
    local = at.astimezone(ZoneInfo(zone))
    if begin <= local.hour < end:
        return at
    morning = local.replace(hour=begin, minute=local.minute // 2, second=local.second)
    return (morning if local.hour < begin else morning + timedelta(days=1)).astimezone(at.tzinfo)
