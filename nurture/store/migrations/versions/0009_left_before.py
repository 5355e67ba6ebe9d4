"""Messages that left before a backup was put back.

Revision 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "left_before",
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
        comment="Messages that left before this database was put back, and that it does not know of; not to be sent again.",
        sqlite_with_rowid=False,
    )
