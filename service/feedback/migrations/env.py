"""What Alembic runs: the steps, in one transaction on the connection that it was given."""

from alembic import context

from service.feedback.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
