"""The tables. Times are microseconds since 1970 UTC (`BIGINT`), JSON is compact text: both stores hold the same bytes."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, Table, Text, text

from nurture.snapshot import WANTS_NO_MESSAGES

__all__ = ["OPT_OUTS", "metadata"]

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

tallies = Table(
    "tallies",
    metadata,
    Column("version_id", Id, primary_key=True),
    Column("node", Text, primary_key=True, comment="'' for the version as a whole"),
    Column("what", Text, primary_key=True, comment="entered, here, left, ended"),
    Column("way", Text, primary_key=True, comment="left: the outcome; ended: the reason; else ''"),
    Column("slot", Integer, primary_key=True, comment="so that processes seldom wait for one another"),
    Column("number", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    comment="Running counts, written in the same transaction as what they count.",
)

beats = Table(
    "beats",
    metadata,
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("at", Time, nullable=False, comment="when, by the real clock"),
    comment="How often something irrevocable was written here; a file outside remembers, so that a backup is known.",
)

left_before = Table(
    "left_before",
    metadata,
    Column("message_id", Text, primary_key=True),
    sqlite_with_rowid=False,
    comment="Messages that left before this database was put back, and that it does not know of; not to be sent again.",
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
    Column("erased_at", Time, comment="when everything personal was wiped"),
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
    Column(
        "confidence",
        Text,
        nullable=False,
        server_default="human",
        comment="human, unknown, machine: who did it, as judged",
    ),
    Column("because", Text, comment="why it was judged so"),
)
Index("signals_lead", signals.c.lead_id, signals.c.at)
# Few signals are opt-outs, and those of the last moments are asked for at every tick.
OPT_OUTS = "kind IN ({})".format(", ".join(f"'{kind}'" for kind in sorted(WANTS_NO_MESSAGES)))
Index("signals_opt_outs", signals.c.at, sqlite_where=text(OPT_OUTS), postgresql_where=text(OPT_OUTS))

hits = Table(
    "hits",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("lead_id", Id, nullable=False),
    Column("enrollment_id", Id, nullable=False),
    Column("node", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column(
        "kind", Text, nullable=False, comment="viewed, clicked; trap, page: tell of the visitor, and become no signal"
    ),
    Column("link", Text, nullable=False, comment="which link; empty for the picture"),
    Column("at", Time, nullable=False),
    Column("source", Text, nullable=False, comment="keyed hash of the network address it came from"),
    Column("agent", Text, nullable=False, comment="what the program called itself"),
    Column(
        "judged", Integer, nullable=False, server_default="0", comment="1: has become a signal, or tells of no response"
    ),
    comment="Requests for what mails point to, until it can be said who made them; kept for an hour after that.",
)
Index("hits_judged", hits.c.judged, hits.c.at)
Index("hits_lead", hits.c.lead_id, sqlite_where=text("judged = 0"), postgresql_where=text("judged = 0"))
Index("hits_message", hits.c.enrollment_id, hits.c.at)
Index("hits_source", hits.c.source, hits.c.at)

consents = Table(
    "consents",
    metadata,
    Column("lead_id", Id, primary_key=True),
    Column("at", Time, primary_key=True, comment="when it was said"),
    Column("what", Text, primary_key=True, comment="given, withdrawn, basis (nobody was asked)"),
    Column("source", Text, nullable=False, comment="by which way we know it"),
    Column("basis", Text, comment="legal basis"),
    sqlite_with_rowid=False,
    comment="What people have agreed to, word by word; leads.consent and leads.basis are what counts now.",
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("address_hash", Text, primary_key=True, comment="keyed hash of the normalised address; outlives the lead"),
    Column("kind", Text, primary_key=True, comment="unsubscribed, bounced, complained, ..."),
    Column("at", Time, nullable=False),
    Column("reason", Text),
    sqlite_with_rowid=False,
)

lifted = Table(
    "lifted",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("address_hash", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Time, nullable=False),
    Column("reason", Text),
    Column("lifted_at", Time, nullable=False),
    Column("why", Text, nullable=False),
    Column("actor", Text, nullable=False),
    comment="Suppressions that somebody has taken back, with the reason.",
)
Index("lifted_address", lifted.c.address_hash)

campaign_notes = Table(
    "campaign_notes",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("campaign", Text, nullable=False),
    Column("at", Time, nullable=False),
    Column("what", Text, nullable=False, comment="paused, stopped, resumed, overridden"),
    Column("because", Text, nullable=False),
    Column("actor", Text, comment="a person; NULL: the house itself"),
    comment="What was done to a campaign as a whole, and why.",
)
Index("campaign_notes_campaign", campaign_notes.c.campaign, campaign_notes.c.at)

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

moves = Table(
    "moves",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("campaign", Text, nullable=False),
    Column("version_id", Id, nullable=False),
    Column("choice", Text, nullable=False, comment="move, exit"),
    Column("map", Text, nullable=False, comment="JSON object: node to node"),
    Column("asked_at", Time, nullable=False),
    Column("finished_at", Time),
    Column("counts", Text, nullable=False, server_default="{}", comment="JSON object: moved, removed, kept by reason"),
    comment="What was decided about the leads that ran older versions when one was published.",
)

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
    Column("moved_from", Id, comment="the enrollment, in an older version, that this one goes on with"),
    Column("moved_at", Time),
    Column("placed", Text, comment="of a moved one: the node at which it began; NULL: the start"),
    Column("names", Text, comment="of a moved one, JSON: nodes that are gone to what they are called now"),
)
Index(
    "enrollments_moved",
    enrollments.c.campaign,
    enrollments.c.moved_from,
    sqlite_where=text("moved_from IS NOT NULL"),
    postgresql_where=text("moved_from IS NOT NULL"),
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
Index("enrollments_key", enrollments.c.key)
Index(
    "enrollments_stuck",
    enrollments.c.campaign,
    sqlite_where=text("status = 'stuck'"),
    postgresql_where=text("status = 'stuck'"),
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
Index(
    # A reply or a bounce names the message that it is about.
    "touches_message_id",
    touches.c.message_id,
    sqlite_where=text("message_id IS NOT NULL"),
    postgresql_where=text("message_id IS NOT NULL"),
)

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

paces = Table(
    "paces",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("domain", Text, primary_key=True, comment="of recipients; '' for the channel as a whole"),
    Column("changed_at", Time, nullable=False),
    Column("free_at", Time, nullable=False, server_default="0", comment="up to here the turns are given away"),
    Column("open_at", Time, nullable=False, server_default="0", comment="before this nothing starts"),
    Column("faults", Integer, nullable=False, server_default="0", comment="in a row"),
    Column("rests", Integer, nullable=False, server_default="0", comment="in a row; 0: it does not rest"),
    Column("probing", Integer, nullable=False, server_default="0", comment="1: one message tries whether it is over"),
    Column("since", Time, comment="when the first of these rests began"),
    Column("because", Text),
    Column("queue_to", Time, nullable=False, server_default="0", comment="the last turn promised to one who waits"),
    Column("queue_place", BigInteger, nullable=False, server_default="0", comment="who is last among them"),
    Column("head_to", Time, nullable=False, server_default="0", comment="the last turn promised again"),
    Column("head_place", BigInteger, nullable=False, server_default="0", comment="who is last among those"),
    sqlite_with_rowid=False,
    comment="How fast each channel goes, as a whole and to each domain, and what rests.",
)

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

mailboxes = Table(
    "mailboxes",
    metadata,
    Column("box", Text, primary_key=True, comment="its URL without password"),
    Column("validity", Text, nullable=False, comment="IMAP's UIDVALIDITY; another one is another box"),
    Column("number", BigInteger, nullable=False, comment="the last UID that was read"),
    Column("looked_at", Time, nullable=False),
    comment="Up to where the mailboxes were read to which replies and bounces come.",
)

mails = Table(
    "mails",
    metadata,
    Column("key", Text, primary_key=True, comment="hash of its octets: the same mail counts once"),
    Column("box", Text, nullable=False),
    Column("arrived_at", Time, nullable=False),
    Column("heard_at", Time, nullable=False),
    Column("what", Text, nullable=False, comment="replied, bounced, automatic, ..., unmatched, forged"),
    Column("because", Text, nullable=False),
    Column("lead_id", Id),
    Column("enrollment_id", Id),
    Column("node", Text),
    Column("n", Integer),
    sqlite_with_rowid=False,
    comment="What came back by mail, and what became of it.",
)
_matched = text("lead_id IS NOT NULL")
Index("mails_lead", mails.c.lead_id, sqlite_where=_matched, postgresql_where=_matched)

remarks = Table(
    "remarks",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("lead_id", Id, nullable=False),
    Column("at", Time, nullable=False),
    Column("who", Text, nullable=False, comment="as they call themselves"),
    Column("what", Text, nullable=False, comment="note, tag, untag, score"),
    Column("text", Text, nullable=False),
    Column("external_id", Text, nullable=False, unique=True, comment="the same click counts once"),
    comment="What SDR and sales noted about a lead, and what they changed about it.",
)
Index("remarks_lead", remarks.c.lead_id, remarks.c.at)

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
