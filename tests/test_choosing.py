"""Which run is in use, which go, and the names that the user gives."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from tests.generated import add_videos, around, centers, named
from vidindex import Library, Settings
from vidindex.db.engine import Database
from vidindex.errors import Refused, UsageError
from vidindex.store import clusterings, moves
from vidindex.store.clusterings import Name


@pytest.fixture
def library(tmp_path):
    """Three kinds of ten videos, and two runs: of 3 clusters, and of 2, which is in use."""
    path = tmp_path / "library.db"
    kinds = {kind: around(center, 10) for kind, center in zip("abc", centers(3), strict=True)}
    add_videos(path, named(kinds), tmp_path / "in", writes=True)
    library = Library(path, Settings(weights="untrained", n_init=2))
    library.cluster(3)
    library.cluster(2)
    return library


def count(library, table):
    with closing(sqlite3.connect(library.path)) as raw:
        return raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def in_use(library):
    return library.labels().run.id


def names(library, run=None):
    return {each.label: each.name for each in library.clusters(run).clusters}


def test_the_newest_run_is_in_use_until_another_is_chosen(library):
    assert in_use(library) == 2

    result = library.use(1)

    assert (result.run.id, result.before, result.placed.placed) == (1, 2, 0)
    assert in_use(library) == library.status().run.id == 1


def test_labels_moves_and_names_go_by_the_run_in_use(library, tmp_path):
    library.use(1)
    library.name(2, "c")

    library.apply(tmp_path / "sorted")

    assert {path.name for path in (tmp_path / "sorted").iterdir()} == {
        "cluster_0",
        "cluster_1",
        "cluster_2",
    }
    assert names(library, 1)[2] == "c"


def test_the_next_run_goes_on_from_the_one_in_use(library):
    library.use(1)
    library.name(0, "first")

    result = library.cluster(3)

    assert result.churn.move == 0
    assert result.clusters[0].name == "first"


def test_a_run_that_is_used_again_takes_in_what_came_since(library, tmp_path):
    add_videos(library.path, {"new.mp4": around(centers(3)[0], 11)[10]}, tmp_path / "in")
    library.assign()

    result = library.use(1)

    assert (result.placed.placed, result.placed.unsorted) == (1, 0)


def test_a_run_that_there_is_not_cannot_be_used(library):
    with pytest.raises(Refused, match="there is no run 9"):
        library.use(9)

    assert in_use(library) == 2


def test_a_clock_that_was_ahead_does_not_keep_a_run_in_use(library):
    with Database(library.path) as database, database.writing() as session:
        ahead = datetime.now(UTC) + timedelta(days=9)
        clusterings.put_to_use(session, 1, now=ahead)
    assert in_use(library) == 1

    library.use(2)
    assert in_use(library) == 2
    library.cluster(3)
    assert in_use(library) == 3


def test_a_removed_run_leaves_nothing_behind(library, tmp_path):
    add_videos(library.path, {"odd.mp4": around(centers(9)[8], 1)[0]}, tmp_path / "in")
    assert library.assign(1).unsorted == 1

    result = library.remove_runs([1])

    assert (result.removed, result.in_use.id) == ((1,), 2)
    assert [run.id for run in library.runs()] == [2]
    assert (count(library, "clusters"), count(library, "assignments")) == (2, 30)
    assert library.runs()[0].previous_id is None


def test_the_run_in_use_is_removed_by_force_only(library):
    with pytest.raises(Refused, match="run 2 is in use") as caught:
        library.remove_runs([1, 2])
    assert "--force" in caught.value.hint
    assert len(library.runs()) == 2

    assert library.remove_runs([2], force=True).in_use.id == 1
    assert library.remove_runs([1, 1], force=True).in_use is None
    assert (library.runs(), count(library, "assignments")) == ([], 0)


def test_a_run_that_there_is_not_cannot_be_removed_nor_those_beside_it(library):
    with pytest.raises(Refused, match="there is no run 9"):
        library.remove_runs([1, 9])

    assert len(library.runs()) == 2


def test_a_run_that_an_unfinished_batch_goes_by_is_kept(library, tmp_path):
    with Database(library.path) as database, database.writing() as session:
        now = datetime.now(UTC)
        moves.put_batch(session, "apply", tmp_path, run=1, undoes_batch=None, now=now)

    with pytest.raises(Refused, match="run 1 is what the unfinished batch 1") as caught:
        library.remove_runs([1], force=True)

    assert "undo" in caught.value.hint


@pytest.fixture
def of_three(library):
    """The same library with the run of 3 clusters in use: 0, 1 and 2."""
    library.use(1)
    return library


def test_a_name_is_given_changed_and_taken_away(of_three):
    first = of_three.name(1, "  Holidays\u00a0")
    second = of_three.name(1, "Caf\u0065\u0301 \U0001f468\u200d\U0001f469")
    third = of_three.name(1, None)

    assert (first.name, first.before) == ("Holidays", None)
    assert (second.name, second.before) == ("Caf\u00e9 \U0001f468\u200d\U0001f469", "Holidays")
    assert (third.name, third.before) == (None, second.name)
    assert names(of_three)[1] is None


def test_a_name_may_be_given_in_another_run(library):
    library.name(0, "old", run=1)

    assert names(library, 1)[0] == "old"
    assert set(names(library).values()) == {None}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        (" \u3000", "empty"),
        ("two\nlines", r"U\+000A"),
        ("\x1b[31mred", r"U\+001B"),
        ("turned \u202e round", r"U\+202E"),
        ("caf\udce9", r"U\+DCE9"),
        ("x" * 101, "at most 100 characters, not 101"),
    ],
)
def test_what_is_no_readable_line_is_no_name(of_three, text, says):
    with pytest.raises(UsageError, match=says):
        of_three.name(0, text)

    assert names(of_three)[0] is None


@pytest.mark.parametrize("other", ["Beach", "BEACH", " beach "])
def test_two_clusters_have_different_names(of_three, other):
    of_three.name(0, "Beach")

    with pytest.raises(Refused, match="cluster 0 of run 1 is called Beach already") as caught:
        of_three.name(1, other)

    assert "name 0 --clear" in caught.value.hint
    assert names(of_three)[1] is None


def test_the_same_name_again_and_in_another_case_is_fine(of_three):
    of_three.name(0, "Beach")
    of_three.name(0, "Beach")

    assert of_three.name(0, "beach").before == "Beach"


def test_a_name_given_over_an_automatic_one_is_the_users(of_three):
    with Database(of_three.path) as database, database.writing() as session:
        clusterings.set_name(session, 1, 0, Name("seashore", "auto", 0.5))

    of_three.name(0, "Beach")

    cluster = of_three.clusters().clusters[0]
    assert (cluster.name, cluster.name_source, cluster.name_score) == ("Beach", "user", None)


def test_a_label_that_there_is_not_cannot_be_named(of_three):
    with pytest.raises(Refused, match="run 1 has no label 7") as caught:
        of_three.name(7, "x")

    assert "vidindex name" in caught.value.hint
