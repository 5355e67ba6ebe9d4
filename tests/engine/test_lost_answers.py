"""A database that goes away, before a commit or after it: whoever asked reads again, and nothing is lost or done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from nurture.engine import Engine
from nurture.settings import Settings
from nurture.store import Store, database
from nurture.store.database import gone
from nurture.testing.smtp import Catcher, running
from tests.crash import scene
from tests.crash.at_random import END, START, settle
from tests.crash.town import check_messages, paths

LEADS = 3


class WentAway(Exception):
    """What a driver says when its connection is lost."""

    sqlstate = "57P02"


def lost() -> sa.exc.OperationalError:
    return sa.exc.OperationalError("COMMIT", None, WentAway("terminating connection"), connection_invalidated=True)


class Unreliable:
    """Takes the answer of the nth commit away: `done` says whether it had happened."""

    def __init__(self, *, nth: int, done: bool) -> None:
        self.commits = 0
        self._nth = nth
        self._done = done

    def begin(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write, nth, done = Store.write, self._nth, self._done
        on = self

        @contextmanager
        def unreliable(store: Store, *, durable: bool = False) -> Iterator[Any]:
            nested = store._outer is not None
            with write(store, durable=durable) as tx:
                yield tx
                if not nested:
                    on.commits += 1
                    if on.commits == nth and not done:
                        raise lost()
            if not nested and on.commits == nth:
                raise lost()

        monkeypatch.setattr(Store, "write", unreliable)
        monkeypatch.setattr(database, "ASK_AGAIN", 0.0)


def month(home: Path, before: Callable[[], None] = lambda: None) -> tuple[Any, Any]:
    """(paths, states of touches) of a small town; `before` is called when its people are in and the ticks begin."""
    scene.build(home)
    with running(Catcher()) as catcher:
        values = scene.environment(home, "sqlite://", f"{catcher.url}?sessions=4")
        settings = Settings(
            home=home,
            database_url="sqlite://",
            smtp_url=values["NURTURE_SMTP_URL"],
            sender=values["NURTURE_SENDER"],
            postal_address="1 Main Street",
            batch=4,
        )
        with Engine.open(settings) as engine:
            settle(engine, home, LEADS)
            before()
            engine.tick(START, until=END)
            states = check_messages(engine, catcher, doubts=0)
            return paths(engine), states


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    return month(tmp_path_factory.mktemp("quiet") / "town")


@pytest.mark.slow
@pytest.mark.parametrize("done", [True, False], ids=["after the commit", "before the commit"])
def test_whichever_commit_gets_no_answer_the_month_ends_as_it_would_have(
    quiet: tuple[Any, Any], done: bool, tmp_path: Path
) -> None:
    nth, commits = (1, 4)[done], 5
    while nth <= commits:
        with pytest.MonkeyPatch.context() as patch:
            unreliable = Unreliable(nth=nth, done=done)
            found = month(tmp_path / str(nth), partial(unreliable.begin, patch))
        commits = unreliable.commits

        assert found == quiet, f"without an answer to commit {nth}"
        # Every commit in some minutes; here every seventh, and of the other half other ones.
        nth += 7
    assert commits > 50


@pytest.mark.parametrize(
    ("code", "expected"),
    [("57P01", True), ("08006", True), ("25P03", True), ("53300", True), ("40001", False), ("23505", False)],
)
def test_a_database_that_went_away_is_told_from_one_that_says_no(code: str, expected: bool) -> None:
    error = sa.exc.OperationalError("", None, type("Said", (Exception,), {"sqlstate": code})())

    assert gone(error) is expected


def test_a_pool_that_is_exhausted_is_waited_for(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "ASK_AGAIN", 0.0)
    with Store(postgres_url) as store:
        store.engine.pool._timeout = 0.01  # type: ignore[attr-defined]
        held = [store.engine.connect() for _ in range(15)]

        def ask() -> int:
            try:
                with store.read() as tx:
                    return int(tx.value("SELECT 1"))
            finally:
                if held:
                    held.pop().close()

        assert database.insist(ask) == 1
        for connection in held:
            connection.close()
