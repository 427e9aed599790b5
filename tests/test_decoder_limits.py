"""Whatever a decoder process does or does not do costs one video, which gets its reason.

A stand-in takes the decoder's place: tests/stand_in_decoder.py does what the file says.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests import stand_in_decoder
from tests.processes import children, is_gone, wait_until
from vidindex import decoder_processes
from vidindex.decoders import Decoders, DecodingLimits
from vidindex.embedding import Sampling
from vidindex.errors import MediaError, SystemStopped

PROJECT = Path(__file__).parents[1]
TIME_LIMIT_S = 0.7

Make = Callable[[str], Path]


@pytest.fixture
def decoders() -> Iterator[Decoders]:
    limits = DecodingLimits(time_limit_s=TIME_LIMIT_S)
    with Decoders(limits, command=stand_in_decoder.COMMAND) as decoders:
        yield decoders


@pytest.fixture
def file(tmp_path: Path) -> Make:
    """A function that writes a file which tells the stand-in what to do."""

    def write(wanted: str, size: int = 0) -> Path:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.mp4"
        path.write_bytes(wanted.encode().ljust(size, b"\0"))
        return path

    return write


def read(decoders: Decoders, path: Path) -> list[NDArray[np.uint8]]:
    return list(decoders(path, Sampling()).frames)


def reason(decoders: Decoders, path: Path) -> str:
    with pytest.raises(MediaError) as caught:
        read(decoders, path)
    return caught.value.message


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (f"signal:{signal.SIGSEGV:d}", "the decoder crashed (signal 11)"),
        (f"signal:{signal.SIGABRT:d}", "the decoder crashed (signal 6)"),
        ("exit:1", "the decoder crashed (exit 1)"),
        ("exit:0", "the decoder crashed (exit 0)"),
        (
            f"signal:{signal.SIGKILL:d}",
            "the decoder was killed (signal 9), as systems do that run out of memory",
        ),
        ("memory", "needs more memory than allowed"),
    ],
)
def test_a_crash_costs_one_video(wanted: str, said: str, decoders: Decoders, file: Make) -> None:
    assert reason(decoders, file(wanted)) == said

    assert children() == set()
    assert len(read(decoders, file("good"))) == 1


@pytest.mark.parametrize("wanted", ["sleep", "spin", "stop", "drip"])
def test_a_process_that_hangs_is_killed_and_reaped(
    wanted: str, decoders: Decoders, file: Make
) -> None:
    read(decoders, file("good"))
    begun_s = time.monotonic()

    assert reason(decoders, file(wanted)) == "decoding took longer than allowed (1 s)"

    assert TIME_LIMIT_S <= time.monotonic() - begun_s < TIME_LIMIT_S + 5
    assert children() == set()
    assert len(read(decoders, file("good"))) == 1


def test_time_in_which_nobody_waits_does_not_count(decoders: Decoders, file: Make) -> None:
    taken = 0

    for _ in decoders(file("frames:0 0 0 0"), Sampling()).frames:
        time.sleep(TIME_LIMIT_S / 2)
        taken += 1

    assert taken == 4


def test_each_frame_earns_time(decoders: Decoders, file: Make) -> None:
    path = file("frames:" + f"{TIME_LIMIT_S / 2} " * 4)

    assert len(read(decoders, path)) == 4


def test_earned_time_does_not_pile_up(decoders: Decoders, file: Make) -> None:
    path = file(f"frames:0 0 0 0 0 {TIME_LIMIT_S * 3}")

    assert "longer than allowed" in reason(decoders, path)


def test_a_large_file_may_take_longer(decoders: Decoders, file: Make) -> None:
    path = file(f"frames:{TIME_LIMIT_S * 2}", size=5_000_000)

    assert len(read(decoders, path)) == 1


BAD = [
    "no prefix",
    "unknown kind",
    "long header",
    "no object",
    "deep",
    "missing field",
    "more fields",
    "nan",
    "infinite",
    "negative",
    "text for a number",
    "true for a number",
    "no width",
    "long codec",
    "half a letter",
    "frame too long",
    "frame too short",
    "no frame",
    "frame before header",
    "header twice",
    "long reason",
    "odd failure",
]


@pytest.mark.parametrize("wanted", BAD)
def test_a_bad_answer_costs_one_video_and_its_process(
    wanted: str, decoders: Decoders, file: Make
) -> None:
    assert reason(decoders, file(wanted)) == "the decoder gave a bad answer"

    assert children() == set()


@pytest.mark.parametrize("wanted", ["pickle", "pickle for a message"])
def test_nothing_is_unpickled(wanted: str, decoders: Decoders, file: Make, tmp_path: Path) -> None:
    marker = tmp_path / "unpickled"

    assert reason(decoders, file(f"{wanted}:{marker}")) == "the decoder gave a bad answer"

    assert not marker.exists()


def test_what_is_missing_is_told(decoders: Decoders, file: Make) -> None:
    video = decoders(file("partial:the rest is \x1b[31mgone"), Sampling())

    list(video.frames)

    assert video.why_incomplete() == "the rest is \x1b[31mgone"


@pytest.mark.parametrize("wanted", ["talks on", "dies after"])
def test_a_process_that_goes_wrong_while_idle_costs_no_video(
    wanted: str, decoders: Decoders, file: Make
) -> None:
    read(decoders, file(wanted))
    (before,) = children()

    assert len(read(decoders, file("good"))) == 1

    assert before not in children()


def test_a_process_that_was_killed_while_idle_costs_no_video(
    decoders: Decoders, file: Make
) -> None:
    read(decoders, file("good"))
    (before,) = children()
    os.kill(before, signal.SIGKILL)

    assert len(read(decoders, file("good"))) == 1


def test_a_process_that_was_stopped_while_idle_costs_no_video(
    decoders: Decoders, file: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_processes, "TAKING_LIMIT_S", 0.3)
    read(decoders, file("good"))
    (before,) = children()
    os.kill(before, signal.SIGSTOP)

    assert len(read(decoders, file("good"))) == 1

    assert children() & {before} == set()


def test_processes_that_always_die_idle_stop_the_run(decoders: Decoders, file: Make) -> None:
    with pytest.raises(SystemStopped, match="end again and again"):
        read(decoders, file("dies untaken"))

    assert children() == set()


KILLED_PARENT = """
import sys, threading, time
from pathlib import Path
from tests import stand_in_decoder
from vidindex.decoders import Decoders
from vidindex.embedding import Sampling

decoders = Decoders(command=stand_in_decoder.COMMAND)
for _ in range(4):
    threading.Thread(
        target=decoders, args=(Path(sys.argv[1]), Sampling()), daemon=True
    ).start()
while len(decoders._all) < 4 or not all(process.served for process in decoders._all):
    time.sleep(0.01)
print(*(process._process.pid for process in decoders._all), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("wanted", ["spin", "stop"])
def test_after_kill_9_of_the_parent_its_busy_decoders_are_gone(wanted: str, file: Make) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", KILLED_PARENT, file(wanted)], cwd=PROJECT, stdout=subprocess.PIPE
    )
    with parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]

        parent.kill()

        assert len(pids) == 4
        assert wait_until(lambda: all(map(is_gone, pids)), within_s=2)
