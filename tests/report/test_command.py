"""`vidindex report` at the prompt."""

import re
import sqlite3
from contextlib import closing

import pytest

from tests.cli.running import assert_explained, environment_in, run_here
from tests.report.scenes import VIDEOS, Page, make_library
from tests.test_imports import LEARNING, VIDEO, loaded_by


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("VIDINDEX_CONFIG")
    for name, value in environment_in(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    make_library(tmp_path / "library.db")
    return tmp_path


def test_it_says_what_it_wrote_and_how_large_that_is(home):
    outcome = run_here("report", "out.html", "-q")

    size = (home / "out.html").stat().st_size
    assert outcome.code == 0
    assert outcome.out == f"{home}/out.html: {size / 1000:.1f} kB, 32 videos, {VIDEOS} pictures\n"
    assert outcome.err == ""


def test_as_json_it_says_the_same(home):
    outcome = run_here("report", "out.html", "--json", "--videos", "1", "--max-mb", "0.005")

    data = outcome.data
    assert data["path"] == f"{home}/out.html"
    assert data["size_bytes"] == (home / "out.html").stat().st_size
    assert (data["run"], data["videos"], data["clusters"]) == (3, 32, 3)
    assert data["pictures"] + data["left_out"] == VIDEOS
    assert 1 <= data["pictures"] <= 9


def test_it_says_how_many_pictures_it_left_out(home):
    outcome = run_here("report", "out.html", "--max-mb", "0")

    assert re.search(f"{VIDEOS} pictures left out .*--max-mb allows more", outcome.out)


def test_near_duplicates_can_be_passed_over(home):
    with closing(sqlite3.connect(home / "library.db")) as raw:  # two videos have one vector
        raw.execute(
            "UPDATE embeddings SET vector = (SELECT vector FROM embeddings LIMIT 1) "
            "WHERE video_id <= 2"
        )
        raw.commit()

    run_here("report", "near.html", "--videos", "1")
    run_here("report", "exact.html", "--exact-only")

    assert "Nearly the same 2 files" in Page((home / "near.html").read_bytes()).text
    assert "Nearly the same" not in Page((home / "exact.html").read_bytes()).text


def test_a_library_or_a_run_that_is_not_there_is_refused(home):
    none = run_here("report", "out.html", "--db", "none.db")
    no_run = run_here("report", "out.html", "--run", "9")

    assert_explained(none, 3, says="there is no library", hint="vidindex index")
    assert_explained(no_run, 3, says="there is no run 9", hint="vidindex runs")
    assert not (home / "out.html").exists()


def test_numbers_that_make_no_sense_are_explained(home):
    assert_explained(run_here("report", "o", "--pictures", "10"), 2, says="1 to 9", hint="--pic")
    assert_explained(run_here("report", "o", "--videos", "0"), 2, says="at least 1", hint="--vid")
    assert_explained(run_here("report", "o", "--max-mb", "-1"), 2, says="smaller", hint="--max")
    assert_explained(run_here("report", "o", "--max-mb", "nan"), 2, says="nan", hint="--max")


def test_it_loads_no_video_and_no_learning_library_where_the_map_is_stored(home):
    loaded = loaded_by(home, "report", "out.html")

    assert loaded & (VIDEO | LEARNING | {"alembic", "h5py"}) == set()
    assert "jinja2" in loaded  # the list is really that of the command
