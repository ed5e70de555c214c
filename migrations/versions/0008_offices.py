"""Organisations, offices, affiliations, and the office of every case

What exists belongs to one organisation with one office from now on.

Revision: 0008, after 0007
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ORGANISATION_ID, OFFICE_ID = "organisation", "office"
STAFF_ROLES = ("coordinator", "specialist", "interpreter", "referrer", "administrator", "auditor")


def upgrade() -> None:
    _create_tables()
    _add_first_office()
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.add_column(sa.Column("acting_as", sa.String(length=32), nullable=True))
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("office_id", sa.String(length=32), nullable=True))
    op.execute(sa.text("UPDATE cases SET office_id = :office").bindparams(office=OFFICE_ID))
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.alter_column("office_id", existing_type=sa.String(length=32), nullable=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_cases_office_id"), "offices", ["office_id"], ["id"]
        )
        batch_op.create_index("ix_cases_office_stage", ["office_id", "stage"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index("ix_cases_office_stage")
        batch_op.drop_constraint(batch_op.f("fk_cases_office_id"), type_="foreignkey")
        batch_op.drop_column("office_id")
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.drop_column("acting_as")
    op.drop_table("case_shares")
    op.drop_table("affiliations")
    op.drop_table("offices")
    op.drop_table("organisations")


def _create_tables() -> None:
    op.create_table(
        "organisations",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
    )
    op.create_table(
        "offices",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("countries", sa.Text(), nullable=False),
        sa.Column("languages", sa.Text(), nullable=False),
        sa.Column("hours", sa.String(length=200), nullable=False),
        sa.Column("holidays", sa.Text(), nullable=False),
        sa.Column("emergency_text", sa.String(length=500), nullable=False),
        sa.Column("sender", sa.String(length=254), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_offices_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offices")),
    )
    op.create_index(op.f("ix_offices_organisation_id"), "offices", ["organisation_id"])
    op.create_table(
        "affiliations",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("office_id", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("granted_by", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_affiliations_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["office_id"], ["offices.id"], name=op.f("fk_affiliations_office_id")
        ),
        sa.ForeignKeyConstraint(
            ["granted_by"], ["people.id"], name=op.f("fk_affiliations_granted_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affiliations")),
    )
    op.create_index("ix_affiliations_person", "affiliations", ["person_id", "until"])
    op.create_index(
        "ix_affiliations_role", "affiliations", ["role", "person_id", "office_id", "since", "until"]
    )
    op.create_index("ix_affiliations_office", "affiliations", ["office_id", "role"])
    op.create_table(
        "case_shares",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("office_id", sa.String(length=32), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("granted_by", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_shares_case_id")),
        sa.ForeignKeyConstraint(
            ["office_id"], ["offices.id"], name=op.f("fk_case_shares_office_id")
        ),
        sa.ForeignKeyConstraint(
            ["granted_by"], ["people.id"], name=op.f("fk_case_shares_granted_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_shares")),
    )
    op.create_index(op.f("ix_case_shares_case_id"), "case_shares", ["case_id"])
    op.create_index("ix_case_shares_office", "case_shares", ["office_id", "until", "case_id"])


def _add_first_office() -> None:
    connection = op.get_bind()
    moment = datetime.now(UTC)
    connection.execute(
        sa.text("INSERT INTO organisations (id, name, created_at) VALUES (:id, :name, :at)")
        .bindparams(sa.bindparam("at", moment, sa.DateTime(timezone=True)))
        .bindparams(id=ORGANISATION_ID, name="Consilium")
    )
    connection.execute(
        sa.text(
            "INSERT INTO offices (id, organisation_id, name, timezone, countries, languages, hours,"
            " holidays, emergency_text, sender, phone, active, created_at) VALUES (:id,"
            " :organisation, 'International office', 'UTC', '[]', '[]', '', '[]', '', '', '',"
            " :active, :at)"
        )
        .bindparams(sa.bindparam("at", moment, sa.DateTime(timezone=True)))
        .bindparams(sa.bindparam("active", True, sa.Boolean()))
        .bindparams(id=OFFICE_ID, organisation=ORGANISATION_ID)
    )
    staff = connection.execute(
        sa.text("SELECT id, role, created_at FROM people WHERE role IN :roles").bindparams(
            sa.bindparam("roles", STAFF_ROLES, expanding=True)
        )
    ).all()
    for person_id, role, joined in staff:
        connection.execute(
            sa.text(
                "INSERT INTO affiliations (id, person_id, office_id, role, since, created_at)"
                " VALUES (:id, :person, :office, :role, :joined, :joined)"
            ).bindparams(
                id=uuid4().hex, person=person_id, office=OFFICE_ID, role=role, joined=joined
            )
        )
