"""The first tables.

Revision 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "campaigns",
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column(
            "current",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="the version that new enrollments get",
        ),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "scanned_to",
            sa.BigInteger(),
            nullable=True,
            comment="continuous entry: leads changed up to this number were looked at",
        ),
        sa.Column("scanned_at", sa.BigInteger(), nullable=True, comment="continuous entry: when they were"),
        sa.PrimaryKeyConstraint("campaign"),
    )
    op.create_table(
        "changes",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("number"),
        comment="One row: how many transactions have changed leads, in the order in which they were committed.",
    )
    op.create_table(
        "field_writes",
        sa.Column("lead_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("enrollment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("lead_id", "field"),
        comment="Who wrote a field last: the latest by (time, enrollment) stands, in whatever order they were committed.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "handoffs",
        sa.Column("enrollment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("lead_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("to", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("answer_by", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="open, accepted, returned, lapsed"),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("enrollment_id", "node"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "handoffs_owned",
        "handoffs",
        ["lead_id"],
        unique=False,
        sqlite_where=sa.text("state IN ('open', 'accepted')"),
        postgresql_where=sa.text("state IN ('open', 'accepted')"),
    )
    op.create_table(
        "imports",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="leads, history"),
        sa.Column("campaign", sa.Text(), nullable=True, comment="set when the file was backfilled into one"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=False),
        sa.Column(
            "options", sa.Text(), nullable=False, comment="JSON: mapping and other choices that change the result"
        ),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "line", sa.Integer(), server_default="0", nullable=False, comment="the last line whose rows are committed"
        ),
        sa.Column("counts", sa.Text(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("imports_file", "imports", ["checksum", "kind", "campaign"], unique=False)
    op.create_table(
        "installation",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        comment="What belongs to this database as a whole: its secret.",
    )
    op.create_table(
        "leads",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="hash of the first identity known; never changes"),
        sa.Column("email", sa.Text(), nullable=True, comment="as written"),
        sa.Column("email_key", sa.Text(), nullable=True, comment="normalised"),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("wechat", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("score", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=True, comment="legal basis, as recorded with the import"),
        sa.Column("consent", sa.Text(), nullable=True, comment="yes, no, or NULL for not asked"),
        sa.Column(
            "fields",
            sa.Text(),
            server_default="{}",
            nullable=False,
            comment="JSON object: name, company, ... and all others",
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "change", sa.BigInteger(), server_default="0", nullable=False, comment="the number of its latest change"
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("leads_change", "leads", ["change"], unique=False)
    op.create_index(
        "leads_email_key",
        "leads",
        ["email_key"],
        unique=True,
        sqlite_where=sa.text("email_key IS NOT NULL"),
        postgresql_where=sa.text("email_key IS NOT NULL"),
    )
    op.create_index(
        "leads_external_id",
        "leads",
        ["external_id"],
        unique=True,
        sqlite_where=sa.text("external_id IS NOT NULL"),
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.create_index(
        "leads_phone",
        "leads",
        ["phone"],
        unique=True,
        sqlite_where=sa.text("phone IS NOT NULL"),
        postgresql_where=sa.text("phone IS NOT NULL"),
    )
    op.create_index(
        "leads_wechat",
        "leads",
        ["wechat"],
        unique=True,
        sqlite_where=sa.text("wechat IS NOT NULL"),
        postgresql_where=sa.text("wechat IS NOT NULL"),
    )
    op.create_table(
        "signals",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("lead_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="when it happened"),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=True),
        sa.Column("node", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True, comment="the same id counts once"),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("external_id"),
    )
    op.create_index("signals_lead", "signals", ["lead_id", "at"], unique=False)
    op.create_table(
        "steps",
        sa.Column("enrollment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="the moment it counts from"),
        sa.Column("decided_at", sa.BigInteger(), nullable=False, comment="when it was written down"),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("effects", sa.Text(), nullable=True, comment="JSON list of [kind, {...}]"),
        sa.Column("saw", sa.Text(), nullable=True, comment="JSON: the facts that the decision read"),
        sa.PrimaryKeyConstraint("enrollment_id", "seq"),
        comment="The journal: append-only, written in the same transaction as the enrollment it moves.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "suppressions",
        sa.Column(
            "address_hash", sa.Text(), nullable=False, comment="keyed hash of the normalised address; outlives the lead"
        ),
        sa.Column("kind", sa.Text(), nullable=False, comment="unsubscribed, bounced, complained, ..."),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("address_hash", "kind"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tags",
        sa.Column("lead_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lead_id", "tag"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "touch_notes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("enrollment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False, comment="deferred, held, retried, resent, stuck"),
        sa.Column("because", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="What happened to a touch between asking and verdict, for its timeline.",
    )
    op.create_index("touch_notes_touch", "touch_notes", ["enrollment_id", "node", "n"], unique=False)
    op.create_table(
        "touches",
        sa.Column("enrollment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("on_unknown", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "copies",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="how often it was repeated though it may have left",
        ),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("worker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("address_hash", sa.Text(), nullable=True, comment="to whom it was started"),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True, comment="when its intent was committed"),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("because", sa.Text(), nullable=True),
        sa.Column(
            "past",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="1: sent before this system, known from history",
        ),
        sa.PrimaryKeyConstraint("enrollment_id", "node", "n"),
        comment="The outbox and its verdicts.",
        sqlite_with_rowid=False,
    )
    op.create_index(
        "touches_due",
        "touches",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index("touches_lead", "touches", ["lead_id"], unique=False)
    op.create_index(
        "touches_sending",
        "touches",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("state = 'sending'"),
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_table(
        "versions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False, comment="canonical JSON"),
        sa.Column("contents", sa.Text(), nullable=False, comment="JSON object: content file to text"),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("versions_hash", "versions", ["campaign", "hash"], unique=True)
    op.create_index("versions_number", "versions", ["campaign", "version"], unique=True)
    op.create_table(
        "workers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("born", sa.Text(), nullable=False, comment="start time of the process as its system tells it"),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="Processes that hold leases; the leases of a dead one are void.",
    )
    op.create_table(
        "enrollments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column(
            "key",
            sa.Text(),
            nullable=False,
            comment="hash(campaign, lead, entry): what dice and message ids derive from",
        ),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("lead_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "import_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="the file it came from, if any",
        ),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.Column("begun", sa.Integer(), server_default="0", nullable=False),
        sa.Column("status", sa.Text(), nullable=False, comment="waiting, stuck, ended"),
        sa.Column("reason", sa.Text(), nullable=True, comment="ended: how; stuck: the cause"),
        sa.Column("because", sa.Text(), nullable=True, comment="why it waits, ended or is stuck, in a sentence"),
        sa.Column("due_at", sa.BigInteger(), nullable=True, comment="set while waiting"),
        sa.Column("steps", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "heard",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="wakes so far; a look that missed one is due again",
        ),
        sa.Column(
            "epoch", sa.Integer(), server_default="0", nullable=False, comment="fencing: who claims counts it up"
        ),
        sa.Column("worker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "eligible_at", sa.BigInteger(), nullable=True, comment="from when on the lead may enter again; NULL: never"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["versions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "enrollments_due",
        "enrollments",
        ["campaign", "due_at"],
        unique=False,
        sqlite_where=sa.text("status = 'waiting'"),
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_index(
        "enrollments_eligible",
        "enrollments",
        ["campaign", "eligible_at"],
        unique=False,
        sqlite_where=sa.text("status = 'ended' AND eligible_at IS NOT NULL"),
        postgresql_where=sa.text("status = 'ended' AND eligible_at IS NOT NULL"),
    )
    op.create_index("enrollments_entry", "enrollments", ["lead_id", "campaign", "entry"], unique=True)
    op.create_index(
        "enrollments_one_active",
        "enrollments",
        ["lead_id", "campaign"],
        unique=True,
        sqlite_where=sa.text("status <> 'ended'"),
        postgresql_where=sa.text("status <> 'ended'"),
    )
