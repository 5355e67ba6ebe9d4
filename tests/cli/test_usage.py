"""Exit statuses and words where something is wrong: with the command, with the input, with the surroundings."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nurture.cli.app import VERBS
from nurture.cli.failures import KNOWN
from tests.cli.scenes import MONDAY
from tests.ran import Run

ROOT = Path(__file__).resolve().parents[2]

WRONG_USAGE = {
    "a verb that is none": ("tik", "did you mean 'tick'?"),
    "an option that is none": ("tick --nwo 2026-03-02T10:00:00Z", "--now"),
    "a time without a zone": ("tick --now 2026-03-02T10:00:00", "2026-03-02T10:00:00+08:00 is Beijing"),
    "a day without a time": ("status --now 2026-03-02", "does not say in which time zone"),
    "a time that is none": ("tick --now tomorrow", "is not a time"),
    "a time before there were leads": ("tick --now 0001-01-01T00:00:00+14:00", "between"),
    "an until before now": ("tick --now 2026-03-02T10:00:00Z --until 2026-03-01T10:00:00Z", "before now"),
    "a lead that is none": ("history ada", "needs an @"),
    "a lead of a strange kind": ("enroll hello --lead fax:12", "an e-mail address"),
    "an enrollment of nobody": ("enroll hello", "--lead LEAD or --segment JSON"),
    "a segment that is no JSON": ("enroll hello --segment {tags", "not JSON"),
    "a segment that asks for nothing": ('enroll hello --segment {"field":"tags","op":"hsa","value":"x"}', "has_not"),
    "a segment file that is not there": ("enroll hello --segment @nowhere.json", "cannot be read"),
    "a signal of no kind": ("signal", "KIND --lead LEAD"),
    "a signal of a strange kind": ("signal teleported --lead ada@example.com", "nothing that can happen"),
    "a node of no campaign": ("signal viewed --lead ada@example.com --node bait", "--campaign"),
    "one signal and a file": ("signal viewed --file x.csv", "either"),
    "a zone that is none": ("signal --file x.csv --zone Mars/Base", "Asia/Shanghai"),
    "a replay of nobody": ("replay", "--all"),
    "a publish of nothing": ("publish", "FILE"),
    "a map that is none": ("import leads.csv --map email", "FIELD=COLUMN"),
    "a pace of none": ("backfill hello leads.csv --pace 0", "at least one"),
    "a backfill of nobody": ("backfill hello", "FILE"),
    "two pictures": ("render hello --svg --mermaid", "one of them"),
    "a share of more than all": ("simulate hello --rate viewed=1.5", "from 0 to 1"),
    "a rate of a strange kind": ("simulate hello --rate vieved=0.5", "did you mean 'viewed'?"),
    "no leads at all": ("simulate hello --leads 0", "between 1 and"),
    "a web that everybody reaches": ("web --host 0.0.0.0", "reverse proxy"),
    "more words than are wanted": ("tick now", "now"),
}
BAD_INPUT = {
    "a campaign nobody knows": ("status nowhere", "nowhere"),
    "a campaign nobody can pause": ("pause nowhere", "nowhere"),
    "a campaign nobody can draw": ("render helo", "did you mean 'hello'?"),
    "a campaign nobody can enroll into": ("enroll nowhere --lead ada@example.com", "nowhere"),
    "a campaign nobody can replay": ("replay ada@example.com nowhere", "nowhere"),
    "a lead nobody knows": ("history who@example.com", "who@example.com"),
    "a file of leads that is not there": ("import nowhere.csv", "no such file"),
    "a campaign file that is not there": ("publish nowhere.json", "cannot be read"),
    "a campaign nobody can publish": ("publish helo", "did you mean 'hello'?"),
    "a campaign nobody can compare": ("diff nowhere", "never published"),
}
BROKEN_ENVIRONMENT = {
    "a database in a folder that is not there": ("NURTURE_DATABASE_URL", "sqlite:////nowhere/at/all.db"),
    "a database server that does not answer": ("NURTURE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none"),
    "a database of a kind nobody knows": ("NURTURE_DATABASE_URL", "carrier-pigeon://loft"),
    "a database that is no URL": ("NURTURE_DATABASE_URL", "nurture.db"),
    "a mail server that is no URL": ("NURTURE_SMTP_URL", "mail.example.com"),
    "a home that is not there": ("NURTURE_HOME", "nowhere"),
    "a setting that makes no sense": ("NURTURE_QUIET_HOURS", "at night"),
}


@pytest.mark.parametrize(("line", "words"), WRONG_USAGE.values(), ids=WRONG_USAGE.keys())
def test_wrong_usage_is_status_2_and_says_how_it_is_meant(run: Run, home: Path, line: str, words: str) -> None:
    ran = run(*line.split())

    assert ran.status == 2
    assert words in ran.err
    assert ran.out == ""
    assert not (home / "nurture.db").exists(), "nothing was begun"


@pytest.mark.parametrize(("line", "words"), BAD_INPUT.values(), ids=BAD_INPUT.keys())
def test_bad_input_is_status_1_and_told_as_problems(lived: Run, line: str, words: str) -> None:
    ran = lived(*line.split())
    document = lived(*line.split(), "--json").json

    assert ran.status == 1
    assert words in ran.err
    assert ran.out == ""
    assert all(set(one) == {"file", "where", "code", "severity", "what", "hint"} for one in document["problems"])


@pytest.mark.parametrize(("name", "value"), BROKEN_ENVIRONMENT.values(), ids=BROKEN_ENVIRONMENT.keys())
def test_a_broken_environment_is_status_3_with_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    ran = run("tick")

    assert ran.status == 3
    assert ran.err.startswith("nurture: ")
    assert len(ran.err.splitlines()) == 1


def test_a_file_that_is_no_database_is_told_so(run: Run, home: Path) -> None:
    (home / "nurture.db").write_text("this is a letter to my grandmother, and not a database " * 50, encoding="utf-8")

    ran = run("status")

    assert ran.status == 3
    assert "not a database" in ran.err


def test_a_newer_database_is_left_alone(lived: Run, home: Path) -> None:
    from nurture.store import Store

    with Store(f"sqlite:///{home / 'nurture.db'}") as store, store.write() as tx:
        tx.run("UPDATE alembic_version SET version_num = '9999'")

    assert lived("status").status == 3
    assert lived("doctor").status == 1


def test_a_fault_of_our_own_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("half of\nnothing")

    monkeypatch.setattr("nurture.engine.engine.Engine.status", broken)

    ran = run("status")

    assert ran.status == 3
    assert "ZeroDivisionError: half of nothing" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_ctrl_c_is_status_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nurture.engine.engine.Engine.tick", interrupted)

    assert run("tick", "--now", MONDAY).status == 130


@pytest.mark.parametrize("name", KNOWN)
def test_the_exceptions_that_have_words_exist(name: str) -> None:
    module, _, kind = name.rpartition(".")

    assert issubclass(getattr(importlib.import_module(module), kind), Exception)


@pytest.mark.parametrize("verb", [verb for _, verb, place, _ in VERBS if not place.startswith("nurture.demo")])
def test_every_verb_explains_itself(run: Run, verb: str) -> None:
    ran = run(verb, "--help")

    assert ran.status == 0
    assert f"nurture {verb}" in ran.out


# --- as programs of their own ------------------------------------------------------------------------------------


def program(*tokens: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nurture.cli", *tokens],
        capture_output=True,
        text=True,
        encoding="utf-8",
        input=stdin,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        check=False,
    )


def test_help_imports_neither_the_engine_nor_prefect() -> None:
    heavy = ("prefect", "sqlalchemy", "networkx", "fastapi", "jinja2", "nurture.engine", "nurture.store")
    code = (
        "import sys\nfrom nurture.cli import main\nassert main(['--help']) == 0\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )

    assert ran.stderr.strip() == "[]"
    assert all(verb in ran.stdout for _, verb, _, _ in VERBS)


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="needs the processor time of one child")
def test_help_takes_less_than_half_a_second_more_than_python_itself() -> None:
    def seconds(*arguments: str) -> float:
        """Processor time, the least of three: what other programs do meanwhile does not count."""
        spent = []
        for _ in range(3):
            running = subprocess.Popen(
                [sys.executable, *arguments],
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            _, status, used = os.wait4(running.pid, 0)
            running.returncode = os.waitstatus_to_exitcode(status)
            spent.append(used.ru_utime + used.ru_stime)
        return min(spent)

    assert seconds("-m", "nurture.cli", "--help") - seconds("-c", "pass") < 0.5


def test_the_program_prints_one_document_and_exits_with_its_status(home: Path) -> None:
    good, bad, none = program("check", "--json"), program("status", "nowhere", "--json"), program("tik")

    assert (good.returncode, json.loads(good.stdout), good.stderr) == (0, [], "")
    assert (bad.returncode, list(json.loads(bad.stdout))) == (1, ["problems"])
    assert (none.returncode, none.stdout) == (2, "")


def test_a_terminal_without_chinese_ends_no_program(home: Path) -> None:
    program("import", "leads.csv")

    people = program("history", "ada@example.com", PYTHONIOENCODING="ascii")
    machine = program("history", "ada@example.com", "--json", PYTHONIOENCODING="ascii")

    assert (people.returncode, people.stderr) == (0, "")
    assert json.loads(machine.stdout)["lead"]["fields"]["industry"] == "保险"


def test_a_reader_that_leaves_early_is_no_error(home: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "nurture.cli", "schema"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    said = running.stderr.read()
    running.stderr.close()

    assert running.wait(timeout=60) == 0
    assert said == b""


@pytest.mark.parametrize("sink", [">&-", "> /dev/full", "2>&-", "> /dev/full 2>&1", ">&- 2>&-"])
def test_a_tick_whose_output_nobody_takes_still_sends(run: Run, home: Path, sink: str) -> None:
    assert run("backfill", "hello", "leads.csv", "--basis", "registered at the fair", "--now", MONDAY).status == 0

    ran = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m nurture.cli tick --now {MONDAY} {sink}"],
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert len(list((home / "outbox").iterdir())) == 2
    assert "Traceback" not in ran.stderr
