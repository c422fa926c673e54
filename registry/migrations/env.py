"""Where Alembic starts: it runs in the transaction that :mod:`registry.migrate` opened."""

from alembic import context

from registry.migrations.schema import compare_default, metadata, render_type

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata(),
    render_item=render_type,
    render_as_batch=True,
    compare_type=True,
    compare_server_default=compare_default,
)
context.run_migrations()
