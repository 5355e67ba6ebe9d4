"""What a person may ask: records of consent, suppressions taken back, erasure; and notes on campaigns.

Revision 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "leads", sa.Column("erased_at", sa.BigInteger(), nullable=True, comment="when everything personal was wiped")
    )
    op.create_table(
        "consents",
        sa.Column("lead_id", Id, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="when it was said"),
        sa.Column("what", sa.Text(), nullable=False, comment="given, withdrawn, basis (nobody was asked)"),
        sa.Column("source", sa.Text(), nullable=False, comment="by which way we know it"),
        sa.Column("basis", sa.Text(), nullable=True, comment="legal basis"),
        sa.PrimaryKeyConstraint("lead_id", "at", "what"),
        sqlite_with_rowid=False,
        comment="What people have agreed to, word by word; leads.consent and leads.basis are what counts now.",
    )
    op.execute(
        "INSERT INTO consents (lead_id, at, what, source, basis) SELECT id, created_at,"
        " CASE consent WHEN 'yes' THEN 'given' WHEN 'no' THEN 'withdrawn' ELSE 'basis' END,"
        " 'known before records were kept', basis FROM leads WHERE consent IS NOT NULL OR basis IS NOT NULL"
    )
    op.create_table(
        "lifted",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("address_hash", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("lifted_at", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="Suppressions that somebody has taken back, with the reason.",
    )
    op.create_index("lifted_address", "lifted", ["address_hash"], unique=False)
    op.create_table(
        "campaign_notes",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False, comment="paused, stopped, resumed, overridden"),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True, comment="a person; NULL: the house itself"),
        sa.PrimaryKeyConstraint("id"),
        comment="What was done to a campaign as a whole, and why.",
    )
    op.create_index("campaign_notes_campaign", "campaign_notes", ["campaign", "at"], unique=False)
