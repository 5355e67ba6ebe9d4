"""A mail server on loopback that keeps what it accepts, and misbehaves on request.

It speaks real SMTP, so that what is tried with it is what happens in the field. Its log is the truth about what was
handed over: a line is written *before* the 250 leaves, so a message without a line was never acknowledged.

    catcher = Catcher(faults=[Fault("rcpt", say="450 4.7.1 greylisted")])
    async with catcher:
        ...                               # deliver to catcher.url
    assert len(catcher.messages) == 1

In a process of its own: `python -m nurture.testing.smtp --port 2525 --log mails.jsonl [--faults faults.json]`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import IO, Any, TypeVar, get_args

from nurture.testing.smtp_dialogue import Caught, Dialogue, Fault, Hangup, Heard, Verb

__all__ = ["EXTENSIONS", "Catcher", "Caught", "Fault", "Heard", "Verb", "running"]

EXTENSIONS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "SIZE 33554432")
MOST_BYTES = 40 * 1024 * 1024
MOST_HEARD = 100_000

Server = TypeVar("Server", bound=AbstractAsyncContextManager[Any])


class Catcher:
    """The server. `url` says where it is once it is started."""

    def __init__(
        self,
        *,
        faults: Iterable[Fault] = (),
        log: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        users: Mapping[str, str] | None = None,
        extensions: Iterable[str] = EXTENSIONS,
        on_message: Callable[[Caught], None] | None = None,
        refuse: Callable[[str], str | None] = lambda _: None,
        keep: bool = True,
    ) -> None:
        """`refuse` gives the reply to a recipient that does not exist, None for one that does."""
        self.messages: list[Caught] = []
        """What was accepted, in order; empty with `keep=False`, for long runs that read the log."""
        self.heard: list[Heard] = []
        self.accepted = 0
        self.sessions = 0
        self.port = port
        self._host = host
        self._log_path = log
        self._log: IO[bytes] | None = None
        self._tls = tls
        self._implicit = implicit_tls
        self._users = users
        self._extensions = tuple(extensions)
        self._on_message = on_message
        self._refuse = refuse
        self._keep = keep
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._faults: list[_Turn] = []
        self.misbehave(*faults)

    @property
    def url(self) -> str:
        return f"{'smtps' if self._implicit else 'smtp'}://{self._host}:{self.port}"

    def misbehave(self, *faults: Fault) -> None:
        """From now on these faults, and no others."""
        self._faults = [_Turn(fault) for fault in faults]

    def copies(self, message_id: str) -> int:
        """How often this message was accepted."""
        return sum(message.message_id == message_id for message in self.messages)

    async def __aenter__(self) -> Catcher:
        if self._log_path is not None:
            self._log = self._log_path.open("ab", buffering=0)
        self._server = await asyncio.start_server(
            self._serve, self._host, self.port, ssl=self._tls if self._implicit else None, limit=MOST_BYTES
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Not `wait_closed`: since Python 3.12 it also waits, for ever, for sessions whose TLS handshake failed.
        if self._log is not None:
            self._log.close()

    # -- used by the sessions -----------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.sessions += 1
        try:
            await Dialogue(self, reader, writer, self.sessions, encrypted=self._implicit).run()
        except (Hangup, OSError, EOFError, asyncio.LimitOverrunError, ValueError):
            pass
        except asyncio.CancelledError:
            # Only `__aexit__` cancels; asyncio's own server would log it.
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(OSError, TimeoutError, asyncio.CancelledError):
                # Bounded: since Python 3.12, nobody tells a stream whose STARTTLS was broken off that it is closed.
                async with asyncio.timeout(0.2):
                    await writer.wait_closed()

    def fault(self, verb: Verb) -> Fault | None:
        for turn in self._faults:
            if turn.fault.at == verb and turn.comes():
                return turn.fault
        return None

    def refuses(self, address: str) -> str | None:
        return self._refuse(address)

    def hear(self, heard: Heard) -> None:
        if len(self.heard) < MOST_HEARD:
            self.heard.append(heard)

    def catch(self, caught: Caught) -> None:
        self.accepted += 1
        if self._log is not None:
            line = json.dumps(caught.as_json(), ensure_ascii=False)
            self._log.write(line.encode("utf-8", "backslashreplace") + b"\n")
        if self._keep:
            self.messages.append(caught)
        if self._on_message is not None:
            self._on_message(caught)

    def features(self, *, encrypted: bool) -> list[str]:
        offered = list(self._extensions)
        if self._tls is not None and not encrypted:
            offered.append("STARTTLS")
        if self._users is not None:
            offered.append("AUTH PLAIN LOGIN")
        return offered

    @property
    def tls(self) -> ssl.SSLContext | None:
        return self._tls

    @property
    def users(self) -> Mapping[str, str] | None:
        return self._users


class _Turn:
    """Counts when a fault's turn comes."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self._seen = 0

    def comes(self) -> bool:
        self._seen += 1
        nth = self._seen - self.fault.skip
        return nth > 0 and (self.fault.times is None or nth <= self.fault.times)


# -- running it -----------------------------------------------------------------------------------------------------


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """A server in a thread of its own, for programs that are not asynchronous themselves."""
    started, finished = threading.Event(), threading.Event()
    loop = asyncio.new_event_loop()
    troubles: list[BaseException] = []

    async def serve() -> None:
        try:
            async with server:
                started.set()
                await asyncio.to_thread(finished.wait)
        except BaseException as error:
            troubles.append(error)
            raise
        finally:
            started.set()

    def run() -> None:
        with suppress(OSError):
            loop.run_until_complete(serve())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    thread = threading.Thread(target=run, name="smtp-catcher", daemon=True)
    thread.start()
    started.wait()
    try:
        if troubles:
            raise troubles[0]
        yield server
    finally:
        finished.set()
        thread.join()


def read_faults(text: str) -> list[Fault]:
    """Faults from a JSON list of objects with the fields of `Fault`. Raises `ValueError` with a sentence."""
    known = {field.name for field in fields(Fault)}
    found = []
    for number, entry in enumerate(json.loads(text)):
        if not isinstance(entry, dict) or not set(entry) <= known or entry.get("at") not in get_args(Verb):
            raise ValueError(f"fault {number} is not one: its fields are {', '.join(sorted(known))}")
        found.append(Fault(**entry))
    return found


async def _serve_until_told(catcher: Catcher) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    async with catcher:
        sys.stdout.write(json.dumps({"url": catcher.url, "port": catcher.port}) + "\n")
        sys.stdout.flush()
        await told.wait()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m nurture.testing.smtp", description="A mail server that keeps all.")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one and prints it")
    parser.add_argument("--log", type=Path, help="one line of JSON for every message accepted, appended")
    parser.add_argument("--faults", type=Path, help="a JSON list of what goes wrong, and when")
    given = parser.parse_args(arguments)
    try:
        faults = read_faults(given.faults.read_text("utf-8")) if given.faults else []
        asyncio.run(_serve_until_told(Catcher(faults=faults, log=given.log, port=given.port, keep=False)))
    except (OSError, ValueError, TypeError) as error:
        parser.exit(2, f"{error}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
