"""Who has confirmed their e-mail address; people of before have

Revision: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None

CONFIRMED = sa.text("email_confirmed_at IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("account_links", schema=None) as batch_op:
        batch_op.add_column(sa.Column("address", sa.String(length=254), nullable=True))
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("email_confirmed_at", sa.DateTime(timezone=True), nullable=True)
        )
        batch_op.drop_constraint(batch_op.f("uq_people_email"), type_="unique")
        batch_op.create_index(batch_op.f("ix_people_email"), ["email"], unique=False)
    op.execute("UPDATE people SET email_confirmed_at = created_at, email = lower(email)")
    op.create_index(
        "uq_people_confirmed_email",
        "people",
        ["email"],
        unique=True,
        sqlite_where=CONFIRMED,
        postgresql_where=CONFIRMED,
    )


def downgrade() -> None:
    op.execute(
        "UPDATE people SET email = id || '@unconfirmed.invalid' WHERE email_confirmed_at IS NULL"
    )
    op.drop_index("uq_people_confirmed_email", table_name="people")
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_people_email"))
        batch_op.create_unique_constraint(batch_op.f("uq_people_email"), ["email"])
        batch_op.drop_column("email_confirmed_at")
    with op.batch_alter_table("account_links", schema=None) as batch_op:
        batch_op.drop_column("address")
