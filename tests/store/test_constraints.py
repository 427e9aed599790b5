"""Every rule that the tables state is kept by the database itself."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    UniqueConstraint,
    delete,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.exc import IntegrityError

from tests.databases import make
from vidindex.db.base import Base
from vidindex.db.models import Assignment, Cluster, Clustering, Video

TABLES = Base.metadata.tables

# How a table's first row becomes another one that keeps all rules.
ANOTHER = {
    "videos": {"id": 99, "blake3": b"\x99" * 32},
    "files": {"id": 99, "path": Path("/another.mp4")},
    "weight_sources": {"source": "another"},
    "recipes": {"id": 99, "fingerprint": b"\x99" * 32},
    "embeddings": {"video_id": 4},
    "embedding_failures": {"video_id": 1},
    "decoding_attempts": {"blake3": b"\x99" * 32},
    "clusterings": {"id": 99},
    "clusters": {"label": 2},
    "assignments": {"video_id": 4},
    "pruned_folders": {"id": 99, "path": Path("/another")},
    "projections": {"normalize": "none"},
    "heads": {"weights_digest": b"\x99" * 32},
    "pins": {"video_id": 4},
    "separations": {"other_id": 4},
    "distinctions": {"other_id": 4},
    "thumbnails": {"position": 2},
    "library_maps": {"recipe_id": 98},
    "map_points": {"video_id": 4},
    "move_batches": {"id": 99},
    "moves": {"id": 99, "position": 1},
    "made_folders": {"id": 99, "path": Path("/another")},
}

SHORT, LONG = b"\x01" * 31, b"\x01" * 33
ONE_NUMBER_SHORT = np.zeros(2047, dtype=np.float32)
NOBODY = 999
VECTOR = np.zeros(2048, dtype=np.float32)
STANDARDISED = {"normalize": "standard", "shift": VECTOR, "scale": VECTOR}

# Changes to that other row, each of which breaks the rule named and no other.
BREACHES = [
    ("ck_videos_blake3_size", {"blake3": SHORT}),
    ("ck_videos_blake3_size", {"blake3": LONG}),
    ("ck_videos_size_bytes_at_least_0", {"size_bytes": -1}),
    ("uq_videos_blake3", {"blake3": make.HASHES[0]}),
    ("pk_videos", {"id": 1}),
    ("uq_files_path", {"path": make.SORTED_BEACH}),
    ("pk_files", {"id": 1}),
    ("ck_files_path_not_empty", {"path": literal(b"")}),
    ("ck_files_read_or_explained", {"video_id": None, "read_error": None}),
    ("fk_files_video_id_videos", {"video_id": NOBODY}),
    ("pk_weight_sources", {"source": "imagenet"}),
    ("ck_weight_sources_weights_digest_size", {"weights_digest": SHORT}),
    ("pk_recipes", {"id": 1}),
    ("uq_recipes_fingerprint", {"fingerprint": make.RECIPE.fingerprint}),
    ("ck_recipes_fingerprint_size", {"fingerprint": LONG}),
    ("ck_recipes_weights_digest_size", {"weights_digest": SHORT}),
    ("ck_recipes_sampling_known", {"sampling": "some"}),
    ("ck_recipes_interval_s_positive", {"interval_s": 0.0}),
    ("ck_recipes_min_frames_at_least_1", {"min_frames": 0}),
    ("ck_recipes_is_boolean", {"skip_blank": literal(2)}),
    ("pk_embeddings", {"video_id": 1}),
    ("fk_embeddings_recipe_id_recipes", {"recipe_id": NOBODY}),
    ("fk_embeddings_video_id_videos", {"video_id": NOBODY}),
    ("ck_embeddings_vector_size", {"vector": ONE_NUMBER_SHORT}),
    ("ck_embeddings_frame_count_at_least_1", {"frame_count": 0}),
    ("ck_embeddings_precision_known", {"precision": "fp16"}),
    ("pk_embedding_failures", {"video_id": 4}),
    ("fk_embedding_failures_recipe_id_recipes", {"recipe_id": NOBODY}),
    ("fk_embedding_failures_video_id_videos", {"video_id": NOBODY}),
    ("pk_decoding_attempts", {"blake3": make.BROKEN_HASH}),
    ("ck_decoding_attempts_blake3_size", {"blake3": SHORT}),
    ("ck_decoding_attempts_attempts_at_least_1", {"attempts": 0}),
    ("pk_clusterings", {"id": 1}),
    ("fk_clusterings_recipe_id_recipes", {"recipe_id": NOBODY}),
    ("ck_clusterings_k_at_least_1", {"k": 0}),
    ("ck_clusterings_n_init_at_least_1", {"n_init": 0}),
    ("ck_clusterings_seed_at_least_0", {"seed": -1}),
    ("ck_clusterings_normalize_known", {"normalize": "l1"}),
    ("ck_clusterings_algorithm_known", {"algorithm": "guess"}),
    ("ck_clusterings_input_digest_size", {"input_digest": SHORT}),
    ("ck_clusterings_shift_size", STANDARDISED | {"shift": ONE_NUMBER_SHORT}),
    ("ck_clusterings_scale_size", STANDARDISED | {"scale": ONE_NUMBER_SHORT}),
    ("ck_clusterings_standard_has_its_scale", {"normalize": "standard"}),
    ("ck_clusterings_standard_has_its_scale", STANDARDISED | {"normalize": "l2"}),
    ("fk_clusterings_previous_id_clusterings", {"previous_id": NOBODY}),
    ("pk_clusters", {"label": 0}),
    ("fk_clusters_clustering_id_clusterings", {"clustering_id": NOBODY}),
    ("ck_clusters_label_at_least_0", {"label": -1}),
    ("ck_clusters_size_at_least_1", {"size": 0}),
    ("ck_clusters_centroid_size", {"centroid": ONE_NUMBER_SHORT}),
    ("ck_clusters_name_source_known", {"name_source": "guess"}),
    ("ck_clusters_name_has_a_source", {"name": None}),
    ("ck_clusters_name_has_a_source", {"name_source": None}),
    ("pk_assignments", {"video_id": 1}),
    ("fk_assignments_clustering_id_label_clusters", {"label": 2}),
    ("fk_assignments_video_id_videos", {"video_id": NOBODY}),
    ("ck_assignments_distance_at_least_0", {"distance": -0.5}),
    ("ck_assignments_is_boolean", {"is_placed_later": literal(2)}),
    ("pk_projections", {"normalize": "l2"}),
    ("fk_projections_recipe_id_recipes", {"recipe_id": NOBODY}),
    ("ck_projections_normalize_known", {"normalize": "l1"}),
    ("ck_projections_center_size", {"center": ONE_NUMBER_SHORT}),
    ("ck_projections_components_size", {"components": ONE_NUMBER_SHORT}),
    ("ck_projections_video_count_at_least_1", {"video_count": 0}),
    ("pk_heads", {"weights_digest": make.RECIPE.weights_digest}),
    ("ck_heads_weights_digest_size", {"weights_digest": SHORT}),
    ("ck_heads_kernel_size", {"kernel": ONE_NUMBER_SHORT}),
    ("pk_pins", {"video_id": 1}),
    ("ck_pins_label_at_least_0", {"label": -1}),
    ("fk_pins_video_id_videos", {"video_id": NOBODY}),
    ("pk_separations", {"other_id": 3}),
    ("ck_separations_ordered", {"video_id": 4, "other_id": 1}),
    ("fk_separations_video_id_videos", {"video_id": 0}),
    ("fk_separations_other_id_videos", {"other_id": NOBODY}),
    ("pk_distinctions", {"other_id": 3}),
    ("ck_distinctions_ordered", {"video_id": 4, "other_id": 2}),
    ("fk_distinctions_video_id_videos", {"video_id": 0}),
    ("fk_distinctions_other_id_videos", {"other_id": NOBODY}),
    ("pk_thumbnails", {"position": 0}),
    ("fk_thumbnails_video_id_videos", {"video_id": NOBODY}),
    ("ck_thumbnails_position_at_least_0", {"position": -1}),
    ("ck_thumbnails_time_s_at_least_0", {"time_s": -0.5}),
    ("ck_thumbnails_width_px_at_least_1", {"width_px": 0}),
    ("ck_thumbnails_height_px_at_least_1", {"height_px": 0}),
    ("ck_thumbnails_jpeg_not_empty", {"jpeg": b""}),
    ("pk_library_maps", {"recipe_id": 1}),
    ("fk_library_maps_recipe_id_recipes", {"recipe_id": NOBODY}),
    ("ck_library_maps_video_count_at_least_1", {"video_count": 0}),
    ("pk_map_points", {"video_id": 1}),
    ("fk_map_points_recipe_id_library_maps", {"recipe_id": NOBODY}),
    ("fk_map_points_video_id_videos", {"video_id": NOBODY}),
    ("ck_map_points_x_on_the_map", {"x": 1.5}),
    ("ck_map_points_y_on_the_map", {"y": -0.5}),
    ("ck_map_points_is_boolean", {"is_placed_later": literal(2)}),
    ("pk_move_batches", {"id": 1}),
    ("ck_move_batches_kind_known", {"kind": "swap", "undoes_batch": 1}),
    ("ck_move_batches_state_known", {"state": "lost"}),
    ("ck_move_batches_names_what_it_undoes", {"kind": "undo"}),
    ("ck_move_batches_names_what_it_undoes", {"kind": "apply", "undoes_batch": 1}),
    ("fk_move_batches_undoes_batch_move_batches", {"kind": "undo", "undoes_batch": NOBODY}),
    ("ck_move_batches_mode_known", {"mode": "teleport"}),
    ("pk_pruned_folders", {"id": 1}),
    ("uq_pruned_folders_batch_id_path", {"path": make.VIDEOS / "empty"}),
    ("fk_pruned_folders_batch_id_move_batches", {"batch_id": NOBODY}),
    ("ck_moves_action_known", {"action": "swap"}),
    ("ck_moves_is_boolean", {"is_sidecar": literal(2)}),
    ("pk_moves", {"id": 1}),
    ("uq_moves_batch_id_position", {"position": 0}),
    ("fk_moves_batch_id_move_batches", {"batch_id": NOBODY}),
    ("fk_moves_undoes_move_moves", {"undoes_move": NOBODY}),
    ("ck_moves_state_known", {"state": "lost"}),
    ("ck_moves_blake3_size", {"blake3": SHORT}),
    ("ck_moves_goes_somewhere", {"source": make.BEACH, "target": make.BEACH}),
    ("pk_made_folders", {"id": 1}),
    ("uq_made_folders_batch_id_path", {"path": make.SORTED_BEACH.parent}),
    ("fk_made_folders_batch_id_move_batches", {"batch_id": NOBODY}),
]

CONSTRAINTS = {
    constraint.name: constraint for table in TABLES.values() for constraint in table.constraints
}


@pytest.fixture
def filled(filled):
    """A library with a row of everything, and a recipe that nothing refers to yet."""
    add_another(filled, TABLES["recipes"], id=98, fingerprint=b"\x98" * 32)
    return filled


def add_another(session, table, **changes):
    """Copy a table's first row, changed as needed and as given."""
    first = session.execute(select(table).order_by(*table.primary_key)).first()._mapping
    session.execute(insert(table).values({**first, **ANOTHER[table.name], **changes}))


def told(constraint):
    """What the database says when a rule is broken; SQLite does not name all of them."""
    if isinstance(constraint, CheckConstraint):
        return f"CHECK constraint failed: {constraint.name}"
    if isinstance(constraint, ForeignKeyConstraint):
        return "FOREIGN KEY constraint failed"
    columns = [f"{constraint.table.name}.{column.name}" for column in constraint.columns]
    return f"UNIQUE constraint failed: {', '.join(columns)}"


@pytest.mark.parametrize("table", TABLES.values(), ids=str)
def test_a_row_that_keeps_all_rules_is_taken(filled, table):
    before = filled.scalar(select(func.count()).select_from(table))

    add_another(filled, table)

    assert filled.scalar(select(func.count()).select_from(table)) == before + 1


@pytest.mark.parametrize(("name", "changes"), BREACHES, ids=[name for name, _ in BREACHES])
def test_a_row_that_breaks_a_rule_is_refused(filled, name, changes):
    constraint = CONSTRAINTS[name]

    with pytest.raises(IntegrityError) as refusal, filled.begin_nested():
        add_another(filled, constraint.table, **changes)

    assert told(constraint) in str(refusal.value.orig)


def test_each_rule_of_the_tables_has_a_row_that_breaks_it():
    kinds = (CheckConstraint, ForeignKeyConstraint, PrimaryKeyConstraint, UniqueConstraint)
    assert {name for name, rule in CONSTRAINTS.items() if isinstance(rule, kinds)} == {
        name for name, _ in BREACHES
    }


def is_numbered_by_sqlite(column):
    """Whether it is the whole key and a number: SQLite gives one where there is none."""
    return [*column.table.primary_key] == [column] and isinstance(column.type, Integer | BigInteger)


NEEDED = [
    column
    for table in TABLES.values()
    for column in table.columns
    if not column.nullable and not is_numbered_by_sqlite(column)
]


@pytest.mark.parametrize("column", NEEDED, ids=str)
def test_a_column_that_must_be_known_is_never_null(filled, column):
    with pytest.raises(IntegrityError, match=f"NOT NULL constraint failed: {column}"):
        add_another(filled, column.table, **{column.name: None})


def test_a_distance_that_is_not_a_number_is_refused(filled):
    with pytest.raises(IntegrityError, match=r"assignments\.distance"):
        add_another(filled, Assignment.__table__, distance=float("nan"))


def test_a_clustering_that_is_deleted_takes_its_clusters_and_labels_along(filled):
    filled.execute(delete(Clustering))

    assert filled.scalar(select(func.count()).select_from(Cluster)) == 0
    assert filled.scalar(select(func.count()).select_from(Assignment)) == 0
    assert filled.scalar(select(func.count()).select_from(Video)) == 4


@pytest.mark.parametrize("table", ["videos", "recipes", "move_batches"])
def test_a_row_that_others_need_is_not_deleted(filled, table):
    with pytest.raises(IntegrityError, match="FOREIGN KEY"), filled.begin_nested():
        filled.execute(delete(TABLES[table]))


def test_a_row_gets_a_number_that_none_had_before_it(filled):
    now = datetime(2026, 3, 2, tzinfo=UTC)
    values = {"blake3": b"\x77" * 32, "size_bytes": 1, "added_at": now}

    assert filled.execute(insert(Video).values(values).returning(Video.id)).scalar_one() == 5
