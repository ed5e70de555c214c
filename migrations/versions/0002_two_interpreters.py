"""A team of two for long meetings; interpreters' dialects and hourly rate; terms of the records

Revision: 0002, after 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "record_terms",
        sa.Column("record_id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("terms", sa.LargeBinary(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_record_terms_case_id")),
        sa.ForeignKeyConstraint(["record_id"], ["records.id"], name=op.f("fk_record_terms_record_id")),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_record_terms")),
    )
    with op.batch_alter_table("record_terms", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_record_terms_case_id"), ["case_id"], unique=False)

    with op.batch_alter_table("bookings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("second_interpreter_id", sa.String(length=32), nullable=True))
        batch_op.create_index(batch_op.f("ix_bookings_second_interpreter_id"), ["second_interpreter_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_bookings_second_interpreter_id"), "people", ["second_interpreter_id"], ["id"]
        )

    with op.batch_alter_table("brief_preferences", schema=None) as batch_op:
        batch_op.add_column(sa.Column("gender_only", sa.Boolean(), server_default=sa.false(), nullable=False))

    with op.batch_alter_table("interpreter_profiles", schema=None) as batch_op:
        batch_op.add_column(sa.Column("dialects", sa.Text(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("hourly_rate", sa.Integer(), nullable=True))
    op.execute("UPDATE interpreter_profiles SET hourly_rate = rate * 60")  # it was kept by the minute
    with op.batch_alter_table("interpreter_profiles", schema=None) as batch_op:
        batch_op.drop_column("rate")



def downgrade() -> None:
    with op.batch_alter_table("interpreter_profiles", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rate", sa.Integer(), nullable=True))
    op.execute("UPDATE interpreter_profiles SET rate = hourly_rate / 60")
    with op.batch_alter_table("interpreter_profiles", schema=None) as batch_op:
        batch_op.drop_column("hourly_rate")
        batch_op.drop_column("dialects")

    with op.batch_alter_table("brief_preferences", schema=None) as batch_op:
        batch_op.drop_column("gender_only")

    with op.batch_alter_table("bookings", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_bookings_second_interpreter_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_bookings_second_interpreter_id"))
        batch_op.drop_column("second_interpreter_id")

    with op.batch_alter_table("record_terms", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_record_terms_case_id"))

    op.drop_table("record_terms")
