"""The pages behind a mail's links: opt out, ask for less, answer a form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from nurture.engine import rights
from tests.web.doorstep import ADA, LATER, MONDAY, Doorstep, doorstep

FORM_TYPE = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Doorstep]:
    with doorstep(tmp_path) as made:
        yield made


def standing(door: Doorstep) -> tuple[str, str | None]:
    [enrollment] = door.engine.history(ADA)["enrollments"]
    return enrollment["status"], enrollment["reason"]


# -- opt out --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"List-Unsubscribe=One-Click", FORM_TYPE),
        (b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
         {"content-type": "multipart/form-data; boundary=x"}),
        (b"", {}),
        (b"\xff" * 1_000, {"content-type": "nonsense"}),
    ],
)  # fmt: skip
def test_one_click_needs_nothing_but_the_address_of_the_header(
    door: Doorstep, body: bytes, headers: dict[str, str]
) -> None:
    answer = door.ask("POST", door.links()["unsubscribe"], body=body, headers=headers)

    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert door.heard() == [("unsubscribed", "human", "bait")]


SITUATIONS = {
    "waiting": "",
    "due": "UPDATE enrollments SET due_at = 0",
    "stuck": "UPDATE enrollments SET status = 'stuck', reason = 'x', due_at = NULL",
    "ended": "UPDATE enrollments SET status = 'ended', reason = 'completed', due_at = NULL, ended_at = 1",
    "paused": "UPDATE campaigns SET paused_at = 1",
    "with an SDR": "UPDATE leads SET owner = 'sdr'",
    "claimed by a worker": "UPDATE enrollments SET lease_until = 9999999999999999",
}


@pytest.mark.parametrize("situation", SITUATIONS.values(), ids=SITUATIONS.keys())
def test_in_every_state_of_a_lead_an_opt_out_is_immediate_and_final(door: Doorstep, situation: str) -> None:
    if situation:
        with door.engine.store.write() as tx:
            tx.run(situation)
    path = door.links()["unsubscribe"]

    statuses = [door.ask("POST", path).status_code for _ in range(2)]

    assert statuses == [200, 200]
    assert [kind for kind, _, _ in door.heard()] == ["unsubscribed"]
    with door.engine.store.write() as tx:
        assert tx.value("SELECT COUNT(*) FROM suppressions WHERE kind = 'unsubscribed'") >= 1
        tx.run("UPDATE campaigns SET paused_at = NULL")
        tx.run("UPDATE enrollments SET lease_until = 0")
        tx.run("DELETE FROM enrollments")  # as if she had never been in this campaign
    assert door.engine.enroll("hello", leads=[ADA], now=door.now).enrolled == 0


def test_an_opt_out_after_everything_was_opened_ends_the_campaign_at_once(door: Doorstep) -> None:
    """Whoever presses the button has looked at its page before, and perhaps at the mail: nobody waits to see who it was."""
    for name in ("picture", "view", "unsubscribe"):
        door.ask("GET", door.links()[name])
    door.buffer.flush()
    door.ask("POST", door.links()["unsubscribe"])

    door.engine.tick(LATER)

    assert standing(door) == ("ended", "exit:unsubscribed")
    assert door.engine.replay().different == []


def test_the_page_asks_shows_a_masked_address_and_offers_less(door: Doorstep) -> None:
    answer = door.ask("GET", door.links()["unsubscribe"])

    assert "a…@example.com" in answer.text
    assert "ada@" not in answer.text
    assert '<a href="../preferences/' in answer.text
    assert door.heard() == []


def test_a_link_of_somebody_who_was_forgotten_still_answers_and_does_nothing(door: Doorstep) -> None:
    link = door.links()["unsubscribe"]
    rights.forget(door.engine, [ADA], now=LATER)

    asked, pressed = door.ask("GET", link), door.ask("POST", link)
    forged = door.ask("POST", f"{link[:-1]}{'A' if link[-1] != 'A' else 'B'}")

    assert (asked.status_code, pressed.status_code, forged.status_code) == (200, 200, 404)
    with door.engine.store.read() as tx:
        assert tx.value("SELECT COUNT(*) FROM signals") == 0


def test_an_opt_out_works_when_the_version_cannot_run_here_any_more(door: Doorstep) -> None:
    with door.engine.store.write() as tx:
        tx.run("UPDATE versions SET definition = '{}'")
    door.engine.plans.__init__(door.engine.store)  # type: ignore[misc]  # as a new process would begin

    assert door.ask("POST", door.links()["unsubscribe"]).status_code == 200
    assert [kind for kind, _, _ in door.heard()] == ["unsubscribed"]


# -- preferences ----------------------------------------------------------------------------------------------------


def test_the_preferences_show_what_was_chosen_in_both_languages(door: Doorstep) -> None:
    path = door.links()["preferences"]
    door.submit(path, rhythm="monthly", pause="30", topic="about:events")

    page = door.ask("GET", path).text

    assert 'value="monthly" checked' in page
    assert "2026-04-01" in page
    assert 'value="about:events" checked' in page
    assert 'value="about:nurture">' in page
    assert "线索孵化 · Lead nurture" in page
    assert "ada@" not in page
    assert "<script" not in page


def test_a_lead_may_ask_for_a_pause_and_the_message_says_why_it_waits(door: Doorstep) -> None:
    door.submit(door.links()["preferences"], rhythm="", pause="7")
    door.ask("POST", door.links()["form"], body=b"budget=now", headers=FORM_TYPE)

    assert door.lead()["fields"]["mail_paused_until"] == "2026-03-09T03:00:00+00:00"
    policy_says = again(door, MONDAY + timedelta(days=2))
    assert policy_says == "the lead asked for a pause until 09 Mar 2026"


def test_a_pause_is_kept_while_something_else_is_changed_and_can_be_ended(door: Doorstep) -> None:
    path = door.links()["preferences"]
    door.submit(path, rhythm="", pause="7")
    page = door.ask("GET", path).text
    door.submit(path, rhythm="monthly", pause="keep")
    kept = door.lead()["fields"]
    door.submit(path, rhythm="monthly", pause="")

    assert 'value="keep" checked' in page
    assert (kept["mail_rhythm"], kept["mail_paused_until"]) == ("monthly", "2026-03-09T03:00:00+00:00")
    assert door.lead()["fields"]["mail_paused_until"] is None


def test_a_lead_may_ask_for_less(door: Doorstep) -> None:
    door.submit(door.links()["preferences"], rhythm="weekly", pause="")

    assert again(door, MONDAY + timedelta(days=2)) == "the lead asked for less: weekly"
    assert door.engine.tick(MONDAY + timedelta(days=8)).sent == 1


def again(door: Doorstep, now) -> str:
    """Why another message to Ada does not go out at this moment."""
    with door.engine.store.write() as tx:
        tx.run(
            "INSERT INTO touches (enrollment_id, node, n, lead_id, version_id, channel, content, purpose, on_unknown, state,"
            " asked_at, due_at, expires_at) SELECT enrollment_id, node, 1, lead_id, version_id, channel, content, purpose,"
            " on_unknown, 'pending', asked_at, 0, expires_at + 9999999999999 FROM touches"
        )
    door.engine.tick(now)
    touch = next(touch for touch in door.engine.history(ADA)["touches"] if touch["n"] == 1)
    assert touch["state"] == "pending"
    return str(touch["timeline"][-1]["because"])


@pytest.mark.parametrize("wrong", [{"rhythm": "hourly"}, {"pause": "9999"}, {"rhythm": "<script>"}])
def test_a_wish_that_is_not_offered_changes_nothing(door: Doorstep, wrong: dict[str, str]) -> None:
    answer = door.submit(door.links()["preferences"], **wrong)

    assert answer.status_code == 400
    assert "mail_rhythm" not in door.lead()["fields"]


def test_topics_that_are_not_offered_become_no_tags(door: Doorstep) -> None:
    door.submit(door.links()["preferences"], topic=["about:nurture", "vip", "registered"])

    assert door.lead()["tags"] == ["about:nurture"]


def test_without_a_list_of_topics_nobody_is_asked_about_them(door: Doorstep) -> None:
    (door.engine.settings.content / "topics.json").write_text("[not json")

    assert "topic" not in door.ask("GET", door.links()["preferences"]).text.partition("<form")[2]


# -- forms ----------------------------------------------------------------------------------------------------------

ANSWERS = {
    "budget": "now", "team": "Five of us", "people": "5", "topics_liked": ["a", "b"], "call": "yes", "since": "2026-01-31",
    "why": "because\r\nof it",
}  # fmt: skip


def test_answers_become_fields_tags_and_a_signal(door: Doorstep) -> None:
    answer = door.submit(door.links()["form"], **ANSWERS)
    door.after(minutes=1)
    door.engine.tick(door.now)

    assert (answer.status_code, "Thank you!" in answer.text) == (200, True)
    assert {name: door.lead()["fields"].get(name) for name in ANSWERS} == {
        "budget": "now", "team": "Five of us", "people": 5, "topics_liked": "a; b", "call": True, "since": "2026-01-31",
        "why": "because\r\nof it",
    }  # fmt: skip
    assert door.lead()["tags"] == ["answered", "hot", "hot budget"]
    assert door.heard() == [("submitted", "human", "bait")]


def test_pressing_the_button_twice_is_one_answer_and_other_answers_are_another(door: Doorstep) -> None:
    form = door.links()["form"]
    for budget in ("now", "now", "none yet"):
        assert door.submit(form, budget=budget).status_code == 200
        door.now += timedelta(minutes=1)

    assert [kind for kind, _, _ in door.heard()] == ["submitted", "submitted"]
    assert door.lead()["fields"]["budget"] == "none yet"


def test_the_form_shows_what_its_author_wrote_as_text(door: Doorstep) -> None:
    page = door.ask("GET", door.links()["form"])

    assert "Five &lt;b&gt;questions&lt;/b&gt;" in page.text
    assert '<html lang="en">' in page.text
    assert "script-src" not in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "请填写此项"),
        ({"budget": "another"}, "请从选项中选择"),
        ({"budget": ["now", "none yet"]}, "请从选项中选择"),
        ({"budget": "now", "people": "five"}, "请填写数字"),
        ({"budget": "now", "people": "1e9"}, "请填写数字"),
        ({"budget": "now", "since": "31.1.2026"}, "请填写日期"),
        ({"budget": "now", "team": "x" * 501}, "内容太长"),
        ({"budget": "now", "team": "a\0b"}, "无法保存"),
        ({"budget": "now", "call": "perhaps"}, "请从选项中选择"),
    ],
)
def test_what_is_wrong_is_said_at_its_question_and_nothing_is_kept(
    door: Doorstep, given: dict[str, str], says: str
) -> None:
    answer = door.submit(door.links()["form"], **given)

    assert answer.status_code == 422
    assert says in answer.text
    assert door.heard() == []
    assert "budget" not in door.lead()["fields"]


def test_what_a_form_does_not_ask_is_not_changed(door: Doorstep) -> None:
    door.submit(door.links()["form"], budget="now", email="evil@example.com", owner="me", score="99", secret="x")

    assert (door.lead()["email"], door.lead()["owner"], door.lead()["score"]) == ("ada@example.com", None, 0)
    assert "secret" not in door.lead()["fields"]


def test_a_program_that_fills_in_what_nobody_sees_is_thanked_and_not_believed(door: Doorstep) -> None:
    answer = door.submit(door.links()["form"], budget="now", website="https://spam.example")

    assert answer.status_code == 200
    assert door.heard() == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"budget=now", "text/plain", 415),
        (b'{"budget": "now"}', "application/json", 415),
        (b"a=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a=1" for _ in range(600)), "application/x-www-form-urlencoded", 400),
        (b"budget=%ff%fe", "application/x-www-form-urlencoded", 400),
    ],
)
def test_what_no_form_of_ours_sends_is_refused(door: Doorstep, body: bytes, kind: str, status: int) -> None:
    answer = door.ask("POST", door.links()["form"], body=body, headers={"content-type": kind})

    assert answer.status_code == status
    assert door.heard() == []


# -- who may come in ------------------------------------------------------------------------------------------------


def test_a_name_that_is_an_attack_is_a_name(door: Doorstep) -> None:
    """Whatever a lead calls itself stands as text on its pages."""
    with door.engine.store.write() as tx:
        tx.run("UPDATE leads SET email = '<script>alert(1)</script>@example.com'")
    for name in ("unsubscribe", "preferences"):
        text = door.ask("GET", door.links()[name]).text
        assert "<script" not in text


@pytest.mark.parametrize(
    "path", ["/", "/api/campaigns", "/editor/editor.js", "/campaign/hello", "/api/history?lead=ada@example.com"]
)
def test_for_leads_only_there_is_no_canvas(tmp_path: Path, path: str) -> None:
    with doorstep(tmp_path, leads_only=True) as door:
        answer: httpx.Response = door.ask("GET", path, headers={"host": "127.0.0.1"})

        assert answer.status_code == 404
        assert door.ask("GET", door.links()["unsubscribe"]).status_code == 200
