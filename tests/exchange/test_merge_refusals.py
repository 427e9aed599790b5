"""`vidindex merge` takes all or nothing."""

import shutil
import signal
import subprocess

import numpy as np
import pytest

from tests.cli.running import assert_explained, command_line
from tests.databases.make import FOLDER
from tests.exchange.conftest import change, make, run_script
from tests.exchange.dumping import dump
from tests.faults.mounts import mounted
from tests.generated import add_videos, centers

MERGE_AND_DIE = """
import os, signal, sys
from vidindex import Library
from vidindex.reporting import Silence
from vidindex.store import merging
class Deadly(Silence):
    calls = 0
    def advance(self, steps=1):
        self.calls += 1
        if self.calls == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)
    finish = advance
merging.VIDEOS_AT_ONCE = 100
Library(sys.argv[1]).merge(sys.argv[2], reporter=Deadly())
"""


@pytest.mark.parametrize(
    ("place", "code", "says"),
    [
        ("/video=/x", 3, "no file in /video that it would map"),
        ("videos=/x", 2, "videos is no place"),
        ("/videos", 2, "is not OLD=NEW"),
        ("/videos=x", 2, "is not OLD=NEW"),
        ("/a=/b=/c", 2, "is not OLD=NEW"),
    ],
)
def test_a_map_that_is_misspelt_is_told_and_nothing_is_taken(
    vidindex, full, other, place, code, says
):
    change(other, "DELETE FROM thumbnails")
    before = dump(full)

    assert_explained(vidindex("merge", "other.db", "--map", place), code, says=says, hint=".")

    assert dump(full) == before


@pytest.mark.parametrize(
    ("make_other", "code", "says", "hint"),
    [
        (lambda _: None, 3, "there is no library at .*other.db", "its name"),
        (lambda path: path.write_text("hello"), 6, "not a usable database", "a sound library"),
        (lambda path: path.write_bytes(b""), 6, "it is empty", "a sound library"),
        (lambda path: path.mkdir(), 6, "is not a file", "a sound library"),
        (
            lambda path: shutil.copyfile(FOLDER / "0004.db", path),
            3,
            "older vidindex .revision 0004",
            "vidindex db upgrade --db .*other.db",
        ),
        (lambda path: path.symlink_to("library.db"), 3, "is this library itself", "another"),
        (
            lambda path: change(make(path), "UPDATE alembic_version SET version_num = '9000'"),
            6,
            "newer vidindex",
            "nothing was changed",
        ),
        (
            lambda path: change(make(path), "PRAGMA application_id = 1"),
            6,
            "another program",
            "nothing was changed",
        ),
        (
            lambda path: change(
                make(path),
                "UPDATE embeddings SET vector = ?",
                np.full(2048, np.nan, "f4").tobytes(),
            ),
            6,
            "the vector of .* is damaged",
            "nothing was changed",
        ),
        (lambda path: damage(make(path)), 6, "not a usable database", "nothing was changed"),
    ],
)
def test_what_is_no_sound_other_library_is_refused_and_nothing_is_changed(
    vidindex, home, full, make_other, code, says, hint
):
    make_other(home / "other.db")
    before = dump(full)

    assert_explained(vidindex("merge", "other.db"), code, says=says, hint=hint)

    assert dump(full) == before


def damage(path):
    """Overwrite a page in the middle."""
    with path.open("r+b") as file:
        file.seek(4096 * 20)
        file.write(b"\x13" * 4096)


@pytest.fixture
def large(home):
    """library.db with one video, and other.db with 600: more than SQLite keeps in memory."""
    add_videos(home / "library.db", {"a.mp4": centers(1)[0]})
    many = np.random.default_rng(0).random((600, 2048), np.float32)
    add_videos(home / "other.db", {f"{number}.mp4": row for number, row in enumerate(many)})
    return home / "library.db"


@pytest.mark.parametrize("calls", [1, 6, 7])  # of six hundreds of vectors, and at the very end
def test_a_kill_in_the_middle_leaves_the_library_as_it_was(vidindex, large, home, calls):
    before, there = dump(large), dump(home / "other.db")

    code = run_script(MERGE_AND_DIE, large, home / "other.db", calls)

    assert code == -signal.SIGKILL
    assert (home / "library.db-journal").exists()  # half of it is on the disk already
    assert vidindex("status", "--json").data["files"]["present"] == 1
    assert dump(large) == before
    assert dump(home / "other.db") == there
    assert vidindex("merge", "other.db").code == 0
    assert len(dump(large)["embeddings"]) == 601


@pytest.mark.parametrize("fault", ["fdatasync:1", "fdatasync:2", "pwrite64:40", "unlink:1"])
def test_a_kill_at_a_call_of_the_system_leaves_all_or_nothing(large, home, fault):
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    before = dump(large)
    call, number = fault.split(":")
    inject = f"--inject={call}:signal=SIGKILL:when={number}"
    program = ["strace", "-qq", "-o", home / "log", f"--trace={call}", inject]

    done = subprocess.run(
        [*program, *command_line("merge", "other.db")], check=False, capture_output=True, timeout=60
    )

    if done.returncode != -signal.SIGKILL:
        pytest.skip(f"strace cannot trace here: {done.stderr.decode()}")
    assert dump(large) == before


def test_a_full_disk_leaves_the_library_as_it_was(vidindex, home):
    with mounted(home / "tiny", "-t", "tmpfs", "-o", "size=2m", "tmpfs") as tiny:
        add_videos(tiny / "library.db", {"a.mp4": centers(1)[0]})
        many = np.random.default_rng(0).random((600, 2048), np.float32)
        add_videos(home / "other.db", {f"{number}.mp4": row for number, row in enumerate(many)})
        before = dump(tiny / "library.db")

        outcome = vidindex("merge", "other.db", "--db", "tiny/library.db", "-q")

        assert_explained(outcome, 5, says="tiny/library.db: the disk is full", hint="make room")
        assert dump(tiny / "library.db") == before
