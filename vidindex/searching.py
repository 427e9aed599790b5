"""Find videos by what they show, from stored vectors: by the network's classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from vidindex import naming
from vidindex.class_names import match_classes, near_names
from vidindex.classifying import require_class_names
from vidindex.db import schema
from vidindex.errors import Refused, UsageError
from vidindex.naming import LEAST_SCORE
from vidindex.querying import choose_recipe, choose_run, require_label
from vidindex.spaces import CHUNK_ROWS
from vidindex.store import clusterings, embeddings, files, heads
from vidindex.store.recipes import StoredRecipe


@dataclass(frozen=True)
class SearchRequest:
    """What is looked for. words: all of them must be in a class's name.

    limit: rows at most. least: the lowest score that counts; LEAST_SCORE by default. label: only
    this cluster of the run in use. recipe: whose vectors, if the library has several recipes.
    """

    words: tuple[str, ...]
    limit: int = 20
    least: float | None = None
    label: int | None = None
    recipe: int | None = None


@dataclass(frozen=True)
class Hit:
    """A video: one of its files, and the class that fits it best of those that match."""

    path: Path
    blake3: bytes
    score: float
    class_name: str


@dataclass(frozen=True)
class SearchAnswer:
    """The classes that match, and the videos that show them, the best first.

    found: how many videos score enough, of which rows are the first.
    """

    classes: tuple[str, ...]
    found: int
    rows: tuple[Hit, ...]


def search(library: Path, request: SearchRequest) -> SearchAnswer:
    """Rank videos by the classes whose names hold the words.

    Raises:
        UsageError: no word, or a limit below 1.
        Refused: no class is called so, or the library knows no classes.
    """
    if request.limit < 1:
        raise UsageError(f"the limit must be at least 1, not {request.limit}", "leave it out: 20")
    if not any(word.strip() for word in request.words):
        raise UsageError("there is no word to search for", "for example: vidindex search seashore")
    with schema.open_for_reading(library) as database, database.reading() as session:
        recipe = _choose_recipe(session, request)
        names = require_class_names(session, recipe)
        classes = match_classes(request.words, names)
        if not classes:
            raise _unknown(request.words, names)
        known = embeddings.list_embedded(session, recipe.id)
        wanted = _rows_of_label(session, request, [video_id for video_id, _ in known])
        scores = _score(session, recipe, [video_id for video_id, _ in known], classes)[wanted]
        paths = files.find_paths(session)
    matched = tuple(names[place] for place in classes)
    best = scores.argmax(axis=1)
    highest = scores.max(axis=1)
    order = np.argsort(-highest, kind="stable")
    least = LEAST_SCORE if request.least is None else request.least
    order = order[highest[order] >= least]
    rows = []
    for place in order[: request.limit].tolist():
        video_id, blake3 = known[wanted[place]]
        rows.append(Hit(paths[video_id], blake3, float(highest[place]), matched[best[place]]))
    return SearchAnswer(matched, len(order), tuple(rows))


def _score(
    session: Session, recipe: StoredRecipe, video_ids: Sequence[int], classes: Sequence[int]
) -> NDArray[np.float32]:
    """Return the scores of videos in some classes, (n, classes); -inf for a damaged vector."""
    head = heads.find_head(session, recipe.recipe.weights_digest)
    if head is None or head.class_names is None:
        raise ValueError("a search by classes that are not stored")
    columns = head.kernel[:, classes]
    products = [np.empty((0, len(classes)), np.float32)]

    def read() -> Iterator[NDArray[np.float32]]:
        for block in embeddings.read_vectors(session, recipe.id, video_ids, CHUNK_ROWS):
            with np.errstate(all="ignore"):
                products.append(block @ columns)
            yield block

    summary = naming.summarize(read(), np.zeros(len(video_ids), np.intp))
    if summary is None:
        return np.full((len(video_ids), len(classes)), -np.inf, np.float32)
    scorer = naming.measure(head.kernel, head.class_names, summary)
    scores = scorer.lift(np.concatenate(products), classes)
    return np.where(np.isfinite(scores), scores, np.float32(-np.inf))


def _choose_recipe(session: Session, request: SearchRequest) -> StoredRecipe:
    """A label is one of the run in use, and so are the vectors."""
    if request.label is None or request.recipe is not None:
        return choose_recipe(session, request.recipe)
    return choose_recipe(session, choose_run(session, None).recipe_id)


def _rows_of_label(session: Session, request: SearchRequest, video_ids: Sequence[int]) -> list[int]:
    if request.label is None:
        return list(range(len(video_ids)))
    run = choose_run(session, None)
    require_label(session, run, request.label)
    labels = clusterings.load_labels(session, run.id)
    return [row for row, each in enumerate(video_ids) if labels.get(each) == request.label]


def _unknown(words: Sequence[str], names: Sequence[str]) -> Refused:
    asked = " ".join(words)
    near = near_names(words, names)
    hint = f"did you mean {', '.join(near)}?" if near else "try a plainer or more general word"
    return Refused(f"no class is called {asked!r}", hint)
