"""What SDR and sales note about a lead while they work with it.

Revision 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "remarks",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("lead_id", Id, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False, comment="as they call themselves"),
        sa.Column("what", sa.Text(), nullable=False, comment="note, tag, untag, score"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False, comment="the same click counts once"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("external_id"),
        comment="What SDR and sales noted about a lead, and what they changed about it.",
    )
    op.create_index("remarks_lead", "remarks", ["lead_id", "at"], unique=False)
