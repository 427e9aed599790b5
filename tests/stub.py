"""A network and a decoder that know nothing of videos: for tests that run many processes.

Any file counts as a video, and its vector is drawn from its bytes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidindex.embedding import FRAME_SIZE_PX, VECTOR_SIZE, SampledVideo, Sampling, VideoInfo
from vidindex.errors import MediaError


class StubNetwork:
    """Embedder and source in one."""

    key = name = "stub"
    precision = "fp32"
    software = "stub"
    batch_size = 4
    weights_digest = bytes(32)

    def prepare(self) -> bytes:
        return self.weights_digest

    def load_classifier(self) -> None:
        return None

    def load(self) -> StubNetwork:
        return self

    def embed(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        seeds = frames[:, 0, :8, 0].tolist()
        rows = [np.random.default_rng(seed).random(VECTOR_SIZE, np.float32) for seed in seeds]
        return np.stack(rows)


STUB = StubNetwork()


def read_frames(path: Path, sampling: Sampling) -> SampledVideo:
    """Draw one frame from the first bytes of a file; one that begins with "broken" has none."""
    content = path.read_bytes()
    if content.startswith(b"broken"):
        raise MediaError("broken on purpose")
    frame = np.zeros((FRAME_SIZE_PX, FRAME_SIZE_PX, 3), np.uint8)
    first = np.frombuffer(content[:FRAME_SIZE_PX], np.uint8)
    frame[0, : len(first), 0] = first
    return SampledVideo(VideoInfo(1.0, 16, 16, "stub"), (each for each in [frame]))
