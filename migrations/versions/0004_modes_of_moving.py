"""Other modes than moving, files that go along with a video, folders that a move emptied."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("move_batches") as table:
        table.add_column(sa.Column("mode", sa.String(), nullable=False, server_default="move"))
        table.create_check_constraint(
            op.f("ck_move_batches_mode_known"),
            "mode IN ('move', 'copy', 'hardlink', 'symlink', 'reflink', 'reflink-auto')",
        )
    with op.batch_alter_table("moves") as table:
        table.add_column(sa.Column("action", sa.String(), nullable=False, server_default="move"))
        table.add_column(
            sa.Column(
                "is_sidecar",
                sa.Boolean(create_constraint=True, name="is_boolean"),
                nullable=False,
                server_default=sa.false(),
            )
        )
        table.create_check_constraint(
            op.f("ck_moves_action_known"),
            "action IN ('move', 'copy', 'hardlink', 'symlink', 'reflink', 'remove', 'unlink')",
        )
    op.create_table(
        "pruned_folders",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("batch_id", INTEGER, nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("permissions", INTEGER, nullable=False),
        sa.Column("uid", INTEGER, nullable=False),
        sa.Column("gid", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["move_batches.id"], name=op.f("fk_pruned_folders_batch_id_move_batches")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pruned_folders")),
        sa.UniqueConstraint("batch_id", "path", name=op.f("uq_pruned_folders_batch_id_path")),
    )
