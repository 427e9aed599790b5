"""Transactions, and what SQLite's errors mean to a user."""

import resource
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from sqlalchemy import select, text

from tests.db.conftest import python, run_python, without_rights
from vidindex.db import engine, schema
from vidindex.db.engine import Database
from vidindex.db.models import WeightSource
from vidindex.errors import (
    DatabaseUnusable,
    Refused,
    SystemStopped,
)
from vidindex.store import recipes

DIGEST = bytes(32)


@pytest.fixture
def database(path):
    with Database(path) as opened:
        yield opened


def put(session, source):
    recipes.put_weights_digest(session, source, DIGEST)


def sources(database):
    with database.reading() as session:
        return set(session.scalars(select(WeightSource.source))) - {"imagenet"}


def test_what_a_transaction_wrote_is_there_after_it(database, path):
    with database.writing() as session:
        put(session, "a")

    with Database(path) as another:
        assert sources(another) == {"a"}


def test_an_exception_takes_the_whole_transaction_back(database):
    def work():
        with database.writing() as session:
            put(session, "a")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()

    assert sources(database) == set()
    with database.writing() as session:
        put(session, "b")
    assert sources(database) == {"b"}


def test_a_reader_cannot_write(database):
    with (
        pytest.raises(Refused, match="cannot be written"),
        database.reading() as session,
    ):
        put(session, "a")

    assert sources(database) == set()


def test_a_writer_after_a_reader_can_write(database):
    """They share one connection."""
    assert sources(database) == set()

    with database.writing() as session:
        put(session, "a")

    assert sources(database) == {"a"}


# Write a row in a transaction. The arguments: the library, the row, how long it takes.
WRITE = """
import sys, time
from pathlib import Path
from vidindex.db.engine import Database
from vidindex.store import recipes
with Database(Path(sys.argv[1])) as database:
    with database.writing() as session:
        print("begun", flush=True)
        recipes.put_weights_digest(session, sys.argv[2], bytes(32))
        time.sleep(float(sys.argv[3]) if len(sys.argv) > 3 else 0)
"""


def test_of_two_writers_the_second_waits_and_succeeds(database, path):
    """It reads before it writes: begun with a plain BEGIN it would fail at once."""
    with subprocess.Popen(python(WRITE, path, "a", "0.5"), stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"begun\n"

        with database.writing() as session:
            assert session.scalar(select(WeightSource).where(WeightSource.source == "a"))
            put(session, "b")

        assert first.wait(timeout=5) == 0
    assert sources(database) == {"a", "b"}


def test_a_writer_waits_for_a_long_reader_and_succeeds(database, path):
    with database.reading() as session:
        assert "a" not in session.scalars(select(WeightSource.source)).all()
        writer = subprocess.Popen(python(WRITE, path, "a"), stdout=subprocess.PIPE)
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"begun\n"
        time.sleep(0.3)
        assert "a" not in session.scalars(select(WeightSource.source)).all()

    assert writer.wait(timeout=20) == 0
    writer.stdout.close()
    assert sources(database) == {"a"}


def test_a_library_that_another_program_never_lets_go_stops_the_work(path, monkeypatch):
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.1)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    with (
        Database(path) as database,
        pytest.raises(SystemStopped, match="another program has held"),
        database.writing(),
    ):
        pass

    holder.close()


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("foreign_keys", 1),
        ("synchronous", 3),
        ("journal_mode", "delete"),
        ("trusted_schema", 0),
        ("mmap_size", 0),
    ],
)
@pytest.mark.parametrize("way", ["reading", "writing"])
def test_every_connection_is_set_up_for_safety(database, way, pragma, value):
    with getattr(database, way)() as session:
        assert session.scalar(text(f"PRAGMA {pragma}")) == value


def test_a_row_cannot_point_nowhere(database):
    with (
        pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"),
        database.writing() as session,
    ):
        session.execute(text("UPDATE files SET video_id = 999"))


def test_a_writer_killed_in_the_middle_leaves_the_library_as_it_was(database, path):
    killed = run_python(
        """
        import os, signal, sys
        from pathlib import Path
        from sqlalchemy import text
        from vidindex.db.engine import Database
        with Database(Path(sys.argv[1])).writing() as session:
            session.execute(text("PRAGMA cache_size = 2"))  # so that pages reach the file early
            session.execute(text("DELETE FROM assignments"))
            session.execute(text("UPDATE embeddings SET software = hex(zeroblob(200000))"))
            os.kill(os.getpid(), signal.SIGKILL)
        """,
        path,
    )

    assert killed.returncode == -9
    assert path.with_name("library.db-journal").stat().st_size > 0
    assert sources(database) == set()
    assert not path.with_name("library.db-journal").exists()
    schema.check(path)


def test_a_full_disk_stops_the_work_and_keeps_what_was_finished(database):
    with database.writing() as session:
        put(session, "a")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (database.path.stat().st_size, hard))
    try:
        with pytest.raises(SystemStopped) as stop, database.writing() as session:
            put(session, "b" * 50_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert str(database.path) in stop.value.message
    assert "is kept" in stop.value.hint
    assert sources(database) == {"a"}


def test_a_database_at_its_greatest_size_is_told_as_a_full_disk(database):
    with database.writing() as session:
        session.execute(text("PRAGMA max_page_count = 1"))

    with (
        pytest.raises(SystemStopped, match="the disk is full"),
        database.writing() as session,
    ):
        put(session, "b" * 50_000)


def test_a_damaged_page_is_told_when_it_is_met(path):
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))

    with (
        Database(path) as database,
        pytest.raises(DatabaseUnusable, match="not a usable database"),
    ):
        sources(database)


LABELS_AND_WRITE = """
import sys
from vidindex import Library
from vidindex.db import schema
from vidindex.errors import Refused
library = Library(sys.argv[1])
assert len(library.labels().rows) == 3
try:
    with schema.open_for_writing(library.path, print):
        pass
except Refused as refusal:
    print(refusal.message)
"""


def test_a_library_that_may_not_be_written_is_read_and_refused_for_writing(path):
    path.chmod(0o444)

    run = run_python(LABELS_AND_WRITE, path, under=without_rights())

    assert (run.stdout, run.stderr) == (f"the library {path} cannot be written\n", "")


@pytest.mark.parametrize("has_lock", [False, True])
def test_a_library_in_a_folder_that_may_not_be_written_is_read_only_too(path, has_lock):
    if has_lock:
        path.with_name("library.db.lock").touch()
    path.parent.chmod(0o555)

    run = run_python(LABELS_AND_WRITE, path, under=without_rights())

    path.parent.chmod(0o755)
    assert run.stderr == ""
    assert "cannot be written" in run.stdout or "cannot write beside the library" in run.stdout


def test_a_library_that_may_not_be_read_is_refused(path):
    path.chmod(0)

    run = run_python(
        "import sys, vidindex; vidindex.Library(sys.argv[1]).labels()", path, under=without_rights()
    )

    assert "Refused: cannot open the library" in run.stderr.splitlines()[-1]


def test_an_error_that_is_a_bug_of_ours_stays_what_it_is(database):
    with (
        pytest.raises(sqlite3.OperationalError, match="no such table"),
        database.reading() as session,
    ):
        session.execute(text("SELECT * FROM nowhere"))


def test_a_closed_database_leaves_no_descriptor_open(path):
    def opened():
        return [link for link in Path("/proc/self/fd").iterdir() if link.exists()]

    before = len(opened())
    with Database(path) as database:
        sources(database)
        assert str(path) in {str(link.readlink()) for link in opened()}

    assert len(opened()) == before
