"""The classifiers on top of the networks, stored once for each of their weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from vidindex.db.models import Head
from vidindex.embedding import VECTOR_SIZE

_NUMBER_BYTES = 4


@dataclass(frozen=True)
class StoredHead:
    """logits = vector @ kernel + bias. kernel: (2048, c) float32. bias: (c,) float32.

    class_names: c words, or None while they are not known.
    """

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    class_names: tuple[str, ...] | None


@dataclass(frozen=True)
class StoredClasses:
    """The classes of a head: how many, and their names, or None while they are not known."""

    count: int
    names: tuple[str, ...] | None


def find_head(session: Session, weights_digest: bytes) -> StoredHead | None:
    """Return the head that belongs to the weights of this digest, if it is stored."""
    row = session.execute(
        select(Head.kernel, Head.bias, Head.class_names).where(
            Head.weights_digest == weights_digest
        )
    ).one_or_none()
    if row is None:
        return None
    return StoredHead(row.kernel.reshape(VECTOR_SIZE, -1), row.bias, _split(row.class_names))


def find_classes(session: Session, weights_digest: bytes) -> StoredClasses | None:
    """Return the classes of the head of these weights, if it is stored. Reads no kernel."""
    row = session.execute(
        select(func.length(Head.bias), Head.class_names).where(
            Head.weights_digest == weights_digest
        )
    ).one_or_none()
    if row is None:
        return None
    size_bytes, class_names = row
    return StoredClasses(size_bytes // _NUMBER_BYTES, _split(class_names))


def put_head(session: Session, weights_digest: bytes, head: StoredHead) -> None:
    """Store the head of a network."""
    session.execute(
        insert(Head).values(
            weights_digest=weights_digest,
            kernel=head.kernel,
            bias=head.bias,
            class_names=_joined(head.class_names),
        )
    )


def name_classes(session: Session, weights_digest: bytes, class_names: Sequence[str]) -> None:
    """Store what the classes of a head are called, in order."""
    session.execute(
        update(Head)
        .where(Head.weights_digest == weights_digest)
        .values(class_names=_joined(class_names))
    )


def _split(class_names: str | None) -> tuple[str, ...] | None:
    return None if class_names is None else tuple(class_names.split("\n"))


def _joined(class_names: Sequence[str] | None) -> str | None:
    return None if class_names is None else "\n".join(class_names)
