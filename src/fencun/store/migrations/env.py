"""Run by Alembic on the connection that :mod:`fencun.store.migration` hands over."""

from alembic import context

from fencun.store.migration import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata(),
    transactional_ddl=True,
    render_as_batch=connection.dialect.name == "sqlite",
)
context.run_migrations()
