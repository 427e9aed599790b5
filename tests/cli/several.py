"""One of several vidindex at work on a library: runs commands at random until its time is over.

``python -m tests.cli.several NUMBER SECONDS`` works on in/ and out/ of the current folder, and
prints the name and the exit code of each command. Each is the real command line, but that the
network and the decoder of `index` are stubs, so that no time is lost in TensorFlow.
"""

from __future__ import annotations

import os
import random
import sys
import time
from functools import partialmethod
from pathlib import Path

from tests.cli.running import run_here
from tests.stub import STUB, read_frames
from vidindex import Library, library

LEAST_COMMANDS = 12
FIRST = ("index", "in", "out", "--wait")
COMMANDS = (
    ("index", "in", "out"),
    FIRST,
    ("cluster", "-k", "2"),
    ("cluster", "-k", "3", "--wait"),
    ("apply", "out", "--yes"),
    ("apply", "out", "--yes", "--wait"),
    ("undo", "--yes", "--wait"),
    ("prune", "--yes", "--wait"),
    ("labels",),
    ("status",),
    ("failures",),
)


def main(number: int, seconds: float) -> None:
    """Run commands, the first of which makes the library; each `index` finds a file more."""
    chance = random.Random(number)
    library.find_network = lambda _: STUB
    Library.index = partialmethod(Library.index, read_frames=read_frames)
    end = time.monotonic() + seconds
    made = done = 0
    while time.monotonic() < end or done < LEAST_COMMANDS:
        command = chance.choice(COMMANDS) if done else FIRST
        if command[0] == "index":
            made += 1
            make_video(number, made)
        outcome = run_here(*command)
        done += 1
        sys.stdout.write(f"{command[0]} {outcome.code}\n")
        sys.stdout.flush()
        if outcome.code not in (0, 3, 4, 7):
            sys.exit(f"{command}: {outcome.code}\n{outcome.err}")


def make_video(number: int, made: int) -> None:
    """Put a file into in/, whole and old from its first moment on."""
    unfinished = Path(f"{number}-{made}.part")
    unfinished.write_bytes(b"%d-%d" % (number, made))
    os.utime(unfinished, (1_600_000_000, 1_600_000_000))
    unfinished.rename(f"in/{number}-{made}.mp4")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
