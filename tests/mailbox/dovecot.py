"""A real IMAP server, of this test alone: Dovecot from Debian's packages, on a port and in a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from pathlib import Path

__all__ = ["Dovecot"]

PASSWORD = "let me in @ home"


class Dovecot:
    """Serves one user's maildir on loopback, until `close`."""

    def __init__(self, folder: Path) -> None:
        self.port = _free_port()
        self.maildir = folder / "mail"
        for name in ("new", "cur", "tmp"):
            (self.maildir / name).mkdir(parents=True)
        me = pwd.getpwuid(os.getuid()).pw_name
        # Dovecot logs people in as users of the system; as root only its own unprivileged ones will do.
        user = "nobody" if me == "root" else me
        known = pwd.getpwnam(user)
        if me == "root":
            for path in (folder, *folder.rglob("*")):
                os.chown(path, known.pw_uid, known.pw_gid)
        folder.chmod(0o755)
        run = folder / "run"
        run.mkdir()
        (folder / "users").write_text(f"reader:{{PLAIN}}{PASSWORD}:{known.pw_uid}:{known.pw_gid}::{folder}::\n")
        (folder / "dovecot.conf").write_text(
            f"""
base_dir = {run}
state_dir = {run}
log_path = {folder / "log"}
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = {"dovecot" if me == "root" else me}
default_login_user = {"dovenull" if me == "root" else me}
default_internal_group = {"dovecot" if me == "root" else _group(known.pw_gid)}
first_valid_uid = 1
mail_location = maildir:{self.maildir}
passdb {{
  driver = passwd-file
  args = {folder / "users"}
}}
userdb {{
  driver = passwd-file
  args = {folder / "users"}
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {self.port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""
        )
        self._folder = folder
        self._owner = known
        self._process = subprocess.Popen(
            ["/usr/sbin/dovecot", "-F", "-c", str(folder / "dovecot.conf")], stderr=subprocess.DEVNULL
        )
        self._wait()

    @staticmethod
    def missing() -> str:
        """Why there is none here; '' where there is."""
        return "" if shutil.which("dovecot", path="/usr/sbin:/usr/bin") else "needs Dovecot (Debian: dovecot-imapd)"

    @property
    def url(self) -> str:
        return f"imap://reader:let%20me%20in%20%40%20home@127.0.0.1:{self.port}/INBOX"

    def deliver(self, raw: bytes, name: str) -> None:
        """Put a mail where a mail system would."""
        path = self.maildir / "tmp" / name
        path.write_bytes(raw)
        if os.getuid() == 0:
            os.chown(path, self._owner.pw_uid, self._owner.pw_gid)
        path.rename(self.maildir / "new" / name)

    def _wait(self) -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                    if connection.recv(100).startswith(b"* OK"):
                        return
            except OSError:
                time.sleep(0.05)
        self.close()
        raise RuntimeError(f"Dovecot did not start: {(self._folder / 'log').read_text()}")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)


def _group(gid: int) -> str:
    import grp

    return grp.getgrgid(gid).gr_name


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
