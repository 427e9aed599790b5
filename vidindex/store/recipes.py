"""Recipes, and which weight values the known weight sources hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from vidindex.db.models import Embedding, EmbeddingFailure, RecipeRow, WeightSource
from vidindex.embedding import Recipe, Sampling


@dataclass(frozen=True)
class StoredRecipe:
    """A recipe with its number in this library and how much was made by it."""

    id: int
    recipe: Recipe
    weights_name: str
    vectors: int
    failures: int

    @property
    def description(self) -> str:
        """Tell this recipe from others in a few words."""
        sampling = self.recipe.sampling
        words = [f"{self.weights_name} weights", f"a frame every {sampling.interval_s:g} s"]
        if sampling.min_frames > 1:
            words.append(f"at least {sampling.min_frames} frames")
        if sampling.mode == "keyframe":
            words.append("keyframes only")
        if not sampling.skip_blank:
            words.append("blank frames too")
        return ", ".join(words)


def find_recipe(session: Session, recipe: Recipe) -> int | None:
    """Return the number of a recipe."""
    return session.scalar(select(RecipeRow.id).where(RecipeRow.fingerprint == recipe.fingerprint))


def put_recipe(session: Session, recipe: Recipe, weights_name: str, *, now: datetime) -> int:
    """Return the number of a recipe, added if it is new."""
    known = find_recipe(session, recipe)
    if known is not None:
        return known
    row = insert(RecipeRow).values(
        fingerprint=recipe.fingerprint,
        weights_digest=recipe.weights_digest,
        weights_name=weights_name,
        model=recipe.model,
        interval_s=recipe.sampling.interval_s,
        min_frames=recipe.sampling.min_frames,
        sampling=recipe.sampling.mode,
        skip_blank=recipe.sampling.skip_blank,
        resize=recipe.resize,
        pooling=recipe.pooling,
        version=recipe.version,
        created_at=now,
    )
    return session.execute(row.returning(RecipeRow.id)).scalar_one()


def list_recipes(session: Session) -> list[StoredRecipe]:
    """Return all recipes in the order in which they came."""
    vectors = select(func.count()).where(Embedding.recipe_id == RecipeRow.id).scalar_subquery()
    failures = (
        select(func.count()).where(EmbeddingFailure.recipe_id == RecipeRow.id).scalar_subquery()
    )
    rows = session.execute(
        select(
            RecipeRow.id,
            RecipeRow.weights_digest,
            RecipeRow.weights_name,
            RecipeRow.model,
            RecipeRow.interval_s,
            RecipeRow.min_frames,
            RecipeRow.sampling,
            RecipeRow.skip_blank,
            RecipeRow.resize,
            RecipeRow.pooling,
            RecipeRow.version,
            vectors.label("vectors"),
            failures.label("failures"),
        ).order_by(RecipeRow.id)
    )
    return [
        StoredRecipe(
            row.id,
            Recipe(
                row.weights_digest,
                Sampling(
                    row.interval_s,
                    row.min_frames,
                    "keyframe" if row.sampling == "keyframe" else "exact",
                    row.skip_blank,
                ),
                row.model,
                row.resize,
                row.pooling,
                row.version,
            ),
            row.weights_name,
            row.vectors,
            row.failures,
        )
        for row in rows
    ]


def find_weights_digest(session: Session, source: str) -> bytes | None:
    """Return the digest of the weight values that a source was found to hold."""
    return session.scalar(select(WeightSource.weights_digest).where(WeightSource.source == source))


def put_weights_digest(session: Session, source: str, digest: bytes) -> None:
    """Remember the digest of a source's weight values."""
    if find_weights_digest(session, source) is None:
        session.execute(insert(WeightSource).values(source=source, weights_digest=digest))
