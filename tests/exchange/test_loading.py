"""What giving and taking loads, and that it waits for nobody."""

import sys

import pytest

from tests.databases.make import CITY, NOON
from tests.exchange.conftest import make, run_script
from vidindex.db import schema
from vidindex.store import files

PROGRAM = """
import sys
from vidindex.cli.app import main
sys.argv = ["vidindex", *sys.argv[1:]]
try:
    main()
except SystemExit as ended:
    if ended.code:
        sys.exit(ended.code)
loaded = {name.partition(".")[0] for name in sys.modules}
heavy = {"tensorflow", "keras", "cv2", "av", "sklearn", "scipy", "h5py", "alembic"}
sys.exit(99 if loaded & heavy or "sqlalchemy" not in loaded else 0)
"""


@pytest.mark.parametrize(
    "words",
    [
        ["export", "x.csv"],
        ["export", "x.parquet"],
        ["export", "x.npz"],
        ["import", "given.npz"],
        ["merge", "other.db"],
    ],
    ids=" ".join,
)
def test_no_video_and_no_learning_library_is_loaded(vidindex, full, other, home, words):
    vidindex("export", "given.npz")
    place = [str(home / word) if "." in word else word for word in words]

    assert run_script(PROGRAM, *place, stdout=sys.stderr) == 0


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.parquet", "x.npz"])
def test_an_export_waits_for_no_writer_and_sees_what_is_committed(vidindex, full, home, name):
    with (
        schema.open_for_writing(full, print) as database,
        database.writing() as session,
    ):
        files.mark_missing(session, [4], since=NOON)
        session.flush()

        outcome = vidindex("export", name)

    assert outcome.code == 0
    assert outcome.out.startswith("3 vectors" if name == "x.npz" else "4 files")


def test_a_merge_sees_what_is_committed_while_the_other_library_is_being_written(
    vidindex, home, other
):
    expected = vidindex("merge", "other.db", "--dry-run", "--json").data["files"]
    with (
        schema.open_for_writing(other, print) as database,
        database.writing() as session,
    ):
        files.forget_file(session, CITY)

        outcome = vidindex("merge", "other.db")

    assert outcome.code == 0
    assert expected == 4
    assert vidindex("merge", str(make(home / "third.db"))).out.startswith("all that")
