"""Every query answers while another process commits to the library again and again."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests import shown
from tests.cli.running import run_here

TIMES = 4  # so that some of them fall into a commit
QUERIES = [
    "labels",
    "labels --name Sand --format csv",
    "ls",
    "ls --path *mp4 --sort -added --format paths0",
    "show /videos/cat-1.mp4",
    "runs",
    "status",
    "failures",
    "history",
    "search seashore",
    "explain /videos/cat-1.mp4",
    "outliers",
    "representatives",
    "borderline",
    "similar /videos/cat-1.mp4",
    "duplicates",
    "diff 1 2",
    "wishes",
    "name",
]
WRITER = """
import itertools, sys
from pathlib import Path
from vidindex.db.engine import Database
from vidindex.scanning import FileStat
from vidindex.store import files

with Database(Path(sys.argv[1])) as database:
    for number in itertools.count():
        with database.writing() as session:
            for row in range(20):
                path = Path(f"/new/{number}-{row}.mp4")
                stat = FileStat(path, 1, 1, 1, number)
                files.put_file(session, stat, video_id=1 + row, checked_at_ns=1)
        print(number, flush=True)
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[str]]]:
    """A library that is being written, and a line for each commit so far."""
    path = tmp_path_factory.mktemp("written") / "library.db"
    shown.make(path, stored=shown.head())
    shown.cluster_by_scene(path)
    shown.cluster_by_scene(path, names={0: shown.Name("Sand", "user")})
    commits: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        commits.append(writer.stdout.readline())
        reader = threading.Thread(target=lambda: commits.extend(writer.stdout or ()))
        reader.start()
        yield path, commits
        assert writer.poll() is None, "the writer failed"
        writer.kill()
        reader.join()


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_answers_while_a_writer_commits(home, written, query):
    path, commits = written
    before = len(commits)

    outcomes = [run_here(*query.split(), "--db", path) for _ in range(TIMES)]

    assert [outcome.code for outcome in outcomes] == [0] * TIMES, outcomes
    assert all(outcome.stdout for outcome in outcomes if not query.startswith("wishes"))
    assert len(commits) > before, "nothing was committed meanwhile"


def test_sql_answers_while_a_writer_commits_and_sees_whole_transactions(home, written):
    statement = "SELECT count(*) AS n FROM files"
    path, commits = written
    before = len(commits)

    counts = [run_here("sql", statement, "--db", path, "--json").data["rows"][0]["n"]]
    while len(commits) < before + 3:
        counts.append(run_here("sql", statement, "--db", path, "--json").data["rows"][0]["n"])

    assert all(count % 20 == 4 for count in counts), counts  # 24 others lie in /videos
    assert counts == sorted(counts)


def test_sql_waits_for_a_commit_that_takes_long(home, tmp_path):
    path = tmp_path / "library.db"
    shown.make(path, stored=None)
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as raw:
        raw.execute("BEGIN EXCLUSIVE")
        threading.Timer(0.5, lambda: raw.execute("COMMIT")).start()

        done = run_here("sql", "SELECT count(*) AS n FROM files", "--json")

    assert done.data["rows"] == [{"n": 24}]
