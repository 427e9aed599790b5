"""A server that runs commands, and a folder of stand-in videos with a library."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.running import Running, Server


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
