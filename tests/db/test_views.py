"""The views that other programs read: plain sqlite3, with nothing of vidindex."""

import sqlite3
from contextlib import closing

import pytest

from tests.databases import make

VIEWS = {
    "v_videos": "video hash path path_bytes files missing size_bytes duration_s width_px height_px"
    " codec added_at vectors failure",
    "v_labels": "run in_use label name distance placed_later video hash path path_bytes",
    "v_clusters": "run in_use label name name_source size videos algorithm k created_at",
    "v_moves": "move batch kind mode started_at run undoes_batch position action sidecar state"
    " reason hash size_bytes source target source_bytes target_bytes",
}


@pytest.fixture
def query(tmp_path):
    with closing(sqlite3.connect(make.make(tmp_path / "library.db"))) as raw:
        raw.row_factory = sqlite3.Row
        yield lambda sql, *values: [tuple(row) for row in raw.execute(sql, values)]


@pytest.mark.parametrize("view", VIEWS)
def test_the_columns_of_a_view_stay(tmp_path, view):
    with closing(sqlite3.connect(make.make(tmp_path / "library.db"))) as raw:
        found = raw.execute(f"SELECT * FROM {view}")

        assert [column[0] for column in found.description] == VIEWS[view].split()
        assert found.fetchall()


def test_a_video_is_one_row_whatever_the_number_of_its_files(query):
    query(
        "INSERT INTO files SELECT 99, CAST('/a/copy.mp4' AS BLOB), video_id, size_bytes, mtime_ns,"
        " device, inode, checked_at_ns, NULL, NULL FROM files WHERE video_id = 3"
    )
    query("UPDATE files SET missing_since = '2026-03-01' WHERE id = 99")

    rows = query("SELECT path, files, missing, failure FROM v_videos WHERE video IN (3, 4)")

    assert rows == [
        (str(make.CITY), 1, 0, None),
        (str(make.BROKEN), 1, 0, "no video stream"),
    ]


def test_a_video_all_of_whose_files_are_gone_is_missing(query):
    query("UPDATE files SET missing_since = '2026-03-01' WHERE video_id = 3")

    assert query("SELECT path, files, missing FROM v_videos WHERE video = 3") == [
        (str(make.CITY), 0, 1)
    ]
    assert query("SELECT count(*) FROM v_labels WHERE video = 3") == [(0,)]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"plain.mp4", "plain.mp4"),
        ("Übergrößen, 日本語 🎬.mp4".encode(), "Übergrößen, 日本語 🎬.mp4"),
        (b"tab\tand\nline", "tab\tand\nline"),
        (b"caf\xe9.mkv", "caf\ufffd.mkv"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"\x80end", "\x80end"),
        (b"cut \xe2\x82", None),
        *(("ü".encode() * count, "ü" * count) for count in (15, 16, 17, 32, 33)),
        (b"\xff" * 32, "\ufffd" * 32),
    ],
)
def test_any_path_is_text_and_its_bytes_are_beside_it(query, name, shown):
    query("UPDATE files SET path = ? WHERE video_id = 3", name)

    ((path, stored),) = query("SELECT path, path_bytes FROM v_labels WHERE video = 3")

    assert stored == name
    assert path == shown if shown else path.startswith("cut ")
    path.encode()  # half a surrogate pair would be no text


def test_the_labels_of_the_run_in_use_are_told_from_others(query):
    query("UPDATE clusterings SET used_at = NULL")
    assert query("SELECT DISTINCT in_use FROM v_labels") == [(0,)]

    query("UPDATE clusterings SET used_at = created_at")
    assert query("SELECT label, name, videos FROM v_clusters WHERE in_use") == [
        (0, "Holidays", 2),
        (1, None, 1),
    ]


@pytest.mark.parametrize(
    ("view", "column"),
    [
        ("v_videos", "files"),
        ("v_videos", "vectors"),
        ("v_labels", "in_use"),
        ("v_labels", "label"),
        ("v_clusters", "in_use"),
        ("v_clusters", "videos"),
    ],
)
def test_a_number_equals_the_text_that_a_program_asks_with(query, view, column):
    """Datasette gives its filters as text."""
    assert query(f"SELECT 1 FROM {view} WHERE {column} = ?", "1")


def test_a_file_that_is_there_equals_the_text_0(query):
    assert query("SELECT 1 FROM v_videos WHERE missing = ?", "0")


def test_moves_tell_from_where_to_where(query):
    assert query("SELECT batch, kind, mode, state, source, target FROM v_moves") == [
        (1, "apply", "move", "done", str(make.BEACH), str(make.SORTED_BEACH)),
        (2, "apply", "symlink", "done", str(make.CITY), str(make.VIEW)),
    ]


def test_views_are_read_only(query):
    with pytest.raises(sqlite3.OperationalError, match="view"):
        query("DELETE FROM v_videos")
