"""Files sorted into folders by their labels; what cannot be moved stays."""

import os
from pathlib import Path

import pytest

from tests.conftest import Recorder, read_tree
from tests.moving.fingerprints import (
    assert_library_follows_the_disk,
    stats_below,
    videos_below,
)
from vidindex.errors import Refused
from vidindex.moving import Control


def test_apply_sorts_the_files_into_a_folder_for_each_label(clustered, source, tmp_path):
    labels = {row.stat.path.name: row.label for row in clustered.labels().rows}
    contents = {Path(path).name: data for path, data in videos_below(tmp_path / "in").items()}

    result = clustered.apply(tmp_path / "out")

    assert result.count("done") == 4
    assert result.problems == ()
    assert videos_below(tmp_path / "out") == {
        f"cluster_{labels[name]}/{name}": data for name, data in contents.items()
    }
    assert videos_below(tmp_path / "in") == {}
    assert_library_follows_the_disk(clustered, source)


def test_a_dry_run_tells_what_a_run_does_and_changes_nothing(clustered, tmp_path):
    before = read_tree(tmp_path)

    foretold = clustered.apply(tmp_path / "out", dry_run=True)

    assert read_tree(tmp_path) == before
    done = clustered.apply(tmp_path / "out")
    assert [(move.source, move.target) for move in foretold.outcomes] == [
        (move.source, move.target) for move in done.outcomes
    ]


def test_a_second_apply_has_nothing_to_do(clustered, tmp_path):
    clustered.apply(tmp_path / "out")

    result = clustered.apply(tmp_path / "out")

    assert (result.batch, result.outcomes, result.in_place) == (None, (), 4)


def test_two_files_of_one_name_get_different_names(library, source, put, tmp_path):
    for folder, clip in {"x": "a", "y": "b", "z": "c"}.items():
        put(clip, tmp_path / "in" / folder / "same.mp4")
    put("d", tmp_path / "in/SAME.MP4")
    library.index([tmp_path / "in"], source=source)
    library.cluster(1)

    library.apply(tmp_path / "out")

    names = [path.name for path in (tmp_path / "out/cluster_0").iterdir()]
    assert sorted(name.lower() for name in names) == [
        "same (2).mp4",
        "same (3).mp4",
        "same (4).mp4",
        "same.mp4",
    ]


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_apply_refuses_to_overwrite_what_has_the_name(library, source, put, tmp_path, kind):
    put("a", tmp_path / "in/a.mp4")
    library.index([tmp_path / "in"], source=source)
    library.cluster(1)
    taken = tmp_path / "out/cluster_0/a.mp4"
    taken.parent.mkdir(parents=True)
    if kind == "file":
        taken.write_text("precious")
    elif kind == "folder":
        taken.mkdir()
    else:
        taken.symlink_to("nowhere")

    library.apply(tmp_path / "out")

    assert (tmp_path / "out/cluster_0/a (2).mp4").is_file()
    if kind == "file":
        assert taken.read_text() == "precious"
    elif kind == "folder":
        assert taken.is_dir()
    else:
        assert str(taken.readlink()) == "nowhere"
    library.undo()
    assert (tmp_path / "in/a.mp4").is_file()
    assert os.path.lexists(taken)


def test_a_name_that_is_taken_between_plan_and_move_is_not_overwritten(clustered, tmp_path):
    foreign = {}

    def take_every_name(plan):
        for move in plan.moves:
            move.target.parent.mkdir(parents=True, exist_ok=True)
            move.target.write_text("foreign")
            foreign[move.target] = "foreign"
        return True

    result = clustered.apply(tmp_path / "out", control=Control(Recorder(), take_every_name))

    assert result.count("done") == 4
    assert {path: path.read_text() for path in foreign} == foreign
    assert all(" (2)" in outcome.target.name for outcome in result.outcomes)


def test_a_file_that_changed_since_it_was_indexed_is_left_alone(clustered, tmp_path):
    (tmp_path / "in/a.mp4").write_bytes(b"edited")

    result = clustered.apply(tmp_path / "out")

    assert result.count("done") == 3
    assert [(problem.path.name, problem.code) for problem in result.problems] == [
        ("a.mp4", "changed")
    ]
    assert (tmp_path / "in/a.mp4").read_bytes() == b"edited"


def test_a_file_that_was_only_touched_is_moved(clustered, tmp_path):
    os.utime(tmp_path / "in/a.mp4", (1_650_000_000, 1_650_000_000))

    assert clustered.apply(tmp_path / "out").count("done") == 4


def test_a_file_that_is_gone_is_reported(clustered, tmp_path):
    (tmp_path / "in/a.mp4").unlink()

    result = clustered.apply(tmp_path / "out")

    assert result.count("done") == 3
    assert [problem.path.name for problem in result.problems] == ["a.mp4"]


@pytest.mark.parametrize("kind", ["symlink", "folder", "pipe"])
def test_what_took_a_files_place_is_not_moved(clustered, tmp_path, kind):
    place = tmp_path / "in/a.mp4"
    place.rename(tmp_path / "elsewhere.mp4")
    {
        "symlink": lambda: place.symlink_to(tmp_path / "elsewhere.mp4"),
        "folder": place.mkdir,
        "pipe": lambda: os.mkfifo(place),
    }[kind]()

    result = clustered.apply(tmp_path / "out")

    assert result.count("done") == 3
    assert len(result.problems) == 1
    assert os.path.lexists(place)


def test_a_cluster_folder_that_is_a_link_leads_nothing_out(clustered, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out/cluster_0").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "out/cluster_1").symlink_to(tmp_path / "elsewhere")

    result = clustered.apply(tmp_path / "out")

    assert result.count("done") == 0
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert len(videos_below(tmp_path / "in")) == 4


def test_files_of_another_folder_stay_when_a_scope_is_given(clustered, tmp_path):
    result = clustered.apply(tmp_path / "out", scope=tmp_path / "in/deep")

    assert [Path(move.source).name for move in result.outcomes] == ["c.mp4"]


def test_a_destination_that_is_a_file_is_refused(clustered, tmp_path):
    (tmp_path / "out").write_text("a file")

    with pytest.raises(Refused, match="is not a folder"):
        clustered.apply(tmp_path / "out")

    assert len(videos_below(tmp_path / "in")) == 4


def test_nothing_moves_when_the_user_says_no(clustered, tmp_path):
    before = read_tree(tmp_path / "in")

    result = clustered.apply(tmp_path / "out", control=Control(Recorder(), lambda _: False))

    assert result.batch is None
    assert read_tree(tmp_path / "in") == before


def test_a_stop_is_taken_up_by_the_same_apply(clustered, tmp_path):
    asked = []

    def stopping():
        asked.append(None)
        return len(asked) > 2

    first = clustered.apply(tmp_path / "out", control=Control(Recorder(), stopping=stopping))
    assert first.was_stopped
    assert first.count("done") == 2
    assert clustered.status().batch.state == "partial"

    second = clustered.apply(tmp_path / "out")
    assert second.batch == first.batch
    assert second.count("done") == 2
    assert clustered.undo().count("done") == 4


def test_files_are_moved_to_another_file_system_and_back(clustered, source, tmp_path, other_disk):
    before, stats = read_tree(tmp_path / "in"), stats_below(tmp_path / "in")

    result = clustered.apply(other_disk / "out")

    assert result.count("done") == 4
    assert videos_below(tmp_path / "in") == {}
    assert not list(other_disk.rglob(".vidindex-*"))
    assert_library_follows_the_disk(clustered, source)
    clustered.undo()
    assert read_tree(tmp_path / "in") == before
    assert stats_below(tmp_path / "in") == stats
    assert not (other_disk / "out").exists()
    assert_library_follows_the_disk(clustered, source)


def test_a_stop_in_the_middle_of_a_copy_leaves_the_file_where_it_was(
    clustered, tmp_path, other_disk
):
    before = read_tree(tmp_path / "in")
    answers = iter([False, True, True])

    result = clustered.apply(
        other_disk / "out", control=Control(Recorder(), stopping=lambda: next(answers))
    )

    assert result.was_stopped
    assert result.count("done") == 0
    assert read_tree(tmp_path / "in") == before
    assert not list(other_disk.rglob(".vidindex-*"))


def test_what_cannot_be_planned_is_reported_by_name(clustered, tmp_path):
    (tmp_path / "in/a.mp4").unlink()
    recorder = Recorder()

    clustered.apply(tmp_path / "out", dry_run=True, control=Control(recorder))
    clustered.apply(tmp_path / "out", control=Control(recorder))

    assert [problem.path.name for problem in recorder.problems] == ["a.mp4", "a.mp4"]
