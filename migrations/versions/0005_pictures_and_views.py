"""Pictures, a map, pairs that are no duplicates, and views for other programs.

A later revision that changes a table which a view reads must drop the views first, and make them
again: SQLite renames no table under a view.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _make_thumbnails()
    _make_maps()
    _make_distinctions()
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def _make_thumbnails() -> None:
    op.create_table(
        "thumbnails",
        sa.Column("video_id", INTEGER, nullable=False),
        sa.Column("position", INTEGER, nullable=False),
        sa.Column("time_s", sa.Float(), nullable=False),
        sa.Column("width_px", INTEGER, nullable=False),
        sa.Column("height_px", INTEGER, nullable=False),
        sa.Column("jpeg", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("position >= 0", name=op.f("ck_thumbnails_position_at_least_0")),
        sa.CheckConstraint("time_s >= 0", name=op.f("ck_thumbnails_time_s_at_least_0")),
        sa.CheckConstraint("width_px >= 1", name=op.f("ck_thumbnails_width_px_at_least_1")),
        sa.CheckConstraint("height_px >= 1", name=op.f("ck_thumbnails_height_px_at_least_1")),
        sa.CheckConstraint("length(jpeg) > 0", name=op.f("ck_thumbnails_jpeg_not_empty")),
        sa.ForeignKeyConstraint(
            ["video_id"], ["videos.id"], name=op.f("fk_thumbnails_video_id_videos")
        ),
        sa.PrimaryKeyConstraint("video_id", "position", name=op.f("pk_thumbnails")),
    )


def _make_maps() -> None:
    op.create_table(
        "library_maps",
        sa.Column("recipe_id", INTEGER, nullable=False),
        sa.Column("video_count", INTEGER, nullable=False),
        sa.Column("software", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("video_count >= 1", name=op.f("ck_library_maps_video_count_at_least_1")),
        sa.ForeignKeyConstraint(
            ["recipe_id"], ["recipes.id"], name=op.f("fk_library_maps_recipe_id_recipes")
        ),
        sa.PrimaryKeyConstraint("recipe_id", name=op.f("pk_library_maps")),
    )
    op.create_table(
        "map_points",
        sa.Column("recipe_id", INTEGER, nullable=False),
        sa.Column("video_id", INTEGER, nullable=False),
        sa.Column("x", sa.Float(), nullable=False),
        sa.Column("y", sa.Float(), nullable=False),
        sa.Column(
            "is_placed_later",
            sa.Boolean(create_constraint=True, name="is_boolean"),
            nullable=False,
        ),
        sa.CheckConstraint("x BETWEEN 0 AND 1", name=op.f("ck_map_points_x_on_the_map")),
        sa.CheckConstraint("y BETWEEN 0 AND 1", name=op.f("ck_map_points_y_on_the_map")),
        sa.ForeignKeyConstraint(
            ["recipe_id"],
            ["library_maps.recipe_id"],
            name=op.f("fk_map_points_recipe_id_library_maps"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["video_id"], ["videos.id"], name=op.f("fk_map_points_video_id_videos")
        ),
        sa.PrimaryKeyConstraint("recipe_id", "video_id", name=op.f("pk_map_points")),
    )
    op.create_index(op.f("ix_map_points_video_id"), "map_points", ["video_id"])


def _make_distinctions() -> None:
    op.create_table(
        "distinctions",
        sa.Column("video_id", INTEGER, nullable=False),
        sa.Column("other_id", INTEGER, nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("video_id < other_id", name=op.f("ck_distinctions_ordered")),
        sa.ForeignKeyConstraint(
            ["video_id"], ["videos.id"], name=op.f("fk_distinctions_video_id_videos")
        ),
        sa.ForeignKeyConstraint(
            ["other_id"], ["videos.id"], name=op.f("fk_distinctions_other_id_videos")
        ),
        sa.PrimaryKeyConstraint("video_id", "other_id", name=op.f("pk_distinctions")),
    )
    op.create_index(op.f("ix_distinctions_other_id"), "distinctions", ["other_id"])


LETTERS_AT_ONCE = 16  # a row of the recursion costs more than the letters that it handles


def _as_text(path: str) -> str:
    """Return the SQL for a path as text that every program can read.

    A path is stored as bytes, and need not be UTF-8. One that is not plain ASCII is put together
    again of its letters, which leaves UTF-8 as it is and turns anything else into text. Behind the
    last letter char() makes NULs, which substr() cuts off.
    """
    text = f"CAST({path} AS TEXT)"
    places = range(1, LETTERS_AT_ONCE + 1)
    letters = ", ".join(f"unicode(substr(remaining, {place}, 1))" for place in places)
    return f"""CASE WHEN {text} NOT GLOB '*[^' || char(1) || '-' || char(127) || ']*' THEN {text}
    ELSE (
        WITH RECURSIVE parts(done, remaining) AS (
            SELECT '', {text}
            UNION ALL
            SELECT
                done || substr(char({letters}), 1, length(remaining)),
                substr(remaining, {LETTERS_AT_ONCE + 1})
            FROM parts WHERE remaining != ''
        )
        SELECT done FROM parts WHERE remaining = ''
    ) END"""


IN_USE = (
    "(SELECT id FROM clusterings WHERE used_at IS NOT NULL ORDER BY used_at DESC, id DESC LIMIT 1)"
)

# A number that is reckoned has no type: it would not equal the text that a program asks with, as
# Datasette does, unless it is cast.
VIEWS = {
    # A content a row. path: of the first of its files, one that is there if any is.
    "v_videos": f"""
SELECT
    videos.id AS video,
    lower(hex(videos.blake3)) AS hash,
    {_as_text("files.path")} AS path,
    files.path AS path_bytes,
    CAST((SELECT count(*) FROM files AS place
     WHERE place.video_id = videos.id AND place.missing_since IS NULL) AS INTEGER) AS files,
    CAST(files.missing_since IS NOT NULL AS INTEGER) AS missing,
    videos.size_bytes,
    videos.duration_s,
    videos.width_px,
    videos.height_px,
    videos.codec,
    videos.added_at,
    CAST((SELECT count(*) FROM embeddings WHERE embeddings.video_id = videos.id) AS INTEGER)
        AS vectors,
    (SELECT reason FROM embedding_failures AS failure WHERE failure.video_id = videos.id
     ORDER BY failed_at DESC LIMIT 1) AS failure
FROM videos LEFT JOIN files ON files.id = (
    SELECT place.id FROM files AS place WHERE place.video_id = videos.id
    ORDER BY place.missing_since IS NOT NULL, place.path LIMIT 1
)""",
    # A file of a run a row.
    "v_labels": f"""
SELECT
    assignments.clustering_id AS run,
    CAST(assignments.clustering_id IS {IN_USE} AS INTEGER) AS in_use,
    assignments.label,
    clusters.name,
    assignments.distance,
    assignments.is_placed_later AS placed_later,
    videos.id AS video,
    lower(hex(videos.blake3)) AS hash,
    {_as_text("files.path")} AS path,
    files.path AS path_bytes
FROM assignments
JOIN videos ON videos.id = assignments.video_id
JOIN files ON files.video_id = videos.id AND files.missing_since IS NULL
LEFT JOIN clusters ON clusters.clustering_id = assignments.clustering_id
    AND clusters.label = assignments.label""",
    # A cluster of a run a row. videos: those that joined it later included.
    "v_clusters": f"""
SELECT
    clusters.clustering_id AS run,
    CAST(clusters.clustering_id IS {IN_USE} AS INTEGER) AS in_use,
    clusters.label,
    clusters.name,
    clusters.name_source,
    clusters.size,
    CAST((SELECT count(*) FROM assignments
     WHERE assignments.clustering_id = clusters.clustering_id
     AND assignments.label = clusters.label) AS INTEGER) AS videos,
    clusterings.algorithm,
    clusterings.k,
    clusterings.created_at
FROM clusters JOIN clusterings ON clusterings.id = clusters.clustering_id""",
    # A move of a batch a row.
    "v_moves": f"""
SELECT
    moves.id AS move,
    moves.batch_id AS batch,
    move_batches.kind,
    move_batches.mode,
    move_batches.started_at,
    move_batches.run,
    move_batches.undoes_batch,
    moves.position,
    moves.action,
    moves.is_sidecar AS sidecar,
    moves.state,
    moves.reason,
    lower(hex(moves.blake3)) AS hash,
    moves.size_bytes,
    {_as_text("moves.source")} AS source,
    {_as_text("moves.target")} AS target,
    moves.source AS source_bytes,
    moves.target AS target_bytes
FROM moves JOIN move_batches ON move_batches.id = moves.batch_id""",
}
