"""The folders that a user arranged by hand, as classes of videos."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from vidindex.blocks import Points
from vidindex.config import Normalize, Settings
from vidindex.errors import ItemError, Refused
from vidindex.reporting import Problem
from vidindex.scanning import FileStat, scan
from vidindex.spaces import Space
from vidindex.store import embeddings, files
from vidindex.store.embeddings import StoredMatrix
from vidindex.store.files import StoredFile


@dataclass(frozen=True)
class Arranged:
    """The classes of a folder: each of its subfolders, with all videos at any depth below it.

    names: m, of the subfolders, sorted by their bytes. matrix: n videos by content hash; classes:
    (n,) theirs, from 0 to m - 1. problems: files that are left out, and why. loose: how many lie in
    the folder itself.
    """

    names: tuple[str, ...]
    matrix: StoredMatrix
    classes: NDArray[np.intp]
    problems: tuple[Problem, ...]
    loose: int


def find_arranged(
    session: Session,
    folder: Path,
    recipe: int,
    settings: Settings,
    *,
    excluded: Path | None = None,
) -> Arranged:
    """Return the classes of a folder, from what is indexed of it.

    excluded: a folder below it that is no part of them.

    Raises:
        Refused: it is not a folder, or no subfolder has a video with a vector.
    """
    if not folder.is_dir():
        raise Refused(f"{folder} is not a folder", "name the folder that holds the subfolders")
    known = _present(session, folder, excluded)
    inside = [file for file in known if file.stat.path.parent != folder]
    found: dict[int, set[str]] = {}
    for file in inside:
        if file.video_id is not None:
            found.setdefault(file.video_id, set()).add(_class_of(file.stat.path, folder))
    matrix = _select(load_usable(session, recipe, folder), found)
    names = tuple(sorted({min(found[video]) for video in matrix.video_ids}, key=_sort_key))
    if not names:
        raise Refused(
            f"no folder in {folder} has an indexed video",
            f"sort some by hand into folders of it, then: vidindex index {folder}",
        )
    problems = [
        *list_unindexed(folder, known, settings, excluded=excluded, below=True),
        *_list_unusable(inside, matrix, found),
    ]
    number = {name: place for place, name in enumerate(names)}
    classes = np.array([number[min(found[video])] for video in matrix.video_ids], dtype=np.intp)
    return Arranged(names, matrix, classes, tuple(problems), len(known) - len(inside))


def list_unindexed(
    folder: Path,
    known: Iterable[StoredFile],
    settings: Settings,
    *,
    excluded: Path | None = None,
    below: bool = False,
) -> list[Problem]:
    """Return a problem for each video file of a folder that is not among the known ones.

    below: not for those in the folder itself.
    """
    paths = {file.stat.path for file in known}
    error = ItemError("it is not indexed", "index it: vidindex index PATH")
    return [
        Problem.of(entry.path, error)
        for entry in scan([folder], frozenset(settings.suffixes))
        if isinstance(entry, FileStat)
        and entry.path not in paths
        and not (below and entry.path.parent == folder)
        and not (excluded and entry.path.is_relative_to(excluded))
    ]


def load_usable(session: Session, recipe: int, folder: Path) -> StoredMatrix:
    """Load the vectors of videos with a file at or below a folder, but those not finite."""
    matrix = embeddings.load_matrix(session, recipe, folder)
    is_finite = np.isfinite(matrix.vectors).all(axis=1)
    return matrix if is_finite.all() else _take(matrix, np.flatnonzero(is_finite).tolist())


def find_space(vectors: NDArray[np.float32], normalize: Normalize) -> Space:
    """Return the space in which vectors, (n, 2048) float32, are compared."""
    if normalize != "standard":
        return Space(normalize)
    from vidindex import gathering  # it loads scikit-learn

    return gathering.find_space(Points.of(vectors), normalize)


def no_vector(path: Path) -> Problem:
    """Return the problem that a file's content has no usable vector."""
    return Problem.of(path, ItemError("it has no usable vector", "vidindex failures says why"))


def _present(session: Session, folder: Path, excluded: Path | None) -> list[StoredFile]:
    return [
        file
        for file in files.list_files(session, folder)
        if file.missing_since is None and not (excluded and file.stat.path.is_relative_to(excluded))
    ]


def _class_of(path: Path, folder: Path) -> str:
    return path.relative_to(folder).parts[0]


def _sort_key(name: str) -> bytes:
    return name.encode(errors="surrogateescape")


def _select(matrix: StoredMatrix, found: dict[int, set[str]]) -> StoredMatrix:
    """Return the rows of the videos that were found in just one folder."""
    return _take(
        matrix,
        [row for row, video in enumerate(matrix.video_ids) if len(found.get(video, ())) == 1],
    )


def _take(matrix: StoredMatrix, rows: list[int]) -> StoredMatrix:
    return StoredMatrix(
        tuple(matrix.video_ids[row] for row in rows),
        tuple(matrix.hashes[row] for row in rows),
        matrix.vectors[rows],
    )


def _list_unusable(
    inside: Iterable[StoredFile], matrix: StoredMatrix, found: dict[int, set[str]]
) -> list[Problem]:
    """Return a problem for each file that is in no class, though it lies in a subfolder."""
    usable = {*matrix.video_ids}
    problems = []
    for file in inside:
        folders = found.get(file.video_id or 0, set())
        if len(folders) > 1:
            listed = " and ".join(sorted(folders))
            error = ItemError(f"its content lies in {listed}", "keep it in one of them")
            problems.append(Problem.of(file.stat.path, error))
        elif file.video_id not in usable:
            problems.append(no_vector(file.stat.path))
    return problems
