"""Frames of several videos share the network's batches; each video's features are averaged."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from vidindex.crew import NO_THREAD
from vidindex.embedding import VECTOR_SIZE, Embedder
from vidindex.errors import SystemStopped

Frames = NDArray[np.uint8]
Vectors = NDArray[np.float32]
Result = TypeVar("Result")

# How many decoded frames may wait for the network: 51 MB. While TensorFlow is loaded, which takes
# seconds, that many are decoded.
FRAMES_AHEAD = 192


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

    The network is loaded and asked in a thread of its own, a batch at a time and in the order of
    the frames. With more batches under way than one, a kill would cost more than one.

    load: called for the first frame. wake: called by that thread when it has done something.
    """

    def __init__(
        self, load: Callable[[], Embedder], *, wake: Callable[[], None] = lambda: None
    ) -> None:
        self._load = load
        self._wake = wake
        self._loading: Future[Embedder] | None = None
        self._waiting: deque[tuple[bytes, Frames]] = deque()
        self._computing: tuple[list[bytes], Future[Vectors]] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._sums: dict[bytes, _Sum] = {}
        self._done: list[Pooled] = []

    @property
    def embedder(self) -> Embedder:
        """The network; waits for it while it is being loaded.

        Raises:
            WeightsError, SystemStopped: it cannot be loaded.
        """
        if self._loading is None:
            self._loading = self._submit(self._load)
        return self._loading.result()

    @property
    def is_idle(self) -> bool:
        """Whether no frame waits and none is computed."""
        return not (self._waiting or self._computing)

    def add(self, key: bytes, frame: Frames) -> None:
        """Take a frame, (299, 299, 3) uint8, of a video; waits while too many are ahead.

        Raises:
            WeightsError, SystemStopped: the network cannot be loaded, or gets no thread.
        """
        self._waiting.append((key, frame))
        self._sums.setdefault(key, _Sum()).added += 1
        if self._loading is None:
            self._loading = self._submit(self._load)
        self.start_batch(is_full=True)
        while len(self._waiting) > FRAMES_AHEAD:
            self.wait()

    def complete(self, key: bytes) -> None:
        """Note that a video has no more frames."""
        self._sums[key].is_complete = True
        self._note_if_done(key)

    def drop(self, key: bytes) -> None:
        """Forget a video and its waiting frames."""
        self._sums.pop(key, None)
        self._waiting = deque((other, frame) for other, frame in self._waiting if other != key)
        if self._computing is not None:
            keys, vectors = self._computing
            self._computing = [other if other != key else b"" for other in keys], vectors

    def start_batch(self, *, is_full: bool = False) -> None:
        """Let the network, if it is loaded and idle, compute what waits; is_full: or wait for more.

        Raises:
            WeightsError, SystemStopped: it could not be loaded, or gets no thread.
        """
        self._collect_computed()
        if self._computing or not self._waiting or not (self._loading and self._loading.done()):
            return
        embedder = self._loading.result()
        if is_full and len(self._waiting) < embedder.batch_size:
            return
        count = min(embedder.batch_size, len(self._waiting))
        batch = [self._waiting.popleft() for _ in range(count)]
        frames = np.stack([frame for _, frame in batch])
        self._computing = [key for key, _ in batch], self._submit(embedder.embed, frames)

    def take_done(self) -> list[Pooled]:
        """Return the videos that are done by now; the next batch, if it is full, is begun.

        Raises:
            WeightsError, SystemStopped: the network could not be loaded, or gets no thread.
        """
        self.start_batch(is_full=True)
        return self.take_collected()

    def take_collected(self) -> list[Pooled]:
        """Return the videos that were done before something went wrong."""
        done, self._done = self._done, []
        return done

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until the network is loaded, or a batch computed; the next is begun, full or not."""
        if self._loading is not None and not self._loading.done():
            wait([self._loading], timeout_s)
        elif self._computing is not None:
            wait([self._computing[1]], timeout_s)
        self.start_batch()

    def close(self) -> None:
        """End with the batch that is being computed."""
        self._thread.shutdown(cancel_futures=True)

    def _submit(self, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        try:
            future = self._thread.submit(function, *arguments)
        except RuntimeError as error:
            raise SystemStopped(*NO_THREAD) from error
        future.add_done_callback(lambda _: self._wake())
        return future

    def _collect_computed(self) -> None:
        """Add up the features of the batch that is computed, if it is."""
        if self._computing is None or not self._computing[1].done():
            return
        (keys, vectors), self._computing = self._computing, None
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
