"""What the Tab key offers, asked as each shell asks."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli import asked_library as known
from tests.cli.running import environment_in

pytestmark = pytest.mark.usefixtures("asked")

NAMES = ("Summer holidays", "Été", "-rf", "a;reboot", "$(reboot)", "`reboot`", "it's", "new\nline")


@pytest.fixture
def named(home):
    """Give the library a cluster of each of NAMES, in the run in use."""
    with closing(sqlite3.connect(home / "library.db")) as raw:
        for label, name in enumerate(NAMES, start=10):
            raw.execute(
                "INSERT INTO clusters (clustering_id, label, name, name_source, size, centroid)"
                " VALUES (1, ?, ?, 'user', 1, zeroblob(8192))",
                (label, name),
            )
        raw.commit()


@pytest.fixture
def program(home):
    """`vidindex` as a command on the PATH of a user."""
    path = home / "bin/vidindex"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m vidindex "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def offered(home, program):
    """Ask as bash does for a line that ends where the cursor is; returns the offers."""

    def ask(line, **variables):
        words = line.split(" ")
        asked = {
            "_VIDINDEX_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
        environment = environment_in(home) | asked | variables
        done = subprocess.run(
            [program],
            env={name: text for name, text in environment.items() if text is not None},
            cwd=home,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stderr == ""
        return done.stdout.split("\n")[:-1]

    return ask


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("vidindex labels --run ", ["1"]),
        ("vidindex ls --label ", ["0", "1"]),
        ("vidindex ls --name H", ["Holidays"]),
        ("vidindex ls --run 1 --name ", ["Holidays"]),
        ("vidindex ls --run 7 --name ", [""]),
        ("vidindex name ", ["0", "1"]),
        ("vidindex use ", ["1"]),
        ("vidindex diff 1 ", ["1"]),
        ("vidindex pin some.mp4 ", ["0", "1", "Holidays"]),
        ("vidindex show /videos/c", [str(known.CITY)]),
        ("vidindex show /videos/deep/", [r"/videos/deep/long\ \[1080p\].mkv"]),
        ("vidindex show /sorted", [str(known.BEACH)]),
        ("vidindex ls --sort d", ["duration", "distance"]),
        ("vidindex ls --format p", ["paths0"]),
        ("vidindex stat", ["status"]),
    ],
)
def test_runs_labels_names_and_paths_are_offered(offered, line, offers):
    assert offered(line) == offers


def test_no_name_is_offered_that_a_shell_would_run(offered, named):
    assert offered("vidindex ls --name ") == ["Holidays", r"Summer\ holidays", "Été"]
    assert offered('vidindex ls --name "S') == ["Summer holidays"]  # within quotes


def test_the_library_that_the_line_names_is_asked(offered, home):
    (home / "library.db").rename(home / "other.db")

    assert offered("vidindex ls --label ") == [""]
    assert offered("vidindex ls --db other.db --label ") == ["0", "1"]
    assert offered("vidindex ls --label ", VIDINDEX_DB=str(home / "other.db")) == ["0", "1"]


def test_the_configuration_that_the_line_names_is_read(offered, home):
    (home / "library.db").rename(home / "other.db")
    (home / "other.toml").write_text(f'db = "{home}/other.db"\n')

    offers = offered("vidindex ls --config other.toml --label ", VIDINDEX_DB=None)

    assert offers == ["0", "1"]


@pytest.mark.parametrize("state", ["none", "text", "older"])
def test_nothing_is_offered_and_nothing_said_where_no_library_can_be_read(offered, home, state):
    library = home / "library.db"
    if state == "older":
        with closing(sqlite3.connect(library)) as raw:
            raw.execute("UPDATE alembic_version SET version_num = '0001'")
            raw.commit()
    else:
        library.unlink()
    if state == "text":
        library.write_text("Hello, this is no library.")

    assert offered("vidindex ls --label ") == [""]


def test_what_is_offered_takes_no_lock(offered, home):
    with closing(sqlite3.connect(home / "library.db", isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")  # as a run does that is about to commit

        assert offered("vidindex ls --label ") == ["0", "1"]
    assert not list(home.glob("*.lock*"))


def test_zsh_and_fish_are_answered_in_their_ways(home, program):
    asked = {
        "_TYPER_COMPLETE_ARGS": "vidindex ls --name ",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }

    def ask(shell):
        variables = environment_in(home, _VIDINDEX_COMPLETE=f"complete_{shell}", **asked)
        return subprocess.run([program], env=variables, capture_output=True, text=True, check=True)

    assert ask("zsh").stdout == """_arguments '*: :(("Holidays":"0"))'\n"""
    assert ask("fish").stdout == "Holidays\t0\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(home, program, shell):
    variables = environment_in(home, _VIDINDEX_COMPLETE=f"source_{shell}")

    done = subprocess.run([program], env=variables, capture_output=True, text=True, check=True)

    assert f"_VIDINDEX_COMPLETE=complete_{shell}" in done.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_itself_offers_what_is_there(home, program):
    """A real bash, with the script that --show-completion prints, completes two lines."""
    script = """
        source <(vidindex --show-completion)
        complete_line() {
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            _vidindex_completion vidindex
            printf '%s\\n' "${COMPREPLY[@]}"
        }
        complete_line vidindex ls --name Ho
        complete_line vidindex show /videos/deep/
    """
    variables = environment_in(home)
    variables["PATH"] = f"{program.parent}{os.pathsep}{variables['PATH']}"

    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env=variables,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.splitlines() == ["Holidays", r"/videos/deep/long\ \[1080p\].mkv"], done


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_completion_is_installed_for_the_shell_that_asks(home, program):
    variables = environment_in(home)
    variables["PATH"] = f"{program.parent}{os.pathsep}{variables['PATH']}"

    subprocess.run(
        ["bash", "--norc", "-c", "vidindex --install-completion; true"],
        env=variables,
        capture_output=True,
        check=True,
    )

    assert "vidindex" in Path(home / ".bashrc").read_text()
