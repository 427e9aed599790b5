"""`index --stdin0`: paths on the standard input, as `find -print0` writes them."""

import io
import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.running import (
    Outcome,
    assert_explained,
    command_line,
    environment_in,
)
from vidindex import Library
from vidindex.cli.stdin_paths import read_paths
from vidindex.errors import Refused, UsageError


@pytest.fixture
def feed(home):
    """A function that runs a command with some bytes on its standard input."""

    def run(given, *arguments):
        done = subprocess.run(
            command_line(*arguments),
            input=given,
            env=environment_in(home),
            cwd=home,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


def test_the_paths_that_find_prints_are_indexed(home, videos):
    line = "find in -name '[ad].mp4' -print0 | \"$@\""
    done = subprocess.run(
        ["sh", "-c", line, "sh", *command_line("index", "--stdin0", "--json")],
        env=environment_in(home),
        cwd=home,
        capture_output=True,
        timeout=60,
        check=True,
    )

    assert Outcome(0, done.stdout, done.stderr).data["indexed"] == 2
    paths = Library(home / "library.db").vectors().paths
    assert sorted(paths) == [videos / "a.mp4", videos / "deep/d.mp4"]


def test_a_path_that_is_not_there_is_refused_as_on_the_command_line(feed, videos):
    outcome = feed(b"in/a.mp4\0nowhere.mp4\0", "index", "--stdin0")

    assert_explained(outcome, 3, says=r"there is no file .*nowhere\.mp4", hint="spelling")


def test_an_empty_input_is_refused(feed):
    outcome = feed(b"", "index", "--stdin0")

    assert_explained(outcome, 3, says="no path on the standard input", hint="find .* -print0")


def test_a_closed_input_is_refused(home):
    done = subprocess.run(
        ["sh", "-c", '"$@" <&-', "sh", *command_line("index", "--stdin0")],
        env=environment_in(home),
        capture_output=True,
        timeout=60,
        check=False,
    )

    outcome = Outcome(done.returncode, done.stdout, done.stderr)
    assert_explained(outcome, 3, says="no path on the standard input", hint="find .* -print0")


def test_paths_on_the_command_line_as_well_are_refused(feed, videos):
    outcome = feed(b"in/a.mp4\0", "index", "in", "--stdin0")

    assert_explained(outcome, 2, says="--stdin0 as well", hint="one or the other")


def test_no_path_at_all_is_refused(vidindex):
    assert_explained(vidindex("index"), 2, says="no path", hint="--stdin0")


def test_paths_may_be_any_bytes_and_stand_for_themselves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [b"a\nb.mp4", b"\xff.mp4", b"~", b"-i.mp4", b" x ", b"/abs/c.mp4"]

    paths = read_paths(io.BytesIO(b"\0".join(names) + b"\0"))

    here = os.fsencode(tmp_path)
    assert [os.fsencode(path) for path in paths] == [
        name if name.startswith(b"/") else here + b"/" + name for name in names
    ]


def test_the_last_nul_may_be_left_out():
    assert read_paths(io.BytesIO(b"/a\0/b")) == [Path("/a"), Path("/b")]


@pytest.mark.parametrize(
    ("given", "position"), [(b"\0", 1), (b"\0/a\0", 1), (b"/a\0\0/b\0", 2), (b"/a\0\0", 2)]
)
def test_an_empty_path_is_refused_by_its_position(given, position):
    with pytest.raises(UsageError, match=f"path {position} .* is empty"):
        read_paths(io.BytesIO(given))


def test_lines_are_not_taken_for_paths():
    with pytest.raises(UsageError, match="holds lines"):
        read_paths(io.BytesIO(b"/a.mp4\n/b.mp4\n"))


def test_a_single_name_with_a_line_end_is_taken(tmp_path):
    path = tmp_path / "a\nb.mp4"
    path.touch()

    assert read_paths(io.BytesIO(os.fsencode(path))) == [path]


def test_nothing_is_refused():
    with pytest.raises(Refused, match="no path"):
        read_paths(io.BytesIO(b""))
