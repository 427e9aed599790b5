"""Applies and undos in any order, some killed in the middle, over any trees: nothing is lost.

Each kill is one between two calls that change the disk: a fork makes the run and ends itself there.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import ClassVar

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.conftest import Recorder
from tests.faults.running import IS_SWEEP
from tests.faults.scenes import Scene, put_library
from tests.faults.trees import Tree, contents_of, fingerprint
from vidindex import Library
from vidindex.errors import Refused
from vidindex.moving import Control

CHANGES = {"os.rename", "os.link", "os.symlink", "os.remove", "os.mkdir", "os.rmdir"}
KILLED = -signal.SIGKILL
MODES = ("move", "copy", "hardlink", "symlink", "reflink-auto")
CONFLICTS = ("rename", "skip", "same")
# Twins: for a disk that is blind to case or to composition these are three names, not seven.
STEMS = [b"a", b"A", "é".encode(), "e\N{COMBINING ACUTE ACCENT}".encode(), b"\xff", b"x" * 251]
FOLDERS = (b".", b"in", b"in/deep", b"IN", b"\xfe")
SUFFIXES = (b".mp4", b".MP4")

names = st.builds(
    lambda folder, stem, suffix: os.fsdecode(folder + b"/" + stem + suffix),
    *map(st.sampled_from, (FOLDERS, STEMS, SUFFIXES)),
)
places = st.sampled_from(["out", "out/deeper", "library/sorted", "library", "."])
moments = st.none() | st.integers(0, 60)


class Moves(RuleBasedStateMachine):
    """A folder with videos and sidecars that a library knows, and things that are nobody's."""

    folder: ClassVar[Path]

    @initialize(
        videos=st.dictionaries(names, st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=1),
        sidecars=st.sets(names, max_size=2),
        taken=st.sets(st.tuples(places, names), max_size=2),
    )
    def make(self, videos, sidecars, taken) -> None:
        self.home = Path(tempfile.mkdtemp(dir=self.folder))
        self.root = self.home / "root"
        source = self.root / "library"
        labels = {}
        for name, (content, label) in videos.items():
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"content %d" % content)  # some have the same
            os.utime(path, ns=(0, 1_500_000_000_000_000_000 + label))
            labels[path] = content % 3  # a content has one label
        for name in sidecars:
            path = (source / name).with_suffix(".srt")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"subtitle of " + os.fsencode(name))
        for place, name in taken:
            path = self.root / place / "cluster_0" / Path(name).name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.write_bytes(b"foreign " + os.fsencode(path))
        (self.root / "empty").mkdir()
        self.scene = Scene(self.home / "library.db", self.root, self.home / "nothing")
        put_library(self.scene.library, labels, self.folder / "empty.db")
        self.start = self.tree()

    def tree(self) -> Tree:
        return fingerprint(self.root)

    @rule(
        place=places,
        mode=st.sampled_from(MODES),
        on_conflict=st.sampled_from(CONFLICTS),
        prune=st.booleans(),
        moment=moments,
    )
    def apply(self, place, mode, on_conflict, prune, moment) -> None:
        """Sort the files in some way."""
        self.carry_out(
            lambda library, control: library.apply(
                self.root / place,
                mode=mode,
                on_conflict=on_conflict,
                prune_empty=prune,
                control=control,
            ),
            moment,
        )

    @rule(moment=moments)
    def undo(self, moment) -> None:
        """Put back what the newest batch has done."""
        self.carry_out(lambda library, control: library.undo(control=control), moment)

    def carry_out(self, command, moment: int | None) -> None:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                if moment is not None:
                    end_at(moment)
                command(Library(self.scene.library), Control(Recorder()))
                code = 0
            except Refused:
                code = 3
            except BaseException:  # a fork must never come back
                traceback.print_exc()
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, 3, KILLED)

    @invariant()
    def nothing_is_lost_and_nothing_foreign_is_touched(self) -> None:
        tree = self.tree()
        now, before = contents_of(tree), contents_of(self.start)
        assert now.keys() == before.keys()
        assert all(now[content] >= count for content, count in before.items())
        for path, entry in self.start.items():
            if (entry.content or b"").startswith(b"foreign") or path.endswith(b"/empty"):
                assert tree[path] == entry

    def teardown(self) -> None:
        """Undo everything: it is as it was."""
        if hasattr(self, "start"):
            for _ in range(100):
                recorder = Recorder()
                try:
                    Library(self.scene.library).undo(control=Control(recorder))
                except Refused:
                    break
                assert recorder.problems == []
            self.scene.assert_settled()
            assert self.tree() == self.start
            shutil.rmtree(self.home)


def end_at(moment: int) -> None:
    """Let this process be killed before its so many-th step: a change of names, or an fsync."""
    left = moment
    fsync = os.fsync

    def count() -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    def count_fsync(opened: int) -> None:
        count()
        fsync(opened)

    os.fsync = count_fsync
    sys.addaudithook(lambda event, _: count() if event in CHANGES else None)


def test_whatever_is_sorted_and_cut_short_nothing_is_lost_and_undo_restores_the_tree(tmp_path):
    Moves.folder = tmp_path
    run_state_machine_as_test(
        Moves,
        settings=settings(
            max_examples=500 if IS_SWEEP else 25,
            stateful_step_count=12 if IS_SWEEP else 6,
            derandomize=not IS_SWEEP,
            phases=[Phase.generate],  # to shrink takes too long
            database=None,
        ),
    )
