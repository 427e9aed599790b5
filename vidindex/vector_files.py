"""Vectors as a file, .npz: for NumPy, and to be taken into another library without any loss.

A zip of arrays that hold no Python objects; of n vectors, sorted by content hash, it has

``vectors`` (n, 2048) float32, ``hashes`` (n,) 64 hex digits, ``paths`` (n,) a file of each
    content as Python names it, or "", and ``path_bytes`` as the file system does,
``frame_count``, ``precision``, ``software``, ``incomplete``, ``created_at`` of each vector,
``size_bytes``, ``duration_s``, ``width_px``, ``height_px``, ``codec``, ``added_at`` and
    ``is_missing`` of each content; what is not known is NaN, -1 or "",
``recipe``: the parts of the recipe as JSON, ``fingerprint``: its key, ``weights_name``, and
``vidindex``: the number of this format.
"""

from __future__ import annotations

import json
import math
import os
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from vidindex.embedding import VECTOR_SIZE, Precision, Recipe

FORMAT = 1
NO_NUMBER = -1
# The kinds of numpy.dtype that each array of n rows may be of.
COLUMNS = {
    "paths": "U",
    "path_bytes": "S",
    "hashes": "U",
    "is_missing": "b",
    "size_bytes": "i",
    "duration_s": "f",
    "width_px": "i",
    "height_px": "i",
    "codec": "U",
    "added_at": "M",
    "frame_count": "i",
    "precision": "U",
    "software": "U",
    "incomplete": "U",
    "created_at": "M",
}
# For each kind what stands for nothing, and how it is written.
_TYPES: dict[str, tuple[Any, Any]] = {
    "U": ("", np.str_),
    "S": (b"", np.bytes_),
    "b": (False, np.bool_),
    "i": (NO_NUMBER, "<i8"),
    "f": (math.nan, "<f8"),
    "M": (None, "<M8[us]"),
}


@dataclass(frozen=True, slots=True)
class VectorRecord:
    """All that is known of a vector and of its content, besides the numbers.

    path: the bytes of one of its files, or b"". is_missing: there is no file of it.
    """

    blake3: bytes
    path: bytes
    is_missing: bool
    size_bytes: int
    duration_s: float | None
    width_px: int | None
    height_px: int | None
    codec: str | None
    added_at: datetime
    frame_count: int
    precision: Precision
    software: str
    incomplete: str | None
    created_at: datetime


# The arrays that are no plain attribute of a record.
_VALUES: dict[str, Callable[[VectorRecord], Any]] = {
    "paths": lambda record: os.fsdecode(record.path),
    "path_bytes": lambda record: record.path,
    "hashes": lambda record: record.blake3.hex(),
    "added_at": lambda record: record.added_at.astimezone(UTC).replace(tzinfo=None),
    "created_at": lambda record: record.created_at.astimezone(UTC).replace(tzinfo=None),
}


def write_vectors(
    stream: BinaryIO,
    recipe: Recipe,
    weights_name: str,
    records: Sequence[VectorRecord],
    vectors: Iterable[NDArray[np.float32]],
) -> None:
    """Write vectors and their records. Equal ones give equal bytes.

    vectors: (m, 2048) float32 each, as many rows together as there are records.
    """
    single = {
        "vidindex": np.array(FORMAT, np.int64),
        "recipe": np.array(json.dumps(_recipe_parts(recipe), sort_keys=True)),
        "fingerprint": np.array(recipe.fingerprint.hex()),
        "weights_name": np.array(weights_name),
    }
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in single.items():
            _write_array(archive, name, array.dtype, (), [array])
        for name in COLUMNS:
            column = _to_column(name, records)
            _write_array(archive, name, column.dtype, column.shape, [column])
        shape = (len(records), VECTOR_SIZE)
        _write_array(archive, "vectors", np.dtype("<f4"), shape, vectors)


def _write_array(
    archive: zipfile.ZipFile,
    name: str,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    blocks: Iterable[NDArray[Any]],
) -> None:
    entry = zipfile.ZipInfo(f"{name}.npy")  # with a fixed time
    # Texts are padded to the longest of them; vectors hardly get smaller.
    entry.compress_type = zipfile.ZIP_STORED if name == "vectors" else zipfile.ZIP_DEFLATED
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    with archive.open(entry, "w", force_zip64=True) as member:
        np.lib.format.write_array_header_1_0(cast("Any", member), header)
        for block in blocks:
            member.write(np.ascontiguousarray(block, dtype).tobytes())


def _to_column(name: str, records: Sequence[VectorRecord]) -> NDArray[Any]:
    """Return an attribute of all records, by the name of its array."""
    values = [_VALUES.get(name, attrgetter(name))(record) for record in records]
    missing, dtype = _TYPES[COLUMNS[name]]
    return np.array([missing if value is None else value for value in values], dtype)


def _recipe_parts(recipe: Recipe) -> dict[str, Any]:
    return asdict(recipe) | {"weights_digest": recipe.weights_digest.hex()}
