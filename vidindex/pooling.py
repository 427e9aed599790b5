"""Frames of several videos share the network's batches; each video's features are averaged."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vidindex.crew import NO_THREAD
from vidindex.embedding import VECTOR_SIZE
from vidindex.errors import SystemStopped

Frames = NDArray[np.uint8]
Vectors = NDArray[np.float32]

# While the network computes one batch the next one fills. With more of them under way, a kill would
# cost more than one.
BATCHES_AHEAD = 1


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

    embed: (n, 299, 299, 3) uint8 -> (n, 2048) float32; called in a thread of its own, a batch at
    a time and in the order of the frames. batch_size: frames a call.
    """

    def __init__(self, embed: Callable[[Frames], Vectors], batch_size: int) -> None:
        self._embed = embed
        self._batch_size = batch_size
        self._batch: list[tuple[bytes, Frames]] = []
        self._computing: deque[tuple[list[bytes], Future[Vectors]]] = deque()
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._sums: dict[bytes, _Sum] = {}
        self._done: list[Pooled] = []

    @property
    def is_computing(self) -> bool:
        """Whether the network has something to do."""
        return bool(self._computing)

    def add(self, key: bytes, frame: Frames) -> None:
        """Take a frame, (299, 299, 3) uint8, of a video; waits while the network is behind."""
        self._batch.append((key, frame))
        self._sums.setdefault(key, _Sum()).added += 1
        if len(self._batch) == self._batch_size:
            self.start_batch()

    def complete(self, key: bytes) -> None:
        """Note that a video has no more frames."""
        self._sums[key].is_complete = True
        self._note_if_done(key)

    def drop(self, key: bytes) -> None:
        """Forget a video and its waiting frames."""
        self._sums.pop(key, None)
        self._batch = [(other, frame) for other, frame in self._batch if other != key]
        self._computing = deque(
            ([other if other != key else b"" for other in keys], vectors)
            for keys, vectors in self._computing
        )

    def start_batch(self) -> None:
        """Let the network compute what waits, full batch or not.

        Raises:
            SystemStopped: the system has no thread for it.
        """
        if not self._batch:
            return
        keys = [key for key, _ in self._batch]
        frames = np.stack([frame for _, frame in self._batch])
        while len(self._computing) >= BATCHES_AHEAD:
            self._collect_oldest()
        try:
            future = self._thread.submit(self._embed, frames)
        except RuntimeError as error:
            raise SystemStopped(*NO_THREAD) from error
        self._computing.append((keys, future))
        self._batch = []

    def take_done(self) -> list[Pooled]:
        """Return the videos that are done by now."""
        self.collect_computed()
        return self.take_collected()

    def take_next(self) -> list[Pooled]:
        """Wait for the oldest batch that is being computed; return the videos done by then."""
        self._collect_oldest()
        return self.take_collected()

    def finish(self) -> list[Pooled]:
        """Compute all that waits, and return the videos that are done by it."""
        self.start_batch()
        while self._computing:
            self._collect_oldest()
        return self.take_collected()

    def collect_computed(self) -> None:
        """Add up the features that the network has computed by now."""
        while self._computing and self._computing[0][1].done():
            self._collect_oldest()

    def take_collected(self) -> list[Pooled]:
        """Return the videos that were done before something went wrong."""
        done, self._done = self._done, []
        return done

    def close(self) -> None:
        """End with the batch that is being computed."""
        self._thread.shutdown(cancel_futures=True)

    def _collect_oldest(self) -> None:
        keys, vectors = self._computing.popleft()
        for key, feature in zip(keys, vectors.result(), strict=True):
            if key in self._sums:
                self._sums[key].features += feature
                self._sums[key].embedded += 1
        for key in dict.fromkeys(keys):
            self._note_if_done(key)

    def _note_if_done(self, key: bytes) -> None:
        total = self._sums.get(key)
        if total is not None and total.is_complete and total.embedded == total.added:
            del self._sums[key]
            mean = (total.features / total.embedded).astype(np.float32)
            self._done.append(Pooled(key, mean, total.embedded))
