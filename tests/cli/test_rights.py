"""Verbs for what a person may ask, for what comes back by mail, and for the sender."""

from __future__ import annotations

import json
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from nurture.testing.dns import Names
from tests.channels.test_standing import GOOD
from tests.cli.scenes import MONDAY
from tests.mailbox.letters import plain
from tests.ran import Run

NOW = "2026-03-03T08:00:00Z"
WHO = ("--by", "mia", "--now", NOW, "--json")


def test_consent_is_put_on_record(lived: Run) -> None:
    ran = lived("consent", "ada@example.com", "no", "--source", "by phone", "--now", NOW, "--json")

    assert ran.status == 0
    assert ran.json["consents"][-1] == {"at": NOW, "what": "withdrawn", "source": "by phone", "basis": None}
    assert lived("consent", "ada@example.com", "no", "--source", "", "--now", NOW).status == 2
    assert lived("consent", "who@example.com", "no", "--source", "x", "--now", NOW).status == 1


def test_people_are_suppressed_one_by_one_and_by_lists_and_let_back_in(lived: Run, home: Path) -> None:
    (home / "list.txt").write_text("bob@example.com\n\nstranger@example.com\nphone:13800138000\n", encoding="utf-8")

    one = lived("suppress", "ada@example.com", "--reason", "by phone", *WHO)
    many = lived("suppress", "--file", "list.txt", "--reason", "an old list", *WHO)
    again = lived("suppress", "--file", "list.txt", "--reason", "an old list", *WHO)
    back = lived("unsuppress", "ada@example.com", "--reason", "asked us to", *WHO)

    assert one.json == {"stopped": 1, "already": 0}
    assert many.json == {"stopped": 3, "already": 0}
    assert again.json == {"stopped": 0, "already": 3}
    assert back.json == {"lead": "ada@example.com", "lifted": ["unsubscribed"]}


def test_a_list_with_a_line_that_names_nobody_is_not_taken(lived: Run, home: Path) -> None:
    (home / "list.txt").write_text("bob@example.com\nnobody\n", encoding="utf-8")

    ran = lived("suppress", "--file", "list.txt", "--reason", "x", *WHO)

    assert ran.status == 1
    assert ran.json["problems"][0]["where"] == "line 2"
    assert lived("suppress", "--reason", "x", *WHO).status == 2


def test_a_lead_is_told_everything_and_then_forgotten(lived: Run, home: Path) -> None:
    told = lived("export", "ada@example.com")
    forgotten = lived("forget", "ada@example.com", "--now", NOW, "--json")

    assert json.loads(told.out)["history"]["lead"]["email"] == "ada@example.com"
    assert forgotten.json["forgotten"] == 1
    assert lived("history", "ada@example.com", "--now", NOW).status == 1
    assert lived("forget", "--now", NOW).status == 2
    assert lived("forget", "--unseen-for", "30", "--dry-run", "--now", NOW, "--json").json["forgotten"] == 0
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file() and path.name != "leads.csv")
    assert b"ada@example.com" not in kept


def test_a_reply_in_the_mailbox_is_heard(lived: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("new", "cur", "tmp"):
        (home / "in" / name).mkdir(parents=True)
    (home / "in" / "new" / "1.here").write_bytes(plain(text="no message of ours"))
    assert lived("listen", "--now", NOW).status == 3
    monkeypatch.setenv("NURTURE_MAILBOX_URL", f"maildir://{home}/in")
    (mail, *_) = sorted((home / "outbox").glob("*.eml"))
    cited = str(message_from_bytes(mail.read_bytes(), policy=default)["Message-ID"]).strip("<>")
    (home / "in" / "new" / "2.here").write_bytes(plain(cites=cited))

    ran = lived("listen", "--now", NOW, "--json")

    assert ran.json == {"read": 2, "known": 0, "found": {"replied": 1, "unmatched": 1}, "resolved": 0}
    assert "mailbox" in [one["check"] for one in lived("doctor", "--now", NOW, "--json").json["checks"]]
    monkeypatch.setenv("NURTURE_MAILBOX_URL", f"maildir://{home}/nowhere")
    assert lived("listen", "--now", NOW).status == 3


def test_the_heartbeat_listens_and_a_mailbox_that_is_down_stops_nobody(
    lived: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("new", "cur", "tmp"):
        (home / "in" / name).mkdir(parents=True)
    (home / "in" / "new" / "1.here").write_bytes(plain())
    monkeypatch.setenv("NURTURE_MAILBOX_URL", f"maildir://{home}/in")
    assert lived("tick").status == 0
    read = [path.name for path in (home / "in" / "cur").iterdir()]
    monkeypatch.setenv("NURTURE_MAILBOX_URL", "imap://reader:x@127.0.0.1:1/INBOX")

    assert lived("tick").status == 0
    assert read == ["1.here:2,S"]


def test_the_doctor_looks_at_a_sender(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with Names(GOOD) as names:
        monkeypatch.setenv("NURTURE_DNS", names.where)
        monkeypatch.setenv("NURTURE_SENDER", "news@acme.cn")
        monkeypatch.setenv("NURTURE_DKIM_SELECTOR", "s1")
        well = run("doctor", "--sender", "acme.cn", "--json")
        ill = run("doctor", "--sender", "nobody.cn", "--json")

    assert (well.status, well.json["alarms"]) == (0, 0)
    assert [one["check"] for one in well.json["checks"]] == ["SPF", "DKIM", "DMARC", "alignment", "MX"]
    assert ill.status == 1
    assert "mails go out from acme.cn" in ill.json["checks"][0]["what"]


def test_a_campaign_that_starts_all_the_same_says_who_and_why(lived: Run) -> None:
    ran = lived("enroll", "hello", "--lead", "eve@example.com", "--despite", "a reason", "--now", MONDAY)

    assert ran.status == 2
