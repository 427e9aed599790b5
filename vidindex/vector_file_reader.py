"""Reading a file of vectors, see `vidindex.vector_files`: whoever wrote it, it may be damaged."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from vidindex.embedding import VECTOR_SIZE, Recipe, Sampling
from vidindex.errors import Refused
from vidindex.vector_files import COLUMNS, FORMAT, NO_NUMBER, VectorRecord

ROWS_AT_ONCE = 1024  # 8 MiB of vectors
MOST_ITEM_BYTES = 4 * 4096  # of a text; Linux has no longer path, and memory an end
_SINGLE = ("vidindex", "recipe", "fingerprint", "weights_name")
_HASH = re.compile("[0-9a-f]{64}")


class DamagedFile(Exception):
    """What the file holds is not what vidindex writes; the text says what."""


@dataclass(frozen=True)
class VectorBlock:
    """Some vectors, (m, 2048) float32, and m records."""

    records: tuple[VectorRecord, ...]
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class VectorFile:
    """A file of vectors that is open. count: of how many."""

    path: Path
    recipe: Recipe
    weights_name: str
    count: int
    _archive: zipfile.ZipFile

    def blocks(self) -> Iterator[VectorBlock]:
        """Give its vectors in their order, a block at a time.

        Raises:
            Refused: it is damaged, holds vectors or records that cannot be, or one content twice.
        """
        with _refusing(self.path), ExitStack() as stack:
            columns = {name: _Column(stack, self._archive, name) for name in [*COLUMNS, "vectors"]}
            hashes: set[bytes] = set()
            for start in range(0, self.count, ROWS_AT_ONCE):
                rows = min(ROWS_AT_ONCE, self.count - start)
                block = _to_block({name: each.read(rows) for name, each in columns.items()})
                hashes.update(record.blake3 for record in block.records)
                if len(hashes) != start + rows:
                    raise DamagedFile("one content is there twice")
                yield block
            for column in columns.values():
                column.end()


@contextmanager
def opened_vectors(path: Path) -> Iterator[VectorFile]:
    """Open a file of vectors; what does not fit together is found before its vectors are read.

    Raises:
        Refused: it cannot be read, is no such file, or one of a newer format.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a named pipe could wait for ever
            raise Refused(f"{path} is no file", "name an .npz that vidindex export wrote")
        stream = path.open("rb")
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}", "check its name") from error
    with stream, ExitStack() as stack:
        with _refusing(path):
            archive = stack.enter_context(zipfile.ZipFile(stream))
            file = _opened(path, archive)
        yield file


def _opened(path: Path, archive: zipfile.ZipFile) -> VectorFile:
    absent = {*_SINGLE, *COLUMNS, "vectors"} - {
        name.removesuffix(".npy") for name in archive.namelist()
    }
    if absent:
        raise DamagedFile(f"it has no {', '.join(sorted(absent))}")
    if _single(archive, "vidindex", "i") != FORMAT:
        raise DamagedFile(f"it is of another format than {FORMAT}, as of a newer vidindex")
    recipe = _to_recipe(json.loads(_single(archive, "recipe", "U")))
    if recipe.fingerprint.hex() != _single(archive, "fingerprint", "U"):
        raise DamagedFile("its recipe is not that of its fingerprint")
    with ExitStack() as stack:
        columns = {name: _Column(stack, archive, name) for name in [*COLUMNS, "vectors"]}
    count = columns["vectors"].shape[0] if columns["vectors"].shape else 0
    for name, column in columns.items():
        column.require(count, COLUMNS.get(name))
    weights_name = _single(archive, "weights_name", "U")
    return VectorFile(path, recipe, weights_name, count, archive)


class _Column:
    """An array of an archive that is read row by row."""

    def __init__(self, stack: ExitStack, archive: zipfile.ZipFile, name: str) -> None:
        self.name = name
        self._member: IO[bytes] = stack.enter_context(archive.open(f"{name}.npy"))
        version = np.lib.format.read_magic(self._member)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read is None:
            raise DamagedFile(f"{name} is of an unknown format")
        self.shape, is_fortran, self._dtype = read(self._member)
        if is_fortran or self._dtype.hasobject:
            raise DamagedFile(f"{name} holds Python objects, or is in Fortran's order")

    def require(self, count: int, kind: str | None) -> None:
        """Check type and shape. kind: None for the vectors."""
        expected = (count, VECTOR_SIZE) if kind is None else (count,)
        is_known = self._dtype == np.float32 if kind is None else self._dtype.kind == kind
        is_wide = self._dtype.itemsize > MOST_ITEM_BYTES
        if not is_known or is_wide or self.shape != expected:
            raise DamagedFile(f"{self.name} is {self._dtype} of shape {self.shape}")

    def read(self, rows: int) -> NDArray[Any]:
        """Return the next rows, or the one value of an array without a shape."""
        shape = (rows, *self.shape[1:]) if self.shape else ()
        size_bytes = self._dtype.itemsize * math.prod(shape)
        raw = self._member.read(size_bytes)
        if len(raw) != size_bytes:
            raise DamagedFile(f"{self.name} is cut short")
        return np.frombuffer(raw, self._dtype).reshape(shape)

    def end(self) -> None:
        """Check that there is no more; reading on makes zipfile compare its checksum."""
        if self._member.read(1):
            raise DamagedFile(f"{self.name} is longer than it says")


def _single(archive: zipfile.ZipFile, name: str, kind: str) -> Any:
    with ExitStack() as stack:
        column = _Column(stack, archive, name)
        if column.shape != ():
            raise DamagedFile(f"{name} is of shape {column.shape}")
        value = column.read(1)
        column.end()
    if value.dtype.kind != kind:
        raise DamagedFile(f"{name} is {value.dtype}")
    return value.item()


def _to_block(columns: Mapping[str, NDArray[Any]]) -> VectorBlock:
    vectors = np.asarray(columns["vectors"], np.float32)
    if not np.isfinite(vectors).all():
        raise DamagedFile("a vector holds numbers that are not finite")
    lists = [columns[name].tolist() for name in COLUMNS]
    rows = zip(*lists, strict=True)
    return VectorBlock(
        tuple(_to_record(dict(zip(COLUMNS, row, strict=True))) for row in rows), vectors
    )


def _to_record(row: dict[str, Any]) -> VectorRecord:
    if not _HASH.fullmatch(row["hashes"]):
        raise DamagedFile("a hash is none")
    is_sound = (
        row["precision"] in ("fp32", "bf16")
        and row["frame_count"] >= 1
        and row["size_bytes"] >= 0
        and all(row[name] == NO_NUMBER or row[name] >= 1 for name in ("width_px", "height_px"))
        and not math.isinf(row["duration_s"])
        and all(isinstance(row[name], datetime) for name in ("added_at", "created_at"))
    )
    if not is_sound:
        raise DamagedFile(f"what it says of {row['hashes']} cannot be")
    return VectorRecord(
        blake3=bytes.fromhex(row["hashes"]),
        path=row["path_bytes"],
        is_missing=row["is_missing"],
        size_bytes=row["size_bytes"],
        duration_s=None if math.isnan(row["duration_s"]) else row["duration_s"],
        width_px=None if row["width_px"] == NO_NUMBER else row["width_px"],
        height_px=None if row["height_px"] == NO_NUMBER else row["height_px"],
        codec=_text(row["codec"]),
        added_at=row["added_at"].replace(tzinfo=UTC),
        frame_count=row["frame_count"],
        precision=row["precision"],
        software=_text(row["software"]) or "",
        incomplete=_text(row["incomplete"]),
        created_at=row["created_at"].replace(tzinfo=UTC),
    )


def _text(value: str) -> str | None:
    value.encode()  # a text that no database can hold is a ValueError
    return value or None


def _to_recipe(parts: Any) -> Recipe:
    sampling = Sampling(**parts["sampling"])
    recipe = Recipe(**parts | {"weights_digest": bytes.fromhex(parts["weights_digest"])})
    recipe = dataclasses.replace(recipe, sampling=sampling)
    texts = (recipe.model, recipe.resize, recipe.pooling)
    is_sound = (
        len(recipe.weights_digest) == len(recipe.fingerprint)
        and all(isinstance(text, str) for text in texts)
        and sampling.mode in ("exact", "keyframe")
        and isinstance(sampling.skip_blank, bool)
        and isinstance(sampling.min_frames, int)
        and sampling.min_frames >= 1
        and isinstance(sampling.interval_s, float | int)
        and 0 < sampling.interval_s < math.inf
        and isinstance(recipe.version, int)
    )
    if not is_sound:
        raise DamagedFile("its recipe cannot be")
    return recipe


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn what reading a file of another kind, or a damaged one, gives into one error."""
    try:
        yield
    except DamagedFile as error:
        raise _unusable(path, str(error)) from error
    except zipfile.BadZipFile as error:
        raise _unusable(path, "it is no zip, or its bytes have changed") from error
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror or error}", "copy it again") from error
    # What numpy, zipfile, zlib and json say of bytes that they do not understand.
    except (
        ValueError,
        LookupError,
        TypeError,
        EOFError,
        RecursionError,
        OverflowError,
        NotImplementedError,
        RuntimeError,
        zlib.error,
    ) as error:
        raise _unusable(path, "its bytes have changed, or another program wrote it") from error


def _unusable(path: Path, why: str) -> Refused:
    return Refused(
        f"{path} is no file of vectors that can be used: {why}",
        "nothing was changed; vidindex export FILE.npz writes one; merge takes a library itself",
    )
