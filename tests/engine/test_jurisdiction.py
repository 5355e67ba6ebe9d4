"""Messages under the rules of the country where a lead is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nurture.engine import rights
from nurture.identity import LeadRef
from nurture.jurisdiction import may_hold, rules_for
from nurture.testing import moment
from tests.engine.house import MONDAY, House, Post

LETTER = {
    "hello": {"type": "send_content", "channel": "email", "content": "letter", "next": "later"},
    "later": {"type": "wait", "for": "3 days", "next": "again"},
    "again": {"type": "send_content", "channel": "email", "content": "letter", "next": "end"},
}
MAIL = "Subject: {{ lead.name }}\n\nHello\n\n{{ unsubscribe_url }} {{ postal_address }}\n"


def built(folder: Path, **settings: Any) -> House:
    house = House(folder, "sqlite://", **settings)
    content = folder / "content" / "letter"
    content.mkdir(parents=True)
    (content / "email.en.md").write_text(MAIL)
    house.campaign(LETTER)
    return house


@pytest.fixture
def house(tmp_path: Path, post: type[Post]) -> Iterator[House]:
    made = built(tmp_path, postal_address="1 Example Road")
    yield made
    made.engine.close()


def subjects(house: House) -> list[str]:
    from email import message_from_bytes
    from email.policy import default

    return [
        str(message_from_bytes(path.read_bytes(), policy=default)["Subject"])
        for path in sorted((house.home / "outbox").glob("*.eml"))
    ]


@pytest.mark.parametrize(
    ("fields", "home", "name"),
    [
        ({"country": "CN"}, "", "CN"),
        ({"country": " china "}, "", "CN"),
        ({"region": "中国大陆"}, "", "CN"),
        ({"region": "华东"}, "", ""),
        ({"region": "华东"}, "CN", "CN"),
        ({"country": "DE"}, "CN", ""),
        ({"jurisdiction": "CN", "country": "DE"}, "", "CN"),
        ({}, "CN", "CN"),
        ({}, "", ""),
        ({"country": None}, "CN", "CN"),
    ],
)
def test_the_rules_are_those_of_the_lead_s_country_and_else_of_the_house(
    fields: dict[str, Any], home: str, name: str
) -> None:
    import json

    assert rules_for(fields, home).name == name
    assert may_hold(json.dumps(fields), home) or name == ""


def test_where_a_yes_is_asked_for_no_other_basis_will_do(house: House) -> None:
    asked = house.lead("a@example.com", basis="contract", country="CN")
    agreed = house.lead("b@example.com", basis=None, consent="yes", country="CN")
    elsewhere = house.lead("c@example.com", basis="contract", country="DE")

    assert house.enter(asked, agreed, elsewhere) == {"enrolled": 2, "not_enrolled": {"opt_in_required": 1}}


def test_the_setting_speaks_for_leads_that_name_no_country(tmp_path: Path, post: type[Post]) -> None:
    house = built(tmp_path, jurisdiction="CN", postal_address="1 Example Road")
    lead = house.lead("a@example.com", basis="contract")

    assert house.enter(lead)["not_enrolled"] == {"opt_in_required": 1}
    house.engine.close()


def test_a_country_whose_rules_nobody_knows_is_refused_as_a_setting(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the rules of 'XX' are not known"):
        House(tmp_path, "sqlite://", jurisdiction="XX")


@pytest.mark.parametrize(
    "name", ["Welcome", "\u200b\u3000 Welcome", "ADVANCED", "广\u200b告", "Аd (Cyrillic)", "＝广告"]
)
def test_every_subject_begins_with_the_mark_whatever_a_field_brings(house: House, name: str) -> None:
    house.enter(house.lead("a@example.com", consent="yes", country="CN", name=name))
    house.tick(MONDAY)

    (subject,) = subjects(house)
    assert subject.startswith(("AD: ", "(广告)", "广告"))


def test_nobody_else_s_subject_is_marked(house: House) -> None:
    house.enter(house.lead("a@example.com", consent="yes", country="DE", name="Welcome"))
    house.tick(MONDAY)

    assert subjects(house) == ["Welcome"]


@pytest.mark.parametrize("country", ["CN", "DE"])
def test_a_yes_that_is_taken_back_stops_what_was_to_come(house: House, country: str) -> None:
    lead = house.lead("a@example.com", basis=None, consent="yes", country=country, name="Ada")
    house.enter(lead)
    house.tick(MONDAY)
    rights.consent(house.engine, lead, given=False, source="by phone", basis=None, at=moment("3 Mar 09:00"))
    house.tick("6 Mar 10:00")

    assert [touch["state"] for touch in house.engine.history(lead)["touches"]] == ["sent", "refused"]
    assert house.touch(lead)["because"] == "no_consent: the lead has said no"
    assert isinstance(lead, LeadRef)
