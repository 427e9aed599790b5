"""A --db that is no library of ours, or cannot be written: refused, and left as it is."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from tests.cli.running import assert_explained
from tests.conftest import read_tree

QUERIES = [["labels"], ["runs"], ["status"], ["show", "in/a.mp4"]]
WRITERS = [["index", "in"], ["cluster", "-k", "2"], ["apply", "out"], ["undo"]]
COMMANDS = [*QUERIES, *WRITERS, ["db", "check"], ["db", "current"], ["db", "upgrade"]]


def make_folder(path):
    path.mkdir()


def make_text(path):
    path.write_text("my precious notes\n" * 100)


def make_empty(path):
    path.touch()


def make_other_program(path):
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE notes (text)")
        other.execute("INSERT INTO notes VALUES ('precious')")
        other.commit()


def make_ours_without_revision(path):
    with closing(sqlite3.connect(path)) as ours:
        ours.execute("PRAGMA application_id = 0x76696478")
        ours.execute("CREATE TABLE alembic_version (version_num TEXT)")
        ours.commit()


UNUSABLE = {
    make_folder: ("is not a file", "--db"),
    make_text: ("not a usable database: file is not a database", "backup"),
    make_empty: ("it is empty", "backup"),
    make_other_program: ("belongs to another program", "another --db"),
    make_ours_without_revision: ("it has no revision", "backup"),
}


@pytest.mark.parametrize("make", UNUSABLE, ids=lambda make: make.__name__)
def test_a_database_that_is_none_of_ours_is_refused_and_left_alone(vidindex, home, videos, make):
    make(home / "other.db")
    before = read_tree(home)
    says, hint = UNUSABLE[make]

    for command in COMMANDS:
        outcome = vidindex(*command, "--db", home / "other.db")

        assert_explained(outcome, 6, says=rf"other\.db.* {says}", hint=hint)
        assert read_tree(home) == before


def test_a_library_cut_in_half_is_refused_and_left_alone(vidindex, home, clustered):
    library = home / "library.db"
    content = library.read_bytes()
    library.write_bytes(content[: len(content) // 2])
    before = read_tree(home)

    for command in COMMANDS:
        outcome = vidindex(*command)

        assert_explained(outcome, 6, says=r"library\.db is not a usable", hint="backup")
        assert read_tree(home) == before


def test_a_library_of_a_newer_program_is_refused_and_left_alone(vidindex, home, clustered):
    with closing(sqlite3.connect(home / "library.db")) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.commit()
    before = read_tree(home)

    for command in COMMANDS:
        outcome = vidindex(*command)

        assert_explained(outcome, 6, says="made by a newer vidindex", hint="update vidindex")
        assert read_tree(home) == before


def test_damage_inside_a_library_is_found_by_db_check(vidindex, home, clustered):
    library = home / "library.db"
    content = bytearray(library.read_bytes())
    content[4096 : 4096 * 3] = bytes(4096 * 2)
    library.write_bytes(content)

    assert_explained(vidindex("db", "check"), 6, says="not a usable database", hint="backup")


@pytest.mark.parametrize(
    "command", [command for command in COMMANDS if command[0] != "index"], ids=" ".join
)
def test_a_library_that_is_not_there_is_not_made_by_asking(vidindex, home, command):
    outcome = vidindex(*command)

    assert_explained(outcome, 3, says=r"there is no library at .*library\.db", hint="index PATH")
    assert read_tree(home) == {}


def test_a_library_in_a_folder_that_is_not_there_is_refused(vidindex, home, videos):
    outcome = vidindex("index", "in", "--db", "nowhere/library.db")

    assert_explained(outcome, 3, says="nowhere.*No such file", hint="folder exists")
    assert not (home / "nowhere").exists()


def test_a_database_of_another_kind_is_a_misuse(vidindex):
    outcome = vidindex("labels", "--db", "postgresql://server/videos")

    assert_explained(outcome, 2, says="cannot use the database postgresql", hint="sqlite:///FILE")


@pytest.fixture(params=["file", "folder"])
def read_only(request, home, clustered):
    """A library of which the file, or the file and its folder, cannot be written."""
    state = home / "state"
    state.mkdir()
    shutil.copy(home / "library.db", state)
    (state / "library.db").chmod(0o444)
    if request.param == "folder":
        state.chmod(0o555)
    yield state / "library.db"
    state.chmod(0o755)


@pytest.mark.parametrize("command", [["cluster", "-k", "2"], ["apply", "out"]], ids=" ".join)
def test_a_read_only_library_refuses_changes(process, home, read_only, command):
    before = read_tree(home / "in"), read_only.read_bytes()

    outcome = process(*command, "--db", read_only, "-q", obeys_rights=True)

    assert_explained(
        outcome, 3, says="state.* cannot be written|cannot write beside .*state", hint="rights|--db"
    )
    assert (read_tree(home / "in"), read_only.read_bytes()) == before
    assert not (home / "out").exists()


def test_a_read_only_library_refuses_an_index_before_it_loads_the_network(
    process, home, put, read_only
):
    put("e", home / "in/new.mp4")

    outcome = process("index", "in", "--db", read_only, obeys_rights=True)

    assert_explained(outcome, 3, says="cannot (be written|write)", hint="rights|--db")


def test_a_read_only_library_answers(process, read_only):
    outcome = process("labels", "--db", read_only, obeys_rights=True)

    assert outcome.code == 0
    assert "deep/d.mp4" in outcome.out
