"""`vidindex cluster` on a terminal: its tables, its picture, its JSON."""

import sqlite3

import numpy as np
import pytest

from tests.cli.running import assert_explained, run_here, run_process
from tests.generated import add_videos, around, centers, named
from vidindex.cli.plotting import draw_columns


@pytest.fixture
def database(tmp_path):
    kinds = {f"kind{row}": around(spot, 6, seed=row) for row, spot in enumerate(centers(3))}
    add_videos(tmp_path / "library.db", named(kinds))
    return tmp_path / "library.db"


def test_a_range_is_shown_as_a_table_a_picture_and_advice(database):
    shown = run_here("cluster", "-k", "2..6", "--db", database).out

    table, picture, advice = shown.strip().split("\n\n")
    assert table.splitlines()[0].split() == [
        *("k", "run", "inertia", "silhouette", "stability", "smallest", "largest")
    ]
    rows = [line.split() for line in table.splitlines()[1:]]
    assert [row[0] for row in rows] == list("23456")
    assert [row[0] for row in rows if row[-1] == "<"] == ["3"]
    assert "█" in picture
    assert picture.splitlines()[-2].split() == ["^", "3"]
    assert advice.startswith("recommended: K = 3: its clusters are the most distinct")
    assert max(map(len, [*table.splitlines(), *picture.splitlines()])) <= 80


def test_a_terminal_without_block_characters_gets_plain_ones(database, tmp_path):
    ascii_only = {"PYTHONIOENCODING": "ascii", "VIDINDEX_DB": str(database)}

    outcome = run_process(tmp_path, "cluster", "-k", "2..4", variables=ascii_only)

    assert outcome.code == 0
    assert outcome.stdout.isascii()
    assert b"#" in outcome.stdout


def test_a_range_as_json(database):
    data = run_here("cluster", "-k", "2..4", "--db", database, "--json").data

    assert data["why"]
    assert [run["k"] for run in data["runs"]] == [2, 3, 4]
    assert data["recommended"] == data["runs"][1]["run"]
    assert {"run", "k", "inertia", "silhouette", "stability", "smallest", "largest"} == set(
        data["runs"][0]
    )


def test_unsorted_videos_are_told(database):
    loners = np.pad(np.repeat(np.eye(2, dtype=np.float32), 1000, axis=1), ((0, 0), (0, 48)))
    add_videos(database, named({"loner": loners}))

    outcome = run_here("cluster", "--algorithm", "hdbscan", "--db", database)

    assert outcome.code == 0
    assert "20 videos in 3 clusters" in outcome.out
    assert "2 videos in no cluster: unsorted" in outcome.out
    assert (
        run_here("cluster", "--algorithm", "hdbscan", "--db", database, "--json").data["unsorted"]
        == 2
    )


@pytest.mark.parametrize("k", ["2-40", "2..", "..4", "1e3", "9999999999", "", "\uff12"])
def test_what_is_no_number_and_no_range_is_a_misuse(database, k):
    assert_explained(
        run_here("cluster", "-k", k, "--db", database), 2, says="K is neither", hint="-k 2..40"
    )


def test_check_names_the_video_whose_vector_is_damaged(database):
    with sqlite3.connect(database) as connection:
        vector = np.full(2048, np.inf, "<f4").tobytes()
        connection.execute("UPDATE embeddings SET vector = ? WHERE video_id = 2", (vector,))
    connection.close()

    clustered = run_here("cluster", "-k", "2", "--db", database)
    checked = run_here("db", "check", "--db", database)

    assert clustered.code == 4
    assert "db check names them" in clustered.err
    assert_explained(checked, 6, says="vector of /videos/kind0001.mp4 .*damaged", hint="backup")


def test_a_picture_of_very_many_values_fits_the_terminal():
    numbers = range(2, 202)
    values = [None if number == 9 else number / 250 for number in numbers]

    picture = draw_columns(numbers, values, 150, is_ascii=True)

    assert max(map(len, picture.splitlines())) <= 80
    assert "^ 150" in picture


def test_a_picture_of_nothing_is_empty():
    assert draw_columns([1], [None], 1, is_ascii=True) == ""
