"""Indexing where nothing changed: no file is opened, nothing is written, nothing is loaded."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.cli.running import DEADLINE_S, command_line, environment_in

WATCHED_RUN = """
import json, os, sys
opened = []
def note(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        opened.append(os.fsdecode(arguments[0]))
sys.addaudithook(note)
from vidindex.cli.app import main
try:
    main()
finally:
    print(json.dumps({"opened": opened, "modules": list(sys.modules)}), file=sys.stderr)
"""


@pytest.fixture
def indexed(vidindex, videos):
    """A folder of four videos, one of them undecodable, of which the library knows all."""
    (videos / "broken.mp4").write_text("not a video\n" * 100)
    os.utime(videos / "broken.mp4", (1_600_000_000, 1_600_000_000))
    assert vidindex("index", videos).code == 4
    return videos


def snapshot(home):
    """Content and times of the library, and the names of what lies beside it."""
    status = (home / "library.db").stat()
    return (
        (home / "library.db").read_bytes(),
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
        sorted(path.name for path in home.iterdir()),
    )


def test_nothing_is_indexed_and_nothing_is_read(vidindex, indexed):
    counts = vidindex("index", indexed, "--json").data

    assert (counts["unchanged"], counts["failed_before"]) == (4, 1)
    assert [counts[key] for key in ("indexed", "relinked", "failed", "missing", "frames")] == [
        0
    ] * 5


def test_no_video_is_opened_and_no_decoder_and_no_network_is_loaded(home, indexed):
    done = subprocess.run(
        [sys.executable, "-c", WATCHED_RUN, "index", indexed],
        env=environment_in(home),
        cwd=home,
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )

    assert done.returncode == 4  # a failure stands
    seen = json.loads(done.stderr.splitlines()[-1])
    assert str(home / "library.db.lock") in seen["opened"]  # so the hook works
    assert [path for path in seen["opened"] if path.endswith(".mp4")] == []
    heavy = {"tensorflow", "keras", "cv2", "av", "sklearn", "alembic"}
    assert heavy & set(seen["modules"]) == set()


def test_the_kernel_sees_no_video_opened_and_nothing_written_to_the_disk(home, indexed):
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not here")
    log = home / "calls"
    calls = "open,openat,openat2,pwrite64,fsync,fdatasync,rename,unlink"
    done = subprocess.run(
        [strace, "-f", "-o", log, "-e", f"trace={calls}", *command_line("index", indexed)],
        env=environment_in(home, PYTHONDONTWRITEBYTECODE="1"),
        cwd=home,
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )

    lines = log.read_text(errors="replace").splitlines()
    if done.returncode != 4 and any("ptrace" in line for line in lines):
        pytest.skip("strace may not trace here")
    assert done.returncode == 4, done.stderr
    assert any(str(indexed) in line for line in lines)  # the folders are opened
    assert [line for line in lines if '.mp4"' in line] == []
    # Who holds the lock is noted in it; that is no part of the library and need not be durable.
    durable = ("fsync(", "fdatasync(", "rename(", "unlink(")
    assert [line for line in lines if any(call in line for call in durable)] == []
    assert sum("pwrite64(" in line for line in lines) <= 1


def test_the_library_stays_as_it_is_to_the_byte(home, process, indexed):
    assert process("index", indexed).code == 4
    before = snapshot(home)

    assert process("index", indexed).code == 4

    assert snapshot(home) == before


def test_a_video_that_nobody_may_read_is_not_missed(process, home, indexed):
    """Its stat is enough."""
    (indexed / "a.mp4").chmod(0)

    counts = process("index", indexed, "--json", obeys_rights=True).data

    assert (counts["unchanged"], counts["failed"]) == (4, 0)


def test_one_touched_file_among_the_unchanged_is_the_only_one_opened(home, indexed):
    os.utime(indexed / "b.mp4", (1_650_000_000, 1_650_000_000))

    done = subprocess.run(
        [sys.executable, "-c", WATCHED_RUN, "index", indexed, "--json"],
        env=environment_in(home),
        cwd=home,
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )

    seen = json.loads(done.stderr.splitlines()[-1])
    opened = {path for path in seen["opened"] if path.endswith(".mp4")}
    assert opened == {str(indexed / "b.mp4")}
    assert json.loads(done.stdout)["data"]["unchanged"] == 4
    assert {"tensorflow", "cv2", "av"} & set(seen["modules"]) == set()
