"""The shape of a campaign, and every way in which it can be wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nurture import definition
from nurture.calendar import Duration, SendWindow
from nurture.definition import in_language, load, read, version_hash
from nurture.problems import Problem, Rejected
from tests.plan.world import campaign, codes

STOP = {"type": "stop"}


def problems_of(text: str | bytes) -> list[tuple[str, str]]:
    return [(problem.where, problem.code) for problem in read(text)[1]]


def test_a_campaign_says_what_its_file_says():
    loaded = load(
        campaign(
            {
                "a": {"type": "say", "title": "你好", "content": "paper", "next": {"sent": "b", "unsent": "end"}},
                "b": STOP,
            },
            title={"zh": "欢迎", "en": "Welcome"},
            entry={
                "when": {"field": "tags", "op": "has", "value": "new"},
                "mode": "continuous",
                "again_after": "30 days",
            },
            exit_on=["unsubscribed"],
            calendar="CN",
            time_zone="Asia/Shanghai",
            send_window={"days": "workdays", "from": "09:30", "to": "18:00"},
        )
    )

    assert (loaded.campaign, loaded.start, loaded.calendar, loaded.time_zone) == ("test", "a", "CN", "Asia/Shanghai")
    assert loaded.entry.when == {"field": "tags", "op": "has", "value": "new"}
    assert (loaded.entry.mode, loaded.entry.again_after) == ("continuous", Duration.parse("30 days"))
    assert loaded.send_window == SendWindow("workdays", "09:30", "18:00")
    assert loaded.exit_on == ("unsubscribed",)
    assert loaded.nodes["a"].settings == {"content": "paper"}
    assert loaded.nodes["a"].next == {"sent": "b", "unsent": "end"}
    assert in_language(loaded.title, "zh") == "欢迎"
    assert in_language(loaded.nodes["a"].title, "en", "a") == "你好"


def test_what_is_not_said_has_plain_defaults():
    loaded = load(campaign({"a": STOP}))

    assert (loaded.title, loaded.exit_on, loaded.calendar, loaded.time_zone) == ("", (), None, "UTC")
    assert loaded.entry == definition.Entry(None, "manual", None)
    assert in_language(loaded.title, "en", loaded.campaign) == "test"


@pytest.mark.parametrize("text", ["null", "[]", "3", '"x"', "true"])
def test_json_that_is_no_object_is_no_campaign(text):
    assert problems_of(text) == [("", "E_JSON")]


WRONG = [
    pytest.param({"campaign": ...}, "/campaign", "E_CONFIG", id="no name"),
    pytest.param({"campaign": 3}, "/campaign", "E_TYPE", id="a number for a name"),
    pytest.param({"campaign": "Welcome Nurture"}, "/campaign", "E_ID", id="blanks in the name"),
    pytest.param({"campaign": "../x"}, "/campaign", "E_ID", id="a path for a name"),
    pytest.param({"schema_version": 2}, "/schema_version", "E_VERSION", id="a newer version"),
    pytest.param({"schema_version": 0}, "/schema_version", "E_VERSION", id="a version that never was"),
    pytest.param({"schema_version": True}, "/schema_version", "E_TYPE", id="true is not 1"),
    pytest.param({"schema_version": "1"}, "/schema_version", "E_TYPE", id="a text is not 1"),
    pytest.param({"$schema": 1}, "/$schema", "E_TYPE", id="a number for the schema"),
    pytest.param({"exit_no": []}, "/exit_no", "E_UNKNOWN_KEY", id="a misspelt key"),
    pytest.param({"__proto__": {}}, "/__proto__", "E_UNKNOWN_KEY", id="a prototype"),
    pytest.param({"constructor": 1}, "/constructor", "E_UNKNOWN_KEY", id="a constructor"),
    pytest.param({"title": 3}, "/title", "E_TYPE", id="a number for a title"),
    pytest.param({"title": {"en": None}}, "/title/en", "E_TYPE", id="null for a title"),
    pytest.param({"title": {"English!": "x"}}, "/title/English!", "E_CONFIG", id="no language"),
    pytest.param({"title": "x" * 501}, "/title", "E_CONFIG", id="an endless title"),
    pytest.param({"start": ...}, "/start", "E_START", id="no start"),
    pytest.param({"start": ["a"]}, "/start", "E_START", id="two starts"),
    pytest.param({"start": "b"}, "/start", "E_START", id="a start that is no node"),
    pytest.param({"start": "end"}, "/start", "E_START", id="a start at the end"),
    pytest.param({"nodes": ...}, "/nodes", "E_CONFIG", id="no nodes"),
    pytest.param({"nodes": []}, "/nodes", "E_TYPE", id="a list of nodes"),
    pytest.param({"nodes": {}}, "/nodes", "E_CONFIG", id="not one node"),
    pytest.param({"entry": "registered"}, "/entry", "E_TYPE", id="a text for an entry"),
    pytest.param({"entry": None}, "/entry", "E_TYPE", id="null for an entry"),
    pytest.param({"entry": {"whan": {}}}, "/entry/whan", "E_UNKNOWN_KEY", id="a misspelt key of the entry"),
    pytest.param({"entry": {"mode": "often"}}, "/entry/mode", "E_CONFIG", id="a mode that is none"),
    pytest.param({"entry": {"mode": 1}}, "/entry/mode", "E_TYPE", id="a number for a mode"),
    pytest.param({"entry": {"mode": "continuous"}}, "/entry", "E_CONFIG", id="continuous for everybody"),
    pytest.param({"entry": {"again_after": "P3D"}}, "/entry/again_after", "E_CONFIG", id="an ISO duration"),
    pytest.param({"entry": {"again_after": 3}}, "/entry/again_after", "E_TYPE", id="a number for a duration"),
    pytest.param({"entry": {"when": {"field": "x"}}}, "/entry/when", "E_CONDITION", id="half a condition"),
    pytest.param({"entry": {"when": None}}, "/entry/when", "E_CONDITION", id="null for a condition"),
    pytest.param({"exit_on": "bounced"}, "/exit_on", "E_TYPE", id="one kind without a list"),
    pytest.param({"exit_on": [3]}, "/exit_on/0", "E_TYPE", id="a number for a kind"),
    pytest.param({"exit_on": ["Bounced!"]}, "/exit_on/0", "E_SIGNAL", id="no kind"),
    pytest.param({"exit_on": ["bounced", "bounced"]}, "/exit_on/1", "E_CONFIG", id="a kind twice"),
    pytest.param({"exit_on": [f"k{n}" for n in range(101)]}, "/exit_on", "E_SIZE", id="a hundred kinds and one"),
    pytest.param({"calendar": "cn"}, "/calendar", "E_CALENDAR", id="a country in small letters"),
    pytest.param({"calendar": None}, "/calendar", "E_TYPE", id="null for a country"),
    pytest.param({"time_zone": "CST"}, "/time_zone", "E_TIME_ZONE", id="letters that mean three zones"),
    pytest.param({"time_zone": "../etc/passwd"}, "/time_zone", "E_TIME_ZONE", id="a path for a zone"),
    pytest.param({"time_zone": "Mars/Olympus"}, "/time_zone", "E_TIME_ZONE", id="a zone that is none"),
    pytest.param({"time_zone": 8}, "/time_zone", "E_TYPE", id="a number for a zone"),
    pytest.param({"send_window": "always"}, "/send_window", "E_TYPE", id="a text for a window"),
    pytest.param(
        {"send_window": {"days": "workdays", "from": "18:00", "to": "09:00"}}, "/send_window", "E_CONFIG", id="closed"
    ),
    pytest.param(
        {"send_window": {"days": ["mon"], "from": "08:00", "to": "09:00"}}, "/send_window", "E_CONFIG", id="no day"
    ),
]


@pytest.mark.parametrize(("more", "where", "code"), WRONG)
def test_what_is_wrong_with_a_campaign_is_named_at_its_place(more, where, code):
    assert problems_of(campaign({"a": STOP}, **more)) == [(where, code)]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "A",
        "1a",
        "_a",
        "a-b",
        "a b",
        "node１",
        "ß",
        "а",
        "a\u200b",
        "../x",
        "😀",
        "a" * 65,
        "x" * 10_240,
        "end",
        "a\n",
    ],
    ids=lambda name: repr(name[:8]),
)
def test_an_id_is_small_letters_digits_and_underscores(name):
    _, problems = read(campaign({"a": {"type": "mark", "next": name}, name: STOP}))

    assert "E_ID" in codes(problems)
    assert all(len(problem.what) < 300 for problem in problems)


def test_an_id_that_is_nearly_right_is_put_right_in_the_hint():
    (problem,) = read(campaign({"a": {"type": "mark", "next": "Follow-Up 2"}, "Follow-Up 2": STOP}))[1]

    assert problem.hint.startswith("write 'follow_up_2'")


@pytest.mark.parametrize(
    ("node", "where", "code"),
    [
        pytest.param([], "/nodes/a", "E_TYPE", id="a list for a node"),
        pytest.param(None, "/nodes/a", "E_TYPE", id="null for a node"),
        pytest.param({"next": "end"}, "/nodes/a/type", "E_NODE_TYPE", id="no type"),
        pytest.param({"type": 3}, "/nodes/a/type", "E_TYPE", id="a number for a type"),
        pytest.param({"type": "mark", "next": "bb"}, "/nodes/a/next", "E_DANGLING", id="to a node that is none"),
        pytest.param({"type": "mark", "next": ""}, "/nodes/a/next", "E_DANGLING", id="to nowhere"),
        pytest.param({"type": "mark", "next": 3}, "/nodes/a/next", "E_TYPE", id="to a number"),
        pytest.param({"type": "mark", "next": ["b"]}, "/nodes/a/next", "E_TYPE", id="to a list"),
        pytest.param({"type": "mark", "next": None}, "/nodes/a/next", "E_TYPE", id="to null"),
        pytest.param({"type": "mark", "next": {"x": None}}, "/nodes/a/next/x", "E_TYPE", id="an outcome to null"),
        pytest.param({"type": "mark", "next": {"x/y": "c"}}, "/nodes/a/next/x~1y", "E_DANGLING", id="an odd outcome"),
        pytest.param(
            {"type": "mark", "next": {"": "b"}}, "/nodes/a/next/", "E_OUTCOME", id="an edge without an outcome"
        ),
    ],
)
def test_what_is_wrong_with_a_node_is_named_at_its_place(node, where, code):
    assert problems_of(campaign({"a": node, "b": STOP})) == [(where, code)]


def test_a_misspelt_word_gets_a_hint():
    _, problems = read(campaign({"whitepaper": {"type": "mark", "next": "folow_up"}, "follow_up": STOP}, exit_no=[]))

    assert [problem.hint for problem in problems] == ["did you mean 'exit_on'?", "did you mean 'follow_up'?"]


def test_a_campaign_without_a_start_is_told_where_it_may_begin():
    (problem,) = read(campaign({"b": STOP, "a": {"type": "mark", "next": "b"}}, start=...))[1]

    assert "'a'" in problem.hint


def test_everything_that_is_wrong_is_said_at_once():
    with pytest.raises(Rejected) as rejected:
        load(campaign({"A": {"next": "x"}}, title=3, exit_no=1, calendar="cn"), file="bad.json")

    assert sorted(codes(rejected.value.problems)) == sorted(
        ["E_ID", "E_NODE_TYPE", "E_DANGLING", "E_TYPE", "E_UNKNOWN_KEY", "E_CALENDAR"]
    )
    assert {problem.file for problem in rejected.value.problems} == {"bad.json"}


def test_what_stands_in_for_a_bad_number_is_not_complained_of_again():
    text = campaign({"a": STOP}).replace('"test"', '"test", "schema_version": 1e999')

    assert problems_of(text) == [("/schema_version", "E_NUMBER")]


def test_a_doubled_key_is_refused_even_if_both_agree():
    assert problems_of(campaign({"a": STOP}).replace('"nodes"', '"start": "a", "nodes"')) == [("/start", "E_DUP_KEY")]


def test_no_more_than_a_hundred_problems_are_shown_and_the_rest_is_counted():
    _, problems = read(campaign({f"n{n}": {"type": "mark", "next": "nowhere"} for n in range(1500)}))

    assert len(problems) == 100
    assert (problems[-1].code, problems[-1].what) == ("E_MANY", "1,401 more problems are not shown")


def test_more_nodes_or_edges_than_anybody_can_read_are_refused():
    assert problems_of(campaign({f"n{n}": STOP for n in range(2_001)})) == [("/nodes", "E_SIZE")]
    fan = {"a": {"type": "fork", "next": {f"w{n}": "end" for n in range(10_000)}}}
    assert problems_of(campaign(fan)) == [("/nodes", "E_SIZE")]
    assert read(campaign({f"n{n}": STOP for n in range(2_000)}))[1] == []


def test_a_warning_about_a_condition_does_not_refuse_a_campaign():
    when = {"field": "signals.danced", "op": "known"}
    text = campaign({"a": STOP}, entry={"when": when})

    assert [problem.severity for problem in read(text)[1]] == ["warning"]
    assert load(text).entry.when == when


def test_a_version_is_named_by_all_that_it_consists_of():
    text, contents = '{"a": 1}\n', {"paper/email.zh.md": "你好", "paper/email.en.md": "Hello"}
    name = version_hash(text, contents)

    assert len(name) == 64
    assert name == version_hash(text, dict(reversed(contents.items())))
    assert (
        len(
            {
                name,
                version_hash(text + " ", contents),
                version_hash(text, {**contents, "paper/email.en.md": "Hello!"}),
                version_hash(text, {"paper/email.zh.md": "你好Hello", "paper/email.en.md": ""}),
                version_hash(text, {"paper/email.zh.mdpaper/email.en.md": "你好Hello"}),
                version_hash(text, {}),
            }
        )
        == 6
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["end", "a", "say", "next"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["a", "type", "next", "nodes", "start", "title"]) | st.text(), inner, max_size=5
        )
    ),
    max_leaves=30,
)


@st.composite
def near_misses(draw: st.DrawFn) -> Any:
    """A campaign in which some keys hold anything."""
    raw = json.loads(campaign({"a": {"type": "mark", "next": "b"}, "b": STOP}, entry={}, exit_on=[], title="x"))
    for key in draw(st.lists(st.sampled_from([*definition.CAMPAIGN_KEYS, "other"]), max_size=4)):
        raw[key] = draw(JSON)
    if isinstance(raw["nodes"], dict):
        for name in draw(st.lists(st.sampled_from(["a", "b", "c"]) | st.text(max_size=3), max_size=2)):
            raw["nodes"][name] = draw(JSON)
    return raw


@given(JSON | near_misses())
@example({"nodes": {"a": {"next": {"x": []}}}})
def test_whatever_json_comes_there_are_only_problems(value):
    found, problems = read(json.dumps(value))

    assert all(isinstance(problem, Problem) and str(problem).encode("utf-8") for problem in problems)
    assert found is not None or problems


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_whatever_bytes_come_there_are_only_problems(data):
    assert read(data)[1]
