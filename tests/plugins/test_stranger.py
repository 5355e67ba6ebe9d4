"""A node type of somebody we have never heard of: after `pip install`, and nothing else, it is a node type like ours."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.strangers import Environment, wheel

pytestmark = pytest.mark.slow

COOL_DOWN = '''
"""Leave a lead in peace for a while."""

from typing import ClassVar, Literal

from nurture import Go, Node, Score, Settings, Snapshot, Wait, WaitDuration, setting


class Rest(Settings):
    lasts: WaitDuration = setting("3 days", en="How long")
    unless: tuple[str, ...] = setting(("replied",), en="What ends it at once")


class CoolDown(Node):
    """Leave the lead in peace, unless it comes by itself."""

    outcomes: ClassVar[tuple[str, ...]] = ("came", "rested")
    waits: ClassVar[bool] = True

    rest: Rest = setting(Rest(), en="The rest")
    welcome: Literal["warm", "plain"] = setting("plain", en="A warm one counts ten points, a plain one five")

    def decide(self, snapshot: Snapshot) -> Go | Wait:
        over = snapshot.calendar.after(self.rest.lasts, snapshot.entered_at)
        came = snapshot.first_signal(*self.rest.unless, since=snapshot.entered_at, before=over)
        if came is not None:
            return Go("came", (Score(10 if self.welcome == "warm" else 5),), because=f"{came.kind}, unasked")
        if snapshot.now >= over:
            return Go("rested", because=f"nobody came within {self.rest.lasts}")
        return Wait(over, self.rest.unless, because=f"in peace until {snapshot.calendar.say(over)}")
'''
CAMPAIGN: dict[str, Any] = {
    "campaign": "peace",
    "start": "rest",
    "nodes": {
        "rest": {
            "type": "cool_down",
            "rest": {"lasts": "2 days", "unless": ["visited"]},
            "welcome": "warm",
            "next": {"came": "marked", "rested": "end"},
        },
        "marked": {"type": "tag", "add": ["came"], "next": "end"},
    },
}
CONTRACT = """
from acme_nurture import CoolDown
from nurture.testing import check_node_type

check_node_type(CoolDown, {}, {"rest": {"lasts": "2 hours", "unless": ["visited", "clicked"]}, "welcome": "warm"})
"""
EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
MAILS: dict[str, Any] = {
    "campaign": "mails",
    "start": "hello",
    "nodes": {"hello": {"type": "send_content", "content": "hello", "next": "end"}},
}
HELLO = "Subject: Hello\n\nHello. {{ postal_address }} [Unsubscribe]({{ unsubscribe_url }})\n"
SUNDAY, MONDAY = "2026-03-01T09:00:00Z", "2026-03-02T08:30:00Z"
TUESDAY, THURSDAY = "2026-03-03T08:30:00Z", "2026-03-05T09:00:00Z"


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    """The stranger's package."""
    return wheel(
        tmp_path / "acme", "acme-nurture", {"acme_nurture.py": COOL_DOWN}, nodes={"cool_down": "acme_nurture:CoolDown"}
    )


@pytest.fixture
def there(tmp_path: Path) -> Environment:
    """An environment with an installation that has one campaign, and Ada and Bob."""
    home = tmp_path / "home"
    (home / "definitions").mkdir(parents=True)
    (home / "definitions" / "peace.json").write_text(json.dumps(CAMPAIGN))
    (home / "leads.csv").write_text("email,name\nada@example.com,Ada\nbob@example.com,Bob\n")
    return Environment(tmp_path / "environment", NURTURE_HOME=str(home), NURTURE_POSTAL_ADDRESS="1 Example Road")


def enter(there: Environment, home: Path) -> None:
    """Publish, and let Ada and Bob enter on Monday."""
    done = there.nurture("backfill", "peace", home / "leads.csv", "--basis", "contract", "--now", MONDAY, "--json")
    assert done.json["enrolled"] == 2, done.err


def path(there: Environment, lead: str) -> list[str]:
    told = there.nurture("history", lead, "--json").json["enrollments"][0]
    return [f"{step['node']}: {step['outcome']}" for step in told["steps"]]


def test_after_pip_install_alone_leads_walk_through_it(there: Environment, acme: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    campaign = home / "definitions" / "peace.json"
    before = there.nurture("check", campaign, "--json")
    there.install(acme)
    after = there.nurture("check", campaign, "--json")

    assert (before.status, before.json[0]["code"], before.json[0]["where"]) == (1, "E_NODE_TYPE", "/nodes/rest/type")
    assert (after.status, after.json) == (0, [])

    assert there.nurture("publish", campaign, "--now", MONDAY).status == 0
    enter(there, home)
    there.nurture("tick", "--now", MONDAY, "--until", TUESDAY)
    there.nurture("signal", "visited", "--lead", "ada@example.com", "--at", TUESDAY, "--now", TUESDAY)
    ticked = there.nurture("tick", "--now", TUESDAY, "--until", THURSDAY, "--json")

    assert ticked.status == 0
    assert path(there, "ada@example.com") == ["rest: came", "marked: next"]
    assert path(there, "bob@example.com") == ["rest: rested"]
    assert there.nurture("history", "ada@example.com", "--json").json["lead"]["score"] == 10
    assert there.nurture("replay", "--all", "--json").json == {"leads": 2, "equal": 2, "different": []}


def test_the_contract_can_be_checked_where_it_was_installed(there: Environment, acme: Path) -> None:
    there.install(acme)

    checked = there.run("-c", CONTRACT)

    assert checked.status == 0, checked.err


def test_a_problem_in_its_settings_has_its_place_like_any_other(there: Environment, acme: Path, tmp_path: Path) -> None:
    there.install(acme)
    wrong = json.loads(json.dumps(CAMPAIGN))
    wrong["nodes"]["rest"] |= {"rest": {"lasts": "for ever", "unles": []}, "welcome": "cold"}
    campaign = tmp_path / "home" / "definitions" / "peace.json"
    campaign.write_text(json.dumps(wrong))

    found = there.nurture("check", campaign, "--json")

    assert found.status == 1
    assert {problem["where"] for problem in found.json} == {
        "/nodes/rest/rest/lasts",
        "/nodes/rest/rest/unles",
        "/nodes/rest/welcome",
    }


def test_two_packages_that_offer_one_name_are_both_named(there: Environment, acme: Path, tmp_path: Path) -> None:
    other = {"bcme.py": COOL_DOWN}
    there.install(acme, wheel(tmp_path / "bcme", "bcme-nurture", other, nodes={"cool_down": "bcme:CoolDown"}))

    refused = there.nurture("check", "--json")
    examined = there.nurture("doctor", "--json")

    assert refused.status == 3
    assert refused.json["problems"][0]["code"] == "E_PLUGIN"
    assert refused.json["problems"][0]["what"] == (
        "acme-nurture and bcme-nurture both offer the node type 'cool_down'; uninstall one, or ask its author to prefix"
        " the name"
    )
    assert examined.status == 1
    assert examined.json["checks"][0] == {
        "check": "node types",
        "state": "alarm",
        "what": refused.json["problems"][0]["what"],
        "hint": "mend or uninstall that package",
    }


def test_a_package_that_takes_one_of_our_names_is_refused_too(there: Environment, tmp_path: Path) -> None:
    there.install(wheel(tmp_path / "acme", "acme-nurture", {"acme.py": COOL_DOWN}, nodes={"wait": "acme:CoolDown"}))

    refused = there.nurture("publish", tmp_path / "home" / "definitions" / "peace.json")

    assert refused.status == 3
    assert "acme-nurture and nurtureflow both offer the node type 'wait'" in refused.err


@pytest.mark.parametrize(
    ("source", "group", "said"),
    [
        ("import acme_base", "nodes", "acme:Thing cannot be imported: No module named 'acme_base'"),
        ("def (", "nodes", "acme:Thing cannot be imported: invalid syntax"),
        ("raise SystemExit('bye')", "nodes", "acme:Thing cannot be imported: bye"),
        ("Thing = 3", "nodes", "acme:Thing is not a Node class"),
        ("Other = 3", "nodes", "acme:Thing cannot be imported: module 'acme' has no attribute 'Thing'"),
        ("class Thing: pass", "channels", "acme:Thing is not a Channel class"),
    ],
    ids=["lacks what it needs", "is no Python", "leaves", "is no class", "has another name", "is no channel"],
)
def test_a_broken_package_is_named_and_nothing_runs_meanwhile(
    there: Environment, tmp_path: Path, source: str, group: str, said: str
) -> None:
    there.install(wheel(tmp_path / "acme", "acme-nurture", {"acme.py": source}, **{group: {"thing": "acme:Thing"}}))

    refused = there.nurture("check", "--json")

    assert refused.status == 3
    assert refused.json["problems"][0]["code"] == "E_PLUGIN"
    assert refused.json["problems"][0]["what"].startswith(f"acme-nurture: {said}")


def test_leads_whose_package_was_uninstalled_are_stuck_and_go_on_when_it_is_back(
    there: Environment, acme: Path, tmp_path: Path
) -> None:
    there.install(acme)
    enter(there, tmp_path / "home")
    there.nurture("tick", "--now", MONDAY, "--until", MONDAY)
    there.uninstall("acme-nurture")
    there.nurture("signal", "visited", "--lead", "ada@example.com", "--at", TUESDAY, "--now", TUESDAY)

    ticked = there.nurture("tick", "--now", TUESDAY, "--until", THURSDAY, "--json")
    told = there.nurture("history", "ada@example.com", "--json").json["enrollments"][0]
    status = there.nurture("status", "--now", THURSDAY, "--json").json

    assert ticked.status == 0
    assert (told["status"], told["node"], told["steps"]) == ("stuck", "rest", [])
    assert told["because"] == (
        "this version cannot run here: there is no node type 'cool_down'; a package that brings it may not be installed"
    )
    assert (status["campaigns"][0]["stuck"], status["conserved"]) == (2, True)

    again = there.nurture("retry", "--now", THURSDAY, "--json")

    assert (again.status, again.json["retried"], again.json["stuck"]) == (1, 2, 2)

    there.install(acme)
    again = there.nurture("retry", "--cause", "cool_down", "--now", THURSDAY, "--json")
    there.nurture("tick", "--now", THURSDAY, "--until", THURSDAY)

    assert (again.status, again.json["retried"], again.json["stuck"]) == (0, 2, 0)
    assert path(there, "ada@example.com") == ["rest: came", "marked: next"]
    assert path(there, "bob@example.com") == ["rest: rested"]


def test_a_channel_that_was_uninstalled_stops_its_own_messages_and_nobody_elses(
    there: Environment, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    example = shutil.copytree(EXAMPLES / "nurture-call", tmp_path / "nurture-call")
    shutil.copytree(example / "home", home, dirs_exist_ok=True)
    (home / "content" / "hello").mkdir()
    (home / "content" / "hello" / "email.en.md").write_text(HELLO)
    (home / "definitions" / "mails.json").write_text(json.dumps(MAILS))
    (home / "leads.csv").write_text("email,phone\nada@example.com,+8613800000000\n")
    there.install(example)
    there.nurture("backfill", "calls", home / "leads.csv", "--basis", "contract", "--now", SUNDAY)
    there.nurture("tick", "--now", SUNDAY, "--until", SUNDAY)
    there.uninstall("nurture-call")

    there.nurture("enroll", "mails", "--lead", "ada@example.com", "--now", MONDAY)
    ticked = there.nurture("tick", "--now", MONDAY, "--until", MONDAY, "--json")
    told = there.nurture("history", "ada@example.com", "--json").json

    assert (ticked.status, ticked.json["sent"]) == (0, 1), ticked.err
    assert {touch["channel"]: touch["state"] for touch in told["touches"]} == {"call": "pending", "email": "sent"}

    there.install(example)
    ticked = there.nurture("tick", "--now", MONDAY, "--until", TUESDAY, "--json")

    assert ticked.json["sent"] == 1
    assert len(list((home / "calls").glob("*.json"))) == 1
