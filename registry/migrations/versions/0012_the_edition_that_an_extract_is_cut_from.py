"""the edition that an extract is cut from."""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('extract', schema=None) as batch_op:
        batch_op.add_column(sa.Column('edition_id', sa.String(), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_extract_edition_id_edition'), 'edition', ['edition_id'], ['id'])
    op.execute(
        'UPDATE extract SET edition_id = '
        '(SELECT edition_id FROM agreement WHERE agreement.id = extract.agreement_id)'
    )
    with op.batch_alter_table('extract', schema=None) as batch_op:
        batch_op.alter_column('edition_id', existing_type=sa.String(), nullable=False)
