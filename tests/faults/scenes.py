"""Files that a library has sorted into clusters, made in a moment: no video and no network."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from blake3 import blake3

from tests.databases.make import NOON, RECIPE
from tests.faults.running import dump
from tests.faults.trees import Tree, contents, contents_of, fingerprint, parts
from tests.generated import INFO, centers
from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.scanning import FileStat
from vidindex.store import clusterings, embeddings, files, recipes, videos
from vidindex.store.clusterings import NewClustering
from vidindex.store.embeddings import NewEmbedding

LATIN = Path(os.fsdecode(b"caf\xe9.mkv"))  # no UTF-8


@dataclass(frozen=True)
class Scene:
    """Folders, and the library that knows their files. source, out: where they lie, and go."""

    library: Path
    source: Path
    out: Path

    @property
    def roots(self) -> tuple[Path, ...]:
        """All folders that a move may touch."""
        return self.source, self.out

    def tree(self) -> dict[bytes, Any]:
        return fingerprint(*self.roots)

    def contents(self) -> Counter[bytes]:
        return contents(*self.roots)

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        return dump(self.library)

    def assert_settled(self, *, is_mounted_anew: bool = False) -> None:
        """Check that the library is whole and finds each file, and that no move is half-done.

        is_mounted_anew: the disks may have got other numbers since.
        """
        schema.check(self.library)
        assert parts(*self.roots) == []
        for path, size, mtime_ns, device, inode, digest in known_files(self.library):
            assert os.path.lexists(path), path
            now = os.lstat(path)
            assert (size, mtime_ns, inode) == (now.st_size, now.st_mtime_ns, now.st_ino), path
            assert is_mounted_anew or device == now.st_dev, path
            assert blake3(Path(os.fsdecode(path)).read_bytes()).digest() == digest
        half_done = states(self.library).keys() & {"started", "copied", "both"}
        assert not half_done, half_done

    def assert_holds(self, tree: Tree, names: int) -> None:
        """Check how often each content is there: as in the starting tree.

        names: how many more each sorted file and its sidecars have, as copies or links.
        """
        stayed = {b"nobody moves this"}
        expected = contents_of(tree)
        for content in expected.keys() - stayed:
            expected[content] += names
        assert self.contents() == expected


def known_files(library: Path) -> list[tuple[Any, ...]]:
    """Return path, size, time, device, inode and content of each file that a library finds."""
    query = """SELECT path, files.size_bytes, mtime_ns, device, inode, blake3
               FROM files JOIN videos ON videos.id = video_id WHERE missing_since IS NULL"""
    with closing(sqlite3.connect(library)) as raw:
        return raw.execute(query).fetchall()


def states(library: Path) -> Counter[str]:
    """Count the moves of all batches by their state."""
    with closing(sqlite3.connect(library)) as raw:
        return Counter(state for (state,) in raw.execute("SELECT state FROM moves"))


def put_library(library: Path, labels: Mapping[Path, int], empty: Path) -> None:
    """Make a library that knows some files, in a clustering by their labels.

    empty: a library without anything, made if need be, as that takes longest.
    """
    if not empty.exists():
        schema.create(empty)
    shutil.rmtree(library.with_name(library.name + ".moves"), ignore_errors=True)
    library.with_name(library.name + "-journal").unlink(missing_ok=True)
    shutil.copyfile(empty, library)
    clusters = sorted(set(labels.values()))
    vectors = centers(max(clusters) + 1)
    with Database(library) as database, database.writing() as session:
        recipe = recipes.put_recipe(session, RECIPE, "imagenet", now=NOON)
        known: dict[bytes, int] = {}
        label_of: dict[int, int] = {}
        for path, label in labels.items():
            stat = FileStat.of(path, path.lstat())
            hashed = blake3(path.read_bytes()).digest()
            if hashed not in known:
                video = videos.put_video(session, hashed, stat.size_bytes, INFO, now=NOON)
                embedding = NewEmbedding(vectors[label], 3, "fp32", "tensorflow 2.21.0")
                embeddings.put_embedding(session, recipe, video, embedding, now=NOON)
                known[hashed] = video
                label_of[video] = label
            files.put_file(session, stat, video_id=known[hashed], checked_at_ns=1)
        run = NewClustering(
            recipe_id=recipe,
            k=len(clusters),
            seed=42,
            n_init=10,
            normalize="l2",
            scope=None,
            input_digest=bytes(32),
            inertia=0.25,
            software="scikit-learn 1.9.0",
            video_ids=tuple(label_of),
            labels=np.array(list(label_of.values())),
            distances=np.zeros(len(label_of)),
            cluster_labels=np.array(clusters),
            centroids=vectors[clusters],
        )
        clusterings.put_clustering(session, run, now=NOON)


def make_scene(library: Path, source: Path, out: Path, empty: Path) -> Scene:
    """Make three videos of which two share a name and one is no UTF-8, and a subtitle."""
    for folder in (source, out):
        shutil.rmtree(folder, ignore_errors=True)
    (source / "deep").mkdir(parents=True)
    (source / "left").mkdir(mode=0o700)
    labels = {source / "a.mp4": 0, source / "deep/a.mp4": 0, source / "left" / LATIN: 1}
    for number, path in enumerate(labels):
        path.write_bytes(b"the content of %d" % number * 9)
        path.chmod(0o640 + number)
        os.utime(path, ns=(1_500_000_000_000_000_007, 1_500_000_000_000_000_008 + number))
    os.setxattr(source / "a.mp4", "user.note", b"mine \xff")
    (source / "deep/a.en.srt").write_bytes(b"what is said")
    (source / "notes.txt").write_bytes(b"nobody moves this")
    (source / "deep").chmod(0o750)
    put_library(library, labels, empty)
    return Scene(library, source, out)
