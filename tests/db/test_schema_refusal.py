"""What is no usable library is refused, and neither it nor its folder is changed."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing

import pytest

from tests.conftest import read_tree
from tests.db.conftest import names, python
from vidindex import Library
from vidindex.db import schema
from vidindex.errors import DatabaseUnusable, Refused


def edited(path, *statements):
    with closing(sqlite3.connect(path)) as raw, raw:
        for statement in statements:
            raw.execute(statement)


def make_text(path):
    path.write_text("a shopping list\n" * 100)


def make_empty(path):
    path.write_bytes(b"")


def cut_in_half(path):
    os.truncate(path, path.stat().st_size // 2)


def make_foreign(path):
    path.unlink()
    edited(path, "CREATE TABLE photos (id INTEGER)")


def make_foreign_with_wal(path):
    """Left by a program that was killed: an ordinary opening would change it."""
    path.unlink()
    other = path.with_name("other.db")
    with closing(sqlite3.connect(other)) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("CREATE TABLE photos (id INTEGER)")
        shutil.copyfile(other, path)
        shutil.copyfile(f"{other}-wal", f"{path}-wal")


def make_foreign_with_hot_journal(path):
    make_foreign(path)
    leave_hot_journal(path, "INSERT INTO photos VALUES (randomblob(100000))")


def leave_hot_journal(path, statement):
    """Put a database and its journal into the state that a killed writer leaves behind."""
    other = path.with_name("other.db")
    path.rename(other)
    with closing(sqlite3.connect(other, isolation_level=None)) as raw:
        raw.execute("PRAGMA cache_size = 2")
        raw.execute("BEGIN")
        raw.execute(statement)
        shutil.copyfile(other, path)
        shutil.copyfile(f"{other}-journal", f"{path}-journal")


def drop_revision(path):
    edited(path, "DELETE FROM alembic_version")


def drop_revision_table(path):
    edited(path, "DROP TABLE alembic_version")


def set_revision(revision):
    return lambda path: edited(path, f"UPDATE alembic_version SET version_num = '{revision}'")


def make_two_revisions(path):
    edited(path, "INSERT INTO alembic_version VALUES ('0000')")


def leave_migration_table(path):
    edited(path, "CREATE TABLE _alembic_tmp_videos (id INTEGER)")


def make_folder(path):
    path.unlink()
    path.mkdir()


def make_pipe(path):
    path.unlink()
    os.mkfifo(path)


def add_hard_link(path):
    os.link(path, path.with_name("second.db"))


SPOILS = {
    "a text file": (make_text, "not a usable database"),
    "an empty file": (make_empty, "empty"),
    "half of a file": (cut_in_half, "not a usable database"),
    "another program's": (make_foreign, "belongs to another program"),
    "another program's, with a log": (make_foreign_with_wal, "belongs to another program"),
    "another program's, half written": (
        make_foreign_with_hot_journal,
        "belongs to another program",
    ),
    "no revision": (drop_revision, "no revision"),
    "no table of the revision": (drop_revision_table, "no revision"),
    "two revisions": (make_two_revisions, "no revision"),
    "a newer revision": (set_revision("0999"), "made by a newer vidindex"),
    "a revision of another scheme": (set_revision("ae1027a6acf"), "made by a newer vidindex"),
    "an unknown older revision": (set_revision("0000"), "unknown"),
    "an empty revision": (set_revision(""), "unknown"),
    "half a migration": (leave_migration_table, "cut short"),
    "a folder": (make_folder, "not a file"),
    "a named pipe": (make_pipe, "not a file"),
    "a second name": (add_hard_link, "hard link"),
}


def picture(folder):
    """All names, contents, and times of change below a folder."""
    times = {entry.name: entry.lstat().st_mtime_ns for entry in folder.iterdir()}
    return read_tree(folder), times, folder.stat().st_mtime_ns


@pytest.mark.parametrize(("spoil", "told"), SPOILS.values(), ids=SPOILS)
def test_what_is_no_usable_library_is_refused_and_left_untouched(path, spoil, told):
    spoil(path)
    before = picture(path.parent)

    with pytest.raises(DatabaseUnusable, match=told) as reading:
        schema.open_for_reading(path)
    with (
        pytest.raises(DatabaseUnusable, match=told) as writing,
        schema.open_for_writing(path, pytest.fail),
    ):
        pass

    assert picture(path.parent) == before
    for refusal in (reading, writing):
        assert str(path) in refusal.value.message
        assert "\n" not in refusal.value.message
        assert refusal.value.hint


def test_a_library_that_is_not_there_is_refused_for_reading(tmp_path):
    with pytest.raises(Refused, match="there is no library") as refusal:
        schema.open_for_reading(tmp_path / "library.db")

    assert "vidindex index" in refusal.value.hint
    assert names(tmp_path) == []


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    with (
        pytest.raises(Refused, match=r"misspelt"),
        schema.open_for_writing(tmp_path / "misspelt/library.db", pytest.fail),
    ):
        pass

    assert names(tmp_path) == []


@pytest.mark.parametrize("page", [5, 12, 20])
def test_the_check_finds_a_page_that_is_damaged(path, page):
    page_bytes = 4096
    Library(path).check()
    with path.open("r+b") as file:
        file.seek((page - 1) * page_bytes)
        file.write(b"\xff" * page_bytes)

    with pytest.raises(DatabaseUnusable, match="not a usable database"):
        Library(path).check()


def test_the_check_finds_a_row_that_points_nowhere(path):
    edited(path, "UPDATE files SET video_id = 999 WHERE id = 1")

    with pytest.raises(DatabaseUnusable, match="a row of files points nowhere"):
        Library(path).check()


def test_the_check_finds_a_row_that_breaks_a_rule(path):
    edited(path, "PRAGMA ignore_check_constraints = ON", "UPDATE videos SET size_bytes = -1")

    with pytest.raises(DatabaseUnusable, match="CHECK constraint failed in videos"):
        Library(path).check()


def test_what_a_killed_writer_left_half_written_is_taken_back(path):
    before = Library(path).status()
    leave_hot_journal(path, "INSERT INTO weight_sources VALUES (randomblob(200000), zeroblob(32))")
    half_written = path.read_bytes()

    assert Library(path).status() == before
    Library(path).check()
    assert path.read_bytes() != half_written
    assert not path.with_name("library.db-journal").exists()


HOLD = """
import sqlite3, sys, time
raw = sqlite3.connect(sys.argv[1], isolation_level=None)
raw.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(6)
"""


def test_a_reader_waits_for_a_long_commit(path):
    """Six seconds: the driver's own patience is five."""
    with subprocess.Popen(python(HOLD, path), stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()

        schema.open_for_reading(path).close()

        assert holder.wait(timeout=5) == 0


def test_a_library_under_any_name_is_opened(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9 %41?mode=ro#1 \"'.db")

    with schema.open_for_writing(path, pytest.fail):
        pass

    assert schema.recognise(path) == schema.HEAD
    assert names(tmp_path) == [path.name, path.name + ".lock"]
