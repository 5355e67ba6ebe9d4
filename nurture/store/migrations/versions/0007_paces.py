"""How fast each channel goes, shared by all workers.

Revision 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    def moment(name: str, comment: str) -> sa.Column[int]:
        return sa.Column(name, sa.BigInteger(), server_default="0", nullable=False, comment=comment)

    def number(name: str, comment: str) -> sa.Column[int]:
        return sa.Column(name, sa.Integer(), server_default="0", nullable=False, comment=comment)

    op.create_table(
        "paces",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False, comment="of recipients; '' for the channel as a whole"),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        moment("free_at", "up to here the turns are given away"),
        moment("open_at", "before this nothing starts"),
        number("faults", "in a row"),
        number("rests", "in a row; 0: it does not rest"),
        number("probing", "1: one message tries whether it is over"),
        sa.Column("since", sa.BigInteger(), nullable=True, comment="when the first of these rests began"),
        sa.Column("because", sa.Text(), nullable=True),
        moment("queue_to", "the last turn promised to one who waits"),
        moment("queue_place", "who is last among them"),
        moment("head_to", "the last turn promised again"),
        moment("head_place", "who is last among those"),
        sa.PrimaryKeyConstraint("channel", "domain"),
        comment="How fast each channel goes, as a whole and to each domain, and what rests.",
        sqlite_with_rowid=False,
    )
