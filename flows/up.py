"""The whole system on this machine: `nurture up`, or `python -m flows.up [--port N]`. One Ctrl-C stops all of it."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from types import FrameType

from flows import address
from flows.children import Child, stop_all
from flows.guard import Unguarded, refuse_open_host
from flows.pulse import Pulse, prefect_home
from flows.surroundings import api_url, surroundings, ui_url
from flows.virtual_time import VirtualTime
from nurture.engine.letting_in import campaigns, segments
from nurture.settings import Settings

__all__ = ["main"]

PORT = 4200
START = 90.0
"""Seconds that Prefect gets to answer: the first time, on a slow disk, it makes its database."""
LOOK = 1.0
PATIENCE = 20.0
"""Seconds that a heartbeat gets to begin before another one is asked for; it takes about five."""


class CannotStart(Exception):
    """The system does not come up; the message says why, and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs until Ctrl-C or SIGTERM. Exit status: 0 stopped, 2 wrong usage, 3 the environment is broken."""
    parser = argparse.ArgumentParser(prog="nurture up", description="The whole system on this machine.")
    parser.add_argument("--port", type=int, default=PORT, help=f"of Prefect's pages and API (default {PORT})")
    parser.add_argument(
        "--host", default=os.environ.get("PREFECT_SERVER_API_HOST", "127.0.0.1"), help="default 127.0.0.1"
    )
    parser.add_argument("--no-web", action="store_true", help="without the endpoints and the canvas")
    chosen = parser.parse_args(arguments)
    try:
        refuse_open_host(chosen.host, os.environ.get("PREFECT_SERVER_API_AUTH_STRING"))
        _refuse_taken(chosen.host, chosen.port)
        return Up(Settings(), chosen.host, chosen.port, web=not chosen.no_web).run()
    except (Unguarded, CannotStart) as problem:
        print(problem, file=sys.stderr)
        return 3


class Up:
    """The server, the runner, the endpoints, and the one who watches over them."""

    def __init__(self, settings: Settings, host: str, port: int, *, web: bool) -> None:
        self.home = settings.home.resolve()
        self.host, self.port = host, port
        self.public_url = settings.public_url
        self.prefect = prefect_home(self.home)
        self.pulse = Pulse(self.home)
        self.elsewhen = VirtualTime(self.home)
        self.server = Child("server", "flows.server", logs=self.prefect)
        self.runner = Child("runner", "flows.deployments", logs=self.prefect)
        self.web = Child("web", "nurture.cli", "web", logs=self.prefect) if web else None
        self.refresh = Child("refresh", "flows.deployments", "--refresh", logs=self.prefect)
        self.stopping = False
        self._heartbeat_asked = float("-inf")

    @property
    def children(self) -> list[Child]:
        return [self.server, self.runner, *([self.web] if self.web else [])]

    def run(self) -> int:
        """Start everything, watch over it, and stop it when told to."""
        # Our own process asks Prefect too; its settings are read when it is imported, so they come first.
        os.environ.update(surroundings(os.environ, home=self.prefect, host=self.host, port=self.port))
        os.environ["NURTURE_HOME"] = str(self.home)
        self.prefect.mkdir(parents=True, exist_ok=True)
        self._only_one()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        try:
            self._start()
            if not self.stopping:
                self._say_where()
            self._watch()
        finally:
            self._end()
        return 0

    def _only_one(self) -> None:
        """Two servers must not write one Prefect database. The system frees the lock when we end, however we end."""
        self._lock = (self.prefect / "up.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            raise CannotStart(f"`nurture up` is already running in {self.home}") from problem

    def _start(self) -> None:
        from flows import control

        _say("starting Prefect; the first time it makes its database, which takes some seconds more ...")
        began = datetime.now(UTC)
        self.server.start()
        if self.web:
            self.web.start()
        self._wait_for(self.server, control.healthy, "Prefect's server does not start")
        if self.stopping:
            return
        address.write_down(self.home, api_url(self.host, self.port))
        with suppress(control.NoAnswer):
            control.close_runs(stopped=False)
        self.pulse.forget()
        self.elsewhen.leave()
        self.runner.start()
        self._wait_for(self.runner, lambda: control.deployed_since(began), "the deployments cannot be made")
        self._keep_beating()

    def _wait_for(self, child: Child, ready: Callable[[], bool], trouble: str) -> None:
        until = time.monotonic() + START
        while not self.stopping and not ready():
            if child.ended:
                raise CannotStart(f"{trouble}. Its last words:\n{child.last_words()}")
            if time.monotonic() > until:
                raise CannotStart(f"{trouble} within {START:.0f} s; see {child.log}")
            time.sleep(0.2)

    def _watch(self) -> None:
        """Until we are told to stop: whatever ended is started again, and the forms follow the definitions."""
        offered, elsewhen = self._offer(), False
        while not self.stopping:
            time.sleep(LOOK)
            for child in self.children:
                if child.ended and not child.wait_before_restart:
                    _say(f"the {child.name} ended, starting it again; its log is {child.log}")
                    child.start()
            if self.elsewhen.on != elsewhen:
                elsewhen = not elsewhen
                _say("a run plays in another time: the heartbeat rests" if elsewhen else "the present again")
            if self.server.alive and self.runner.alive:
                self._keep_beating()
                if (offer := self._offer()) != offered and not self.refresh.alive:
                    offered = offer
                    _say("campaigns or segments came or went: the forms follow")
                    self.refresh.start()

    def _keep_beating(self) -> None:
        """Start a heartbeat where none is alive, unless a person paused it."""
        if self.stopping or time.monotonic() - self._heartbeat_asked < PATIENCE or self.pulse.felt():
            return
        from flows import control

        self._heartbeat_asked = time.monotonic()
        try:
            if not control.paused():
                control.start_heartbeat()
        except control.NoAnswer as problem:
            _say(f"no heartbeat yet: {problem}; trying again")

    def _offer(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return campaigns(self.home), tuple(segments(self.home))

    def _say_where(self) -> None:
        pages = ui_url(self.host, self.port)
        _say(f"campaigns, forms and runs   {pages}/v2/deployments")
        if self.web:
            _say(f"canvas and reports          {self.public_url}")
        _say(f"logs                        {self.prefect}")
        _say("Ctrl-C stops everything; leads keep their place")

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        if not self.stopping:
            _say("stopping ...")
        self.stopping = True

    def _end(self) -> None:
        """Stop the runs first, while Prefect can still be told how they ended."""
        workers = [self.runner, self.refresh, *([self.web] if self.web else [])]
        late = stop_all([child for child in workers if child.alive])
        if self.server.alive:
            from flows import control

            with suppress(control.NoAnswer):
                control.close_runs(stopped=True)
        address.forget(self.home)
        late += stop_all([self.server])
        self.pulse.forget()
        _say(f"stopped; {' and '.join(late)} had to be killed" if late else "stopped")


def _refuse_taken(host: str, port: int) -> None:
    """Raise `CannotStart` where somebody else listens already: our server would end, and we would ask the other one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as problem:
            raise CannotStart(
                f"port {port} cannot be used ({problem.strerror}): is another `nurture up` running? Or take --port N"
            ) from problem


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
