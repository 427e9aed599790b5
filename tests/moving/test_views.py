"""A view of symbolic links: brought up to date by each run, with nothing else touched."""

import os

import pytest

from tests.moving.fingerprints import files_below, fingerprint


@pytest.fixture
def view(sorted_library, tmp_path):
    sorted_library.apply(tmp_path / "view", mode="symlink")
    return tmp_path / "view"


def regroup(library):
    """Cluster anew so that some links are stale and some stay."""
    library.cluster(4)


def targets(view):
    return sorted(path.readlink() for path in view.rglob("*") if path.is_symlink())


def test_a_view_follows_the_clustering(sorted_library, view, tmp_path):
    before = fingerprint(view)
    regroup(sorted_library)

    result = sorted_library.apply(view, mode="symlink")

    labels = {row.stat.path: row.label for row in sorted_library.labels().rows}
    assert {path.readlink(): path.parent.name for path in view.rglob("*.mp4")} == {
        path: f"cluster_{label}" for path, label in labels.items()
    }
    assert 0 < result.in_place < 5
    assert {path.name for path in view.iterdir()} == {
        f"cluster_{label}" for label in labels.values()
    }
    sorted_library.undo()
    assert fingerprint(view) == before
    sorted_library.undo()
    assert not view.exists()


def test_a_folder_that_no_link_needs_any_more_goes_and_comes_back(sorted_library, view):
    (view / "cluster_1").chmod(0o2750)
    before = fingerprint(view)
    sorted_library.cluster(1)

    sorted_library.apply(view, mode="symlink")

    assert {path.name for path in view.iterdir()} == {"cluster_0"}
    sorted_library.undo()
    assert fingerprint(view) == before


def test_what_the_user_put_into_a_view_stays(sorted_library, view, tmp_path):
    (view / "cluster_0/notes.txt").write_text("mine")
    (view / "cluster_0/mine.mp4").symlink_to(tmp_path / "in/a000.mp4")
    (view / "cluster_1/b000.mp4").unlink()
    (view / "cluster_1/b000.mp4").write_bytes(b"a file of the user's")
    (view / "cluster_1/b001.mp4").unlink()
    (view / "cluster_1/b001.mp4").symlink_to("/elsewhere.mp4")
    sorted_library.cluster(1)

    sorted_library.apply(view, mode="symlink")

    assert (view / "cluster_0/notes.txt").read_text() == "mine"
    assert (view / "cluster_0/mine.mp4").is_symlink()
    assert (view / "cluster_1/b000.mp4").read_bytes() == b"a file of the user's"
    assert (view / "cluster_1/b001.mp4").readlink() == tmp_path.__class__("/elsewhere.mp4")
    assert len(targets(view / "cluster_0")) == 6


def test_links_follow_files_that_were_moved(sorted_library, view, tmp_path):
    sorted_library.apply(tmp_path / "out")
    assert not any(path.exists() for path in view.rglob("*.mp4"))

    result = sorted_library.apply(view, mode="symlink")

    assert result.count("done") == 10  # five gone, five made
    assert all(path.exists() for path in view.rglob("*.mp4"))
    assert len(files_below(view)) == 5


def test_a_view_that_is_right_is_left_alone(sorted_library, view):
    before = {path: os.lstat(path).st_ctime_ns for path in view.rglob("*")}

    result = sorted_library.apply(view, mode="symlink")

    assert (result.batch, result.in_place) == (None, 5)
    assert {path: os.lstat(path).st_ctime_ns for path in view.rglob("*")} == before


def test_a_view_can_be_undone_step_by_step(sorted_library, view):
    states = [fingerprint(view)]
    for k in (1, 4, 3):
        sorted_library.cluster(k)
        sorted_library.apply(view, mode="symlink")
        states.append(fingerprint(view))

    for state in reversed(states[:-1]):
        sorted_library.undo()
        assert fingerprint(view) == state

    sorted_library.undo()
    assert not view.exists()
