"""Find files of one content, and videos that are versions of each other. Only reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from sqlalchemy.orm import Session

from vidindex import near_pairs
from vidindex.best_copies import Star, count_saveable, gather_stars, quality
from vidindex.db import schema
from vidindex.embedding import VECTOR_SIZE, VideoInfo
from vidindex.errors import ChangedError, UsageError
from vidindex.hashing import stat_file
from vidindex.near_pairs import Limits, Traits
from vidindex.querying import choose_recipe
from vidindex.reporting import Problem
from vidindex.spaces import CHUNK_ROWS
from vidindex.store import distinctions, embeddings, files, thumbnails, videos
from vidindex.store.files import StoredFile
from vidindex.store.videos import StoredVideo
from vidindex.weighing import weigh

# What is near, in gaps by the library's spread (see near_pairs.py). Measured on re-encodings of
# 154 clips of 15 cameras: versions of a clip are at 0.09 at most by two untrained networks, while
# thousands of pairs of clips of one camera are nearer than that, whatever the network. Pictures
# tell these apart without a mistake, so where there are some the gap may be large, for networks
# that look closer. Without pictures it must be so small that half of the versions are missed.
NEAR_WITH_PICTURES = 0.3
NEAR_WITHOUT = 0.001
# In a library of fewer videos, which may all be versions of one, the spread says nothing: there the
# pictures alone tell.
LEAST_FOR_SPREAD = 100

DuplicateKind = Literal["exact", "near"]


@dataclass(frozen=True)
class DuplicatesRequest:
    """Which duplicates are looked for.

    within: only among the files at or below this folder. exact_only: only files of one content.
    least: the lowest cosine of near videos; by the library's spread, if None. recipe: whose
    vectors, if the library has several recipes.
    """

    within: Path | None = None
    exact_only: bool = False
    least: float | None = None
    recipe: int | None = None


@dataclass(frozen=True)
class DuplicateFile:
    """A file of a group. cosine: of its video to the best one; None in an exact group."""

    file_id: int
    path: Path
    mtime_ns: int
    video_id: int
    blake3: bytes
    size_bytes: int
    info: VideoInfo | None
    is_best: bool
    cosine: float | None


@dataclass(frozen=True)
class DuplicateGroup:
    """Files that are copies: of one content, or of near ones, one file of each. The best first.

    saveable_bytes: what all but the best take.
    """

    kind: DuplicateKind
    files: tuple[DuplicateFile, ...]
    saveable_bytes: int


@dataclass(frozen=True)
class DuplicatesAnswer:
    """The exact groups, then the near ones, of each kind the one that saves most first.

    recipe, spread: whose vectors were compared, and their mean 1 - cosine; None if none were.
    unpictured: how many of those videos have no thumbnails, so that fewer copies of them are
    found. unclear: of how many the duration is not known, or the vector damaged: they are compared
    with none.
    """

    groups: tuple[DuplicateGroup, ...]
    recipe: int | None
    spread: float | None
    unpictured: int
    unclear: int

    @property
    def saveable_bytes(self) -> int:
        """What all files but the best of each group take."""
        return sum(group.saveable_bytes for group in self.groups)


@dataclass(frozen=True)
class _Copies:
    """The present files of a content, the best first."""

    video: StoredVideo
    files: tuple[StoredFile, ...]

    @property
    def rank(self) -> tuple[int, float, int, Path]:
        best = self.files[0].stat
        return quality(self.video.info, self.video.size_bytes, best.mtime_ns, best.path)

    def show(self, file: StoredFile, *, is_best: bool, cosine: float | None) -> DuplicateFile:
        return DuplicateFile(
            file_id=file.id,
            path=file.stat.path,
            mtime_ns=file.stat.mtime_ns,
            video_id=self.video.id,
            blake3=self.video.blake3,
            size_bytes=self.video.size_bytes,
            info=self.video.info,
            is_best=is_best,
            cosine=cosine,
        )


@dataclass(frozen=True, eq=False)
class _Material:
    """What near videos are found by: contents from the best to the worst, and of each the rest."""

    recipe: int
    contents: tuple[_Copies, ...]
    sketches: near_pairs.Sketches
    traits: Traits
    distinct: tuple[tuple[int, int], ...]


def find_duplicates(library: Path, request: DuplicatesRequest) -> DuplicatesAnswer:
    """Find the duplicates among the files that are present.

    No transaction is open while pairs are compared.

    Raises:
        UsageError: the least cosine is none.
        Refused: there are no vectors, or of several recipes.
    """
    if request.least is not None and not -1 <= request.least <= 1:
        raise UsageError(f"a cosine is from -1 to 1, not {request.least:g}", "for example: 0.98")
    with schema.open_for_reading(library) as database:
        with database.reading() as session:
            contents = _list_contents(session, request.within)
            exact = [_exact_group(each) for each in contents if len(each.files) > 1]
            if request.exact_only:
                return DuplicatesAnswer(_in_order(exact), None, None, 0, 0)
            material = _read_material(session, contents, request.recipe)
        ids = [copies.video.id for copies in material.contents]
        limits = _find_limits(material, request.least)
        pairs = near_pairs.find_candidates(material.sketches, material.traits, limits)
        near = weigh(database, material.recipe, ids, pairs, limits)
    groups = [_near_group(material, star) for star in gather_stars(near, material.distinct)]
    is_unclear = ~material.sketches.is_sound | np.isnan(material.traits.durations_s)
    return DuplicatesAnswer(
        (*_in_order(exact), *_in_order(groups)),
        material.recipe,
        material.sketches.spread,
        int((~material.traits.has_pictures).sum()),
        int(is_unclear.sum()),
    )


def list_lesser(groups: Iterable[DuplicateGroup]) -> tuple[list[Path], list[Problem]]:
    """Return the files that are not the best of their groups, each once, and what speaks against.

    Left out is what is not as the library knows it: a lesser file that was changed, and all of a
    group whose best one is gone or was changed.
    """
    lesser: dict[Path, None] = {}
    problems = []
    for group in groups:
        best, *others = group.files
        if not _is_unchanged(best):
            problems.append(_changed(best, "its copies are not listed"))
            continue
        for file in others:
            if _is_unchanged(file):
                lesser[file.path] = None
            else:
                problems.append(_changed(file, "it is not listed"))
    return list(lesser), problems


def _is_unchanged(file: DuplicateFile) -> bool:
    try:
        stat = stat_file(file.path)
    except ChangedError:
        return False
    return (stat.size_bytes, stat.mtime_ns) == (file.size_bytes, file.mtime_ns)


def _changed(file: DuplicateFile, consequence: str) -> Problem:
    message = f"it is gone or was changed since it was indexed; {consequence}"
    return Problem(file.path, ChangedError.code, message, "index its folder again")


def _list_contents(session: Session, within: Path | None) -> list[_Copies]:
    """Return all contents that have a file which can be read, the best first."""
    places: dict[int, list[StoredFile]] = {}
    for file in files.list_files(session, within):
        is_there = file.missing_since is None and file.read_error is None
        if is_there and file.video_id is not None:
            places.setdefault(file.video_id, []).append(file)
    known = {video.id: video for video in videos.find_videos(session, "")}
    contents = [
        _Copies(
            known[video_id],
            tuple(sorted(found, key=lambda file: (file.stat.mtime_ns, file.stat.path))),
        )
        for video_id, found in places.items()
    ]
    return sorted(contents, key=lambda copies: copies.rank)


def _read_material(session: Session, contents: list[_Copies], wanted: int | None) -> _Material:
    recipe = choose_recipe(session, wanted).id
    embedded = {video_id for video_id, _ in embeddings.list_embedded(session, recipe)}
    compared = tuple(copies for copies in contents if copies.video.id in embedded)
    sketcher = near_pairs.Sketcher(VECTOR_SIZE)
    ids = [copies.video.id for copies in compared]
    for block in embeddings.read_vectors(session, recipe, ids, CHUNK_ROWS):
        sketcher.add(block)
    place_of = {video_id: place for place, video_id in enumerate(ids)}
    distinct = tuple(
        (place_of[one], place_of[other])
        for one, other in distinctions.list_distinctions(session)
        if one in place_of and other in place_of
    )
    return _Material(recipe, compared, sketcher.finish(), _read_traits(session, compared), distinct)


def _read_traits(session: Session, contents: Sequence[_Copies]) -> Traits:
    pictured = thumbnails.count_of_videos(session)
    infos = [copies.video.info for copies in contents]
    known_s = [None if info is None else info.duration_s for info in infos]
    return Traits(
        np.array([np.nan if each_s is None else each_s for each_s in known_s], np.float64),
        np.array([copies.video.id in pictured for copies in contents], np.bool_),
    )


def _find_limits(material: _Material, least: float | None) -> Limits:
    if least is not None:
        return Limits(1 - least, 1 - least)
    spread = material.sketches.spread
    has_spread = len(material.contents) >= LEAST_FOR_SPREAD
    return Limits(NEAR_WITH_PICTURES * spread if has_spread else np.inf, NEAR_WITHOUT * spread)


def _exact_group(copies: _Copies) -> DuplicateGroup:
    return DuplicateGroup(
        "exact",
        tuple(
            copies.show(file, is_best=place == 0, cosine=None)
            for place, file in enumerate(copies.files)
        ),
        count_saveable(
            copies.video.size_bytes, [(file.stat.device, file.stat.inode) for file in copies.files]
        ),
    )


def _near_group(material: _Material, star: Star) -> DuplicateGroup:
    best = material.contents[star.best]
    others = [(material.contents[place], star.others[place]) for place in sorted(star.others)]
    return DuplicateGroup(
        "near",
        (
            best.show(best.files[0], is_best=True, cosine=1.0),
            *(each.show(each.files[0], is_best=False, cosine=cosine) for each, cosine in others),
        ),
        sum(each.video.size_bytes for each, _ in others),
    )


def _in_order(groups: list[DuplicateGroup]) -> tuple[DuplicateGroup, ...]:
    return tuple(sorted(groups, key=lambda group: (-group.saveable_bytes, group.files[0].path)))
