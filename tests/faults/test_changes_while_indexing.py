"""A file that changes while it is read: nothing of it is stored, and the next run picks it up."""

import os
import shutil
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.conftest import make_video
from tests.faults.running import INDEX, dump, lines_of, on, traced
from tests.waiting import wait_until

CHANGE_EVERY_S = 0.02


def grow(path, number):
    with path.open("a") as file:
        file.write(f"more {number}")


def rewrite(path, number):
    path.write_text(f"{number:020}")


def replace(path, number):
    other = path.with_suffix(".part")
    other.write_text(f"{number:020}")
    other.rename(path)


@contextmanager
def changing(change, path):
    """Change a file again and again, as long as the block lasts."""
    is_over = threading.Event()

    def go_on():
        number = 0
        while not is_over.wait(CHANGE_EVERY_S):
            number += 1
            change(path, number)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@pytest.fixture
def video(home):
    """in/a.mp4, beside in/b.mp4."""
    make_video(home / "in/b.mp4")
    return make_video(home / "in/a.mp4", "first")


def assert_left_for_the_next_run(outcome, run, home, video):
    """The file must be named and not stored; once it is at rest it must be indexed as it is."""
    assert (outcome.code, outcome.data["indexed"]) == (4, 1)
    (error,) = outcome.answer["errors"]
    assert (error["code"], error["path"]) == ("changed", str(video))
    assert "Traceback" not in outcome.err
    assert stored_names(home) == ["b.mp4"]
    assert dump(home / "library.db")["decoding_attempts"] == []
    os.utime(video, (1_600_000_000, 1_600_000_000))
    again = run(*INDEX, "--json")
    assert (again.code, again.data["indexed"], again.data["unchanged"]) == (0, 1, 1)
    assert run(*INDEX, "--db", "undisturbed.db").code == 0
    assert dump(home / "library.db") == dump(home / "undisturbed.db")


def stored_names(home):
    return [Path(os.fsdecode(row[0])).name for row in dump(home / "library.db")["files"]]


@pytest.mark.parametrize("change", [grow, rewrite])
def test_a_file_that_changes_while_it_is_hashed_is_tried_twice_and_left(
    start, run, home, video, change
):
    running = start(*INDEX, "--json", is_held=True)

    slowly = "--inject=read:delay_enter=300ms"
    log = home / "reads"
    with (
        changing(change, video),
        traced(running, "-f", "--trace=read,openat", slowly, *on(video), "-o", str(log)),
    ):
        outcome = running.wait()

    assert sum("openat(" in line for line in lines_of(log)) == 2
    assert lines_of(home / "decoded") == ["b.mp4"]
    assert_left_for_the_next_run(outcome, run, home, video)


@pytest.mark.parametrize("change", [grow, rewrite, replace])
def test_a_file_that_changes_while_it_is_decoded_is_tried_twice_and_left(
    start, run, home, video, change
):
    running = start(*INDEX, "--json", decode_s=0.3)
    with changing(change, video):
        outcome = running.wait()

    assert lines_of(home / "decoded").count("a.mp4") <= 2
    assert_left_for_the_next_run(outcome, run, home, video)


def test_a_file_that_changes_once_is_indexed_at_the_second_try(start, run, home, video):
    running = start(*INDEX, "--json", decode_s=0.4)
    wait_until(lambda: "a.mp4" in lines_of(home / "decoded"))

    replace(video, 1)

    assert running.wait().data["indexed"] == 2
    assert lines_of(home / "decoded").count("a.mp4") == 2
    assert run(*INDEX, "--json").data["failed"] == 0


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_is_deleted_before_it_is_read_has_vanished(start, run, home, video, what):
    gone = make_video(home / "in/deep/c.mp4")
    running = start(*INDEX, "--json", is_held=True)

    late = "--inject=openat:delay_enter=500ms"
    with traced(running, "-f", "--trace=openat", late, *on(gone)):
        wait_until(lambda: "to do" in running.said)
        shutil.rmtree(gone.parent) if what == "folder" else gone.unlink()
        outcome = running.wait()

    assert (outcome.code, outcome.data["indexed"]) == (4, 2)
    (error,) = outcome.answer["errors"]
    assert (error["code"], error["path"]) == ("changed", str(gone))
    assert "vanished" in error["message"]
    assert stored_names(home) == ["a.mp4", "b.mp4"]
    assert run(*INDEX).code == 0


def test_a_link_that_takes_the_place_of_a_listed_file_is_not_followed(start, home, video):
    secret = make_video(home / "secret", "not to be read")
    running = start(*INDEX, "--json", is_held=True)

    late, log = "--inject=openat:delay_enter=500ms", home / "opened"
    with traced(running, "-f", "--trace=openat", late, *on(video, secret), "-o", str(log)):
        wait_until(lambda: "to do" in running.said)
        video.unlink()
        video.symlink_to(secret)
        outcome = running.wait()

    assert (outcome.code, outcome.data["indexed"]) == (4, 1)
    assert [error["code"] for error in outcome.answer["errors"]] == ["changed"]
    assert "a symbolic link took its place" in outcome.answer["errors"][0]["message"]
    assert stored_names(home) == ["b.mp4"]
    assert all("ELOOP" in line for line in lines_of(log) if "openat(" in line)


def test_a_young_file_that_is_open_for_writing_is_left_until_it_is_closed(run, home, video):
    with video.open("a") as file:
        file.write("more to come")
        file.flush()
        outcome = run(*INDEX, "--json")

    assert "is still being written" in outcome.answer["errors"][0]["message"]
    assert_left_for_the_next_run(outcome, run, home, video)
