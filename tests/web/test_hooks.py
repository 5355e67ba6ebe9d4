"""The door for other systems: who may come in, what they may say, and that it counts once."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha1
from pathlib import Path
from typing import Any

import httpx
import pytest

from nurture.identity import LeadRef
from nurture.settings import Settings
from tests.web.doorstep import ADA, LATER, Doorstep, doorstep

CLICK = {"kind": "clicked", "lead": "ada@example.com", "campaign": "hello", "node": "bait"}


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Doorstep]:
    with doorstep(tmp_path) as made:
        yield made


def test_what_a_system_tells_is_heard_with_what_is_known_since(door: Doorstep) -> None:
    answer = door.tell(
        {**CLICK, "kind": "registered", "at": "2026-03-02T02:30:00Z", "reason": "course", "fields": {"budget": "20万"},
         "tags": ["course"]},
        {"lead": "wechat:oADA1234", "fields": {"team": 5}},
    )  # fmt: skip

    assert (answer.status_code, answer.json()) == (200, {"heard": 1, "known": 0, "unknown_leads": [], "rejected": []})
    [signal] = door.engine.history(ADA)["signals"]
    assert (signal["kind"], signal["at"], signal["reason"]) == ("registered", "2026-03-02T02:30:00Z", "course")
    assert door.lead()["fields"] | {"budget": "20万", "team": 5} == door.lead()["fields"]
    assert door.lead()["tags"] == ["course"]


def test_the_same_call_again_and_again_and_in_parts_counts_once(door: Doorstep) -> None:
    told = [door.tell(CLICK, {**CLICK, "kind": "visited"}, id="7").json() for _ in range(3)]

    assert [(one["heard"], one["known"]) for one in told] == [(2, 0), (0, 2), (0, 2)]
    assert len(door.heard()) == 2


@pytest.mark.parametrize("seed", range(5))
def test_any_order_and_repetition_of_the_same_calls_gives_the_same_end(tmp_path: Path, seed: int) -> None:
    """Replayed, out of order, late: the lead ends where the calls in their order would have led it."""
    calls: list[tuple[str, dict[str, Any]]] = [
        ("a", {**CLICK, "at": "2026-03-02T02:10:00Z", "confidence": "machine"}),
        ("b", {**CLICK, "at": "2026-03-02T02:20:00Z", "fields": {"budget": "now"}}),
        ("c", {"lead": "ada@example.com", "at": "2026-03-02T02:30:00Z", "fields": {"budget": "later"}, "tags": ["x"]}),
        ("d", {**CLICK, "kind": "visited", "at": "2026-03-02T02:40:00Z"}),
    ]
    chance = random.Random(seed)
    heard = [call for call in calls for _ in range(chance.randint(1, 3))]
    chance.shuffle(heard)
    with doorstep(tmp_path) as door:
        for id, event in heard:
            assert door.tell(event, id=id).status_code == 200
        door.engine.tick(LATER)

        steps = door.engine.history(ADA)["enrollments"][0]["steps"]
        assert [(step["node"], step["outcome"], step["at"]) for step in steps[1:]] == [
            ("asks", "yes", "2026-03-02T02:20:00Z"),
            ("hot", "next", "2026-03-02T02:20:00Z"),
        ]
        assert (door.lead()["fields"]["budget"], door.lead()["tags"]) == ("later", ["hot", "x"])
        assert len(door.heard()) == 3
        assert door.engine.replay().different == []


def test_what_is_told_for_a_day_to_come_stands_against_no_later_word(door: Doorstep) -> None:
    door.tell({"lead": "ada@example.com", "at": "2999-01-01T00:00:00Z", "fields": {"budget": "never"}}, id="1")
    door.now += timedelta(minutes=10)
    door.tell({"lead": "ada@example.com", "fields": {"budget": "now"}}, id="2")

    assert door.lead()["fields"]["budget"] == "now"


@pytest.mark.parametrize(
    "fields",
    [{"language": 5}, {"language": True}, {"language": "x" * 4000}, {"language": "../.."}, {"time_zone": "Mars/Phobos"},
     {"time_zone": 8}, {"time_zone": "/etc/localtime"}],
    ids=repr,
)  # fmt: skip
def test_a_language_or_a_zone_that_is_none_holds_no_message_and_no_other_event_back(
    tmp_path: Path, postgres_url: str, fields: dict[str, Any]
) -> None:
    """PostgreSQL takes no number for a text, so one such event would have failed its whole call, again and again."""
    with doorstep(tmp_path, database_url=postgres_url) as door:
        answer = door.tell({"lead": "ada@example.com", "fields": fields}, CLICK)

        assert answer.status_code == 200
        assert (answer.json()["heard"], [one["event"] for one in answer.json()["rejected"]]) == (1, [0])
        assert (door.lead()["language"], door.lead()["time_zone"]) == ("en", None)


def test_an_opt_out_told_by_the_crm_is_one(door: Doorstep) -> None:
    door.tell({"kind": "unsubscribed", "lead": "ada@example.com"})

    with door.engine.store.read() as tx:
        assert tx.value("SELECT COUNT(*) FROM suppressions WHERE kind = 'unsubscribed'") >= 1


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"secret": "whsec_YW5vdGhlciBzZWNyZXQgYWx0b2dldGhlcg=="}, 401),
        ({"at": LATER - timedelta(minutes=5, seconds=1)}, 401),
        ({"at": LATER + timedelta(minutes=5, seconds=1)}, 401),
        ({"at": LATER - timedelta(minutes=4, seconds=59)}, 200),
        ({"sent": b'{"events": []}'}, 401),
        ({"path": "/hook/site"}, 401),
        ({"path": "/hook/CRM"}, 401),
        ({"headers": {"webhook-id": "2"}}, 401),
        ({"headers": {"webhook-id": ""}}, 401),
        ({"headers": {"webhook-timestamp": "nan"}}, 401),
        ({"headers": {"webhook-timestamp": "1" * 30}}, 401),
        ({"headers": {"webhook-signature": "v1"}}, 401),
        ({"headers": {"webhook-signature": "v1,AAAA v2, ,,,"}}, 401),
        ({"headers": {"content-type": "text/plain"}}, 415),
        ({"data": b"\xff\xfe"}, 401),
        ({"data": b"[" * 10_000}, 400),
        ({"data": b'{"a": 1, "a": 2}'}, 400),
        ({"data": b'{"a": NaN}'}, 400),
        ({"data": b'{"a": "\\u0000"}'}, 400),
        ({"data": b'{"events": 7}'}, 400),
        ({"data": json.dumps({"events": [CLICK] * 1_001}).encode()}, 400),
        ({"data": b'"' + b"x" * (256 * 1024) + b'"'}, 413),
    ],
)
def test_who_is_not_whom_it_says_changes_nothing(door: Doorstep, more: dict[str, Any], status: int) -> None:
    answer = door.tell(CLICK, **more)

    assert answer.status_code == status
    assert door.heard() == ([("clicked", "human", "bait")] if status == 200 else [])


@pytest.mark.parametrize(
    "event",
    [
        7,
        {},
        {"lead": "ada@example.com"},
        {**CLICK, "kind": "opened"},
        {**CLICK, "lead": "nobody"},
        {**CLICK, "lead": ["ada@example.com"]},
        {**CLICK, "colour": "red"},
        {**CLICK, "at": "yesterday"},
        {**CLICK, "at": "2026-03-02T09:00:00"},
        {**CLICK, "at": "0001-01-01T00:00:00+14:00"},
        {**CLICK, "confidence": "certain"},
        {**CLICK, "fields": {"email": "evil@example.com"}},
        {**CLICK, "fields": {"owner": "me"}},
        {**CLICK, "fields": {"a": {"b": 1}}},
        {**CLICK, "fields": {"A b": 1}},
        {**CLICK, "tags": "x"},
        {**CLICK, "tags": [""]},
    ],
)
def test_what_is_not_understood_is_told_and_keeps_nothing_else_back(door: Doorstep, event: Any) -> None:
    answer = door.tell(event, CLICK).json()

    assert (answer["heard"], [one["event"] for one in answer["rejected"]]) == (1, [0])
    assert answer["rejected"][0]["what"]


def test_an_unknown_lead_is_told_and_not_made(door: Doorstep) -> None:
    assert door.tell({**CLICK, "lead": "bob@example.com"}).json()["unknown_leads"] == ["bob@example.com"]


def test_something_of_tomorrow_counts_from_when_we_were_told(door: Doorstep) -> None:
    door.tell({**CLICK, "at": "2030-01-01T00:00:00Z"})

    assert door.engine.history(ADA)["signals"][0]["at"] == "2026-03-02T03:05:00Z"


def test_without_a_secret_nobody_comes_in(tmp_path: Path) -> None:
    with doorstep(tmp_path, hooks="") as door:
        assert door.tell(CLICK).status_code == 401


@pytest.mark.parametrize(
    "hooks", ["crm", "crm:secret", "CRM:whsec_AAAAAAAAAAAAAAAAAAAAAAAA", "a:whsec_AAAAAAAAAAAAAAAAAAAAAAAA," * 2]
)
def test_doors_that_are_none_are_refused_and_no_secret_is_repeated(hooks: str) -> None:
    with pytest.raises(ValueError) as refused:
        Settings(hooks=hooks)

    assert "hooks are like" in str(refused.value)


# -- WeChat ---------------------------------------------------------------------------------------------------------


def by_wechat(
    door: Doorstep, method: str = "POST", xml: str = "", *, token: str = "wx-token", **more: Any
) -> httpx.Response:
    stamp = str(int((more.get("at") or door.now).timestamp()))
    signature = sha1("".join(sorted((token, stamp, "nonce"))).encode()).hexdigest()
    query = f"?signature={signature}&timestamp={stamp}&nonce=nonce&echostr=hello<b>"
    return door.ask(method, f"/wechat{query}", body=xml.encode())


def said(content: str = "", *, event: str = "", id: str = "1", who: str = "oADA1234") -> str:
    kind = f"<MsgType>event</MsgType><Event>{event}</Event>" if event else "<MsgType>text</MsgType>"
    return (
        f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[{who}]]></FromUserName>"
        f"<CreateTime>{int(LATER.timestamp()) - 60}</CreateTime>{kind}<Content><![CDATA[{content}]]></Content>"
        + ("" if event else f"<MsgId>{id}</MsgId>")
        + "</xml>"
    )


def test_wechat_is_shown_that_we_know_the_token(door: Doorstep) -> None:
    answer = by_wechat(door, "GET")

    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (
        200,
        "hello<b>",
        "text/plain; charset=utf-8",
    )


@pytest.mark.parametrize(
    ("xml", "kinds"),
    [
        (said("1"), ["replied"]),
        (said("TD"), ["unsubscribed"]),
        (said("退订"), ["unsubscribed"]),
        (said(event="CLICK"), ["clicked"]),
        (said(event="subscribe"), []),
        (said(event="unsubscribe"), []),
        (said("hello", who="oNOBODY99"), []),
        ("<xml></xml>", []),
    ],
)
def test_what_a_follower_does_is_heard_once(door: Doorstep, xml: str, kinds: list[str]) -> None:
    answers = [by_wechat(door, xml=xml).text for _ in range(2)]

    assert answers == ["success", "success"]
    assert [kind for kind, _, _ in door.heard()] == kinds


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><xml><Content>&i;</Content></xml>"
)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"xml": said("1"), "token": "another"}, 403),
        ({"xml": said("1"), "at": LATER - timedelta(minutes=6)}, 403),
        ({"xml": "<xml>"}, 400),
        ({"xml": "not xml at all"}, 400),
        ({"xml": BOMB}, 400),
        ({"xml": '<!DOCTYPE x SYSTEM "file:///etc/passwd"><xml/>'}, 400),
        ({"xml": "<a>" * 20_000}, 400),
        ({"xml": "<xml>" + "x" * 70_000 + "</xml>"}, 413),
    ],
)
def test_who_is_not_wechat_is_not_heard(door: Doorstep, more: dict[str, Any], status: int) -> None:
    began = time.perf_counter()
    answer = by_wechat(door, **more)

    assert answer.status_code == status
    assert door.heard() == []
    assert time.perf_counter() - began < 5


def test_without_a_token_there_is_no_such_door(tmp_path: Path) -> None:
    with doorstep(tmp_path, wechat_token="") as door:
        assert by_wechat(door, "GET", token="").status_code == 404


def test_a_follower_we_know_by_another_name_is_the_same_lead(door: Doorstep) -> None:
    by_wechat(door, xml=said("hello"))

    assert door.engine.history(LeadRef.parse("wechat:oADA1234"))["lead"]["email"] == "ada@example.com"
    assert len(door.heard()) == 1
