"""Tables of a library's files for other programs: CSV, JSON lines, Parquet."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from vidindex.embedding import VECTOR_SIZE
from vidindex.errors import Refused
from vidindex.escaping import is_formula, json_path, printable

_COLUMNS = (
    "hash",
    "path",
    "size_bytes",
    "duration_s",
    "width_px",
    "height_px",
    "codec",
    "label",
    "name",
    "distance",
)


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file, its content, and its place in a run.

    path: its bytes. label, name, distance: None where there is no run, or it is not in it; label
    None with a distance: in no cluster.
    """

    video_id: int
    blake3: bytes
    path: bytes
    size_bytes: int
    duration_s: float | None
    width_px: int | None
    height_px: int | None
    codec: str | None
    label: int | None
    name: str | None
    distance: float | None


Vectors = Sequence[NDArray[np.float32] | None]  # (2048,) each, or None where there is none


class TableWriter(Protocol):
    """Writes rows to a stream, some at a time."""

    def add(self, rows: Sequence[FileRow], vectors: Vectors) -> None:
        """Write rows; vectors: one for each row, or none at all where none are wanted."""

    def end(self) -> None:
        """Write what comes after the last row. The stream stays open."""

    def discard(self) -> None:
        """Write nothing more."""


class CsvWriter:
    """One line a file, after a header. UTF-8, as RFC 4180 has it.

    No cell can be taken for a formula by a spreadsheet. path_b64: the bytes of the path, where
    the path is shown with escapes.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._write([[*_COLUMNS, "path_b64"]])

    def add(self, rows: Sequence[FileRow], vectors: Vectors) -> None:  # noqa: ARG002
        """Write rows."""
        self._write([_to_cells(row) for row in rows])

    def end(self) -> None:
        """Nothing is left to write."""

    def discard(self) -> None:
        """Nothing is held back."""

    def _write(self, lines: Sequence[Sequence[Any]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(lines)
        self._stream.write(text.getvalue().encode())


class JsonLinesWriter:
    """One JSON object a line; with ``vector``, 2048 numbers or null, where vectors are given."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def add(self, rows: Sequence[FileRow], vectors: Vectors) -> None:
        """Write rows."""
        for number, row in enumerate(rows):
            line: dict[str, Any] = {"hash": row.blake3.hex()}
            line |= json_path(Path(os.fsdecode(row.path)))
            line |= {name: getattr(row, name) for name in _COLUMNS[2:]}
            if vectors:
                vector = vectors[number]
                line["vector"] = None if vector is None else vector.tolist()
            self._stream.write(json.dumps(line).encode() + b"\n")

    def end(self) -> None:
        """Nothing is left to write."""

    def discard(self) -> None:
        """Nothing is held back."""


class ParquetWriter:
    """One row a file, with path_bytes and with vector: 2048 float32, or null.

    Raises:
        Refused: pyarrow is not installed.
    """

    def __init__(self, stream: BinaryIO) -> None:
        require_pyarrow()
        import pyarrow as arrow
        from pyarrow import parquet

        integer, number, text = arrow.int64(), arrow.float64(), arrow.string()
        self._schema = arrow.schema(
            {
                "hash": text,
                "path": text,
                "size_bytes": integer,
                "duration_s": number,
                "width_px": integer,
                "height_px": integer,
                "codec": text,
                "label": integer,
                "name": text,
                "distance": number,
                "path_bytes": arrow.binary(),
                "vector": arrow.list_(arrow.float32(), VECTOR_SIZE),
            }
        )
        self._writer = parquet.ParquetWriter(
            stream, self._schema, use_dictionary=["codec", "label", "name"]
        )

    def add(self, rows: Sequence[FileRow], vectors: Vectors) -> None:
        """Write rows."""
        import pyarrow as arrow

        columns: dict[str, Any] = {
            name: [getattr(row, name) for row in rows] for name in _COLUMNS[2:]
        }
        columns["hash"] = [row.blake3.hex() for row in rows]
        columns["path"] = [printable(os.fsdecode(row.path)) for row in rows]
        columns["path_bytes"] = [row.path for row in rows]
        columns["vector"] = arrow.FixedSizeListArray.from_arrays(
            np.concatenate([_or_zeros(vector) for vector in vectors]),
            VECTOR_SIZE,
            mask=arrow.array([vector is None for vector in vectors]),
        )
        arrays = [
            arrow.array(columns[name], type=self._schema.field(name).type) for name in columns
        ]
        batch = arrow.RecordBatch.from_arrays(arrays, names=list(columns))
        self._writer.write_batch(batch.select(self._schema.names))

    def end(self) -> None:
        """Write the footer."""
        self._writer.close()

    def discard(self) -> None:
        """Keep pyarrow from writing the footer, perhaps into a stream that is closed by then."""
        self._writer.is_open = False


def require_pyarrow() -> None:
    """Check that Parquet can be written.

    Raises:
        Refused: pyarrow is not installed.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise Refused(
            "a .parquet file needs pyarrow, which is not installed",
            "pip install 'vidindex[parquet]', or choose .csv, .jsonl or .npz",
        ) from error


def _to_cells(row: FileRow) -> list[Any]:
    shown = printable(os.fsdecode(row.path))
    exact = "" if shown.encode() == row.path else base64.b64encode(row.path).decode()
    cells = [row.blake3.hex(), shown, *(getattr(row, name) for name in _COLUMNS[2:]), exact]
    return [_inert(cell) for cell in cells]


def _or_zeros(vector: NDArray[np.float32] | None) -> NDArray[np.float32]:
    return np.zeros(VECTOR_SIZE, np.float32) if vector is None else vector


def _inert(cell: Any) -> Any:
    r"""Return a cell that no spreadsheet takes for a formula, and without control characters."""
    if not isinstance(cell, str):
        return cell
    shown = printable(cell)
    return f"'{shown}" if is_formula(shown) else shown
