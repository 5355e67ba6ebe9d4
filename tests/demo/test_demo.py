"""The demo: small here, but whole: real SMTP, weeks of virtual time, proofs from the mail server's own log."""

from __future__ import annotations

import io
import json
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nurture.demo import START, demo
from nurture.demo.behaviour import ask_people, respond
from nurture.demo.checking import prove
from nurture.demo.people import Person, the_crowd
from nurture.demo.playing import Playing
from nurture.demo.staging import fresh, settings_for, supply
from nurture.demo.visiting import Gate
from nurture.engine.engine import Engine
from nurture.problems import Rejected
from nurture.settings import Settings

LEADS = 20
ROOT = Path(__file__).parents[2]


def told(home: Path, leads: int = LEADS) -> str:
    """What it prints with `--json`."""
    out = io.StringIO()
    with redirect_stdout(out):
        demo(leads=leads, home=home, json=True)
    return out.getvalue()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "run"


@pytest.fixture(scope="module")
def document(home: Path) -> Any:
    return json.loads(told(home))


# -- the run --------------------------------------------------------------------------------------------------------


def test_every_lead_comes_out_and_every_proof_holds(document: Any) -> None:
    assert [check for check in document["checks"] if not check["ok"]] == []
    assert len(document["checks"]) == 6
    assert sum(document["ended"].values()) == LEADS
    assert document["weeks"] >= 3


def test_gateways_open_every_mail_of_theirs_and_people_still_count(home: Path, document: Any) -> None:
    settings = settings_for(home, smtp_url="smtp://127.0.0.1:9", wechat_url="http://127.0.0.1:9")
    with Engine.open(settings) as engine, engine.store.read() as tx:
        heard = dict(tx.rows("SELECT confidence, COUNT(*) FROM signals WHERE kind IN ('viewed', 'clicked') GROUP BY 1"))

    assert heard["machine"] > 50
    assert heard["human"] > 20


def test_the_funnel_begins_with_all_and_never_widens_before_people_take_over(document: Any) -> None:
    numbers = [stage["leads"] for stage in document["funnel"][:3]]

    assert numbers[0] == LEADS
    assert numbers == sorted(numbers, reverse=True)


def test_mails_went_over_the_wire(document: Any, home: Path) -> None:
    lines = (home / "mails.jsonl").read_text("utf-8").splitlines()

    assert len(lines) == document["mails"] > LEADS
    assert all(json.loads(line)["from"] == "hello@qinghe.example" for line in lines)
    assert list((home / "mails").glob("*.eml"))


def test_a_story_is_told_from_entry_to_end(document: Any) -> None:
    assert document["stories"]
    for story in document["stories"]:
        assert "Came in from the spring fair" in story["told"][0]
        assert any("Mailed" in line for line in story["told"])


def test_the_pictures_are_drawn_with_counts(document: Any) -> None:
    english, chinese = (Path(name).read_text("utf-8") for name in document["pictures"])

    assert f"{LEADS} entered" in english
    assert f"进入 {LEADS}" in chinese


@pytest.mark.slow
def test_the_same_crowd_goes_the_same_ways_every_time(tmp_path: Path) -> None:
    first, second = (json.loads(told(tmp_path / name, 8)) for name in ("a", "b"))

    assert first["status"] == second["status"]
    assert first["stories"] == second["stories"]


def test_people_see_the_funnel_the_proofs_and_where_to_go_next(home: Path, document: Any) -> None:
    # Shown again from a run of one lead: the text is what is looked at here.
    out = io.StringIO()
    with redirect_stdout(out):
        demo(leads=1, home=home.parent / "shown")

    shown = out.getvalue()
    assert "came in from the fair" in shown
    assert "no message twice" in shown
    assert "nurture web" in shown
    assert f"export NURTURE_HOME={home.parent / 'shown'}" in shown


# -- the proofs -----------------------------------------------------------------------------------------------------


@contextmanager
def after(home: Path, document: Any) -> Iterator[Playing]:
    """The run's books, opened again."""
    settings = settings_for(home, smtp_url="smtp://127.0.0.1:9", wechat_url="http://127.0.0.1:9")
    with Engine.open(settings) as engine:
        people = the_crowd(LEADS, 1)
        playing = Playing(engine, people, home, START, Gate(engine, START), [{}] * document["wechat"])
        playing.now = START + timedelta(weeks=30)
        nodes = engine.ready("welcome", now=playing.now).plan.nodes
        playing.acted = {(person.email, node) for person in people for node in nodes}
        yield playing


def test_a_mail_that_came_twice_would_be_noticed(home: Path, document: Any, tmp_path: Path) -> None:
    log = tmp_path / "mails.jsonl"
    text = (home / "mails.jsonl").read_text("utf-8")
    log.write_text(text + text.splitlines()[0] + "\n", "utf-8")

    with after(home, document) as playing:
        broken = [proof.sentence for proof in prove(playing, log) if not proof.holds]

    assert any("1 of them more than once" in sentence for sentence in broken)
    assert any("in the engine's books" in sentence for sentence in broken)


def test_a_mail_after_an_opt_out_would_be_noticed(home: Path, document: Any) -> None:
    log = home / "mails.jsonl"
    someone = json.loads(log.read_text("utf-8").splitlines()[-1])["to"][0]

    with after(home, document) as playing:
        playing.opted_out[someone] = START
        broken = [proof.sentence for proof in prove(playing, log) if not proof.holds]

    assert len(broken) == 1
    assert "went out after that" in broken[0]


def test_a_lead_that_a_gateway_moved_would_be_noticed(home: Path, document: Any) -> None:
    with after(home, document) as playing:
        playing.acted.clear()
        broken = [proof.sentence for proof in prove(playing, home / "mails.jsonl") if not proof.holds]

    assert len(broken) == 1
    assert "went on by them" in broken[0]


# -- the folder -----------------------------------------------------------------------------------------------------


def test_somebody_elses_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(Rejected, match="not from a demo"):
        demo(leads=1, home=tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_second_run_starts_afresh_and_takes_away_only_what_was_its_own(tmp_path: Path) -> None:
    fresh(tmp_path / "demo")
    (tmp_path / "demo" / "nurture.db").write_text("old")
    (tmp_path / "demo" / "my-notes.txt").write_text("mine")

    fresh(tmp_path / "demo")

    assert not (tmp_path / "demo" / "nurture.db").exists()
    assert (tmp_path / "demo" / "my-notes.txt").read_text() == "mine"
    assert (tmp_path / "demo" / "definitions" / "welcome.json").is_file()


def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plain = settings_for(tmp_path, smtp_url="smtp://a:1", wechat_url="http://b:2")
    for name in Settings.model_fields:
        monkeypatch.setenv(f"NURTURE_{name.upper()}", "7")

    assert settings_for(tmp_path, smtp_url="smtp://a:1", wechat_url="http://b:2") == plain


def test_a_wheel_carries_campaigns_and_contents_where_the_demo_looks_for_them() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    shipped = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]

    assert shipped["definitions"] == "nurture/demo/home/definitions"
    assert shipped["content"] == "nurture/demo/home/content"
    assert (supply() / "definitions" / "welcome.json").is_file()


# -- the people -----------------------------------------------------------------------------------------------------


def test_people_are_all_different_and_nobody_is_real() -> None:
    people = the_crowd(2000, 1)

    assert len({person.email for person in people}) == 2000
    assert all(person.email.endswith(".example") for person in people)
    assert {person.language for person in people} == {"zh", "en"}


def test_the_same_seed_is_the_same_crowd_and_a_larger_crowd_begins_alike() -> None:
    assert the_crowd(50, 1) == the_crowd(60, 1)[:50]
    assert the_crowd(50, 1) != the_crowd(50, 2)


def everybody() -> list[Person]:
    return the_crowd(300, 1)


def test_people_answer_in_order_after_the_mail_and_begin_by_day() -> None:
    arrived = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    for person in everybody():
        does = respond(person, "paper", ("clicked", "replied", "downloaded", "submitted"), arrived)
        times = [answer.at for answer in does]

        assert times == sorted(times)
        assert all(at > arrived for at in times)
        if times:
            assert 8 <= times[0].astimezone(ZoneInfo(person.time_zone)).hour < 22


def test_some_read_some_act_and_a_few_have_enough() -> None:
    arrived = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    kinds = [
        answer.kind
        for person in everybody()
        for answer in respond(person, "paper", ("clicked", "replied", "downloaded"), arrived)
    ]

    assert kinds.count("viewed") > kinds.count("clicked") > kinds.count("unsubscribed") > 0


def test_sdr_accept_return_with_a_reason_or_do_not_look() -> None:
    since = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    answers = [ask_people(person, "to_sdr", "sdr", since) for person in everybody()]
    returned = [answer for answer in answers if answer is not None and answer.kind == "returned"]

    assert None in answers
    assert returned
    assert all(answer.reason for answer in returned)
