"""Files put back where they were, whatever happened meanwhile."""

import shutil

import pytest

from tests.conftest import Recorder, read_tree
from tests.moving.fingerprints import assert_library_follows_the_disk, stats_below, videos_below
from vidindex import Library
from vidindex.errors import Refused
from vidindex.moving import Control


def test_undo_restores_the_exact_tree(clustered, source, tmp_path):
    before, stats = read_tree(tmp_path / "in"), stats_below(tmp_path / "in")
    clustered.apply(tmp_path / "out")

    result = clustered.undo()

    assert result.count("done") == 4
    assert read_tree(tmp_path / "in") == before
    assert stats_below(tmp_path / "in") == stats
    assert not (tmp_path / "out").exists()
    assert_library_follows_the_disk(clustered, source)


def test_undo_leaves_a_file_whose_old_place_is_taken(clustered, tmp_path):
    clustered.apply(tmp_path / "out")
    (tmp_path / "in/a.mp4").write_text("new")

    result = clustered.undo()

    assert result.count("done") == 3
    assert [problem.message for problem in result.problems] == [
        f"its old place {tmp_path}/in/a.mp4 is taken"
    ]
    assert (tmp_path / "in/a.mp4").read_text() == "new"
    assert [path.name for path in (tmp_path / "out").rglob("*.mp4")] == ["a.mp4"]

    (tmp_path / "in/a.mp4").unlink()
    assert clustered.undo().count("done") == 1
    assert not (tmp_path / "out").exists()


def test_undo_brings_back_a_file_that_was_edited_since(clustered, tmp_path):
    clustered.apply(tmp_path / "out")
    (moved,) = (tmp_path / "out").rglob("a.mp4")
    with moved.open("ab") as file:
        file.write(b"edit")

    assert clustered.undo().count("done") == 4
    assert (tmp_path / "in/a.mp4").read_bytes().endswith(b"edit")


def test_undo_leaves_another_file_that_took_the_moved_ones_place(clustered, tmp_path):
    clustered.apply(tmp_path / "out")
    (moved,) = (tmp_path / "out").rglob("a.mp4")
    moved.rename(tmp_path / "kept.mp4")
    moved.write_text("foreign")

    result = clustered.undo()

    assert result.count("done") == 3
    assert moved.read_text() == "foreign"


def test_undo_keeps_folders_that_hold_a_users_file(clustered, tmp_path):
    clustered.apply(tmp_path / "out")
    (tmp_path / "out/cluster_0/notes.txt").write_text("mine")

    clustered.undo()

    assert read_tree(tmp_path / "out") == {"cluster_0": None, "cluster_0/notes.txt": b"mine"}


def test_undo_keeps_folders_that_were_there_before(clustered, tmp_path):
    (tmp_path / "out/cluster_0").mkdir(parents=True)

    clustered.apply(tmp_path / "out")
    clustered.undo()

    assert read_tree(tmp_path / "out") == {"cluster_0": None}


def test_undo_makes_source_folders_again(clustered, tmp_path):
    clustered.apply(tmp_path / "out")
    (tmp_path / "in/deep").rmdir()

    assert clustered.undo().count("done") == 4
    assert (tmp_path / "in/deep/c.mp4").is_file()


def test_an_undo_can_be_undone(clustered, tmp_path):
    clustered.apply(tmp_path / "out")
    sorted_tree = read_tree(tmp_path / "out")
    undone = clustered.undo()

    clustered.undo(undone.batch)

    assert read_tree(tmp_path / "out") == sorted_tree
    assert clustered.undo().count("done") == 4, "the files lie in out/ again, by the redo"


def test_several_applies_are_undone_newest_first(clustered, tmp_path):
    start = read_tree(tmp_path / "in")
    clustered.apply(tmp_path / "one")
    middle = read_tree(tmp_path / "one")
    clustered.cluster(3)
    clustered.apply(tmp_path / "two")

    clustered.undo()
    assert read_tree(tmp_path / "one") == middle
    clustered.undo()
    assert read_tree(tmp_path / "in") == start
    with pytest.raises(Refused, match="nothing to undo"):
        clustered.undo()


def test_a_batch_that_is_undone_cannot_be_undone_again(clustered, tmp_path):
    batch = clustered.apply(tmp_path / "out").batch
    clustered.undo(batch)

    with pytest.raises(Refused, match=f"batch {batch} is undone already"):
        clustered.undo(batch)
    with pytest.raises(Refused, match="there is no batch 99"):
        clustered.undo(99)


def test_a_stopped_apply_can_be_undone_at_once(clustered, tmp_path):
    before = read_tree(tmp_path / "in")
    answers = iter([False, False, True])

    clustered.apply(tmp_path / "out", control=Control(Recorder(), stopping=lambda: next(answers)))
    clustered.undo()

    assert read_tree(tmp_path / "in") == before
    assert clustered.status().batch.state == "finished"


@pytest.mark.parametrize("state_of_library", ["lost", "damaged"])
def test_a_lost_library_is_no_lost_undo(clustered, tmp_path, state_of_library):
    before = read_tree(tmp_path / "in")
    (tmp_path / "out/cluster_0").mkdir(parents=True)
    (tmp_path / "out/cluster_0/a.mp4").write_text("foreign, so that a name must change")
    batch = clustered.apply(tmp_path / "out").batch
    manifest = tmp_path / f"library.db.moves/batch-{batch:04d}.jsonl"
    clustered.path.unlink()

    fresh = Library(clustered.path if state_of_library == "lost" else tmp_path / "other.db")
    result = fresh.undo(manifest=manifest)

    assert result.problems == ()
    assert read_tree(tmp_path / "in") == before
    assert [path for path, data in videos_below(tmp_path / "out").items()] == ["cluster_0/a.mp4"]
    assert not (tmp_path / "out/cluster_1").exists()


def test_a_dry_run_of_a_manifest_makes_no_library_and_leaves_the_way_free(clustered, tmp_path):
    before = read_tree(tmp_path / "in")
    batch = clustered.apply(tmp_path / "out").batch
    manifest = tmp_path / f"library.db.moves/batch-{batch:04d}.jsonl"
    new = Library(tmp_path / "new/library.db")

    foretold = new.undo(manifest=manifest, dry_run=True)

    assert foretold.count("planned") == 4
    assert not new.path.parent.exists()
    new.path.parent.mkdir()
    assert new.undo(manifest=manifest).count("done") == 4
    assert read_tree(tmp_path / "in") == before


def test_a_manifest_of_moves_that_the_library_knows_is_refused(clustered, tmp_path):
    batch = clustered.apply(tmp_path / "out").batch

    with pytest.raises(Refused, match=f"the library still has these moves, as batch {batch}"):
        clustered.undo(manifest=tmp_path / f"library.db.moves/batch-{batch:04d}.jsonl")


def test_a_file_that_is_no_manifest_is_refused(clustered, tmp_path):
    (tmp_path / "notes.txt").write_text("hello\n")

    with pytest.raises(Refused, match="is no manifest"):
        clustered.undo(manifest=tmp_path / "notes.txt")


def test_of_a_file_that_was_moved_on_by_hand_the_new_place_is_told(clustered, source, tmp_path):
    clustered.apply(tmp_path / "out")
    (moved,) = (tmp_path / "out").rglob("a.mp4")
    (tmp_path / "mine").mkdir()
    moved.rename(tmp_path / "mine/a.mp4")
    clustered.index([tmp_path / "out", tmp_path / "mine"], source=source)

    result = clustered.undo()

    assert result.count("done") == 3
    (problem,) = result.problems
    assert problem.message == "it is not there any more"
    assert problem.hint == f"it lies at {tmp_path}/mine/a.mp4 now; it was left alone"
    assert (tmp_path / "mine/a.mp4").is_file()


def test_a_batch_of_which_nothing_is_left_stands_in_no_older_ones_way(clustered, tmp_path):
    start = read_tree(tmp_path / "in")
    clustered.apply(tmp_path / "one")
    late = clustered.apply(tmp_path / "two", mode="copy")
    shutil.rmtree(tmp_path / "two")
    recorder = Recorder()

    result = clustered.undo(control=Control(recorder))

    assert (result.count("done"), result.problems) == (4, ())
    assert read_tree(tmp_path / "in") == start
    assert f"nothing of batch {late.batch} can be put back" in recorder.notices[0]
    assert len(clustered.undo(late.batch).problems) == 4
