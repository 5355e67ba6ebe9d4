"""The drawing: legible, in both languages, with counts, and harmless wherever it is shown."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture import plan
from nurture.definition import load, read
from nurture.drawing import mermaid, picture
from nurture.drawing.sketch import sketch
from tests.plan.world import WORLD, campaign, campaigns

SVG = "{http://www.w3.org/2000/svg}"
NODES = {
    "hello": {
        "type": "say",
        "title": {"zh": "欢迎信", "en": "Welcome letter"},
        "content": "paper",
        "next": {"sent": "later", "unsent": "end"},
    },
    "later": {"type": "pause", "for": "3 days", "next": "asked"},
    "asked": {"type": "ask", "to": "hello", "next": {"yes": "hot", "no": "end"}},
    "hot": {"type": "mark", "add": ["深度"], "next": "won"},
    "won": {"type": "stop", "reason": "handed over"},
}
COUNTS = {
    "hello": {"entered": 12_000, "here": 0, "outcomes": {"sent": 11_500, "unsent": 500}},
    "later": {"entered": 11_500, "here": 1_234, "outcomes": {"next": 10_266}},
    "asked": {"entered": 10_266, "here": 0, "outcomes": {"yes": 4_000, "no": 6_266}},
}


def planned(nodes: dict[str, Any] = NODES, **more: Any) -> plan.Plan:
    made, problems = plan.compile(load(campaign(nodes, **more)), WORLD)

    assert made is not None, problems
    return made


def words(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


def test_it_shows_titles_settings_and_the_outcomes_of_every_node():
    shown = words(picture.svg(planned(title={"zh": "欢迎孵化", "en": "Welcome nurture"}, exit_on=["bounced"])))

    assert shown == [
        "Welcome nurture",
        "sent",
        "yes",
        "entry",
        "Welcome letter",
        "say · paper",
        "unsent → end",
        "later",
        "pause · 3 days",
        "asked",
        "ask · hello",
        "no → end",
        "hot",
        "mark · 深度",
        "won",
        "stop · handed over",
        "Leaves at any time when: bounced",
    ]


def test_it_speaks_chinese():
    shown = words(picture.svg(planned(title={"zh": "欢迎孵化", "en": "Welcome"}, exit_on=["bounced"]), COUNTS, "zh"))

    assert {"欢迎孵化", "欢迎信", "等待 · 3 days", "进入 12,000", "停留 1,234", "已发出 · 11,500"} <= set(shown)
    assert {"否 · 6,266 → 结束", "任何时候退出：退信"} <= set(shown)


def test_counts_stand_on_nodes_and_edges_and_thick_lines_carry_many():
    svg = picture.svg(planned(), COUNTS)
    shown = words(svg)
    thick = [float(width) for width in re.findall(r'class="arrow" stroke-width="([\d.]+)"', svg)]

    assert {"12,000 entered", "1,234 here", "sent · 11,500", "unsent · 500 → end", "entry 12,000"} <= set(shown)
    assert "0 here" not in shown
    assert max(thick) == 5
    assert min(thick) == 1.5


def test_without_counts_there_are_no_numbers():
    assert not any("entered" in word for word in words(picture.svg(planned())))


def test_a_draft_that_is_all_wrong_is_drawn_as_it_stands():
    text = campaign({"a": {"type": "?", "next": "b"}, "b": {"next": {"x": "a", "y": "nobody"}}, "c": 3}, start="zz")
    draft, problems = read(text)

    assert problems
    assert draft is not None
    assert {"a", "b", "c", "y → nobody"} <= set(words(picture.svg(draft)))
    assert "nobody" in mermaid.render(draft)


HOSTILE = '</svg><script>alert(1)</script>"&<!--]]> onload=x \u202e\u0007'


def hostile() -> plan.Plan:
    arms = [HOSTILE, "javascript:alert(1)"]
    nodes = {
        "a": {"type": "mark", "title": HOSTILE, "add": [HOSTILE], "next": "b"},
        "b": {"type": "fork", "arms": arms, "next": {arms[0]: "end", arms[1]: "c"}},
        "c": {"type": "stop", "reason": HOSTILE},
    }
    return planned(nodes, title=HOSTILE)


def test_whatever_people_write_stays_text_in_the_picture():
    svg = picture.svg(hostile(), language='en" onload="alert(1)')
    tree = ET.fromstring(svg)

    assert {element.tag.removeprefix(SVG) for element in tree.iter()} <= {
        "svg",
        "title",
        "style",
        "rect",
        "path",
        "g",
        "text",
    }
    assert not any(name.startswith("on") or "href" in name for element in tree.iter() for name in element.attrib)
    assert "\u202e" not in svg
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", svg)


def test_whatever_people_write_stays_text_in_mermaid():
    text = mermaid.render(hostile())
    lines = text.splitlines()

    assert "<script" not in text.replace(lines[1], "")
    assert not any(line.strip().startswith(("click", "style", "%%")) for line in lines)
    assert all(line.count('"') in (0, 2) for line in lines[3:])


def test_it_follows_light_and_dark():
    svg = picture.svg(planned())

    assert "prefers-color-scheme: dark" in svg
    assert not re.search(r'(fill|stroke)="#', svg), "colours come from variables alone"


def test_the_same_campaign_gives_the_same_picture():
    assert picture.svg(planned(), COUNTS) == picture.svg(planned(), COUNTS)


def test_outcomes_that_lead_to_one_node_share_an_arrow():
    nodes = {
        "a": {"type": "fork", "arms": ["x", "y", "z"], "next": {"x": "b", "y": "b", "z": "c"}},
        "b": {"type": "stop"},
        "c": {"type": "stop"},
    }
    counts = {"a": {"entered": 6, "here": 0, "outcomes": {"x": 1, "y": 2, "z": 3}}}
    arrows = sketch(planned(nodes), counts, "en").arrows

    assert [(arrow.label, arrow.count) for arrow in arrows[1:]] == [("x / y", 3), ("z", 3)]


def test_mermaid_draws_the_same_flow():
    text = mermaid.render(planned(title="Welcome"), COUNTS)

    assert text.startswith("---\ntitle: 'Welcome'\n---\nflowchart TD\n")
    assert '    n1["<b>Welcome letter</b><br/><small>say · paper</small><br/>entered 12,000"]:::is_message\n' in text
    assert '    n1 -->|"sent · 11,500"| n3\n' in text
    assert '    n2(["unsent · 500 → end"]):::is_end\n' in text


def test_nodes_named_like_words_of_mermaid_do_no_harm():
    nodes = {"graph": {"type": "mark", "next": "style"}, "style": {"type": "mark", "next": "end"}}

    assert re.findall(r"^    (\S+) -->", mermaid.render(planned(nodes)), re.MULTILINE) == ["n0", "n1", "n2"]


@given(campaigns(), st.booleans(), st.sampled_from(["en", "zh", "fr-CA"]))
def test_any_campaign_can_be_drawn(raw, compiled, language):
    loaded = load(json.dumps(raw))
    drawn = plan.compile(loaded, WORLD)[0] if compiled else loaded
    assert drawn is not None
    svg = picture.svg(drawn, None, language)

    drawn_nodes = [
        element.get("data-node") for element in ET.fromstring(svg).iter(f"{SVG}g") if element.get("data-node")
    ]
    assert sorted(drawn_nodes) == sorted(raw["nodes"])
    assert mermaid.render(drawn, None, language).count(":::is_") >= len(raw["nodes"])


@pytest.mark.parametrize("counts", [{}, {"hello": {}}, {"hello": {"outcomes": {}}}, {"gone": {"entered": 3}}])
def test_counts_may_be_missing_in_part(counts):
    assert "0 entered" in words(picture.svg(planned(), counts))
    assert mermaid.render(planned(), counts)
