"""A program that prints the digests of the frames that vidindex samples in the named videos."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.reference import digests
from vidindex.embedding import Sampling
from vidindex.frames import read_frames

if __name__ == "__main__":
    named = map(Path, sys.argv[1:])
    recipe = Sampling(skip_blank=False)  # the published recipe takes blank frames, too
    print(json.dumps([digests(list(read_frames(path, recipe).frames)) for path in named]))
