"""A library to report on, and the page about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.report.scenes import Page, make_library
from vidindex import Library


@pytest.fixture(scope="package")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that no test changes; see `scenes.make_library`."""
    return make_library(tmp_path_factory.mktemp("report") / "library.db")


@pytest.fixture
def page_of(tmp_path: Path) -> Callable[..., Page]:
    """A function that makes the page of a library; keywords as of Library.report."""

    def make(library: Path, **keywords: object) -> Page:
        out = tmp_path / "out.html"
        Library(library).report(out, **keywords)
        return Page(out.read_bytes())

    return make


@pytest.fixture(scope="package")
def written(stocked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on it."""
    out = tmp_path_factory.mktemp("written") / "out.html"
    Library(stocked).report(out)
    return out


@pytest.fixture(scope="package")
def page(written: Path) -> Page:
    """The report on it, taken apart."""
    return Page(written.read_bytes())
