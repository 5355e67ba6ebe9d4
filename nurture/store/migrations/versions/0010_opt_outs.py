"""Opt-outs are found by when they were made.

Revision 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    opt_outs = sa.text("kind IN ('complained', 'erased', 'objected', 'unsubscribed')")
    op.create_index("signals_opt_outs", "signals", ["at"], sqlite_where=opt_outs, postgresql_where=opt_outs)
