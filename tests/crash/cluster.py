"""A PostgreSQL of one's own that may be maltreated: in a temporary folder, on a free port, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Cluster", "cluster"]


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    installed = shutil.which("initdb")
    assert installed, "there is no initdb: install the server package of PostgreSQL"
    return Path(installed).parent


@dataclass(frozen=True)
class Cluster:
    data: Path
    port: int
    owner: str | None
    """The user it runs as; None: ourselves."""

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def do(self, program: str, *arguments: str) -> None:
        log = self.data.parent / "log"
        with log.open("ab") as sink:
            subprocess.run(
                [str(_programs() / program), "-D", str(self.data), *arguments],
                check=True,
                user=self.owner,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                cwd="/",
            )

    def start(self, *options: str) -> None:
        flags = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c shared_buffers=32MB"
        said = " ".join(f"-c {option}" for option in ("max_connections=60", *options))
        self.do(
            "pg_ctl", "-w", "-t", "60", "-l", str(self.data.parent / "server.log"), "-o", f"{flags} {said}", "start"
        )

    def restart(self) -> None:
        """As a power cut would: no goodbye, and recovery from the log at the start."""
        self.do("pg_ctl", "-w", "-t", "60", "-m", "immediate", "-l", str(self.data.parent / "server.log"), "restart")

    def stop(self) -> None:
        self.do("pg_ctl", "-w", "-m", "immediate", "stop")


@contextmanager
def cluster(*options: str) -> Iterator[Cluster]:
    """Running, with these settings (`name=value`) beside the usual ones. PostgreSQL refuses to run as root."""
    owner = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="nurture-pg-", dir="/tmp"))
    try:
        if owner:
            account = pwd.getpwnam(owner)
            os.chown(folder, account.pw_uid, account.pw_gid)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        made = Cluster(folder / "data", port, owner)
        made.do("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        made.start(*options)
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
