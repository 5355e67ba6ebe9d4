"""The tables. Times are microseconds since 1970 UTC (`BIGINT`), JSON is compact text: both stores hold the same bytes."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, Table, Text, text

__all__ = ["metadata"]

metadata = MetaData()

# SQLite gives a 64-bit rowid to INTEGER only; PostgreSQL needs BIGINT for the same range.
Id = BigInteger().with_variant(Integer(), "sqlite")
Time = BigInteger

installation = Table(
    "installation",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    comment="What belongs to this database as a whole: its secret.",
)

changes = Table(
    "changes",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    comment="One row: how many transactions have changed leads, in the order in which they were committed.",
)

workers = Table(
    "workers",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("born", Text, nullable=False, comment="start time of the process as its system tells it"),
    Column("seen_at", Time, nullable=False),
    comment="Processes that hold leases; the leases of a dead one are void.",
)

leads = Table(
    "leads",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False, unique=True, comment="hash of the first identity known; never changes"),
    Column("email", Text, comment="as written"),
    Column("email_key", Text, comment="normalised"),
    Column("external_id", Text),
    Column("phone", Text),
    Column("wechat", Text),
    Column("owner", Text),
    Column("score", BigInteger, nullable=False, server_default="0"),
    Column("language", Text),
    Column("time_zone", Text),
    Column("basis", Text, comment="legal basis, as recorded with the import"),
    Column("consent", Text, comment="yes, no, or NULL for not asked"),
    Column(
        "fields", Text, nullable=False, server_default="{}", comment="JSON object: name, company, ... and all others"
    ),
    Column("created_at", Time, nullable=False),
    Column("change", BigInteger, nullable=False, server_default="0", comment="the number of its latest change"),
)
Index("leads_change", leads.c.change)
for _identity in (leads.c.email_key, leads.c.external_id, leads.c.phone, leads.c.wechat):
    # Most leads have one or two identities: the others need no room in an index.
    _known = text(f"{_identity.name} IS NOT NULL")
    Index(f"leads_{_identity.name}", _identity, unique=True, sqlite_where=_known, postgresql_where=_known)

tags = Table(
    "tags",
    metadata,
    Column("lead_id", Id, primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("at", Time, nullable=False),
    sqlite_with_rowid=False,
)

signals = Table(
    "signals",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("lead_id", Id, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Time, nullable=False, comment="when it happened"),
    Column("heard_at", Time, nullable=False),
    Column("campaign", Text),
    Column("node", Text),
    Column("external_id", Text, unique=True, comment="the same id counts once"),
    Column("reason", Text),
)
Index("signals_lead", signals.c.lead_id, signals.c.at)

suppressions = Table(
    "suppressions",
    metadata,
    Column("address_hash", Text, primary_key=True, comment="keyed hash of the normalised address; outlives the lead"),
    Column("kind", Text, primary_key=True, comment="unsubscribed, bounced, complained, ..."),
    Column("at", Time, nullable=False),
    Column("reason", Text),
    sqlite_with_rowid=False,
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("campaign", Text, primary_key=True),
    Column("current", Id, nullable=False, comment="the version that new enrollments get"),
    Column("paused_at", Time),
    Column("scanned_to", BigInteger, comment="continuous entry: leads changed up to this number were looked at"),
    Column("scanned_at", Time, comment="continuous entry: when they were"),
)

versions = Table(
    "versions",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("campaign", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("definition", Text, nullable=False, comment="canonical JSON"),
    Column("contents", Text, nullable=False, comment="JSON object: content file to text"),
    Column("published_at", Time, nullable=False),
)
Index("versions_number", versions.c.campaign, versions.c.version, unique=True)
Index("versions_hash", versions.c.campaign, versions.c.hash, unique=True)

enrollments = Table(
    "enrollments",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False, comment="hash(campaign, lead, entry): what dice and message ids derive from"),
    Column("campaign", Text, nullable=False),
    Column("lead_id", Id, nullable=False),
    Column("entry", Integer, nullable=False),
    Column("version_id", Id, ForeignKey("versions.id"), nullable=False),
    Column("import_id", Id, comment="the file it came from, if any"),
    Column("enrolled_at", Time, nullable=False),
    Column("node", Text, nullable=False),
    Column("entered_at", Time, nullable=False),
    Column("begun", Integer, nullable=False, server_default="0"),
    Column("status", Text, nullable=False, comment="waiting, stuck, ended"),
    Column("reason", Text, comment="ended: how; stuck: the cause"),
    Column("because", Text, comment="why it waits, ended or is stuck, in a sentence"),
    Column("due_at", Time, comment="set while waiting"),
    Column("steps", Integer, nullable=False, server_default="0"),
    Column(
        "heard",
        Integer,
        nullable=False,
        server_default="0",
        comment="wakes so far; a look that missed one is due again",
    ),
    Column("epoch", Integer, nullable=False, server_default="0", comment="fencing: who claims counts it up"),
    Column("worker_id", Id),
    Column("lease_until", Time, nullable=False, server_default="0"),
    Column("ended_at", Time),
    Column("eligible_at", Time, comment="from when on the lead may enter again; NULL: never"),
)
Index(
    "enrollments_due",
    enrollments.c.campaign,
    enrollments.c.due_at,
    sqlite_where=text("status = 'waiting'"),
    postgresql_where=text("status = 'waiting'"),
)
Index(
    "enrollments_eligible",
    enrollments.c.campaign,
    enrollments.c.eligible_at,
    sqlite_where=text("status = 'ended' AND eligible_at IS NOT NULL"),
    postgresql_where=text("status = 'ended' AND eligible_at IS NOT NULL"),
)
Index("enrollments_entry", enrollments.c.lead_id, enrollments.c.campaign, enrollments.c.entry, unique=True)
Index(
    "enrollments_one_active",
    enrollments.c.lead_id,
    enrollments.c.campaign,
    unique=True,
    sqlite_where=text("status <> 'ended'"),
    postgresql_where=text("status <> 'ended'"),
)

steps = Table(
    "steps",
    metadata,
    Column("enrollment_id", Id, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("node", Text, nullable=False),
    Column("entered_at", Time, nullable=False),
    Column("at", Time, nullable=False, comment="the moment it counts from"),
    Column("decided_at", Time, nullable=False, comment="when it was written down"),
    Column("outcome", Text),
    Column("because", Text, nullable=False),
    Column("effects", Text, comment="JSON list of [kind, {...}]"),
    Column("saw", Text, comment="JSON: the facts that the decision read"),
    sqlite_with_rowid=False,
    comment="The journal: append-only, written in the same transaction as the enrollment it moves.",
)

touches = Table(
    "touches",
    metadata,
    Column("enrollment_id", Id, primary_key=True),
    Column("node", Text, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("lead_id", Id, nullable=False),
    Column("version_id", Id, nullable=False),
    Column("channel", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("on_unknown", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked_at", Time, nullable=False),
    Column("due_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column(
        "copies",
        Integer,
        nullable=False,
        server_default="0",
        comment="how often it was repeated though it may have left",
    ),
    Column("epoch", Integer, nullable=False, server_default="0"),
    Column("worker_id", Id),
    Column("lease_until", Time, nullable=False, server_default="0"),
    Column("address_hash", Text, comment="to whom it was started"),
    Column("message_id", Text),
    Column("started_at", Time, comment="when its intent was committed"),
    Column("settled_at", Time),
    Column("because", Text),
    Column(
        "past", Integer, nullable=False, server_default="0", comment="1: sent before this system, known from history"
    ),
    sqlite_with_rowid=False,
    comment="The outbox and its verdicts.",
)
Index(
    "touches_due", touches.c.due_at, sqlite_where=text("state = 'pending'"), postgresql_where=text("state = 'pending'")
)
Index(
    "touches_sending",
    touches.c.lease_until,
    sqlite_where=text("state = 'sending'"),
    postgresql_where=text("state = 'sending'"),
)
Index("touches_lead", touches.c.lead_id)

field_writes = Table(
    "field_writes",
    metadata,
    Column("lead_id", Id, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("at", Time, nullable=False),
    Column("enrollment_id", Id, nullable=False),
    sqlite_with_rowid=False,
    comment="Who wrote a field last: the latest by (time, enrollment) stands, in whatever order they were committed.",
)

touch_notes = Table(
    "touch_notes",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("enrollment_id", Id, nullable=False),
    Column("node", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("at", Time, nullable=False),
    Column("what", Text, nullable=False, comment="deferred, held, retried, resent, stuck"),
    Column("because", Text, nullable=False),
    comment="What happened to a touch between asking and verdict, for its timeline.",
)
Index("touch_notes_touch", touch_notes.c.enrollment_id, touch_notes.c.node, touch_notes.c.n)

handoffs = Table(
    "handoffs",
    metadata,
    Column("enrollment_id", Id, primary_key=True),
    Column("node", Text, primary_key=True),
    Column("lead_id", Id, nullable=False),
    Column("campaign", Text, nullable=False),
    Column("to", Text, nullable=False),
    Column("team", Text),
    Column("opened_at", Time, nullable=False),
    Column("answer_by", Time, nullable=False),
    Column("state", Text, nullable=False, comment="open, accepted, returned, lapsed"),
    Column("answered_at", Time),
    Column("reason", Text),
    sqlite_with_rowid=False,
)
Index(
    "handoffs_owned",
    handoffs.c.lead_id,
    sqlite_where=text("state IN ('open', 'accepted')"),
    postgresql_where=text("state IN ('open', 'accepted')"),
)

imports = Table(
    "imports",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False, comment="leads, history"),
    Column("campaign", Text, comment="set when the file was backfilled into one"),
    Column("name", Text, nullable=False),
    Column("checksum", Text, nullable=False),
    Column("options", Text, nullable=False, comment="JSON: mapping and other choices that change the result"),
    Column("started_at", Time, nullable=False),
    Column("finished_at", Time),
    Column("line", Integer, nullable=False, server_default="0", comment="the last line whose rows are committed"),
    Column("counts", Text, nullable=False, server_default="{}"),
)
Index("imports_file", imports.c.checksum, imports.c.kind, imports.c.campaign)
