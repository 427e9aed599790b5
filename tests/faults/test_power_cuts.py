"""The power is cut in the middle of an index run: every video that was said to be saved is there.

A file system in a file is shut down without writing its log, as a power cut would; what the disk
had not taken for good is gone. Needs root.
"""

import fcntl
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from tests.faults.conftest import make_video
from tests.faults.mounts import mounted
from tests.faults.running import INDEX, IS_SWEEP, KILLED, dump, lines_of, on, traced
from vidindex.db import schema

EXT4_IOC_SHUTDOWN = 0x8004587D  # linux/fs/ext4/ext4.h; the flag: do not write the log
WITHOUT_LOG = 2
DISK_BYTES = 12 << 20
CALLS = ("fdatasync", "unlink")
FEW = 3

pytestmark = pytest.mark.root


@pytest.fixture
def image(home):
    """A file with an empty ext4 file system."""
    mkfs = shutil.which("mkfs.ext4", path=f"{os.environ['PATH']}:/sbin:/usr/sbin")
    if mkfs is None:
        pytest.skip("mkfs.ext4 is not here")
    image = home / "disk.img"
    with image.open("wb") as file:
        file.truncate(DISK_BYTES)
    subprocess.run([mkfs, "-q", "-F", image], check=True)
    return image


@pytest.fixture
def videos(home):
    for number in range(10):
        make_video(home / f"in/{number}.mp4")


def cut_power(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("I", WITHOUT_LOG))
    except OSError as error:
        pytest.skip(f"this file system cannot be shut down: {error}")
    finally:
        os.close(descriptor)


def run_into_a_cut(start, home, image, call, number):
    """Kill a run before a call and cut the power; returns how many vectors were saved by then."""
    with mounted(home / "disk", "-o", "loop", image) as disk:
        running = start(*INDEX, "--db", disk / "library.db", is_held=True, embed_s=0.02)
        kill = f"--inject={call}:signal=SIGKILL:when={number}"
        files = on(disk, disk / "library.db", disk / "library.db-journal")
        with traced(running, "-y", f"--trace={call}", kill, *files, "-o", str(home / "calls")):
            code = running.wait().code
        # Before the folder has it for good that the journal is gone, nothing is said to be saved.
        is_between = any(f"<{disk}>" in line for line in lines_of(home / "calls")[-2:])
        saved = 0 if is_between else committed(home, disk)
        cut_power(disk)
    return code, saved


def committed(home, disk):
    """How many vectors a program would find now, which is what vidindex has said is saved."""
    seen = home / "seen"
    shutil.rmtree(seen, ignore_errors=True)
    shutil.copytree(disk, seen, ignore=shutil.ignore_patterns("lost+found"))
    return len(dump(seen / "library.db")["embeddings"])


@pytest.mark.parametrize("call", CALLS)
def test_after_a_power_cut_all_that_was_saved_is_there_and_the_next_run_goes_on(
    start, run, home, image, videos, call
):
    assert run(*INDEX, "--db", "undisturbed.db").code == 0
    undisturbed = dump(home / "undisturbed.db")
    with mounted(home / "disk", "-o", "loop", image) as disk:
        assert run("index", "in/0.mp4", "--db", disk / "library.db").code == 0
    new = image.read_bytes()

    number, code = 0, KILLED
    while code == KILLED and (IS_SWEEP or number < FEW):
        number += 1
        image.unlink()  # the loop device of the last run may still hold the old one
        image.write_bytes(new)
        code, saved = run_into_a_cut(start, home, image, call, number)

        with mounted(home / "disk", "-o", "loop", image) as disk:
            library = disk / "library.db"
            found = len(dump(library)["embeddings"])
            schema.check(library)
            assert found >= saved
            assert run(*INDEX, "--db", library).code == 0
            assert dump(library) == undisturbed
    assert number > 1
