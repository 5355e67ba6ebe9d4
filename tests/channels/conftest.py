"""A relay on loopback, a channel that talks to it, and a message to hand over."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nurture.channels.base import Message, Rendered, Verdict
from nurture.channels.email import Email
from nurture.channels.mail import Sender, message_id
from nurture.channels.smtp import Patience, Relay
from nurture.testing.smtp import EXTENSIONS, Catcher, Fault

QUICK = Patience(connect=0.4, command=0.4, dot=0.4, goodbye=0.1, start=30.0)


def a_message(n: int = 1, **changes: Any) -> Message:
    """The n-th message of a campaign."""
    key = f"e{n}/intro/1"
    message = Message(
        key=key,
        message_id=message_id("test secret", key, "example.com"),
        date=datetime(2026, 3, 6, 9, 30, tzinfo=UTC),
        to=f"lead{n}@example.org",
        name="Ada Lovelace",
        rendered=Rendered("Hello", "Hello Ada\n", "<p>Hello Ada</p>\n"),
        unsubscribe_url="https://example.com/u/abc",
    )
    return replace(message, **changes)


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


@dataclass
class Scene:
    """One relay and one channel, both gone afterwards."""

    tls: tuple[ssl.SSLContext, ssl.SSLContext]
    encrypted: bool = False
    relay: dict[str, Any] = field(default_factory=dict)
    """More about the channel's relay."""
    catcher: dict[str, Any] = field(default_factory=dict)
    channel: dict[str, Any] = field(default_factory=dict)

    def play(self, story: Callable[[Catcher, Email], Awaitable[Any]], *faults: Fault) -> Any:
        return asyncio.run(self._play(story, faults))

    async def _play(self, story: Callable[[Catcher, Email], Awaitable[Any]], faults: tuple[Fault, ...]) -> Any:
        server, client = self.tls
        async with Catcher(faults=faults, **({"tls": server} if self.encrypted else {}) | self.catcher) as catcher:
            what = {"starttls": self.encrypted, "tls": client, "hello": "mta.example.com"}
            relay = Relay(**({"host": "127.0.0.1", "port": catcher.port} | what | self.relay))
            options = {"patience": QUICK, "sessions": 4} | self.channel
            channel = Email(relay, Sender.parse("Nurture <news@example.com>"), **options)
            try:
                return await asyncio.wait_for(story(catcher, channel), 20)
            finally:
                await channel.close()

    def send(self, *faults: Fault, reused: bool = False) -> tuple[Verdict, int]:
        """The verdict on one message, and how often the server took it; `reused` sends another one before."""

        async def story(catcher: Catcher, channel: Email) -> tuple[Verdict, int]:
            if reused:
                await channel.hand_over(a_message(1), yes)
                assert len(catcher.messages) == 1
            catcher.misbehave(*faults)
            message = a_message(2)
            verdict = await channel.hand_over(message, yes)
            return verdict, catcher.copies(message.message_id)

        return self.play(story)  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Server and client, with a certificate for 127.0.0.1 that lives as long as the tests."""
    return certificate(tmp_path_factory.mktemp("tls"), "127.0.0.1")


def certificate(folder: Path, address: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "catcher")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "cert.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(public, private)
    return server, ssl.create_default_context(cafile=str(public))


@pytest.fixture
def scene(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> Scene:
    return Scene(tls)


@pytest.fixture(params=["clear", "starttls", "word by word"])
def each_scene(request: pytest.FixtureRequest, tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> Scene:
    """Once in clear, once after STARTTLS, once with a server that wants each command to wait for the last reply."""
    scene = Scene(tls, encrypted=request.param == "starttls")
    if request.param == "word by word":
        scene.catcher["extensions"] = [name for name in EXTENSIONS if name != "PIPELINING"]
    return scene


@pytest.fixture
def message() -> Callable[..., Message]:
    return a_message


@pytest.fixture
def make_certificate(tmp_path: Path) -> Callable[[str], tuple[ssl.SSLContext, ssl.SSLContext]]:
    """Another certificate, for the address of one's choice."""
    return lambda address: certificate(tmp_path, address)
