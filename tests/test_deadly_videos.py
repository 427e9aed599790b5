"""A video that ends vidindex each time does not do so for ever, and drags no other with it."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.stub import STUB, read_frames
from vidindex import Library, Settings
from vidindex.db.engine import Database
from vidindex.store import attempts

KILLED = -signal.SIGKILL

# What begins with "deadly" kills the program that decodes it.
INDEX = """
import os, signal, sys
from pathlib import Path
from tests.stub import STUB, read_frames
from vidindex import Library, Settings

def read_or_die(path, sampling):
    with open("decoded", "a") as log:
        log.write(path.name + "\\n")
    if path.read_bytes().startswith(b"deadly"):
        os.kill(os.getpid(), signal.SIGKILL)
    return read_frames(path, sampling)

result = Library("library.db", Settings(workers=2)).index(
    "in", source=STUB, read_frames=read_or_die, retry_failed="retry" in sys.argv
)
for problem in result.problems:
    print(problem.path.name, problem.message)
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with in/, which holds ten harmless videos and a deadly one."""
    (tmp_path / "in").mkdir()
    for number in range(10):
        (tmp_path / f"in/{number}.mp4").write_bytes(b"harmless %d" % number)
    (tmp_path / "in/5 deadly.mp4").write_bytes(b"deadly")
    for video in (tmp_path / "in").iterdir():
        os.utime(video, (1_600_000_000, 1_600_000_000))
    return tmp_path


def index(folder, *arguments, program=INDEX):
    """Index in/ in a process of its own; returns it, and the files that it decoded."""
    (folder / "decoded").write_text("")
    process = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return process, (folder / "decoded").read_text().splitlines()


def stored(folder):
    return sorted(path.name for path in Library(folder / "library.db").vectors().paths)


def counted(folder):
    with closing(Database(folder / "library.db")) as database, database.reading() as session:
        return sorted(attempts.list_attempts(session).values())


def test_a_video_that_kills_vidindex_each_time_is_given_up_after_three_times(folder):
    killed = [index(folder) for _ in range(3)]

    assert [process.returncode for process, _ in killed] == [KILLED] * 3
    assert [decoded[-1] for _, decoded in killed[1:]] == ["5 deadly.mp4"] * 2  # it went alone
    assert stored(folder) == [f"{number}.mp4" for number in range(10)]
    assert counted(folder) == [3]
    fourth, decoded = index(folder)
    assert (fourth.returncode, decoded) == (0, [])
    assert fourth.stdout == (
        "5 deadly.mp4 vidindex was killed 3 times while this video was decoded\n"
    )
    assert counted(folder) == []


DIES_WHILE_IT_COMPUTES = INDEX.replace(
    "result =",
    """
import time
class Deadly:
    key, name = STUB.key, STUB.name
    prepare, load_classifier = STUB.prepare, STUB.load_classifier
    def load(self):
        time.sleep(2)  # until all are decoded
        os.kill(os.getpid(), signal.SIGKILL)
STUB = Deadly()
result =""",
)


def test_a_video_that_is_decoded_is_not_what_killed_vidindex(folder):
    (folder / "in/5 deadly.mp4").unlink()

    killed, decoded = index(folder, program=DIES_WHILE_IT_COMPUTES)

    assert (killed.returncode, len(decoded)) == (KILLED, 10)
    assert counted(folder) == []


def test_a_run_that_is_stopped_on_purpose_counts_no_attempt(folder):
    library = Library(folder / "library.db", Settings(workers=1))
    seen = []

    def read_and_stop(path, sampling):
        seen.append(path)
        return read_frames(path, sampling)

    result = library.index(
        folder / "in", source=STUB, read_frames=read_and_stop, stopping=lambda: len(seen) > 3
    )

    assert result.was_stopped
    assert result.indexed < 11
    assert counted(folder) == []


def test_a_video_that_was_given_up_is_tried_again_on_demand(folder):
    for _ in range(4):
        index(folder)

    again, decoded = index(folder, "retry")

    assert (again.returncode, decoded) == (KILLED, ["5 deadly.mp4"])
    assert counted(folder) == [1]
