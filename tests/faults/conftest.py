"""A server that runs commands, and a folder of stand-in videos with a library."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.mounts import mounted
from tests.faults.running import Running, Server
from tests.faults.scenes import make_scene
from tests.faults.settled import MOVE


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The user's home and current folder, with in/, which is empty."""
    (tmp_path / "in").mkdir()
    return tmp_path


@pytest.fixture
def start(server: Server, home: Path) -> Iterator[Callable[..., Running]]:
    """A function that starts a command at home; the keywords are those of an Order."""
    yield lambda *arguments, **terms: server.start(home, *arguments, **terms)
    server.settle()


@pytest.fixture
def run(start):
    """A function that runs a command to its end."""
    return lambda *arguments, **terms: start(*arguments, **terms).wait()


def make_video(path: Path, content: str | None = None) -> Path:
    """Write a file that the stub takes for a video: at rest for years, its name its content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(path.name if content is None else content)
    os.utime(path, (1_600_000_000, 1_600_000_000))
    return path


@pytest.fixture
def prepare(home, run):
    """A function that makes the scene for a way anew; sorted already if an undo is to follow.

    It returns the scene and its starting tree.
    """
    with ExitStack() as mounts:

        def make(way=MOVE, command="apply", *, library=None, source=None, out=home / "out"):
            if way.crosses and not out.is_symlink():
                disk = mounts.enter_context(mounted(home / "other", "-t", "tmpfs", "tmpfs"))
                out.symlink_to(disk / "sorted")
            made = make_scene(
                library or home / "library.db",
                source or home / "in",
                out.resolve(),
                home / "empty.db",
            )
            tree = made.tree()
            if command == "undo":
                done = run(*way.apply)
                assert done.code == 0, done.err
            return made, tree

        yield make
