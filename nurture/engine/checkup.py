"""Is this installation well? Looks at everything it needs, changes nothing, and hands nothing over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from nurture.channels.addresses import is_loopback
from nurture.content import Catalogue
from nurture.engine.alarms import RESTORE, late, lost
from nurture.engine.plans import Plans
from nurture.engine.publishing import campaign_files, check_files
from nurture.engine.recognising import other_secret, put_back
from nurture.engine.reporting import stuck, survey
from nurture.engine.sending import open_channel, returning
from nurture.mailbox import MailboxDown, open_box
from nurture.mailbox.boxes import Position
from nurture.problems import errors
from nurture.registry import BadPlugin, channel_types, node_types
from nurture.settings import Settings
from nurture.store import Store, campaign_notes, health, paces
from nurture.store.database import from_micros

__all__ = ["Finding", "checkup"]

MOST = 10
"""So many causes, or numbers that do not add up, are told one by one."""
PATIENCE = 10.0
"""Seconds that a peer gets to answer."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    state: Literal["ok", "warning", "alarm"]
    what: str
    hint: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def checkup(settings: Settings, *, now: datetime) -> Iterator[Finding]:
    """All findings, in the order in which one should mend what is broken."""
    plugins = list(_plugins())
    yield from plugins
    yield from _database(settings, now, sound=all(found.state == "ok" for found in plugins))
    yield from _written(settings)
    yield from _mail(settings)
    yield from _mailbox(settings)
    yield from _identity(settings)


def _plugins() -> Iterator[Finding]:
    for what, offered in (("node types", node_types), ("channels", channel_types)):
        try:
            yield Finding(what, "ok", ", ".join(offered()))
        except BadPlugin as error:
            yield Finding(what, "alarm", str(error), "mend or uninstall that package")


def _database(settings: Settings, now: datetime, *, sound: bool) -> Iterator[Finding]:
    try:
        if not health.exists(settings.database):
            yield Finding(
                "database", "warning", "there is none yet", "the first `nurture publish` or `import` makes it"
            )
            return
        with Store(settings.database) as store:
            found = health.revision(store)
            if not health.up_to_date(found):
                what = (
                    "it has no tables"
                    if found is None
                    else f"its tables are of revision {found}, and not of this program"
                )
                hint = "any verb that writes brings older tables up to date; for newer ones, upgrade the program"
                yield Finding("database", "alarm", what, hint)
                return
            yield Finding("database", "ok", "PostgreSQL" if store.postgresql else "SQLite")
            yield from _sqlite(store)
            yield from _postgresql(store)
            yield from _same(store, settings)
            yield from _heartbeat(store, now)
            yield from _complaints(store)
            if sound:
                yield from _numbers(store, now)
    except Exception as error:  # noqa: BLE001  # whatever a driver raises, a doctor tells it and goes on
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        yield Finding("database", "alarm", reason, "is NURTURE_DATABASE_URL right, and the database running?")


def _sqlite(store: Store) -> Iterator[Finding]:
    with store.read() as tx:
        version = health.sqlite_version(tx)
    if version is None:
        return
    if health.has_wal_reset_bug(version):
        what = f"SQLite {version} may, very rarely, lose a commit when two checkpoints meet (fixed in 3.51.3)"
        yield Finding("sqlite", "warning", what, "upgrade SQLite, or let one process write at a time")
    else:
        yield Finding("sqlite", "ok", f"SQLite {version}")


def _postgresql(store: Store) -> Iterator[Finding]:
    """A server that was set up to be fast in tests keeps no promise; one that nobody tidies up grows slower every day."""
    with store.read() as tx:
        off = health.switched_off(tx, "fsync", "full_page_writes", "autovacuum")
    for setting in off:
        if setting == "autovacuum":
            what = "autovacuum is off: nobody tidies up after changed rows, and all becomes slower and larger"
            yield Finding("postgresql", "warning", what, "set autovacuum = on, or run VACUUM ANALYZE every hour")
        else:
            what = f"{setting} is off: a power failure may take back what was committed, and messages go out twice"
            yield Finding("postgresql", "alarm", what, f"set {setting} = on in postgresql.conf")


def _same(store: Store, settings: Settings) -> Iterator[Finding]:
    """Whether it is the database that we left, and whether we are whom it knows."""
    why = put_back(store, settings)
    if why is not None:
        yield Finding("restored", "alarm", f"nothing is sent, a backup was put back, or a copy made: {why}", RESTORE)
    with store.read() as tx:
        trouble = other_secret(tx, settings)
    if trouble:
        yield Finding("secret", "alarm", trouble, "see: Keep the secret key, docs/operations.md")


def _heartbeat(store: Store, now: datetime) -> Iterator[Finding]:
    with store.read() as tx:
        found = late(tx, now=now)
    for alarm in found:
        yield Finding("heartbeat", "alarm", alarm.sentence, alarm.hint)
    yield from _rests(store)
    if not found:
        yield Finding("heartbeat", "ok", "nobody is overdue")


def _rests(store: Store) -> Iterator[Finding]:
    """What is not sent because the other side, or our own standing with it, does not let it."""
    with store.read() as tx:
        rests = paces.resting(tx)
    for rest in rests:
        whole = not rest.domain
        what = f"{rest.channel if whole else rest.domain} rests since {_minute(rest.since)}: {rest.because}"
        hint = f"nothing is lost; one message tries at {_minute(rest.until)}, and all follow when it is taken"
        yield Finding("sending", "alarm" if whole else "warning", what, hint)
    if not rests:
        yield Finding("sending", "ok", "no channel rests")


def _minute(at: int) -> str:
    return from_micros(at).isoformat(timespec="minutes")


def _numbers(store: Store, now: datetime) -> Iterator[Finding]:
    causes = stuck(store)
    for one in causes[:MOST]:
        yield Finding("stuck", "warning", _why_stuck(one), "when it is mended, `nurture retry --cause '...'`")
    if len(causes) > MOST:
        more = sum(one["leads"] for one in causes[MOST:])
        what = f"{more:,} more leads, for {len(causes) - MOST} other causes"
        yield Finding("stuck", "warning", what, "`nurture retry --dry-run` lists them all")
    _, wrong = survey(store, Plans(store), None, now=now)
    with store.read() as tx:
        found = lost(tx, wrong)
    for alarm in found[:MOST]:
        yield Finding("conserved", "alarm", alarm.sentence, alarm.hint)
    if not found:
        yield Finding("conserved", "ok", "whoever entered is somewhere, once")


def _why_stuck(one: Mapping[str, Any]) -> str:
    """Such as `renewal, node until_end: 2 leads are stuck since 2026-03-02, such as ada@example.com: the cause`."""
    number = "1 lead is stuck" if one["leads"] == 1 else f"{one['leads']:,} leads are stuck"
    such = f", such as {one['examples'][0]}" if one["examples"] else ""
    return f"{one['campaign']}, node {one['node']}: {number} since {one['first'][:16]}Z{such}: {one['cause']}"


def _written(settings: Settings) -> Iterator[Finding]:
    if settings.content.is_dir():
        yield Finding("content", "ok", f"{len(Catalogue.load(settings.content).names)} in {settings.content}")
    else:
        yield Finding("content", "warning", f"there is no folder {settings.content}", "is NURTURE_HOME right?")
    files = campaign_files(settings)
    if not files:
        yield Finding("campaigns", "warning", f"there are none in {settings.definitions}", "is NURTURE_HOME right?")
        return
    try:
        wrong = errors(check_files(settings, files))
    except BadPlugin:
        return
    if wrong:
        yield Finding(
            "campaigns", "warning", f"{len(wrong)} problems in {len(files)} campaigns", "`nurture check` lists them"
        )
    else:
        yield Finding("campaigns", "ok", f"{len(files)} in order")


def _mail(settings: Settings) -> Iterator[Finding]:
    try:
        trouble = asyncio.run(_reach(settings))
    except (BadPlugin, LookupError) as error:
        trouble = f"there is no channel for e-mail: {error}"
    except ValueError as error:
        yield Finding("mail", "alarm", f"NURTURE_SMTP_URL: {error}", "such as smtp://127.0.0.1:2525")
        return
    parts = urlsplit(settings.mail)
    where = parts.path if parts.scheme == "file" else f"{parts.hostname}"
    if trouble:
        yield Finding("mail", "alarm", f"{where}: {trouble}", "is NURTURE_SMTP_URL right, and the relay running?")
    elif parts.scheme == "file":
        yield Finding("mail", "ok", f"no relay: each mail becomes a file in {where}")
    else:
        yield Finding("mail", "ok", f"{where} answers")


def _complaints(store: Store) -> Iterator[Finding]:
    with store.read() as tx:
        unsettled = campaign_notes.unsettled(tx)
    for campaign, (what, because) in unsettled.items():
        if what == "warned":
            hint = "it goes on; look at what was sent to whom, and `nurture pause CAMPAIGN` if they are right"
            yield Finding("complaints", "warning", f"{campaign}: {because}", hint)
        else:
            hint = "look at what was sent to whom; `nurture resume CAMPAIGN` lets it go on"
            yield Finding("complaints", "alarm", f"{campaign} was stopped: {because}", hint)
    if not unsettled:
        yield Finding("complaints", "ok", "no campaign was stopped")


def _mailbox(settings: Settings) -> Iterator[Finding]:
    """Where replies and bounces come in."""
    if not settings.mailbox_url:
        if not settings.mail.startswith("file:"):
            what = "replies and bounces are not read, so addresses that do not exist are written to again"
            yield Finding("mailbox", "warning", what, "set NURTURE_MAILBOX_URL")
        return
    try:
        returning(settings, b"doctor")
        box = open_box(settings.mailbox_url)
        try:
            box.fetch(Position(), 1)
        finally:
            box.close()
        yield Finding("mailbox", "ok", f"{box.name} can be read")
    except (ValueError, MailboxDown) as error:
        yield Finding("mailbox", "alarm", str(error), "is NURTURE_MAILBOX_URL right, and the mail server running?")


async def _reach(settings: Settings) -> str:
    channel = open_channel("email", settings, b"doctor")
    try:
        async with asyncio.timeout(PATIENCE):
            return await channel.reach()
    except TimeoutError:
        return f"no answer within {PATIENCE:.0f} s"
    finally:
        await channel.close()


def _identity(settings: Settings) -> Iterator[Finding]:
    """Who we are to leads: the law asks for an address, and links must lead somewhere."""
    real = not settings.mail.startswith("file:")
    if settings.postal_address:
        yield Finding("postal address", "ok", settings.postal_address)
    else:
        what = "marketing mail goes out without the sender's postal address, which the law of many countries asks for"
        # Into files it harms nobody; to real people it does.
        level: Literal["alarm", "warning"] = (
            "alarm" if settings.smtp_url and not settings.smtp_url.startswith("file:") else "warning"
        )
        yield Finding("postal address", level, what, "set NURTURE_POSTAL_ADDRESS")
    if real and _local(settings.public_url):
        what = f"leads cannot reach {settings.public_url}, so they cannot opt out"
        yield Finding("public address", "warning", what, "set NURTURE_PUBLIC_URL to what your reverse proxy answers to")
    else:
        yield Finding("public address", "ok", settings.public_url)
    if settings.secret_key:
        yield Finding("secret", "ok", "NURTURE_SECRET_KEY is set")
    elif real and not _local(settings.public_url):
        what = "the key that signs links is kept in the database, with what it protects"
        yield Finding("secret", "warning", what, "set NURTURE_SECRET_KEY, and keep it: links in mails depend on it")
    else:
        yield Finding("secret", "ok", "one of its own, kept in the database")


def _local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return not host or is_loopback(host)
