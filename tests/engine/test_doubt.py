"""A message of which nobody can know whether it left, at a node that allows a copy."""

from __future__ import annotations

from nurture.channels.base import Ambiguous, NotSent, Refused
from nurture.identity import LeadRef
from tests.engine.house import MONDAY, House, Post

SILENCE = Ambiguous("the server fell silent after the final dot")


def asked(house: House, policy: str) -> LeadRef:
    """Ada, who is to get one message."""
    hello = {"type": "send_content", "channel": "post", "content": "hello", "on_unknown": policy, "next": "end"}
    house.campaign({"hello": hello})
    ada = house.lead()
    house.enter(ada)
    return ada


def test_the_copy_is_the_very_same_message_and_not_sent_at_once(house: House, post: type[Post]) -> None:
    ada = asked(house, "retry_once")
    started: list[tuple[str, object]] = []
    post.started.append(lambda message: started.append((message.message_id, message.date)))
    post.verdicts.append(SILENCE)

    first = house.tick(MONDAY)
    later = house.tick(MONDAY, "2 Mar 12:00")

    assert (first["sent"], first["ambiguous"], later["sent"]) == (0, 0, 1)
    assert len(started) == 2
    assert len(set(started)) == 1
    assert [line["what"] for line in house.touch(ada)["timeline"]] == ["resent"]
    assert house.path(ada) == ["hello: sent", "completed"]


def test_when_no_copy_is_left_it_is_ambiguous_since_its_first_intent(house: House, post: type[Post]) -> None:
    ada = asked(house, "retry")
    post.verdicts += [SILENCE] * 4

    report = house.tick(MONDAY, "3 Mar 09:00")

    assert (report["sent"], report["ambiguous"], post.verdicts) == (0, 1, [])
    assert house.touch(ada)["state"] == "ambiguous"
    assert house.touch(ada)["settled_at"] == "2026-03-02T09:00:00Z"


def test_a_copy_that_is_refused_or_too_late_does_not_take_the_first_one_back(house: House, post: type[Post]) -> None:
    ada = asked(house, "retry")
    post.verdicts += [SILENCE, NotSent("temporary", "451 later"), Refused("policy", "554 no")]

    house.tick(MONDAY, "3 Mar 09:00")

    assert house.touch(ada)["state"] == "ambiguous"
    assert house.path(ada) == ["hello: sent", "completed"]
