"""The environment, read in one place. Every setting has a default that works on a laptop."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url

from nurture.channels.addresses import is_loopback
from nurture.jurisdiction import KNOWN
from nurture.pacing import Rate
from nurture.policy import Cap, QuietHours
from nurture.tokens import Keyring

__all__ = ["Settings"]


class Settings(BaseSettings):
    """`NURTURE_...` in the environment."""

    model_config = SettingsConfigDict(env_prefix="NURTURE_", extra="ignore", frozen=True)

    home: Path = Field(Path("."), description="where definitions/, content/ and the database are")
    database_url: str = Field("sqlite:///nurture.db", description="sqlite:///file (below home) or postgresql://...")
    smtp_url: str = Field("", description="smtp://, smtps:// or file:///dir; default: outbox/ below home")
    mailbox_url: str = Field(
        "",
        description="where replies and bounces come in: imaps://user:password@host/INBOX or maildir:///path",
        repr=False,
    )
    mailbox: str = Field("", description="the address of that mailbox; default: the sender's")
    public_url: str = Field("http://127.0.0.1:8765", description="where leads reach this machine")
    secret_key: str = Field("", description="signs tokens and hashes addresses; default: one kept in the database")
    token_keys: str = Field(
        "",
        description="keys of the links in mails, newest first: b:SECRET,a:SECRET; a - at the end retires the own one",
        repr=False,
    )
    tracking: Literal["auto", "on", "off"] = Field(
        "auto",
        description="links and a picture in mails tell what leads do: on, off, or where public_url is set (auto)",
    )
    hooks: str = Field(
        "", description="systems that may tell us what leads do: name:whsec_..., separated by commas", repr=False
    )
    sender: str = Field("nurture@localhost", description="the From address")
    sender_name: str = Field("Nurture", description="the From name")
    dkim_key: str = Field(
        "", description="a PEM file (below home) with the RSA key that signs mails, where the relay does not"
    )
    dkim_selector: str = Field("", description="under which the DKIM key is published, whoever signs")
    dns: str = Field("", description="the resolver that is asked about the sender, address:port; default: the system's")
    sender_check: Literal["refuse", "warn", "off"] = Field(
        "refuse", description="what happens when a campaign starts and the sender's domain is not in order"
    )
    postal_address: str = Field("", description="the sender's postal address, in every marketing mail")
    jurisdiction: str = Field(
        "",
        description="the country (CN) whose rules hold for leads that name none; CN: opt-in, and 广告 or AD in front",
    )
    language: str = Field("zh", description="for leads without one")
    frequency_cap: str = Field("1 per 1 day", description="marketing messages a person; 'none' for no cap")
    quiet_hours: str = Field("21:00-08:00", description="in the lead's zone, for campaigns without a send window")
    rate_cap: str = Field("600 per minute", description="e-mails in any minute, over all workers; 'none' for no cap")
    domain_rate_cap: str = Field("300 per minute", description="the same, to each domain of recipients")
    lease_seconds: int = Field(60, ge=1, description="how long a worker may hold what it claimed without a word")
    batch: int = Field(1000, ge=1, le=10_000, description="enrollments in one transaction")
    wechat_url: str = Field("https://api.weixin.qq.com", description="the WeChat API, or a stand-in for tests")
    wechat_app_id: str = Field("", description="the app id of the WeChat official account")
    wechat_secret: str = Field("", description="its secret", repr=False)
    wechat_token: str = Field("", description="the token under which WeChat calls us back", repr=False)
    sms_url: str = Field("", description="an SMS gateway that takes JSON", repr=False)
    sms_token: str = Field("", description="the bearer token of the SMS gateway", repr=False)
    webhook_url: str = Field("", description="where the webhook channel posts", repr=False)
    webhook_secret: str = Field("", description="signs what the webhook channel posts", repr=False)
    allow_private: bool = Field(
        False, description="sms_url, webhook_url and wechat_url may be in a private network, and without TLS"
    )
    crash: str = Field("", description="for tests of our own: POINT:OCCURRENCE at which this process kills itself")

    @field_validator("frequency_cap")
    @classmethod
    def _cap(cls, text: str) -> str:
        Cap.parse(text)
        return text

    @field_validator("jurisdiction")
    @classmethod
    def _country(cls, text: str) -> str:
        if text and text not in KNOWN:
            raise ValueError(f"the rules of {text!r} are not known; there is: {', '.join(KNOWN)}")
        return text

    @field_validator("rate_cap", "domain_rate_cap")
    @classmethod
    def _rate(cls, text: str) -> str:
        Rate.parse(text)
        return text

    @field_validator("quiet_hours")
    @classmethod
    def _quiet(cls, text: str) -> str:
        QuietHours.parse(text)
        return text

    @field_validator("token_keys")
    @classmethod
    def _keys(cls, text: str) -> str:
        Keyring.parse(b"", text)
        return text

    @field_validator("hooks")
    @classmethod
    def _hooks(cls, text: str) -> str:
        hook_secrets(text)
        return text

    @property
    def tracks(self) -> bool:
        """Whether mails are made so that we hear what leads do with them."""
        if self.tracking == "auto":
            return not is_loopback(urlsplit(self.public_url).hostname or "localhost")
        return self.tracking == "on"

    @property
    def hook_secrets(self) -> dict[str, str]:
        """Who may call us, and the secret each signs with."""
        return hook_secrets(self.hooks)

    @property
    def definitions(self) -> Path:
        return self.home / "definitions"

    @property
    def content(self) -> Path:
        return self.home / "content"

    @property
    def rejects(self) -> Path:
        """The folder for rows that an import did not take."""
        return self.home / "rejects"

    @property
    def database(self) -> str:
        """The database's URL, a relative SQLite file resolved below home."""
        url = make_url(self.database_url)
        if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
            url = url.set(database=str((self.home / url.database).resolve()))
        return url.render_as_string(hide_password=False)

    @property
    def mail(self) -> str:
        """Where e-mail goes."""
        return self.smtp_url or (self.home / "outbox").resolve().as_uri()


_hook = re.compile(r"(?P<name>[a-z][a-z0-9_-]{0,31}):(?P<secret>whsec_[A-Za-z0-9+/=]{16,})").fullmatch


def hook_secrets(text: str) -> dict[str, str]:
    """Name to secret. Raises `ValueError`, which repeats no secret."""
    found: dict[str, str] = {}
    for part in (part.strip() for part in text.split(",") if part.strip()):
        one = _hook(part)
        if one is None or one["name"] in found:
            raise ValueError("hooks are like 'crm:whsec_...,site:whsec_...': names differ, secrets are base64")
        base64.b64decode(one["secret"].removeprefix("whsec_") + "==")
        found[one["name"]] = one["secret"]
    return found
