"""Places that may not be written or read, from the start or from some moment on."""

import pytest

from tests.cli.running import assert_explained, obeying_rights
from tests.faults.conftest import make_video
from tests.faults.mounts import mounted
from tests.faults.running import INDEX, Server, dump, lines_of, on, traced
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def bound_server():
    """A server whose commands are bound by the rights of files, also if root runs the tests."""
    server = Server(before=obeying_rights())
    yield server
    server.close()


@pytest.fixture
def start_bound(bound_server, home):
    yield lambda *arguments, **terms: bound_server.start(home, *arguments, **terms)
    bound_server.settle()


@pytest.fixture
def state(home, run):
    """state/ with a library that knows in/a.mp4; in/b.mp4 is new."""
    (home / "state").mkdir()
    make_video(home / "in/a.mp4")
    assert run(*INDEX, "--db", "state/library.db").code == 0
    make_video(home / "in/b.mp4")
    (home / "decoded").unlink()
    return home / "state"


@pytest.mark.root
@pytest.mark.parametrize("has_lock", [True, False])
def test_a_library_on_a_read_only_disk_refuses_before_it_decodes_and_still_answers(
    run, home, state, has_lock
):
    if not has_lock:
        (state / "library.db.lock").unlink()
    library = "state/library.db"

    with mounted(state, "--bind", "-o", "ro", state):
        refused = run(*INDEX, "-q", "--db", library)
        status = run("status", "--db", library)
        shown = run("show", "in/a.mp4", "--db", library)

    assert_explained(refused, 3, says="cannot (be written|write)", hint="rights|--db")
    assert lines_of(home / "decoded") == []
    assert (status.code, shown.code) == (0, 0)
    assert str(home / "in/a.mp4") in shown.out


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_library_that_may_not_be_written_refuses_before_it_decodes(
    start_bound, home, state, what
):
    target = state if what == "folder" else state / "library.db"
    target.chmod(0o555 if what == "folder" else 0o444)

    refused = start_bound(*INDEX, "-q", "--db", "state/library.db").wait()

    target.chmod(0o755)
    assert_explained(refused, 3, says="cannot (be written|write)", hint="rights|--db")
    assert lines_of(home / "decoded") == []


def test_a_library_that_may_no_longer_be_written_stops_the_run_and_keeps_what_is_saved(
    start_bound, run, home, state
):
    for number in range(8):
        make_video(home / f"in/{number}.mp4")
    library = state / "library.db"
    running = start_bound(*INDEX, "-q", "--db", library, embed_s=0.3)
    wait_until(lambda: len(dump(library)["embeddings"]) > 1)

    state.chmod(0o555)  # no journal can be made any more
    stopped = running.wait()

    state.chmod(0o755)
    kept = len(dump(library)["embeddings"]) - 1
    assert_explained(
        stopped, 5, says=rf"stored before is kept \({kept} new videos\)", hint="rights of the file"
    )
    assert kept >= 1
    assert run(*INDEX, "--db", library, "--json").data["indexed"] == 9 - kept


def test_a_video_that_may_no_longer_be_read_is_named_and_the_others_are_indexed(
    start_bound, run, home
):
    for name in ("a", "b", "c"):
        make_video(home / f"in/{name}.mp4")
    video = home / "in/b.mp4"
    running = start_bound(*INDEX, "--json", is_held=True)

    late = "--inject=openat:delay_enter=1s"
    with traced(running, "-f", "--trace=openat", late, *on(video)):
        wait_until(lambda: "to do" in running.said)
        video.chmod(0)
        outcome = running.wait()

    assert (outcome.code, outcome.data["indexed"]) == (4, 2)
    (error,) = outcome.answer["errors"]
    assert (error["code"], error["path"]) == ("unreadable", str(video))
    video.chmod(0o644)
    assert run(*INDEX, "--json").data["indexed"] == 1


def test_an_unreadable_folder_is_named_and_what_is_known_of_it_stays(start_bound, run, home):
    for name in ("a", "deep/b"):
        make_video(home / f"in/{name}.mp4")
    assert run(*INDEX).code == 0
    before = dump(home / "library.db")

    (home / "in/deep").chmod(0)
    outcome = start_bound(*INDEX, "--json").wait()
    (home / "in/deep").chmod(0o755)

    assert outcome.code == 4
    assert [error["path"] for error in outcome.answer["errors"]] == [str(home / "in/deep")]
    assert dump(home / "library.db") == before
