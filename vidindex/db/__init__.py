"""The database: engine, column types, tables, and moving it to a new version."""
