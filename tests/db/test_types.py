"""What is written to a column is read back as it was."""

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update
from sqlalchemy.exc import StatementError

from tests.databases import make
from vidindex.db.engine import Database
from vidindex.db.models import Embedding, Video
from vidindex.store import embeddings, files, videos


@pytest.fixture
def database(path):
    with Database(path) as opened:
        yield opened


ODD_FLOATS = np.array(
    [0.0, -0.0, 1e-45, -1e-45, 1.1754942e-38, 3.4028235e38, np.inf, -np.inf, np.nan, 1 / 3],
    dtype=np.float32,
)


def test_a_vector_is_read_back_bit_equal(database):
    vector = np.resize(ODD_FLOATS, 2048)

    with database.writing() as session:
        session.execute(update(Embedding).where(Embedding.video_id == 1).values(vector=vector))
    with database.reading() as session:
        matrix = embeddings.load_matrix(session, 1)

    assert matrix.vectors[0].tobytes() == vector.tobytes()
    assert matrix.vectors[1:].tobytes() == make.VECTORS[1:].tobytes()
    assert matrix.vectors.dtype == np.float32


def test_a_vector_is_stored_as_little_endian_numbers(database, path):
    vector = np.resize(ODD_FLOATS, 2048)

    with database.writing() as session:
        session.execute(
            update(Embedding).where(Embedding.video_id == 1).values(vector=vector.astype(">f4"))
        )

    with closing(sqlite3.connect(path)) as raw:
        (stored,) = raw.execute("SELECT vector FROM embeddings WHERE video_id = 1").fetchone()
    assert stored == vector.astype("<f4").tobytes()


@pytest.mark.parametrize(
    "name",
    [b"caf\xe9\xff.mp4", "café.mp4".encode(), b"new\nline.mp4", b"\x1b[31m.mp4", b"it's.mp4"],
)
def test_a_path_is_read_back_byte_by_byte(database, path, name):
    place = Path(os.fsdecode(b"/videos/" + name))

    with database.writing() as session:
        files.put_file(session, make.stat(place, 77), video_id=1, checked_at_ns=1)
    with database.reading() as session:
        assert files.find_file(session, place).stat == make.stat(place, 77)

    with closing(sqlite3.connect(path)) as raw:
        (stored,) = raw.execute("SELECT path FROM files WHERE inode = 77").fetchone()
    assert stored == b"/videos/" + name


def test_names_that_differ_in_their_unicode_form_are_two_paths(database):
    composed, decomposed = Path("/videos/caf\u00e9.mp4"), Path("/videos/cafe\u0301.mp4")

    with database.writing() as session:
        for inode, place in enumerate((composed, decomposed), start=70):
            files.put_file(session, make.stat(place, inode), video_id=1, checked_at_ns=1)
    with database.reading() as session:
        assert files.find_file(session, composed).stat.inode == 70
        assert files.find_file(session, decomposed).stat.inode == 71


def test_a_time_comes_back_as_the_same_moment_in_utc(database):
    moment = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))

    with database.writing() as session:
        session.execute(update(Video).where(Video.id == 1).values(added_at=moment))
    with database.reading() as session:
        (video,) = videos.find_videos(session, make.HASHES[0].hex())

    assert video.added_at == moment
    assert video.added_at.tzinfo is UTC


def test_a_time_without_a_zone_cannot_be_stored(database):
    naive = datetime(2026, 3, 1, 12)

    with (
        pytest.raises(StatementError, match="a time without a zone"),
        database.writing() as session,
    ):
        session.execute(update(Video).values(added_at=naive))
