"""The library that the queries are timed on is one that each of them can answer from."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.asking import make_library, path_of
from benchmarks.parts.queries import QUERIES, STATEMENTS, VIDEO
from tests.cli.running import run_here
from vidindex import Library


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("asking") / "library.db"
    make_library(path, 60)
    return path


def test_the_library_is_sound_and_has_paths_of_every_kind(library: Path) -> None:
    Library(library).check()

    kinds = [path_of(number) for number in range(4)]
    assert [kind.isascii() for kind in kinds] == [True, False, False, False]
    with pytest.raises(UnicodeDecodeError):
        kinds[3].decode()


@pytest.mark.parametrize("query", QUERIES)
def test_each_query_that_is_timed_finds_something(library: Path, query: str) -> None:
    words = [VIDEO if word == "VIDEO" else word.replace("0003", "0000") for word in query.split()]

    done = run_here(*words, "--db", library)

    assert (done.code, done.err) == (0, "")
    assert done.stdout


@pytest.mark.parametrize("statement", STATEMENTS)
def test_each_statement_that_is_timed_finds_rows(library: Path, statement: str) -> None:
    assert run_here("sql", statement, "--json", "--db", library).data["rows"]
