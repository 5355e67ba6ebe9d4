"""The demo's folder, its servers, its settings, and where campaigns and contents come from."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nurture.demo.people import Person
from nurture.demo.visiting import HOOK, WECHAT_TOKEN
from nurture.engine.engine import Engine
from nurture.problems import Problem, Rejected
from nurture.settings import Settings
from nurture.testing.smtp import Catcher, Caught, running
from nurture.testing.wechat import WeChatApi

__all__ = ["Servers", "fresh", "on_stage", "settings_for", "supply"]

MARK = ".nurture-demo"
OURS = (
    "content", "definitions", "mails", "notes", "rejects", "leads.csv", "mails.jsonl",
    "nurture.db", "nurture.db-shm", "nurture.db-wal", "welcome.en.svg", "welcome.zh.svg",
)  # fmt: skip


def fresh(home: Path) -> None:
    """An empty demo folder with campaigns and contents in it. A folder that is somebody else's is left alone.

    Raises `Rejected`.
    """
    if home.is_dir() and any(home.iterdir()) and not (home / MARK).is_file():
        what = f"{home} is not empty, and not from a demo"
        raise Rejected([Problem("", "E_HOME", what, "name another folder with --home; it is made when it is missing")])
    home.mkdir(parents=True, exist_ok=True)
    (home / MARK).write_text("made by `nurture demo`, which starts afresh each time\n", "utf-8")
    for name in OURS:
        path = home / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for name in ("definitions", "content"):
        shutil.copytree(supply() / name, home / name)


def supply() -> Path:
    """Where `definitions/` and `content/` are: beside this file when installed, at the top of a checkout otherwise."""
    installed = Path(__file__).parent / "home"
    return installed if installed.is_dir() else Path(__file__).parents[2]


def settings_for(home: Path, *, smtp_url: str, wechat_url: str) -> Settings:
    """Settings that owe nothing to the environment: the demo is the same everywhere, and writes to nobody."""
    defaults = {name: field.get_default() for name, field in Settings.model_fields.items()}
    ours = {
        "home": home,
        "smtp_url": smtp_url,
        "wechat_url": wechat_url,
        "wechat_app_id": "wxdemo",
        "wechat_secret": "demo",
        "wechat_token": WECHAT_TOKEN,
        "hooks": f"site:{HOOK}",
        "tracking": "on",
        "sender": "hello@qinghe.example",
        "sender_name": "青禾营销云",
        "postal_address": "上海市示例路 1 号 · 1 Example Road, Shanghai",
    }
    return Settings(**defaults | ours)


class Servers:
    """A mail server and WeChat's stand-in, both on loopback, that know whom they can reach."""

    def __init__(self, home: Path, people: Sequence[Person]) -> None:
        self.reader: Callable[[Caught], None] = lambda _: None
        """Who is told of each mail."""
        self.log = home / "mails.jsonl"
        self._mailboxes = {person.email for person in people if person.has_mailbox}
        self._followers = {person.wechat for person in people if person.follows}
        self.mail = Catcher(log=self.log, on_message=self._arrived, refuse=self._nobody, keep=False)
        self.wechat = WeChatApi(wrong=self._not_following)

    def _arrived(self, caught: Caught) -> None:
        self.reader(caught)

    def _nobody(self, address: str) -> str | None:
        return None if address in self._mailboxes else "550 5.1.1 nobody of that name here"

    def _not_following(self, order: Mapping[str, Any]) -> int:
        return 0 if order["touser"] in self._followers else 43004


@contextmanager
def on_stage(home: Path, people: Sequence[Person]) -> Iterator[tuple[Engine, Servers]]:
    """The engine and the servers, up and running."""
    servers = Servers(home, people)
    with running(servers.mail), running(servers.wechat):
        settings = settings_for(home, smtp_url=servers.mail.url, wechat_url=servers.wechat.url)
        with Engine.open(settings) as engine:
            yield engine, servers
