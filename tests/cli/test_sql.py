"""`vidindex sql`: whatever reads is answered, nothing can be changed."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing

import pytest

from tests.cli import asked_library as known
from tests.cli.running import (
    assert_explained,
    command_line,
    environment_in,
    run_here,
)

pytestmark = pytest.mark.usefixtures("asked")

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def rows(statement, *options):
    return run_here("sql", statement, *options, "--json").data["rows"]


def test_a_view_is_asked():
    assert rows("SELECT label, name, videos FROM v_clusters WHERE in_use ORDER BY label") == [
        {"label": 0, "name": "Holidays", "videos": 2},
        {"label": 1, "name": known.FORMULA, "videos": 1},
    ]


@pytest.mark.parametrize(
    ("statement", "first"),
    [
        ("SELECT count(*) AS n FROM files", {"n": 9}),
        ("VALUES (1, NULL)", {"column1": 1, "column2": None}),
        ("EXPLAIN QUERY PLAN SELECT 1", {"detail": "SCAN CONSTANT ROW"}),
        ("SELECT name FROM pragma_table_info('v_labels')", {"name": "run"}),
        ("PRAGMA table_info(v_labels)", {"name": "run"}),
        ("SELECT name FROM sqlite_master WHERE name = 'v_moves'", {"name": "v_moves"}),
        ("SELECT value FROM json_each('[7]')", {"value": 7}),
        ("SELECT max(cosine) AS c FROM (SELECT 1.5 AS cosine);", {"c": 1.5}),
    ],
)
def test_whatever_reads_is_answered(statement, first):
    assert rows(statement)[0].items() >= first.items()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM videos",
        "INSERT INTO decoding_attempts VALUES (zeroblob(32), 1, 'now') RETURNING attempts",
        "UPDATE sqlite_master SET name = 'x'",
        "CREATE TEMP TABLE mine(a)",
        "CREATE VIRTUAL TABLE mine USING fts5(a)",
        "DROP VIEW v_videos",
        "ATTACH 'other.db' AS other",
        "DETACH main",
        "VACUUM INTO 'other.db'",
        "VACUUM",
        "REINDEX",
        "ANALYZE",
        "BEGIN IMMEDIATE",
        "SAVEPOINT mine",
        "PRAGMA query_only = OFF",
        "PRAGMA writable_schema = ON",
        "PRAGMA user_version = 7",
        "PRAGMA journal_mode = WAL",
        "SELECT * FROM pragma_journal_mode('WAL')",
        "SELECT load_extension('mine')",
        "SELECT 1; DELETE FROM videos",
        "SELECT 1; SELECT 2",
    ],
)
def test_whatever_could_change_something_is_refused_in_one_line(home, asked, statement):
    before = asked.read_bytes()

    assert_explained(run_here("sql", statement), 2, says="the statement is", hint="SELECT|--views")
    assert asked.read_bytes() == before
    assert sorted(path.name for path in home.iterdir() if path.is_file()) == ["library.db"]


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("SELEC 1", 'near "SELEC": syntax error'),
        ("SELECT * FROM v_nothing", "no such table: v_nothing"),
        ("SELECT colour FROM v_videos", "no such column: colour"),
        ("SELECT 'a\0b'", "null character"),
        ("", "no statement that reads"),
        ("/* SELECT 1 */", "no statement that reads"),
        (os.fsdecode(b"SELECT '\xe9'"), "not UTF-8"),
        ("SELECT abs(-9223372036854775808)", "integer overflow"),
    ],
)
def test_an_error_of_the_statement_is_one_line(statement, says):
    assert_explained(run_here("sql", statement), 2, says=says, hint="vidindex sql|SELECT|UTF-8")


def test_a_path_is_shown_as_text_and_other_bytes_in_hex():
    statement = "SELECT path, path AS other FROM files WHERE video_id = 2"

    table = run_here("sql", statement).out.splitlines()
    (row,) = rows(statement)

    assert table[1].split() == [r"/videos/caf\xe9.mkv", os.fsencode(known.ODD).hex()]
    assert row["path"] == r"/videos/caf\xe9.mkv"
    assert row["path_b64"] == "L3ZpZGVvcy9jYWbpLm1rdg=="


def test_text_that_is_no_utf_8_is_shown_nevertheless():
    assert rows("SELECT CAST(path AS TEXT) AS t FROM files WHERE video_id = 2") == [
        {"t": r"/videos/caf\xe9.mkv"}
    ]


def test_paths0_prefers_the_exact_path():
    statement = "SELECT path, path_bytes FROM v_videos WHERE video = 2"

    assert run_here("sql", statement, "--format", "paths0").stdout == b"/videos/caf\xe9.mkv\0"


def test_columns_of_one_name_are_told_apart():
    assert rows("SELECT 1 AS a, 2 AS a, 3 AS a_2") == [{"a": 1, "a_2": 2, "a_2_2": 3}]


def test_a_number_that_json_lacks_is_a_text():
    assert rows("SELECT 9e999 AS big, -9e999 AS small") == [{"big": "inf", "small": "-inf"}]


def test_a_limit_cuts_and_says_so():
    shown = run_here("sql", "SELECT path FROM v_videos", "--limit", "2")

    assert shown.out.splitlines()[-1].startswith("2 rows; there are more")
    assert run_here("sql", "VALUES (1), (2)", "--limit", "2", "--json").data["cut"] is False


def test_a_statement_comes_from_stdin(process):
    assert process("sql", "-", "--json", input=b"SELECT 7 AS n;\n", stdin=None).data["rows"] == [
        {"n": 7}
    ]


def test_a_statement_on_stdin_that_is_not_utf_8_is_explained(process):
    done = process("sql", "-", input=b"SELECT '\xe9'", stdin=None)

    assert_explained(done, 2, says="not UTF-8", hint="UTF-8")


@pytest.mark.parametrize("options", [[], ["SELECT 1", "--views"]])
def test_just_one_of_a_statement_and_views_is_wanted(options):
    assert_explained(run_here("sql", *options), 2, says="STATEMENT", hint="--views")


def test_the_views_are_listed_with_the_columns_that_they_have(asked):
    listed = run_here("sql", "--views", "--json").data["views"]

    with closing(sqlite3.connect(asked)) as raw:
        views = [
            name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type='view'")
        ]
        there = {
            view: [column[0] for column in raw.execute(f"SELECT * FROM {view}").description]
            for view in views
        }
    assert {each["view"]: each["columns"] for each in listed} == there
    assert "v_moves" in run_here("sql", "--help").out


def test_an_endless_statement_ends_at_its_time_limit():
    begun = time.monotonic()

    done = run_here("sql", ENDLESS, "--time-limit", "0.3")

    assert_explained(done, 3, says="longer than 0.3 s", hint="--time-limit")
    assert time.monotonic() - begun < 10


def test_ctrl_c_ends_a_statement_at_once(home):
    with subprocess.Popen(
        command_line("sql", ENDLESS), env=environment_in(home), stderr=subprocess.PIPE
    ) as asking:
        time.sleep(2)  # it has begun
        begun = time.monotonic()
        asking.send_signal(signal.SIGINT)
        _, told = asking.communicate(timeout=20)

    assert asking.returncode == 130
    assert told.startswith(b"error: stopped by SIGINT")
    assert time.monotonic() - begun < 3


def test_a_library_in_a_read_only_place_is_asked(home, asked, process):
    asked.chmod(0o444)
    home.chmod(0o555)
    try:
        done = process("sql", "SELECT count(*) AS n FROM v_videos", "--json", obeys_rights=True)
    finally:
        home.chmod(0o755)

    assert done.data["rows"] == [{"n": 8}]


def test_a_library_of_an_older_revision_is_refused(asked):
    with closing(sqlite3.connect(asked)) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '0004'")
        raw.commit()

    assert_explained(run_here("sql", "SELECT 1"), 3, says="older vidindex", hint="db upgrade")


def test_the_views_work_where_functions_of_a_schema_are_not_trusted(asked):
    """As `sql` opens a library; a view with a function that is not innocuous would fail."""
    with closing(sqlite3.connect(f"{asked.as_uri()}?mode=ro", uri=True)) as raw:
        raw.execute("PRAGMA trusted_schema = OFF")
        for view in ("v_videos", "v_labels", "v_clusters", "v_moves"):
            assert raw.execute(f"SELECT * FROM {view}").fetchall()


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="the sqlite3 program is not installed")
def test_the_sqlite3_program_reads_the_views(asked):
    words = ["sqlite3", "-readonly", "-json", str(asked), "SELECT path FROM v_labels LIMIT 1"]

    done = subprocess.run(words, capture_output=True, text=True, check=True)

    assert done.stdout == f'[{{"path":"{known.BEACH}"}}]\n'
