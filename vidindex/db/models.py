"""The tables. Alembic's migrations make them; a test holds the two against each other.

A *video* is a content, a *file* a place where it lies, a *recipe* everything that changes a
vector; recipe and video are the key of an *embedding*. A *clustering* is one run over the
embeddings of a recipe. The journal of moves, the user's wishes and the pictures have modules of
their own: journal.py, wishes.py, pictures.py.

Every rule that the database can hold is a constraint, and every constraint has a name.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from vidindex.db.base import HASH_BYTES, Base, at_least, one_of, sized
from vidindex.embedding import VECTOR_SIZE

VECTOR_BYTES = VECTOR_SIZE * 4
NORMALIZATIONS = ("l2", "none", "standard")


class Video(Base):
    """A content."""

    __tablename__ = "videos"
    __table_args__ = (
        UniqueConstraint("blake3"),
        sized("blake3", HASH_BYTES),
        at_least("size_bytes", 0),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    blake3: Mapped[bytes]
    size_bytes: Mapped[int]
    duration_s: Mapped[float | None]
    width_px: Mapped[int | None]
    height_px: Mapped[int | None]
    codec: Mapped[str | None]
    added_at: Mapped[datetime]


class File(Base):
    """A place. video_id is NULL only while the file has never been read, for the reason given."""

    __tablename__ = "files"
    __table_args__ = (
        UniqueConstraint("path"),
        CheckConstraint("length(path) > 0", name="path_not_empty"),
        CheckConstraint("video_id IS NOT NULL OR read_error IS NOT NULL", name="read_or_explained"),
        Index(None, "video_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[Path]
    video_id: Mapped[int | None] = mapped_column(ForeignKey("videos.id"))
    size_bytes: Mapped[int]
    mtime_ns: Mapped[int]
    device: Mapped[int]
    inode: Mapped[int]
    checked_at_ns: Mapped[int]
    missing_since: Mapped[datetime | None]
    read_error: Mapped[str | None]


class WeightSource(Base):
    """Which weight values a source holds, so that a known one needs no TensorFlow."""

    __tablename__ = "weight_sources"
    __table_args__ = (sized("weights_digest", HASH_BYTES),)

    source: Mapped[str] = mapped_column(primary_key=True)
    weights_digest: Mapped[bytes]


class RecipeRow(Base):
    """Everything that changes a vector. weights_name is for people and no part of the key."""

    __tablename__ = "recipes"
    __table_args__ = (
        UniqueConstraint("fingerprint"),
        sized("fingerprint", HASH_BYTES),
        sized("weights_digest", HASH_BYTES),
        one_of("sampling", "exact", "keyframe"),
        CheckConstraint("interval_s > 0", name="interval_s_positive"),
        at_least("min_frames", 1),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    weights_digest: Mapped[bytes]
    weights_name: Mapped[str]
    model: Mapped[str]
    interval_s: Mapped[float]
    min_frames: Mapped[int]
    sampling: Mapped[str]
    skip_blank: Mapped[bool]
    resize: Mapped[str]
    pooling: Mapped[str]
    version: Mapped[int]
    created_at: Mapped[datetime]


class DecodingAttempt(Base):
    """A content that is being decoded, or was when vidindex was ended, and how many times so."""

    __tablename__ = "decoding_attempts"
    __table_args__ = (sized("blake3", HASH_BYTES), at_least("attempts", 1))

    blake3: Mapped[bytes] = mapped_column(primary_key=True)
    attempts: Mapped[int]
    begun_at: Mapped[datetime]


class Embedding(Base):
    """One vector: of this video, by this recipe.

    incomplete: why it is made of a part of the video's frames, or NULL.
    """

    __tablename__ = "embeddings"
    __table_args__ = (
        sized("vector", VECTOR_BYTES),
        at_least("frame_count", 1),
        one_of("precision", "fp32", "bf16"),
        Index(None, "video_id"),
    )

    recipe_id: Mapped[int] = mapped_column(ForeignKey("recipes.id"), primary_key=True)
    video_id: Mapped[int] = mapped_column(ForeignKey("videos.id"), primary_key=True)
    vector: Mapped[NDArray[np.float32]]
    frame_count: Mapped[int]
    precision: Mapped[str]
    software: Mapped[str]
    created_at: Mapped[datetime]
    incomplete: Mapped[str | None]


class EmbeddingFailure(Base):
    """Why a video has no vector by a recipe."""

    __tablename__ = "embedding_failures"
    __table_args__ = (Index(None, "video_id"),)

    recipe_id: Mapped[int] = mapped_column(ForeignKey("recipes.id"), primary_key=True)
    video_id: Mapped[int] = mapped_column(ForeignKey("videos.id"), primary_key=True)
    reason: Mapped[str]
    failed_at: Mapped[datetime]


class Clustering(Base):
    """One run, with everything that repeats it.

    scope: only files below this folder, or NULL. shift, scale: what was taken off the vectors, and
    what they were divided by then, where they were standardised. silhouette, stability: how good
    it was found to be, if that was asked. previous_id: the run that its labels were matched with.
    used_at: when it last became the one in use, NULL if never: the newest of them is in use.
    """

    __tablename__ = "clusterings"
    __table_args__ = (
        at_least("k", 1),
        at_least("n_init", 1),
        at_least("seed", 0),
        one_of("normalize", *NORMALIZATIONS),
        one_of("algorithm", "kmeans", "bisecting", "agglomerative", "hdbscan", "folders"),
        sized("input_digest", HASH_BYTES),
        sized("shift", VECTOR_BYTES),
        sized("scale", VECTOR_BYTES),
        CheckConstraint(
            "(normalize = 'standard') = (shift IS NOT NULL AND scale IS NOT NULL)",
            name="standard_has_its_scale",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    recipe_id: Mapped[int] = mapped_column(ForeignKey("recipes.id"))
    algorithm: Mapped[str]
    k: Mapped[int]
    seed: Mapped[int]
    n_init: Mapped[int]
    normalize: Mapped[str]
    scope: Mapped[Path | None]
    input_digest: Mapped[bytes]
    video_count: Mapped[int]
    inertia: Mapped[float]
    software: Mapped[str]
    created_at: Mapped[datetime]
    shift: Mapped[NDArray[np.float32] | None]
    scale: Mapped[NDArray[np.float32] | None]
    silhouette: Mapped[float | None]
    stability: Mapped[float | None]
    previous_id: Mapped[int | None] = mapped_column(
        ForeignKey("clusterings.id", ondelete="SET NULL")
    )
    used_at: Mapped[datetime | None]


class Cluster(Base):
    """One cluster of a run. Its label is that of the like cluster of the run before, if there is.

    size: of the videos that were clustered. name_source: who gave the name. name_score: how well
    an automatic name fits.
    """

    __tablename__ = "clusters"
    __table_args__ = (
        at_least("label", 0),
        at_least("size", 1),
        sized("centroid", VECTOR_BYTES),
        one_of("name_source", "user", "auto"),
        CheckConstraint("(name IS NULL) = (name_source IS NULL)", name="name_has_a_source"),
    )

    clustering_id: Mapped[int] = mapped_column(
        ForeignKey("clusterings.id", ondelete="CASCADE"), primary_key=True
    )
    label: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    size: Mapped[int]
    centroid: Mapped[NDArray[np.float32]]
    name_source: Mapped[str | None]
    name_score: Mapped[float | None]


class Assignment(Base):
    """Which cluster of a run a video is in, and how far from its centroid.

    label: NULL where it is in none (unsorted); the distance is to the nearest then.
    is_placed_later: the video came after the run, and its place was found without a new one.
    """

    __tablename__ = "assignments"
    __table_args__ = (
        ForeignKeyConstraint(
            ["clustering_id", "label"],
            ["clusters.clustering_id", "clusters.label"],
            ondelete="CASCADE",
        ),
        at_least("distance", 0),
        Index(None, "video_id"),
    )

    clustering_id: Mapped[int] = mapped_column(primary_key=True)
    video_id: Mapped[int] = mapped_column(ForeignKey("videos.id"), primary_key=True)
    label: Mapped[int | None]
    distance: Mapped[float]
    is_placed_later: Mapped[bool] = mapped_column(server_default=false())


class Projection(Base):
    """A space of few dimensions in which clustering is quick, and most of the variance kept.

    components: (m, 2048) float32, little-endian, orthonormal rows; center is taken off before.
    video_count: of how many vectors it was made. explained: share of their variance, 0 to 1.
    """

    __tablename__ = "projections"
    __table_args__ = (
        one_of("normalize", *NORMALIZATIONS),
        sized("center", VECTOR_BYTES),
        CheckConstraint(
            f"length(components) > 0 AND length(components) % {VECTOR_BYTES} = 0",
            name="components_size",
        ),
        at_least("video_count", 1),
    )

    recipe_id: Mapped[int] = mapped_column(ForeignKey("recipes.id"), primary_key=True)
    normalize: Mapped[str] = mapped_column(primary_key=True)
    center: Mapped[NDArray[np.float32]]
    components: Mapped[NDArray[np.float32]]
    video_count: Mapped[int]
    explained: Mapped[float]
    software: Mapped[str]
    created_at: Mapped[datetime]


class Head(Base):
    """The classifier on top of a network: logits = vector @ kernel + bias.

    kernel: (2048, classes) float32. class_names: one a line, in order, or NULL if not known yet.
    """

    __tablename__ = "heads"
    __table_args__ = (
        sized("weights_digest", HASH_BYTES),
        CheckConstraint(
            f"length(bias) > 0 AND length(kernel) = {VECTOR_SIZE} * length(bias)",
            name="kernel_size",
        ),
    )

    weights_digest: Mapped[bytes] = mapped_column(primary_key=True)
    kernel: Mapped[NDArray[np.float32]]
    bias: Mapped[NDArray[np.float32]]
    class_names: Mapped[str | None]
