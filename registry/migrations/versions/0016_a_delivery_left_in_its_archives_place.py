"""a delivery that is left in its archive's own place."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("place", sa.String(), nullable=False, server_default=sa.text("''")))
        batch_op.add_column(sa.Column("place_key", sa.String(), nullable=False, server_default=sa.text("''")))
