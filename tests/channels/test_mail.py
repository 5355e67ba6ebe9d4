"""The octets of a mail: what was meant reads back, and nothing else does."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nurture.channels.base import Message, Rendered
from nurture.channels.headers import BadAddress, BadHeader, clean_header, encode_words, mailbox, one_line, phrase
from nurture.channels.mail import Sender, build, message_id
from nurture.channels.smtp import on_the_wire

SENDER = Sender.parse("致趣百川 <news@example.com>", reply_to="sales@example.com")
HEADERS = ["Date", "Message-ID", "From", "Reply-To", "MIME-Version", "To", "Subject", "Content-Type"]

anything = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)
speakable = st.text(
    st.characters(
        exclude_categories=["Cs", "Cc", "Zl", "Zp"],
        exclude_characters="\u061c\u200e\u200f" + "".join(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)])),
    ),
    max_size=300,
)


def a_message(**changes: Any) -> Message:
    given = {
        "key": "e/n/1",
        "message_id": message_id("secret", "e/n/1", "example.com"),
        "date": datetime(2026, 3, 6, 9, 5, 7, tzinfo=UTC),
        "to": "ada@example.org",
        "name": "",
        "rendered": Rendered("Hello", "text\n", "<p>html</p>\n"),
    }
    return Message(**(given | changes))


def read(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)  # type: ignore[return-value]


def assert_well_formed(raw: bytes) -> None:
    assert raw.endswith(b"\r\n")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.isascii()


def head_names(raw: bytes) -> list[str]:
    head = raw.partition(b"\r\n\r\n")[0].decode()
    return [line.partition(":")[0] for line in head.split("\r\n") if not line.startswith((" ", "\t"))]


def test_a_mail_has_exactly_the_headers_that_were_meant() -> None:
    plain = build(a_message(), SENDER).raw
    marketing = build(a_message(unsubscribe_url="https://example.com/u/abc"), SENDER).raw

    assert head_names(plain) == HEADERS
    assert sorted(head_names(marketing)) == sorted([*HEADERS, "List-Unsubscribe", "List-Unsubscribe-Post"])
    assert read(marketing)["List-Unsubscribe"] == "<https://example.com/u/abc>"
    assert read(marketing)["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert read(plain).defects == []


def test_answers_bounces_and_opt_outs_by_mail_go_to_addresses_of_their_own() -> None:
    """C05 (RFC 2369): a link and a mail address; the link alone is for one click (RFC 8058)."""
    letter = build(
        a_message(
            unsubscribe_url="https://example.com/u/abc",
            unsubscribe_mail="news+u123@example.com",
            reply_to="news+r123@example.com",
            return_path="news+b123@example.com",
        ),
        SENDER,
    )
    read_back = read(letter.raw)

    assert str(letter.sender) == "news+b123@example.com"
    assert read_back.get_all("Reply-To") == ["news+r123@example.com"]
    assert read_back["List-Unsubscribe"] == (
        "<https://example.com/u/abc>, <mailto:news+u123@example.com?subject=unsubscribe>"
    )
    assert read_back["From"].addresses[0].addr_spec == "news@example.com"
    assert_well_formed(letter.raw)


@given(speakable.map(lambda text: "x" + text.strip() + "x"))
@example("欢迎" * 100)
@example("x" * 900)
@example("=?utf-8?b?5qyi6L+O?=")
@example("a  b" * 60)
@example("😀" * 50)
def test_every_subject_reads_back_exactly(subject: str) -> None:
    """C03."""
    raw = build(a_message(rendered=Rendered(subject, "text")), SENDER).raw

    assert_well_formed(raw)
    assert str(make_header(decode_header(read_raw_header(raw, "Subject")))) == subject
    for word in re.findall(r"=\?utf-8\?b\?[^?]*\?=", raw.partition(b"\r\n\r\n")[0].decode()):
        assert len(word) <= 75


def read_raw_header(raw: bytes, name: str) -> str:
    head = raw.partition(b"\r\n\r\n")[0].decode().replace("\r\n ", " ")
    value = next(line for line in head.split("\r\n") if line.startswith(f"{name}: "))
    return value[len(name) + 2 :]


@given(speakable.filter(lambda name: name.strip() == name and 0 < len(name) <= 200))
@example('Ada "the" \\ Countess, <of> Lovelace')
@example("王芳" * 60)
@example("a" * 150)
@example("=?utf-8?q?x?=")
@example("Lovelace, Ada")
def test_every_name_reads_back_exactly_and_leaves_one_recipient(name: str) -> None:
    raw = build(a_message(name=name), SENDER).raw
    to = read(raw)["to"]

    assert_well_formed(raw)
    assert [address.addr_spec for address in to.addresses] == ["ada@example.org"]
    assert head_names(raw) == HEADERS
    # The standard library's reader of phrases keeps the folds between encoded words; its reader of words does not.
    written = read_raw_header(raw, "To").removesuffix("<ada@example.org>").strip()
    if written.startswith('"'):
        written = re.sub(r"\\(.)", r"\1", written[1:-1])
    assert str(make_header(decode_header(written))) == name


def test_a_name_of_a_thousand_characters_is_cut() -> None:
    to = read_raw_header(build(a_message(name="王" * 1000), SENDER).raw, "To")

    assert len(str(make_header(decode_header(to.partition("<")[0].strip())))) == 200


@given(anything, anything)
@example(".\n..\r.\r\n.\n", "<p>.</p>\n.\n")
@example("x" * 5002, "<p>" + "y" * 20_000)
@example("trailing space \nand tab\t\n", "\x00nul")
@example("bare\rcarriage", "😀" * 2000)
@example("中文" * 3000, "GBK 编码")
@example("=", "=20\n=")
def test_every_body_reads_back_and_no_line_is_too_long(text: str, html: str) -> None:
    """S35: line ends are CRLF on the wire, all else is as it was."""
    raw = build(a_message(rendered=Rendered("Hello", text, html)), SENDER).raw
    parts = list(read(raw).iter_parts())

    assert_well_formed(raw)
    for part, meant in zip(parts, (text, html), strict=True):
        decoded = part.get_payload(decode=True)
        assert isinstance(decoded, bytes)
        lines = meant.replace("\r\n", "\n").replace("\r", "\n")
        assert decoded.decode().replace("\r\n", "\n") == (lines if lines.endswith("\n") else lines + "\n")


@given(st.lists(st.sampled_from(["", ".", "..", ".x", "x", "QUIT"]), min_size=1, max_size=9))
def test_dots_are_stuffed_so_that_only_the_end_is_the_end(lines: list[str]) -> None:
    raw = ("\r\n".join(lines) + "\r\n").encode()
    wire = on_the_wire(raw)

    assert wire.endswith(b"\r\n.\r\n") or wire == b".\r\n"
    assert b"\r\n.\r\n" not in b"\r\n" + wire[:-3]
    assert (b"\r\n" + wire[:-3]).replace(b"\r\n..", b"\r\n.")[2:] == raw


@pytest.mark.parametrize("part", ["subject", "text", "html", "name"])
def test_half_a_character_is_refused(part: str) -> None:
    changes = (
        {"name": "\ud800"}
        if part == "name"
        else {"rendered": Rendered(**({"subject": "s", "text": "t"} | {part: "x\ud800"}))}
    )

    with pytest.raises(BadHeader):
        build(a_message(**changes), SENDER)


@pytest.mark.parametrize(
    "changes",
    [
        {"rendered": Rendered("", "text")},
        {"rendered": Rendered("  ", "text")},
        {"rendered": Rendered("Hello")},
        {"message_id": "no at"},
        {"message_id": "a@b>\r\nBcc: <eve@example.org"},
        {"unsubscribe_url": "javascript:alert(1)"},
        {"unsubscribe_url": "https://example.com/>,<mailto:eve@example.org"},
        {"unsubscribe_url": "https://example.com/\r\nBcc: eve@example.org"},
        {"unsubscribe_url": "https://example.com/" + "x" * 2000},
        {"unsubscribe_url": "https://example.com/", "unsubscribe_mail": "a@b.example>\r\nBcc: eve@example.org"},
        {"reply_to": "a@b.example\r\nBcc: eve@example.org"},
        {"return_path": "a@b.example> SIZE=1"},
    ],
)
def test_a_mail_that_would_not_be_one_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises((BadHeader, BadAddress)):
        build(a_message(**changes), SENDER)


def test_a_sender_with_a_line_break_is_refused() -> None:
    with pytest.raises((BadHeader, BadAddress)):
        Sender.parse("news@example.com", name="News\r\nBcc: eve@example.org")
    with pytest.raises(BadAddress):
        Sender.parse("News <news@example.com>\r\nBcc: <eve@example.org>")


def test_dates_are_written_in_utc_and_in_english() -> None:
    moment = datetime(2026, 3, 6, 17, 5, 7, tzinfo=timezone(timedelta(hours=8)))

    assert read(build(a_message(date=moment), SENDER).raw)["date"] == "Fri, 06 Mar 2026 09:05:07 +0000"


def test_a_message_id_is_the_same_every_time_and_tells_nothing() -> None:
    one, again = message_id("secret", "e1/intro/1", "example.com"), message_id("secret", "e1/intro/1", "example.com")

    assert one == again
    assert re.fullmatch(r"v1\.[a-z2-7]{32}@example\.com", one)
    assert message_id("secret", "e2/intro/1", "example.com") != one
    assert message_id("other", "e1/intro/1", "example.com") != one
    assert "e1" not in one
    with pytest.raises(ValueError, match="secret"):
        message_id("", "e1/intro/1", "example.com")


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("ada@example.org", "ada@example.org"),
        ("Ada.Lovelace+tag@Example.org", "Ada.Lovelace+tag@Example.org"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@例子.测试", "ada@xn--fsqu00a.xn--0zwm56d"),
        ("o'neil@example.org", "o'neil@example.org"),
    ],
)
def test_a_domain_goes_onto_the_wire_as_dns_knows_it(address: str, wire: str) -> None:
    assert str(mailbox(address)) == wire


def test_the_gate_lets_everything_else_through() -> None:
    for text in ("Hello", "王芳", "Zoë", "עברית", "👩‍🔬", "a\u200db"):
        assert clean_header(text) == text


def test_a_line_break_in_a_cell_is_a_space_and_a_header_after_it_is_an_attack() -> None:
    assert one_line("Acme\nLtd.\r\n North") == "Acme Ltd. North"
    assert one_line("12:30") == "12:30"
    for attack in ("Acme\nBcc: eve@example.org", "Acme\r\n\r\nX-Spam:no", "a\r\tSubject : x"):
        with pytest.raises(BadHeader):
            one_line(attack)


def test_ascii_stays_readable() -> None:
    assert encode_words("Five questions to ask your supplier", 67) == "Five questions to ask your supplier"
    assert phrase("Lovelace, Ada") == '"Lovelace, Ada"'
