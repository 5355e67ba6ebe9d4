"""The installation a verb works on: the settings of the environment, and the engine on its database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import ValidationError

from nurture.cli.failures import BrokenEnvironment
from nurture.problems import Problem
from nurture.settings import Settings

if TYPE_CHECKING:
    from nurture.engine import Engine

__all__ = ["mail_is_usable", "opened", "settings"]


def settings() -> Settings:
    """What the environment says. Raises `BrokenEnvironment` with all that is wrong with it."""
    try:
        found = Settings()
    except ValidationError as error:
        raise BrokenEnvironment(
            Problem(
                "", "E_SETTING", f"NURTURE_{str(one['loc'][0]).upper()}: {one['msg'].removeprefix('Value error, ')}"
            )
            for one in error.errors()
        ) from error
    if not found.home.is_dir():
        what = f"NURTURE_HOME: there is no folder {found.home}"
        raise BrokenEnvironment([Problem("", "E_SETTING", what, "make it, or name the one that holds definitions/")])
    return found


@contextmanager
def opened() -> Iterator[Engine]:
    """The engine, closed at the end."""
    from nurture.engine import Engine

    with Engine.open(settings()) as engine:
        yield engine


def mail_is_usable() -> None:
    """Before anything is decided: raises `BrokenEnvironment` where e-mail could not go out as it is configured."""
    from nurture.channels.email import email_channel

    here = settings()
    try:
        email_channel(here.mail, sender=here.sender, sender_name=here.sender_name)
    except ValueError as error:
        what = f"NURTURE_SMTP_URL: {error}"
        raise BrokenEnvironment([Problem("", "E_SETTING", what, "such as smtp://127.0.0.1:2525")]) from error
