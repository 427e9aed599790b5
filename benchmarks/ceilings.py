"""What this machine can do at best: the network alone, one keyframe, the hash alone.

Each is a program of its own (``python -m benchmarks.ceilings network bf16``) that prints one JSON
object, so that no library it loads weighs on what is measured next.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import cast

from vidindex import Settings
from vidindex.config import PrecisionChoice

BATCH_SIZES = (8, 16, 32)
AT_LEAST_S = 2.0
BATCHES_AT_LEAST = 3
KEYFRAMES = 20


def network(precision: str) -> dict[str, float]:
    """Frames per second of the network on random frames, for each batch size."""
    import numpy as np

    from vidindex.network_source import find_network

    settings = Settings(weights="untrained", precision=cast("PrecisionChoice", precision))
    frames = np.random.default_rng(0).integers(0, 256, (max(BATCH_SIZES), 299, 299, 3), np.uint8)
    rates = {}
    for size in BATCH_SIZES:
        embedder = find_network(Settings(**(vars(settings) | {"batch_size": size}))).load()
        embedder.embed(frames[:size])
        done, begun = 0, time.perf_counter()
        while done < BATCHES_AT_LEAST or time.perf_counter() - begun < AT_LEAST_S:
            embedder.embed(frames[:size])
            done += 1
        rates[str(size)] = done * size / (time.perf_counter() - begun)
    return rates


def start(precision: str) -> dict[str, float]:
    """Seconds until TensorFlow is imported and the network is built, and until its first batch."""
    begun = time.perf_counter()
    import numpy as np

    from vidindex.network_source import find_network

    settings = Settings(weights="untrained", precision=cast("PrecisionChoice", precision))
    embedder = find_network(settings).load()
    built_s = time.perf_counter() - begun
    embedder.embed(np.zeros((embedder.batch_size, 299, 299, 3), np.uint8))
    return {"built_s": built_s, "first_batch_s": time.perf_counter() - begun}


def keyframe(path: str) -> dict[str, float]:
    """Seconds to seek to a keyframe and decode it, in one thread: the median of several."""
    import av

    times_s = []
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        stream.thread_count = 1
        duration_us = container.duration or 0
        for number in range(KEYFRAMES):
            begun = time.perf_counter()
            container.seek(duration_us * number // KEYFRAMES)
            next(container.decode(stream))
            times_s.append(time.perf_counter() - begun)
    return {"seconds": statistics.median(times_s)}


def hashing(folder: str) -> dict[str, float]:
    """Seconds to hash the files of a folder one after the other, as ``b3sum`` would, unthreaded."""
    from blake3 import blake3

    begun = time.perf_counter()
    for path in sorted(Path(folder).iterdir()):
        digest = blake3()
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
        digest.digest()
    return {"seconds": time.perf_counter() - begun}


MEASUREMENTS = {"network": network, "start": start, "keyframe": keyframe, "hashing": hashing}

if __name__ == "__main__":
    print(json.dumps(MEASUREMENTS[sys.argv[1]](sys.argv[2])))
