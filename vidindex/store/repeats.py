"""Runs that were made in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from vidindex.db.models import Clustering


@dataclass(frozen=True)
class Repeat:
    """How a run is made, but for the vectors. scope: only files below this folder, or None."""

    recipe_id: int
    algorithm: str
    k: int
    seed: int
    n_init: int
    normalize: str
    scope: Path | None


def list_equal(session: Session, wanted: Repeat) -> list[tuple[int, bytes]]:
    """Return the runs that were made so, the newest first, and the digest of what each was of."""
    rows = session.execute(
        select(Clustering.id, Clustering.input_digest)
        .where(
            Clustering.recipe_id == wanted.recipe_id,
            Clustering.algorithm == wanted.algorithm,
            Clustering.k == wanted.k,
            Clustering.seed == wanted.seed,
            Clustering.n_init == wanted.n_init,
            Clustering.normalize == wanted.normalize,
            Clustering.scope.is_(None)
            if wanted.scope is None
            else Clustering.scope == wanted.scope,
        )
        .order_by(Clustering.id.desc())
    )
    return [(run, digest) for run, digest in rows]
