"""An older library: backed up, then upgraded whole or not at all, and never by a reader."""

import os
import resource
import sqlite3
from contextlib import closing, contextmanager
from types import SimpleNamespace

import pytest

from tests.conftest import read_tree
from tests.databases import make
from tests.db.conftest import (
    AFTER_NEXT,
    HEAD,
    KILLED,
    NEWER,
    NEXT,
    killed_before,
    names,
    newer_migrations,
    run_python,
)
from vidindex import Library
from vidindex.db import schema
from vidindex.errors import AnotherAtWork, DatabaseUnusable, Refused, SystemStopped


def become_newer(monkeypatch, migrations):
    """Let this process be a vidindex that knows a revision more."""
    monkeypatch.setattr(schema, "HEAD", NEXT)
    monkeypatch.setattr(schema, "migrations_folder", lambda: migrations)


@pytest.fixture
def newer(monkeypatch, tmp_path):
    become_newer(monkeypatch, newer_migrations(tmp_path))


def upgrade(path):
    """Upgrade a library as each writer does; return what the user is told."""
    told = []
    with schema.open_for_writing(path, told.append):
        pass
    return told


def dump(path):
    """All of a database as SQL."""
    with closing(sqlite3.connect(path)) as raw:
        return list(raw.iterdump())


def backups(path):
    return sorted(path.parent.glob(f"library-{HEAD}-*.backup.db"))


def assert_is_the_old_library(path, before):
    assert dump(path) == before
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
        assert not raw.execute("SELECT * FROM sqlite_master WHERE name LIKE '_alembic%'").fetchall()


def assert_is_the_new_library(path):
    schema.check(path)
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchall() == [(NEXT,)]
        assert raw.execute("SELECT id, note FROM clusterings").fetchall() == [(1, None)]
        assert raw.execute("SELECT count(*) FROM assignments").fetchall() == [(3,)]
        assert raw.execute("SELECT count(*) FROM clusters").fetchall() == [(2,)]


def test_a_writer_upgrades_an_older_library_and_keeps_all_that_is_in_it(newer, path):
    upgrade(path)

    assert_is_the_new_library(path)


def test_the_user_is_told_of_an_upgrade_and_where_the_backup_is(newer, path):
    told = upgrade(path)

    (backup,) = backups(path)
    assert told == [f"the library was upgraded to revision {NEXT}; its backup is {backup}"]


def test_the_backup_before_an_upgrade_is_the_whole_old_library(newer, path):
    before = dump(path)

    upgrade(path)

    (backup,) = backups(path)
    schema.check(backup)
    assert schema.recognise(backup) == HEAD
    assert dump(backup) == before


def test_an_upgrade_leaves_the_library_its_backup_and_the_lock(newer, path):
    upgrade(path)

    (backup,) = backups(path)
    assert names(path.parent) == [backup.name, "library.db", "library.db.lock"]


def test_a_library_is_upgraded_once(newer, path):
    upgrade(path)

    assert upgrade(path) == []
    assert len(backups(path)) == 1


def test_the_vidindex_before_refuses_the_upgraded_library(newer, path, monkeypatch):
    upgrade(path)
    monkeypatch.setattr(schema, "HEAD", HEAD)
    before = read_tree(path.parent)

    with pytest.raises(DatabaseUnusable, match="made by a newer vidindex"):
        upgrade(path)

    assert read_tree(path.parent) == before


@pytest.mark.parametrize("query", ["labels", "runs", "status", "vectors"])
def test_a_query_never_upgrades(newer, path, query):
    before = read_tree(path.parent)

    with pytest.raises(Refused, match="older vidindex") as refusal:
        getattr(Library(path), query)()

    assert "vidindex db upgrade" in refusal.value.hint
    assert read_tree(path.parent) == before


def test_an_older_library_tells_its_revision_and_upgrades_by_command(newer, path):
    library = Library(path)

    assert library.revision() == HEAD
    assert library.upgrade() == (HEAD, NEXT)
    assert library.revision() == NEXT


def test_an_upgrade_waits_for_no_other_writer(newer, path):
    before = dump(path)

    with schema.writer_lock(path), pytest.raises(AnotherAtWork):
        upgrade(path)

    assert_is_the_old_library(path, before)
    assert backups(path) == []


def test_a_migration_that_fails_changes_nothing_and_the_retry_works(path, tmp_path, monkeypatch):
    before = dump(path)
    (tmp_path / "bad").mkdir()
    become_newer(monkeypatch, newer_migrations(tmp_path / "bad", "op.execute('no SQL')"))

    with pytest.raises(Exception, match="syntax error"):
        upgrade(path)

    assert_is_the_old_library(path, before)
    become_newer(monkeypatch, newer_migrations(tmp_path))
    upgrade(path)
    assert_is_the_new_library(path)


def test_of_two_migrations_the_first_is_taken_back_if_the_second_fails(path, tmp_path, monkeypatch):
    before = dump(path)
    migrations = newer_migrations(tmp_path)
    (migrations / f"versions/{AFTER_NEXT}_last.py").write_text(FAILING_REVISION)
    become_newer(monkeypatch, migrations)

    with pytest.raises(Exception, match="syntax error"):
        upgrade(path)

    assert_is_the_old_library(path, before)


FAILING_REVISION = f"""
from alembic import op
revision = "{AFTER_NEXT}"
down_revision = "{NEXT}"
def upgrade():
    op.execute("no SQL")
"""


def test_a_migration_that_leaves_rows_pointing_nowhere_is_taken_back(path, tmp_path, monkeypatch):
    before = dump(path)
    orphan = "op.execute('UPDATE files SET video_id = 999')"
    become_newer(monkeypatch, newer_migrations(tmp_path, orphan))

    with pytest.raises(DatabaseUnusable, match="point to rows that do not exist"):
        upgrade(path)

    assert_is_the_old_library(path, before)


def test_a_process_that_dies_in_a_migration_changes_nothing_and_the_retry_works(path, tmp_path):
    before = dump(path)
    (tmp_path / "bad").mkdir()
    deadly = newer_migrations(tmp_path / "bad", "os.kill(os.getpid(), signal.SIGKILL)")

    assert run_python(NEWER, path, deadly).returncode == KILLED

    assert_is_the_old_library(path, before)
    assert run_python(NEWER, path, newer_migrations(tmp_path)).returncode == 0
    assert_is_the_new_library(path)


# In the order of the work: the backup, its name, the journal, the library, the journal's end.
@pytest.mark.parametrize(
    ("call", "file", "number", "survivor"),
    [
        ("pwrite64", None, 30, "old"),
        ("fdatasync", None, 4, "old"),
        ("renameat2", None, 1, "old"),
        ("fdatasync", "library.db-journal", 1, "old"),
        ("pwrite64", "library.db", 3, "old"),
        ("unlink", "library.db-journal", 1, "old"),
        ("fdatasync", ".", 3, "new"),
    ],
)
def test_a_kill_at_any_call_of_an_upgrade_leaves_the_old_library_or_the_new(
    path, tmp_path, call, file, number, survivor
):
    before = dump(path)
    migrations = newer_migrations(tmp_path)
    on = None if file is None else path.parent / file

    killed = run_python(NEWER, path, migrations, under=killed_before(call, number, on))

    assert killed.returncode == KILLED
    if survivor == "old":
        assert_is_the_old_library(path, before)
    else:
        assert_is_the_new_library(path)
    assert run_python(NEWER, path, migrations).returncode == 0
    assert_is_the_new_library(path)
    assert [name for name in names(path.parent) if name.startswith(".")] == []
    for backup in backups(path):
        assert_is_the_old_library(backup, before)


@contextmanager
def files_limited_to(size_bytes):
    """Let no file grow beyond a size, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_where_the_disk_fills_during_the_backup_nothing_is_changed(newer, path):
    before = path.read_bytes()

    with files_limited_to(60_000), pytest.raises(SystemStopped, match="cannot copy") as stop:
        upgrade(path)

    assert "nothing was changed" in stop.value.hint
    assert path.read_bytes() == before
    assert names(path.parent) == ["library.db", "library.db.lock"]


def test_where_the_disk_fills_during_a_migration_the_old_library_is_left(
    path, tmp_path, monkeypatch
):
    before = dump(path)
    grow = "op.execute('UPDATE clusterings SET note = zeroblob(400000)')"
    become_newer(monkeypatch, newer_migrations(tmp_path, grow))

    with files_limited_to(300_000), pytest.raises(SystemStopped):
        upgrade(path)

    assert_is_the_old_library(path, before)


def test_an_upgrade_without_room_for_it_does_not_begin(newer, path, monkeypatch):
    size = path.stat().st_size
    free = SimpleNamespace(f_bavail=int(size * 2.1), f_frsize=1)
    monkeypatch.setattr(os, "statvfs", lambda _folder: free)

    with pytest.raises(SystemStopped, match=f"{int(size * 2.2)} bytes are needed"):
        upgrade(path)

    assert names(path.parent) == ["library.db", "library.db.lock"]


def test_a_damaged_library_is_not_upgraded(newer, path):
    with path.open("r+b") as file:
        file.seek(11 * 4096)
        file.write(b"\xff" * 4096)
    before = path.read_bytes()

    with pytest.raises(DatabaseUnusable):
        upgrade(path)

    assert path.read_bytes() == before
    assert names(path.parent) == ["library.db", "library.db.lock"]


@pytest.mark.parametrize("stored", sorted(make.FOLDER.glob("*.db")), ids=lambda file: file.stem)
def test_every_stored_library_is_upgraded_by_a_newer_vidindex(newer, stored, tmp_path):
    path = tmp_path / "library.db"
    path.write_bytes(stored.read_bytes())

    upgrade(path)

    assert_is_the_new_library(path)
