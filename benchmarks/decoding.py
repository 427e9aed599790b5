"""A program that decodes videos as index does and prints how long each took, without the start.

``python -m benchmarks.decoding FILE…``
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from vidindex.decoders import Decoders
from vidindex.embedding import Sampling

TIMES = 5
INTERVAL_S = 0.5


def main() -> None:
    """Decode each several times, in one process; print the shortest time of each."""
    sampling = Sampling(interval_s=INTERVAL_S)
    with Decoders() as decoders:
        _seconds(decoders, Path(sys.argv[1]), sampling)  # left out: the process starts
        print(json.dumps([_shortest_s(decoders, Path(path), sampling) for path in sys.argv[1:]]))


def _shortest_s(decoders: Decoders, path: Path, sampling: Sampling) -> float:
    return min(_seconds(decoders, path, sampling) for _ in range(TIMES))


def _seconds(decoders: Decoders, path: Path, sampling: Sampling) -> float:
    begun = time.perf_counter()
    list(decoders(path, sampling).frames)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
