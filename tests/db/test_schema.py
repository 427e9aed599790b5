"""A new library: it appears whole, and its tables are what the models say."""

import re
import shutil
import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.databases import make
from tests.db.conftest import KILLED, killed_before, names, run_python
from vidindex.db import journal, models, pictures, schema, wishes  # noqa: F401 - they define the tables
from vidindex.db.base import Base
from vidindex.db.engine import sqlite_engine
from vidindex.errors import Refused

CREATE = """
import sys
from pathlib import Path
from vidindex.db import schema
with schema.open_for_writing(Path(sys.argv[1]), print):
    pass
"""


def test_a_new_library_has_the_newest_revision_and_is_marked_as_ours(tmp_path):
    path = tmp_path / "library.db"

    with schema.open_for_writing(path, pytest.fail):
        pass

    assert schema.recognise(path) == schema.HEAD
    assert path.read_bytes()[68:72] == b"vidx"
    assert names(tmp_path) == ["library.db", "library.db.lock"]


def test_the_newest_revision_is_that_of_the_migrations():
    config = Config()
    config.set_main_option("script_location", str(schema.migrations_folder()))

    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("pwrite64", 1),
        ("pwrite64", 9),
        ("pwrite64", 33),
        ("fdatasync", 2),
        ("fdatasync", 5),
        ("fsync", 1),
        ("renameat2", 1),
    ],
)
def test_a_kill_while_a_library_is_made_leaves_none_and_the_next_run_makes_it(
    tmp_path, call, number
):
    path = tmp_path / "library.db"

    killed = run_python(CREATE, path, under=killed_before(call, number))

    assert killed.returncode == KILLED
    assert path.exists() == (call == "fsync")  # only its name was still to be saved
    with schema.open_for_writing(path, pytest.fail):
        schema.check(path)
    assert names(tmp_path) == ["library.db", "library.db.lock"]


def test_a_new_library_that_does_not_fit_leaves_nothing_behind(tmp_path):
    path = tmp_path / "library.db"

    failed = run_python(
        f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n{CREATE}",
        path,
    )

    assert "SystemStopped" in failed.stderr
    assert names(tmp_path) == ["library.db.lock"]


def test_a_new_library_replaces_no_file_of_another_name(tmp_path):
    users = [tmp_path / f"library.db{suffix}" for suffix in (".new", ".tmp", "-new")]
    for file in users:
        file.write_text("mine")

    with schema.open_for_writing(tmp_path / "library.db", pytest.fail):
        pass

    assert [file.read_text() for file in users] == ["mine"] * 3


@pytest.mark.parametrize("left_over", ["library.db-journal", "library.db-wal"])
def test_the_journal_of_a_library_that_is_gone_is_not_played_into_a_new_one(tmp_path, left_over):
    (tmp_path / left_over).write_bytes(b"of a library that was removed")

    with (
        pytest.raises(Refused, match=left_over) as refusal,
        schema.open_for_writing(tmp_path / "library.db", pytest.fail),
    ):
        pass

    assert "move" in refusal.value.hint
    assert (tmp_path / left_over).read_bytes() == b"of a library that was removed"
    assert not (tmp_path / "library.db").exists()


def test_a_library_made_meanwhile_by_another_program_is_kept(tmp_path, path):
    """Only vidindex takes the lock; anything else may put a file there."""
    target = shutil.copyfile(path, tmp_path / "library.db")
    before = target.read_bytes()

    with pytest.raises(Refused):
        schema.create(target)

    assert target.read_bytes() == before
    assert not list(tmp_path.glob("*.new"))


@pytest.fixture(scope="module")
def modelled(tmp_path_factory):
    """A database made of the models."""
    file = tmp_path_factory.mktemp("modelled") / "library.db"
    engine = sqlite_engine(file)
    Base.metadata.create_all(engine)
    engine.dispose()
    return file


@pytest.fixture(params=["new", *sorted(file.stem for file in make.FOLDER.glob("*.db"))])
def migrated(request, tmp_path):
    """A new library, and one of every older revision after its upgrade."""
    file = tmp_path / "library.db"
    if request.param == "new":
        schema.create(file)
    else:
        shutil.copyfile(make.FOLDER / f"{request.param}.db", file)
        schema.upgrade(file)
    return file


def inspected(file):
    """All that SQLAlchemy finds out about the tables of a database, in a fixed order."""
    engine = sqlite_engine(file)
    found = sa.inspect(engine)
    tables = {
        table: {
            "columns": [
                (column["name"], str(column["type"]), column["nullable"], column["default"])
                for column in found.get_columns(table)
            ],
            "primary key": found.get_pk_constraint(table),
            "foreign keys": by_name(found.get_foreign_keys(table)),
            "unique": by_name(found.get_unique_constraints(table)),
            "indexes": by_name(found.get_indexes(table)),
            "checks": by_name(found.get_check_constraints(table)),
        }
        for table in found.get_table_names()
        if table != "alembic_version"
    }
    engine.dispose()
    return tables


def by_name(constraints):
    return sorted(constraints, key=lambda constraint: constraint["name"])


def definitions(file):
    """The SQL of every table and index, its parts sorted, as their order means nothing.

    Views are the migrations' alone: the program itself reads none.
    """
    with closing(sqlite3.connect(file)) as raw:
        rows = raw.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type != 'view'"
        ).fetchall()
    return {name: parts(sql) for name, sql in rows if name != "alembic_version"}


def parts(sql):
    plain = " ".join(sql.replace('"', "").split())
    head, _, body = plain.partition("(")
    return [head.strip(), *sorted(part.strip() for part in split(body.rpartition(")")[0]))]


def split(body):
    """Split at the commas that lie in no parentheses."""
    depth, part = 0, ""
    for character in body:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            yield part
            part = ""
        else:
            part += character
    yield part


def test_the_migrations_make_the_tables_of_the_models(migrated, modelled):
    assert inspected(migrated) == inspected(modelled)


def test_the_migrations_write_the_same_definitions_as_the_models(migrated, modelled):
    assert definitions(migrated) == definitions(modelled)


def test_every_constraint_has_a_name(migrated):
    bare = r"(?<!\S)(CHECK|UNIQUE|FOREIGN KEY|PRIMARY KEY|REFERENCES)"
    with closing(sqlite3.connect(migrated)) as raw:
        tables = raw.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'table' AND name != 'alembic_version'"
        ).fetchall()

    clauses = [clause for (sql,) in tables for clause in parts(sql)[1:]]
    constraints = [clause for clause in clauses if re.search(bare, clause)]
    assert len(constraints) > 40
    assert [clause for clause in constraints if not clause.startswith("CONSTRAINT ")] == []
