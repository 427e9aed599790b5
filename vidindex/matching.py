"""Find the videos that are most like one: of the library, or of a file that it does not know.

Such a file is described as the library's videos are, and nothing of it is stored. Only then is
the network loaded and a decoder started.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.embedding import EmbedderSource, FrameReader, SampledVideo, VideoInfo
from vidindex.errors import ItemError, Refused, UsageError
from vidindex.hashing import confirm, hash_file
from vidindex.paths import resolve
from vidindex.pooling import MeanPooler
from vidindex.querying import choose_recipe, find_video_or_number
from vidindex.reporting import Reporter
from vidindex.scanning import FileStat
from vidindex.spaces import CHUNK_ROWS, find_cosines
from vidindex.store import embeddings, files, galleries, videos
from vidindex.store.recipes import StoredRecipe

NEAREST_AT_LEAST = 256  # of so many the cosine is exact; fewer than one block of vectors
ASKED = b"asked"  # the one video in the pool


@dataclass(frozen=True)
class SimilarRequest:
    """What is looked for. video: a path, the beginning of a hash, or a video's number.

    top: rows at most. least: the lowest cosine. recipe: whose vectors, if the library has several
    recipes.
    """

    video: str | int
    top: int = 10
    least: float | None = None
    recipe: int | None = None


@dataclass(frozen=True)
class DescribingTools:
    """What a file that the library does not know is described with.

    find_source: given the name of a recipe's weights, returns a network.
    """

    find_source: Callable[[str], EmbedderSource]
    read_frames: FrameReader
    reporter: Reporter


@dataclass(frozen=True)
class SimilarFile:
    """A file that is like the one asked for. is_exact: it is of the very same content."""

    path: Path
    video_id: int
    blake3: bytes
    info: VideoInfo | None
    cosine: float
    is_exact: bool


@dataclass(frozen=True)
class SimilarAnswer:
    """The exact copies of what was asked for, then a file of each other video, the likest first.

    blake3: of what was asked for; is_stored: whether the library has this content's vector.
    found: how many rows there would be without a limit to their number.
    """

    recipe: int
    blake3: bytes
    is_stored: bool
    found: int
    rows: tuple[SimilarFile, ...]


@dataclass(frozen=True, eq=False)
class _Asked:
    """What was asked for. path: its place, or None. vector: None if the library has none of it.

    stat: of a file that was hashed just now, at checked_at_ns or later.
    """

    path: Path | None
    blake3: bytes
    vector: NDArray[np.float32] | None
    stat: FileStat | None = None
    checked_at_ns: int = 0


def find_similar(library: Path, request: SimilarRequest, tools: DescribingTools) -> SimilarAnswer:
    """Find the videos that are most like one, by the cosines of their vectors.

    No transaction is open while a file is read.

    Raises:
        UsageError: fewer than one row is asked for, or the least cosine is none.
        Refused: the video is neither known nor a file that can be described in the same way.
    """
    if request.top < 1:
        raise UsageError(f"--top must be at least 1, not {request.top}", "leave it out: 10")
    if request.least is not None and not -1 <= request.least <= 1:
        raise UsageError(f"a cosine is from -1 to 1, not {request.least:g}", "for example: 0.9")
    with schema.open_for_reading(library) as database:
        with database.reading() as session:
            recipe = choose_recipe(session, request.recipe)
            outside = _find_outside(session, request.video)
            if outside is None:
                asked = _find_known(session, recipe, request.video)
                outside = asked.path if asked.vector is None else None
        if outside is not None:
            asked = _hash(database, recipe, outside)
        vector = _describe(asked, recipe, tools) if asked.vector is None else asked.vector
        if not np.isfinite(vector).all():
            message = f"the stored vector of the video {asked.blake3.hex()[:12]} is damaged"
            raise Refused(message, "vidindex db check tells more")
        with database.reading() as session:
            return _rank(session, recipe, asked, vector, request)


def _find_outside(session: Session, video: str | int) -> Path | None:
    """Return the path of a file that the library does not know; None if it is no such one."""
    if isinstance(video, int):
        return None
    path = resolve(video)
    known = files.find_file(session, Path(video).absolute()) or files.find_file(session, path)
    return path if known is None and path.is_file() else None


def _find_known(session: Session, recipe: StoredRecipe, given: str | int) -> _Asked:
    video = find_video_or_number(session, given)
    place = files.find_place(session, video.blake3)
    if isinstance(given, str):
        places = {file.stat.path for file in files.list_files(session, video_id=video.id)}
        named = places & {Path(given).absolute(), resolve(given)}
        place = next(iter(named), place)
    return _Asked(place, video.blake3, _read_vector(session, recipe, video.id))


def _read_vector(
    session: Session, recipe: StoredRecipe, video_id: int
) -> NDArray[np.float32] | None:
    known = embeddings.list_vectors_of(session, video_id)
    if recipe.id not in {vector.recipe_id for vector in known}:
        return None
    (block,) = embeddings.read_vectors(session, recipe.id, [video_id], 1)
    vector: NDArray[np.float32] = block[0]
    return vector


def _hash(database: Database, recipe: StoredRecipe, path: Path) -> _Asked:
    """Look whether the library knows the content of a file that it does not know."""
    checked_at_ns = time.time_ns()
    with _explaining(path):
        stat, blake3 = hash_file(path)
    with database.reading() as session:
        same = videos.find_videos(session, blake3.hex())
        vector = _read_vector(session, recipe, same[0].id) if same else None
    return _Asked(path, blake3, vector, stat, checked_at_ns)


def _describe(asked: _Asked, recipe: StoredRecipe, tools: DescribingTools) -> NDArray[np.float32]:
    """Make the vector of a file that the library has none of, as the recipe does: (2048,)."""
    if asked.path is None or asked.stat is None:
        short = asked.blake3.hex()[:12]
        raise Refused(f"there is no vector and no file of {short}", "vidindex show tells more")
    source = tools.find_source(recipe.weights_name)
    if source.prepare() != recipe.recipe.weights_digest:
        raise Refused(
            f"{asked.path} must be described by recipe {recipe.id} ({recipe.description}), "
            f"and {source.name} are other weights",
            "name the weights with --weights",
        )
    tools.reporter.notice(
        f"{asked.path} has no vector in the library; it is described by recipe {recipe.id}, "
        "and not stored"
    )
    with _explaining(asked.path):
        video = tools.read_frames(asked.path, recipe.recipe.sampling)
        vector = _embed(video, source)
        confirm(asked.stat, asked.blake3, asked.checked_at_ns)
    incomplete = video.why_incomplete()
    if incomplete is not None:
        tools.reporter.notice(f"{asked.path} is described in part: {incomplete}")
    return vector


def _embed(video: SampledVideo, source: EmbedderSource) -> NDArray[np.float32]:
    """Return the mean of the frames' features; the network is loaded while frames are decoded."""
    pooler = MeanPooler(source.load)
    try:
        for frame in video.frames:
            pooler.add(ASKED, frame)
        pooler.complete(ASKED)
        while not (done := pooler.take_done()):
            pooler.wait()
    finally:
        pooler.close()
    return done[0].vector


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    """Let what is wrong with the one file end the command: nothing else is to be done."""
    try:
        yield
    except ItemError as error:
        named = error.message if str(path) in error.message else f"{path}: {error.message}"
        raise Refused(named, error.hint) from error


def _rank(
    session: Session,
    recipe: StoredRecipe,
    asked: _Asked,
    vector: NDArray[np.float32],
    request: SimilarRequest,
) -> SimilarAnswer:
    known = dict(embeddings.list_embedded(session, recipe.id))
    cosines = _find_cosines(session, recipe, list(known), vector)
    least = -1.0 if request.least is None else request.least
    copies = _list_copies(session, asked)
    found = [
        (video_id, cosine)
        for video_id, cosine in cosines.items()
        if cosine >= least and known[video_id] != asked.blake3
    ]
    found.sort(key=lambda row: -row[1])
    chosen = dict(found[: max(0, request.top - len(copies))])
    contents = galleries.find_contents(session, list(chosen))
    places = galleries.find_places(session, list(chosen))
    others = [
        SimilarFile(
            *(places[video_id].stat.path, video_id, known[video_id]),
            *(contents[video_id].info, cosine),
            is_exact=False,
        )
        for video_id, cosine in chosen.items()
    ]
    return SimilarAnswer(
        recipe.id,
        asked.blake3,
        asked.vector is not None,
        len(copies) + len(found),
        (*copies[: request.top], *others),
    )


def _find_cosines(
    session: Session, recipe: StoredRecipe, video_ids: list[int], vector: NDArray[np.float32]
) -> dict[int, float]:
    """Return the cosine of each video, those of the nearest with an error of 1e-15.

    A network that was never trained tells videos apart by the fifth digit of it.
    """
    blocks = embeddings.read_vectors(session, recipe.id, video_ids, CHUNK_ROWS)
    cosines = [find_cosines(block, vector) for block in blocks]
    rough = np.concatenate([np.empty(0, np.float32), *cosines]).astype(np.float64)
    near = np.argsort(-rough, kind="stable")[:NEAREST_AT_LEAST].tolist()
    again = embeddings.read_vectors(
        session, recipe.id, [video_ids[row] for row in near], CHUNK_ROWS
    )
    for block in again:
        rough[near] = find_cosines(block.astype(np.float64), vector.astype(np.float64))
    return dict(zip(video_ids, rough.tolist(), strict=True))


def _list_copies(session: Session, asked: _Asked) -> list[SimilarFile]:
    """Return the present files of the very content that was asked for, but for that one file."""
    return [
        SimilarFile(file.stat.path, video.id, video.blake3, video.info, 1.0, is_exact=True)
        for video in videos.find_videos(session, asked.blake3.hex())
        for file in files.list_files(session, video_id=video.id)
        if file.missing_since is None and file.stat.path != asked.path
    ]
