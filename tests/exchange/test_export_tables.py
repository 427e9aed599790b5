"""`vidindex export` into tables for other programs."""

import base64
import csv
import json
import os

import numpy as np
import pytest

from tests.cli.running import assert_explained
from tests.databases.make import BEACH, CITY, HASHES, NOON, ODD_NAME, RECIPE, SORTED_BEACH, VECTORS
from tests.exchange.conftest import lines_of
from tests.generated import add_videos, centers
from vidindex import Library
from vidindex.db.engine import Database
from vidindex.embedding import Recipe, Sampling
from vidindex.store import files


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_csv_has_a_row_a_file_with_its_place_in_the_run_in_use(vidindex, full, home):
    outcome = vidindex("export", "table.csv")

    assert (outcome.code, outcome.out) == (0, f"4 files exported to {home}/table.csv\n")
    rows = rows_of(home / "table.csv")
    assert [row["path"] for row in rows] == [
        str(SORTED_BEACH),
        "/videos/broken.mp4",
        r"/videos/caf\xe9.mkv",
        str(CITY),
    ]
    assert rows[0] == {
        "hash": HASHES[0].hex(),
        "path": str(SORTED_BEACH),
        "size_bytes": "1000000",
        "duration_s": "61.5",
        "width_px": "1920",
        "height_px": "1080",
        "codec": "h264",
        "label": "0",
        "name": "Holidays",
        "distance": "0.125",
        "path_b64": "",
    }
    assert [rows[1][name] for name in ("codec", "label", "distance")] == ["", "", ""]
    assert base64.b64decode(rows[2]["path_b64"]) == os.fsencode(ODD_NAME)


def test_no_cell_of_a_csv_is_a_formula_or_has_a_control_character(vidindex, full, home):
    vidindex("name", "0", "=1+1")
    vidindex("name", "1", "＠SUM(A1)")  # noqa: RUF001 - a wide sign
    with Database(full) as database, database.writing() as session:
        files.rename_file(session, 1, BEACH.with_name('a\x1b]52;c;x\x07"\r\n=2.mp4'))

    vidindex("export", "table.csv")

    rows = rows_of(home / "table.csv")
    assert {row["name"] for row in rows} == {"", "'=1+1", "'＠SUM(A1)"}  # noqa: RUF001
    odd = next(row for row in rows if "52;c" in row["path"])
    assert odd["path"] == r'/videos/a\x1b]52;c;x\x07"\x0d\x0a=2.mp4'
    assert base64.b64decode(odd["path_b64"]) == b'/videos/a\x1b]52;c;x\x07"\r\n=2.mp4'
    text = (home / "table.csv").read_text()
    assert text.replace("\n", "").isprintable()


def test_json_lines_hold_exact_paths_and_bit_equal_vectors_if_asked(vidindex, full, home):
    assert vidindex("export", "table.jsonl", "--vectors").code == 0

    rows = lines_of(home / "table.jsonl")
    assert base64.b64decode(rows[2]["path_b64"]) == os.fsencode(ODD_NAME)
    assert rows[1]["vector"] is None
    for row, vector in zip([rows[0], *rows[2:]], VECTORS, strict=True):
        assert np.array(row["vector"], np.float32).tobytes() == vector.tobytes()
    assert (rows[0]["label"], rows[0]["name"], rows[0]["distance"]) == (0, "Holidays", 0.125)

    vidindex("export", "plain.jsonl")
    assert all("vector" not in row for row in lines_of(home / "plain.jsonl"))


def test_parquet_has_typed_columns_and_bit_equal_vectors(vidindex, full, home):
    parquet = pytest.importorskip("pyarrow.parquet")

    assert vidindex("export", "table.parquet").code == 0

    rows = parquet.read_table(home / "table.parquet").to_pylist()
    assert rows[2]["path_bytes"] == os.fsencode(ODD_NAME)
    assert rows[2]["path"] == r"/videos/caf\xe9.mkv"
    assert rows[1]["vector"] is None
    assert (rows[1]["label"], rows[0]["label"], rows[0]["size_bytes"]) == (None, 0, 1_000_000)
    for row, vector in zip([rows[0], *rows[2:]], VECTORS, strict=True):
        assert np.array(row["vector"], np.float32).tobytes() == vector.tobytes()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--label", "0"], [SORTED_BEACH, ODD_NAME]),
        (["--label", "1", "--run", "1"], [CITY]),
        (["--within", "/sorted"], [SORTED_BEACH]),
        (["--recipe", "1", "--within", "/videos"], [ODD_NAME, CITY]),
    ],
)
def test_it_writes_only_what_is_asked_for(vidindex, full, home, flags, expected):
    assert vidindex("export", "table.jsonl", *flags).code == 0

    exact = [
        base64.b64decode(row["path_b64"]) if "path_b64" in row else row["path"].encode()
        for row in lines_of(home / "table.jsonl")
    ]
    assert exact == [os.fsencode(path) for path in expected]


def test_a_library_that_is_not_clustered_has_no_labels_to_give(vidindex, home):
    add_videos(home / "library.db", {"a.mp4": centers(1)[0]})

    assert vidindex("export", "table.jsonl").code == 0

    (row,) = lines_of(home / "table.jsonl")
    assert (row["label"], row["name"], row["distance"]) == (None, None, None)


def test_vectors_of_several_recipes_are_told_apart(vidindex, home):
    add_videos(home / "library.db", {"a.mp4": centers(2)[0]})
    coarse = Recipe(RECIPE.weights_digest, Sampling(interval_s=5.0))
    add_videos(home / "library.db", {"a.mp4": centers(2)[1]}, recipe=coarse)

    assert_explained(
        vidindex("export", "x.jsonl", "--vectors"), 3, says="of 2 recipes", hint="--recipe"
    )
    assert vidindex("export", "x.jsonl", "--vectors", "--recipe", "2").code == 0
    (row,) = lines_of(home / "x.jsonl")
    assert np.array_equal(np.array(row["vector"], np.float32), centers(2)[1])


@pytest.mark.parametrize(
    ("words", "code", "says", "hint"),
    [
        (["table.xlsx"], 2, "the ending of .*table.xlsx says no format", ".csv, .jsonl"),
        (["table"], 2, "says no format", ".npz"),
        (["table.csv", "--vectors"], 2, "a .csv holds no vectors", ".jsonl"),
        (["table.npz", "--run", "1"], 2, "holds no labels", "leave the run out"),
        (["table.csv", "--run", "9"], 3, "there is no run 9", "vidindex runs"),
        (["table.csv", "--label", "9"], 3, "run 1 has no label 9", "0, 1"),
        (["table.npz", "--recipe", "9"], 3, "no recipe 9", "vidindex status"),
        (["none/table.csv"], 3, "cannot write .*none/table.csv", "its folder exists"),
    ],
)
def test_what_cannot_be_written_is_told_and_leaves_nothing(
    vidindex, full, home, words, code, says, hint
):
    before = sorted(home.iterdir())

    assert_explained(vidindex("export", *words), code, says=says, hint=hint)

    assert sorted(home.iterdir()) == before


def test_without_pyarrow_it_is_told_how_to_get_it(vidindex, full, home, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    monkeypatch.delitem(__import__("sys").modules, "pyarrow.parquet", raising=False)

    outcome = vidindex("export", "table.parquet")

    assert_explained(outcome, 3, says="pyarrow, which is not installed", hint="pip install")


def test_a_library_that_is_not_there_is_told(vidindex, home):
    assert_explained(vidindex("export", "x.csv"), 3, says="there is no library", hint="--db")


def test_it_answers_in_json(vidindex, full, home):
    answer = json.loads(vidindex("export", "x.parquet", "--json").stdout)

    assert answer["command"] == "export"
    assert answer["data"] == {"path": f"{home}/x.parquet", "rows": 4, "run": 1, "recipe": 1}


def test_a_writer_can_write_while_a_table_is_being_written(full, home, monkeypatch, recorder):
    """Each block is read by itself: a commit between two of them need not wait."""
    monkeypatch.setattr("vidindex.exporting.ROWS_AT_ONCE", 1)
    monkeypatch.setattr("vidindex.db.engine.BUSY_TIMEOUT_S", 0)
    written = []

    def write(steps=1):
        with Database(full) as database, database.writing() as session:
            files.mark_missing(session, [4], since=NOON)
        written.append(steps)

    recorder.advance = write
    result = Library(full).export(home / "x.parquet", reporter=recorder)

    assert (result.rows, len(written)) == (4, 4)
