"""On SQLite no index of pending entries: each act writes a page less."""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    op.drop_index('ix_audit_entry_pending', 'audit_entry')
    op.create_index(
        'ix_audit_entry_pending', 'audit_entry', ['position'], sqlite_where=sa.text('tree_index < 0')
    )
