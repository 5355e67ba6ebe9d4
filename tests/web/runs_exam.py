"""What everybody who carries out runs has to pass: the fake, this process, and Prefect's server."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from nurture.web.runs import Refused, Run, Runs, UnknownRun

__all__ = ["RunsExam"]

_clicks = itertools.count()


def click() -> str:
    return f"click-{next(_clicks)}"


class RunsExam:
    """Inherit it, and give `runs` and `asked`: the values of a dry run by which at least one lead would enter."""

    SECONDS = 30.0

    @pytest.fixture
    def runs(self) -> Runs:
        raise NotImplementedError

    @pytest.fixture
    def asked(self) -> dict[str, Any]:
        raise NotImplementedError

    def end_of(self, runs: Runs, run: Run) -> Run:
        until = time.monotonic() + self.SECONDS
        while run.state in ("waiting", "running"):
            assert time.monotonic() < until, f"it did not end within {self.SECONDS:.0f} s: {run}"
            time.sleep(0.05)
            run = runs.look(run.id)
        return run

    def test_every_field_of_every_form_says_what_it_is_for(self, runs: Runs) -> None:
        forms = runs.forms()

        assert set(forms) == {"run-campaign", "backfill"}
        for form in forms.values():
            assert {"campaign", "dry_run", "now", "until"} <= set(form["properties"])
            assert [name for name, field in form["properties"].items() if not field.get("description")] == []

    def test_a_dry_run_ends_with_its_table(self, runs: Runs, asked: dict[str, Any]) -> None:
        begun = runs.start("run-campaign", asked, click=click())
        run = self.end_of(runs, begun)

        assert (run.id, run.kind, run.campaign, run.dry_run) == (begun.id, "run-campaign", asked["campaign"], True)
        assert (run.state, run.message) == ("done", "")
        assert dict(run.counts)["enrolled"] > 0, run.counts
        assert run.began
        assert run.ended
        assert runs.look(run.id) == run

    def test_a_double_click_begins_once(self, runs: Runs, asked: dict[str, Any]) -> None:
        one = click()
        first = runs.start("run-campaign", asked, click=one)

        assert runs.start("run-campaign", asked, click=one).id == first.id
        self.end_of(runs, first)

    @pytest.mark.parametrize("wrong", [{"limit": -1}, {"limit": "many"}, {"nobody_asks_this": 1}])
    def test_values_that_the_form_does_not_take_begin_nothing(
        self, runs: Runs, asked: dict[str, Any], wrong: dict[str, Any]
    ) -> None:
        before = [run.id for run in runs.latest(asked["campaign"])]

        with pytest.raises(Refused, match=next(iter(wrong))):
            runs.start("run-campaign", {**asked, **wrong}, click=click())
        assert [run.id for run in runs.latest(asked["campaign"])] == before

    def test_what_is_not_offered_is_refused(self, runs: Runs, asked: dict[str, Any]) -> None:
        with pytest.raises(Refused, match="wipe"):
            runs.start("wipe", asked, click=click())

    def test_one_that_cannot_be_done_says_why(self, runs: Runs, asked: dict[str, Any]) -> None:
        run = self.end_of(runs, runs.start("backfill", {**asked, "file": "nobody.csv"}, click=click()))

        assert run.state == "failed"
        assert "there is no file 'nobody.csv'" in run.message

    def test_the_latest_come_first_and_are_of_this_campaign(self, runs: Runs, asked: dict[str, Any]) -> None:
        first = self.end_of(runs, runs.start("run-campaign", asked, click=click()))
        second = self.end_of(runs, runs.start("run-campaign", asked, click=click()))

        assert [run.id for run in runs.latest(asked["campaign"])][:2] == [second.id, first.id]
        assert runs.latest("another") == []

    def test_a_run_that_never_was_is_unknown(self, runs: Runs) -> None:
        with pytest.raises(UnknownRun):
            runs.look("00000000-0000-0000-0000-000000000000")
