"""What every room of tests may use: a database of each kind, and how hard Hypothesis looks."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from zlib import crc32

import hypothesis
import pytest
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from nurture.store.workers import process_birth

ON_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
POSTGRES = os.environ.get("NURTURE_TEST_POSTGRES") or "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
ACCEPTED_SKIPS = ("needs real data",)
"""What CI may skip: the CRM export lies beside the repository, not in it."""

# Set before anything imports Prefect: tests leave no trace in anybody's home, and report to nobody.
_prefect_home = tempfile.TemporaryDirectory(prefix="nurture-tests-", ignore_cleanup_errors=True)
os.environ["PREFECT_HOME"] = _prefect_home.name
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["DO_NOT_TRACK"] = "1"
os.environ["PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"] = "120"

# No deadlines: these machines are noisy, and speed is the business of bench/.
hypothesis.settings.register_profile("default", deadline=None)
# A red run on CI is about the change, not about the seed.
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.register_profile("nightly", deadline=None, max_examples=2_000, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("NURTURE_TEST_PROFILE") or ("ci" if ON_CI else "default"))


# --- databases -------------------------------------------------------------------------------------------------


class Postgres:
    """A server on which each test gets a database of its own, cloned from one that has the tables."""

    def __init__(self, url: str, worker: str) -> None:
        self.url: URL = make_url(url)
        # The host in the name, so that nobody takes a database of another machine's tests for a dead one's.
        self._ours = f"nurture_test_{crc32(socket.gethostname().encode()):08x}_"
        self._names = (f"{self._ours}{os.getpid()}_{worker}_{n}" for n in count())
        self._admin = create_engine(self.url, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 10})
        self._template: str | None = None

    def reachable(self) -> str:
        """Empty when the server answers, else why not."""
        try:
            with self._admin.connect():
                return ""
        except (OperationalError, ImportError) as error:
            return str(error).splitlines()[0]

    def drop_leftovers(self) -> None:
        """Databases of test runs on this host that were killed."""
        with self._admin.connect() as connection:
            names = connection.scalars(text("SELECT datname FROM pg_database")).all()
        for name in names:
            pid = name.removeprefix(self._ours).partition("_")[0]
            if name.startswith(self._ours) and pid.isdigit() and process_birth(int(pid)) is None:
                self.drop(self._url(name))

    def empty(self) -> str:
        """The URL of a new database without tables."""
        name = next(self._names)
        self._run(f'CREATE DATABASE "{name}"')
        return self._url(name)

    def clone(self) -> str:
        """The URL of a new database with the tables of this version."""
        if self._template is None:
            from nurture.store import Store

            url = self.empty()
            with Store(url) as store:
                store.migrate()
            self._template = make_url(url).database
        name = next(self._names)
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}"')
        return self._url(name)

    def end_sessions(self, url: str) -> int:
        """Cut off whoever is in this database, as an operator may; says how many there were."""
        with self._admin.connect() as connection:
            name = {"name": make_url(url).database}
            ended = connection.scalars(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"), name
            )
            return sum(ended)

    def admit(self, url: str, yes: bool) -> None:
        """Let sessions into this database, or nobody, and whoever is in is cut off."""
        self._run(f'ALTER DATABASE "{make_url(url).database}" ALLOW_CONNECTIONS {yes}')
        if not yes:
            self.end_sessions(url)

    def drop(self, url: str) -> None:
        self._run(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def close(self) -> None:
        if self._template is not None:
            self.drop(self._url(self._template))
        self._admin.dispose()

    def _url(self, database: str) -> str:
        return self.url.set(database=database).render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    """The PostgreSQL server; without one the test is skipped, and on CI it fails."""
    server = Postgres(POSTGRES, os.environ.get("PYTEST_XDIST_WORKER", "main"))
    if trouble := server.reachable():
        server.close()
        reason = f"needs PostgreSQL (NURTURE_TEST_POSTGRES): {trouble}"
        if ON_CI:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    server.drop_leftovers()
    yield server
    server.close()


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """A PostgreSQL database of its own, with tables."""
    url = postgres.clone()
    yield url
    postgres.drop(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'nurture.db'}"


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Where `Store(database_url)` finds a database of its own: every test that asks sits the exam three times."""
    if request.param == "memory":
        return "sqlite://"
    fixture = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    return str(request.getfixturevalue(fixture))


@pytest.fixture(params=["sqlite", "postgresql"])
def shared_database_url(request: pytest.FixtureRequest) -> str:
    """Like `database_url`, where several processes have to meet in it."""
    fixture = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    return str(request.getfixturevalue(fixture))


# --- the run as a whole ----------------------------------------------------------------------------------------


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Where the time went, by room; and on CI, what was skipped though it had to run."""
    seconds: dict[str, float] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                parts = report.nodeid.split("/")
                room = "/".join(parts[:2]) if len(parts) > 2 else parts[0]
                seconds[room] = seconds.get(room, 0.0) + report.duration
    if sum(seconds.values()) > 10:
        rooms = sorted(seconds.items(), key=lambda item: -item[1])
        terminalreporter.write_line("seconds: " + ", ".join(f"{room} {spent:.0f}" for room, spent in rooms))
    for report in _skipped_for_lack(terminalreporter) if ON_CI else ():
        terminalreporter.write_line(f"skipped on CI, where everything it needs is installed: {report.nodeid}", red=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if ON_CI and exitstatus == 0 and reporter is not None and _skipped_for_lack(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _skipped_for_lack(reporter: pytest.TerminalReporter) -> list[pytest.TestReport]:
    def reason(report: pytest.TestReport) -> str:
        return report.longrepr[2] if isinstance(report.longrepr, tuple) else ""

    return [
        report
        for report in reporter.stats.get("skipped", [])
        if isinstance(report, pytest.TestReport | pytest.CollectReport)
        and not any(accepted in reason(report) for accepted in ACCEPTED_SKIPS)
    ]
