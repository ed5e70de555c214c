"""The index of DICOM files, and marked places in records

Revision: 0012, after 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('imaging_identities',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('case_id', sa.String(length=32), nullable=False),
    sa.Column('name', sa.LargeBinary(), nullable=False),
    sa.Column('birth_date', sa.LargeBinary(), nullable=False),
    sa.Column('sex', sa.LargeBinary(), nullable=False),
    sa.Column('patient_id', sa.LargeBinary(), nullable=False),
    sa.Column('verdict', sa.String(length=16), nullable=False),
    sa.Column('differences', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sa.String(length=32), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_imaging_identities_case_id')),
    sa.ForeignKeyConstraint(['decided_by'], ['people.id'], name=op.f('fk_imaging_identities_decided_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_imaging_identities'))
    )
    with op.batch_alter_table('imaging_identities', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_imaging_identities_case_id'), ['case_id'], unique=False)

    op.create_table('imaging_studies',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('case_id', sa.String(length=32), nullable=False),
    sa.Column('uid', sa.String(length=64), nullable=False),
    sa.Column('date', sa.String(length=8), nullable=False),
    sa.Column('time', sa.String(length=16), nullable=False),
    sa.Column('description', sa.LargeBinary(), nullable=False),
    sa.Column('accession', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_imaging_studies_case_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_imaging_studies')),
    sa.UniqueConstraint('case_id', 'uid', name=op.f('uq_imaging_studies_case_id_uid'))
    )
    op.create_table('imaging_series',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('study_id', sa.String(length=32), nullable=False),
    sa.Column('uid', sa.String(length=64), nullable=False),
    sa.Column('modality', sa.String(length=16), nullable=False),
    sa.Column('number', sa.Integer(), nullable=True),
    sa.Column('body_part', sa.String(length=64), nullable=False),
    sa.Column('description', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['study_id'], ['imaging_studies.id'], name=op.f('fk_imaging_series_study_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_imaging_series')),
    sa.UniqueConstraint('study_id', 'uid', name=op.f('uq_imaging_series_study_id_uid'))
    )
    op.create_table('imaging_sittings',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('study_id', sa.String(length=32), nullable=False),
    sa.Column('person_id', sa.String(length=32), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_imaging_sittings_person_id')),
    sa.ForeignKeyConstraint(['study_id'], ['imaging_studies.id'], name=op.f('fk_imaging_sittings_study_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_imaging_sittings'))
    )
    with op.batch_alter_table('imaging_sittings', schema=None) as batch_op:
        batch_op.create_index('ix_imaging_sittings_person', ['person_id', 'study_id', 'until'], unique=False)

    op.create_table('imaging_instances',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('series_id', sa.String(length=32), nullable=False),
    sa.Column('record_id', sa.String(length=32), nullable=False),
    sa.Column('identity_id', sa.String(length=32), nullable=False),
    sa.Column('uid', sa.String(length=64), nullable=False),
    sa.Column('sop_class', sa.String(length=64), nullable=False),
    sa.Column('transfer_syntax', sa.String(length=64), nullable=False),
    sa.Column('number', sa.Integer(), nullable=True),
    sa.Column('frames', sa.Integer(), nullable=False),
    sa.Column('rows', sa.Integer(), nullable=False),
    sa.Column('columns', sa.Integer(), nullable=False),
    sa.Column('position', sa.Double(), nullable=True),
    sa.Column('burned_in', sa.Boolean(), nullable=False),
    sa.Column('layout', sa.Text(), nullable=True),
    sa.Column('header', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['identity_id'], ['imaging_identities.id'], name=op.f('fk_imaging_instances_identity_id')),
    sa.ForeignKeyConstraint(['record_id'], ['records.id'], name=op.f('fk_imaging_instances_record_id')),
    sa.ForeignKeyConstraint(['series_id'], ['imaging_series.id'], name=op.f('fk_imaging_instances_series_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_imaging_instances')),
    sa.UniqueConstraint('record_id', name=op.f('uq_imaging_instances_record_id'))
    )
    with op.batch_alter_table('imaging_instances', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_imaging_instances_identity_id'), ['identity_id'], unique=False)
        batch_op.create_index('ix_imaging_instances_series', ['series_id', 'uid'], unique=False)

    op.create_table('record_pointers',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('case_id', sa.String(length=32), nullable=False),
    sa.Column('record_id', sa.String(length=32), nullable=False),
    sa.Column('person_id', sa.String(length=32), nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('place', sa.LargeBinary(), nullable=False),
    sa.Column('note', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('cited_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_record_pointers_case_id')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_record_pointers_person_id')),
    sa.ForeignKeyConstraint(['record_id'], ['records.id'], name=op.f('fk_record_pointers_record_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_record_pointers'))
    )
    with op.batch_alter_table('record_pointers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_record_pointers_case_id'), ['case_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('record_pointers', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_record_pointers_case_id'))

    op.drop_table('record_pointers')
    with op.batch_alter_table('imaging_instances', schema=None) as batch_op:
        batch_op.drop_index('ix_imaging_instances_series')
        batch_op.drop_index(batch_op.f('ix_imaging_instances_identity_id'))

    op.drop_table('imaging_instances')
    with op.batch_alter_table('imaging_sittings', schema=None) as batch_op:
        batch_op.drop_index('ix_imaging_sittings_person')

    op.drop_table('imaging_sittings')
    op.drop_table('imaging_series')
    op.drop_table('imaging_studies')
    with op.batch_alter_table('imaging_identities', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_imaging_identities_case_id'))

    op.drop_table('imaging_identities')
