"""The page for operators names every setting and every check, and its commands do what it says."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from nurture.channels.email import DEFAULT_SESSIONS
from nurture.channels.sms import Sms
from nurture.engine import Engine, checkup
from nurture.settings import Settings
from nurture.testing import moment
from tests.docs import settings_table
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
    assert settings_table.shown() == settings_table.table(), "python -m tests.docs.settings_table"


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
        assert backup.execute("SELECT COUNT(*) FROM enrollments").fetchone() == (1,)


def test_after_restoring_a_backup_the_files_have_the_names_of_the_mails_that_had_left(tmp_path: Path) -> None:
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "mails.json").write_text(json.dumps(MAILS))
    (tmp_path / "content" / "hello").mkdir(parents=True)
    (tmp_path / "content" / "hello" / "email.en.md").write_text(HELLO)
    (tmp_path / "leads.csv").write_text("email,consent\nada@example.com,yes\nbob@example.com,yes\n")
    database, backup = tmp_path / "nurture.db", tmp_path / "backup.db"
    names = []
    for outbox in ("mails", "files"):
        settings = Settings(home=tmp_path, smtp_url=(tmp_path / outbox).as_uri(), postal_address="1 Example Road")
        with Engine.open(settings) as engine:
            if not backup.exists():
                engine.backfill("mails", tmp_path / "leads.csv", now=NOON)
                with closing(sqlite3.connect(database)) as connection:
                    connection.execute(f"VACUUM INTO '{backup}'")
            assert engine.tick(NOON).sent == 2
        names.append({file.name for file in (tmp_path / outbox).iterdir()})
        for left in tmp_path.glob("nurture.db*"):
            left.unlink()
        shutil.copy(backup, database)

    assert names[0] == names[1]
