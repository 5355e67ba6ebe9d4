"""Whatever comes in, it is read in little time and little memory, and nothing is raised."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.mailbox import meaning
from nurture.mailbox.mail import MOST_PARTS, read_mail
from tests.mailbox.letters import bounce, complaint, plain

HOSTILE = {
    "nothing": b"",
    "zeros": b"\0" * 100_000,
    "a head of ten megabytes": b"X: " + b"y" * 10_000_000 + b"\r\n\r\nbody",
    "a million headers": b"X: y\r\n" * 1_000_000,
    "one header over a million lines": b"X: y\r\n" + b" z\r\n" * 1_000_000 + b"\r\n",
    "parts within parts, a thousand deep": b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(1000)
    ),
    "mails within mails, a thousand deep": b"Content-Type: message/rfc822\r\n\r\n" * 1000,
    "a hundred thousand parts": b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * 100_000,
    "a boundary of a megabyte": b'Content-Type: multipart/mixed; boundary="' + b"b" * 60_000 + b'"\r\n\r\n--bbbb',
    "an unknown charset": plain(charset="utf-8").replace(b"charset=utf-8", b"charset=x-klingon\xff"),
    "a charset that names a codec of no text": plain().replace(b"charset=utf-8", b"charset=zlib_codec"),
    "a charset with a NUL": plain().replace(b"charset=utf-8", b'charset="\0"'),
    "bad base64": plain().replace(b"VGhhbm", b"V!!!===GhhbmA="),
    "half an encoded word": plain(subject="=?gb2312?B?xOO6"),
    "an encoded word in a charset nobody knows": plain(subject="=?x-unknown?B?xOO6?="),
    "an encoded parameter that ends early": plain().replace(b"charset=utf-8", b"charset*0*=utf-8''%E2%82; charset*2=x"),
    "a report in ten thousand blocks": bounce().replace(b"Action:", b"\r\n\r\nX: y" * 10_000 + b"\r\n\r\nAction:"),
    "a million message ids": plain(References="<a@b.example> " * 500_000),
}  # fmt: skip


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_mail_is_read_and_means_little(raw: bytes) -> None:
    began = time.process_time()
    mail = read_mail(raw)
    found = meaning(mail)

    assert len(mail.parts) <= MOST_PARTS
    assert len(found.cited) <= 50
    # Generous: what this catches takes minutes, or never ends.
    assert time.process_time() - began < 5


@pytest.mark.parametrize("charset", ["gbk", "gb2312", "gb18030", "big5", "utf-16", "iso-8859-1"])
def test_a_text_is_read_in_the_charset_it_names(charset: str) -> None:
    text = "Bonjour" if charset == "iso-8859-1" else "您好"

    assert read_mail(plain(text=text, charset=charset)).first_text().strip() == text


def test_a_text_in_gbk_that_names_no_charset_is_read_all_the_same() -> None:
    raw = b"Subject: x\r\nContent-Type: text/plain\r\n\r\n" + "退订".encode("gbk")

    assert meaning(read_mail(raw)).what == "unsubscribed"


@given(st.binary(max_size=2000))
def test_no_octets_at_all_raise(raw: bytes) -> None:
    meaning(read_mail(raw))


@given(st.data())
def test_no_mangled_report_raises(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from([bounce(), complaint(), plain()])))
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=6))
        if not raw:
            break
    meaning(read_mail(bytes(raw)))
