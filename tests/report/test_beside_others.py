"""A report while another process writes to the library."""

import subprocess
import sys

from tests.report.scenes import VIDEOS, Page, make_library
from vidindex import Library

WRITER = """
import sys, time
from pathlib import Path
from tests.databases.make import NOON
from vidindex.db import schema
from vidindex.store import wishes
with schema.open_for_writing(Path(sys.argv[1]), print) as database:
    print("writing", flush=True)
    while True:
        with database.writing() as session:
            wishes.put_pin(session, 1, 0, now=NOON)
        time.sleep(0.05)
"""


def test_a_report_is_made_while_another_process_commits_20_times_a_second(tmp_path):
    library = make_library(tmp_path / "library.db")
    command = [sys.executable, "-c", WRITER, library]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"writing\n"

        results = [Library(library).report(tmp_path / "out.html") for _ in range(3)]

        assert writer.poll() is None
        writer.kill()
    assert [result.videos for result in results] == [VIDEOS + 1] * 3
    assert len(Page((tmp_path / "out.html").read_bytes()).all("img")) == 27
