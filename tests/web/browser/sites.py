"""A library with pictures and videos that play, and a `vidindex serve` that shows it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from tests.cli.running import command_line, environment_in
from tests.clips import X264, Style, picture, pictures, write_clip
from tests.databases.make import NOON, RECIPE
from tests.generated import around, centers
from vidindex import Library, Settings
from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.embedding import VideoInfo
from vidindex.scanning import FileStat
from vidindex.store import embeddings, files, recipes, thumbnails, videos
from vidindex.store.embeddings import NewEmbedding
from vidindex.store.thumbnails import NewThumbnail

KINDS = {"beach": 5, "city": 4, "forest": 30}
PICTURES = 4
DEADLINE_S = 20


@dataclass(frozen=True)
class Site:
    """A library in a home, whose videos lie in home/in, and the link to the page that shows it."""

    home: Path
    library: Library
    link: str
    server: subprocess.Popen[bytes]

    def label_of(self, name: str) -> int | None:
        """Return the label of the file of a name, in the run in use."""
        rows = self.library.labels().rows
        return next(row.label for row in rows if row.stat.path.name == name)


def make_library(home: Path, kinds: Mapping[str, int] = KINDS) -> Library:
    """Put videos of some kinds into home/in and into a library; cluster them by their kinds."""
    library = fill_library(
        home,
        {
            f"{kind}{number:02}.mp4": vector
            for row, (kind, count) in enumerate(kinds.items())
            for number, vector in enumerate(around(centers(len(kinds))[row], count, seed=row))
        },
    )
    library.cluster(len(kinds))
    return library


def fill_library(
    home: Path, vectors: Mapping[str, NDArray[np.float32]], *, alike: int = 0
) -> Library:
    """Put a video that plays and its pictures into home/in and into a library, for each vector.

    alike: how many, the first ones, have the same pictures.
    """
    path = home / "library.db"
    if not path.exists():
        schema.create(path)
    clip = write_clip(home / "clip.mp4", pictures(20), Style(options=X264), fps=10).read_bytes()
    (home / "clip.mp4").unlink()
    with Database(path) as database, database.writing() as session:
        recipe = recipes.put_recipe(session, RECIPE, "imagenet", now=NOON)
        for number, (name, vector) in enumerate(vectors.items()):
            place = home / "in" / name
            place.parent.mkdir(exist_ok=True)
            content = clip + name.encode(errors="surrogateescape")  # each is another content
            place.write_bytes(content)
            hashed = blake3(content).digest()
            info = VideoInfo(2.0, 160, 120, "h264")
            video = videos.put_video(session, hashed, len(content), info, now=NOON)
            new = NewEmbedding(vector, 3, "fp32", "tensorflow 2.21.0")
            embeddings.put_embedding(session, recipe, video, new, now=NOON)
            stat = FileStat.of(place, place.lstat())
            files.put_file(session, stat, video_id=video, checked_at_ns=1)
            drawn = [_draw(max(0, number - alike + 1), at) for at in range(PICTURES)]
            thumbnails.put_thumbnails(session, video, drawn)
    return Library(path, Settings(weights="untrained"))


def _draw(number: int, position: int) -> NewThumbnail:
    drawn = cv2.cvtColor(picture(number + 20 * position, 240, 180), cv2.COLOR_RGB2BGR)
    _, jpeg = cv2.imencode(".jpg", drawn)
    return NewThumbnail(position / 2, 240, 180, jpeg.tobytes())


@contextmanager
def serving(library: Library, home: Path, *options: str) -> Iterator[Site]:
    """Run `vidindex serve` until the end."""
    server = subprocess.Popen(
        command_line("serve", "--db", library.path, *options),
        env=environment_in(home),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert server.stdout is not None
    try:
        link = server.stdout.readline().decode().strip()
        assert link.startswith("http://127.0.0.1:")
        yield Site(home, library, link, server)
    finally:
        server.terminate()
        server.wait(DEADLINE_S)
        server.stdout.close()
