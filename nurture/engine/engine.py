"""One open installation: its store, its plans, its channels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from nurture import crashpoints
from nurture.crashpoints import crash_point
from nurture.engine.backfilling import BackfillReport, placer, take_in
from nurture.engine.complaints import release
from nurture.engine.deciding import Decider
from nurture.engine.delivering import Delivered, Delivery
from nurture.engine.enlisting import enlist, free_the_dead, leave
from nurture.engine.enrolling import EnrollReport, Entrance, dialect, enroll, enter_matching, next_entry
from nurture.engine.hearing import HearReport, Incoming, hear, lead_ids
from nurture.engine.judging import House
from nurture.engine.listening import Ear
from nurture.engine.moving import MoveReport, carry_out
from nurture.engine.plans import Plans, Ready
from nurture.engine.preflight import NOTHING, Despite, may_begin
from nurture.engine.publishing import Published, campaign_files, check_files, publish, roll_back
from nurture.engine.recognising import recognise, refuse_jump, refuse_put_back, secret_of
from nurture.engine.replaying import ReplayReport, replay
from nurture.engine.reporting import UnknownLead, history, status
from nurture.engine.sending import message_maker, open_channel
from nurture.engine.stopping import Stop
from nurture.engine.ticking import Ticker, TickReport
from nurture.engine.weighing import weigh
from nurture.identity import LeadRef
from nurture.leads.history import HistoryFile, HistoryOptions
from nurture.leads.importing import ImportReport, import_leads, lead_ids_of
from nurture.leads.reading import LeadFile, LeadOptions
from nurture.moving import KEEP, Running
from nurture.policy import Cap, QuietHours
from nurture.problems import Problem
from nurture.settings import Settings
from nurture.store import Store, touches, versions
from nurture.store import entries as entrances
from nurture.store import reports as reported
from nurture.store.database import micros
from nurture.store.leads import same_file
from nurture.store.segments import segment_sql
from nurture.tokens import Keyring

__all__ = ["Engine", "UnknownCampaign"]

LEASE_LOOK = 0.2
"""Seconds of real time between two looks at whether another worker's lease has run out."""


class UnknownCampaign(Exception):
    """No campaign of this name is published, and no file of this name is in definitions/."""


class Engine:
    """Open with `Engine.open`, close when done. Every verb takes `now`; none reads a clock for a decision."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings = settings
        self.store = store
        self.plans = Plans(store)
        self.stop = Stop()
        self._worker: int | None = None
        self._ear = Ear()

    @classmethod
    def open(cls, settings: Settings | None = None) -> Engine:
        """The installation that the environment describes; its tables are created or brought up to date."""
        settings = settings or Settings()
        if settings.crash:
            crashpoints.arm(settings.crash)
        store = Store(settings.database)
        store.migrate()
        recognise(store, settings)
        return cls(settings, store)

    def close(self) -> None:
        if self._worker is not None:
            leave(self.store, self._worker)
            self._worker = None
        self.store.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def secret(self) -> bytes:
        with self.store.read() as tx:
            return secret_of(self.settings, tx)

    @cached_property
    def keys(self) -> Keyring:
        """What the links in mails are sealed with."""
        return Keyring.parse(self.secret, self.settings.token_keys)

    # Campaigns

    def campaign_files(self) -> list[Path]:
        return campaign_files(self.settings)

    def check(self, files: Iterable[Path] | None = None) -> list[Problem]:
        """All problems of these campaign files; of every campaign when none is named."""
        return check_files(self.settings, campaign_files(self.settings) if files is None else files)

    def publish(self, files: Iterable[Path], *, now: datetime, running: Running = KEEP) -> list[Published]:
        """Store campaigns as versions; what `running` says is done by `move_on` or the next tick. Raises `Rejected`."""
        return publish(self.store, self.settings, files, now=now, running=running)

    def roll_back(self, campaign: str, number: int, *, now: datetime, running: Running = KEEP) -> Published:
        """New enrollments get this older version again. Raises `UnknownVersion`, `Rejected`, `NotRunnable`."""
        return roll_back(self.store, campaign, number, now=now, running=running)

    def move_on(self, campaign: str | None = None, *, now: datetime) -> MoveReport:
        """Go on with plans to move running leads: all that can be moved at this moment."""
        return carry_out(self.store, self.plans, now=now, wall=wall, campaign=campaign)

    def ready(self, campaign: str, *, now: datetime) -> Ready:
        """The version that new enrollments get, published from its file if it never was. Raises `UnknownCampaign`."""
        with self.store.read() as tx:
            version = versions.current(tx, campaign)
        if version is None:
            path = self.settings.definitions / f"{campaign}.json"
            if not path.is_file():
                raise UnknownCampaign(f"there is no campaign '{campaign}', neither published nor in definitions/")
            published = self.publish([path], now=now)
            return self.plans.get(published[0].id)
        return self.plans.get(version.id)

    def campaigns(self) -> list[str]:
        with self.store.read() as tx:
            return [name for name, _, _ in versions.campaigns(tx)]

    def pause(self, campaign: str, *, now: datetime) -> None:
        """No decision and no new intent in this campaign from now on. Raises `UnknownCampaign`."""
        with self.store.write(durable=True) as tx:
            if not versions.pause(tx, campaign, now=micros(now)):
                raise UnknownCampaign(f"there is no campaign '{campaign}'")
            crash_point("pause.committing")
        crash_point("pause.committed")

    def resume(self, campaign: str, *, now: datetime, despite: str = "", actor: str | None = None) -> None:
        """Go on where it was; messages get the time of the pause back. One that complaints have stopped goes on only
        `despite` that, for a reason. Raises `UnknownCampaign`, `Stopped`."""
        with self.store.write(durable=True) as tx:
            release(tx, campaign, despite=despite, actor=actor, now=micros(now))
            if not versions.unpause(tx, campaign, now=micros(now)):
                raise UnknownCampaign(f"there is no campaign '{campaign}'")
            crash_point("pause.committing")
        crash_point("pause.committed")

    # Leads

    def enroll(
        self,
        campaign: str,
        *,
        now: datetime,
        leads: Sequence[LeadRef] | None = None,
        segment: Mapping[str, Any] | None = None,
        limit: int | None = None,
        dry_run: bool = False,
        despite: Despite = NOTHING,
        progress: Callable[[int], None] | None = None,
    ) -> EnrollReport:
        """Enroll the named leads, or those a segment (a condition tree) holds for. Raises `UnknownLead`; `Rejected` where
        the sender is not in order, unless `despite` says why it starts all the same."""
        if not dry_run:
            may_begin(self, campaign, despite, now=now)
        with self.rehearsing(dry_run):
            home = self.settings.jurisdiction
            entrance = Entrance(self.ready(campaign, now=now), self.secret, now, jurisdiction=home)
            if leads is not None:
                with self.store.read() as tx:
                    found = lead_ids(tx, leads)
                missing = [str(lead) for lead in leads if lead not in found]
                if missing:
                    raise UnknownLead(f"there is no lead {', '.join(missing[:5])}")
                ids: Iterable[int] = sorted(found.values())
            else:
                ids = self.segment(segment, now=now)
            return enroll(self.store, entrance, ids, limit=limit, progress=progress)

    def import_leads(
        self,
        path: Path,
        options: LeadOptions | None = None,
        *,
        now: datetime,
        dry_run: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> ImportReport:
        """Leads from a file. `progress` hears bytes read and bytes in all. Raises `Rejected` for the file as a whole."""
        with self.rehearsing(dry_run) as rejects:
            report = import_leads(
                self.store, path, options, secret=self.secret, rejects=rejects, now=now, progress=progress
            )
            if dry_run:
                report.rejects_file = None
            return report

    def backfill(
        self,
        campaign: str,
        path: Path | None,
        *,
        now: datetime,
        options: LeadOptions | None = None,
        segment: Mapping[str, Any] | None = None,
        history: Path | None = None,
        history_map: Mapping[str, str] | None = None,
        pace: int | None = None,
        dry_run: bool = False,
        despite: Despite = NOTHING,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> BackfillReport:
        """Leads of a file, or of a segment, into a campaign, each where its own past implies; nothing for the past.

        The same file into the same campaign never enrolls twice. `progress` hears what is done, how much of how much.
        Raises `UnknownCampaign`, `Rejected`.
        """
        if not dry_run:
            may_begin(self, campaign, despite, now=now)
        with self.rehearsing(dry_run) as rejects:
            ready = self.ready(campaign, now=now)

            def told(what: str) -> Callable[[int, int], None] | None:
                return None if progress is None else lambda done, of: progress(what, done, of)

            imported, import_ids, same = None, None, frozenset[int]()
            ids: Iterable[int] = ()
            if path is not None:
                imported = import_leads(
                    self.store,
                    path,
                    options,
                    secret=self.secret,
                    rejects=rejects,
                    now=now,
                    campaign=campaign,
                    progress=told("import"),
                )
                with self.store.read() as tx:
                    same = same_file(tx, imported.source.checksum)
                crash_point("backfill.imported")
                import_ids = imported.id
                ids = lead_ids_of(self.store, LeadFile(path, options))
            elif segment is not None:
                ids = self.segment(segment, now=now)
            past, place = None, None
            if history is not None:
                file = HistoryFile(
                    history, HistoryOptions(map=history_map or {}, zone=ZoneInfo(ready.plan.definition.time_zone))
                )
                past, pasts = take_in(
                    self.store,
                    self.secret,
                    ready,
                    file,
                    now=now,
                    rejects=rejects / f"{history.stem}-{file.source.checksum[:12]}.csv",
                    progress=None if progress is None else lambda n: progress("history", n, 0),
                )
                place = placer(ready, pasts, now=now)
            home = self.settings.jurisdiction
            entrance = Entrance(ready, self.secret, now, import_ids, same, pace, home, place)
            enrolled = enroll(
                self.store, entrance, ids, progress=None if progress is None else lambda n: progress("enroll", n, 0)
            )
            for part in (imported, past) if dry_run else ():
                if part is not None:
                    part.rejects_file = None
        return BackfillReport(imported, past, enrolled)

    @contextmanager
    def rehearsing(self, dry_run: bool) -> Iterator[Path]:
        """With `dry_run`, everything is done and then taken back. Gives the folder for rejects."""
        if not dry_run:
            yield self.settings.rejects
            return
        plans, self.plans = self.plans, Plans(self.store)
        try:
            with TemporaryDirectory(prefix="nurture-") as folder, self.store.rehearse():
                yield Path(folder)
        finally:
            self.plans = plans

    def segment(self, tree: Mapping[str, Any] | None, *, now: datetime) -> Iterator[int]:
        """Lead ids of a segment, in order, read some thousand at a time; None: all leads."""
        after = 0
        while True:
            with self.store.read() as tx:
                condition = None if tree is None else segment_sql(tree, dialect(tx), now)
                found = entrances.lead_ids_matching(tx, condition, after=after, limit=5000)
            yield from found
            if not found:
                return
            after = found[-1]

    def hear(self, signals: Iterable[Incoming], *, now: datetime) -> HearReport:
        """Something happened on the leads' side; durable when this returns."""
        return hear(self.store, self.secret, signals, now=now)

    def retry(self, *, now: datetime, cause: str | None = None) -> int:
        """Stuck leads are due again; says how many."""
        with self.store.write() as tx:
            return reported.retry(tx, cause, now=micros(now))

    def decide(self, now: datetime) -> int:
        """Decide what is due in campaigns that are not paused, and deliver nothing; says how many steps that were."""
        weigh(self.store, now=now)
        with self.store.read() as tx:
            running = [name for name, _, paused in versions.campaigns(tx) if paused is None]
        return self._decider().run(running, now).steps

    def tick(
        self,
        now: datetime,
        *,
        until: datetime | None = None,
        live: bool = False,
        progress: Callable[[TickReport], None] | None = None,
    ) -> TickReport:
        """Decide and deliver all that is due at `now`; with `until`, in virtual time up to there.

        `live`: `now` was read off the clock just now, and time goes on while we work; else it stands still.
        Raises `PutBack`, `ClockJumped`.
        """
        refuse_put_back(self.store)
        began = time.monotonic()
        running = live and until is None
        if running:
            refuse_jump(self.store, now)
        if running:
            self._ear.listen_now_and_then(self, now)

        def elapsed() -> timedelta:
            return timedelta(seconds=time.monotonic() - began) if running else timedelta()

        ticker = Ticker(
            self.store,
            self._decider(),
            lambda moment: self._deliver(moment, elapsed, live=running),
            lambda moment: enter_matching(
                self.store, self.plans, self.secret, now=moment, jurisdiction=self.settings.jurisdiction
            ),
            lambda moment: weigh(self.store, now=moment),
            lambda moment: self.move_on(now=moment).left,
            elapsed,
            lambda moment: next_entry(self.store, self.plans, after=moment),
            self._wait_for_leases,
        )
        return ticker.tick(now, until=until, progress=progress)

    def _decider(self) -> Decider:
        return Decider(
            self.store,
            self.plans,
            worker=self.worker,
            wall=wall,
            lease=self.settings.lease_seconds * 1_000_000,
            batch=self.settings.batch,
            stop=self.stop,
        )

    def _deliver(self, now: datetime, elapsed: Callable[[], timedelta], *, live: bool = False) -> Delivered:
        with self.store.read() as tx:
            if not touches.any_due(tx, now=micros(now)):
                return Delivered()
        began = elapsed()
        return Delivery(
            self.store,
            self.plans,
            self._house,
            worker=self.worker,
            wall=wall,
            lease=self.settings.lease_seconds * 1_000_000,
            elapsed=lambda: elapsed() - began,
            live=live,
            stop=self.stop,
        ).run(now)

    @cached_property
    def _house(self) -> House:
        return House(
            secret=self.secret,
            channel=lambda name: open_channel(name, self.settings, self.secret),
            message=message_maker(self.settings, self.secret),
            cap=Cap.parse(self.settings.frequency_cap),
            quiet=QuietHours.parse(self.settings.quiet_hours),
            jurisdiction=self.settings.jurisdiction,
        )

    def _wait_for_leases(self) -> None:
        free_the_dead(self.store)
        time.sleep(LEASE_LOOK)  # noqa: TID251  # a lease runs in real time

    @property
    def worker(self) -> int:
        """This process among those that hold leases."""
        if self._worker is None:
            self._worker = enlist(self.store, wall=wall())
        return self._worker

    # Telling

    def status(self, campaign: str | None = None, *, now: datetime, quick: bool = False) -> dict[str, Any]:
        """Where all leads are, and whether the numbers add up; `quick`: by the running counts. Raises `UnknownCampaign`."""
        told = status(self.store, self.plans, campaign, now=now, quick=quick)
        if campaign is not None and not told["campaigns"]:
            raise UnknownCampaign(f"there is no campaign '{campaign}'")
        return told

    def history(self, lead: LeadRef) -> dict[str, Any]:
        """One lead, with every step, touch and signal. Raises `UnknownLead`."""
        return history(self.store, lead)

    def replay(self, lead: LeadRef | None = None, campaign: str | None = None) -> ReplayReport:
        """Decide again from the journal and compare. Raises `UnknownLead`."""
        if lead is None:
            return replay(self.store, self.plans, campaign=campaign)
        with self.store.read() as tx:
            lead_id = lead_ids(tx, [lead]).get(lead)
        if lead_id is None:
            raise UnknownLead(f"there is no lead {lead}")
        return replay(self.store, self.plans, lead_id=lead_id, campaign=campaign)


def wall() -> int:
    """Real time in microseconds, for leases: they must run out even while virtual time stands still."""
    return time.time_ns() // 1000
