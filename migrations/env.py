"""Runs the migrations on the connection that vidindex hands over, inside its transaction."""

from alembic import context

from vidindex.db import journal, models, pictures, wishes  # noqa: F401 - they define the tables
from vidindex.db.base import Base

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("run migrations through vidindex: vidindex db upgrade")

context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
