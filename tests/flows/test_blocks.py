"""What a credential block means to the engine, and that it shows nothing."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from flows.blocks import CREDENTIALS, SmsCredentials, SmtpCredentials, WebhookCredentials, WeChatCredentials
from nurture.settings import Settings

CANARY = "canary-4711"
BLOCKS = [
    SmtpCredentials(host="smtp.example.com", username="news@example.com", password=SecretStr(CANARY)),
    WeChatCredentials(app_id="wx1", secret=SecretStr(CANARY)),
    SmsCredentials(url=SecretStr(f"https://sms.example.com/{CANARY}"), token=SecretStr(CANARY)),
    WebhookCredentials(url=SecretStr(f"https://hooks.example.com/{CANARY}"), signing_key=SecretStr(CANARY)),
]


@pytest.mark.parametrize(
    ("security", "port", "url"),
    [
        ("starttls", 0, "smtp://news%40example.com:p%40ss%2Fword@smtp.example.com?starttls=1"),
        ("tls", 0, "smtps://news%40example.com:p%40ss%2Fword@smtp.example.com"),
        ("tls", 1465, "smtps://news%40example.com:p%40ss%2Fword@smtp.example.com:1465"),
    ],
)
def test_a_mail_server_in_a_block_is_one_in_the_environment(security, port, url):
    block = SmtpCredentials(
        host="smtp.example.com",
        port=port,
        security=security,
        username="news@example.com",
        password=SecretStr("p@ss/word"),
    )

    assert block.settings() == {"smtp_url": url}


def test_a_mail_server_of_our_own_needs_no_password():
    block = SmtpCredentials(host="127.0.0.1", port=2525, security="none")

    assert block.settings() == {"smtp_url": "smtp://127.0.0.1:2525?starttls=0"}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: type(block).__name__)
def test_what_a_block_says_the_settings_understand(block):
    assert block.settings().keys() <= Settings.model_fields.keys()
    assert CANARY in str(block.settings())


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: type(block).__name__)
def test_a_block_shows_no_secret(block):
    assert CANARY not in repr(block)
    assert CANARY not in block.model_dump_json()


def test_each_kind_of_credential_can_be_kept_in_a_block():
    assert set(CREDENTIALS) == {type(block) for block in BLOCKS}
