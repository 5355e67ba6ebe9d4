"""What `nurture doctor` asks a database, of every kind."""

from __future__ import annotations

import pytest

from nurture.engine.checkup import checkup
from nurture.settings import Settings
from nurture.store import Store, health
from nurture.testing import moment


def test_a_database_says_of_which_revision_it_is(database_url: str) -> None:
    with Store(database_url) as store:
        store.migrate()

        assert health.up_to_date(health.revision(store))
        with store.read() as tx:
            assert health.overdue(tx, before=0) == []
            assert health.overdue_messages(tx, before=0) == []
            assert (health.sqlite_version(tx) is None) == store.postgresql


def test_an_empty_database_has_no_revision(sqlite_url: str) -> None:
    with Store(sqlite_url) as store:
        assert health.revision(store) is None
        assert not health.up_to_date(None)


def test_looking_for_a_database_makes_none(sqlite_url: str) -> None:
    assert not health.exists(sqlite_url)
    assert not health.exists("sqlite://")


@pytest.mark.parametrize(
    ("version", "has_it"),
    [("3.6.23", False), ("3.7.0", True), ("3.40.1", True), ("3.51.2", True), ("3.51.3", False), ("4.0.0", False)],
)
def test_the_wal_reset_bug_is_in_these_versions(version: str, has_it: bool) -> None:
    assert health.has_wal_reset_bug(version) is has_it


def test_settings_of_the_server_that_are_off_are_named(database_url: str) -> None:
    with Store(database_url) as store, store.write() as tx:
        if store.postgresql:
            tx.run("SET LOCAL enable_sort = off")

        off = health.switched_off(tx, "enable_sort", "transaction_read_only", "server_version")

    assert off == (["enable_sort", "transaction_read_only"] if store.postgresql else [])


def test_a_server_that_keeps_no_promise_is_an_alarm(shared_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(shared_database_url) as store:
        store.migrate()
    monkeypatch.setattr(health, "switched_off", lambda tx, *settings: ["autovacuum", "fsync"])

    found = checkup(Settings(database_url=shared_database_url), now=moment("2 Mar 10:00"))

    said = [(each.state, each.what.split()[0]) for each in found if each.check == "postgresql"]
    assert said == [("warning", "autovacuum"), ("alarm", "fsync")]


def test_a_checkup_finds_an_installation_well(shared_database_url: str) -> None:
    with Store(shared_database_url) as store:
        store.migrate()
    settings = Settings(database_url=shared_database_url)

    findings = {found.check: found.state for found in checkup(settings, now=moment("2 Mar 10:00"))}

    assert findings["database"] == findings["heartbeat"] == findings["conserved"] == "ok"


def test_who_sends_real_mail_is_told_what_the_law_and_the_leads_need() -> None:
    settings = Settings(smtp_url="smtp://127.0.0.1:1", database_url="sqlite://")

    findings = {found.check: found for found in checkup(settings, now=moment("2 Mar 10:00"))}

    assert findings["mail"].state == "alarm"
    assert findings["public address"].hint.startswith("set NURTURE_PUBLIC_URL")
    assert findings["postal address"].hint == "set NURTURE_POSTAL_ADDRESS"
