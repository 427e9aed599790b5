"""Libraries to give and to take."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.running import Outcome, environment_in, run_here, run_process
from tests.databases.make import FOLDER
from vidindex.db import schema

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home and current folder; nothing is in it."""
    monkeypatch.delenv("VIDINDEX_CONFIG")
    for name, value in environment_in(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def vidindex(home: Path) -> Callable[..., Outcome]:
    """Run a command in this process; its library is library.db."""
    return run_here


@pytest.fixture
def process(home: Path) -> Callable[..., Outcome]:
    """Run a command as a process of its own."""
    return lambda *arguments, **keywords: run_process(home, *arguments, **keywords)


@pytest.fixture
def full(home: Path) -> Path:
    """library.db, with a row of everything."""
    return make(home / "library.db")


@pytest.fixture
def other(home: Path) -> Path:
    """other.db, with a row of everything."""
    return make(home / "other.db")


def make(path: Path) -> Path:
    """Put a library with a row of everything at a path: quicker than to make it of nothing."""
    return shutil.copyfile(FOLDER / f"{schema.HEAD}.db", path)


def change(library: Path, statement: str, *values: object) -> None:
    """Run an SQL statement on a library."""
    with closing(sqlite3.connect(library)) as raw, raw:
        raw.execute(statement, values)


def lines_of(path: Path) -> list[dict[str, object]]:
    """Return the objects of a file of JSON lines."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def run_script(program: str, *arguments: object, **keywords: object) -> int:
    """Run a program that imports vidindex as a process; return its exit code."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        check=False,
        timeout=60,
        **keywords,
    )
    return done.returncode
