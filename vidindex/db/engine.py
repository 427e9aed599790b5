"""The connection to the library's database: transactions, pragmas, and what SQLite's errors mean.

One process, one connection at a time. ``reading()`` and ``writing()`` are the only ways in: each
is one transaction. A reader fetches what it needs and leaves, so that it never holds up a commit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, exc
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from vidindex.errors import (
    DatabaseUnusable,
    Refused,
    SystemStopped,
    UsageError,
    VidindexError,
)
from vidindex.paths import resolve

BUSY_TIMEOUT_S = 30

# mmap is off because a damaged disk would then kill the process instead of giving an error;
# trusted_schema is off because a hostile file could run functions through its views and triggers.
PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = EXTRA",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA mmap_size = 0",
)


def database_path(url: str) -> Path:
    """Turn the ``--db`` value into the path of a SQLite file, links resolved.

    Raises:
        UsageError: a URL of a database that this version does not support.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return resolve(url)
    if scheme != "sqlite" or not rest.startswith("/") or rest == "/":
        raise UsageError(
            f"cannot use the database {url}",
            "give a file name, or sqlite:///FILE (four slashes for an absolute one)",
        )
    return resolve(rest[1:])


class Database:
    """A library's SQLite file.

    >>> with database.writing() as session:   # BEGIN IMMEDIATE … COMMIT, or ROLLBACK on an error
    ...     store.files.add(session, …)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = sqlite_engine(path)

    def reading(self) -> AbstractContextManager[Session]:
        """Open a transaction that cannot write."""
        return self._transaction(writes=False)

    def writing(self) -> AbstractContextManager[Session]:
        """Open a transaction that commits when the block ends, and rolls back if it raises."""
        return self._transaction(writes=True)

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Session]:
        with (
            explained(self.path),
            self.engine.connect().execution_options(vidindex_writes=writes) as connection,
            connection.begin(),
            Session(bind=connection, autoflush=False) as session,
        ):
            yield session

    @contextmanager
    def attached(self, other: Path) -> Iterator[None]:
        """Let transactions read another library too, as the schema ``other``; none can write it."""
        with explained(other):
            self._outside_transactions("ATTACH DATABASE ? AS other", f"{other.as_uri()}?mode=ro")
        try:
            yield
        finally:
            self._outside_transactions("DETACH DATABASE other")

    def _outside_transactions(self, statement: str, *values: str) -> None:
        connection = self.engine.raw_connection()  # the one that transactions have too
        try:
            connection.cursor().execute(statement, values)
        finally:
            connection.close()

    def close(self) -> None:
        """Close the connection."""
        self.engine.dispose()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def sqlite_engine(path: Path, *, foreign_keys: bool = True) -> Engine:
    """Make an engine whose transactions are explicit.

    With the driver's defaults a transaction begins late and DDL is not part of it, so a killed
    migration leaves half a schema. Here BEGIN is ours: IMMEDIATE for writers, since a plain BEGIN
    that reads and then writes beside another writer fails at once, whatever the busy timeout.
    """

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            path,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            uri=True,  # for what is attached; an absolute path stays one
        )

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=1)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in PRAGMAS:
            cursor.execute(pragma)
        if not foreign_keys:
            cursor.execute("PRAGMA foreign_keys = OFF")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        writes = connection.get_execution_options().get("vidindex_writes", True)
        connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the errors of SQLite into ours; the caller's own errors pass."""
    try:
        yield
    except exc.DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise explain(error.orig, path) from error
        raise
    except sqlite3.Error as error:
        raise explain(error, path) from error


def explain(error: sqlite3.Error, path: Path) -> Exception:
    """Say what an error of SQLite means for the user; a bug of ours comes back unchanged.

    Extended result codes keep the primary code in their low byte (https://sqlite.org/rescode.html).
    """
    extended = getattr(error, "sqlite_errorcode", None)
    if extended is None:
        return error
    primary = extended & 0xFF
    if primary in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        what = "the disk is full" if primary == sqlite3.SQLITE_FULL else f"input/output: {error}"
        return SystemStopped(
            f"cannot write the library {path}: {what}",
            "what was finished is kept: make room or mend the disk, then run the command again",
        )
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(path, str(error))
    known: dict[int, VidindexError] = {
        sqlite3.SQLITE_BUSY: SystemStopped(
            f"another program has held the library {path} for more than {BUSY_TIMEOUT_S} s",
            "what was finished is kept: let that program end, then run the command again",
        ),
        sqlite3.SQLITE_READONLY: Refused(
            f"the library {path} cannot be written", "check the rights of the file and its folder"
        ),
        sqlite3.SQLITE_CANTOPEN: Refused(
            f"cannot open the library {path}",
            "check the rights of the file and its folder, and how many files may be open "
            "(ulimit -n)",
        ),
    }
    return known.get(primary, error)


def damaged(path: Path, detail: str) -> DatabaseUnusable:
    """Build the error for a file that is no sound SQLite database."""
    return DatabaseUnusable(
        f"{path} is not a usable database: {detail}",
        "nothing was written; move it away and put a backup (vidindex db backup) in its place, "
        "or index into another --db",
    )
