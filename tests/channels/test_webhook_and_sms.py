"""Webhook and SMS: the same post, read differently: a program may be asked twice, a person may not."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest

from nurture.channels.base import Ambiguous, Message, NotSent, Refused, Rendered, Sent, Verdict
from nurture.channels.sms import Sms
from nurture.channels.webhook import Webhook
from nurture.settings import Settings
from nurture.testing.http import HttpServer, Said
from tests.channels.http_scene import MayStart, egress, hand_over, play

Make = Callable[..., Message]


def says(said: Said) -> HttpServer:
    return HttpServer(lambda _: said)


def by_webhook(message: Make, said: Said, **changes: Any) -> tuple[Verdict, HttpServer]:
    server = says(said)
    verdict = hand_over(server, lambda: Webhook(egress(server.url), "/in"), message(**changes))
    return verdict, server


def by_sms(message: Make, said: Said, **changes: Any) -> tuple[Verdict, HttpServer]:
    server = says(said)
    text = {"to": "+8613800138000", "rendered": Rendered(text="您好\n")}
    verdict = hand_over(server, lambda: Sms(egress(server.url), "/send"), message(**(text | changes)))
    return verdict, server


# -- what is posted -------------------------------------------------------------------------------------------------


def test_a_webhook_gets_the_whole_message_and_its_key(message: Make) -> None:
    rendered = Rendered("Hello", "Hello Ada\n", "<p>Hello</p>", {"stage": "MQL"})

    verdict, server = by_webhook(message, Said(202), rendered=rendered)

    assert verdict == Sent("202 Accepted")
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/in")
    assert asked.headers["idempotency-key"] == "e1/intro/1"
    assert asked.headers["content-type"] == "application/json"
    assert json.loads(asked.body) == {
        "key": "e1/intro/1",
        "date": "2026-03-06T09:30:00Z",
        "to": "lead1@example.org",
        "name": "Ada Lovelace",
        "subject": "Hello",
        "text": "Hello Ada\n",
        "html": "<p>Hello</p>",
        "data": {"stage": "MQL"},
        "marketing": True,
        "unsubscribe_url": "https://example.com/u/abc",
    }


ELSEWHERE = "http://169.254.169.254/latest"


@pytest.mark.parametrize(
    "changes",
    [
        {"to": ELSEWHERE},
        {"to": "ada@169.254.169.254"},
        {"rendered": Rendered(ELSEWHERE, ELSEWHERE, ELSEWHERE, {"url": ELSEWHERE, "host": "169.254.169.254"})},
        {"rendered": Rendered(text="\r\nHost: 169.254.169.254\r\n\r\nPOST /latest HTTP/1.1\r\n")},
    ],
)
def test_where_a_message_goes_is_said_by_the_settings_and_never_by_a_lead(message: Make, changes: Any) -> None:
    verdict, server = by_webhook(message, Said(202), **changes)

    assert verdict == Sent("202 Accepted")
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/in")
    assert asked.headers["host"] == server.url.removeprefix("http://").partition("/")[0]


def test_an_sms_gets_number_text_and_key(message: Make) -> None:
    verdict, server = by_sms(message, Said(200))

    assert verdict == Sent("200 OK")
    (asked,) = server.asked
    assert asked.path == "/send"
    assert asked.headers["idempotency-key"] == "e1/intro/1"
    assert json.loads(asked.body) == {"key": "e1/intro/1", "to": "+8613800138000", "text": "您好"}


def test_a_signed_webhook_can_be_checked_by_its_receiver(message: Make) -> None:
    server = says(Said())
    key = b"twenty four random bytes"

    hand_over(server, lambda: Webhook(egress(server.url), "/", key, clock=lambda: 1_772_789_400.7), message())

    (asked,) = server.asked
    assert (asked.headers["webhook-id"], asked.headers["webhook-timestamp"]) == ("e1/intro/1", "1772789400")
    signed = hmac.new(key, b"e1/intro/1.1772789400." + asked.body, hashlib.sha256).digest()
    assert asked.headers["webhook-signature"] == f"v1,{base64.b64encode(signed).decode()}"


def test_the_url_of_the_settings_may_name_path_and_user(message: Make) -> None:
    server = says(Said())

    def open_it() -> Webhook:
        url = server.url.replace("://", "://ada:s3cret@") + "/hooks/in?x=1"
        return Webhook.open(Settings(webhook_url=url, webhook_secret="whsec_c2VjcmV0"), b"")

    hand_over(server, open_it, message())

    (asked,) = server.asked
    assert (asked.path, asked.query) == ("/hooks/in", {"x": "1"})
    assert asked.headers["authorization"] == f"Basic {base64.b64encode(b'ada:s3cret').decode()}"
    assert "webhook-signature" in asked.headers


def test_an_sms_gateway_gets_its_token(message: Make) -> None:
    server = says(Said())

    def open_it() -> Sms:
        return Sms.open(Settings(sms_url=f"{server.url}/v1", sms_token="t0ken"), b"")

    hand_over(server, open_it, message(to="+8613800138000", rendered=Rendered(text="hi")))

    assert server.asked[0].headers["authorization"] == "Bearer t0ken"


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"webhook_url": "http://hooks.example.com/"}, "NURTURE_WEBHOOK_URL is in clear"),
        ({"webhook_url": "https://h.example/", "webhook_secret": "whsec_?"}, "NURTURE_WEBHOOK_SECRET"),
        ({"sms_url": "http://sms.example.com/"}, "NURTURE_SMS_URL is in clear"),
        ({"sms_url": "https://s.example/", "sms_token": "a\r\nX: y"}, "NURTURE_SMS_TOKEN"),
    ],
)
def test_settings_that_cannot_be_right_are_refused_with_a_sentence(settings: dict[str, str], what: str) -> None:
    kind = Webhook if "webhook_url" in settings else Sms

    with pytest.raises(ValueError, match=what):
        kind.open(Settings(**settings), b"")  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "name"), [(Webhook, "NURTURE_WEBHOOK_URL"), (Sms, "NURTURE_SMS_URL")])
def test_without_a_url_the_message_waits_and_says_why(message: Make, kind: Any, name: str) -> None:
    may_start = MayStart()

    verdict = asyncio.run(kind.open(Settings(), b"").hand_over(message(), may_start))

    assert isinstance(verdict, NotSent)
    assert (verdict.because, verdict.detail) == ("sender", f"not configured: set {name}")
    assert verdict.retry_after is not None
    assert may_start.asked == 0


@pytest.mark.parametrize("text", ["", " \n", "\ud800"])
def test_an_sms_without_a_text_is_refused(message: Make, text: str) -> None:
    verdict, server = by_sms(message, Said(), rendered=Rendered(text=text))

    assert isinstance(verdict, Refused)
    assert server.asked == []


def test_whom_a_message_is_about() -> None:
    lead = {"email": None, "phone": "+8613800138000", "wechat": "oABC", "id": "7"}

    assert Sms(None).address(lead) == "+8613800138000"
    assert Sms(None).address({"email": "a@example.com"}) is None
    assert Webhook(None).address(lead | {"email": "a@example.com"}) == "a@example.com"
    assert Webhook(None).address(lead) == "+8613800138000"
    assert Webhook(None).address({"id": "7"}) == "7"
    assert Webhook(None).address({}) is None


# -- what is answered -----------------------------------------------------------------------------------------------

CERTAIN: list[Any] = [
    pytest.param(Said(200), Sent, None, id="200"),
    pytest.param(Said(204, b""), Sent, None, id="204"),
    pytest.param(Said(200, b"x" * 100, cut=3, then="close"), Sent, None, id="200, cut in the body"),
    pytest.param(Said(400), Refused, "bad_content", id="400"),
    pytest.param(Said(413), Refused, "too_large", id="413"),
    pytest.param(Said(422), Refused, "bad_content", id="422"),
    pytest.param(Said(451), Refused, "policy", id="451"),
    pytest.param(Said(401), NotSent, "sender", id="401"),
    pytest.param(Said(404), NotSent, "sender", id="404"),
    pytest.param(Said(301, b"", {"Location": "https://elsewhere.example/"}), NotSent, "sender", id="301"),
    pytest.param(Said(307, b"", {"Location": "http://169.254.169.254/"}), NotSent, "sender", id="307"),
    pytest.param(Said(429), NotSent, "temporary", id="429"),
    pytest.param(Said(503), NotSent, "temporary", id="503"),
]
UNCLEAR = [
    pytest.param(Said(409), id="409"),
    pytest.param(Said(500), id="500"),
    pytest.param(Said(502), id="502"),
    pytest.param(Said(504), id="504"),
    pytest.param(Said(599), id="599"),
    pytest.param(Said(303, b"", {"Location": "/done"}), id="303"),
    pytest.param(Said(raw=b"", then="close"), id="closed after the request"),
    pytest.param(Said(raw=b"", then="reset"), id="broken after the request"),
    pytest.param(Said(raw=b"", then="silence"), id="slow"),
    pytest.param(Said(raw=b"nonsense\r\n\r\n", then="close"), id="not HTTP"),
]


@pytest.mark.parametrize("by", [by_webhook, by_sms])
@pytest.mark.parametrize(("said", "kind", "because"), CERTAIN)
def test_what_a_status_says_for_certain(
    message: Make, by: Callable[..., tuple[Verdict, HttpServer]], said: Said, kind: type[Verdict], because: str | None
) -> None:
    verdict, server = by(message, said)

    assert type(verdict) is kind
    assert getattr(verdict, "because", None) == because
    assert len(server.asked) == 1


@pytest.mark.parametrize("said", UNCLEAR)
def test_a_program_is_asked_again_when_it_answers_unclearly(message: Make, said: Said) -> None:
    verdict, _ = by_webhook(message, said)

    assert isinstance(verdict, NotSent)
    assert verdict.because == "temporary"


@pytest.mark.parametrize("said", UNCLEAR)
def test_a_person_is_not_written_to_again_when_a_gateway_answers_unclearly(message: Make, said: Said) -> None:
    assert isinstance(by_sms(message, said)[0], Ambiguous)


def test_a_pause_that_is_asked_for_is_kept(message: Make) -> None:
    verdict, _ = by_webhook(message, Said(503, b"", {"Retry-After": "90"}))

    assert isinstance(verdict, NotSent)
    assert verdict.retry_after is not None
    assert verdict.retry_after.total_seconds() == 90


def test_every_attempt_carries_the_same_key(message: Make) -> None:
    answers = iter([Said(500), Said(raw=b"", then="reset"), Said(200)])
    server = HttpServer(lambda _: next(answers))

    async def story() -> list[Verdict]:
        there = Webhook(egress(server.url), "/in")
        verdicts = [await there.hand_over(message(), MayStart()) for _ in range(3)]
        await there.close()
        return verdicts

    verdicts = play(server, story)

    assert [type(verdict) for verdict in verdicts] == [NotSent, NotSent, Sent]
    assert {asked.headers["idempotency-key"] for asked in server.asked} == {"e1/intro/1"}
    assert len({asked.body for asked in server.asked}) == 1


@pytest.mark.parametrize("by", [by_webhook, by_sms])
def test_the_body_of_an_answer_is_not_kept(message: Make, by: Callable[..., tuple[Verdict, HttpServer]]) -> None:
    verdict, _ = by(message, Said(400, b'{"canary": "a page from inside"}'))

    assert "canary" not in verdict.detail
