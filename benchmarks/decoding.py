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
        for _ in decoders(Path(sys.argv[1]), sampling).frames:
            pass  # the process has started
        print(json.dumps([_shortest_s(decoders, Path(path), sampling) for path in sys.argv[1:]]))


def _shortest_s(decoders: Decoders, path: Path, sampling: Sampling) -> float:
    times_s = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        for _ in decoders(path, sampling).frames:
            pass
        times_s.append(time.perf_counter() - begun)
    return min(times_s)


if __name__ == "__main__":
    main()
