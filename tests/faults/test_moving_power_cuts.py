"""The power is cut in the middle of apply and undo: no file is lost, and the next run goes on.

The files, and the library with the targets of a move across disks, are on two disks that are shut
down without writing their logs; the one of them may have written its own just before, as each does
every few seconds. A control without fsync must fail in the same check. Needs root.
"""

import os
import shutil
import subprocess
from contextlib import ExitStack, contextmanager

import pytest

from tests.faults.mounts import mounted
from tests.faults.running import IS_SWEEP, KILLED
from tests.faults.scenes import Scene, known_files, make_scene
from tests.faults.settled import MOVE, assert_nothing_is_lost, undo_everything
from tests.faults.sweeping import CALLS, changing_calls, run_traced, spread
from tests.faults.test_power_cuts import cut_power
from vidindex.db import schema

DISK_BYTES = 100 << 20  # apply leaves some free on a disk that it copies to
FEW = 2
# What makes a change durable, and the changes that are made durable.
ORDERED = ("fsync", "fdatasync", "renameat2", "unlinkat", "unlink", "mkdirat", "mkdir")
WITHOUT_FSYNC = "--inject=fsync,fdatasync:retval=0"

pytestmark = pytest.mark.root


class Disks:
    """A disk with the files, and one with the library. crosses: files go from one to the other."""

    def __init__(self, home, mkfs, *, crosses):
        self.home = home
        self.images = [home / "files.img", home / "library.img"]
        for image in self.images:
            with image.open("wb") as file:
                file.truncate(DISK_BYTES)
            subprocess.run([mkfs, "-q", "-F", image], check=True)
        self.files, self.other = home / "files", home / "other"
        out = (self.other if crosses else self.files) / "out"
        self.scene = Scene(self.other / "library.db", self.files / "in", out)

    @contextmanager
    def mounted(self):
        with ExitStack() as stack:
            for folder, image in zip((self.files, self.other), self.images, strict=True):
                stack.enter_context(mounted(folder, "-o", "loop", image))
            yield self.scene

    def prepare(self, run, command):
        """Put the scene on the disks, and keep the disks as they are then, for each cut."""
        with self.mounted() as scene:
            made = make_scene(scene.library, scene.source, scene.out, self.home / "empty.db")
            tree = made.tree()
            if command == "undo":
                assert run(*self.words("apply")).code == 0
        for image in self.images:
            copy_sparsely(image, f"{image}.before")
        return tree

    def put_back(self):
        for image in self.images:
            image.unlink()  # a new file: the loop device of the old one may still be there
            copy_sparsely(f"{image}.before", image)

    def words(self, command):
        words = [self.scene.out if word == "out" else word for word in MOVE.command(command)]
        return (*words, "--db", self.scene.library)

    def cut(self, writes_its_log):
        """Cut the power of both. writes_its_log: the one that had just saved all by itself."""
        if writes_its_log is not None:
            subprocess.run(["sync", "--file-system", getattr(self, writes_its_log)], check=True)
        cut_power(self.files)
        cut_power(self.other)


def copy_sparsely(image, copy):
    subprocess.run(["cp", "--sparse=always", image, copy], check=True)


@pytest.fixture(params=["one disk", "across two"])
def disks(request, home):
    mkfs = shutil.which("mkfs.ext4", path=f"{os.environ['PATH']}:/sbin:/usr/sbin")
    if mkfs is None:
        pytest.skip("mkfs.ext4 is not here")
    return Disks(home, mkfs, crosses=request.param == "across two")


def assert_survived(disks, run, tree, command):
    """Check that nothing is lost, that the library knows it all, and that all can be put back."""
    with disks.mounted() as scene:
        schema.check(scene.library)
        assert_nothing_is_lost(scene, tree)
        again = run(*disks.words(command))
        assert again.code in (0, 3 if command == "undo" else 0), again.err
        scene.assert_settled(is_mounted_anew=True)
        assert len(known_files(scene.library)) == 3
        undo_everything(lambda *_: run(*disks.words("undo")))
        scene.assert_settled(is_mounted_anew=True)
        assert scene.tree() == tree


def cut_points(start, disks, command):
    """Return the calls before which the power is cut: all, or some of the middle."""

    def trace(*options):
        disks.put_back()
        with disks.mounted():
            return run_traced(start, disks.words(command), *options)

    calls = [call for call in changing_calls(trace, disks.home / "calls") if call.name in ORDERED]
    disks.put_back()
    return calls if IS_SWEEP else spread(calls, FEW + 2)[1:-1]


@pytest.mark.parametrize("command", ["apply", "undo"])
def test_after_a_power_cut_no_file_is_lost_and_the_next_run_goes_on(start, run, disks, command):
    tree = disks.prepare(run, command)
    calls = cut_points(start, disks, command)
    ways = (None, "files", "other")

    for index, call in enumerate(calls):
        for saved in ways if IS_SWEEP else [ways[index % 3]]:
            with disks.mounted():
                kill = call.injecting("signal=SIGKILL")
                trace = f"--trace={','.join(CALLS)}"
                assert run_traced(start, disks.words(command), trace, kill).code == KILLED
                disks.cut(saved)
            assert_survived(disks, run, tree, ("apply", "undo")[index % 2])
            disks.put_back()


@pytest.mark.parametrize("command", ["apply", "undo"])
def test_a_run_that_was_done_is_done_also_after_a_power_cut(start, run, disks, command):
    tree = disks.prepare(run, command)
    for saved in (None, "files", "other"):
        with disks.mounted() as scene:
            assert run(*disks.words(command)).code == 0
            sorted_now = scene.tree()
            disks.cut(saved)
        with disks.mounted() as scene:
            assert scene.tree() == sorted_now
        assert_survived(disks, run, tree, "undo")
        disks.put_back()


def test_without_fsync_the_same_check_fails(start, run, disks):
    """Else it would prove nothing."""
    tree = disks.prepare(run, "apply")
    is_across = disks.scene.out.is_relative_to(disks.other)
    with disks.mounted():
        trace = "--trace=fsync,fdatasync"
        outcome = run_traced(start, disks.words("apply"), trace, WITHOUT_FSYNC)
        assert outcome.code == 0
        disks.cut("files" if is_across else "other")

    with pytest.raises(AssertionError):
        assert_survived(disks, run, tree, "apply")
