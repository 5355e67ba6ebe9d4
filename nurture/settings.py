"""The environment, read in one place. Every setting has a default that works on a laptop."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url

from nurture.policy import Cap, QuietHours

__all__ = ["Settings"]


class Settings(BaseSettings):
    """`NURTURE_...` in the environment."""

    model_config = SettingsConfigDict(env_prefix="NURTURE_", extra="ignore", frozen=True)

    home: Path = Field(Path("."), description="where definitions/, content/ and the database are")
    database_url: str = Field("sqlite:///nurture.db", description="sqlite:///file (below home) or postgresql://...")
    smtp_url: str = Field("", description="smtp://, smtps:// or file:///dir; default: outbox/ below home")
    public_url: str = Field("http://127.0.0.1:8765", description="where leads reach this machine")
    secret_key: str = Field("", description="signs tokens and hashes addresses; default: one kept in the database")
    sender: str = Field("nurture@localhost", description="the From address")
    sender_name: str = Field("Nurture", description="the From name")
    postal_address: str = Field("", description="the sender's postal address, in every marketing mail")
    language: str = Field("zh", description="for leads without one")
    frequency_cap: str = Field("1 per 1 day", description="marketing messages a person; 'none' for no cap")
    quiet_hours: str = Field("21:00-08:00", description="in the lead's zone, for campaigns without a send window")
    lease_seconds: int = Field(60, ge=1, description="how long a worker may hold what it claimed without a word")
    batch: int = Field(1000, ge=1, le=10_000, description="enrollments in one transaction")
    wechat_url: str = Field("https://api.weixin.qq.com", description="the WeChat API, or a stand-in for tests")
    wechat_app_id: str = Field("", description="the app id of the WeChat official account")
    wechat_secret: str = Field("", description="its secret", repr=False)
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

    @field_validator("quiet_hours")
    @classmethod
    def _quiet(cls, text: str) -> str:
        QuietHours.parse(text)
        return text

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
