"""Points said back, and lines typed by the interpreter

Revision: 0005, after 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """For a short while 0001 made these two tables itself: where they stand, they stay."""
    standing = sa.inspect(op.get_bind()).get_table_names()
    if "captions" not in standing:
        _make_captions()
    if "teach_backs" not in standing:
        _make_teach_backs()


def _make_captions() -> None:
    op.create_table(
        "captions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("consult_id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("seat_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_captions_case_id")),
        sa.ForeignKeyConstraint(["consult_id"], ["consults.id"], name=op.f("fk_captions_consult_id")),
        sa.ForeignKeyConstraint(["seat_id"], ["seats.id"], name=op.f("fk_captions_seat_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_captions")),
        sa.UniqueConstraint("consult_id", "number", name=op.f("uq_captions_consult_id_number")),
        sa.UniqueConstraint("seat_id", "client_id", name=op.f("uq_captions_seat_id_client_id")),
    )
    with op.batch_alter_table("captions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_captions_case_id"), ["case_id"], unique=False)


def _make_teach_backs() -> None:
    op.create_table(
        "teach_backs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("consult_id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("point", sa.LargeBinary(), nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=True),
        sa.Column("said_by", sa.String(length=32), nullable=True),
        sa.Column("verdict", sa.String(length=12), nullable=True),
        sa.Column("correction", sa.LargeBinary(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_teach_backs_case_id")),
        sa.ForeignKeyConstraint(["consult_id"], ["consults.id"], name=op.f("fk_teach_backs_consult_id")),
        sa.ForeignKeyConstraint(["said_by"], ["seats.id"], name=op.f("fk_teach_backs_said_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teach_backs")),
        sa.UniqueConstraint("consult_id", "number", name=op.f("uq_teach_backs_consult_id_number")),
    )
    with op.batch_alter_table("teach_backs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_teach_backs_case_id"), ["case_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("teach_backs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_teach_backs_case_id"))

    op.drop_table("teach_backs")
    with op.batch_alter_table("captions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_captions_case_id"))

    op.drop_table("captions")
