"""The first schema: videos, files, recipes, embeddings, clusterings and the journal of moves."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# SQLite numbers rows by itself only where the key is an INTEGER; other databases need 64 bits.
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "move_batches",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("destination", sa.LargeBinary(), nullable=False),
        sa.Column("run", INTEGER, nullable=True),
        sa.Column("undoes_batch", INTEGER, nullable=True),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'apply') = (undoes_batch IS NULL)",
            name=op.f("ck_move_batches_names_what_it_undoes"),
        ),
        sa.CheckConstraint(
            "kind IN ('apply', 'undo', 'redo')", name=op.f("ck_move_batches_kind_known")
        ),
        sa.CheckConstraint(
            "state IN ('running', 'finished', 'partial')", name=op.f("ck_move_batches_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["undoes_batch"],
            ["move_batches.id"],
            name=op.f("fk_move_batches_undoes_batch_move_batches"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_move_batches")),
    )
    op.create_table(
        "recipes",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("weights_digest", sa.LargeBinary(), nullable=False),
        sa.Column("weights_name", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("interval_s", sa.Float(), nullable=False),
        sa.Column("min_frames", INTEGER, nullable=False),
        sa.Column("sampling", sa.String(), nullable=False),
        sa.Column(
            "skip_blank", sa.Boolean(create_constraint=True, name="is_boolean"), nullable=False
        ),
        sa.Column("resize", sa.String(), nullable=False),
        sa.Column("pooling", sa.String(), nullable=False),
        sa.Column("version", INTEGER, nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "sampling IN ('exact', 'keyframe')", name=op.f("ck_recipes_sampling_known")
        ),
        sa.CheckConstraint("interval_s > 0", name=op.f("ck_recipes_interval_s_positive")),
        sa.CheckConstraint("length(fingerprint) = 32", name=op.f("ck_recipes_fingerprint_size")),
        sa.CheckConstraint(
            "length(weights_digest) = 32", name=op.f("ck_recipes_weights_digest_size")
        ),
        sa.CheckConstraint("min_frames >= 1", name=op.f("ck_recipes_min_frames_at_least_1")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipes")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_recipes_fingerprint")),
    )
    op.create_table(
        "videos",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("blake3", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", INTEGER, nullable=False),
        sa.Column("duration_s", sa.Float(), nullable=True),
        sa.Column("width_px", INTEGER, nullable=True),
        sa.Column("height_px", INTEGER, nullable=True),
        sa.Column("codec", sa.String(), nullable=True),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("length(blake3) = 32", name=op.f("ck_videos_blake3_size")),
        sa.CheckConstraint("size_bytes >= 0", name=op.f("ck_videos_size_bytes_at_least_0")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_videos")),
        sa.UniqueConstraint("blake3", name=op.f("uq_videos_blake3")),
    )
    op.create_table(
        "weight_sources",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("weights_digest", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "length(weights_digest) = 32", name=op.f("ck_weight_sources_weights_digest_size")
        ),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_weight_sources")),
    )
    op.create_table(
        "clusterings",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("recipe_id", INTEGER, nullable=False),
        sa.Column("algorithm", sa.String(), nullable=False),
        sa.Column("k", INTEGER, nullable=False),
        sa.Column("seed", INTEGER, nullable=False),
        sa.Column("n_init", INTEGER, nullable=False),
        sa.Column("normalize", sa.String(), nullable=False),
        sa.Column("scope", sa.LargeBinary(), nullable=True),
        sa.Column("input_digest", sa.LargeBinary(), nullable=False),
        sa.Column("video_count", INTEGER, nullable=False),
        sa.Column("inertia", sa.Float(), nullable=False),
        sa.Column("software", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("algorithm IN ('kmeans')", name=op.f("ck_clusterings_algorithm_known")),
        sa.CheckConstraint(
            "normalize IN ('l2', 'none')", name=op.f("ck_clusterings_normalize_known")
        ),
        sa.CheckConstraint("k >= 1", name=op.f("ck_clusterings_k_at_least_1")),
        sa.CheckConstraint(
            "length(input_digest) = 32", name=op.f("ck_clusterings_input_digest_size")
        ),
        sa.CheckConstraint("n_init >= 1", name=op.f("ck_clusterings_n_init_at_least_1")),
        sa.CheckConstraint("seed >= 0", name=op.f("ck_clusterings_seed_at_least_0")),
        sa.ForeignKeyConstraint(
            ["recipe_id"], ["recipes.id"], name=op.f("fk_clusterings_recipe_id_recipes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clusterings")),
    )
    op.create_table(
        "embedding_failures",
        sa.Column("recipe_id", INTEGER, nullable=False),
        sa.Column("video_id", INTEGER, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("failed_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recipe_id"], ["recipes.id"], name=op.f("fk_embedding_failures_recipe_id_recipes")
        ),
        sa.ForeignKeyConstraint(
            ["video_id"], ["videos.id"], name=op.f("fk_embedding_failures_video_id_videos")
        ),
        sa.PrimaryKeyConstraint("recipe_id", "video_id", name=op.f("pk_embedding_failures")),
    )
    op.create_index(
        op.f("ix_embedding_failures_video_id"), "embedding_failures", ["video_id"], unique=False
    )
    op.create_table(
        "embeddings",
        sa.Column("recipe_id", INTEGER, nullable=False),
        sa.Column("video_id", INTEGER, nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("frame_count", INTEGER, nullable=False),
        sa.Column("precision", sa.String(), nullable=False),
        sa.Column("software", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "precision IN ('fp32', 'bf16')", name=op.f("ck_embeddings_precision_known")
        ),
        sa.CheckConstraint("frame_count >= 1", name=op.f("ck_embeddings_frame_count_at_least_1")),
        sa.CheckConstraint("length(vector) = 8192", name=op.f("ck_embeddings_vector_size")),
        sa.ForeignKeyConstraint(
            ["recipe_id"], ["recipes.id"], name=op.f("fk_embeddings_recipe_id_recipes")
        ),
        sa.ForeignKeyConstraint(
            ["video_id"], ["videos.id"], name=op.f("fk_embeddings_video_id_videos")
        ),
        sa.PrimaryKeyConstraint("recipe_id", "video_id", name=op.f("pk_embeddings")),
    )
    op.create_index(op.f("ix_embeddings_video_id"), "embeddings", ["video_id"], unique=False)
    op.create_table(
        "files",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("video_id", INTEGER, nullable=True),
        sa.Column("size_bytes", INTEGER, nullable=False),
        sa.Column("mtime_ns", INTEGER, nullable=False),
        sa.Column("device", INTEGER, nullable=False),
        sa.Column("inode", INTEGER, nullable=False),
        sa.Column("checked_at_ns", INTEGER, nullable=False),
        sa.Column("missing_since", sa.DateTime(), nullable=True),
        sa.Column("read_error", sa.String(), nullable=True),
        sa.CheckConstraint("length(path) > 0", name=op.f("ck_files_path_not_empty")),
        sa.CheckConstraint(
            "video_id IS NOT NULL OR read_error IS NOT NULL",
            name=op.f("ck_files_read_or_explained"),
        ),
        sa.ForeignKeyConstraint(["video_id"], ["videos.id"], name=op.f("fk_files_video_id_videos")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
        sa.UniqueConstraint("path", name=op.f("uq_files_path")),
    )
    op.create_index(op.f("ix_files_video_id"), "files", ["video_id"], unique=False)
    op.create_table(
        "made_folders",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("batch_id", INTEGER, nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["move_batches.id"], name=op.f("fk_made_folders_batch_id_move_batches")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_made_folders")),
        sa.UniqueConstraint("batch_id", "path", name=op.f("uq_made_folders_batch_id_path")),
    )
    op.create_table(
        "moves",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("batch_id", INTEGER, nullable=False),
        sa.Column("position", INTEGER, nullable=False),
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("target", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", INTEGER, nullable=False),
        sa.Column("mtime_ns", INTEGER, nullable=False),
        sa.Column("device", INTEGER, nullable=False),
        sa.Column("inode", INTEGER, nullable=False),
        sa.Column("blake3", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("undoes_move", INTEGER, nullable=True),
        sa.CheckConstraint(
            "state IN ('planned', 'started', 'copied', 'done', 'both', 'skipped', 'failed')",
            name=op.f("ck_moves_state_known"),
        ),
        sa.CheckConstraint("length(blake3) = 32", name=op.f("ck_moves_blake3_size")),
        sa.CheckConstraint("source != target", name=op.f("ck_moves_goes_somewhere")),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["move_batches.id"], name=op.f("fk_moves_batch_id_move_batches")
        ),
        sa.ForeignKeyConstraint(
            ["undoes_move"], ["moves.id"], name=op.f("fk_moves_undoes_move_moves")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moves")),
        sa.UniqueConstraint("batch_id", "position", name=op.f("uq_moves_batch_id_position")),
    )
    op.create_index(op.f("ix_moves_undoes_move"), "moves", ["undoes_move"], unique=False)
    op.create_table(
        "clusters",
        sa.Column("clustering_id", INTEGER, nullable=False),
        sa.Column("label", INTEGER, nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("size", INTEGER, nullable=False),
        sa.Column("centroid", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("label >= 0", name=op.f("ck_clusters_label_at_least_0")),
        sa.CheckConstraint("length(centroid) = 8192", name=op.f("ck_clusters_centroid_size")),
        sa.CheckConstraint("size >= 1", name=op.f("ck_clusters_size_at_least_1")),
        sa.ForeignKeyConstraint(
            ["clustering_id"],
            ["clusterings.id"],
            name=op.f("fk_clusters_clustering_id_clusterings"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("clustering_id", "label", name=op.f("pk_clusters")),
    )
    op.create_table(
        "assignments",
        sa.Column("clustering_id", INTEGER, nullable=False),
        sa.Column("video_id", INTEGER, nullable=False),
        sa.Column("label", INTEGER, nullable=False),
        sa.Column("distance", sa.Float(), nullable=False),
        sa.CheckConstraint("distance >= 0", name=op.f("ck_assignments_distance_at_least_0")),
        sa.ForeignKeyConstraint(
            ["clustering_id", "label"],
            ["clusters.clustering_id", "clusters.label"],
            name=op.f("fk_assignments_clustering_id_label_clusters"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["video_id"], ["videos.id"], name=op.f("fk_assignments_video_id_videos")
        ),
        sa.PrimaryKeyConstraint("clustering_id", "video_id", name=op.f("pk_assignments")),
    )
    op.create_index(op.f("ix_assignments_video_id"), "assignments", ["video_id"], unique=False)
