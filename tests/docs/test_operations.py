"""The page for operators names every setting and every check, and its commands do what it says."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from nurture.channels.email import DEFAULT_SESSIONS
from nurture.channels.sms import Sms
from nurture.engine import checkup
from nurture.settings import Settings
from nurture.testing import moment
from tests.docs import settings_table
from tests.docs.marked import shown
from tests.docs.reading import Terminal, blocks, commands
from tests.docs.settings_table import PAGE
from tests.plugins.strangers import Environment

NOON = moment("2 Mar 12:00")
MAILS = {
    "campaign": "mails",
    "start": "hello",
    "nodes": {"hello": {"type": "send_content", "content": "hello", "next": "end"}},
}
HELLO = "Subject: Hello\n\nHello. {{ postal_address }} [Unsubscribe]({{ unsubscribe_url }})\n"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_table_of_settings_is_the_settings() -> None:
    assert shown(PAGE) == settings_table.table(), "python -m tests.docs.settings_table"


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, info in Settings.model_fields.items() if not info.description] == []


def test_the_page_names_no_setting_that_there_is_not() -> None:
    known = {settings_table.name(field) for field in Settings.model_fields}

    assert set(re.findall(r"NURTURE_[A-Z_]+", TEXT)) == known


def test_every_check_of_the_doctor_is_explained() -> None:
    source = Path(checkup.__file__).read_text(encoding="utf-8")
    checks = {*re.findall(r'Finding\(\s*"([^"]+)"', source), "node types", "channels"}
    table = TEXT.partition("| looked at |")[2].partition("\n\n")[0]

    assert sorted(check for check in checks if f"`{check}`" not in table) == []


def test_a_crash_leaves_as_many_in_doubt_as_the_page_says() -> None:
    assert f"{DEFAULT_SESSIONS} by SMTP, {Sms.sessions} by SMS" in TEXT


@pytest.mark.slow
def test_who_follows_the_page_gets_what_it_shows(tmp_path: Path) -> None:
    for block in blocks(PAGE):
        if "write" in block.options:
            file = tmp_path / block.options["write"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
    terminal = Terminal(Environment(tmp_path / "environment"), tmp_path)

    for command in commands(PAGE):
        terminal.follow(command)

    with closing(sqlite3.connect(tmp_path / "backup.db")) as backup:
        assert backup.execute("SELECT COUNT(*) FROM enrollments").fetchone() == (2,), (
            "Ada's, in the version that she left and in the other"
        )
