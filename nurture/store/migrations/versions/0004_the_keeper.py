"""Running counts of where leads are, how far each database has got, and an index on those who are stuck.

Revision 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

COUNT = "INSERT INTO tallies (version_id, node, what, way, slot, number)"


def upgrade() -> None:
    op.create_table(
        "tallies",
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("node", sa.Text(), nullable=False, comment="'' for the version as a whole"),
        sa.Column("what", sa.Text(), nullable=False, comment="entered, here, left, ended"),
        sa.Column("way", sa.Text(), nullable=False, comment="left: the outcome; ended: the reason; else ''"),
        sa.Column("slot", sa.Integer(), nullable=False, comment="so that processes seldom wait for one another"),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version_id", "node", "what", "way", "slot"),
        comment="Running counts, written in the same transaction as what they count.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "beats",
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="when, by the real clock"),
        sa.PrimaryKeyConstraint("slot"),
        comment="How often something irrevocable was written here; a file outside remembers, so that a backup is known.",
    )
    op.create_index(
        "enrollments_stuck",
        "enrollments",
        ["campaign"],
        unique=False,
        sqlite_where=sa.text("status = 'stuck'"),
        postgresql_where=sa.text("status = 'stuck'"),
    )
    # What is there already is counted once.
    op.execute(f"{COUNT} SELECT version_id, '', 'entered', '', 0, COUNT(*) FROM enrollments GROUP BY version_id")
    op.execute(
        f"{COUNT} SELECT version_id, node, 'here', '', 0, COUNT(*) FROM enrollments WHERE status <> 'ended'"
        " GROUP BY version_id, node"
    )
    op.execute(
        f"{COUNT} SELECT version_id, '', 'ended', COALESCE(reason, ''), 0, COUNT(*) FROM enrollments"
        " WHERE status = 'ended' GROUP BY version_id, COALESCE(reason, '')"
    )
    op.execute(
        f"{COUNT} SELECT e.version_id, s.node, 'left', COALESCE(s.outcome, ''), 0, COUNT(*)"
        " FROM steps s JOIN enrollments e ON e.id = s.enrollment_id"
        " GROUP BY e.version_id, s.node, COALESCE(s.outcome, '')"
    )
