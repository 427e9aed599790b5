"""Folders that were arranged by hand, taken over as a clustering."""

import os

import numpy as np
import pytest

from tests.conftest import Recorder
from tests.generated import add_videos, around, centers, named, put_copy
from vidindex import Library, Settings
from vidindex.errors import Refused

KINDS = ("beach", "city", "forest")


@pytest.fixture
def home(tmp_path):
    """arranged/ with beach/, city/new/ and forest/, four videos each, and a fifth kind beside."""
    points = centers(4)
    for row, kind in enumerate(KINDS):
        folder = tmp_path / "arranged" / kind / ("new" if kind == "city" else "")
        vectors = named({kind: around(points[row], 4, seed=row)})
        add_videos(tmp_path / "library.db", vectors, folder, writes=True)
    lake = named({"lake": around(points[3], 2, seed=9)})
    add_videos(tmp_path / "library.db", lake, tmp_path / "elsewhere", writes=True)
    return tmp_path


@pytest.fixture
def library(home):
    return Library(home / "library.db", Settings())


def names(library):
    return {each.label: each.name for each in library.clusters().clusters}


def name_of(library):
    return {row.stat.path.stem: row.name for row in library.labels().rows}


def label_of(library):
    return {row.stat.path.stem: row.label for row in library.labels().rows}


def test_each_subfolder_becomes_a_cluster_of_its_name(library, home):
    result = library.learn(home / "arranged")

    assert names(library) == {0: "beach", 1: "city", 2: "forest"}
    assert {each.name_source for each in library.clusters().clusters} == {"user"}
    assert name_of(library) == {f"{kind}00{row}": kind for kind in KINDS for row in range(4)}
    assert (result.videos, result.loose, result.problems) == (12, 0, ())


def test_the_run_is_in_use_and_says_what_it_was_made_of(library, home):
    library.cluster(2)

    result = library.learn(home / "arranged")

    run = library.status().run
    assert run is not None
    assert (run.id, run.algorithm, run.k) == (result.run, "folders", 3)
    assert (run.scope, run.normalize) == (home / "arranged", "l2")


@pytest.mark.parametrize("normalize", ["l2", "none", "standard"])
def test_distances_are_to_the_mean_of_the_folder(library, home, normalize):
    given = Library(library.path, Settings(normalize=normalize))
    vectors = library.vectors()
    rows = [row for row, path in enumerate(vectors.paths) if home / "arranged" in path.parents]
    points = vectors.vectors[rows].astype(np.float64)
    if normalize == "l2":
        points /= np.linalg.norm(points, axis=1, keepdims=True)
    if normalize == "standard":
        points = (points - points.mean(axis=0)) / points.std(axis=0)
    stems = [vectors.paths[row].stem for row in rows]

    given.learn(home / "arranged")

    for row in given.labels().rows:
        kind = row.stat.path.stem[:-3]
        mean = np.mean([points[at] for at, stem in enumerate(stems) if stem[:-3] == kind], axis=0)
        own = points[stems.index(row.stat.path.stem)]
        assert row.distance == pytest.approx(np.linalg.norm(own - mean), rel=1e-3)


def test_a_later_clustering_keeps_the_labels_and_names_of_the_folders(library, home):
    library.learn(home / "arranged")

    library.cluster(4)

    found = names(library)
    assert {found[label] for label in range(3)} == set(KINDS)
    assert found[3] is None
    assert name_of(library)["beach000"] == "beach"


def test_learning_again_keeps_the_labels_though_folders_come_and_go(library, home):
    library.learn(home / "arranged")
    before = label_of(library)
    lakes = named({"pond": around(centers(4)[3], 2, seed=8)})
    add_videos(library.path, lakes, home / "arranged" / "a lake", writes=True)

    library.learn(home / "arranged")

    assert label_of(library) == before | {"pond000": 3, "pond001": 3}
    assert names(library)[3] == "a lake"


def test_nothing_is_moved_and_files_of_no_subfolder_are_in_no_cluster(library, home):
    loose = named({"loose": around(centers(4)[0], 1, seed=5)})
    add_videos(library.path, loose, home / "arranged", writes=True)
    before = sorted((home / "arranged").rglob("*"))

    result = library.learn(home / "arranged")

    assert result.loose == 1
    assert "loose000" not in label_of(library)
    assert sorted((home / "arranged").rglob("*")) == before


def test_files_that_are_not_indexed_are_told(library, home):
    (home / "arranged/beach/new.mp4").write_bytes(b"new")
    (home / "arranged/loose.mp4").write_bytes(b"loose")
    recorder = Recorder()

    result = library.learn(home / "arranged", reporter=recorder)

    (problem,) = result.problems
    assert problem.path == home / "arranged/beach/new.mp4"
    assert "not indexed" in problem.message
    assert recorder.problems == [problem]
    assert result.videos == 12


def test_a_content_that_lies_in_two_folders_is_in_neither(library, home):
    beach = home / "arranged/beach/beach000.mp4"
    twin = home / "arranged/city/twin.mp4"
    put_copy(library.path, beach, twin)

    result = library.learn(home / "arranged")

    assert {problem.path for problem in result.problems} == {beach, twin}
    assert all("lies in beach and city" in problem.message for problem in result.problems)
    assert "beach000" not in label_of(library)


def test_a_folder_name_that_is_not_utf8_becomes_a_readable_name(library, home):
    odd = home / "arranged" / os.fsdecode(b"caf\xe9\n")
    add_videos(library.path, named({"x": around(centers(5)[4], 2)}), odd, writes=True)

    library.learn(home / "arranged")

    assert "caf\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}" in names(library).values()


def test_names_that_would_be_the_same_are_told_apart(library, home):
    for number, name in enumerate((b"caf\xe9", b"caf\xea")):
        odd = home / "arranged" / os.fsdecode(name)
        vectors = named({f"x{number}": around(centers(6)[4 + number], 2)})
        add_videos(library.path, vectors, odd, writes=True)

    library.learn(home / "arranged")

    shown = "caf\N{REPLACEMENT CHARACTER}"
    assert {shown, f"{shown} (2)"} <= set(names(library).values())


def test_a_folder_whose_videos_are_pinned_gets_their_label(library, home):
    library.cluster(4)
    label = label_of(library)["lake000"]
    library.pin(home / "arranged/city/new/city001.mp4", label)

    library.learn(home / "arranged")

    assert names(library)[label] == "city"


def test_pins_that_the_folders_contradict_are_refused(library, home):
    library.cluster(3)
    arranged = home / "arranged"
    library.pin([arranged / "beach/beach000.mp4", arranged / "city/new/city001.mp4"], 1)
    runs = library.runs()

    with pytest.raises(Refused, match="pinned to cluster 1, which is the folder city") as told:
        library.learn(arranged)

    assert "unpin it" in told.value.hint
    assert library.runs() == runs


def test_a_folder_without_arranged_videos_is_refused(library, home):
    with pytest.raises(Refused, match=r"no folder in .*elsewhere has an indexed video"):
        library.learn(home / "elsewhere")
    with pytest.raises(Refused, match="is not a folder"):
        library.learn(home / "nowhere")

    assert library.runs() == []


def test_a_video_that_lies_in_another_folder_than_it_is_pinned_to_is_named(library, home):
    library.learn(home / "arranged")
    before = label_of(library)
    library.pin([home / "arranged/beach/beach000.mp4"], "forest")

    with pytest.raises(Refused, match=r"beach000.mp4 is pinned to cluster 2, .* forest now"):
        library.learn(home / "arranged")

    library.unpin([home / "arranged/beach/beach000.mp4"])
    library.learn(home / "arranged")
    assert label_of(library) == before
