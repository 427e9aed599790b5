"""A program that runs the vidindex command and prints what it loaded and which files it opened.

``python -m benchmarks.observing FOLDER COMMAND…``. Python's audit events tell of files that are
opened by Python; where strace is there, `opened_by_system` tells of all.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.running import PROJECT

HEAVY = ("tensorflow", "keras", "cv2", "av", "sklearn")


def main() -> None:
    """Run the command; print the heavy modules that it loaded and how many files it opened."""
    folder, words = sys.argv[1], sys.argv[2:]
    opened: list[str] = []

    def listen(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | bytes):
            path = os.fsdecode(arguments[0])
            if path.startswith(folder) and Path(path).suffix == ".mp4":
                opened.append(path)

    sys.addaudithook(listen)
    from vidindex.cli.app import main as command

    sys.argv = ["vidindex", *words]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        command()
    loaded = [name for name in HEAVY if name in sys.modules]
    print(json.dumps({"loaded": loaded, "opened": len(opened)}))


def opened_by_system(folder: Path, log: Path, *words: str) -> int | None:
    """Count the openings of videos in a folder by a command, by all its processes.

    None where strace is not there.
    """
    strace = shutil.which("strace")
    if strace is None:
        return None
    subprocess.run(
        [
            *(strace, "-f", "-qq", "-e", "trace=open,openat,openat2", "-o", str(log)),
            *(sys.executable, "-m", *words),
        ],
        cwd=PROJECT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return sum(f'"{folder}/' in line and '.mp4"' in line for line in lines)


if __name__ == "__main__":
    main()
