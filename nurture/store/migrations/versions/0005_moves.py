"""Moving running leads to another version: the plans, and where a moved lead comes from.

Revision 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOVED = sa.text("moved_from IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "moves",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("version_id", Id, nullable=False),
        sa.Column("choice", sa.Text(), nullable=False, comment="move, exit"),
        sa.Column("map", sa.Text(), nullable=False, comment="JSON object: node to node"),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "counts",
            sa.Text(),
            server_default="{}",
            nullable=False,
            comment="JSON object: moved, removed, kept by reason",
        ),
        sa.PrimaryKeyConstraint("id"),
        comment="What was decided about the leads that ran older versions when one was published.",
    )
    for name, kind, comment in (
        ("moved_from", Id, "the enrollment, in an older version, that this one goes on with"),
        ("moved_at", sa.BigInteger(), None),
        ("placed", sa.Text(), "of a moved one: the node at which it began; NULL: the start"),
        ("names", sa.Text(), "of a moved one, JSON: nodes that are gone to what they are called now"),
    ):
        op.add_column("enrollments", sa.Column(name, kind, nullable=True, comment=comment))
    op.create_index(
        "enrollments_moved",
        "enrollments",
        ["campaign", "moved_from"],
        unique=False,
        sqlite_where=MOVED,
        postgresql_where=MOVED,
    )
