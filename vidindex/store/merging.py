"""The rows of another library, attached as ``other``, that this one lacks: counted, and taken.

Each step says where such rows come from. It finds them by what is the same in every library, the
hash of a content and the fingerprint of a recipe, and so counts them before anything is written,
too. Every step leaves alone what is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

VIDEOS_AT_ONCE = 1024  # 8 MiB of vectors; SQLite puts what it inserts into a temporary file first


@dataclass(frozen=True)
class Step:
    """Rows to take into a table. columns: comma-separated; values: what they get, likewise.

    source: FROM and WHERE, of the rows that are lacking. is_large: taken some videos at a time.
    """

    table: str
    columns: str
    values: str
    source: str
    is_large: bool = False

    @property
    def counting(self) -> str:
        """The SQL that counts the rows."""
        return " ".join(["SELECT count(*)", self.source])

    @property
    def taking(self) -> str:
        """The SQL that inserts the rows."""
        parts = ["INSERT INTO", f"main.{self.table}", f"({self.columns})", "SELECT", self.values]
        return " ".join([*parts, self.source])


_VIDEO = """
    JOIN other.videos AS their_video ON their_video.id = theirs.video_id
    LEFT JOIN main.videos AS video ON video.blake3 = their_video.blake3"""
_RECIPE = """
    JOIN other.recipes AS their_recipe ON their_recipe.id = theirs.recipe_id
    LEFT JOIN main.recipes AS recipe ON recipe.fingerprint = their_recipe.fingerprint"""
# What was computed of all vectors of a recipe holds here only if here are no others.
_IS_WHOLE = "NOT EXISTS (SELECT 1 FROM main.embeddings AS any WHERE any.recipe_id = recipe.id)"
_PAIR = """
    JOIN other.videos AS their_one ON their_one.id = theirs.video_id
    JOIN other.videos AS their_two ON their_two.id = theirs.other_id
    LEFT JOIN main.videos AS one ON one.blake3 = their_one.blake3
    LEFT JOIN main.videos AS two ON two.blake3 = their_two.blake3"""


def _of_recipe_and_video(table: str, where: str) -> str:
    return f"""
    FROM other.{table} AS theirs {_VIDEO} {_RECIPE}
    LEFT JOIN main.{table} AS ours ON ours.recipe_id = recipe.id AND ours.video_id = video.id
    WHERE ours.video_id IS NULL AND {where}"""


def _pairs(table: str) -> Step:
    source = f"""
    FROM other.{table} AS theirs {_PAIR}
    LEFT JOIN main.{table} AS ours
        ON ours.video_id = min(one.id, two.id) AND ours.other_id = max(one.id, two.id)
    WHERE ours.video_id IS NULL"""
    values = "min(one.id, two.id), max(one.id, two.id), theirs.made_at"
    return Step(table, "video_id, other_id, made_at", values, source)


def _plain(table: str, key: str, columns: str) -> Step:
    """Build the step for a table whose rows refer to no others."""
    values = ", ".join(f"theirs.{column.strip()}" for column in columns.split(","))
    source = f"""
    FROM other.{table} AS theirs LEFT JOIN main.{table} AS ours ON ours.{key} = theirs.{key}
    WHERE ours.{key} IS NULL ORDER BY theirs.rowid"""
    return Step(table, columns, values, source)


RECIPES = _plain(
    "recipes",
    "fingerprint",
    "fingerprint, weights_digest, weights_name, model, interval_s, min_frames, sampling, "
    "skip_blank, resize, pooling, version, created_at",
)
VIDEOS = _plain(
    "videos", "blake3", "blake3, size_bytes, duration_s, width_px, height_px, codec, added_at"
)
WEIGHT_SOURCES = _plain("weight_sources", "source", "source, weights_digest")
HEADS = _plain("heads", "weights_digest", "weights_digest, kernel, bias, class_names")
VECTORS = Step(
    "embeddings",
    "recipe_id, video_id, vector, frame_count, precision, software, created_at, incomplete",
    "recipe.id, video.id, theirs.vector, theirs.frame_count, theirs.precision, theirs.software, "
    "theirs.created_at, theirs.incomplete",
    _of_recipe_and_video("embeddings", "true"),
    is_large=True,
)
FAILURES = Step(
    "embedding_failures",
    "recipe_id, video_id, reason, failed_at",
    "recipe.id, video.id, theirs.reason, theirs.failed_at",
    _of_recipe_and_video(
        "embedding_failures",
        "NOT EXISTS (SELECT 1 FROM main.embeddings AS made "
        "WHERE made.recipe_id = recipe.id AND made.video_id = video.id)",
    ),
)
THUMBNAILS = Step(
    "thumbnails",
    "video_id, position, time_s, width_px, height_px, jpeg",
    "video.id, theirs.position, theirs.time_s, theirs.width_px, theirs.height_px, theirs.jpeg",
    f"""
    FROM other.thumbnails AS theirs {_VIDEO}
    WHERE NOT EXISTS (SELECT 1 FROM main.thumbnails AS ours WHERE ours.video_id = video.id)""",  # noqa: S608 - of constants
    is_large=True,
)
PROJECTIONS = Step(
    "projections",
    "recipe_id, normalize, center, components, video_count, explained, software, created_at",
    "recipe.id, theirs.normalize, theirs.center, theirs.components, theirs.video_count, "
    "theirs.explained, theirs.software, theirs.created_at",
    f"""
    FROM other.projections AS theirs {_RECIPE}
    LEFT JOIN main.projections AS ours
        ON ours.recipe_id = recipe.id AND ours.normalize = theirs.normalize
    WHERE ours.recipe_id IS NULL AND {_IS_WHOLE}""",
)
MAP_POINTS = Step(
    "map_points",
    "recipe_id, video_id, x, y, is_placed_later",
    "recipe.id, video.id, theirs.x, theirs.y, theirs.is_placed_later",
    _of_recipe_and_video("map_points", _IS_WHOLE),
)
MAPS = Step(
    "library_maps",
    "recipe_id, video_count, software, created_at",
    "recipe.id, theirs.video_count, theirs.software, theirs.created_at",
    f"""
    FROM other.library_maps AS theirs {_RECIPE}
    LEFT JOIN main.library_maps AS ours ON ours.recipe_id = recipe.id
    WHERE ours.recipe_id IS NULL AND {_IS_WHOLE}""",
)
DISTINCTIONS = _pairs("distinctions")
SEPARATIONS = _pairs("separations")
PINS = Step(
    "pins",
    "video_id, label, made_at",
    "video.id, theirs.label, theirs.made_at",
    f"""
    FROM other.pins AS theirs {_VIDEO} LEFT JOIN main.pins AS ours ON ours.video_id = video.id
    WHERE ours.video_id IS NULL""",
)

_FILL_HEADERS = """
UPDATE main.videos SET (duration_s, width_px, height_px, codec) = (
    SELECT theirs.duration_s, theirs.width_px, theirs.height_px, theirs.codec
    FROM other.videos AS theirs WHERE theirs.blake3 = videos.blake3
)
WHERE codec IS NULL AND EXISTS (
    SELECT 1 FROM other.videos AS theirs
    WHERE theirs.blake3 = videos.blake3 AND theirs.codec IS NOT NULL
)"""
_FILL_CLASS_NAMES = """
UPDATE main.heads SET class_names = (
    SELECT theirs.class_names FROM other.heads AS theirs
    WHERE theirs.weights_digest = heads.weights_digest AND theirs.kernel = heads.kernel
        AND theirs.bias = heads.bias
)
WHERE class_names IS NULL"""
_SETTLE_FAILURES = " ".join(
    [
        "DELETE FROM main.embedding_failures WHERE (recipe_id, video_id) IN (",
        "SELECT recipe.id, video.id",
        VECTORS.source,
        ")",
    ]
)
_DIFFERENT = f"""
SELECT their_video.blake3, (
    SELECT path FROM main.files WHERE video_id = video.id ORDER BY path LIMIT 1
)
FROM other.embeddings AS theirs {_VIDEO} {_RECIPE}
JOIN main.embeddings AS ours ON ours.recipe_id = recipe.id AND ours.video_id = video.id
WHERE ours.vector != theirs.vector ORDER BY their_video.blake3"""  # noqa: S608 - of constants


def count_lacking(session: Session, step: Step) -> int:
    """Return how many rows a step would take."""
    return int(session.execute(text(step.counting)).scalar_one())


def count_vectors(session: Session) -> int:
    """Return how many vectors the other library has."""
    return int(session.execute(text("SELECT count(*) FROM other.embeddings")).scalar_one())


def list_different(session: Session) -> list[tuple[bytes, bytes | None]]:
    """Return hash, and the path of a file here, of contents with other vectors in each library."""
    return [(blake3, path) for blake3, path in session.execute(text(_DIFFERENT))]


def take_rows(session: Session, *, takes_pins: bool, advance: Callable[[int], None]) -> None:
    """Take all rows but those of runs and files. advance: told of videos whose vectors came."""
    for step in (RECIPES, VIDEOS, WEIGHT_SOURCES, HEADS):
        _take(session, step)
    session.execute(text(_FILL_HEADERS))
    session.execute(text(_FILL_CLASS_NAMES))
    # Before the vectors, which they are told apart by.
    for step in (PROJECTIONS, MAPS):
        _take(session, step)
    _take(session, MAP_POINTS)
    session.execute(text(_SETTLE_FAILURES))
    _take(session, FAILURES)
    _take(session, VECTORS, advance)
    for step in (THUMBNAILS, DISTINCTIONS, SEPARATIONS, *([PINS] if takes_pins else [])):
        _take(session, step)


def _take(session: Session, step: Step, advance: Callable[[int], None] = lambda _: None) -> None:
    if not step.is_large:
        session.execute(text(step.taking))
        return
    statement = text(f"{step.taking} AND theirs.video_id > :after AND theirs.video_id <= :last")
    for after, last in _ranges(session):
        taken = session.connection().execute(statement, {"after": after, "last": last})
        advance(taken.rowcount)


def _ranges(session: Session) -> Iterator[tuple[int, int]]:
    ids = [row.id for row in session.execute(text("SELECT id FROM other.videos ORDER BY id"))]
    ends = [*ids[VIDEOS_AT_ONCE - 1 :: VIDEOS_AT_ONCE], *ids[-1:]]
    return zip([0, *ends], ends, strict=False)
