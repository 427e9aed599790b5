"""Libraries that know many files, made without decoding or computing anything.

``python -m benchmarks.stocking LIBRARY FOLDER``. vidindex itself indexes the first file, with a
network and a decoder that do no work; all others get rows like those of the first, with vectors
of their own. The vectors are random, but as far as vidindex can tell ``--weights untrained`` made
them, so that nothing in the library is new to it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray
from sqlalchemy import Table, insert, select
from sqlalchemy.orm import DeclarativeBase, Session

from vidindex import Library, Settings
from vidindex.db import schema
from vidindex.db.models import Embedding, File, Video
from vidindex.embedding import VECTOR_SIZE, Precision, SampledVideo, Sampling, VideoInfo
from vidindex.scanning import FileStat
from vidindex.weight_values import load_values
from vidindex.weights import locate_weights

FILES_PER_FOLDER = 1000
ROWS_AT_ONCE = 5000
LONG_AGO_S = 1_600_000_000
BLACK = np.zeros((299, 299, 3), np.uint8)


class OneFrame(Iterator[NDArray[np.uint8]]):
    """The same black frame for every file."""

    def __init__(self) -> None:
        self._left = [BLACK]

    def __next__(self) -> NDArray[np.uint8]:
        if not self._left:
            raise StopIteration
        return self._left.pop()

    def close(self) -> None:
        """There is nothing to close."""


def read_nothing(path: Path, sampling: Sampling) -> SampledVideo:  # noqa: ARG001 - a FrameReader
    """Give one frame of any file, without opening it."""
    return SampledVideo(VideoInfo(5.0, 1280, 720, "h264"), OneFrame())


@dataclass
class IdleNetwork:
    """An embedder, and its own source, that computes nothing."""

    weights_digest: bytes
    key: str = "untrained:0"
    name: str = "untrained:0"
    precision: Precision = "fp32"
    software: str = "none"
    batch_size: int = 1

    def prepare(self) -> bytes:
        """Return the digest of the weights that are only claimed to be used."""
        return self.weights_digest

    def load_classifier(self) -> None:
        """Have none."""

    def load(self) -> IdleNetwork:
        """Return itself."""
        return self

    def embed(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Give the same vector for each frame."""
        return np.ones((len(frames), VECTOR_SIZE), np.float32)


def write_files(folder: Path, count: int) -> None:
    """Write tiny files of different content with the suffix of videos, a thousand in a folder."""
    for number in range(count):
        path = folder / f"{number // FILES_PER_FOLDER:04d}" / f"video_{number:06d}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % number)
        os.utime(path, (LONG_AGO_S, LONG_AGO_S))


def fill(library: Path, paths: list[Path]) -> None:
    """Make a library that knows these files, and has a vector of each."""
    network = IdleNetwork(load_values(locate_weights("untrained")).digest)
    settings = Settings(weights="untrained")
    Library(library, settings).index(paths[:1], source=network, read_frames=read_nothing)
    with schema.open_for_writing(library, print) as database:
        for start in range(1, len(paths), ROWS_AT_ONCE):
            with database.writing() as session:
                _add_like_the_first(session, paths[start : start + ROWS_AT_ONCE], start + 1)


def _add_like_the_first(session: Session, paths: list[Path], first_id: int) -> None:
    chance = np.random.default_rng(first_id)
    ids = range(first_id, first_id + len(paths))
    videos = [
        {"id": id_, "blake3": blake3(path.read_bytes()).digest()}
        for id_, path in zip(ids, paths, strict=True)
    ]
    vectors = [{"video_id": id_, "vector": chance.random(VECTOR_SIZE, np.float32)} for id_ in ids]
    files = [
        {"id": id_, "video_id": id_, **asdict(FileStat.of(path, path.lstat()))}
        for id_, path in zip(ids, paths, strict=True)
    ]
    for kind, rows in ((Video, videos), (Embedding, vectors), (File, files)):
        _insert(session, kind, rows)


def _insert(session: Session, kind: type[DeclarativeBase], rows: list[dict[str, object]]) -> None:
    """Add rows that are like the first one of their table but for the columns given."""
    table = kind.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{table} is no table")
    first = session.execute(select(table).limit(1)).mappings().one()
    session.execute(insert(table), [{**first, **row} for row in rows])


def main() -> None:
    """Fill a library."""
    library, folder = map(Path, sys.argv[1:])
    paths = sorted(folder.rglob("*.mp4"))
    fill(library, paths)
    print(json.dumps({"files": len(paths)}))


if __name__ == "__main__":
    main()
