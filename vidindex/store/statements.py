"""SQL statements of the user, which may read whatever is in the library, and change nothing.

Four things each keep them from writing: the file is opened read-only, ``query_only`` is on, an
authorizer lets nothing but reading through, and functions that reach beyond the database are not
loaded. ``trusted_schema`` is off, as everywhere.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from vidindex.db.engine import BUSY_TIMEOUT_S, PRAGMAS, explained
from vidindex.errors import Refused, UsageError

Value = int | float | str | bytes | None

# How many steps of SQLite's machine lie between two looks at the clock: about a millisecond.
_STEPS_BETWEEN_LOOKS = 10_000
_READING = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    }
)
_TELLING_PRAGMAS = frozenset(
    {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "foreign_key_list"}
)
_REACHING_OUT = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"})
_OURS_TO_TELL = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_READONLY,
    }
)


@dataclass(frozen=True)
class StatementResult:
    """What a statement gave. columns: their names, as SQLite has them. is_cut: there were more."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    is_cut: bool = False


@dataclass(frozen=True)
class StatementLimits:
    """How far a statement may go. rows: None for all. stopping: asked often; true ends it."""

    rows: int | None
    seconds: float
    stopping: Callable[[], bool]


def run_statement(path: Path, sql: str, limits: StatementLimits) -> StatementResult:
    """Run one statement that reads, and fetch its rows.

    Raises:
        UsageError: it is none that reads, or SQLite does not understand it.
        Refused: it took too long, or was stopped.
    """
    with explained(path), closing(_open(path)) as raw:
        begun = time.monotonic()

        def is_over() -> bool:
            return limits.stopping() or time.monotonic() - begun > limits.seconds

        # Asked once before: whoever is asked may note from then on that it has to stop, and need
        # not raise, which SQLite would swallow.
        is_over()
        raw.set_progress_handler(is_over, _STEPS_BETWEEN_LOOKS)
        with _told_to_user(limits):
            return _fetch(raw, sql, limits.rows)


def _open(path: Path) -> sqlite3.Connection:
    raw = sqlite3.connect(
        f"{path.as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None
    )
    raw.text_factory = _decoded
    for pragma in (*PRAGMAS, "PRAGMA query_only = ON"):
        raw.execute(pragma)
    raw.set_authorizer(_authorize)
    return raw


def _decoded(text: bytes) -> str:
    """Read text that need not be UTF-8, such as CAST(path AS TEXT), as a path is read."""
    return text.decode(errors="surrogateescape")


def _authorize(
    action: int, first: str | None, second: str | None, _database: str | None, _by: str | None
) -> int:
    """Let through what reads. first: a table or a pragma. second: a column or a function."""
    is_reading = action in _READING and (second or "").lower() not in _REACHING_OUT
    is_telling = action == sqlite3.SQLITE_PRAGMA and (first or "").lower() in _TELLING_PRAGMAS
    # SQLite asks so when it sets a table-valued function up, such as json_each. No statement could
    # really do it: that would take a file opened for writing, and PRAGMA writable_schema.
    is_setup = action == sqlite3.SQLITE_UPDATE and first == "sqlite_master"
    is_allowed = is_reading or is_telling or is_setup
    return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY


def _fetch(raw: sqlite3.Connection, sql: str, limit: int | None) -> StatementResult:
    found = raw.execute(sql)
    if found.description is None:
        raise UsageError("that is no statement that reads", "begin with SELECT, VALUES or WITH")
    columns = tuple(column[0] for column in found.description)
    rows = found.fetchall() if limit is None else found.fetchmany(limit + 1)
    return StatementResult(columns, tuple(rows[:limit]), limit is not None and len(rows) > limit)


@contextmanager
def _told_to_user(limits: StatementLimits) -> Iterator[None]:
    """Tell the errors of the user's own statement; those of the library are told elsewhere."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise UsageError("the statement is not UTF-8", "write it in UTF-8") from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _OURS_TO_TELL:
            raise
        if code == sqlite3.SQLITE_INTERRUPT:
            raise _too_long(limits) from error
        if code == sqlite3.SQLITE_AUTH or "not authorized" in str(error):  # of a function
            raise UsageError(
                f"the statement is refused: {error}", "it may only read: SELECT, VALUES or WITH"
            ) from error
        raise UsageError(
            f"the statement is not understood: {error}",
            "give one statement; vidindex sql --views lists the views",
        ) from error


def _too_long(limits: StatementLimits) -> Refused:
    if limits.stopping():
        return Refused("the statement was stopped", "run it again")
    return Refused(
        f"the statement took longer than {limits.seconds:g} s, and whoever changes the library "
        "would have to wait for it",
        "ask for less, or give it more time with --time-limit",
    )
