"""Bookings keep the zones of their people, and the clocks that have changed since

Revision: 0003, after 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("bookings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("zones", sa.Text(), server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("clocks_changed", sa.Text(), server_default="{}", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("bookings", schema=None) as batch_op:
        batch_op.drop_column("clocks_changed")
        batch_op.drop_column("zones")
