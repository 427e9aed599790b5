"""What a run which was cut off, or was not let, has left: folders, and files without others."""

import os

import pytest

from tests.faults.running import KILLED
from tests.faults.settled import UNDO, WAYS
from tests.faults.sweeping import changing_calls, run_traced
from tests.faults.trees import all_below

PRUNE = WAYS["prune"]


@pytest.fixture
def trace_at(start, home, prepare):
    """A function that runs a command with a fault in the first call of which strace says so."""

    def run_it(command, says, fault, way=PRUNE):
        words = way.command(command)

        def trace(*options):
            scene.append(prepare(way, command)[0])
            return run_traced(start, words, *options)

        scene = []
        calls = changing_calls(trace, home / "calls")
        call = next(call for call in calls if all(part in call.line for part in says))
        return trace(f"--trace={call.name}", call.injecting(fault)), scene[-1]

    return run_it


def test_folders_that_a_killed_run_had_emptied_are_removed_by_the_next_one(run, trace_at):
    killed, scene = trace_at("apply", ["AT_REMOVEDIR", '"left"'], "signal=SIGKILL")
    assert killed.code == KILLED

    assert run(*PRUNE.apply).code == 0

    assert not (scene.source / "left").exists()


@pytest.mark.parametrize("call", ["fchmod", "rename"])
def test_a_folder_that_a_killed_undo_was_making_is_taken_away_by_the_next_apply(
    run, trace_at, call
):
    killed, scene = trace_at("undo", [call, ".vidindex-folder.part"], "signal=SIGKILL")
    assert killed.code == KILLED

    assert run(*PRUNE.apply).code == 0

    assert [path for path in all_below(scene.source) if ".vidindex-" in os.fspath(path)] == []


def test_a_folder_of_ours_that_may_not_be_removed_is_told_or_removed_by_the_next_undo(
    run, trace_at
):
    undone, scene = trace_at("undo", ["AT_REMOVEDIR", '"cluster_0"'], "error=EACCES")
    again = run(*UNDO)

    folder = scene.out / "cluster_0"
    assert str(folder) in undone.err + again.err or not folder.exists()


def test_a_folder_that_undo_may_not_make_again_as_it_was_is_told(run, trace_at):
    undone, scene = trace_at("undo", ["mkdirat", ".vidindex-folder.part"], "error=EACCES")

    assert undone.code == 4
    assert f"failed: cannot make the folder {scene.source}/" in undone.err
    assert (scene.source / "left").is_dir()
    assert (scene.source / "deep").is_dir()


def test_a_folder_that_cannot_get_its_mode_again_is_told(trace_at):
    undone, scene = trace_at("undo", ["fchmod", ".vidindex-folder.part", "0750"], "error=EACCES")

    assert undone.code == 0
    assert f"{scene.source}/deep could not keep: mode" in undone.err


def test_a_sidecar_whose_copy_a_killed_undo_had_removed_is_copied_again(run, trace_at):
    copy = WAYS["copy"]
    killed, scene = trace_at("undo", ["unlink", '"a (2).mp4"'], "signal=SIGKILL", copy)
    assert killed.code == KILLED
    sidecar = scene.out / "cluster_0/a (2).en.srt"
    assert not sidecar.exists()

    assert run(*copy.apply).code == 0

    assert sidecar.read_bytes() == (scene.source / "deep/a.en.srt").read_bytes()


def test_apply_tells_of_a_folder_of_its_own_that_it_may_not_remove(start, prepare):
    scene, _ = prepare(PRUNE, "apply")

    applied = run_traced(
        start,
        PRUNE.apply,
        "--trace=renameat2,unlinkat",
        "--inject=renameat2:error=EACCES",
        "--inject=unlinkat:error=EACCES",
    )

    assert applied.code == 4
    assert f"cannot remove the folder {scene.out / 'cluster_0'}: Permission denied" in applied.err
