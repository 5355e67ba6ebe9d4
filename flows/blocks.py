"""Credentials that marketers keep in Prefect, masked. Nothing here is ever a flow parameter: those are served in clear.

A block named `nurture` of one of these types is used by every flow; without one, the environment decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal
from urllib.parse import quote

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

__all__ = [
    "BLOCK",
    "CREDENTIALS",
    "SmsCredentials",
    "SmtpCredentials",
    "WeChatCredentials",
    "WebhookCredentials",
    "credentials",
]

BLOCK = "nurture"
"""The name under which flows look for a block of each type."""


class SmtpCredentials(Block):
    """The mail server that hands over e-mail."""

    _block_type_name: ClassVar[str] = "Nurture SMTP"
    _block_type_slug: ClassVar[str] = "nurture-smtp"
    _description: ClassVar[str] = (
        f"The mail server for campaigns. Name it '{BLOCK}' and every flow uses it instead of NURTURE_SMTP_URL."
    )

    host: str = Field(title="Host", description="Name of the mail server, such as smtp.example.com.")
    port: int = Field(0, title="Port", description="0 stands for the usual one.", ge=0, le=65535)
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        title="Security",
        description="starttls upgrades a plain connection, tls starts encrypted; none is for a server of your own, "
        "without a password.",
    )
    username: str = Field("", title="User name")
    password: SecretStr = Field(SecretStr(""), title="Password")

    def settings(self) -> dict[str, str]:
        scheme = "smtps" if self.security == "tls" else "smtp"
        password = self.password.get_secret_value()
        login = f"{quote(self.username, safe='')}:{quote(password, safe='')}@" if self.username else ""
        port = f":{self.port}" if self.port else ""
        options = {"starttls": "?starttls=1", "none": "?starttls=0", "tls": ""}[self.security]
        return {"smtp_url": f"{scheme}://{login}{self.host}{port}{options}"}


class WeChatCredentials(Block):
    """The WeChat account that sends template messages."""

    _block_type_name: ClassVar[str] = "Nurture WeChat"
    _block_type_slug: ClassVar[str] = "nurture-wechat"
    _description: ClassVar[str] = f"The WeChat service account. Name it '{BLOCK}' and every flow uses it."

    app_id: str = Field(title="AppID")
    secret: SecretStr = Field(title="AppSecret")

    def settings(self) -> dict[str, str]:
        return {"wechat_app_id": self.app_id, "wechat_secret": self.secret.get_secret_value()}


class SmsCredentials(Block):
    """The SMS gateway."""

    _block_type_name: ClassVar[str] = "Nurture SMS"
    _block_type_slug: ClassVar[str] = "nurture-sms"
    _description: ClassVar[str] = f"The SMS gateway. Name it '{BLOCK}' and every flow uses it."

    url: SecretStr = Field(title="URL", description="Masked, because many gateways put a key into it.")
    token: SecretStr = Field(SecretStr(""), title="Token", description="Sent as a bearer token, where there is one.")

    def settings(self) -> dict[str, str]:
        return {"sms_url": self.url.get_secret_value(), "sms_token": self.token.get_secret_value()}


class WebhookCredentials(Block):
    """The receiver of webhook messages, and the key they are signed with."""

    _block_type_name: ClassVar[str] = "Nurture webhook"
    _block_type_slug: ClassVar[str] = "nurture-webhook"
    _description: ClassVar[str] = f"Where webhook messages go. Name it '{BLOCK}' and every flow uses it."

    url: SecretStr = Field(title="URL", description="Masked, because many receivers put a key into it.")
    signing_key: SecretStr = Field(SecretStr(""), title="Signing key", description="As of standardwebhooks: whsec_...")

    def settings(self) -> dict[str, str]:
        return {"webhook_url": self.url.get_secret_value(), "webhook_secret": self.signing_key.get_secret_value()}


Credentials = SmtpCredentials | WeChatCredentials | SmsCredentials | WebhookCredentials
CREDENTIALS: tuple[type[Credentials], ...] = (SmtpCredentials, WeChatCredentials, SmsCredentials, WebhookCredentials)


def credentials() -> dict[str, str]:
    """What the blocks named `nurture` say, as values of `Settings`. Empty where there are none."""
    return {name: value for block in _found() for name, value in block.settings().items() if value}


def _found() -> Iterator[Credentials]:
    for kind in CREDENTIALS:
        try:
            yield kind.load(BLOCK)  # type: ignore[misc]  # a plain function here, a coroutine only inside async code
        except ValueError:  # Prefect's answer for "there is none"
            continue
