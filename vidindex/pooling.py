"""Frames of several videos share the network's batches; each video's features are averaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vidindex.embedding import VECTOR_SIZE

Frames = NDArray[np.uint8]
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Pooled:
    """The mean of one video's frame features. vector: (2048,) float32."""

    key: bytes
    vector: Vectors
    frame_count: int


@dataclass
class _Sum:
    features: NDArray[np.float64] = field(default_factory=lambda: np.zeros(VECTOR_SIZE))
    embedded: int = 0
    added: int = 0
    is_complete: bool = False


class MeanPooler:
    """Collects frames into full batches and sums up each video's features in float64.

    embed: (n, 299, 299, 3) uint8 -> (n, 2048) float32. batch_size: frames a call.
    """

    def __init__(self, embed: Callable[[Frames], Vectors], batch_size: int) -> None:
        self._embed = embed
        self._batch_size = batch_size
        self._batch: list[tuple[bytes, Frames]] = []
        self._sums: dict[bytes, _Sum] = {}

    def add(self, key: bytes, frame: Frames) -> Iterator[Pooled]:
        """Take a frame, (299, 299, 3) uint8, of a video; yield the videos that are done by it."""
        self._batch.append((key, frame))
        self._sums.setdefault(key, _Sum()).added += 1
        if len(self._batch) == self._batch_size:
            yield from self.flush()

    def complete(self, key: bytes) -> Iterator[Pooled]:
        """Note that a video has no more frames; yield it if it is done."""
        self._sums[key].is_complete = True
        yield from self._take_done([key])

    def drop(self, key: bytes) -> None:
        """Forget a video and its waiting frames."""
        self._sums.pop(key, None)
        self._batch = [(other, frame) for other, frame in self._batch if other != key]

    def flush(self) -> Iterator[Pooled]:
        """Embed what waits, full batch or not; yield the videos that are done by it."""
        if not self._batch:
            return
        keys = [key for key, _ in self._batch]
        features = self._embed(np.stack([frame for _, frame in self._batch]))
        self._batch = []
        for key, feature in zip(keys, features, strict=True):
            self._sums[key].features += feature
            self._sums[key].embedded += 1
        yield from self._take_done(list(dict.fromkeys(keys)))

    def _take_done(self, keys: list[bytes]) -> Iterator[Pooled]:
        for key in keys:
            total = self._sums[key]
            if total.is_complete and total.embedded == total.added:
                del self._sums[key]
                mean = (total.features / total.embedded).astype(np.float32)
                yield Pooled(key, mean, total.embedded)
