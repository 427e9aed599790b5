"""What stands in the way of single files: it is told, they stay, and the others are moved."""

import os

import pytest

from tests.cli.running import obeying_rights
from tests.conftest import Recorder
from tests.disks import blind_disk, flagged
from tests.faults.running import Server, on
from tests.faults.scenes import Scene, put_library
from tests.faults.settled import MOVE, UNDO, WAYS, assert_recovered, undo_everything
from tests.faults.sweeping import run_traced
from vidindex import Library
from vidindex.moving import Control

APPLY, ACROSS = MOVE.apply, WAYS["across"]
on_both = pytest.mark.parametrize("way", [MOVE, ACROSS], ids=["one disk", "across two"])


@pytest.fixture(scope="module")
def bound_server():
    """A server whose commands are bound by the rights of files, also if root runs the tests."""
    server = Server(before=obeying_rights())
    yield server
    server.close()


@pytest.fixture
def run_bound(bound_server, home):
    yield lambda *arguments: bound_server.start(home, *arguments).wait()
    bound_server.settle()


def assert_told(outcome, code, *says):
    """Check the exit code, and that the messages tell all this."""
    assert outcome.code == code, outcome.err
    for what in says:
        assert str(what) in outcome.err


def assert_all_back(run, scene, tree):
    undo_everything(run)
    scene.assert_settled()
    assert scene.tree() == tree


@pytest.mark.parametrize("kind", ["symlink", "folder", "pipe", "other file", "nothing"])
@on_both
def test_what_took_a_files_place_after_the_plan_is_not_moved(run, home, prepare, way, kind):
    scene, tree = prepare(way)
    place, away = scene.source / "a.mp4", home / "away.mp4"

    def replace(_):
        place.rename(away)
        if kind == "symlink":
            place.symlink_to(away)
        elif kind == "folder":
            place.mkdir()
        elif kind == "pipe":
            os.mkfifo(place)
        elif kind == "other file":
            place.write_bytes(b"X" * away.stat().st_size)
        return True

    recorder = Recorder()
    result = Library(scene.library).apply(scene.out, control=Control(recorder, replace))

    assert (result.count("done"), result.count("skipped", "failed")) == (3, 1)
    assert [problem.path for problem in recorder.problems] == [place]
    assert os.path.lexists(place) == (kind != "nothing")
    assert not (scene.out / "cluster_0/a.mp4").exists()
    if kind == "folder":
        place.rmdir()
    elif kind != "nothing":
        place.unlink()
    away.rename(place)
    assert_recovered(run, scene, tree, way, "apply")


@on_both
def test_a_file_that_another_program_has_open_is_moved_and_stays_open(run, prepare, way):
    scene, tree = prepare(way)
    with (scene.source / "a.mp4").open("rb") as opened:
        begun = opened.read(5)
        outcome = run(*APPLY)
        rest = opened.read()

    assert outcome.code == 0
    assert begun + rest == tree[os.fsencode(scene.source / "a.mp4")].content
    assert_all_back(run, scene, tree)


def test_a_hard_link_of_a_file_in_its_targets_place_stays(run, prepare):
    scene, _ = prepare()
    taken = scene.out / "cluster_0/a.mp4"
    taken.parent.mkdir(parents=True)
    taken.hardlink_to(scene.source / "a.mp4")
    tree = scene.tree()

    assert run(*APPLY).code == 0

    assert taken.samefile(taken.with_name("a (2).mp4"))
    assert_all_back(run, scene, tree)


@pytest.mark.root
def test_across_disks_it_is_told_that_a_second_name_does_not_come_along(run, home, prepare):
    scene, _ = prepare(ACROSS)
    second = home / "second name"
    second.hardlink_to(scene.source / "a.mp4")

    outcome = run(*APPLY)

    assert_told(outcome, 0, "a.mp4 could not keep: hard links")
    assert second.read_bytes() == (scene.out / "cluster_0/a.mp4").read_bytes()


@pytest.mark.root
@pytest.mark.parametrize("flag", ["i", "a"], ids=["immutable", "append-only"])
@on_both
def test_a_file_under_a_flag_is_told_and_kept(run, prepare, flag, way):
    scene, tree = prepare(way)
    fixed = scene.source / "a.mp4"

    with flagged(fixed, flag):
        outcome = run(*APPLY)

        assert_told(outcome, 4, fixed)
        assert fixed.read_bytes() == tree[os.fsencode(fixed)].content
        assert not (scene.source / "deep/a.mp4").exists()
    assert_recovered(run, scene, tree, way, "apply")


@pytest.mark.root
@on_both
def test_the_files_of_a_folder_that_lets_no_name_go_are_told_and_kept(run, prepare, way):
    scene, tree = prepare(way)

    with flagged(scene.source, "a"):
        outcome = run(*APPLY)

        assert_told(outcome, 4, scene.source / "a.mp4")
        assert (scene.source / "a.mp4").exists()
        assert not (scene.source / "deep/a.mp4").exists()
    assert_recovered(run, scene, tree, way, "apply")


@pytest.mark.root
def test_undo_leaves_the_files_of_a_folder_that_lets_no_name_go(run, prepare):
    scene, tree = prepare(command="undo")

    with flagged(scene.out / "cluster_0", "a"):
        outcome = run(*UNDO)

        assert_told(outcome, 4, scene.out / "cluster_0/a.mp4", scene.out / "cluster_0/a (2).mp4")
        assert not (scene.out / "cluster_1").exists()
    assert_all_back(run, scene, tree)


@on_both
def test_the_files_of_a_folder_that_may_not_be_written_are_told_and_kept(
    run, run_bound, prepare, way
):
    scene, tree = prepare(way)
    folder = scene.source / "deep"
    mode = folder.stat().st_mode
    folder.chmod(0o555)

    outcome = run_bound(*APPLY)

    assert_told(outcome, 4, folder / "a.mp4")
    assert (folder / "a.mp4").exists()
    assert not (scene.source / "a.mp4").exists()
    folder.chmod(mode)
    assert_recovered(run, scene, tree, way, "apply")


def test_undo_leaves_the_files_of_a_folder_that_may_not_be_written(run, run_bound, prepare):
    scene, tree = prepare(command="undo")
    (scene.out / "cluster_0").chmod(0o555)

    outcome = run_bound(*UNDO)

    assert_told(outcome, 4, scene.out / "cluster_0/a.mp4", "Permission denied")
    assert not (scene.out / "cluster_1").exists()
    (scene.out / "cluster_0").chmod(0o755)
    assert_all_back(run, scene, tree)


@on_both
def test_names_of_255_bytes_are_moved_and_of_two_the_second_is_cut(run, home, prepare, way):
    scene, _ = prepare(way)
    name = b"\xff" + b"x" * 250 + b".mp4"
    paths = [scene.source / folder / os.fsdecode(name) for folder in ("one", "two")]
    for path in paths:
        path.parent.mkdir()
        path.write_text(path.parent.name)
    put_library(scene.library, dict.fromkeys(paths, 0), home / "empty.db")
    tree = scene.tree()

    assert run(*APPLY).code == 0

    moved = {os.fsencode(path.name) for path in (scene.out / "cluster_0").iterdir()}
    assert moved == {name, b"\xff" + b"x" * 246 + b" (2).mp4"}
    assert_all_back(run, scene, tree)


@pytest.mark.root
def test_a_file_that_is_too_large_for_the_target_stays_and_the_others_go(run, home, prepare):
    scene, _ = prepare(ACROSS)
    large = scene.source / "a.mp4"
    large.write_bytes(b"0" * (4 << 20))
    put_library(scene.library, {large: 0, scene.source / "deep/a.mp4": 0}, home / "empty.db")
    tree = scene.tree()

    outcome = run(*APPLY, limits={"FSIZE": 2 << 20})

    assert_told(outcome, 4, large, "File too large", "this disk takes no file of that size")
    assert large.exists()
    assert not (scene.source / "deep/a.mp4").exists()
    scene.assert_settled()
    assert_recovered(run, scene, tree, ACROSS, "apply")


@pytest.mark.root
def test_a_source_that_may_not_be_removed_is_in_both_places_until_the_next_run(start, run, prepare):
    scene, tree = prepare(ACROSS)

    refusal = ("--trace=unlinkat", "--inject=unlinkat:error=EACCES", *on(scene.source))
    outcome = run_traced(start, APPLY, *refusal)

    assert_told(outcome, 4, scene.source / "a.mp4", "the old file could not be removed")
    for path in (scene.source / "a.mp4", scene.out / "cluster_0/a.mp4"):
        assert path.read_bytes() == tree[os.fsencode(scene.source / "a.mp4")].content
    assert_recovered(run, scene, tree, ACROSS, "apply")


@pytest.mark.root
@pytest.mark.parametrize("kind", ["vfat", "casefold", "ntfs"])
def test_on_a_disk_that_is_blind_to_case_nothing_is_replaced(run, home, kind):
    with blind_disk(home / "blind", kind) as blind:
        scene = Scene(home / "library.db", blind / "in", blind / "out")
        videos = [scene.source / name for name in ("a.mp4", "deep/A.MP4", "deeper/a.MP4")]
        for video in videos:
            video.parent.mkdir(parents=True, exist_ok=True)
            video.write_text(str(video))
        put_library(scene.library, dict.fromkeys(videos, 0), home / "empty.db")
        (blind / "OUT/cluster_0").mkdir(parents=True)
        taken = blind / "OUT/CLUSTER_0/a (2).mp4"
        taken.write_text("somebody else's")
        tree = scene.tree()

        assert run("apply", scene.out, "--yes").code == 0

        assert len(list((blind / "out/cluster_0").iterdir())) == 4
        assert taken.read_text() == "somebody else's"
        assert_all_back(run, scene, tree)
