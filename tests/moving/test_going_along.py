"""Sidecars go where their video goes and come back with it; folders go when they are empty."""

import pytest

from tests.conftest import Recorder
from tests.moving.fingerprints import files_below, fingerprint
from vidindex import Library, Settings
from vidindex.errors import Refused
from vidindex.moving import Control


@pytest.fixture
def subtitled(sorted_library, tmp_path):
    (tmp_path / "in/a000.srt").write_text("one")
    (tmp_path / "in/a000.en.srt").write_text("two")
    (tmp_path / "in/b000.NFO").write_text("three")
    (tmp_path / "in/other.srt").write_text("of no video")
    return sorted_library


@pytest.mark.parametrize("mode", ["move", "copy", "hardlink", "symlink"])
def test_sidecars_go_along_and_come_back(subtitled, tmp_path, mode):
    before = fingerprint(tmp_path / "in")

    result = subtitled.apply(tmp_path / "out", mode=mode)

    assert result.count("done") == 8
    assert files_below(tmp_path / "out") >= {
        "cluster_0/a000.srt",
        "cluster_0/a000.en.srt",
        "cluster_1/b000.NFO",
    }
    assert (tmp_path / "in/other.srt").exists()
    subtitled.undo()
    assert fingerprint(tmp_path / "in") == before
    assert not (tmp_path / "out").exists()


def test_where_a_name_is_taken_a_video_and_its_sidecars_get_one_number(subtitled, tmp_path):
    (tmp_path / "out/cluster_0").mkdir(parents=True)
    (tmp_path / "out/cluster_0/a000.en.srt").write_text("a subtitle of another's")

    subtitled.apply(tmp_path / "out")

    found = {name for name in files_below(tmp_path / "out") if "a000" in name}
    assert found == {
        "cluster_0/a000.en.srt",
        *(f"cluster_0/a000 (2){suffix}" for suffix in (".mp4", ".srt", ".en.srt")),
    }


def test_of_a_sidecar_whose_name_is_taken_that_name_is_told(subtitled, tmp_path):
    (tmp_path / "out/cluster_0").mkdir(parents=True)
    (tmp_path / "out/cluster_0/a000.en.srt").write_text("a subtitle of another's")

    result = subtitled.apply(tmp_path / "out", on_conflict="skip")

    (problem,) = result.problems
    assert problem.message == f"its target {tmp_path}/out/cluster_0/a000.en.srt is taken"
    assert files_below(tmp_path / "in") == {"a000.mp4", "a000.srt", "a000.en.srt", "other.srt"}


def test_a_sidecar_stays_with_a_video_that_stays(subtitled, tmp_path):
    (tmp_path / "in/a000.mp4").write_bytes(b"edited since")

    result = subtitled.apply(tmp_path / "out")

    assert {problem.path.name for problem in result.problems} == {"a000.mp4"}
    assert (tmp_path / "in/a000.srt").exists()


def test_without_sidecars_they_stay(subtitled, tmp_path):
    subtitled.apply(tmp_path / "out", sidecars=False)

    assert files_below(tmp_path / "in") == {"a000.srt", "a000.en.srt", "b000.NFO", "other.srt"}


@pytest.mark.parametrize("mode", ["copy", "hardlink", "symlink"])
def test_sidecars_that_are_missing_beside_a_copy_follow_later(subtitled, tmp_path, mode):
    subtitled.apply(tmp_path / "out", mode=mode, sidecars=False)
    with_videos = fingerprint(tmp_path / "out")

    plan = subtitled.apply(tmp_path / "out", mode=mode, dry_run=True)
    result = subtitled.apply(tmp_path / "out", mode=mode)

    assert [outcome.target for outcome in result.outcomes] == [
        outcome.target for outcome in plan.outcomes
    ]
    assert {outcome.target.name for outcome in result.outcomes} == {
        "a000.srt",
        "a000.en.srt",
        "b000.NFO",
    }
    assert files_below(tmp_path / "out") >= {"cluster_0/a000.srt", "cluster_1/b000.NFO"}
    assert subtitled.apply(tmp_path / "out", mode=mode).batch is None
    subtitled.undo()
    assert fingerprint(tmp_path / "out") == with_videos


def test_a_name_that_is_taken_beside_a_copy_is_left_to_what_has_it(subtitled, tmp_path):
    subtitled.apply(tmp_path / "out", mode="copy", sidecars=False)
    own = tmp_path / "out/cluster_1/b000.NFO"
    own.write_text("the user's own")

    result = subtitled.apply(tmp_path / "out", mode="copy")

    assert {outcome.target.name for outcome in result.outcomes} == {"a000.srt", "a000.en.srt"}
    assert own.read_text() == "the user's own"


def test_a_template_names_the_sidecars_too(subtitled, tmp_path):
    subtitled.apply(tmp_path / "out", template="{label}/{hash8}{suffix}")

    names = {name for name in files_below(tmp_path / "out") if name.startswith("0/")}
    stems = {name.partition("/")[2].partition(".")[0] for name in names}
    assert len(names) == 5  # three videos, two subtitles of one of them
    assert len(stems) == 3


@pytest.fixture
def deep(sorted_library, tmp_path):
    """All files were moved into deep folders with modes of their own."""
    sorted_library.apply(tmp_path / "in/one/two")
    (tmp_path / "in/one").chmod(0o2711)
    (tmp_path / "in/one/two/cluster_0").chmod(0o700)
    return sorted_library


def test_folders_that_a_move_empties_stay_unless_asked(deep, tmp_path):
    deep.apply(tmp_path / "out")

    assert (tmp_path / "in/one/two/cluster_0").is_dir()


def test_emptied_folders_go_and_come_back_with_their_modes(deep, tmp_path):
    before = fingerprint(tmp_path / "in")

    deep.apply(tmp_path / "out", prune_empty=True)

    assert not (tmp_path / "in").exists()
    deep.undo()
    assert fingerprint(tmp_path / "in") == before
    assert not (tmp_path / "out").exists()


def test_a_folder_with_anything_else_stays(deep, tmp_path):
    (tmp_path / "in/one/notes.txt").write_text("mine")

    deep.apply(tmp_path / "out", prune_empty=True)

    assert files_below(tmp_path / "in") == {"one/notes.txt"}
    assert not (tmp_path / "in/one/two").exists()


def test_what_is_put_back_and_emptied_again_is_the_same(deep, tmp_path):
    before = fingerprint(tmp_path / "in")
    deep.apply(tmp_path / "out", prune_empty=True)
    after = fingerprint(tmp_path / "out")

    redone = deep.undo(deep.undo().batch)

    assert fingerprint(tmp_path / "out") == after
    assert not (tmp_path / "in").exists()
    deep.undo(redone.batch)
    assert fingerprint(tmp_path / "in") == before


def test_a_touched_file_is_read_again_and_moved(sorted_library, tmp_path):
    (tmp_path / "in/a000.mp4").touch()

    result = sorted_library.apply(tmp_path / "out")

    assert (result.count("done"), result.problems) == (5, ())


def test_a_wish_for_what_no_disk_has_is_refused_whole(sorted_library, tmp_path):
    (tmp_path / "out").write_bytes(b"a file")

    with pytest.raises(Refused, match="is not a folder"):
        sorted_library.apply(tmp_path / "out", mode="copy")


def test_what_is_a_video_for_the_user_goes_along_with_none(subtitled, tmp_path):
    settings = Settings(suffixes=(".mp4", ".srt"))

    Library(tmp_path / "library.db", settings).apply(tmp_path / "out")

    assert {"a000.srt", "a000.en.srt"} <= files_below(tmp_path / "in")
    assert "cluster_1/b000.NFO" in files_below(tmp_path / "out")


def test_a_sidecar_that_a_stop_has_left_behind_follows_its_video(subtitled, tmp_path):
    before = fingerprint(tmp_path / "in")

    def after_the_video_of_a_sidecar():
        return any((tmp_path / "out").rglob("b000.mp4"))

    stopped = subtitled.apply(
        tmp_path / "out", control=Control(Recorder(), stopping=after_the_video_of_a_sidecar)
    )
    assert stopped.was_stopped
    assert (tmp_path / "in/b000.NFO").exists()

    again = subtitled.apply(tmp_path / "out")

    assert again.batch == stopped.batch
    assert (tmp_path / "out/cluster_1/b000.NFO").exists()
    assert files_below(tmp_path / "in") == {"other.srt"}
    subtitled.undo()
    assert fingerprint(tmp_path / "in") == before
