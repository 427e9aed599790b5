"""A library of five small files in two clusters, without any video or network."""

from __future__ import annotations

import os
from pathlib import Path

from tests.cli.running import run_here
from tests.generated import add_videos, around, centers, named

KINDS = ("beach", "city")
ODD = os.fsdecode(b"caf\xe9.mp4")


def make_library(home: Path, folder: str = "in", library: str = "library.db") -> None:
    """Put two videos each into beach/ and city/ of a folder, into a library, and cluster them.

    beach/ also has a video whose name is not UTF-8, and subtitles of the first one. Its cluster is
    named "Sand".
    """
    points = centers(2)
    for row, kind in enumerate(KINDS):
        vectors = around(points[row], 3, seed=row)
        names = named({kind: vectors[:2]})
        if kind == "beach":
            names[ODD] = vectors[2]
        add_videos(home / library, names, home / folder / kind, writes=True)
    (home / folder / "beach/beach000.en.srt").write_text("Waves.")
    assert run_here("cluster", "-k", "2", "--db", library).code == 0
    beach = label_of("beach", library)
    assert run_here("name", str(beach), "Sand", "--db", library).code == 0


def label_of(kind: str, library: str = "library.db") -> int:
    """Return the label of a kind of videos."""
    rows = run_here("labels", "--db", library, "--json").data["rows"]
    return next(row["label"] for row in rows if row["path"].endswith(f"{kind}000.mp4"))


def contents(folder: Path) -> dict[str, bytes]:
    """Return what the files below a folder hold, by path; of links, what they lead to."""
    return {
        os.path.relpath(path, folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, sorted."""
    return sorted(path.name for path in folder.iterdir())
