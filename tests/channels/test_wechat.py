"""WeChat: one token for all, one message each, and what its error codes mean."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nurture.channels.base import Ambiguous, Message, NotSent, Refused, Rendered, Sent, Verdict
from nurture.channels.wechat import WeChat
from nurture.settings import Settings
from nurture.testing.http import Asked, HttpServer, Said
from nurture.testing.wechat import WeChatApi
from tests.channels.http_scene import MayStart, egress, hand_over, play

Make = Callable[..., Message]
SLOTS = {
    "template_id": "T1",
    "url": "https://example.com/hello",
    "text": "for the archive",
    "data.first": "你好，王先生",
    "data.thing1": "白皮书",
}


def notice(message: Make, n: int = 1, **changes: Any) -> Message:
    return message(n, **({"to": f"oReader{n}", "rendered": Rendered(data=SLOTS)} | changes))


def channel(server: HttpServer) -> WeChat:
    return WeChat(egress(server.url), "wx1", "s3cret")


def verdict_on(message: Make, server: HttpServer, **changes: Any) -> Verdict:
    return hand_over(server, lambda: channel(server), notice(message, **changes))


def with_code(code: int) -> WeChatApi:
    return WeChatApi(wrong=lambda _: code)


def answering(said: Said) -> HttpServer:
    """A good token, and then this."""

    def answer(asked: Asked) -> Said:
        return Said(200, b'{"access_token": "t", "expires_in": 7200}') if "stable_token" in asked.path else said

    return HttpServer(answer)


# -- the message ----------------------------------------------------------------------------------------------------


def test_a_notice_carries_its_template_its_slots_and_a_key_against_repeats(message: Make) -> None:
    api = WeChatApi()

    verdict = verdict_on(message, api)

    assert verdict == Sent("msgid 400000001")
    (order,) = api.orders
    assert order.pop("client_msg_id")
    assert order == {
        "touser": "oReader1",
        "template_id": "T1",
        "url": "https://example.com/hello",
        "data": {"first": {"value": "你好，王先生"}, "thing1": {"value": "白皮书"}},
    }


def test_characters_go_as_they_are(message: Make) -> None:
    api = WeChatApi()

    verdict_on(message, api)

    assert "王先生".encode() in api.asked[-1].body


def test_a_mini_program_is_named_where_the_content_has_one(message: Make) -> None:
    api = WeChatApi()
    slots = SLOTS | {"miniprogram.appid": "wx9", "miniprogram.pagepath": "pages/a"}

    verdict_on(message, api, rendered=Rendered(data=slots))

    assert api.orders[0]["miniprogram"] == {"appid": "wx9", "pagepath": "pages/a"}


def test_every_attempt_carries_the_same_key(message: Make) -> None:
    api = WeChatApi()

    async def story() -> None:
        for _ in range(2):
            there = channel(api)
            await there.hand_over(notice(message), MayStart())
            await there.close()

    play(api, story)
    first, second = (json.loads(asked.body) for asked in api.asked if "template/send" in asked.path)

    assert first["client_msg_id"] == second["client_msg_id"]
    assert len(api.orders) == 1


@pytest.mark.parametrize(
    "slots",
    [pytest.param({"data.first": "hi"}, id="no template"), pytest.param(SLOTS | {"data.x": "\ud800"}, id="half")],
)
def test_a_content_that_cannot_be_a_notice_is_refused_before_anybody_is_asked(
    message: Make, slots: dict[str, str]
) -> None:
    api = WeChatApi()

    verdict = verdict_on(message, api, rendered=Rendered(data=slots))

    assert isinstance(verdict, Refused)
    assert verdict.because == "bad_content"
    assert api.asked == []


def test_a_lead_is_reached_by_its_wechat_id() -> None:
    there = WeChat(None)

    assert there.address({"wechat": "oABC", "email": "a@example.com"}) == "oABC"
    assert there.address({"wechat": None, "email": "a@example.com"}) is None


# -- not configured -------------------------------------------------------------------------------------------------


def test_without_keys_the_message_waits_and_says_why(message: Make) -> None:
    may_start = MayStart()

    verdict = asyncio.run(WeChat.open(Settings(), b"").hand_over(notice(message), may_start))

    assert isinstance(verdict, NotSent)
    assert verdict.because == "sender"
    assert verdict.detail == "not configured: set NURTURE_WECHAT_APP_ID and NURTURE_WECHAT_SECRET"
    assert verdict.retry_after is not None
    assert may_start.asked == 0


def test_with_keys_it_talks_to_the_api_of_the_settings(message: Make) -> None:
    api = WeChatApi()

    def open_it() -> WeChat:
        return WeChat.open(Settings(wechat_url=f"{api.url}/gate/", wechat_app_id="wx1", wechat_secret="s"), b"")

    verdict = hand_over(api, open_it, notice(message))

    assert isinstance(verdict, NotSent)
    assert {asked.path for asked in api.asked} == {"/gate/cgi-bin/stable_token"}


def test_the_secret_is_in_no_text_of_the_settings() -> None:
    assert "s3cret" not in repr(
        Settings(wechat_secret="s3cret", sms_url="https://a:s3cret@b.example/", sms_token="s3cret")
    )


# -- the token ------------------------------------------------------------------------------------------------------


def test_one_token_serves_all_messages_even_at_once(message: Make) -> None:
    api = WeChatApi()

    async def story() -> list[Verdict]:
        there = channel(api)
        verdicts = await asyncio.gather(*(there.hand_over(notice(message, n), MayStart()) for n in range(20)))
        await there.close()
        return list(verdicts)

    verdicts = play(api, story)

    assert all(isinstance(verdict, Sent) for verdict in verdicts)
    assert (api.tokens, len(api.orders)) == (1, 20)


def test_a_token_that_runs_out_in_the_middle_is_renewed_once_for_all(message: Make) -> None:
    api = WeChatApi()
    starts = MayStart()

    async def story() -> list[Verdict]:
        there = channel(api)
        verdicts = [await there.hand_over(notice(message, 0), starts)]
        api.let_the_token_run_out()
        verdicts += await asyncio.gather(*(there.hand_over(notice(message, n), starts) for n in range(1, 9)))
        await there.close()
        return verdicts

    verdicts = play(api, story)

    assert all(isinstance(verdict, Sent) for verdict in verdicts)
    assert (api.tokens, len(api.orders)) == (2, 9)
    assert starts.asked == 9, "one intent a message, although some were sent twice"


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_token_that_is_bad_again_is_the_senders_own_fault(message: Make, code: int) -> None:
    api = with_code(code)

    verdict = verdict_on(message, api)

    assert isinstance(verdict, NotSent)
    assert verdict.because == "sender"
    assert sum("template/send" in asked.path for asked in api.asked) == 2


@pytest.mark.parametrize(
    ("said", "because"),
    [
        pytest.param(
            Said(200, b'{"errcode": 40125, "errmsg": "invalid appsecret s3cret"}'), "sender", id="wrong secret"
        ),
        pytest.param(
            Said(200, b'{"errcode": 40164, "errmsg": "invalid ip"}'), "sender", id="our address is not allowed"
        ),
        pytest.param(Said(200, b'{"errcode": -1, "errmsg": "system busy"}'), "temporary", id="busy"),
        pytest.param(Said(200, b'{"access_token": 7}'), "sender", id="a token that is none"),
        pytest.param(Said(200, b"<html>"), "temporary", id="garbage"),
        pytest.param(Said(200, b"[" * 100_000), "temporary", id="deep garbage"),
        pytest.param(Said(502, b""), "temporary", id="bad gateway"),
        pytest.param(Said(404, b""), "sender", id="not there"),
        pytest.param(Said(raw=b"", then="reset"), "connection", id="broken"),
        pytest.param(Said(raw=b"", then="silence"), "connection", id="silence"),
    ],
)
def test_without_a_token_nothing_has_left(message: Make, said: Said, because: str) -> None:
    server = HttpServer(lambda _: said)
    may_start = MayStart()

    async def story() -> Verdict:
        there = channel(server)
        verdict = await there.hand_over(notice(message), may_start)
        await there.close()
        return verdict

    verdict = play(server, story)

    assert isinstance(verdict, NotSent)
    assert verdict.because == because
    assert "s3cret" not in verdict.detail
    assert may_start.asked == 0


def test_a_lifetime_without_measure_is_no_trouble(message: Make) -> None:
    server = HttpServer(
        lambda asked: Said(200, b'{"access_token": "t", "expires_in": 1' + b"0" * 400 + b', "errcode": 0}')
    )

    assert isinstance(verdict_on(message, server), Sent)


# -- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind", "because"),
    [
        (43004, Refused, "policy"),
        (43019, Refused, "policy"),
        (43101, Refused, "policy"),
        (45015, Refused, "policy"),
        (40003, Refused, "bad_address"),
        (40037, Refused, "bad_content"),
        (47003, Refused, "bad_content"),
        (48001, NotSent, "sender"),
        (50002, NotSent, "sender"),
        (-1, NotSent, "temporary"),
        (45009, NotSent, "temporary"),
        (45011, NotSent, "temporary"),
        (99999, Ambiguous, None),
    ],
)
def test_an_error_code_says_whose_fault_it_is_and_whether_it_passes(
    message: Make, code: int, kind: type[Verdict], because: str | None
) -> None:
    verdict = verdict_on(message, with_code(code))

    assert type(verdict) is kind
    assert getattr(verdict, "because", None) == because
    assert verdict.detail.startswith(f"{code} ")


def test_a_reader_who_does_not_follow_us_is_no_bounce(message: Make) -> None:
    verdict = verdict_on(message, with_code(43004))

    assert isinstance(verdict, Refused)
    assert verdict.because != "hard_bounce"


def test_a_quota_that_is_used_up_is_asked_again_after_midnight_in_china(message: Make) -> None:
    verdict = verdict_on(message, with_code(45009), date=datetime(2026, 3, 6, 9, 30, tzinfo=UTC))

    assert isinstance(verdict, NotSent)
    assert verdict.retry_after == timedelta(hours=6, minutes=40)


def test_once_the_quota_is_used_up_the_others_do_not_ask(message: Make) -> None:
    api = with_code(45009)

    async def story() -> list[Verdict]:
        there = channel(api)
        verdicts = [await there.hand_over(notice(message, n), MayStart()) for n in range(5)]
        await there.close()
        return verdicts

    verdicts = play(api, story)

    assert all(isinstance(verdict, NotSent) for verdict in verdicts)
    assert sum("template/send" in asked.path for asked in api.asked) == 1


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(Said(200, b"<html>gateway</html>"), id="garbage"),
        pytest.param(Said(200, b"{}"), id="no code"),
        pytest.param(Said(200, b'{"errcode": "0"}'), id="a code that is a text"),
        pytest.param(Said(200, b'{"errcode": false}'), id="a code that is no number"),
        pytest.param(Said(200, b'{"errcode": 0}', cut=5, then="close"), id="cut"),
        pytest.param(Said(200, b"x" * 2_000_000), id="two megabytes"),
        pytest.param(Said(204, b""), id="nothing"),
        pytest.param(Said(raw=b"", then="close"), id="closed"),
        pytest.param(Said(raw=b"", then="reset"), id="broken"),
        pytest.param(Said(raw=b"", then="silence"), id="silence"),
        pytest.param(Said(500, b""), id="500"),
        pytest.param(Said(502, b""), id="502"),
        pytest.param(Said(504, b""), id="504"),
    ],
)
def test_whatever_does_not_say_how_it_went_is_ambiguous(message: Make, said: Said) -> None:
    assert isinstance(verdict_on(message, answering(said)), Ambiguous)


@pytest.mark.parametrize(("status", "because"), [(503, "temporary"), (429, "temporary"), (403, "sender")])
def test_a_gateway_that_turns_us_away_has_sent_nothing(message: Make, status: int, because: str) -> None:
    verdict = verdict_on(message, answering(Said(status, b"")))

    assert isinstance(verdict, NotSent)
    assert verdict.because == because


def test_what_a_peer_says_is_kept_in_one_safe_line(message: Make) -> None:
    said = {"errcode": 43004, "errmsg": "\u001b[31mred\n" + "x" * 5000}

    verdict = verdict_on(message, answering(Said(200, json.dumps(said).encode())))

    assert len(verdict.detail) <= 500
    assert verdict.detail.isprintable()


def test_a_withdrawn_notice_is_not_sent(message: Make) -> None:
    api = WeChatApi()

    verdict = hand_over(api, lambda: channel(api), notice(message), answer=False)

    assert isinstance(verdict, NotSent)
    assert verdict.because == "withdrawn"
    assert api.orders == []


def test_the_intent_follows_the_token_and_goes_before_the_message(message: Make) -> None:
    api = WeChatApi()
    starts = MayStart(api)

    async def story() -> None:
        there = channel(api)
        await there.hand_over(notice(message), starts)
        await there.close()

    play(api, story)

    assert starts.seen_by_server == [1]
    assert [asked.path for asked in api.asked] == ["/cgi-bin/stable_token", "/cgi-bin/message/template/send"]
