"""db current, check, backup and upgrade."""

import sqlite3
from contextlib import closing

from tests.conftest import read_tree
from vidindex.db.schema import HEAD


def test_current_tells_both_revisions(vidindex, home, clustered):
    outcome = vidindex("db", "current")

    assert outcome.code == 0
    assert outcome.out == f"{home}/library.db: revision {HEAD}, this program's is {HEAD}\n"


def test_check_finds_a_sound_library_sound(vidindex, home, clustered):
    before = read_tree(home)

    outcome = vidindex("db", "check")

    assert (outcome.code, outcome.out) == (0, f"{home}/library.db is sound\n")
    assert read_tree(home) == before


def test_check_finds_a_row_that_points_nowhere(vidindex, home, clustered):
    with closing(sqlite3.connect(home / "library.db")) as raw:
        raw.execute("DELETE FROM videos")
        raw.commit()

    outcome = vidindex("db", "check")

    assert outcome.code == 6
    assert "points nowhere" in outcome.err


def test_a_backup_is_a_library_that_works(vidindex, home, clustered):
    outcome = vidindex("db", "backup", "copy.db")

    assert (outcome.code, outcome.out) == (0, f"backed up to {home}/copy.db\n")
    assert vidindex("labels", "--db", "copy.db").out == vidindex("labels").out
    assert vidindex("apply", "out", "--db", "copy.db").code == 0


def test_a_backup_replaces_nothing(vidindex, home, clustered):
    (home / "copy.db").write_text("precious")

    outcome = vidindex("db", "backup", "copy.db")

    assert outcome.code == 3
    assert (home / "copy.db").read_text() == "precious"


def test_upgrade_of_a_library_that_is_up_to_date_changes_nothing(vidindex, home, clustered):
    before = (home / "library.db").read_bytes()

    outcome = vidindex("db", "upgrade")

    assert (outcome.code, outcome.out) == (0, f"up to date at {HEAD}\n")
    assert (home / "library.db").read_bytes() == before
    assert not list(home.glob("*backup*"))
