"""A backup is whole, checked, and never in another file's place."""

import os
import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest

from tests.conftest import read_tree
from tests.db.conftest import (
    HEAD,
    KILLED,
    NEXT,
    killed_before,
    names,
    run_python,
    without_rights,
)
from vidindex import Library
from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.errors import DatabaseUnusable, Refused, SystemStopped
from vidindex.store import recipes


@pytest.fixture
def library(path):
    return Library(path)


@pytest.fixture
def folder(tmp_path):
    """An empty folder for backups."""
    made = tmp_path / "backups"
    made.mkdir()
    return made


def test_a_backup_is_a_library_with_all_that_is_in_the_first(library, folder):
    made = library.back_up(folder / "copy.db")

    copy = Library(made)
    assert copy.labels() == library.labels()
    assert copy.show("01010101") == library.show("01010101")
    assert copy.revision() == library.revision()
    copy.check()
    assert names(folder) == ["copy.db"]


def test_a_backup_changes_nothing_of_the_library(library, path, folder):
    before = read_tree(path.parent)

    library.back_up(folder / "copy.db")

    assert read_tree(path.parent) == before


def test_a_backup_can_be_made_while_another_writes(library, path, folder):
    """It holds what was committed."""
    with Database(path) as database, database.writing() as session:
        recipes.put_weights_digest(session, "unfinished", bytes(32))
        made = library.back_up(folder / "copy.db")

    with closing(sqlite3.connect(made)) as raw:
        assert raw.execute("SELECT source FROM weight_sources").fetchall() == [("imagenet",)]


def test_a_backup_may_have_any_name(library, folder):
    made = library.back_up(folder / os.fsdecode(b"caf\xe9'?#%41.db"))

    assert Library(made).labels() == library.labels()


def test_a_backup_replaces_no_file(library, folder):
    (folder / "copy.db").write_text("mine")

    with pytest.raises(Refused, match="exists already"):
        library.back_up(folder / "copy.db")

    assert read_tree(folder) == {"copy.db": b"mine"}


def test_a_backup_replaces_no_file_of_a_like_name(library, folder):
    users = {"copy.db.tmp": b"mine", "copy.db.new": b"mine too"}
    for name, content in users.items():
        (folder / name).write_bytes(content)

    library.back_up(folder / "copy.db")

    assert {name: (folder / name).read_bytes() for name in users} == users


def test_a_backup_into_a_folder_that_is_not_there_is_refused(library, tmp_path):
    with pytest.raises(Refused, match=r"cannot write into .*misspelt"):
        library.back_up(tmp_path / "misspelt/copy.db")

    assert not (tmp_path / "misspelt").exists()


def test_a_backup_into_a_folder_that_may_not_be_written_is_refused(path, folder):
    folder.chmod(0o555)

    run = run_python(
        "import sys, vidindex; vidindex.Library(sys.argv[1]).back_up(sys.argv[2])",
        path,
        folder / "copy.db",
        under=without_rights(),
    )

    assert f"Refused: cannot write into {folder}" in run.stderr.splitlines()[-1]
    assert names(folder) == []


def test_the_room_for_a_backup_is_that_where_it_goes(library, path, folder, monkeypatch):
    """Not that beside the library: its full disk may be why the backup goes elsewhere."""
    size = path.stat().st_size
    free = {path.parent: 0, folder: size}
    monkeypatch.setattr(os, "statvfs", lambda at: SimpleNamespace(f_bavail=free[at], f_frsize=1))

    library.back_up(folder / "copy.db")

    free[folder] = size - 1
    with pytest.raises(SystemStopped, match=f"no room in {folder}: {size} bytes are needed"):
        library.back_up(folder / "another.db")
    assert names(folder) == ["copy.db"]


@pytest.mark.parametrize(
    ("call", "number"),
    [("pwrite64", 20), ("fdatasync", 4), ("fsync", 1), ("renameat2", 1)],
)
def test_a_kill_leaves_no_backup_that_looks_whole_and_the_next_one_works(
    library, path, folder, call, number
):
    code = "import sys, vidindex; vidindex.Library(sys.argv[1]).back_up(sys.argv[2])"

    killed = run_python(code, path, folder / "copy.db", under=killed_before(call, number))

    assert killed.returncode == KILLED
    assert [name for name in names(folder) if not name.startswith(".vidindex-")] == []
    made = library.back_up(folder / "copy.db")
    assert names(folder) == ["copy.db"]
    assert Library(made).labels() == library.labels()


def test_a_damaged_library_is_not_backed_up(library, path, folder):
    with path.open("r+b") as file:
        file.seek(11 * 4096)
        file.write(b"\xff" * 4096)

    with pytest.raises(DatabaseUnusable):
        library.back_up(folder / "copy.db")

    assert names(folder) == []


def test_a_library_whose_rows_point_nowhere_is_not_backed_up(library, path, folder):
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE files SET video_id = 999 WHERE id = 1")

    with pytest.raises(DatabaseUnusable, match="points nowhere"):
        library.back_up(folder / "copy.db")

    assert names(folder) == []


def test_the_backup_of_an_older_library_is_of_its_revision(library, folder, monkeypatch):
    monkeypatch.setattr(schema, "HEAD", NEXT)

    made = library.back_up(folder / "copy.db")

    assert schema.recognise(made) == HEAD
