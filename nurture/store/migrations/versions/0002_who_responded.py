"""Who responded: signals say how sure we are, and requests wait until that can be said.

Revision 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column(
        "signals",
        sa.Column(
            "confidence",
            sa.Text(),
            nullable=False,
            server_default="human",
            comment="human, unknown, machine: who did it, as judged",
        ),
    )
    op.add_column("signals", sa.Column("because", sa.Text(), nullable=True, comment="why it was judged so"))
    id_type = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "hits",
        sa.Column("id", id_type, autoincrement=True, nullable=False),
        sa.Column("lead_id", id_type, nullable=False),
        sa.Column("enrollment_id", id_type, nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="viewed, clicked; trap, page: tell of the visitor, and become no signal",
        ),
        sa.Column("link", sa.Text(), nullable=False, comment="which link; empty for the picture"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="keyed hash of the network address it came from"),
        sa.Column("agent", sa.Text(), nullable=False, comment="what the program called itself"),
        sa.Column(
            "judged",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="1: has become a signal, or tells of no response",
        ),
        sa.PrimaryKeyConstraint("id"),
        comment="Requests for what mails point to, until it can be said who made them; kept for an hour after that.",
    )
    unjudged = sa.text("judged = 0")
    op.create_index("hits_judged", "hits", ["judged", "at"])
    op.create_index("hits_lead", "hits", ["lead_id"], sqlite_where=unjudged, postgresql_where=unjudged)
    op.create_index("hits_message", "hits", ["enrollment_id", "at"])
    op.create_index("hits_source", "hits", ["source", "at"])
    # A link in a mail names its enrollment by key, and must not have us read them all.
    op.create_index("enrollments_key", "enrollments", ["key"])
