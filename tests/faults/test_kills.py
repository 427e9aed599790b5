"""SIGKILL at any moment of an index run: nothing that was saved is lost, and the next run ends it.

`make sweep` tries each system call and a hundred moments instead of a few.
"""

import random
import shutil
import time
from itertools import count, pairwise

import pytest

from tests.faults.conftest import make_video
from tests.faults.running import (
    INDEX,
    IS_SWEEP,
    KILLED,
    WORKERS,
    dump,
    lines_of,
    on,
    traced,
)
from tests.stub import STUB
from tests.waiting import wait_until
from vidindex.db import schema

# What a kill may cost: what is being decoded, and what is being computed.
IN_FLIGHT = WORKERS + STUB.batch_size
# Each of these calls is made on the library, its journal and their folder; the short form tries
# only every so many-th.
CALLS = {"pwrite64": 23, "fdatasync": 6, "unlink": 2, "openat": 6}
CALLS_THAT_MAKE_A_LIBRARY = {"pwrite64": 100, "fdatasync": 4, "fsync": 1, "renameat2": 1}


@pytest.fixture
def before(home, run):
    """A library that knows six videos, of which one is a failure; since then all kinds of things
    have happened to its folder."""
    videos = home / "in"
    for number in range(5):
        make_video(videos / f"old {number}.mp4")
    make_video(videos / "broken.mp4", "broken")
    assert run(*INDEX).code == 4
    (videos / "old 0.mp4").unlink()
    (videos / "old 1.mp4").rename(videos / "moved.mp4")
    make_video(videos / "old 2.mp4", "another content")
    make_video(videos / "copy.mp4", "old 3.mp4")
    make_video(videos / "broken too.mp4", "broken as well")
    for number in range(10):
        make_video(videos / f"new {number}.mp4")
    (home / "library.db").rename(home / "before.db")
    (home / "computed").unlink()
    return home / "before.db"


@pytest.fixture
def undisturbed(home, run, before):
    """What is in the library after an undisturbed run."""
    shutil.copy(before, home / "undisturbed.db")
    assert run(*INDEX, "--db", "undisturbed.db").code == 4
    assert len(set(lines_of(home / "computed"))) == 11
    return dump(home / "undisturbed.db")


def library_files(home):
    names = ("library.db", ".vidindex-library.db")
    files = [home / f"{name}{suffix}" for name in names for suffix in ("", "-journal", ".lock")]
    return on(home, *files)


def put_back(home):
    """Let the library be as it was before the run that is tested."""
    for name in ("library.db", "library.db-journal", ".vidindex-library.db"):
        (home / name).unlink(missing_ok=True)
    if (home / "before.db").exists():
        shutil.copy(home / "before.db", home / "library.db")


def libraries_after_kills(start, run, home, call, step):
    """Kill a run before each step-th call, and let another one finish its work; yield then.

    That goes on until a run makes fewer calls.
    """
    for number in count(1, 1 if IS_SWEEP else step):
        put_back(home)
        running = start(*INDEX, is_held=True)
        kill = f"--inject={call}:signal=SIGKILL:when={number}"
        with traced(running, f"--trace={call}", *library_files(home), kill):
            code = running.wait().code
        if code != KILLED:
            break
        assert run(*INDEX).code == 4
        schema.check(home / "library.db")
        yield dump(home / "library.db")
    assert number > 1  # else nothing was killed
    assert code == 4


@pytest.mark.parametrize("call", CALLS)
def test_a_kill_before_any_call_that_writes_is_made_up_for_by_the_next_run(
    start, run, home, undisturbed, call
):
    for library in libraries_after_kills(start, run, home, call, CALLS[call]):
        assert library == undisturbed


@pytest.mark.parametrize("call", CALLS_THAT_MAKE_A_LIBRARY)
def test_a_kill_in_the_first_run_of_all_is_made_up_for_by_the_next_run(start, run, home, call):
    for name in ("a", "b", "copy of b", "broken"):
        make_video(home / f"in/{name}.mp4", name.removeprefix("copy of "))
    assert run(*INDEX, "--db", "undisturbed.db").code == 4
    undisturbed = dump(home / "undisturbed.db")

    for library in libraries_after_kills(start, run, home, call, CALLS_THAT_MAKE_A_LIBRARY[call]):
        assert library == undisturbed


def computed_in_vain(home):
    """How many videos were computed, and are not stored."""
    return len(set(lines_of(home / "computed"))) - len(dump(home / "library.db")["embeddings"])


def test_each_batch_is_saved_while_the_next_one_is_computed_also_at_the_end(start, home):
    for number in range(10):
        make_video(home / f"in/{number}.mp4")
    running = start(*INDEX, embed_s=0.4)
    wait_until(lambda: len(lines_of(home / "computed")) == 8)

    running.kill()

    assert running.wait().code == KILLED
    assert computed_in_vain(home) <= IN_FLIGHT


def test_runs_killed_at_random_moments_lose_a_batch_at_most_and_come_to_the_same_in_the_end(
    start, run, home
):
    chance = random.Random(3)
    make_video(home / "in/first.mp4")
    assert run(*INDEX).code == 0
    codes, in_vain = [], [0]
    for number in range(100 if IS_SWEEP else 20):
        for each in range(8):
            make_video(home / f"in/{number}-{each}.mp4")
        running = start(*INDEX, embed_s=0.1)
        wait_until(lambda running=running: "to do" in running.said)
        time.sleep(chance.uniform(0, 0.5))
        running.kill()
        codes.append(running.wait().code)
        schema.check(home / "library.db")
        in_vain.append(computed_in_vain(home))

    assert run(*INDEX).code == 0

    assert codes.count(KILLED) > 5
    assert max(after - before for before, after in pairwise(in_vain)) <= IN_FLIGHT
    assert computed_in_vain(home) == 0
    assert run(*INDEX, "--db", "undisturbed.db").code == 0
    assert dump(home / "library.db") == dump(home / "undisturbed.db")
