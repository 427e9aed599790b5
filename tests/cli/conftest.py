"""A home for a user, commands to run in it, and a small library."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli import asked_library
from tests.cli.running import Outcome, environment_in, run_here, run_process
from vidindex.inception import InceptionEmbedder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home and current folder; nothing is in it."""
    monkeypatch.delenv("VIDINDEX_CONFIG")
    for name, value in environment_in(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def vidindex(
    home: Path, network: InceptionEmbedder, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Run a command in this process, with the untrained network loaded already."""
    monkeypatch.setattr("vidindex.inception.InceptionEmbedder", lambda *_, **__: network)
    return run_here


@pytest.fixture
def process(home: Path) -> Callable[..., Outcome]:
    """Run a command as a process of its own."""
    return lambda *arguments, **keywords: run_process(home, *arguments, **keywords)


@pytest.fixture
def videos(home: Path, put: Callable[[str, Path], Path]) -> Path:
    """in/ with a.mp4, b.mp4, c.mp4 and deep/d.mp4."""
    for clip, name in {"a": "a.mp4", "b": "b.mp4", "c": "c.mp4", "d": "deep/d.mp4"}.items():
        put(clip, home / "in" / name)
    return home / "in"


@pytest.fixture
def clustered(vidindex: Callable[..., Outcome], videos: Path) -> Path:
    """The same folder, indexed and clustered into two."""
    assert vidindex("index", videos).code == 0
    assert vidindex("cluster", "-k", "2").code == 0
    return videos


@pytest.fixture(scope="session")
def _asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asked_library.make_library(tmp_path_factory.mktemp("asked") / "library.db")


@pytest.fixture
def asked(home: Path, _asked: Path) -> Path:
    """library.db of `asked_library` in the user's home."""
    return Path(shutil.copy(_asked, home / "library.db"))
