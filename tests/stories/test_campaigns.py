"""The campaigns that come with the project: proven, told in full, and written the one way."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from nurture.canonical import write
from nurture.content import Catalogue, Content
from nurture.definition import load
from nurture.engine.publishing import world as everything_around
from nurture.plan import Plan, World, check, compile
from nurture.registry import node_types
from nurture.rehearsal import Told, tell, uncovered

ROOT = Path(__file__).resolve().parents[2]
CAMPAIGNS = sorted(path for path in (ROOT / "definitions").glob("*.json") if path.name != "schema.json")
MAILS = sorted((ROOT / "content").glob("*/email.*"))


@pytest.fixture(scope="module")
def world() -> World:
    return everything_around(Catalogue.load(ROOT / "content"))


def planned(path: Path, world: World) -> Plan:
    plan, problems = compile(load(path.read_bytes()), world)

    assert plan is not None, problems
    return plan


def stories(path: Path, world: World) -> tuple[Plan, list[Told]]:
    plan = planned(path, world)
    told, problems = tell((path.parent / "stories" / path.name).read_bytes(), plan)

    assert problems == []
    return plan, told


@pytest.mark.parametrize("path", CAMPAIGNS, ids=lambda path: path.stem)
def test_a_campaign_has_neither_an_error_nor_a_warning(path: Path, world: World) -> None:
    assert [str(problem) for problem in check(path.read_bytes(), world)] == []


@pytest.mark.parametrize("path", CAMPAIGNS, ids=lambda path: path.stem)
def test_a_campaign_is_written_the_one_way(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert write(json.loads(text), node_types()) == text


@pytest.mark.parametrize("path", CAMPAIGNS, ids=lambda path: path.stem)
def test_every_story_is_true(path: Path, world: World) -> None:
    _, told = stories(path, world)

    assert [f"{each.story.sentence}: {each.failure}" for each in told if each.failure] == []


@pytest.mark.parametrize("path", CAMPAIGNS, ids=lambda path: path.stem)
def test_the_stories_take_every_way_out_and_one_exit(path: Path, world: World) -> None:
    plan, told = stories(path, world)

    assert uncovered(plan, [each.lived for each in told]) == []
    assert any(each.lived.path[-1].startswith("exit: ") for each in told)


@pytest.mark.parametrize("path", CAMPAIGNS, ids=lambda path: path.stem)
def test_nobody_in_any_story_gets_the_same_content_twice(path: Path, world: World) -> None:
    _, told = stories(path, world)

    for each in told:
        got = [message.content for message in each.lived.messages if message.sent]
        assert len(got) == len(set(got)), each.story.sentence


@pytest.mark.parametrize("path", CAMPAIGNS, ids=lambda path: path.stem)
def test_every_node_with_a_title_has_it_in_both_languages(path: Path) -> None:
    titles: dict[str, Any] = {name: node.get("title") for name, node in json.loads(path.read_bytes())["nodes"].items()}

    assert {name: title for name, title in titles.items() if title and set(title) != {"zh", "en"}} == {}


def test_every_content_is_used_and_written_in_both_languages(world: World) -> None:
    used = {
        content
        for path in CAMPAIGNS
        for node in planned(path, world).nodes.values()
        for _, content in node.node.contents()
    }
    languages: dict[tuple[str, str], set[str]] = {}
    for file in (ROOT / "content").glob("*/*"):
        channel, language, _ = file.name.split(".")
        languages.setdefault((file.parent.name, channel), set()).add(language)

    assert {content for content, _ in languages} == used
    assert {key: found for key, found in languages.items() if found != {"zh", "en"}} == {}


@pytest.mark.parametrize("path", MAILS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_mail_is_neither_a_note_nor_a_novel(path: Path) -> None:
    _, _, body = path.read_text(encoding="utf-8").partition("\n\n")
    text = re.sub(
        r"<[^>]*>|\{[{%].*?[%}]\}|\]\([^)]*\)", " ", re.sub(r"<mj-head>.*</mj-head>", "", body, flags=re.DOTALL)
    )
    words = len(re.findall(r"[A-Za-z0-9’']+", text))
    characters = len(re.findall(r"[\u4e00-\u9fff]", text))

    # A Chinese word has about one and a half characters.
    assert 120 <= words + characters / 1.5 <= 320


@pytest.mark.parametrize("path", MAILS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_mail_says_who_writes_and_how_to_stop_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert [
        slot for slot in ("unsubscribe_url", "postal_address", "sender_name") if f"{{{{ {slot} }}}}" not in text
    ] == []
    assert re.match(r"Subject: \S.*\nPreheader: \S.*\n(Jurisdiction: CN\n)?\n", text)


LEAD = {"name": "王琳", "company": "云帆工业软件", "industry": "制造", "region": "上海", "email": "lin@example.com"}
SLOTS = {
    "campaign": {"name": "welcome", "title": "Welcome"},
    "unsubscribe_url": "https://example.com/unsubscribe/token",
    "view_url": "https://example.com/view/token",
    "preferences_url": "https://example.com/preferences/token",
    "form_url": "https://example.com/form/token",
    "postal_address": "Qinghe Road 1, Shanghai",
    "sender_name": "Qinghe Cloud",
}


@pytest.mark.parametrize("known", [LEAD, {}], ids=["everything is known", "nothing is known"])
def test_every_content_can_be_read_by_anybody(known: dict[str, str]) -> None:
    catalogue = Catalogue.load(ROOT / "content")
    for name, channels in catalogue.names.items():
        content = Content.compile(catalogue.files(name))
        for channel in channels:
            for language in ("zh", "en"):
                read = content.render(channel, name, language, {**SLOTS, "lead": known})
                whole = " ".join((read.subject, read.text, read.html, *read.data.values()))
                assert not re.search(r"\{\{|\{%|\}\}", whole), (name, channel, language)
                if channel == "email":
                    assert SLOTS["unsubscribe_url"] in read.text
                    assert SLOTS["unsubscribe_url"] in read.html
                    assert read.subject.startswith("(广告)") == (language == "zh")


def test_the_stories_in_the_manual_are_true(world: World) -> None:
    plan = planned(ROOT / "definitions" / "welcome.json", world)
    manual = (ROOT / "definitions" / "README.md").read_text(encoding="utf-8")
    examples = [text for text in re.findall(r"```json\n(.*?)```", manual, flags=re.DOTALL) if text.startswith("{")]

    assert len(examples) == 2
    for text in examples:
        told, problems = tell(text, plan)
        assert (problems, [each.failure for each in told]) == ([], [""])


def test_the_life_of_a_lead_is_as_the_document_tells_it(world: World) -> None:
    plan = planned(ROOT / "definitions" / "welcome.json", world)
    page = (ROOT / "docs" / "life-of-a-lead.md").read_text(encoding="utf-8")
    (story,) = re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)
    (table,) = re.findall(r"```text\n(.*?)```", page, flags=re.DOTALL)
    (told,), problems = tell(story, plan)
    say = plan.calendar.say
    lines = [
        f"{say(step.at):<13} {path:<24} {step.because}"
        for step, path in zip(told.lived.steps, told.lived.path, strict=True)
    ]

    assert (problems, told.failure) == ([], "")
    assert table.splitlines() == lines


def test_a_slot_of_a_wechat_template_keeps_within_wechats_twenty_characters() -> None:
    for path in sorted((ROOT / "content").glob("*/wechat.*.json")):
        message = json.loads(path.read_bytes())

        assert set(message) == {"template_id", "url", "text", "data"}, path
        assert {name: text for name, text in message["data"].items() if len(text) > 20} == {}, path
