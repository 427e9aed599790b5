"""Is this file our library, at our revision? Making, backing up and upgrading it.

Alembic's migrations are the one source of the schema: a new library and an old one both go
through ``upgrade head``. ``HEAD`` repeats the newest revision, so that a normal start need not
import Alembic; a test compares the two.
"""

from __future__ import annotations

import glob
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from vidindex.db.engine import BUSY_TIMEOUT_S, Database, damaged, explained, sqlite_engine
from vidindex.db.lock import writer_lock
from vidindex.disk_errors import TargetTaken
from vidindex.errors import DatabaseUnusable, Refused, SystemStopped
from vidindex.places import FileIdentity
from vidindex.renames import rename_exclusive
from vidindex.scanning import PART_PREFIX

FIRST = "0001"
HEAD = "0005"
APPLICATION_ID = 0x76696478  # "vidx", in the header of the file (PRAGMA application_id)
ROOM_FOR_UPGRADE = 2.2  # free space that an upgrade needs, in sizes of the database


def open_for_reading(path: Path) -> Database:
    """Open an existing library for queries. Takes no lock and changes nothing.

    Raises:
        Refused: there is none, or it is of an older revision.
        DatabaseUnusable: it is damaged, newer, or not a library.
    """
    revision = require(path)
    if revision != HEAD:
        raise Refused(
            f"the library {path} was made by an older vidindex (revision {revision})",
            "bring it up to date with: vidindex db upgrade",
        )
    return Database(path)


@contextmanager
def open_for_writing(
    path: Path, tell: Callable[[str], None], *, wait: bool = False
) -> Iterator[Database]:
    """Open a library as its one writer until the block ends; make or upgrade it first.

    tell: called with a line for the user when an upgrade happens, or when this has to wait.
    wait: until another vidindex that is writing has finished.

    Raises:
        AnotherAtWork: another vidindex is writing, and there is no waiting.
        Refused: the place cannot be written.
        DatabaseUnusable: it is damaged, newer, or not a library.
    """
    if os.path.lexists(path):
        recognise(path)  # before the lock file is made beside something that is not ours
    with writer_lock(path, tell if wait else None):
        if not os.path.lexists(path):
            create(path)
        revision = recognise(path)
        if revision != HEAD:
            backup = back_up_before_upgrade(path, revision)
            upgrade(path)
            tell(f"the library was upgraded to revision {HEAD}; its backup is {backup}")
        if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
            raise Refused(
                f"the library {path} cannot be written",
                "check the rights of the file and its folder",
            )
        with Database(path) as database:
            yield database


@contextmanager
def changing(path: Path, tell: Callable[[str], None], *, wait: bool = False) -> Iterator[Session]:
    """Change an existing library in one transaction: all that the block does, or nothing.

    Raises:
        Refused: there is none. And as `open_for_writing`.
    """
    require(path)
    with open_for_writing(path, tell, wait=wait) as database, database.writing() as session:
        yield session


def require(path: Path) -> str:
    """Return the revision of an existing library, of whatever revision it is.

    Raises:
        Refused: there is none.
        DatabaseUnusable: as `recognise`.
    """
    if not os.path.lexists(path):
        raise Refused(
            f"there is no library at {path}",
            "make one with: vidindex index PATH, or name another with --db",
        )
    return recognise(path)


def recognise(path: Path) -> str:
    """Return the revision of the library at a path, without changing anything.

    Raises:
        DatabaseUnusable: it is no library, is damaged, or was made by a newer vidindex.
    """
    if not path.is_file():
        raise DatabaseUnusable(f"{path} is not a file", "name a file with --db")
    if path.stat().st_size == 0:
        raise damaged(path, "it is empty")
    if path.stat().st_nlink > 1:
        raise DatabaseUnusable(
            f"{path} has a second name (a hard link)",
            "its journal would not be found under the other one: keep one name only",
        )
    with explained(path):
        require_ours(path)
        uri = f"{path.as_uri()}?mode=rw"
        with closing(sqlite3.connect(uri, timeout=BUSY_TIMEOUT_S, uri=True)) as raw:
            names = {name for (name,) in raw.execute("SELECT name FROM sqlite_master")}
            revisions = (
                [revision for (revision,) in raw.execute("SELECT version_num FROM alembic_version")]
                if "alembic_version" in names
                else []
            )
    return known_revision(path, names, revisions)


def require_ours(path: Path) -> None:
    """Look at a file's header only, without locks, so that another program's is left untouched.

    An ordinary opening would already play a journal back that a killed program left. Until that
    is done, the header may promise more pages than the file has, which is damage to SQLite unless
    writable_schema is on; so it is while another process commits.

    Raises:
        DatabaseUnusable: it belongs to another program.
    """
    with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as raw:
        raw.execute("PRAGMA writable_schema = ON")
        (application_id,) = raw.execute("PRAGMA application_id").fetchone()
    if application_id != APPLICATION_ID:
        raise DatabaseUnusable(
            f"{path} belongs to another program", "nothing was written; name another --db"
        )


def known_revision(path: Path, tables: set[str], revisions: list[str]) -> str:
    """Return the one revision of a library, or say why it cannot be used."""
    left_over = sorted(name for name in tables if name.startswith("_alembic_tmp_"))
    if left_over or len(revisions) != 1:
        raise damaged(path, "an upgrade was cut short" if left_over else "it has no revision")
    (revision,) = revisions
    if revision > HEAD:
        raise DatabaseUnusable(
            f"{path} was made by a newer vidindex (revision {revision}, this one knows {HEAD})",
            "nothing was changed: update vidindex",
        )
    if revision < FIRST or not re.fullmatch("[0-9]{4}", revision):
        raise damaged(path, f"its revision is unknown: {revision!r}")
    return revision


def create(path: Path) -> None:
    """Make a new library. It appears under its name only when it is whole."""
    refuse_journal_without_database(path)
    unfinished = path.with_name(PART_PREFIX + path.name)
    remove_unfinished(unfinished)  # the lock is ours: it can only be from a killed run
    try:
        with explained(path):
            upgrade(unfinished)
        publish(unfinished, path)
    finally:
        remove_unfinished(unfinished)


def refuse_journal_without_database(path: Path) -> None:
    """Keep a new library from the journal of one that is gone: SQLite would play it back into it.

    Raises:
        Refused: there is such a journal; it may be needed to mend the library it belongs to.
    """
    for suffix in ("-journal", "-wal"):
        journal = path.with_name(path.name + suffix)
        if os.path.lexists(journal):
            raise Refused(
                f"{journal} belongs to a library that is gone",
                "put that library back, or move the journal away",
            )


def remove_unfinished(database: Path) -> None:
    """Remove a database that never got its name, and its journal."""
    for part in (database, database.with_name(database.name + "-journal")):
        part.unlink(missing_ok=True)


def upgrade(path: Path, migrations: Path | None = None, target: str = "head") -> None:
    """Run the migrations on a file, in one transaction: all of them or none.

    migrations: the folder of the migrations; vidindex's own by default.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option(
        "script_location", str(migrations or migrations_folder()).replace("%", "%%")
    )
    # A batch migration copies a table and drops the old one, which must not cascade.
    engine = sqlite_engine(path, foreign_keys=False)
    try:
        with explained(path), engine.begin() as connection:
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
            config.attributes["connection"] = connection
            command.upgrade(config, target)
            check_foreign_keys(connection, path)
    finally:
        engine.dispose()


def check_foreign_keys(connection: Connection, path: Path) -> None:
    """Refuse to commit rows that point nowhere."""
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise damaged(path, "rows point to rows that do not exist")


def migrations_folder() -> Path:
    """Return where the migrations are: inside the installed package, or beside its sources."""
    package = Path(__file__).parents[1]
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


def stamp() -> str:
    """Return the present moment as part of a file name: a retry at once has another one."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def back_up_before_upgrade(path: Path, revision: str) -> Path:
    """Back a library up beside itself, under a name that tells its revision."""
    name = f"{path.stem}-{revision}"
    for left in path.parent.glob(f"{PART_PREFIX}{glob.escape(name)}-*.backup.db"):
        remove_unfinished(left)  # the lock is ours: it can only be from a killed run
    need_room(path, path.parent, ROOM_FOR_UPGRADE)
    return back_up(path, path.with_name(f"{name}-{stamp()}.backup.db"))


def back_up(path: Path, target: Path) -> Path:
    """Copy a library as one consistent, verified file. Never replaces a file.

    Raises:
        Refused: the target exists, or cannot be written.
        SystemStopped: there is no room.
        DatabaseUnusable: the copy, and so the library, is damaged.
    """
    if os.path.lexists(target):
        raise Refused(f"{target} exists already", "choose another name for the backup")
    if not os.access(target.parent, os.W_OK):
        raise Refused(
            f"cannot write into {target.parent}", "check that the folder exists and may be written"
        )
    refuse_journal_without_database(target)
    need_room(path, target.parent, 1)
    unfinished = target.with_name(PART_PREFIX + target.name)
    remove_unfinished(unfinished)
    try:
        copy_database(path, unfinished)
        check(unfinished)
        with unfinished.open("rb") as copy:
            os.fsync(copy.fileno())
        publish(unfinished, target)
    finally:
        remove_unfinished(unfinished)
    return target


def copy_database(path: Path, target: Path) -> None:
    """Copy what is committed, while others may read and write."""
    with explained(path), closing(open_plainly(path)) as raw:
        try:
            raw.execute("VACUUM INTO CAST(? AS TEXT)", (os.fsencode(target),))
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
                raise
            raise SystemStopped(
                f"cannot copy {path} into {target.parent}: {error}",
                "make room or mend the disk, then run the command again; nothing was changed",
            ) from error


def open_plainly(path: Path) -> sqlite3.Connection:
    """Open a database beside the program's own connection, in no transaction."""
    return sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)


def publish(unfinished: Path, path: Path) -> None:
    """Give a finished database its name; nothing that has the name is replaced.

    Raises:
        Refused: another program made such a file meanwhile.
    """
    try:
        rename_exclusive(unfinished, path, FileIdentity.of(unfinished), root=path.parent)
    except TargetTaken as error:
        raise Refused(f"{path} exists already", "run the command again") from error


def need_room(path: Path, folder: Path, sizes: float) -> None:
    """Refuse to start what would fill the disk of a folder. sizes: of the library."""
    disk = os.statvfs(folder)
    needed = int(path.stat().st_size * sizes)
    free = disk.f_bavail * disk.f_frsize
    if free < needed:
        raise SystemStopped(
            f"no room in {folder}: {needed} bytes are needed, {free} are free",
            "make room and run the command again; nothing was changed",
        )


def check(path: Path) -> None:
    """Check a database file from end to end.

    Raises:
        DatabaseUnusable: with the first thing that is wrong.
    """
    with explained(path), closing(open_plainly(path)) as raw:
        (verdict,) = raw.execute("PRAGMA integrity_check(1)").fetchone()
        broken_row = raw.execute("PRAGMA foreign_key_check").fetchone()
    if verdict != "ok":
        raise damaged(path, str(verdict))
    if broken_row is not None:
        raise damaged(path, f"a row of {broken_row[0]} points nowhere")
