"""The way out by HTTP: only where it was allowed, at addresses that were checked, and certain about the first byte."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Any

import pytest

from nurture.channels.addresses import barred
from nurture.channels.egress import Answer, Peer, Unclear, Unreached
from nurture.testing.http import HttpServer, Said
from tests.channels.http_scene import MayStart, egress, play


def says(said: Said) -> HttpServer:
    return HttpServer(lambda _: said)


def resolving_to(*addresses: str) -> Callable[[str, int], Any]:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


def post(server: HttpServer, may_start: MayStart | None = None, *, url: str = "", **options: Any) -> Answer:
    async def story() -> Answer:
        way_out = egress(url.format(port=server.port) or server.url, **options)
        try:
            return await way_out.post("/in", b"{}", {"Idempotency-Key": "e1/hello/0"}, may_start)
        finally:
            await way_out.close()

    return play(server, story)  # type: ignore[no-any-return]


# -- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "169.254.0.1",
        "100.100.100.200",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "127.0.0.1",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "::7f00:1",
    ],
)
def test_an_address_inside_is_not_connected_to(address: str) -> None:
    assert barred(ip_address(address), loopback=False, private=False)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_an_address_on_the_internet_is_connected_to(address: str) -> None:
    assert barred(ip_address(address), loopback=False, private=False) == ""


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.1", "fc00::1", "127.0.0.1"])
def test_an_operator_may_allow_a_network_of_their_own(address: str) -> None:
    assert barred(ip_address(address), loopback=False, private=True) == ""


@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "0.0.0.0", "224.0.0.1"])
def test_nobody_may_allow_what_is_no_server_or_tells_secrets(address: str) -> None:
    assert barred(ip_address(address), loopback=True, private=True)


def test_a_name_that_leads_to_this_machine_is_not_this_machine() -> None:
    server = says(Said())

    with pytest.raises(Unreached, match=r"hooks\.example\.com is 127\.0\.0\.1"):
        post(server, url="https://hooks.example.com:{port}", resolve=resolving_to("127.0.0.1"))

    assert server.connections == 0


def test_a_name_with_one_bad_address_among_good_ones_is_not_trusted_at_all() -> None:
    with pytest.raises(Unreached, match="private network"):
        post(says(Said()), url="https://h.example.com", resolve=resolving_to("93.184.216.34", "10.0.0.7"))


def test_a_fault_of_the_settings_is_the_senders_own() -> None:
    with pytest.raises(Unreached) as caught:
        post(says(Said()), url="https://h.example.com", resolve=resolving_to("169.254.169.254"))

    assert caught.value.verdict.because == "sender"


def test_what_was_checked_is_what_is_connected_to() -> None:
    server = says(Said())
    asked: list[str] = []

    async def flips(host: str, port: int) -> Sequence[str]:
        # The second answer would lead elsewhere; nobody may ask for it.
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    answer = post(server, url="http://rebind.example.com:{port}", resolve=flips, private=True)

    assert answer.status == 200
    assert asked == ["rebind.example.com"]
    assert server.asked[0].headers["host"] == f"rebind.example.com:{server.port}"


def test_an_address_where_nobody_listens_is_passed_over_for_the_next_one() -> None:
    server = says(Said())
    may_start = MayStart(server)

    answer = post(
        server,
        may_start,
        url="http://two.example.com:{port}",
        resolve=resolving_to("127.0.0.2", "127.0.0.1"),
        private=True,
    )

    assert answer.status == 200
    assert may_start.asked == 1


# -- the URL --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://example.com/", "in clear"),
        ("http://10.0.0.1/", "in clear"),
        ("http://0x7f000001/", "in clear"),
        ("file:///etc/passwd", "https://"),
        ("gopher://example.com/", "https://"),
        ("https://", "names a host"),
        ("example.com", "https://"),
        ("https://[", "not a URL"),
    ],
)
def test_a_url_that_cannot_be_right_is_refused_with_a_sentence(url: str, what: str) -> None:
    with pytest.raises(ValueError, match=f"NURTURE_TEST_URL.*{what}"):
        Peer.parse("NURTURE_TEST_URL", url)


def test_a_refused_url_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="in clear") as caught:
        Peer.parse("NURTURE_TEST_URL", "http://ada:s3cret@example.com/")

    assert "s3cret" not in str(caught.value)


def test_the_user_in_the_url_goes_into_a_header_and_not_into_any_text() -> None:
    peer = Peer.parse("NURTURE_TEST_URL", "https://ada:s%3Acret@example.com/in?x=1")

    assert peer.credentials == "Basic YWRhOnM6Y3JldA=="
    assert (peer.host, peer.authority, peer.path) == ("example.com", "example.com", "/in?x=1")
    assert "YWRh" not in repr(peer)


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert post(says(Said())).status == 200


def test_no_url_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def story() -> None:
        way_out = egress(server.url)
        await way_out.post("/in?access_token=canary", b"{}", {})
        await way_out.close()

    server = says(Said())
    play(server, story)

    assert "canary" not in caplog.text


# -- the first byte -------------------------------------------------------------------------------------------------


def test_the_intent_is_asked_for_once_connected_and_before_the_first_byte() -> None:
    server = says(Said())
    may_start = MayStart(server)

    post(server, may_start)

    assert may_start.seen_by_server == [0]
    assert server.connections == 1
    assert len(server.asked) == 1


def test_a_message_that_is_withdrawn_sends_nothing() -> None:
    server = says(Said())

    with pytest.raises(Unreached) as caught:
        post(server, MayStart(server, answer=False))

    assert caught.value.verdict.because == "withdrawn"
    assert server.asked == []


def test_a_process_that_slept_after_asking_takes_the_message_back(monkeypatch: pytest.MonkeyPatch) -> None:
    hours = iter(range(0, 100_000, 3600))
    monkeypatch.setattr("nurture.channels.egress.elapsed", lambda: next(hours))
    server = says(Said())

    with pytest.raises(Unreached, match="could not begin in time"):
        post(server, MayStart(server))

    assert server.asked == []


def test_where_nobody_listens_nobody_asks_to_start() -> None:
    may_start = MayStart()

    with pytest.raises(Unreached) as caught:
        post(says(Said()), may_start, url="http://127.0.0.1:1")

    assert caught.value.verdict.because == "connection"
    assert may_start.asked == 0


def test_a_name_that_nobody_knows_is_told() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        raise OSError("no such host")

    with pytest.raises(Unreached, match="cannot be resolved"):
        post(says(Said()), url="https://nowhere.example.com", resolve=resolve)


def test_a_resolver_that_says_nothing_is_not_waited_for() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return ()

    with pytest.raises(Unreached, match="in time"):
        post(says(Said()), url="https://slow.example.com", resolve=resolve)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(Said(raw=b"", then="close"), id="closed after the request"),
        pytest.param(Said(raw=b"", then="reset"), id="broken after the request"),
        pytest.param(Said(raw=b"", then="silence"), id="silence after the request"),
        pytest.param(Said(raw=b"HTTP/1.1 2", then="close"), id="cut in the status line"),
        pytest.param(Said(raw=b"HTTP/1.1 200 OK\r\nContent-Le", then="silence"), id="silence in the headers"),
        pytest.param(Said(raw=b"SMTP? 220 hello\r\n\r\n", then="close"), id="not HTTP"),
    ],
)
def test_whatever_comes_between_the_request_and_its_answer_is_unclear(said: Said) -> None:
    with pytest.raises(Unclear):
        post(says(said), MayStart())


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(Said(200, b"x" * 1000, cut=10, then="close"), id="cut in the body"),
        pytest.param(Said(200, b"x" * 3000), id="too long"),
        pytest.param(Said(200, b"\x1f\x8b", {"Content-Encoding": "gzip"}), id="packed, though nobody asked for that"),
    ],
)
def test_an_answer_whose_body_cannot_be_read_is_still_an_answer(said: Said) -> None:
    assert post(says(said), most=2000) == Answer(200, None)


def test_a_body_that_never_ends_is_not_waited_for() -> None:
    with pytest.raises(Unclear):
        post(says(Said(200, b"x" * 1000, cut=10, then="silence")))


def test_redirects_are_answers_and_not_followed() -> None:
    server = says(Said(302, b"", {"Location": "http://169.254.169.254/latest/meta-data/"}))

    assert post(server).status == 302
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("text", "seconds"), [("120", 120), ("999999999", None), ("99999999", 86400), ("-1", None), ("Fri, 06 Mar", None)]
)
def test_a_retry_after_is_read_when_it_is_a_number(text: str, seconds: int | None) -> None:
    pause = post(says(Said(503, b"", {"Retry-After": text}))).retry_after

    assert (pause.total_seconds() if pause else None) == seconds


def test_a_connection_is_used_again() -> None:
    server = says(Said())

    async def story() -> None:
        way_out = egress(server.url)
        for _ in range(3):
            await way_out.post("/in", b"{}", {})
        await way_out.close()

    play(server, story)

    assert (server.connections, len(server.asked)) == (1, 3)


# -- TLS ------------------------------------------------------------------------------------------------------------


def test_the_certificate_is_that_of_the_name(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    at, client = tls
    server = HttpServer(lambda _: Said(), tls=at)

    assert post(server, tls=client).status == 200


def test_a_certificate_of_another_name_is_not_accepted(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    at, client = tls
    server = HttpServer(lambda _: Said(), tls=at)
    may_start = MayStart()

    with pytest.raises(Unreached) as caught:
        # The certificate is for 127.0.0.1, to which this name leads.
        post(
            server,
            may_start,
            url="https://other.example.com:{port}",
            resolve=resolving_to("127.0.0.1"),
            private=True,
            tls=client,
        )

    assert caught.value.verdict.because == "connection"
    assert may_start.asked == 0
