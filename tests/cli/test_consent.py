"""What a user on a terminal is asked before files are touched."""

import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.cli.running import command_line, environment_in
from tests.cli.small_library import make_library
from tests.conftest import read_tree
from vidindex.cli.move_texts import question
from vidindex.planning import Plan
from vidindex.scanning import FileStat
from vidindex.store.moves import PlannedMove

DEADLINE_S = 60


def plan_of(*actions, sidecars=0):
    moves = [
        PlannedMove(
            FileStat(Path(f"/in/{number}"), 1, 1, 1, 1), b"", Path(f"/out/{number}"), None, action
        )
        for number, action in enumerate(actions)
    ]
    along = PlannedMove(FileStat(Path("/in/s"), 1, 1, 1, 1), b"", Path("/out/s"), is_sidecar=True)
    return Plan((*moves, *[along] * sidecars), ())


@pytest.mark.parametrize(
    ("plan", "asked"),
    [
        (plan_of("move"), "Move 1 file like this?"),
        (plan_of("move", "move", sidecars=2), "Move 2 files and 2 sidecars like this?"),
        (plan_of(sidecars=1), "Move 1 sidecar like this?"),
        (plan_of("copy", "copy"), "Copy 2 files like this?"),
        (plan_of("hardlink"), "Make 1 hard link like this?"),
        (plan_of("unlink", "symlink", "symlink"), "Remove 1 link and make 2 links like this?"),
        (plan_of("reflink"), "Clone 1 file like this?"),
        (plan_of("remove", "remove"), "Remove 2 copies like this?"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_question_says_what_is_done_with_how_many(plan, asked):
    assert question(plan) == asked


def answer_on_a_terminal(home, answer, *arguments):
    """Run a command whose input is a terminal, on which a person types an answer."""
    controller, terminal = pty.openpty()
    try:
        os.write(controller, answer)
        return subprocess.run(
            command_line(*arguments),
            env=environment_in(home),
            cwd=home,
            stdin=terminal,
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
    finally:
        os.close(controller)
        os.close(terminal)


def test_a_no_leaves_everything_and_a_yes_does_it(home):
    make_library(home)
    before = read_tree(home / "in")

    refused = answer_on_a_terminal(home, b"n\n", "apply", "out", "--mode", "hardlink")

    assert refused.returncode == 3
    assert b"Make 5 hard links and 1 sidecar like this? [y/N]" in refused.stderr
    assert b"nothing was moved, as you did not agree" in refused.stderr
    assert not (home / "out").exists()

    agreed = answer_on_a_terminal(home, b"y\n", "apply", "out", "--mode", "hardlink")

    assert agreed.returncode == 0
    assert agreed.stdout.lstrip().startswith(b"batch 1: 5 hard links made")
    undone = answer_on_a_terminal(home, b"y\n", "undo")
    assert b"like this? [y/N]" in undone.stderr
    assert undone.stdout.lstrip().startswith(b"batch 2: 6 hard links removed")
    assert read_tree(home / "in") == before
