"""Secrets of the settings are used and shown nowhere: not in output, errors, logs, nor in any file."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.cli.scenes import MONDAY, REGISTERED
from tests.ran import Run

CANARY = "kanarienvogel"
SECRETS = {
    "SMTP_URL": f"smtp://mailer:{CANARY}1@127.0.0.1:1",
    "SECRET_KEY": f"{CANARY}2-0123456789abcdef0123456789abcdef",
    "WEBHOOK_URL": f"https://caller:{CANARY}3@hooks.example.com/in",
    "WEBHOOK_SECRET": "whsec_a2FuYXJpZW52b2dlbDQ=",
    "HOOKS": "crm:whsec_a2FuYXJpZW52b2dlbDU=",
    "TOKEN_KEYS": f"a:{CANARY}6-0123456789abcdef0123456789abcdef",
}
WORDS = (CANARY, "a2FuYXJpZW52b2dlbD")

VERBS = [
    ["check"], ["status"], ["status", "--json"], ["doctor"], ["doctor", "--json"], ["history", "ada@example.com"],
    ["history", "ada@example.com", "--json"], ["status", "nobody"], ["replay", "--all"], ["retry"],
    ["simulate", "hello"], ["history", "nobody@example.com"], ["publish", "no such file"],
]  # fmt: skip


def told(words: str) -> list[str]:
    return [word for word in WORDS if word in words]


def test_no_secret_is_said_logged_or_kept(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With a relay that cannot be reached, so that there are errors to tell, too."""
    caplog.set_level(logging.DEBUG)
    for name, value in SECRETS.items():
        monkeypatch.setenv(f"NURTURE_{name}", value)
    said = [
        run("import", "leads.csv", "--basis", "fair", "--now", MONDAY),
        run("publish", "definitions/hello.json", "--now", MONDAY),
        run("enroll", "hello", "--segment", REGISTERED, "--now", MONDAY),
        run("tick", "--now", MONDAY, "--json"),
        *(run(*verb) for verb in VERBS),
    ]
    tried = run("history", "ada@example.com", "--json")

    assert '"pending"' in tried.out  # the relay was asked for and did not answer
    assert [verb for verb in said if told(verb.out + verb.err)] == []
    assert told(caplog.text) == []
    kept = [path.name for path in home.rglob("*") if path.is_file() and told(path.read_bytes().decode("latin-1"))]
    assert kept == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", f"smtp://mailer:{CANARY}@"),
        ("SMTP_URL", f"gopher://mailer:{CANARY}@mail.example.com"),
        ("WEBHOOK_URL", f"ftp://x:{CANARY}@hooks.example.com"),
        ("HOOKS", f"crm:{CANARY}"),
        ("TOKEN_KEYS", f"a b:{CANARY}"),
        ("SECRET_KEY", CANARY[:5]),
    ],
)
def test_a_setting_that_is_wrong_is_told_without_its_secret(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"NURTURE_{name}", value)

    said = [run("status"), run("doctor"), run("tick", "--now", MONDAY)]

    assert [each for each in said if CANARY[:5] in each.out + each.err] == []
