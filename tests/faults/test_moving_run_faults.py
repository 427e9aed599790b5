"""What stands in the way of a whole apply or undo: it ends, says so, and the next one goes on."""

import os
import sqlite3
import subprocess
from contextlib import closing, contextmanager

import pytest

from tests.conftest import Recorder
from tests.faults.mounts import mounted
from tests.faults.running import Server, traced
from tests.faults.scenes import Scene
from tests.faults.settled import MOVE, WAYS, assert_recovered, undo_everything
from tests.faults.sweeping import changing_calls, run_traced
from tests.faults.test_moving_faults import assert_all_back, assert_told
from tests.waiting import wait_until
from vidindex import Library
from vidindex.db import engine
from vidindex.errors import ExitCode, SystemStopped
from vidindex.moving import Control

APPLY, ACROSS = MOVE.apply, WAYS["across"]


@pytest.fixture
def start_beside(home):
    """A function that starts a command beside those of `start`."""
    server = Server()
    places = {"stdout": str(home / "stdout beside"), "stderr": str(home / "stderr beside")}
    yield lambda *arguments: server.start(home, *arguments, **places)
    server.close()


def apply_until(scene, spoil):
    """Apply in this process; spoil is called between the plan and the first move."""

    def agree(_):
        spoil()
        return True

    return Library(scene.library).apply(scene.out, control=Control(Recorder(), agree))


@contextmanager
def is_stopped(says):
    with pytest.raises(SystemStopped, match=says) as stopped:
        yield
    assert stopped.value.exit_code == ExitCode.STOPPED
    assert stopped.value.hint


@pytest.mark.root
def test_a_disk_that_gets_full_half_way_ends_the_run_and_the_next_one_goes_on(run, prepare):
    scene, tree = prepare(ACROSS)
    disk = scene.out.parent

    def fill():
        # Room for the two folders of the first file, and that.
        used = os.statvfs(disk).f_files - os.statvfs(disk).f_ffree
        subprocess.run(["mount", "-o", f"remount,nr_inodes={used + 4}", disk], check=True)

    with is_stopped(f"{scene.out}.*No space left on device"):
        apply_until(scene, fill)

    assert len(list(scene.out.rglob("*.mp4"))) == 1
    subprocess.run(["mount", "-o", "remount,nr_inodes=1000", disk], check=True)
    assert_recovered(run, scene, tree, ACROSS, "apply")


@pytest.mark.root
def test_a_disk_with_too_little_room_is_refused_before_the_first_move(run, home, prepare):
    scene, tree = prepare()
    with mounted(home / "small", "-t", "tmpfs", "-o", "size=1m", "tmpfs") as small:
        outcome = run("apply", small / "out", "--yes")

        assert_told(outcome, 3, f"the disk of {small} has too little room", "are free")
        assert list(small.iterdir()) == []
    assert scene.tree() == tree


@pytest.mark.root
def test_a_target_that_becomes_read_only_ends_the_run_and_the_next_one_goes_on(run, prepare):
    scene, tree = prepare(ACROSS)
    disk = scene.out.parent

    def protect():
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)

    with is_stopped(f"{scene.out}.*Read-only file system"):
        apply_until(scene, protect)

    assert scene.tree() == tree
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    assert_recovered(run, scene, tree, ACROSS, "apply")


@pytest.mark.root
def test_a_target_that_may_not_be_written_is_refused_before_the_first_move(run, home, prepare):
    scene, tree = prepare()
    with mounted(home / "fixed", "-t", "tmpfs", "-o", "ro", "tmpfs") as fixed:
        outcome = run("apply", fixed / "out", "--yes")

    assert_told(outcome, 3, f"the folder {fixed} cannot be written", "rights")
    assert scene.tree() == tree


@pytest.mark.root
def test_files_of_a_read_only_disk_are_copied_and_told_to_be_in_both_places(run, home, prepare):
    with mounted(home / "camera", "-t", "tmpfs", "tmpfs") as camera:
        scene, tree = prepare(source=camera / "in")
        subprocess.run(["mount", "-o", "remount,ro", camera], check=True)

        outcome = run(*APPLY)

        assert_told(outcome, 4, camera / "in/a.mp4", "the old file could not be removed")
        assert {name: scene.tree()[name] for name in tree} == tree
        subprocess.run(["mount", "-o", "remount,rw", camera], check=True)
        assert_recovered(run, scene, tree, MOVE, "apply")


@pytest.mark.root
def test_a_folder_that_is_mounted_twice_is_copied_to_as_to_another_disk(run, home, prepare):
    scene, tree = prepare()
    (home / "ground").mkdir()
    with mounted(home / "bound", "--bind", home / "ground") as bound:
        assert run("apply", bound / "out", "--yes").code == 0

        assert len(list((home / "ground").rglob("*.mp4"))) == 2
        assert not list(scene.source.rglob("*.mp4"))
        assert_all_back(run, scene, tree)


@pytest.mark.parametrize("where", ["in/sorted", "in", "in/deep", "."])
def test_the_target_may_be_in_the_source_or_around_it(run, home, prepare, where):
    scene, _ = prepare()
    scene = Scene(scene.library, scene.source, home / where / "cluster_0")
    tree = scene.tree()

    outcome = run("apply", where, "--yes")

    assert outcome.code == 0, outcome.err
    for name in ("cluster_0/a.mp4", "cluster_0/a (2).mp4", "cluster_0/a (2).en.srt", "cluster_1"):
        assert (home / where / name).exists()
    scene.assert_settled()
    again = run("apply", where, "--yes")
    assert (again.code, "nothing to move" in again.out) == (0, True)
    assert_all_back(run, scene, tree)


@pytest.mark.parametrize("name", [name for name, way in WAYS.items() if not way.faults])
def test_a_dry_run_changes_nothing_on_the_disk(start, home, prepare, name):
    way = WAYS[name]
    scene, tree = prepare(way)
    library = scene.library.read_bytes()
    words = (*way.apply, "--dry-run")

    calls = changing_calls(lambda *options: run_traced(start, words, *options), home / "calls")

    assert [call for call in calls if call.name != "openat"] == []  # a library, to read it
    assert (scene.tree(), scene.library.read_bytes()) == (tree, library)


def test_of_two_applies_at_once_the_second_is_refused_or_waits(start, start_beside, run, prepare):
    scene, tree = prepare()
    assert start_beside("status").wait().code == 0  # it is warm, so that it comes in time
    first = start(*APPLY, is_held=True)
    with traced(first, "--trace=renameat2", "--inject=renameat2:delay_enter=2s:when=2"):
        wait_until((scene.out / "cluster_0/a.mp4").exists)
        refused = start_beside(*APPLY).wait()
        second = start_beside(*APPLY, "--wait")
        wait_until(lambda: "waiting for process" in second.said)
        assert first.wait().code == 0
    waited = second.wait()

    assert_told(refused, 7, f"process {first.pid}", "--wait")
    assert (waited.code, "nothing to move" in waited.out) == (0, True)
    assert_all_back(run, scene, tree)


@pytest.mark.parametrize("locks", ["BEGIN EXCLUSIVE", "BEGIN IMMEDIATE"])
def test_a_library_that_another_program_has_locked_ends_the_run(run, prepare, monkeypatch, locks):
    scene, tree = prepare()
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.2)
    with closing(sqlite3.connect(scene.library, isolation_level=None)) as other:
        with is_stopped(f"another program has held .*{scene.library}"):
            apply_until(scene, lambda: other.execute(locks))

        assert scene.tree() == tree
    assert_recovered(run, scene, tree, MOVE, "apply")


@pytest.mark.root
def test_a_library_on_a_disk_that_gets_full_ends_the_run_and_the_next_one_goes_on(
    run, home, prepare
):
    with mounted(home / "state", "-t", "tmpfs", "-o", "size=4m", "tmpfs") as state:
        scene, tree = prepare(library=state / "library.db")

        def fill():
            free = os.statvfs(state)
            (state / "others").write_bytes(b"0" * (free.f_bavail * free.f_bsize))

        with is_stopped(f"{state}.*(full|No space left)"):
            apply_until(scene, fill)

        (state / "others").unlink()
        in_state = (*APPLY, "--db", scene.library)
        assert run(*in_state).code == 0
        scene.assert_settled()
        undo_everything(lambda *words: run(*words, "--db", scene.library))
        assert scene.tree() == tree
