"""What a person may ask of us."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from nurture.engine import rights
from nurture.engine.reporting import UnknownLead
from nurture.identity import LeadRef
from nurture.leads import LeadOptions
from nurture.store.erasing import PERSONAL, OnItsWay
from nurture.store.schema import metadata
from nurture.testing import moment
from tests.engine.house import MONDAY, House, Post

LIFE = {
    "bait": {"type": "send_content", "channel": "post", "content": "hello", "next": "answered"},
    "answered": {"type": "check_response", "to": "bait", "evidence": ["replied"], "within": "3 days",
                 "next": {"yes": "thanks", "no": "again"}},
    "again": {"type": "send_content", "channel": "post", "content": "again", "next": "end"},
    "thanks": {"type": "set_field", "field": "need", "value": "much", "next": "note"},
    "note": {"type": "tag", "add": ["keen"], "next": "to_sdr"},
    "to_sdr": {"type": "route", "to": "sdr", "sla": "5 days",
               "next": {"accepted": "end", "returned": "end", "unanswered": "end"}},
}  # fmt: skip

SECRETS = (
    "zauberfrau",
    "Zauberfrau",
    "Zauberer",
    "13800138000",
    "zauberid",
    "ZauberGmbH",
)
"""What only this one person has brought: it must be nowhere afterwards."""


@pytest.fixture
def house(tmp_path: Path, shared_database_url: str, post: type[Post]) -> Iterator[House]:
    built = House(tmp_path / "home", shared_database_url)
    built.campaign(LIFE, exit_on=["unsubscribed"])
    yield built
    assert built.status("1 Jan 2027 00:00")["conserved"]
    assert built.engine.replay().different == []
    built.engine.close()


@pytest.fixture
def lived(house: House, post: type[Post], tmp_path: Path) -> LeadRef:
    """Came by a file, got a message, answered, is with an SDR; and another person beside her."""
    file = tmp_path / "leads.csv"
    file.write_text(
        "email,name,phone,id,company,tags\n"
        "zauberfrau@x.example,Zauberer,13800138000,zauberid,ZauberGmbH,zauberid-tag\n"
        "bob@x.example,Bob,,,,\n"
        'zauberfrau@,"Zauber\nfrau",13800138000,,,\n'
        "carl@,Carl,,,,\n"
    )
    house.engine.backfill("c", file, now=MONDAY, options=LeadOptions(basis="fair"))
    lead, bob = LeadRef.parse("zauberfrau@x.example"), LeadRef.parse("bob@x.example")
    house.tick(MONDAY)
    house.hear("replied", lead, "3 Mar 10:00", reason="Zauberfrau says yes")
    house.hear("replied", bob, "3 Mar 10:00")
    house.tick("3 Mar 11:00")
    return lead


def the_whole_database(house: House) -> bytes:
    """Every octet that is kept: the file and what is written ahead of it, or all that a dump holds."""
    url = make_url(house.settings.database)
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database))
        return b"".join(part.read_bytes() for part in path.parent.glob(f"{path.name}*"))
    dumped = subprocess.run(
        ["pg_dump", "--host", str(url.host), "--port", str(url.port or 5432), "--username", str(url.username),
         "--no-password", "--inserts", str(url.database)],
        capture_output=True, check=True,
    )  # fmt: skip
    return dumped.stdout


def left(house: House, tmp_path: Path) -> dict[str, int]:
    """Which secrets are still found, and how often: in the database, and in all files of the house."""
    kept = the_whole_database(house)
    for path in house.home.rglob("*"):
        if path.is_file() and not path.name.startswith("nurture.db"):
            kept += path.read_bytes()
    return {secret: found for secret in SECRETS if (found := kept.count(secret.encode()))}


def test_whoever_is_forgotten_is_nowhere(house: House, lived: LeadRef, tmp_path: Path) -> None:
    before = left(house, tmp_path)

    told = rights.forget(house.engine, [lived], now=moment("4 Mar 09:00"))

    assert set(before) == set(SECRETS)
    assert left(house, tmp_path) == {}
    assert told == {"forgotten": 1, "files": 1}
    with pytest.raises(UnknownLead):
        house.engine.history(lived)


def test_numbers_stay_and_others_are_untouched(house: House, lived: LeadRef) -> None:
    bob = LeadRef.parse("bob@x.example")
    before, history = house.status("4 Mar 09:00"), house.engine.history(bob)

    rights.forget(house.engine, [lived], now=moment("4 Mar 09:00"))

    after = house.status("4 Mar 09:00")
    assert after["conserved"]
    assert after["campaigns"][0]["entered"] == before["campaigns"][0]["entered"] == 2
    assert after["campaigns"][0]["ended"] == {"removed": 1}
    assert after["touches"] == before["touches"]
    assert house.engine.history(bob) == history
    assert house.engine.replay().as_json() == {"leads": 1, "equal": 1, "different": []}


def test_no_file_and_no_door_brings_an_erased_person_back(house: House, lived: LeadRef, tmp_path: Path) -> None:
    rights.forget(house.engine, [lived], now=moment("4 Mar 09:00"))
    again = tmp_path / "again.csv"
    again.write_text(
        "email,phone,id\nZauberfrau@X.example,,\nnew@x.example,+86 138 0013 8000,\nother@x.example,,zauberid\n"
    )

    imported = house.engine.import_leads(again, LeadOptions(basis="fair"), now=moment("5 Mar 09:00")).as_json()
    report = house.engine.hear([], now=MONDAY)

    assert (imported["suppressed"], imported["new"]) == (3, 0)
    assert report.heard == 0
    assert house.engine.enroll("c", now=moment("5 Mar 09:00"), segment=None).as_json()["enrolled"] == 0


def test_a_message_that_waited_is_cancelled_and_one_on_its_way_is_waited_for(house: House, post: type[Post]) -> None:
    lead = house.lead("ada@example.com")
    house.enter(lead)
    refused: list[str] = []

    def forget_meanwhile(_: Any) -> None:
        try:
            rights.forget(house.engine, [lead], now=MONDAY)
        except OnItsWay as on_its_way:
            refused.append(str(on_its_way))

    post.started.append(forget_meanwhile)
    house.tick(MONDAY)
    rights.forget(house.engine, [lead], now=moment("3 Mar 09:00"))
    later = house.tick("9 Mar 09:00")

    assert refused == [OnItsWay.__doc__]
    assert len(post.sent) == 1
    assert later["sent"] == 0


def test_forgetting_twice_or_a_stranger_is_said(house: House, lived: LeadRef) -> None:
    rights.forget(house.engine, [lived], now=moment("4 Mar 09:00"))

    with pytest.raises(UnknownLead, match="zauberfrau"):
        rights.forget(house.engine, [lived], now=moment("4 Mar 09:00"))


def test_of_every_table_somebody_has_thought_what_becomes_of_it() -> None:
    assert set(PERSONAL) == set(metadata.tables)
    for name, table in metadata.tables.items():
        if {"lead_id", "enrollment_id"} & set(table.columns.keys()):
            assert PERSONAL[name] is not None, f"{name} is about a lead, and nothing wipes it"


def test_whoever_was_not_heard_of_for_long_is_forgotten_and_may_come_again(
    house: House, lived: LeadRef, tmp_path: Path
) -> None:
    old = house.lead("old@example.com")
    now = moment("2 Mar 2028 09:00")

    asked = rights.forget_unseen(house.engine, timedelta(days=365), now=now, dry_run=True)
    told = rights.forget_unseen(house.engine, timedelta(days=365), now=now)

    assert asked["would_be_forgotten"] == 1
    assert told == {"forgotten": 1, "files": 0}
    with pytest.raises(UnknownLead):
        house.engine.history(old)
    # She is with an SDR still.
    assert house.engine.history(lived)["lead"]["email"] == "zauberfrau@x.example"
    again = tmp_path / "again.csv"
    again.write_text("email\nold@example.com\n")
    assert house.engine.import_leads(again, now=now).as_json()["new"] == 1


# --- telling everything ------------------------------------------------------------------------------------------


def test_an_export_holds_every_row_there_is_and_reads_as_json(house: House, lived: LeadRef) -> None:
    told = json.loads(json.dumps(rights.export(house.engine, lived)))

    stored = told["stored"]
    assert told["history"]["lead"]["email"] == "zauberfrau@x.example"
    assert stored["leads"][0]["phone"] == "+8613800138000"
    assert [step["node"] for step in stored["steps"]] == ["bait", "answered", "thanks", "note"]
    assert stored["steps"][1]["saw"] is not None
    assert [one["basis"] for one in stored["consents"]] == ["fair"]
    assert stored["signals"][0]["reason"] == "Zauberfrau says yes"
    # Every table that holds something of a person is there, even where there is nothing.
    assert set(stored) >= {name for name, statement in PERSONAL.items() if statement is not None}
    # And nothing of anybody else.
    assert "bob@x.example" not in json.dumps(told)


# --- consent and suppression -------------------------------------------------------------------------------------


def test_consent_is_kept_word_by_word_with_source_time_and_basis(house: House) -> None:
    lead = house.lead(basis=None)
    refused = house.enter(lead)["not_enrolled"]
    rights.consent(house.engine, lead, given=True, source="form /fair", basis="Art. 6(1)(a)", at=MONDAY)
    enrolled = house.enter(lead)["enrolled"]
    told = rights.consent(house.engine, lead, given=False, source="by phone", basis=None, at=moment("3 Mar 09:00"))
    house.hear("unsubscribed", lead, "4 Mar 09:00", reason="by link")

    assert (sum(refused.values()), enrolled) == (1, 1)
    assert told["consents"] == [
        {"at": "2026-03-02T09:00:00Z", "what": "given", "source": "form /fair", "basis": "Art. 6(1)(a)"},
        {"at": "2026-03-03T09:00:00Z", "what": "withdrawn", "source": "by phone", "basis": None},
    ]
    consents = rights.export(house.engine, lead)["stored"]["consents"]
    assert [(one["what"], one["source"]) for one in consents] == [
        ("given", "form /fair"), ("withdrawn", "by phone"), ("withdrawn", "unsubscribed: by link"),
    ]  # fmt: skip
    house.campaign(LIFE, name="other")
    assert house.enter(lead, name="other")["enrolled"] == 0


def test_a_file_is_a_source_of_consent(house: House, tmp_path: Path) -> None:
    file = tmp_path / "fair.csv"
    file.write_text("email,consent\nada@x.example,yes\nbob@x.example,\n")
    house.engine.import_leads(file, now=MONDAY)
    file.write_text("email,consent\nada@x.example,no\nbob@x.example,yes\n")
    house.engine.import_leads(file, now=moment("3 Mar 09:00"))

    def words(name: str) -> list[tuple[str, str]]:
        stored = rights.export(house.engine, LeadRef.parse(name))["stored"]["consents"]
        return [(one["what"], one["source"]) for one in stored]

    assert words("ada@x.example") == [("given", "the file fair.csv"), ("withdrawn", "the file fair.csv")]
    assert words("bob@x.example") == [("given", "the file fair.csv")]


def test_a_suppression_is_taken_back_with_a_reason_and_stays_on_record(house: House) -> None:
    lead = house.lead()
    house.hear("unsubscribed", lead, "2 Mar 08:00", reason="by link")
    barred = house.enter(lead)["not_enrolled"]

    told = rights.allow(house.engine, lead, reason="asked us to, by phone", actor="mia", now=MONDAY)

    assert barred == {"suppressed:unsubscribed": 1}
    assert told["lifted"] == ["unsubscribed"]
    assert house.enter(lead)["enrolled"] == 1
    (record,) = rights.export(house.engine, lead)["stored"]["lifted"]
    assert (record["kind"], record["reason"], record["why"], record["actor"]) == (
        "unsubscribed", "by link", "asked us to, by phone", "mia",
    )  # fmt: skip


def test_a_list_of_people_who_want_nothing_is_taken_in_once_and_holds_for_strangers_too(
    house: House, tmp_path: Path
) -> None:
    lead = house.lead("ada@example.com")
    house.enter(lead)
    both = [lead, LeadRef.parse("Stranger@Example.com"), LeadRef.parse("stranger@example.com")]

    first = rights.stop(house.engine, both, reason="list of 2025", actor="mia", now=MONDAY)
    second = rights.stop(house.engine, both, reason="list of 2025", actor="mia", now=MONDAY)
    house.tick("2 Mar 10:00")
    file = tmp_path / "leads.csv"
    file.write_text("email\nstranger@example.com\n")

    assert (first, second) == ({"stopped": 2, "already": 0}, {"stopped": 0, "already": 2})
    assert house.path(lead) == ["bait: exit:unsubscribed", "exit:unsubscribed"]
    assert house.engine.import_leads(file, now=MONDAY).as_json()["suppressed"] == 1


def test_the_same_link_stops_everything_again_after_somebody_was_let_back_in(house: House) -> None:
    lead = house.lead()
    house.hear("unsubscribed", lead, "2 Mar 08:00", id="unsubscribe:of one mail")
    rights.allow(house.engine, lead, reason="asked us to", actor="mia", now=MONDAY)
    rights.allow(house.engine, lead, reason="asked us to, twice", actor="mia", now=MONDAY)

    house.hear("unsubscribed", lead, "3 Mar 08:00", id="unsubscribe:of one mail")

    assert house.enter(lead, now="3 Mar 09:00")["not_enrolled"] == {"suppressed:unsubscribed": 1}


def test_who_opts_out_again_after_having_been_let_back_in_is_out_again(house: House) -> None:
    lead = house.lead()
    rights.stop(house.engine, [lead], reason="letter", actor="mia", now=MONDAY)
    rights.allow(house.engine, lead, reason="a mistake", actor="mia", now=MONDAY)
    told = rights.stop(house.engine, [lead], reason="no mistake", actor="mia", now=moment("3 Mar 09:00"))

    assert told == {"stopped": 1, "already": 0}
    assert house.enter(lead)["not_enrolled"] == {"suppressed:unsubscribed": 1}
