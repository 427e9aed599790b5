"""`vidindex export FILE.npz` and `vidindex import`: vectors on their way between libraries."""

import os
import shutil

import numpy as np
import pytest

from tests.cli.running import assert_explained
from tests.databases.make import BROKEN_HASH, CITY, HASHES, NOON, ODD_NAME, VECTORS
from tests.exchange.conftest import make
from tests.exchange.dumping import dump
from tests.generated import add_videos, centers
from tests.stub import StubNetwork
from vidindex import Library
from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.embedding import Recipe
from vidindex.errors import AnotherAtWork
from vidindex.scanning import FileStat
from vidindex.store import embeddings, files, videos
from vidindex.store.embeddings import NewEmbedding

RECIPE = Recipe(StubNetwork.weights_digest)  # what an index run with the stub makes


class Unused(StubNetwork):
    """A network that must not be needed."""

    def load(self):
        raise AssertionError("the network is loaded")


def read_nothing(path, sampling):
    raise AssertionError(f"{path} is decoded")


def test_numpy_reads_vectors_hashes_and_paths(vidindex, full, home):
    outcome = vidindex("export", "x.npz")

    assert (outcome.code, outcome.out) == (0, f"3 vectors exported to {home}/x.npz\n")
    with np.load(home / "x.npz", allow_pickle=False) as arrays:
        assert arrays["vectors"].dtype == np.float32
        assert arrays["vectors"].tobytes() == VECTORS.tobytes()
        assert arrays["hashes"].tolist() == [blake3.hex() for blake3 in HASHES]
        assert arrays["paths"][1] == str(ODD_NAME)
        assert arrays["path_bytes"][1] == os.fsencode(ODD_NAME)
        assert arrays["created_at"][0] == np.datetime64("2026-03-01T12:00:00")


def test_equal_libraries_give_equal_bytes(vidindex, full, home):
    shutil.copyfile(full, home / "copy.db")

    vidindex("export", "x.npz")
    vidindex("export", "y.npz", "--db", "copy.db")

    assert (home / "x.npz").read_bytes() == (home / "y.npz").read_bytes()


@pytest.mark.parametrize(
    ("flags", "rows"), [(["--label", "0"], [0, 1]), (["--within", str(CITY)], [2])]
)
def test_only_the_vectors_that_are_asked_for_are_written(vidindex, full, home, flags, rows):
    vidindex("export", "x.npz", *flags)

    with np.load(home / "x.npz") as arrays:
        assert arrays["hashes"].tolist() == [HASHES[row].hex() for row in rows]


def test_vectors_without_a_file_are_exported_too(vidindex, full, home):
    with Database(full) as database, database.writing() as session:
        files.forget_file(session, CITY)
        files.mark_missing(session, [1], since=NOON)

    vidindex("export", "x.npz")

    with np.load(home / "x.npz") as arrays:
        assert arrays["is_missing"].tolist() == [True, False, True]
        assert arrays["paths"].tolist() == ["/sorted/cluster_0/beach.mp4", str(ODD_NAME), ""]


def test_nothing_is_lost_on_the_way_to_another_library_and_nothing_computed_again(
    vidindex, home, index
):
    """Vectors at once; where the files are, the next index run finds by their content."""
    points = dict(zip(["a.mp4", "b.mp4", "caf\udce9.mp4"], centers(3), strict=True))
    add_videos(home / "library.db", points, home / "in", recipe=RECIPE, writes=True)
    assert vidindex("export", "x.npz").code == 0

    outcome = vidindex("import", "x.npz", "--db", "new.db")

    assert outcome.code == 0
    assert outcome.out.startswith("3 vectors imported\n")
    assert vidindex("export", "y.npz", "--db", "new.db").code == 0
    with np.load(home / "x.npz") as given, np.load(home / "y.npz") as got:
        for name in set(given) - {"paths", "path_bytes", "is_missing"}:
            assert given[name].tobytes() == got[name].tobytes(), name
        assert got["paths"].tolist() == ["", "", ""]
    found = index(home / "in", into=Library("new.db"), source=Unused(), read_frames=read_nothing)
    assert (found.relinked, found.frames, found.failed) == (3, 0, 0)
    vidindex("export", "z.npz", "--db", "new.db")
    assert (home / "z.npz").read_bytes() == (home / "x.npz").read_bytes()


def test_importing_twice_changes_nothing(vidindex, full, home):
    vidindex("export", "x.npz")
    vidindex("import", "x.npz", "--db", "new.db")
    before = dump(home / "new.db")

    outcome = vidindex("import", "x.npz", "--db", "new.db")

    assert (outcome.code, outcome.out) == (0, "0 vectors imported, 3 known already\n")
    assert dump(home / "new.db") == before
    assert vidindex("import", "x.npz", "--json").data == {
        "path": str(home / "x.npz"),
        "recipe": 1,
        "added": 0,
        "known": 3,
        "different": 0,
    }


def test_a_vector_that_is_another_one_here_stays_and_is_told(vidindex, full, home):
    vidindex("export", "x.npz")
    shutil.copyfile(full, home / "new.db")
    with Database(home / "new.db") as database, database.writing() as session:
        session.connection().exec_driver_sql(
            "UPDATE embeddings SET vector = ? WHERE video_id = 2", (centers(1)[0].tobytes(),)
        )
    before = dump(home / "new.db")

    outcome = vidindex("import", "x.npz", "--db", "new.db")

    assert outcome.code == 4
    assert outcome.out == (
        "0 vectors imported, 2 known already, 1 different here, which stay as they are\n"
    )
    assert rf"another vector of {HASHES[1].hex()}" in outcome.err
    assert dump(home / "new.db") == before
    answer = vidindex("import", "x.npz", "--db", "new.db", "--json").answer
    assert answer["data"]["different"] == 1
    assert answer["errors"][0]["code"] == "different"


def test_a_vector_settles_an_earlier_failure_and_brings_the_header(vidindex, full, home):
    with Database(full) as database, database.writing() as session:
        info = Library(full).show(HASHES[0].hex()).video.info
        video = videos.put_video(session, BROKEN_HASH, 1_000_009, info, now=NOON)
        vector = NewEmbedding(centers(1)[0], 1, "bf16", "later")
        embeddings.put_embedding(session, 1, video, vector, now=NOON)
    vidindex("export", "x.npz")
    (home / "new").mkdir()
    make(home / "new/library.db")

    assert vidindex("import", "x.npz", "--db", "new/library.db").code == 0

    assert dump(home / "new/library.db") == dump(full)


def test_a_refused_file_makes_no_library(vidindex, home):
    (home / "x.npz").write_bytes(b"PK")

    assert vidindex("import", "x.npz", "--db", "new.db").code == 3

    assert [path.name for path in home.iterdir()] == ["x.npz"]


def test_another_writer_is_not_disturbed(vidindex, full, home):
    vidindex("export", "x.npz")

    with schema.open_for_writing(full, print):
        outcome = vidindex("import", "x.npz")

    assert outcome.code == AnotherAtWork.exit_code


def test_a_content_of_another_size_is_no_sound_export(vidindex, full, home):
    vidindex("export", "x.npz")
    with schema.open_for_writing(home / "new.db", print) as database, database.writing() as session:
        video = videos.put_video(session, HASHES[1], 5, None, now=NOON)
        stat = FileStat(ODD_NAME, 5, 1, 1, 1)
        files.put_file(session, stat, video_id=video, checked_at_ns=1)
    before = dump(home / "new.db")

    outcome = vidindex("import", "x.npz", "--db", "new.db", "-q")

    assert_explained(
        outcome, 3, says="has 1000001 bytes for 0202.*, which has 5", hint="nothing was changed"
    )
    assert dump(home / "new.db") == before


def test_a_file_that_is_not_there_is_told(vidindex, home):
    assert_explained(vidindex("import", "x.npz"), 3, says="cannot read .*x.npz", hint="its name")
