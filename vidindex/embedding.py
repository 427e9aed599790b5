"""What a vector is: the recipe that makes it, and the parts that carry the recipe out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from blake3 import blake3

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vidindex.classifier import Classifier

VECTOR_SIZE = 2048
FRAME_SIZE_PX = 299
MOST_THUMBNAILS = 9  # of one video
THUMBNAIL_SIDE_PX = 240  # the longer side, at most

SamplingMode = Literal["exact", "keyframe"]
Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class Sampling:
    """Which frames of a video are looked at.

    interval_s: seconds between samples, which are taken at t = 0, interval_s, 2 interval_s, …
        while t < duration.
    min_frames: a video too short for that many samples is sampled at that many evenly spaced
        times instead.
    mode: "exact" takes the frame on screen at t; "keyframe" the nearest keyframe at or before t.
    skip_blank: a nearly uniform frame is replaced by the next one in its interval that is not.
    """

    interval_s: float = 30.0
    min_frames: int = 1
    mode: SamplingMode = "exact"
    skip_blank: bool = True


@dataclass(frozen=True)
class Recipe:
    """Everything that changes a vector. Two equal recipes give equal vectors for equal files.

    weights_digest: 32 bytes, BLAKE3 of the weight values up to the pooling layer.
    """

    weights_digest: bytes
    sampling: Sampling = field(default_factory=Sampling)
    model: str = "inception_v3"
    resize: str = "bilinear-299"
    pooling: str = "mean"
    version: int = 1

    @property
    def fingerprint(self) -> bytes:
        """32 bytes that are equal just when the recipes are."""
        parts = asdict(self) | {"weights_digest": self.weights_digest.hex()}
        return blake3(json.dumps(parts, sort_keys=True).encode()).digest()


@dataclass(frozen=True)
class VideoInfo:
    """What a video's header says. Width and height are those of the upright picture, in pixels.

    duration_s: None where the container does not tell.
    """

    duration_s: float | None
    width_px: int
    height_px: int
    codec: str


@dataclass(frozen=True)
class Thumbnail:
    """A small upright picture of a video in its true aspect, and the moment that it shows.

    jpeg: a JPEG file of width_px by height_px.
    """

    time_s: float
    width_px: int
    height_px: int
    jpeg: bytes


class Frames(Protocol):
    """The sampled frames of a video, decoded as they are taken."""

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        """Return itself."""

    def __next__(self) -> NDArray[np.uint8]:
        """Return the next frame, (299, 299, 3) uint8 RGB.

        Raises:
            MediaError: libav cannot go on.
            UnreadableError: the system failed to read the file.
        """

    def close(self) -> None:
        """End before all frames are taken. Closing twice does nothing."""


def _nothing() -> None:
    return None


def _no_thumbnails() -> tuple[Thumbnail, ...]:
    return ()


@dataclass(frozen=True)
class SampledVideo:
    """A video's header and its sampled frames.

    frames: each (299, 299, 3) uint8 RGB, upright, in order of time; at least one.
    why_incomplete: asked once the frames are used up; returns why there are not more or better
        ones ("only the first 12 s of 60 s could be decoded"), or None if the video is whole.
    thumbnails: asked then, too; returns small pictures of some of the samples, evenly spread, in
        order of time; none from a reader that makes none.
    """

    info: VideoInfo
    frames: Frames
    why_incomplete: Callable[[], str | None] = _nothing
    thumbnails: Callable[[], tuple[Thumbnail, ...]] = _no_thumbnails


class FrameReader(Protocol):
    """Reads the sampled frames of a video file."""

    def __call__(self, path: Path, sampling: Sampling) -> SampledVideo:
        """Open the video and prepare its frames.

        Raises:
            MediaError: the file is no video that can be decoded.
            UnreadableError: the file cannot be opened or read.
        """


class Embedder(Protocol):
    """Turns frames into feature vectors."""

    @property
    def weights_digest(self) -> bytes:
        """32 bytes, BLAKE3 of the weight values."""

    @property
    def precision(self) -> Precision:
        """The number format the network computes in."""

    @property
    def software(self) -> str:
        """Names and versions of the libraries that compute, for the record."""

    @property
    def batch_size(self) -> int:
        """How many frames at once are quickest."""

    def embed(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Compute one feature vector for each frame.

        frames: (n, 299, 299, 3) uint8 RGB; returns (n, 2048) float32, in the same order.
        """


class EmbedderSource(Protocol):
    """Weights that have been found but not loaded."""

    @property
    def key(self) -> str:
        """Two equal keys always mean equal weight values."""

    @property
    def name(self) -> str:
        """What people call these weights: "imagenet", "untrained:0", a file's name."""

    def prepare(self) -> bytes:
        """Read and check the weights; return the digest of their values, 32 bytes.

        Needs no TensorFlow, unless the processor is asked for.

        Raises:
            WeightsError: the file is damaged or not of this network.
        """

    def load_classifier(self) -> Classifier | None:
        """Read what is on top of the network: None if the weights have no such thing.

        Needs no TensorFlow.

        Raises:
            WeightsError: it is damaged.
        """

    def load(self) -> Embedder:
        """Build the network. Slow: imports TensorFlow.

        Raises:
            WeightsError: the file is damaged or not of this network.
        """
