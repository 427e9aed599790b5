"""The classes of a library's networks: stored once, and scored against what the library shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy.orm import Session

from vidindex import class_names
from vidindex.db.engine import Database
from vidindex.errors import Refused, WeightsError
from vidindex.store import embeddings, heads
from vidindex.store.embeddings import StoredMatrix
from vidindex.store.heads import StoredHead
from vidindex.store.recipes import StoredRecipe

if TYPE_CHECKING:
    from vidindex.classifier import Classifier


def keep_classifier(
    database: Database,
    weights_digest: bytes,
    load: Callable[[], Classifier | None],
    class_index: str,
    notice: Callable[[str], None],
) -> None:
    """Store the classifier of weights and the names of its classes, unless they are stored.

    load: reads it, called only if the library lacks it. class_index: a file of names that replaces
    those that are known; if empty, Keras's own is looked for while there are none.

    Raises:
        Refused: the file of names cannot be used.
    """
    with database.reading() as session:
        known = heads.find_classes(session, weights_digest)
    if known is not None and known.names is not None and not class_index:
        return
    classifier = None
    if known is None:
        try:
            classifier = load()
        except WeightsError as error:  # vectors do not depend on it
            notice(f"there will be no names for clusters: {error.message}")
    if known is None and classifier is None:
        return
    count = len(classifier.bias) if classifier is not None else known.count if known else 0
    names = find_class_names(class_index, count, notice)
    if classifier is not None:
        head = StoredHead(classifier.kernel, classifier.bias, names)
        with database.writing() as session:
            heads.put_head(session, weights_digest, head)
    elif names is not None and known is not None and names != known.names:
        with database.writing() as session:
            heads.name_classes(session, weights_digest, names)


def check_class_index(class_index: str) -> None:
    """Check that the file of class names that the settings name, if they do, can be read.

    Raises:
        Refused: it cannot.
    """
    if class_index:
        class_names.read_class_names(Path(class_index).expanduser())


def find_class_names(
    class_index: str, count: int, notice: Callable[[str], None]
) -> tuple[str, ...] | None:
    """Return the names of as many classes: of the file named, or else of Keras's own if it fits.

    Raises:
        Refused: the file named cannot be used, or has another number of names.
    """
    if class_index:
        path = Path(class_index).expanduser()
        names = class_names.read_class_names(path)
        if len(names) != count:
            raise Refused(
                f"{path} names {len(names)} classes, but the weights have {count}",
                "name the file that belongs to the weights",
            )
        return names
    published = class_names.find_published()
    if published is None:
        return None
    try:
        names = class_names.read_class_names(published)
    except Refused as error:
        notice(f"{error.message}; delete it, or name another with --class-index FILE")
        return None
    return names if len(names) == count else None


def load_sound(session: Session, recipe_id: int, scope: Path | None = None) -> StoredMatrix:
    """Load the vectors of a recipe, of videos below a folder if given, but those not finite."""
    matrix = embeddings.load_matrix(session, recipe_id, scope)
    is_sound = np.isfinite(matrix.vectors).all(axis=1)
    if is_sound.all():
        return matrix
    keep = np.flatnonzero(is_sound).tolist()
    return StoredMatrix(
        tuple(matrix.video_ids[row] for row in keep),
        tuple(matrix.hashes[row] for row in keep),
        matrix.vectors[keep],
    )


def require_class_names(session: Session, recipe: StoredRecipe) -> tuple[str, ...]:
    """Return the names of a recipe's classes.

    Raises:
        Refused: they are not known, and why.
    """
    classes = heads.find_classes(session, recipe.recipe.weights_digest)
    if classes is not None and classes.names is not None:
        return classes.names
    if classes is not None:
        where = "say which file has them"
        if recipe.weights_name == "imagenet":
            where = f"fetch {class_names.CLASS_INDEX.url}, then"
        raise Refused(
            f"the {classes.count} classes of the {recipe.weights_name} weights have no names yet",
            f"{where}: vidindex name --auto --class-index FILE",
        )
    if recipe.weights_name.startswith("untrained"):
        raise Refused(
            "untrained weights know no classes, so nothing can be named or searched by them",
            "index the videos with trained weights: vidindex index PATH --weights imagenet",
        )
    raise Refused(
        f"the library holds no classes of the {recipe.weights_name} weights: "
        "the file has no classifier on top, or was indexed before classes were stored",
        "index again with the same weights, or with a file that has its top",
    )
