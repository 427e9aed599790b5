"""Write what the library knows into a file for other programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from vidindex import table_files
from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.errors import Refused, UsageError
from vidindex.querying import choose_recipe, choose_run, require_label
from vidindex.reporting import Reporter
from vidindex.store import clusterings, embeddings, exchange
from vidindex.store.recipes import StoredRecipe
from vidindex.table_files import CsvWriter, FileRow, JsonLinesWriter, ParquetWriter, TableWriter
from vidindex.vector_files import VectorRecord, write_vectors
from vidindex.whole_files import written_whole

VECTORS_SUFFIX = ".npz"
WRITERS: dict[str, Callable[[BinaryIO], TableWriter]] = {
    ".csv": CsvWriter,
    ".jsonl": JsonLinesWriter,
    ".parquet": ParquetWriter,
}
ROWS_AT_ONCE = 1024  # 8 MiB of vectors
_Row = TypeVar("_Row")


@dataclass(frozen=True)
class ExportRequest:
    """What is written where.

    path: its ending says how. run: whose labels; the one in use by default, if there is one.
    label: only this cluster of the run. recipe: whose vectors. folder: only files at or below it.
    with_vectors: also into JSON lines. replaces: an earlier file of this name.
    """

    path: Path
    run: int | None = None
    label: int | None = None
    recipe: int | None = None
    folder: Path | None = None
    with_vectors: bool = False
    replaces: bool = False


@dataclass(frozen=True)
class ExportResult:
    """What was written. rows: files, or contents in a file of vectors. run, recipe: where used."""

    path: Path
    rows: int
    run: int | None
    recipe: int | None


@dataclass(frozen=True)
class _Table:
    rows: Sequence[FileRow]
    run: int | None
    recipe: int | None


@dataclass(frozen=True)
class _Matrix:
    records: Sequence[tuple[int, VectorRecord]]
    recipe: StoredRecipe


def export(library: Path, request: ExportRequest, reporter: Reporter) -> ExportResult:
    """Write a table of the present files, or for .npz all vectors of a recipe.

    Each block of vectors is read by itself, so that no writer of the library waits for this.

    Raises:
        UsageError: the ending is unknown, or does not go with the request.
        Refused: there is no such run, label or recipe, the file is there already or cannot be
            made, pyarrow is not installed, or the library lost a vector meanwhile.
        SystemStopped: the disk is full or failing; an earlier file is as it was.
    """
    suffix = request.path.suffix.lower()
    _check(suffix, request)
    with schema.open_for_reading(library) as database:
        if suffix == VECTORS_SUFFIX:
            return _export_matrix(database, request, reporter)
        return _export_table(database, request, reporter)


def _check(suffix: str, request: ExportRequest) -> None:
    known = (*WRITERS, VECTORS_SUFFIX)
    if suffix not in known:
        raise UsageError(
            f"the ending of {request.path} says no format", f"end it in {', '.join(known)}"
        )
    if suffix == ".parquet":
        table_files.require_pyarrow()
    if request.with_vectors and suffix == ".csv":
        raise UsageError("a .csv holds no vectors", "write .jsonl, .parquet or .npz")
    if request.run is not None and request.label is None and suffix == VECTORS_SUFFIX:
        raise UsageError(
            "an .npz holds no labels of a run",
            "leave the run out or choose a label of it, or write .csv, .jsonl or .parquet",
        )


def _export_table(database: Database, request: ExportRequest, reporter: Reporter) -> ExportResult:
    table = _read_table(database, request)
    with written_whole(request.path, replaces=request.replaces) as stream:
        writer = WRITERS[request.path.suffix.lower()](stream)
        try:
            for rows in _blocks(table.rows, reporter):
                writer.add(rows, _read_vectors(database, table.recipe, rows))
            writer.end()
        except BaseException:
            writer.discard()
            raise
    return ExportResult(request.path, len(table.rows), table.run, table.recipe)


def _read_table(database: Database, request: ExportRequest) -> _Table:
    has_vectors = request.with_vectors or WRITERS.get(request.path.suffix.lower()) is ParquetWriter
    with database.reading() as session:
        run = clusterings.run_in_use(clusterings.list_runs(session))
        if request.run is not None or request.label is not None:
            run = choose_run(session, request.run)
        if run is not None and request.label is not None:
            require_label(session, run, request.label)
        number = request.recipe
        if number is None and run is not None:
            number = run.recipe_id
        is_wanted = has_vectors or request.recipe is not None
        recipe = choose_recipe(session, number).id if is_wanted else None
        rows = exchange.list_file_rows(
            session, run.id if run else None, label=request.label, folder=request.folder
        )
        if request.recipe is not None:
            embedded = {video for video, _ in embeddings.list_embedded(session, request.recipe)}
            rows = [row for row in rows if row.video_id in embedded]
    return _Table(rows, run.id if run else None, recipe if has_vectors else None)


def _read_vectors(
    database: Database, recipe: int | None, rows: Sequence[FileRow]
) -> list[NDArray[np.float32] | None]:
    """Return the vectors of some files, None where there is none; nothing without a recipe."""
    if recipe is None:
        return []
    with database.reading() as session:
        found = exchange.load_vectors(session, recipe, [row.video_id for row in rows])
    vectors = []
    for row in rows:
        blake3, vector = found.get(row.video_id, (row.blake3, None))
        if blake3 != row.blake3:
            raise _changed()
        vectors.append(vector)
    return vectors


def _export_matrix(database: Database, request: ExportRequest, reporter: Reporter) -> ExportResult:
    matrix = _read_matrix(database, request)
    with written_whole(request.path, replaces=request.replaces) as stream:
        write_vectors(
            stream,
            matrix.recipe.recipe,
            matrix.recipe.weights_name,
            [record for _, record in matrix.records],
            _read_blocks(database, matrix, reporter),
        )
    return ExportResult(request.path, len(matrix.records), None, matrix.recipe.id)


def _read_matrix(database: Database, request: ExportRequest) -> _Matrix:
    with database.reading() as session:
        chosen = None
        number = request.recipe
        run = None
        if request.label is not None:
            run = choose_run(session, request.run)
            require_label(session, run, request.label)
            number = run.recipe_id if number is None else number
        if run is not None or request.folder is not None:
            rows = exchange.list_file_rows(
                session, run.id if run else None, label=request.label, folder=request.folder
            )
            chosen = {row.video_id for row in rows}
        recipe = choose_recipe(session, number)
        return _Matrix(exchange.list_vector_records(session, recipe.id, chosen), recipe)


def _read_blocks(
    database: Database, matrix: _Matrix, reporter: Reporter
) -> Iterator[NDArray[np.float32]]:
    for records in _blocks(matrix.records, reporter):
        with database.reading() as session:
            ids = [video_id for video_id, _ in records]
            found = exchange.load_vectors(session, matrix.recipe.id, ids)
        if any(found.get(id_, (b"",))[0] != record.blake3 for id_, record in records):
            raise _changed()
        yield np.stack([found[video_id][1] for video_id, _ in records])


def _blocks(rows: Sequence[_Row], reporter: Reporter) -> Iterator[Sequence[_Row]]:
    reporter.start("exporting", len(rows))
    for start in range(0, len(rows), ROWS_AT_ONCE):
        block = rows[start : start + ROWS_AT_ONCE]
        yield block
        reporter.advance(len(block))
    reporter.finish()


def _changed() -> Refused:
    return Refused("the library lost a video while it was exported", "run the command again")
