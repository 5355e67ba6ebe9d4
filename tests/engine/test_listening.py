"""What comes back by mail, from the mailbox to the lead's way and the message's timeline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from nurture.channels.base import Ambiguous
from nurture.engine.listening import listen
from nurture.identity import LeadRef
from nurture.store import mails, paces
from nurture.testing import moment
from tests.engine.house import MONDAY, House, Post
from tests.mailbox.letters import bounce, complaint, plain, returned

ASKS = {
    "bait": {"type": "send_content", "channel": "post", "content": "hello", "next": "answered"},
    "answered": {"type": "check_response", "to": "bait", "evidence": ["replied"], "within": "3 days",
                 "next": {"yes": "thanks", "no": "again"}},
    "again": {"type": "send_content", "channel": "post", "content": "again", "next": "end"},
    "thanks": {"type": "tag", "add": ["answered"], "next": "end"},
}  # fmt: skip


class Letterbox:
    """The house's maildir, and short ways to put mails there."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.folder = folder
        self._numbers = count(1)

    def put(self, raw: bytes, at: str = "3 Mar 10:00") -> None:
        """A mail that arrives at this time."""
        import os

        path = self.folder / "new" / f"{next(self._numbers):09d}.here"
        path.write_bytes(raw)
        os.utime(path, (moment(at).timestamp(),) * 2)

    def read(self, now: str = "3 Mar 12:00") -> dict[str, Any]:
        return listen(self.house.engine, now=moment(now)).as_json()


@pytest.fixture
def house(tmp_path: Path, database_url: str, post: type[Post]) -> Iterator[House]:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "maildir" / name).mkdir(parents=True)
    built = House(tmp_path, database_url, mailbox_url=f"maildir://{tmp_path}/maildir", sender="news@example.com")
    built.campaign(ASKS, exit_on=["unsubscribed", "bounced"])
    yield built
    assert built.status("1 Jan 2027 00:00")["conserved"]
    assert built.engine.replay().different == []
    built.engine.close()


@pytest.fixture
def letterbox(house: House, tmp_path: Path) -> Letterbox:
    return Letterbox(house, tmp_path / "maildir")


@pytest.fixture
def ada(house: House) -> LeadRef:
    """Has got one message."""
    lead = house.lead()
    house.enter(lead)
    house.tick(MONDAY)
    return lead


def signals(house: House, lead: LeadRef) -> list[tuple[str, str, str | None]]:
    return [(one["kind"], one["at"], one["node"]) for one in house.engine.history(lead)["signals"]]


def timeline(house: House, lead: LeadRef) -> list[str]:
    return [note["what"] for note in house.touch(lead, 0)["timeline"]]


# --- replies -----------------------------------------------------------------------------------------------------


def test_a_reply_is_found_by_the_address_it_was_sent_to(
    house: House, post: type[Post], letterbox: Letterbox, ada: LeadRef
) -> None:
    letterbox.put(plain(post.sent[0].reply_to))

    assert letterbox.read() == {"read": 1, "known": 0, "found": {"replied": 1}, "resolved": 0}
    assert signals(house, ada) == [("replied", "2026-03-03T10:00:00Z", "bait")]

    house.tick("3 Mar 13:00")

    assert house.path(ada) == ["bait: sent", "answered: yes", "thanks: next", "completed"]


@pytest.mark.parametrize("header", ["In-Reply-To", "References"])
def test_a_reply_is_found_by_the_message_it_cites_whoever_writes(
    house: House, post: type[Post], letterbox: Letterbox, ada: LeadRef, header: str
) -> None:
    cited = {header.replace("-", "_"): f"<other@x.example> <{post.sent[0].message_id}>"}
    letterbox.put(plain("news@example.com", **cited))

    letterbox.read()

    assert signals(house, ada) == [("replied", "2026-03-03T10:00:00Z", "bait")]


def test_an_automatic_reply_is_on_the_timeline_and_answers_nothing(
    house: House, post: type[Post], letterbox: Letterbox, ada: LeadRef
) -> None:
    letterbox.put(plain(post.sent[0].reply_to, subject="自动回复：外出"))
    letterbox.put(plain(post.sent[0].return_path, Auto_Submitted="auto-replied"))

    assert letterbox.read()["found"] == {"automatic": 2}

    house.tick("6 Mar 10:00")

    assert signals(house, ada) == []
    assert timeline(house, ada) == ["auto_reply", "auto_reply"]
    assert house.path(ada) == ["bait: sent", "answered: no", "again: sent", "completed"]
    # Nothing we send is an answer to a machine: two messages in all, both the campaign's own.
    assert len(post.sent) == 2


def test_one_answer_that_comes_by_two_ways_is_one(
    house: House, post: type[Post], letterbox: Letterbox, ada: LeadRef
) -> None:
    letterbox.put(plain(post.sent[0].reply_to, Received="by one"))
    letterbox.put(plain(post.sent[0].reply_to, Received="by another"))

    letterbox.read()

    assert len(signals(house, ada)) == 1


def test_a_mail_about_nothing_of_ours_is_left_alone(house: House, letterbox: Letterbox, ada: LeadRef) -> None:
    letterbox.put(plain("news@example.com", From="ada@example.com"))

    assert letterbox.read()["found"] == {"unmatched": 1}
    assert signals(house, ada) == []


def test_a_mail_counts_by_when_it_arrived_and_never_from_the_future(
    house: House, post: type[Post], letterbox: Letterbox, ada: LeadRef
) -> None:
    letterbox.put(plain(post.sent[0].reply_to), at="9 Mar 10:00")

    letterbox.read("4 Mar 09:00")

    assert signals(house, ada) == [("replied", "2026-03-04T09:00:00Z", "bait")]


# --- bounces -----------------------------------------------------------------------------------------------------


def test_a_hard_bounce_suppresses_the_address_and_ends_the_campaign(
    house: House, post: type[Post], letterbox: Letterbox, ada: LeadRef
) -> None:
    letterbox.put(bounce(post.sent[0].return_path))
    letterbox.read()
    house.tick("3 Mar 13:00")

    assert house.path(ada)[-1] == "exit:bounced"
    assert timeline(house, ada) == ["bounced"]
    house.campaign(ASKS, name="other")
    assert house.enter(ada, name="other")["not_enrolled"] == {"suppressed:bounced": 1}


def test_a_bounce_is_found_by_the_message_it_returns(
    house: House, post: type[Post], letterbox: Letterbox, ada: LeadRef
) -> None:
    letterbox.put(bounce("news@example.com", original=returned(post.sent[0].message_id)))

    assert letterbox.read()["found"] == {"bounced": 1}
    assert [kind for kind, *_ in signals(house, ada)] == ["bounced"]


def test_a_bounce_after_the_lead_has_moved_on_suppresses_and_rewinds_nothing(
    house: House, post: type[Post], letterbox: Letterbox, ada: LeadRef
) -> None:
    house.tick("6 Mar 10:00")
    before = house.path(ada)
    letterbox.put(bounce(post.sent[0].return_path), at="7 Mar 10:00")

    letterbox.read("7 Mar 12:00")
    house.tick("7 Mar 13:00")

    assert before == house.path(ada) == ["bait: sent", "answered: no", "again: sent", "completed"]
    assert signals(house, ada) == [("bounced", "2026-03-07T10:00:00Z", "bait")]
    house.campaign(ASKS, name="other")
    assert house.enter(ada, name="other")["not_enrolled"] == {"suppressed:bounced": 1}


def test_a_full_mailbox_is_noted_and_the_third_message_that_comes_back_is_the_last(
    house: House, post: type[Post], letterbox: Letterbox, ada: LeadRef
) -> None:
    full = {"status": "5.2.2", "said": "smtp; 552 5.2.2 mailbox full"}
    letterbox.put(bounce(post.sent[0].return_path, **full))
    # The same message, reported twice, came back once.
    letterbox.put(bounce(post.sent[0].return_path, action="failed", **full) + b"\r\n")
    letterbox.read()
    house.tick("6 Mar 10:00")
    letterbox.put(bounce(post.sent[1].return_path, **full), at="6 Mar 11:00")
    letterbox.read("6 Mar 12:00")

    assert signals(house, ada) == []

    house.campaign(ASKS, name="other")
    house.enter(ada, name="other", now="8 Mar 09:00")
    house.tick("8 Mar 09:00")
    letterbox.put(bounce(post.sent[2].return_path, **full), at="8 Mar 11:00")
    letterbox.read("8 Mar 12:00")

    assert [kind for kind, *_ in signals(house, ada)] == ["bounced"]
    assert "3 messages came back" in house.engine.history(ada)["signals"][0]["reason"]


def test_a_bounce_by_policy_blames_the_sender_and_not_the_lead(
    house: House, post: type[Post], letterbox: Letterbox, ada: LeadRef
) -> None:
    letterbox.put(bounce(post.sent[0].return_path, status="5.7.26", said="smtp; 550 5.7.26 unauthenticated"))

    assert letterbox.read()["found"] == {"policy": 1}
    assert signals(house, ada) == []
    assert timeline(house, ada) == ["policy_bounce"]
    with house.engine.store.read() as tx:
        (rest,) = paces.resting(tx)
    assert (rest.channel, rest.domain) == ("post", "example.com")
    assert "5.7.26" in rest.because


def test_a_message_that_is_delayed_is_no_failure(
    house: House, post: type[Post], letterbox: Letterbox, ada: LeadRef
) -> None:
    letterbox.put(bounce(post.sent[0].return_path, action="delayed", status="4.4.1"))

    letterbox.read()

    assert (signals(house, ada), timeline(house, ada)) == ([], ["delayed"])


# --- opt-outs, complaints, and those who pretend -----------------------------------------------------------------


def test_a_mail_to_the_opt_out_address_stops_everything(
    house: House, post: type[Post], letterbox: Letterbox, ada: LeadRef
) -> None:
    letterbox.put(plain(post.sent[0].unsubscribe_mail, subject="unsubscribe"))
    letterbox.read()
    house.tick("3 Mar 13:00")

    assert house.path(ada)[-1] == "exit:unsubscribed"
    house.campaign(ASKS, name="other")
    assert house.enter(ada, name="other")["not_enrolled"] == {"suppressed:unsubscribed": 1}


def test_a_complaint_stops_everything(house: House, post: type[Post], letterbox: Letterbox, ada: LeadRef) -> None:
    letterbox.put(complaint(original=returned(post.sent[0].message_id)))

    letterbox.read()

    assert [kind for kind, *_ in signals(house, ada)] == ["complained"]
    house.campaign(ASKS, name="other")
    assert house.enter(ada, name="other")["not_enrolled"] == {"suppressed:complained": 1}


def test_whoever_makes_up_an_address_or_an_id_changes_nothing(
    house: House, post: type[Post], letterbox: Letterbox, ada: LeadRef
) -> None:
    sent = post.sent[0]
    local, _, domain = sent.return_path.partition("@")
    other = "b" if local[-9] != "b" else "c"
    forged = {
        "another seal": bounce(f"{local[:-9]}{other}{local[-8:]}@{domain}", original="Subject: x"),
        "another purpose": plain(sent.reply_to.replace("+r", "+u")),
        "a purpose that unsubscribes nobody": plain(sent.return_path.replace("+b", "+u")),
        "an opt-out that cites somebody's mail": plain(
            "news+u" + "a" * 36 + "@example.com", cites=sent.message_id
        ),
        "another Message-ID": bounce(original=returned(f"v1.{'a' * 32}@example.com")),
    }  # fmt: skip
    for raw in forged.values():
        letterbox.put(raw)

    report = letterbox.read()

    assert report["found"] == {"forged": 4, "unmatched": 1}
    assert (signals(house, ada), timeline(house, ada)) == ([], [])
    with house.engine.store.read() as tx:
        assert tx.value("SELECT COUNT(*) FROM suppressions") == 0
        # What was ignored stands in the book, with the reason.
        assert tx.value("SELECT COUNT(*) FROM mails WHERE what = 'forged' AND because LIKE '%did not make'") == 4


# --- doubt, repetition, and being killed -------------------------------------------------------------------------


@pytest.mark.parametrize("machine", [False, True])
def test_whatever_comes_back_proves_that_an_uncertain_message_had_left(
    house: House, post: type[Post], letterbox: Letterbox, machine: bool
) -> None:
    lead = house.lead()
    house.enter(lead)
    seen: list[Any] = []
    post.started.append(seen.append)
    post.verdicts.append(Ambiguous("the line was cut"))
    house.tick(MONDAY)
    letterbox.put(plain(seen[0].reply_to, subject="自动回复" if machine else "Re: hello"))
    letterbox.put(plain(seen[0].reply_to, message_id="m2@elsewhere.example"))

    assert letterbox.read()["resolved"] == 1
    assert house.touch(lead, 0)["state"] == "ambiguous"
    assert timeline(house, lead).count("resolved_sent") == 1


def test_a_mail_counts_once_however_often_it_is_read(
    house: House, post: type[Post], letterbox: Letterbox, ada: LeadRef, tmp_path: Path
) -> None:
    letterbox.put(plain(post.sent[0].reply_to))
    first = letterbox.read()
    for path in (tmp_path / "maildir" / "cur").iterdir():
        path.rename(tmp_path / "maildir" / "new" / path.name.partition(":")[0])

    assert first["read"] == 1
    assert letterbox.read() == {"read": 0, "known": 1, "found": {}, "resolved": 0}
    assert len(signals(house, ada)) == 1


@pytest.mark.parametrize("dies_at", ["before the commit", "after the commit"])
def test_whoever_dies_while_reading_loses_nothing_and_counts_nothing_twice(
    house: House, post: type[Post], letterbox: Letterbox, ada: LeadRef, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    from nurture.mailbox.maildir import Maildir

    class Died(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Died

    letterbox.put(plain(post.sent[0].reply_to))
    letterbox.put(bounce(post.sent[0].return_path, status="5.2.2", said="smtp; 552 5.2.2 full"))
    with monkeypatch.context() as patched:
        if dies_at == "before the commit":
            patched.setattr(mails, "remember", die)
        else:
            patched.setattr(Maildir, "done", die)
        with pytest.raises(Died):
            letterbox.read()

    letterbox.read()

    assert [kind for kind, *_ in signals(house, ada)] == ["replied"]
    assert timeline(house, ada) == ["soft_bounce"]


def test_the_head_of_every_message_says_where_its_answers_go(house: House, post: type[Post], ada: LeadRef) -> None:
    sent = post.sent[0]
    made = [sent.reply_to, sent.return_path, sent.unsubscribe_mail]

    assert [address[:6] for address in made] == ["news+r", "news+b", "news+u"]
    assert all(address.endswith("@example.com") for address in made)
    assert json.dumps(made).count(str(ada)) == 0


def test_without_a_mailbox_messages_are_as_they_were(tmp_path: Path, post: type[Post]) -> None:
    plainly = House(tmp_path, "sqlite://")
    plainly.campaign(ASKS)
    lead = plainly.lead()
    plainly.enter(lead)
    plainly.tick(MONDAY)
    plainly.engine.close()

    assert (post.sent[0].reply_to, post.sent[0].return_path, post.sent[0].unsubscribe_mail) == ("", "", "")
