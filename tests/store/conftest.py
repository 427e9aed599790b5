"""The databases that the store's tests run over, each in every test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from tests.databases import make
from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.embedding import VideoInfo
from vidindex.store import recipes, videos

INFO = VideoInfo(10.0, 640, 480, "h264")


@pytest.fixture(scope="session")
def new_sqlite_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("new") / "library.db"
    schema.create(path)
    return path


@pytest.fixture(params=["sqlite"])
def database(tmp_path: Path, new_sqlite_library: Path) -> Iterator[Database]:
    """A new library. Another kind of database joins as another parameter."""
    path = shutil.copyfile(new_sqlite_library, tmp_path / "library.db")
    with Database(path) as database:
        yield database


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A writing transaction of a new library; what it wrote must be fit to be stored."""
    with database.writing() as session:
        yield session


@pytest.fixture
def recipe(session: Session) -> int:
    """A recipe of the library."""
    return recipes.put_recipe(session, make.RECIPE, "imagenet", now=make.NOON)


@pytest.fixture
def filled(session: Session) -> Session:
    """A library with a row of everything."""
    make.fill(session)
    session.flush()
    return session


def put_video(session: Session, number: int) -> int:
    """Add a content whose hash is one byte, repeated."""
    return videos.put_video(session, bytes([number]) * 32, 1000 + number, INFO, now=make.NOON)
