"""What an institution decides about itself

Revision: 0015, after 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TEXTS = (("contact_email", 254), ("contact_phone", 40))


def upgrade() -> None:
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        for name, length in TEXTS:
            batch_op.add_column(
                sa.Column(name, sa.String(length=length), nullable=False, server_default="")
            )
        batch_op.add_column(
            sa.Column("privacy_notice", sa.Text(), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("sign_up_open", sa.Boolean(), nullable=False, server_default=sa.true())
        )
        batch_op.add_column(
            sa.Column("turnaround_days", sa.Integer(), nullable=False, server_default="10")
        )
        batch_op.add_column(sa.Column("specialties", sa.Text(), nullable=False, server_default="[]"))
    names = (*(name for name, _ in TEXTS), "privacy_notice", "sign_up_open")
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        for name in (*names, "turnaround_days", "specialties"):
            batch_op.alter_column(name, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        for name in ("specialties", "turnaround_days", "sign_up_open", "privacy_notice"):
            batch_op.drop_column(name)
        for name, _ in reversed(TEXTS):
            batch_op.drop_column(name)
