"""A file of results is there whole or not at all."""

import os
import signal

import numpy as np
import pytest

from tests.cli.running import assert_explained
from tests.conftest import read_tree
from tests.databases.make import NOON
from tests.exchange.conftest import run_script
from tests.faults.mounts import mounted
from tests.generated import add_videos, centers
from vidindex import Library
from vidindex.db.engine import Database
from vidindex.errors import Refused
from vidindex.store import embeddings, pruning, videos
from vidindex.store.embeddings import NewEmbedding
from vidindex.whole_files import written_whole

EXPORT_AND_DIE = """
import os, signal, sys
from vidindex import Library, exporting
from vidindex.reporting import Silence
class Deadly(Silence):
    steps = 0
    def advance(self, steps=1):
        self.steps += steps
        if self.steps == 3:
            os.kill(os.getpid(), signal.SIGKILL)
exporting.ROWS_AT_ONCE = 1
Library(sys.argv[1]).export(sys.argv[2], force=True, reporter=Deadly())
"""


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "npz"])
def test_a_file_is_replaced_only_by_force_and_keeps_its_rights(vidindex, full, home, ending):
    target = home / f"x.{ending}"
    target.write_text("mine")
    target.chmod(0o600)

    refused = vidindex("export", target.name)

    assert_explained(refused, 3, says="is there already", hint="--force")
    assert target.read_text() == "mine"
    assert vidindex("export", target.name, "--force").code == 0
    assert target.read_bytes() != b"mine"
    assert target.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in home.iterdir()} == {"library.db", target.name}


@pytest.mark.parametrize("kind", ["folder", "link to a folder", "fifo"])
def test_what_is_no_file_is_not_replaced_by_force(vidindex, full, home, kind):
    target = home / "x.csv"
    if kind == "fifo":
        os.mkfifo(target)
    else:
        (home / "folder").mkdir()
        target.mkdir() if kind == "folder" else target.symlink_to("folder")
    before = sorted(home.iterdir())

    outcome = vidindex("export", "x.csv", "--force")

    assert_explained(outcome, 3, says="is no regular file", hint="another name")
    assert sorted(home.iterdir()) == before


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "npz"])
def test_a_full_disk_stops_it_and_the_earlier_file_stays(vidindex, home, ending):
    many = np.random.default_rng(0).random((100, 2048), np.float32)
    names = {f"{'x' * 200}{number}.mp4": vector for number, vector in enumerate(many)}
    add_videos(home / "library.db", names)
    with mounted(home / "tiny", "-t", "tmpfs", "-o", "size=16k", "tmpfs") as tiny:
        (tiny / f"x.{ending}").write_text("mine")
        words = [*(["--vectors"] if ending == "jsonl" else [])]

        outcome = vidindex("export", f"tiny/x.{ending}", "--force", "-q", *words)

        assert_explained(outcome, 5, says=f"cannot write .*tiny/x.{ending}: No space", hint="room")
        assert read_tree(tiny) == {f"x.{ending}": b"mine"}


@pytest.mark.parametrize("ending", ["csv", "npz"])
def test_a_kill_leaves_the_earlier_file_and_the_next_run_cleans_up(full, vidindex, home, ending):
    out = home / "out"
    out.mkdir()
    (out / f"x.{ending}").write_text("mine")

    code = run_script(EXPORT_AND_DIE, full, out / f"x.{ending}")

    assert code == -signal.SIGKILL
    assert (out / f"x.{ending}").read_text() == "mine"
    assert len(list(out.iterdir())) == 2  # and a part, which every scan passes over
    assert vidindex("export", f"out/x.{ending}", "--force").code == 0
    assert [path.name for path in out.iterdir()] == [f"x.{ending}"]
    vidindex("export", f"fresh.{ending}")
    assert (out / f"x.{ending}").read_bytes() == (home / f"fresh.{ending}").read_bytes()


def test_two_processes_do_not_write_one_file_at_the_same_time(tmp_path):
    with written_whole(tmp_path / "x.csv") as stream:
        stream.write(b"first")
        with (
            pytest.raises(Refused, match="another process is writing"),
            written_whole(tmp_path / "x.csv"),
        ):
            pytest.fail("it must not get here")

    assert read_tree(tmp_path) == {"x.csv": b"first"}


def test_a_file_that_another_program_makes_meanwhile_is_not_replaced(full, home, recorder):
    recorder.finish = lambda: (home / "x.csv").write_text("theirs")

    with pytest.raises(Refused, match="is there already"):
        Library(full).export(home / "x.csv", reporter=recorder)

    assert {path.name for path in home.iterdir()} == {"library.db", "x.csv"}
    assert (home / "x.csv").read_text() == "theirs"


@pytest.mark.parametrize("ending", ["parquet", "npz"])
def test_a_video_that_is_lost_meanwhile_ends_it_without_a_file(home, recorder, ending):
    """Its number may be another video's by then."""
    library = home / "library.db"
    add_videos(library, {"a.mp4": centers(2)[0], "b.mp4": centers(2)[1]})

    def lose(activity, total):
        with Database(library) as database, database.writing() as session:
            pruning.drop_files(session, [2])
            pruning.drop_videos(session, [2])
            add_another(session, "c.mp4")

    recorder.start = lose
    with pytest.raises(Refused, match="lost a video"):
        Library(library).export(home / f"x.{ending}", reporter=recorder)

    assert {path.name for path in home.iterdir()} == {"library.db"}


def add_another(session, name):
    blake3 = bytes([7]) * 32
    video = videos.put_video(session, blake3, 5, None, now=NOON)
    assert video == 2
    vector = NewEmbedding(centers(1)[0], 1, "fp32", "")
    embeddings.put_embedding(session, 1, video, vector, now=NOON)
