"""`vidindex search`, over a library whose videos' scenes are known."""

import sqlite3

import numpy as np
import pytest

from tests import shown
from tests.cli.running import assert_explained, run_here


@pytest.fixture
def searchable(home):
    """A library of four scenes with a head, at home/library.db."""
    shown.make(home / "library.db", stored=shown.head())
    return home / "library.db"


def names_found(outcome):
    return [row["path"].removeprefix("/videos/") for row in outcome.data["rows"]]


def test_the_videos_that_show_it_are_found_the_best_first(searchable):
    outcome = run_here("search", "seashore", "--json")

    assert outcome.code == 0
    data = outcome.data
    assert list(data) == ["classes", "found", "rows"]
    assert (data["classes"], data["found"], len(data["rows"])) == (["seashore"], 6, 6)
    assert all(row["path"].startswith("/videos/beach-") for row in data["rows"])
    scores = [row["score"] for row in data["rows"]]
    assert scores == sorted(scores, reverse=True)
    assert {row["class"] for row in data["rows"]} == {"seashore"}
    assert all(len(row["hash"]) == 64 for row in data["rows"])


def test_words_may_be_plurals_and_several(searchable):
    for words in (["sports", "cars"], ["CAR"], ["sports_car"]):
        found = names_found(run_here("search", *words, "--json"))
        assert len(found) == 6
        assert all(name.startswith("street-") for name in found)


def test_a_word_of_several_classes_shows_the_one_that_fits(searchable):
    with sqlite3.connect(searchable) as database:
        names = "big cat\nbig crane\nsmall\ntabby\ntiger\ncrane\ncrane\nlantern"
        database.execute("UPDATE heads SET class_names = ?", (names,))
    database.close()

    data = run_here("search", "big", "--json").data

    assert data["classes"] == ["big cat", "big crane"]
    assert data["rows"][0]["class"] in data["classes"]


def test_people_see_scores_classes_and_paths(searchable):
    outcome = run_here("search", "seashore", "--limit", "2")

    first, header, *rows = outcome.out.splitlines()
    assert first == "6 videos by seashore; the best 2, --limit lists more"
    assert header.split() == ["score", "class", "path"]
    assert len(rows) == 2


def test_a_name_that_is_no_utf8_is_shown_and_exact_in_json(searchable):
    text, data = run_here("search", "crane").out, run_here("search", "crane", "--json").data

    assert r"/videos/harbour-\xe9.mp4" in text
    assert any("path_b64" in row for row in data["rows"])


def test_a_score_too_low_is_left_out(searchable):
    assert names_found(run_here("search", "seashore", "--min", "99", "--json")) == []
    assert "--min 0 lists more" in run_here("search", "seashore", "--min", "99").out
    assert len(names_found(run_here("search", "seashore", "--min", "-99", "--json"))) == 20


def test_only_one_cluster_may_be_asked(searchable):
    shown.cluster_by_scene(searchable)

    in_cats = run_here("search", "seashore", "--label", "2", "--min", "-9", "--json")

    assert len(names_found(in_cats)) == 6
    assert all(name.startswith("cat-") for name in names_found(in_cats))
    assert_explained(
        run_here("search", "seashore", "--label", "9"), 3, says="no label 9", hint="0, 1, 2, 3"
    )


def test_an_unknown_word_is_told_with_near_ones(searchable):
    assert_explained(run_here("search", "seashoer"), 3, says="'seashoer'", hint="seashore")
    assert_explained(run_here("search", "qqqqq"), 3, says="'qqqqq'", hint="plainer")
    assert_explained(
        run_here("search", "sea", "car"), 3, says="no class is called 'sea car'", hint="sports_car"
    )


@pytest.mark.parametrize("arguments", [["seashore", "--limit", "0"], [" "]])
def test_what_cannot_be_asked_is_refused(searchable, arguments):
    outcome = run_here("search", *arguments)

    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 2


def test_a_damaged_vector_is_left_out(searchable):
    vector = np.full(2048, np.nan, "<f4").tobytes()
    with sqlite3.connect(searchable) as database:
        database.execute("UPDATE embeddings SET vector = ? WHERE video_id = 1", (vector,))
    database.close()

    found = names_found(run_here("search", "seashore", "--json"))

    assert len(found) == 5
    assert "beach-0.mp4" not in found


def test_without_class_names_it_says_where_they_go(home):
    shown.make(home / "library.db", stored=shown.head(class_names=None))

    assert_explained(
        run_here("search", "seashore"), 3, says="8 classes", hint="name --auto --class-index"
    )


@pytest.mark.parametrize(
    ("weights", "hint"), [("untrained:0", "--weights imagenet"), ("own.h5", "has its top")]
)
def test_without_a_head_it_says_why_and_what_to_do(home, weights, hint):
    shown.make(home / "library.db", stored=None, weights_name=weights)

    assert_explained(run_here("search", "seashore"), 3, says="classes", hint=hint)
