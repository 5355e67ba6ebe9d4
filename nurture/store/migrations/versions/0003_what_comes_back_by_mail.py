"""What comes back by mail, and the messages it is about.

Revision 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "mailboxes",
        sa.Column("box", sa.Text(), nullable=False, comment="its URL without password"),
        sa.Column("validity", sa.Text(), nullable=False, comment="IMAP's UIDVALIDITY; another one is another box"),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="the last UID that was read"),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("box"),
        comment="Up to where the mailboxes were read to which replies and bounces come.",
    )
    op.create_table(
        "mails",
        sa.Column("key", sa.Text(), nullable=False, comment="hash of its octets: the same mail counts once"),
        sa.Column("box", sa.Text(), nullable=False),
        sa.Column("arrived_at", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False, comment="replied, bounced, automatic, ..., unmatched, forged"),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("lead_id", Id, nullable=True),
        sa.Column("enrollment_id", Id, nullable=True),
        sa.Column("node", sa.Text(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
        sqlite_with_rowid=False,
        comment="What came back by mail, and what became of it.",
    )
    op.create_index(
        "mails_lead",
        "mails",
        ["lead_id"],
        unique=False,
        sqlite_where=sa.text("lead_id IS NOT NULL"),
        postgresql_where=sa.text("lead_id IS NOT NULL"),
    )
    op.create_index(
        "touches_message_id",
        "touches",
        ["message_id"],
        unique=False,
        sqlite_where=sa.text("message_id IS NOT NULL"),
        postgresql_where=sa.text("message_id IS NOT NULL"),
    )
