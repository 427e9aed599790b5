"""vidindex is killed while real decoders are at work: they end too, and nothing else is lost."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.clips import X264, Style, pictures, write_clip
from tests.faults.running import INDEX, IS_SWEEP, KILLED, dump
from tests.processes import is_gone
from tests.waiting import wait_until
from vidindex.db import schema

WORKERS = 4
GONE_IN_S = 2
KILLS = 20 if IS_SWEEP else 3
DENSE = (*INDEX[:2], "--workers", str(WORKERS), "--interval-s", "0.2")
# A sample of every picture, and more of them than fit into what waits for the network.
EVERY_PICTURE = ("--interval-s", "0.04", "-q")


def decoders_of(pid):
    """The processes that a command has started."""
    try:
        lists = [each.read_text() for each in Path(f"/proc/{pid}/task").glob("*/children")]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(number) for each in lists for number in each.split()]


@pytest.fixture
def long_clips(home, tmp_path_factory):
    """in/ with five videos of 250 pictures each."""
    clip = tmp_path_factory.mktemp("long") / "clip.mp4"
    write_clip(clip, list(pictures(25)) * 10, Style(options=X264), fps=25)
    for number in range(5):
        content = clip.read_bytes() + b"\x00\x00\x00\x0cfree%04d" % number
        (home / f"in/{number}.mp4").write_bytes(content)
        os.utime(home / f"in/{number}.mp4", (1_600_000_000, 1_600_000_000))


def test_after_kill_9_all_busy_decoders_are_gone_at_once(start, home, long_clips):
    running = start(*DENSE, *EVERY_PICTURE, decodes=True, embed_s=0.5)
    wait_until(lambda: len(decoders_of(running.pid)) == WORKERS)
    wait_until((home / "computed").exists)
    decoders = decoders_of(running.pid)

    running.kill()

    assert running.wait().code == KILLED
    begun = time.monotonic()
    wait_until(lambda: all(map(is_gone, decoders)), timeout_s=GONE_IN_S)
    assert len(decoders) == WORKERS
    assert time.monotonic() - begun < GONE_IN_S
    schema.check(home / "library.db")


def test_a_signal_ends_busy_decoders_too(start, home, long_clips):
    running = start(*DENSE, *EVERY_PICTURE, decodes=True, embed_s=0.2)
    wait_until((home / "computed").exists)
    decoders = decoders_of(running.pid)

    running.send(signal.SIGTERM)

    assert running.wait(within_s=GONE_IN_S).code == 143
    assert decoders
    assert all(map(is_gone, decoders))
    assert dump(home / "library.db")["decoding_attempts"] == []


def test_runs_with_real_decoders_that_are_killed_come_to_what_an_undisturbed_run_finds(
    start, run, home, put
):
    for name in "abcdef":
        put(name, home / f"in/{name}.mp4")
    for number in range(KILLS):
        running = start(*DENSE, decodes=True, embed_s=0.1)
        time.sleep(0.3 + 0.2 * number)
        running.kill()
        running.wait()
        if (home / "library.db").exists():
            schema.check(home / "library.db")

    last = run(*DENSE, "--retry-failed", decodes=True)

    assert last.code == 0, last.err
    assert run(*DENSE, "--db", "undisturbed.db", decodes=True).code == 0
    assert dump(home / "library.db") == dump(home / "undisturbed.db")
