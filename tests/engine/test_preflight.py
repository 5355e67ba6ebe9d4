"""A campaign does not start from a sender that mail systems will not believe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nurture.engine.preflight import Despite, concerns
from nurture.problems import Rejected
from nurture.settings import Settings
from nurture.store import campaign_notes
from nurture.testing import moment
from nurture.testing.dns import Names
from tests.channels.test_standing import GOOD
from tests.engine.house import MONDAY, House, Post

ONE_MAIL = {"hello": {"type": "send_content", "channel": "post", "content": "hello", "next": "end"}}


@pytest.fixture
def names() -> Iterator[Names]:
    with Names(GOOD) as served:
        yield served


def built(folder: Path, names: Names, **settings: Any) -> House:
    known = {
        "smtp_url": "smtps://127.0.0.1:1", "sender": "news@acme.cn", "postal_address": "1 Example Road",
        "dns": names.where, "dkim_selector": "s1", **settings,
    }  # fmt: skip
    house = House(folder, "sqlite://", **known)
    house.campaign(ONE_MAIL)
    return house


def notes(house: House) -> list[tuple[Any, ...]]:
    with house.engine.store.read() as tx:
        return [tuple(row[1:]) for row in campaign_notes.notes_of(tx, "c")]


def test_a_sender_in_order_starts_and_is_not_asked_about_again_within_the_hour(
    tmp_path: Path, post: type[Post], names: Names
) -> None:
    house = built(tmp_path, names)

    assert house.enter(house.lead())["enrolled"] == 1
    asked = len(names.asked)
    assert house.enter(house.lead("bob@example.com"), now="2 Mar 09:30")["enrolled"] == 1
    assert len(names.asked) == asked > 0
    house.enter(house.lead("cat@example.com"), now="2 Mar 10:30")
    assert len(names.asked) > asked


def test_a_sender_that_is_not_in_order_does_not_start(tmp_path: Path, post: type[Post], names: Names) -> None:
    names.records["_dmarc.acme.cn txt"] = []
    house = built(tmp_path, names)
    lead = house.lead()

    with pytest.raises(Rejected, match="DMARC") as refused:
        house.enter(lead)

    assert [problem.code for problem in refused.value.problems] == ["E_SENDER"]
    assert "--despite" in refused.value.problems[0].hint
    assert house.status()["campaigns"][0]["entered"] == 0
    # Looking is free.
    assert house.engine.enroll("c", leads=[lead], now=MONDAY, dry_run=True).enrolled == 1


def test_whoever_starts_all_the_same_is_on_record_with_the_reason(
    tmp_path: Path, post: type[Post], names: Names
) -> None:
    names.records["_dmarc.acme.cn txt"] = []
    house = built(tmp_path, names)

    report = house.engine.enroll("c", leads=[house.lead()], now=MONDAY, despite=Despite("DNS is on its way", "mia"))

    assert report.enrolled == 1
    assert notes(house) == [
        ("overridden", "DNS is on its way: acme.cn has no DMARC policy, and large mail systems ask for one", "mia")
    ]


def test_the_house_may_be_content_with_a_word_or_with_nothing(tmp_path: Path, post: type[Post], names: Names) -> None:
    names.records["_dmarc.acme.cn txt"] = []
    warned = built(tmp_path / "warned", names, sender_check="warn")
    silent = built(tmp_path / "silent", names, sender_check="off")

    assert warned.enter(warned.lead())["enrolled"] == silent.enter(silent.lead())["enrolled"] == 1
    assert [what for what, *_ in notes(warned)] == ["overridden"]
    assert notes(silent) == []


def test_marketing_without_a_postal_address_does_not_start(tmp_path: Path, post: type[Post], names: Names) -> None:
    house = built(tmp_path, names, postal_address="")

    with pytest.raises(Rejected, match="postal address"):
        house.enter(house.lead())


def test_a_name_server_that_does_not_answer_stops_nobody(tmp_path: Path, post: type[Post], names: Names) -> None:
    names.silent = True
    house = built(tmp_path, names)

    assert house.enter(house.lead(), now=moment("2 Mar 09:00"))["enrolled"] == 1


@pytest.mark.parametrize(
    ("smtp_url", "sender", "domain"),
    [
        ("", "news@acme.cn", ""),
        ("file:///outbox", "news@acme.cn", ""),
        ("smtp://127.0.0.1:2525", "nurture@localhost", ""),
        ("smtp://127.0.0.1:2525", "news@example.com", ""),
        ("smtp://127.0.0.1:2525", "news@mail.example", ""),
        ("smtp://127.0.0.1:2525", "news@acme.cn", "acme.cn"),
    ],
)
def test_only_what_goes_out_into_the_world_is_looked_at(smtp_url: str, sender: str, domain: str) -> None:
    assert concerns(Settings(smtp_url=smtp_url, sender=sender)) == domain
