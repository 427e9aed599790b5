"""A disk that is full or broken below the library: a run ends and says so; the next goes on."""

import re
import subprocess

import pytest

from tests.cli.running import assert_explained
from tests.faults.conftest import make_video
from tests.faults.mounts import mounted
from tests.faults.running import INDEX, dump, lines_of, on, traced
from vidindex.db import schema

SAVED = r"what this run had stored before is kept \((\d+) new videos?\)"
VIDEOS = 40
VECTOR_BYTES = 8192


@pytest.fixture
def many(home):
    """in/ with more videos than the disks of these tests have room for."""
    for number in range(VIDEOS):
        make_video(home / f"in/{number:02}.mp4")


def saved(outcome):
    """How many videos the error says are saved."""
    return int(re.search(SAVED, outcome.err)[1])


def stored(library):
    schema.check(library)
    return len(dump(library)["embeddings"])


def assert_stopped(outcome, says):
    assert_explained(outcome, 5, says=f"cannot write the library .*{says}; {SAVED}", hint="again")


@pytest.mark.root
def test_on_a_full_disk_a_run_ends_and_goes_on_when_there_is_room(run, home, many):
    with mounted(home / "small", "-t", "tmpfs", "-o", "size=400k", "tmpfs") as small:
        library = small / "library.db"

        full = run(*INDEX, "-q", "--db", library, embed_s=0.01)

        assert_stopped(full, "the disk is full")
        assert 0 < saved(full) == stored(library) < VIDEOS
        subprocess.run(["mount", "-o", "remount,size=4m", small], check=True)
        again = run(*INDEX, "--db", library)
        assert again.code == 0
        assert f"{VIDEOS - saved(full)} indexed, {saved(full)} unchanged" in again.out
        assert run(*INDEX, "--db", "undisturbed.db").code == 0
        assert dump(library) == dump(home / "undisturbed.db")


def test_at_a_limit_on_the_size_of_files_a_run_ends_and_goes_on_without_it(run, home, many):
    assert run("index", "in/00.mp4").code == 0
    limit = (home / "library.db").stat().st_size + 15 * VECTOR_BYTES

    stopped = run(*INDEX, "-q", limits={"FSIZE": limit}, embed_s=0.01)

    assert_stopped(stopped, "")
    assert 1 <= saved(stopped) == stored(home / "library.db") - 1 < VIDEOS - 1
    assert run(*INDEX).code == 0
    assert stored(home / "library.db") == VIDEOS


@pytest.mark.parametrize("number", [1, 5, 9])
def test_where_the_disk_reports_an_error_a_run_ends_and_is_not_tried_again_by_itself(
    start, run, home, many, number
):
    assert run("index", "in/00.mp4").code == 0
    files = on(home / "library.db", home / "library.db-journal")
    running = start(*INDEX, "-q", is_held=True, embed_s=0.02)

    broken = f"--inject=fdatasync:error=EIO:when={number}+"
    with traced(running, "--trace=fdatasync", broken, *files, "-o", str(home / "calls")):
        stopped = running.wait()

    assert_stopped(stopped, "input/output: .*disk I/O error")
    assert saved(stopped) == stored(home / "library.db") - 1 < VIDEOS - 1
    failed = [line for line in lines_of(home / "calls") if "INJECTED" in line]
    assert 1 <= len(failed) <= 2  # the write, and its taking back
    assert run(*INDEX).code == 0
    assert stored(home / "library.db") == VIDEOS


def test_also_where_the_disk_fails_when_all_is_read_the_saved_videos_are_counted(start, run, home):
    """The last thing that a run stores is which files are gone."""
    for number in range(3):
        make_video(home / f"in/{number}.mp4")
    assert run(*INDEX).code == 0
    (home / "in/0.mp4").unlink()
    make_video(home / "in/new.mp4")
    running = start(*INDEX, "-q", is_held=True)

    last = "--inject=unlink:error=EIO:when=3+"  # the journals of: it begins, its vector, presence
    with traced(running, "--trace=unlink", last, *on(home / "library.db-journal")):
        stopped = running.wait()

    assert_stopped(stopped, "input/output: .*disk I/O error")
    assert saved(stopped) == 1
    assert run(*INDEX, "--json").data["missing"] == 1


def test_where_nothing_at_all_can_be_stored_nothing_is_changed(start, run, home, many):
    assert run("index", "in/00.mp4").code == 0
    before = dump(home / "library.db")
    running = start(*INDEX, "-q", "--interval-s", "7", is_held=True)

    files = on(home / "library.db", home / "library.db-journal")
    with traced(running, "--trace=fdatasync", "--inject=fdatasync:error=EIO", *files):
        stopped = running.wait()

    assert_explained(stopped, 5, says="cannot write .*library.db.*I/O error", hint="again")
    assert dump(home / "library.db") == before
