"""What a file is: its digest, the attempt that sends it, and the folder it lay in

Revision: 0011, after 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("uploads", schema=None) as batch_op:
        batch_op.add_column(sa.Column("claimed_sha256", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("client_key", sa.String(length=64), nullable=True))
        batch_op.create_unique_constraint(
            batch_op.f("uq_uploads_person_id_client_key"), ["person_id", "client_key"]
        )
        batch_op.create_index("ix_uploads_content", ["case_id", "claimed_sha256"])
    with op.batch_alter_table("records", schema=None) as batch_op:
        batch_op.add_column(sa.Column("folder", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("records", schema=None) as batch_op:
        batch_op.drop_column("folder")
    with op.batch_alter_table("uploads", schema=None) as batch_op:
        batch_op.drop_index("ix_uploads_content")
        batch_op.drop_constraint(batch_op.f("uq_uploads_person_id_client_key"), type_="unique")
        batch_op.drop_column("client_key")
        batch_op.drop_column("claimed_sha256")
