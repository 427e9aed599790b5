"""What the tests share: small real videos, and the untrained network, loaded once."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import numpy as np
import pytest

from tests.clips import X264, Style, pictures, write_clip
from vidindex import Library, Settings
from vidindex.embedding import Embedder
from vidindex.inception import InceptionEmbedder
from vidindex.indexing import IndexResult
from vidindex.reporting import Problem
from vidindex.weights import locate_weights

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.networks import CalibratedNetwork

CLIPS = "abcdef"
CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

# A busy machine is slow now and then; what takes too long is not an example's fault.
hypothesis.settings.register_profile("vidindex", deadline=None, max_examples=50)
hypothesis.settings.load_profile("vidindex")


def pytest_configure() -> None:
    """Heed signals, in the background too: the programs that tests start inherit it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path_factory) -> None:
    for name in list(os.environ):
        if name.startswith("VIDINDEX_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("VIDINDEX_CONFIG", os.devnull)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.getbasetemp() / "data"))


@pytest.fixture(scope="session")
def network() -> InceptionEmbedder:
    """The untrained network."""
    return InceptionEmbedder(locate_weights("untrained"), batch_size=4)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium as the system has it; one at a time, and gone before tests that count processes."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("there is no chromium here")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def calibrated() -> CalibratedNetwork:
    """InceptionV3 in plain Keras, with weights by which different pictures differ."""
    from tests.networks import calibrated_network

    return calibrated_network(seed=0)


@pytest.fixture(scope="session")
def weights_files(calibrated: CalibratedNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the weights of the calibrated network in each of WEIGHTS_FORMATS."""
    from tests.networks import save_in_every_format

    return save_in_every_format(calibrated, tmp_path_factory.mktemp("formats"))


@pytest.fixture(scope="session")
def clip_pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a.mp4 … f.mp4: different contents, 1 s each."""
    folder = tmp_path_factory.mktemp("pool")
    for number, name in enumerate(CLIPS):
        shown = [
            np.roll(picture, number, axis=2) // (1 + number % 2) for picture in pictures(5 + number)
        ]
        write_clip(folder / f"{name}.mp4", shown, Style(options=X264), fps=5)
    return folder


@pytest.fixture
def put(clip_pool: Path) -> Callable[[str, Path], Path]:
    """A function that copies a clip of the pool to a path, old enough to be trusted."""

    def copy(clip: str, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(clip_pool / f"{clip}.mp4", path)
        os.utime(path, (1_600_000_000, 1_600_000_000))
        return path

    return copy


@dataclass
class LoadedNetwork:
    """An embedder source that counts how often it is loaded."""

    embedder: Embedder
    key: str = "untrained:0"
    name: str = "untrained:0"
    loads: int = 0

    def prepare(self) -> bytes:
        return self.embedder.weights_digest

    def load_classifier(self) -> None:
        return None

    def load(self) -> Embedder:
        self.loads += 1
        return self.embedder


@pytest.fixture
def source(network: InceptionEmbedder) -> LoadedNetwork:
    return LoadedNetwork(network)


@pytest.fixture
def index(library: Library, source: LoadedNetwork) -> Callable[..., IndexResult]:
    """Index paths with the shared network; keywords as in Library.index."""

    def run(*paths: Path, into: Library = library, **keywords: Any) -> IndexResult:
        return into.index(paths, **({"source": source} | keywords))

    return run


@dataclass
class Recorder:
    """A reporter that keeps what it is told."""

    started: list[tuple[str, int]] = field(default_factory=list)
    steps: int = 0
    notices: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def start(self, activity: str, total: int) -> None:
        self.started.append((activity, total))

    def advance(self, steps: int = 1) -> None:
        self.steps += steps

    def finish(self) -> None:
        pass

    def notice(self, message: str) -> None:
        self.notices.append(message)

    def problem(self, problem: Problem) -> None:
        self.problems.append(problem)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """A library that does not exist yet, at tmp_path/library.db."""
    return Library(tmp_path / "library.db", Settings(weights="untrained"))


def read_tree(root: Path) -> dict[str, bytes | None]:
    """Return all that lies below a folder: files with their content, folders with None."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in sorted(root.rglob("*"))
    }
