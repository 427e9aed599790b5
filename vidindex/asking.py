"""Ask the library in SQL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vidindex.db import schema
from vidindex.store import statements
from vidindex.store.statements import StatementLimits, StatementResult


def ask(
    library: Path,
    sql: str,
    *,
    limit: int | None = None,
    time_limit_s: float,
    stopping: Callable[[], bool],
) -> StatementResult:
    """Run one SQL statement that reads, and return its rows.

    limit: rows at most. time_limit_s: how long it may run; as long, nothing is committed to the
    library. stopping: asked often; true ends it.

    Raises:
        UsageError: it is none that reads, or SQLite does not understand it.
        Refused: it took too long, or was stopped.
    """
    schema.open_for_reading(library).close()
    limits = StatementLimits(limit, time_limit_s, stopping)
    return statements.run_statement(library, sql, limits)
