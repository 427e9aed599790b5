"""Clusterings that build on one another, names for them, and the user's own order."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _widen_clusterings()
    _widen_clusters()
    _make_projections_and_heads()
    _make_wishes()


def _widen_clusterings() -> None:
    with op.batch_alter_table("clusterings") as table:
        table.drop_constraint(op.f("ck_clusterings_algorithm_known"), type_="check")
        table.drop_constraint(op.f("ck_clusterings_normalize_known"), type_="check")
        table.add_column(sa.Column("shift", sa.LargeBinary(), nullable=True))
        table.add_column(sa.Column("scale", sa.LargeBinary(), nullable=True))
        table.add_column(sa.Column("silhouette", sa.Float(), nullable=True))
        table.add_column(sa.Column("stability", sa.Float(), nullable=True))
        table.add_column(sa.Column("previous_id", INTEGER, nullable=True))
        table.add_column(sa.Column("used_at", sa.DateTime(), nullable=True))
        table.create_check_constraint(
            op.f("ck_clusterings_algorithm_known"),
            "algorithm IN ('kmeans', 'bisecting', 'agglomerative', 'hdbscan', 'folders')",
        )
        table.create_check_constraint(
            op.f("ck_clusterings_normalize_known"), "normalize IN ('l2', 'none', 'standard')"
        )
        table.create_check_constraint(
            op.f("ck_clusterings_standard_has_its_scale"),
            "(normalize = 'standard') = (shift IS NOT NULL AND scale IS NOT NULL)",
        )
        table.create_check_constraint(op.f("ck_clusterings_shift_size"), "length(shift) = 8192")
        table.create_check_constraint(op.f("ck_clusterings_scale_size"), "length(scale) = 8192")
        table.create_foreign_key(
            op.f("fk_clusterings_previous_id_clusterings"),
            "clusterings",
            ["previous_id"],
            ["id"],
            ondelete="SET NULL",
        )
    op.execute("UPDATE clusterings SET used_at = created_at")


def _widen_clusters() -> None:
    with op.batch_alter_table("clusters") as table:
        table.add_column(sa.Column("name_source", sa.String(), nullable=True))
        table.add_column(sa.Column("name_score", sa.Float(), nullable=True))
        table.create_check_constraint(
            op.f("ck_clusters_name_source_known"), "name_source IN ('user', 'auto')"
        )
        table.create_check_constraint(
            op.f("ck_clusters_name_has_a_source"), "(name IS NULL) = (name_source IS NULL)"
        )
    with op.batch_alter_table("assignments") as table:
        table.alter_column("label", existing_type=INTEGER, nullable=True)
        table.add_column(
            sa.Column(
                "is_placed_later",
                sa.Boolean(create_constraint=True, name="is_boolean"),
                nullable=False,
                server_default=sa.false(),
            )
        )


def _make_projections_and_heads() -> None:
    op.create_table(
        "projections",
        sa.Column("recipe_id", INTEGER, nullable=False),
        sa.Column("normalize", sa.String(), nullable=False),
        sa.Column("center", sa.LargeBinary(), nullable=False),
        sa.Column("components", sa.LargeBinary(), nullable=False),
        sa.Column("video_count", INTEGER, nullable=False),
        sa.Column("explained", sa.Float(), nullable=False),
        sa.Column("software", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "normalize IN ('l2', 'none', 'standard')", name=op.f("ck_projections_normalize_known")
        ),
        sa.CheckConstraint("length(center) = 8192", name=op.f("ck_projections_center_size")),
        sa.CheckConstraint(
            "length(components) > 0 AND length(components) % 8192 = 0",
            name=op.f("ck_projections_components_size"),
        ),
        sa.CheckConstraint("video_count >= 1", name=op.f("ck_projections_video_count_at_least_1")),
        sa.ForeignKeyConstraint(
            ["recipe_id"], ["recipes.id"], name=op.f("fk_projections_recipe_id_recipes")
        ),
        sa.PrimaryKeyConstraint("recipe_id", "normalize", name=op.f("pk_projections")),
    )
    op.create_table(
        "heads",
        sa.Column("weights_digest", sa.LargeBinary(), nullable=False),
        sa.Column("kernel", sa.LargeBinary(), nullable=False),
        sa.Column("bias", sa.LargeBinary(), nullable=False),
        sa.Column("class_names", sa.String(), nullable=True),
        sa.CheckConstraint(
            "length(weights_digest) = 32", name=op.f("ck_heads_weights_digest_size")
        ),
        sa.CheckConstraint(
            "length(bias) > 0 AND length(kernel) = 2048 * length(bias)",
            name=op.f("ck_heads_kernel_size"),
        ),
        sa.PrimaryKeyConstraint("weights_digest", name=op.f("pk_heads")),
    )


def _make_wishes() -> None:
    op.create_table(
        "pins",
        sa.Column("video_id", INTEGER, nullable=False),
        sa.Column("label", INTEGER, nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("label >= 0", name=op.f("ck_pins_label_at_least_0")),
        sa.ForeignKeyConstraint(["video_id"], ["videos.id"], name=op.f("fk_pins_video_id_videos")),
        sa.PrimaryKeyConstraint("video_id", name=op.f("pk_pins")),
    )
    op.create_table(
        "separations",
        sa.Column("video_id", INTEGER, nullable=False),
        sa.Column("other_id", INTEGER, nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("video_id < other_id", name=op.f("ck_separations_ordered")),
        sa.ForeignKeyConstraint(
            ["video_id"], ["videos.id"], name=op.f("fk_separations_video_id_videos")
        ),
        sa.ForeignKeyConstraint(
            ["other_id"], ["videos.id"], name=op.f("fk_separations_other_id_videos")
        ),
        sa.PrimaryKeyConstraint("video_id", "other_id", name=op.f("pk_separations")),
    )
    op.create_index(op.f("ix_separations_other_id"), "separations", ["other_id"], unique=False)
