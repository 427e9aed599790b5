"""Pins and videos kept apart: in the run in use, and in every later clustering."""

import shutil
import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from tests.generated import add_videos, around, centers, named
from vidindex import Library, Settings
from vidindex.errors import Refused, UsageError

KINDS = ("beach", "city", "forest")


def path(name):
    return f"/videos/{name}.mp4"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The database of six videos of each of three kinds, clustered into three."""
    library = Library(tmp_path_factory.mktemp("prepared") / "library.db", Settings())
    points = centers(3)
    add_videos(
        library.path,
        named({kind: around(points[row], 6, seed=row) for row, kind in enumerate(KINDS)}),
    )
    library.cluster(3)
    return library.path


@pytest.fixture
def library(prepared, tmp_path):
    """A copy of the prepared library, its own for each test."""
    shutil.copyfile(prepared, tmp_path / "library.db")
    return Library(tmp_path / "library.db", Settings())


def labels(library, run=None):
    return {row.stat.path.stem: row.label for row in library.labels(run).rows}


def sizes(library):
    return {cluster.label: cluster.size for cluster in library.clusters().clusters}


def distances(library):
    return {row.stat.path.stem: row.distance for row in library.labels().rows}


def label_of(library, kind):
    return labels(library)[f"{kind}000"]


def test_a_pin_moves_the_video_in_the_run_in_use_at_once(library):
    before = labels(library)
    city = before["city000"]

    result = library.pin(path("beach002"), city)

    assert labels(library) == before | {"beach002": city}
    assert [pinned.state for pinned in result.pinned] == ["moved"]
    assert sizes(library)[before["beach000"]] == 5
    assert sizes(library)[city] == 7


def test_the_distance_of_a_pinned_video_is_to_its_new_centroid(library):
    vectors = library.vectors()
    unit = vectors.vectors / np.linalg.norm(vectors.vectors, axis=1, keepdims=True)
    stems = [place.stem for place in vectors.paths]
    cities = np.stack([unit[stems.index(f"city00{number}")] for number in range(6)])
    beach = unit[stems.index("beach002")]

    library.pin(path("beach002"), label_of(library, "city"))

    expected = np.linalg.norm(beach - cities.mean(axis=0))
    assert distances(library)["beach002"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 7])
def test_a_pinned_video_is_in_its_label_in_every_later_clustering(library, k):
    city = label_of(library, "city")
    library.pin([path("beach002"), path("forest001")], city)

    library.cluster(k)

    found = labels(library)
    assert found["beach002"] == found["forest001"] == city
    assert len(set(found.values())) == k


def test_a_pin_that_the_clusters_fulfil_already_changes_nothing(library):
    before, far = labels(library), distances(library)

    library.pin(path("beach002"), before["beach000"])
    library.cluster(3)

    assert labels(library) == before
    assert distances(library) == far


def test_wishes_of_other_videos_do_not_change_a_clustering(library, tmp_path):
    add_videos(library.path, named({"lake": around(centers(4)[3], 3, seed=9)}), tmp_path)
    library.cluster(2, scope=tmp_path)
    library.pin(tmp_path / "lake000.mp4", label_of(library, "lake"))
    library.keep_apart(tmp_path / "lake001.mp4", tmp_path / "lake002.mp4")

    with_wishes = library.cluster(2, scope="/videos")
    far = distances(library)
    library.unpin(tmp_path / "lake000.mp4")
    library.let_together(tmp_path / "lake001.mp4", tmp_path / "lake002.mp4")
    without = library.cluster(2, scope="/videos")

    assert distances(library) == far
    assert labels(library, with_wishes.run) == labels(library, without.run)


def test_a_pinned_label_keeps_its_name_though_its_cluster_would_vanish(library):
    forest = label_of(library, "forest")
    library.name(forest, "Woods")
    library.pin([path(f"forest00{number}") for number in range(6)], forest)

    library.cluster(1)

    (cluster,) = library.clusters().clusters
    assert (cluster.label, cluster.name, cluster.name_source) == (forest, "Woods", "user")


def test_a_pin_to_one_odd_video_does_not_take_the_name_to_another_kind(library):
    beach = label_of(library, "beach")
    library.name(beach, "Beach")

    library.pin(path("city003"), beach)
    library.cluster(3)

    found = labels(library)
    assert found["city003"] == found["beach000"] == beach
    assert found["city000"] != beach


def test_videos_like_a_pinned_one_follow_it_into_a_label_of_its_own(library):
    beach, forest = label_of(library, "beach"), label_of(library, "forest")
    two = library.cluster(2)
    assert len(two.clusters) == 2

    library.use(1)
    library.pin(path("beach000"), beach)
    library.pin(path("forest000"), forest)
    library.cluster(2)

    found = labels(library)
    assert {found[f"beach00{number}"] for number in range(6)} == {beach}
    assert {found[f"forest00{number}"] for number in range(6)} == {forest}


def test_an_unpinned_video_goes_where_it_belongs(library):
    before = labels(library)
    library.pin(path("beach002"), before["city000"])
    library.cluster(3)

    library.unpin(path("beach002"))
    assert labels(library)["beach002"] == before["city000"]
    library.cluster(3)

    assert labels(library) == before


def test_two_videos_that_are_kept_apart_are_in_two_clusters(library):
    library.keep_apart(path("beach001"), path("beach002"))

    for k in (2, 3, 5):
        library.cluster(k)
        assert labels(library)["beach001"] != labels(library)["beach002"]


def test_videos_that_may_be_together_again_are(library):
    before = labels(library)
    library.keep_apart(path("beach001"), path("beach002"))
    library.cluster(3)

    library.let_together(path("beach002"), path("beach001"))
    library.cluster(3)

    assert labels(library) == before


def test_as_many_videos_as_clusters_can_all_be_apart(library):
    names = ["beach000", "beach001", "city000", "forest000", "forest001"]
    for one in names:
        for other in names:
            if one < other:
                library.keep_apart(path(one), path(other))

    library.cluster(5)
    assert len({labels(library)[name] for name in names}) == 5
    with pytest.raises(Refused, match="5 videos must all be apart, but K is 4: /videos") as told:
        library.cluster(4)
    assert "K of at least 5" in told.value.hint


def test_more_pinned_labels_than_clusters_are_refused(library):
    for kind in KINDS:
        library.pin(path(f"{kind}000"), label_of(library, kind))
    runs = len(library.runs())

    with pytest.raises(Refused, match=r"pinned to 3 labels.*2 clusters.*beach000\.mp4") as told:
        library.cluster(2)

    assert "K of at least 3" in told.value.hint
    assert len(library.runs()) == runs


def test_too_few_unpinned_videos_for_the_other_clusters_are_refused(library):
    library.pin([path(f"{kind}00{row}") for kind in KINDS for row in range(6)], 0)

    with pytest.raises(Refused, match="18 of which are pinned to 1"):
        library.cluster(2)


def test_videos_kept_apart_cannot_be_pinned_to_one_label(library):
    library.keep_apart(path("beach001"), path("city001"))
    library.pin(path("beach001"), 1)
    before = labels(library)

    with pytest.raises(Refused, match=r"city001.*beach001.*must be apart.*label 1"):
        library.pin(path("city001"), 1)

    assert labels(library) == before
    assert [pin.video.path.stem for pin in library.wishes().pins] == ["beach001"]


def test_videos_pinned_to_one_label_cannot_be_kept_apart(library):
    library.pin([path("beach001"), path("city001")], 1)

    with pytest.raises(Refused, match="must be apart"):
        library.keep_apart(path("beach001"), path("city001"))

    assert library.wishes().apart == ()


def test_a_video_that_must_be_apart_from_a_pinned_one_of_every_label_is_refused(library):
    for kind in KINDS:
        library.pin(path(f"{kind}000"), label_of(library, kind))
        library.keep_apart(path(f"{kind}000"), path("beach003"))

    with pytest.raises(Refused, match=r"apart in 3 clusters.*beach003"):
        library.cluster(3)

    library.cluster(4)
    found = labels(library)
    assert found["beach003"] not in {found[f"{kind}000"] for kind in KINDS}


def test_a_pin_again_replaces_the_pin_before(library):
    library.pin(path("beach000"), 1)
    library.pin(path("beach000"), 2)

    (pin,) = library.wishes().pins
    assert (pin.label, pin.video.label) == (2, 2)


def test_the_last_video_of_a_cluster_stays_there_until_the_next_clustering(library):
    library.cluster(18)
    own, other = labels(library)["beach000"], labels(library)["city000"]

    result = library.pin(path("beach000"), other)

    assert [pinned.state for pinned in result.pinned] == ["later"]
    assert labels(library)["beach000"] == own
    library.cluster(17)
    assert labels(library)["beach000"] == other


def test_a_label_can_be_given_by_its_name(library):
    library.name(1, "Holidays")

    assert library.pin(path("beach000"), "holidays").label == 1
    with pytest.raises(Refused, match="no label or name Sundays"):
        library.pin(path("beach000"), "Sundays")
    with pytest.raises(Refused, match="no label or name 7"):
        library.pin(path("beach000"), 7)


def test_what_is_not_so_cannot_be_taken_back(library):
    with pytest.raises(Refused, match="is not pinned"):
        library.unpin(path("beach000"))
    with pytest.raises(Refused, match="may share a cluster already"):
        library.let_together(path("beach000"), path("city000"))
    with pytest.raises(UsageError, match="are one content"):
        library.keep_apart(path("beach000"), path("beach000"))


def test_of_several_videos_either_all_are_pinned_or_none(library):
    with pytest.raises(Refused, match="does not know"):
        library.pin([path("beach000"), path("nothing")], 1)

    assert library.wishes().pins == ()


def test_the_same_wishes_give_the_same_labels_again(library):
    library.pin([path("beach001"), path("city002")], 2)
    library.keep_apart(path("forest001"), path("forest002"))

    library.cluster(4)
    first = labels(library), distances(library)
    library.cluster(4)

    assert (labels(library), distances(library)) == first


@pytest.mark.parametrize("algorithm", ["bisecting", "agglomerative"])
def test_other_algorithms_heed_wishes_too(library, algorithm):
    other = Library(library.path, replace(library.settings, algorithm=algorithm))
    city = label_of(library, "city")
    library.pin(path("beach002"), city)
    library.keep_apart(path("forest001"), path("forest002"))

    other.cluster(3)

    found = labels(library)
    assert found["beach002"] == city
    assert found["forest001"] != found["forest002"]
    assert sum(found[f"forest00{number}"] == found["forest003"] for number in range(6)) == 5


def test_sizes_and_inertia_are_those_of_the_labels(library):
    library.pin([path("beach002"), path("beach003")], label_of(library, "city"))

    result = library.cluster(3)

    found = list(labels(library).values())
    assert {cluster.label: cluster.size for cluster in result.clusters} == {
        label: found.count(label) for label in found
    }
    squares = sum(distance**2 for distance in distances(library).values())
    assert result.inertia == pytest.approx(squares)
    with sqlite3.connect(library.path) as database:
        (wrong,) = database.execute(
            "SELECT count(*) FROM clusters c WHERE size != (SELECT count(*) FROM assignments a"
            " WHERE a.clustering_id = c.clustering_id AND a.label = c.label)"
        ).fetchone()
    database.close()
    assert wrong == 0
