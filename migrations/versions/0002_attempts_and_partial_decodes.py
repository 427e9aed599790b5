"""Decoding attempts that vidindex did not outlive, and vectors of a part of their video."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "decoding_attempts",
        sa.Column("blake3", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("begun_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("length(blake3) = 32", name=op.f("ck_decoding_attempts_blake3_size")),
        sa.CheckConstraint("attempts >= 1", name=op.f("ck_decoding_attempts_attempts_at_least_1")),
        sa.PrimaryKeyConstraint("blake3", name=op.f("pk_decoding_attempts")),
    )
    op.add_column("embeddings", sa.Column("incomplete", sa.String(), nullable=True))
