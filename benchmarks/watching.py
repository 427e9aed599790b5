"""A program that indexes a folder and prints when how many videos were done.

``python -m benchmarks.watching LIBRARY FOLDER PRECISION``; the times are those of the monotonic
clock, which all processes of a machine share.
"""

from __future__ import annotations

import json
import sys
import time
from typing import cast

from vidindex import Library, Settings
from vidindex.config import PrecisionChoice
from vidindex.reporting import Silence


class Watch(Silence):
    """A reporter that notes the time of each step, and how many were done by then."""

    def __init__(self) -> None:
        self.steps: list[tuple[float, int]] = []

    def advance(self, steps: int = 1) -> None:
        """Note it."""
        done = self.steps[-1][1] if self.steps else 0
        self.steps.append((time.monotonic(), done + steps))


def main() -> None:
    """Index, and print the steps and the number of frames."""
    library, folder, precision = sys.argv[1:]
    settings = Settings(weights="untrained", precision=cast("PrecisionChoice", precision))
    watch = Watch()
    result = Library(library, settings).index([folder], reporter=watch)
    print(json.dumps({"steps": watch.steps, "frames": result.frames, "failed": result.failed}))


if __name__ == "__main__":
    main()
