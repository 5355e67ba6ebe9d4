"""The heartbeat between looks: how long it goes on, whether it is alive, how it stops, when it calls for help."""

from __future__ import annotations

import logging
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest

from flows import tick as heartbeat
from flows.brake import brake
from flows.fan_out import MOST, helpers_for
from flows.pulse import SILENT, STUCK, Pulse
from flows.tick import OVERLAP, Heart, end_of_turn
from flows.virtual_time import VirtualTime
from nurture.engine import Engine
from nurture.store import database
from tests.engine.house import House
from tests.flows.system import eventually

NOON = datetime(2026, 3, 6, 12, 0, tzinfo=UTC)
ONE = NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    ("now", "scheduled", "end"),
    [
        pytest.param(NOON, NOON, ONE + OVERLAP, id="a run that begins with its hour goes on until the next has begun"),
        pytest.param(
            NOON - timedelta(seconds=9), NOON, ONE + OVERLAP, id="a run that begins early is not an hour short"
        ),
        pytest.param(NOON + timedelta(minutes=40), NOON, ONE + OVERLAP, id="a run that begins late ends with its hour"),
        pytest.param(
            NOON + timedelta(minutes=40), None, ONE + OVERLAP, id="a run without a schedule ends with the hour"
        ),
        pytest.param(ONE, NOON, ONE, id="a run whose hour is over does not begin"),
    ],
)
def test_there_is_always_one_heartbeat_and_rarely_two(now, scheduled, end):
    assert end_of_turn(now, scheduled) == end


def test_a_heart_that_never_beat_is_not_felt(tmp_path):
    assert not Pulse(tmp_path).felt()


def test_a_beat_is_felt_from_elsewhere(tmp_path):
    Pulse(tmp_path).beat()

    assert Pulse(tmp_path).felt()


def beaten_before(home, seconds, process):
    file = home / ".prefect" / "pulse"
    file.parent.mkdir()
    file.write_text(str(process))
    then = file.stat().st_mtime - seconds
    os.utime(file, (then, then))
    return Pulse(home)


def test_a_process_that_is_busy_with_a_backlog_is_alive_without_a_beat(tmp_path):
    assert beaten_before(tmp_path, SILENT + 1, os.getpid()).felt()


def test_a_process_that_hangs_is_given_up(tmp_path):
    assert not beaten_before(tmp_path, STUCK + 1, os.getpid()).felt()


def test_a_process_that_was_killed_is_dead_soon(tmp_path):
    assert not beaten_before(tmp_path, SILENT + 1, 2**30).felt()


def test_a_pulse_that_is_forgotten_is_not_felt(tmp_path):
    pulse = Pulse(tmp_path)
    pulse.beat()

    pulse.forget()

    assert not pulse.felt()


class Ended(Exception):
    """What Prefect's own handler of SIGTERM would raise."""


@pytest.fixture
def ends_by_sigterm():
    def end(*_):
        raise Ended

    before = signal.signal(signal.SIGTERM, end)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("ends_by_sigterm")
def test_a_stop_waits_for_the_end_of_the_batch():
    done = []

    def work():
        with brake() as held:
            signal.raise_signal(signal.SIGTERM)
            done.append("the batch")
            held.check()
            done.append("another batch")

    with pytest.raises(Ended):
        work()

    assert done == ["the batch"]


@pytest.mark.usefixtures("ends_by_sigterm")
def test_a_stop_during_the_last_batch_is_not_forgotten():
    def work():
        with brake():
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Ended):
        work()


@pytest.mark.usefixtures("ends_by_sigterm")
def test_afterwards_a_stop_means_what_it_meant_before():
    with brake():
        pass

    with pytest.raises(Ended):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize(("due", "helpers"), [(0, 0), (19_999, 0), (45_000, 2), (10_000_000, MOST)])
def test_help_is_called_for_large_backlogs_only(due, helpers):
    assert helpers_for(due) == helpers


def test_a_database_that_goes_away_is_waited_for_and_the_heart_goes_on(
    postgres, postgres_url, tmp_path, monkeypatch, caplog
):
    for name in ("LOOK", "PAUSE"):
        monkeypatch.setattr(heartbeat, name, 0.01)
    monkeypatch.setattr(database, "PATIENCE", 0.0)
    monkeypatch.setattr(heartbeat, "get_run_logger", lambda: logging.getLogger("heart"))
    monkeypatch.setattr(heartbeat, "show_campaigns", lambda *_: None)
    monkeypatch.setattr(heartbeat, "briefly", nullcontext)
    monkeypatch.setattr(heartbeat, "work", heartbeat.work.fn)  # no run, no task
    house = House(tmp_path, postgres_url)
    house.campaign({"seen": {"type": "tag", "add": ["seen"], "next": "end"}})
    lead = house.lead()

    def disturb():
        try:
            eventually((tmp_path / ".prefect" / "pulse").exists)
            postgres.admit(postgres_url, False)
            eventually(lambda: "does not answer" in caplog.text)
            postgres.admit(postgres_url, True)
            eventually(lambda: "answers again" in caplog.text)
            house.enter(lead, now=datetime.now(UTC))
            eventually(lambda: house.path(lead) == ["seen: next", "completed"])
        finally:
            monkeypatch.setattr(heartbeat, "clock", lambda: datetime.max.replace(tzinfo=UTC))

    with Engine.open(house.settings) as engine, ThreadPoolExecutor(1) as pool:
        heart = Heart(engine, Pulse(tmp_path), VirtualTime(tmp_path), paused=lambda: None)
        disturbing = pool.submit(disturb)
        # Signals are heard in the main thread alone, so the heart beats here.
        told = heart.beat(datetime.now(UTC) + timedelta(hours=1))
        disturbing.result()
    house.engine.close()

    assert told["ended"] == "the next run takes over"
    assert told["steps"] == 1
    assert [record.levelname for record in caplog.records if record.name == "heart"] == ["ERROR", "WARNING"]
