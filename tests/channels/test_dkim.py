"""Signatures, judged by the library that receivers use: with a key that is published, and with nothing else."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import dkim
import pytest

from nurture.channels.base import Message, Rendered
from nurture.channels.dkim import Signer, signer
from nurture.channels.mail import Sender, build


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dkim") / "key.pem"
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", str(path), "2048"], check=True, capture_output=True)
    return path


@pytest.fixture
def signs(key: Path) -> Signer:
    return signer(key, "s1", "example.com")


def a_mail(signs: Signer, **changes: str) -> bytes:
    message = Message(
        key="e/n/0",
        message_id="v1.abc@example.com",
        date=datetime(2026, 3, 6, 9, tzinfo=UTC),
        to="ada@example.org",
        name="王琳",
        rendered=Rendered("您好，" + "长" * 60, "您好\n.\n" + "x" * 2000, "<p>您好</p>"),
        unsubscribe_url="https://example.com/u/abc",
        unsubscribe_mail="news+u1@example.com",
        reply_to="news+r1@example.com",
    )
    return build(message, Sender.parse("致趣 <news@example.com>")._replace(signer=signs)).raw


def verifies(raw: bytes, signs: Signer) -> bool:
    def published(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"s1._domainkey.example.com."
        return f"v=DKIM1; k=rsa; p={signs.public_key}".encode()

    return bool(dkim.verify(raw, dnsfunc=published))


def test_a_signed_mail_verifies_with_the_key_that_we_say_to_publish(signs: Signer, key: Path) -> None:
    """C04."""
    published = subprocess.run(
        ["openssl", "rsa", "-in", str(key), "-pubout", "-outform", "PEM"], check=True, capture_output=True, text=True
    )

    assert verifies(a_mail(signs), signs)
    assert signs.public_key == "".join(published.stdout.splitlines()[1:-1])


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b"List-Unsubscribe: <https://example.com/u/abc>", b"List-Unsubscribe: <https://evil.example/>"),
        (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""),
        (b"Reply-To: news+r1@example.com", b"Reply-To: eve@example.com"),
        (b"Message-ID: <v1.abc@example.com>", b"Message-ID: <v2.abc@example.com>"),
        (b"\r\nTo: ", b"\r\nFrom: eve@example.com\r\nTo: "),
        (b"Date: Fri, 06 Mar", b"Date: Fri, 13 Mar"),
    ],
)
def test_nothing_that_says_who_writes_and_how_to_opt_out_can_be_changed(
    signs: Signer, was: bytes, becomes: bytes
) -> None:
    """C04."""
    raw = a_mail(signs)
    assert raw.count(was) == 1

    assert not verifies(raw.replace(was, becomes), signs)


def test_the_signature_stands_in_front_and_breaks_no_rule_of_lines(signs: Signer) -> None:
    raw = a_mail(signs)

    assert raw.startswith(b"DKIM-Signature: ")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_a_key_that_is_none_is_said_without_showing_it(tmp_path: Path, key: Path) -> None:
    (tmp_path / "bad.pem").write_text("-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----\n")

    with pytest.raises(ValueError, match="cannot be read"):
        signer(tmp_path / "none.pem", "s1", "example.com")
    with pytest.raises(ValueError, match="no RSA key") as refused:
        signer(tmp_path / "bad.pem", "s1", "example.com")
    with pytest.raises(ValueError, match="NURTURE_DKIM_SELECTOR"):
        signer(key, "", "example.com")
    assert "c2VjcmV0" not in str(refused.value)
