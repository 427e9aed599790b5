"""The runs of another library, attached as ``other``, and how they are taken into this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

_COLUMNS = (
    "algorithm, k, seed, n_init, normalize, input_digest, video_count, inertia, software, "
    "created_at, shift, scale, silhouette, stability"
)


@dataclass(frozen=True)
class TheirRun:
    """A run of the other library. scope: the bytes of a path there."""

    id: int
    scope: bytes | None
    previous_id: int | None


def list_their_runs(session: Session) -> list[TheirRun]:
    """Return the runs of the other library, the oldest first."""
    query = "SELECT id, scope, previous_id FROM other.clusterings ORDER BY id"
    return [TheirRun(*row) for row in session.execute(text(query))]


def find_equal_run(session: Session, run: int, scope: bytes | None) -> int | None:
    """Return the number that a run of the other library has here. scope: its folder here."""
    query = text(
        """
        SELECT ours.id FROM other.clusterings AS theirs
        JOIN other.recipes AS their_recipe ON their_recipe.id = theirs.recipe_id
        JOIN main.recipes AS recipe ON recipe.fingerprint = their_recipe.fingerprint
        JOIN main.clusterings AS ours ON ours.recipe_id = recipe.id
            AND ours.algorithm = theirs.algorithm AND ours.k = theirs.k AND ours.seed = theirs.seed
            AND ours.n_init = theirs.n_init AND ours.normalize = theirs.normalize
            AND ours.input_digest = theirs.input_digest AND ours.created_at = theirs.created_at
        WHERE theirs.id = :run AND ours.scope IS :scope
        """
    )
    number: int | None = session.scalar(query, {"run": run, "scope": scope})
    return number


def take_run(
    session: Session,
    run: TheirRun,
    *,
    scope: bytes | None,
    previous: int | None,
    keeps_use: bool,
) -> int:
    """Store a run of the other library, whose videos are all here; return its number here.

    scope, previous: what they are here. keeps_use: whether it stays as much in use as it was.
    """
    values = {"run": run.id, "scope": scope, "previous": previous, "keeps_use": keeps_use}
    number = session.execute(text(_TAKE_RUN), values).scalar_one()
    for statement in (_TAKE_CLUSTERS, _TAKE_ASSIGNMENTS):
        session.execute(text(statement), {"run": run.id, "number": number})
    return int(number)


def number_of_pins(session: Session) -> int:
    """Return how many videos are pinned in the other library."""
    return int(session.execute(text("SELECT count(*) FROM other.pins")).scalar_one())


def renumbered(previous: int | None, numbers: Mapping[int, int]) -> int | None:
    """Return the number here of the run before, if it is here."""
    return None if previous is None else numbers.get(previous)


_TAKE_RUN = f"""
INSERT INTO main.clusterings (recipe_id, scope, previous_id, used_at, {_COLUMNS})
SELECT recipe.id, :scope, :previous, CASE WHEN :keeps_use THEN theirs.used_at END,
    {", ".join(f"theirs.{column}" for column in _COLUMNS.split(", "))}
FROM other.clusterings AS theirs
JOIN other.recipes AS their_recipe ON their_recipe.id = theirs.recipe_id
JOIN main.recipes AS recipe ON recipe.fingerprint = their_recipe.fingerprint
WHERE theirs.id = :run RETURNING id"""  # noqa: S608 - of constants
_TAKE_CLUSTERS = """
INSERT INTO main.clusters
    (clustering_id, label, name, size, centroid, name_source, name_score)
SELECT :number, label, name, size, centroid, name_source, name_score
FROM other.clusters WHERE clustering_id = :run ORDER BY label"""
_TAKE_ASSIGNMENTS = """
INSERT INTO main.assignments (clustering_id, video_id, label, distance, is_placed_later)
SELECT :number, video.id, theirs.label, theirs.distance, theirs.is_placed_later
FROM other.assignments AS theirs
JOIN other.videos AS their_video ON their_video.id = theirs.video_id
JOIN main.videos AS video ON video.blake3 = their_video.blake3
WHERE theirs.clustering_id = :run"""
