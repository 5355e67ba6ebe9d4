"""An installation of its own for each test, and the real command on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nurture.cli import main
from tests.cli.scenes import CAMPAIGN, LEADS, MAIL, MONDAY, REGISTERED, STORIES
from tests.ran import Ran, Run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one campaign, its content, its stories and a leads file; the command finds it."""
    for name, text in {
        "definitions/hello.json": json.dumps(CAMPAIGN),
        "definitions/stories/hello.json": json.dumps(STORIES),
        "content/paper/email.en.md": MAIL,
        "leads.csv": LEADS,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "SMTP_URL", "PUBLIC_URL", "SECRET_KEY"):
        monkeypatch.delenv(f"NURTURE_{name}", raising=False)
    monkeypatch.setenv("NURTURE_HOME", str(tmp_path))
    monkeypatch.setenv("NURTURE_POSTAL_ADDRESS", "1 Example Road")
    return tmp_path


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command as `main` does, in this process."""

    def ran(*tokens: object) -> Ran:
        capsys.readouterr()
        status = main([str(token) for token in tokens])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Ran(status, said.out, said.err)

    return ran


@pytest.fixture
def lived(run: Run) -> Run:
    """The same, after Ada and Bob have entered, and Ada has looked at her mail."""
    assert run("publish", "definitions/hello.json", "--now", MONDAY).status == 0
    assert run("import", "leads.csv", "--basis", "registered at the fair", "--now", MONDAY).status == 0
    assert run("enroll", "hello", "--segment", REGISTERED, "--now", MONDAY).status == 0
    assert run("tick", "--now", MONDAY, "--until", MONDAY).status == 0
    viewed = ("signal", "viewed", "--lead", "ada@example.com", "--campaign", "hello", "--node", "bait")
    assert run(*viewed, "--at", "2026-03-02T04:00:00Z", "--now", "2026-03-02T04:30:00Z").status == 0
    return run
