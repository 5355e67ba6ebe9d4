"""Is this the database that we left, and are we whom it knows? Asked when an installation is opened.

A backup that was put back, or a copy, has forgotten what has left since; with another secret, whom not to write to is not
recognised. Neither is a question that a program may answer by itself.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from nurture.settings import Settings
from nurture.store import Store, Tx, beats, installation, suppressions, touches
from nurture.store.beats import GONE_BACK, Beats
from nurture.store.database import from_micros, micros

__all__ = [
    "ClockJumped",
    "OtherSecret",
    "PutBack",
    "enter_by_hand",
    "fingerprint",
    "other_secret",
    "put_back",
    "recognise",
    "refuse_jump",
    "refuse_put_back",
    "secret_of",
    "trust_clock",
]

FINGERPRINT = "secret_fingerprint"


TICKED = "ticked_at"
LONGEST_REST = timedelta(days=40)
"""An installation may be down for a month and go on by itself; after a longer rest a person says that the clock is right."""
NOTED_EVERY = timedelta(hours=1)


class ClockJumped(Exception):
    """The clock is far ahead of the last tick: is it right?"""


class OtherSecret(Exception):
    """This database was written with another NURTURE_SECRET_KEY."""


class PutBack(Exception):
    """This database is a backup that was put back, or a copy."""


def secret_of(settings: Settings, tx: Tx) -> bytes:
    """What signs tokens and hashes addresses."""
    return settings.secret_key.encode() if settings.secret_key else installation.secret(tx)


def fingerprint(secret: bytes) -> str:
    """By which a secret is known again, and from which it cannot be had."""
    return hmac.digest(secret, b"nurture fingerprint", "sha256").hex()[:32]


def recognise(store: Store, settings: Settings) -> None:
    """Compare with what the database knows of its secret and its place, and with the file that remembers how far it was.

    Raises `OtherSecret`. A database that was put back is marked, so that nothing leaves it before a person has looked.
    """
    with store.read() as tx:
        trouble = other_secret(tx, settings)
        mine, known = fingerprint(secret_of(settings, tx)), installation.known(tx, FINGERPRINT)
    if trouble:
        store.close()
        raise OtherSecret(trouble)
    if mine != known:
        with store.write() as tx:
            installation.keep(tx, FINGERPRINT, mine)
    if store.in_memory:
        return
    store.beats = _remembered(store, settings)
    with store.read() as tx:
        found, why = beats.numbers(tx), _why(tx, store.beats)
        placed = beats.placed(tx)
    if why or not placed:
        with store.write() as tx:
            if why:
                beats.mark(tx, why)
            else:
                beats.settle_here(tx)
    if not why:
        # Where the folder cannot be written to, PostgreSQL's own numbers still tell a copy.
        with suppress(OSError):
            store.beats.write(found)


def other_secret(tx: Tx, settings: Settings) -> str:
    """Why this secret is the wrong one; empty where it is right, or where nothing depends on it yet."""
    known = installation.known(tx, FINGERPRINT)
    if known in (None, fingerprint(secret_of(settings, tx))):
        return ""
    if not (suppressions.anything_suppressed(tx) or touches.any_started(tx)):
        return ""
    own = fingerprint(installation.secret(tx)) == known
    hint = "unset it: this database keeps a key of its own" if own else "set the one that was used here before"
    return f"{OtherSecret.__doc__} With this one, nobody who opted out would be recognised: {hint}"


def put_back(store: Store, settings: Settings | None = None) -> str | None:
    """Why nothing may leave this database before a person has looked; None for what is as we left it.

    With `settings`, also where nobody has marked it yet.
    """
    remembered = None if settings is None or store.in_memory else _remembered(store, settings)
    with store.read() as tx:
        return installation.known(tx, GONE_BACK) or ((remembered and _why(tx, remembered)) or None)


def refuse_put_back(store: Store) -> None:
    """Raises `PutBack`."""
    why = put_back(store)
    if why is not None:
        raise PutBack(
            f"this database is a backup that was put back, or a copy: {why}. Messages that left since then would leave"
            " again, so nothing is decided and nothing is sent"
        )


def refuse_jump(store: Store, now: datetime) -> None:
    """For ticks by the clock: one that has leapt ahead would hurry everybody to their end. Raises `ClockJumped`.

    A clock that was put back does no harm: nothing is due twice, and what is due waits until the clock has caught up.
    """
    with store.read() as tx:
        known = installation.known(tx, TICKED)
    before = None if known is None else from_micros(int(known))
    if before is not None and now - before > LONGEST_REST:
        raise ClockJumped(
            f"the clock says {_iso(micros(now))}, and the last tick was at {_iso(micros(before))}: with a wrong clock, every"
            " wait would end at once, so nothing is decided"
        )
    if before is None or abs(now - before) > NOTED_EVERY:
        trust_clock(store, now)


def trust_clock(store: Store, now: datetime) -> None:
    """The clock is right, whatever it was before."""
    with store.write() as tx:
        installation.keep(tx, TICKED, str(micros(now)))


def enter_by_hand(store: Store, since: datetime) -> None:
    """A person says that this is what a snapshot of the whole machine holds: nothing inside can tell."""
    with store.write(durable=True) as tx:
        beats.mark(tx, f"somebody says that what happened since {since.isoformat(timespec='seconds')} is not in it")


def _remembered(store: Store, settings: Settings) -> Beats:
    """Read before the database is: what others count meanwhile is in both, or in the database alone."""
    with store.read() as tx:
        name = beats.name_of(tx)
    if store.postgresql:
        return Beats(settings.home.resolve() / ".nurture-beats", name)
    # Beside the file of SQLite, but not under a name that is removed or put back together with it.
    database = Path(str(store.url.database))
    return Beats(database.with_name(f".{database.stem}-beats"), name)


def _why(tx: Tx, remembered: Beats) -> str:
    """Empty where it is the one that we left."""
    found = beats.numbers(tx)
    if beats.lies_elsewhere(tx):
        return "it does not lie where it was: it was restored, moved or copied"
    if remembered.behind(found):
        end, until = beats.last_beat(tx), remembered.until()
        went_on = f", and this installation went on until {_iso(until)}" if until else ""
        return f"it ends at {_iso(end)}{went_on}" if end else f"nothing had left it{went_on}"
    if not remembered.known and found and not tx.postgresql:
        return f"{remembered.file.name}, which remembers how far it was, is not beside it"
    return ""


def _iso(value: int) -> str:
    return from_micros(value).isoformat(timespec="seconds").replace("+00:00", "Z")
