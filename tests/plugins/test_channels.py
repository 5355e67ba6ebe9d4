"""A channel of somebody else's that breaks its promises harms its own messages, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import pytest

from nurture.registry import channel_types
from nurture.settings import Settings
from tests.engine.house import House, Post, post_office

HELLO = {"hello": {"type": "send_content", "channel": "post", "content": "hello", "next": "end"}}
PHONE = {"call": {"type": "send_content", "channel": "phone", "content": "call", "next": "end"}}


class Phone(Post):
    """Cannot be opened, or stumbles over some people."""

    name: ClassVar[str] = "phone"
    broken: ClassVar[bool] = False

    @classmethod
    def open(cls, settings: Settings, secret: bytes) -> Phone:
        if cls.broken:
            raise ValueError("NURTURE_PHONE_URL is no address")
        return cls()

    def address(self, lead: Mapping[str, object]) -> str | None:
        if str(lead["email"]).startswith("bob"):
            raise TypeError("bob confuses me")
        return super().address(lead)


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    """Two campaigns: one by the post, one by the stranger's phone."""
    with post_office():
        channel_types()["phone"] = Phone
        Phone.broken = False
        built = House(tmp_path, database_url)
        (tmp_path / "content" / "call").mkdir(parents=True)
        (tmp_path / "content" / "call" / "phone.en.txt").write_text("hello by phone")
        built.campaign(HELLO, name="letters")
        built.campaign(PHONE, name="calls")
        yield built
        channel_types().pop("phone", None)
        built.engine.close()


def test_a_channel_that_cannot_be_opened_makes_its_own_messages_wait(house: House) -> None:
    ada = house.lead()
    house.enter(ada, name="letters")
    house.enter(ada, name="calls")
    Phone.broken = True

    report = house.tick("2 Mar 09:00")

    letter, call = house.touch(ada, 0), house.touch(ada, 1)
    assert (report["sent"], letter["state"], call["state"]) == (1, "sent", "pending")
    assert call["because"] == "the channel 'phone' cannot be used: NURTURE_PHONE_URL is no address"

    Phone.broken = False

    assert house.tick("2 Mar 09:05")["sent"] == 1


def test_a_channel_that_stumbles_over_one_lead_reaches_the_others(house: House) -> None:
    ada, bob = house.lead(), house.lead("bob@example.com")
    house.enter(ada, bob, name="calls")

    house.tick("2 Mar 09:00")

    assert house.touch(ada)["state"] == "sent"
    assert (house.touch(bob)["state"], house.touch(bob)["because"]) == (
        "pending",
        "the channel 'phone' cannot be used: bob confuses me",
    )


def test_however_often_a_message_is_put_off_for_one_reason_its_timeline_says_so_once(house: House) -> None:
    bob = house.lead("bob@example.com")
    house.enter(bob, name="calls")

    house.tick("2 Mar 09:00", until="2 Mar 12:00")

    assert [note["what"] for note in house.touch(bob)["timeline"]] == ["deferred"]
