"""Stored projections: spaces of few dimensions in which clustering is quick."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from vidindex.db.models import Projection
from vidindex.embedding import VECTOR_SIZE


@dataclass(frozen=True)
class StoredProjection:
    """Principal components of a recipe's vectors, as they are normalized.

    center: (2048,) float32. components: (m, 2048) float32. video_count: of how many vectors.
    explained: the share of their variance, 0 to 1.
    """

    center: NDArray[np.float32]
    components: NDArray[np.float32]
    video_count: int
    explained: float
    software: str


def find_projection(session: Session, recipe_id: int, normalize: str) -> StoredProjection | None:
    """Return the projection of a recipe's vectors, if there is one."""
    row = session.execute(
        select(
            Projection.center,
            Projection.components,
            Projection.video_count,
            Projection.explained,
            Projection.software,
        ).where(Projection.recipe_id == recipe_id, Projection.normalize == normalize)
    ).one_or_none()
    if row is None:
        return None
    return StoredProjection(
        **row._asdict() | {"components": row.components.reshape(-1, VECTOR_SIZE)}
    )


def put_projection(
    session: Session, recipe_id: int, normalize: str, new: StoredProjection, *, now: datetime
) -> None:
    """Store a projection in place of the one before."""
    session.execute(
        delete(Projection).where(
            Projection.recipe_id == recipe_id, Projection.normalize == normalize
        )
    )
    session.execute(
        insert(Projection).values(
            recipe_id=recipe_id, normalize=normalize, created_at=now, **vars(new)
        )
    )
