"""Before a campaign starts: will the world's mail systems take mail from this sender, and can those who get it answer?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from nurture.channels.addresses import is_loopback
from nurture.channels.email import MailUrl, signer_of
from nurture.channels.standing import Judged, Sending, judged, resolver
from nurture.problems import Problem, Rejected
from nurture.settings import Settings
from nurture.store import campaign_notes, installation
from nurture.store.database import from_micros, micros

if TYPE_CHECKING:
    from nurture.engine.engine import Engine

__all__ = ["NOTHING", "Despite", "concerns", "may_begin", "sender_findings"]

NOBODY = ("localhost", "test", "example", "invalid", "local")
EXAMPLES = ("example.com", "example.net", "example.org")
STAYS = timedelta(hours=1)
"""So long a sender that was found in order is not looked at again."""
CHECKED = "sender_in_order"


def concerns(settings: Settings) -> str:
    """The sender's domain where mail goes out to real people; '' where it stays here."""
    domain = _domain(settings.sender)
    if not settings.smtp_url or settings.smtp_url.startswith("file:"):
        return ""
    return "" if domain.rpartition(".")[2] in NOBODY or domain.endswith(EXAMPLES) else domain


def sender_findings(settings: Settings, domain: str = "") -> Iterator[Judged]:
    """What is to be said about sending from this domain; default: the one of NURTURE_SENDER. Raises `ValueError`."""
    own = _domain(settings.sender)
    asked = domain.strip().lower().rstrip(".") or own
    mine = asked == own
    signs = signer_of(settings) if mine else None
    back = _domain(settings.mailbox or settings.sender) if mine and settings.mailbox_url else asked
    sending = Sending(
        asked,
        back,
        selector=settings.dkim_selector,
        signs_as=signs.domain if signs else "",
        public_key=signs.public_key if signs else "",
        relay=_relay(settings) if mine else "",
    )
    if not mine:
        said = f"mails go out from {own}, and not from {asked}"
        yield Judged("alignment", "warning", said, "set NURTURE_SENDER, or ask about the domain that sends")
    yield from judged(sending, resolver(settings.dns))
    if mine and settings.smtp_url and not settings.smtp_url.startswith("file:"):
        yield _encrypted(settings)


def _encrypted(settings: Settings) -> Judged:
    url = MailUrl.parse(settings.mail)
    if url.scheme == "smtps" or url.starttls or is_loopback(url.host):
        return Judged("relay", "ok", f"mails reach {url.host} encrypted, or stay on this machine")
    return Judged("relay", "alarm", f"mails to {url.host} go in clear", "add starttls=1, or use smtps://")


class Despite(NamedTuple):
    """Why a campaign starts although the sender is not in order, and who says so."""

    reason: str = ""
    actor: str | None = None


NOTHING = Despite()


def may_begin(engine: Engine, campaign: str, despite: Despite, *, now: datetime) -> None:
    """Raises `Rejected` where a campaign should not start; `despite` that, for a reason that is kept, it does."""
    settings = engine.settings
    if settings.sender_check == "off" or not concerns(settings) or _known_good(engine, now):
        return
    found = list(sender_findings(settings))
    wrong = [one for one in found if one.state == "alarm"]
    if not settings.postal_address:
        hint = "set NURTURE_POSTAL_ADDRESS"
        wrong.append(Judged("relay", "alarm", "marketing mail without the sender's postal address", hint))
    if not wrong:
        if all(one.state == "ok" for one in found):
            with engine.store.write() as tx:
                installation.keep(tx, CHECKED, f"{settings.sender} {micros(now)}")
        return
    if settings.sender_check == "refuse" and not despite.reason.strip():
        raise Rejected(
            [
                Problem(
                    "", "E_SENDER", f"{one.what}: {one.said}", f"{one.hint}; or start with --despite REASON --by WHO"
                )
                for one in wrong
            ]
        )
    said = "; ".join(one.said for one in wrong)
    with engine.store.write() as tx:
        because = f"{despite.reason.strip() or 'NURTURE_SENDER_CHECK is warn'}: {said}"
        campaign_notes.add(tx, campaign, "overridden", because[:2000], actor=despite.actor, now=micros(now))


def _known_good(engine: Engine, now: datetime) -> bool:
    with engine.store.read() as tx:
        sender, _, at = (installation.known(tx, CHECKED) or "").rpartition(" ")
    return sender == engine.settings.sender and timedelta() <= now - from_micros(int(at)) < STAYS


def _domain(sender: str) -> str:
    return sender.rpartition("@")[2].strip(" >").lower()


def _relay(settings: Settings) -> str:
    host = urlsplit(settings.smtp_url).hostname or ""
    return "" if is_loopback(host or "localhost") else host
