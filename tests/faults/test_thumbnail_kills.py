"""SIGKILL while thumbnails are added: a video has all of them or none, and the next run goes on."""

import shutil
from itertools import count

import pytest

from tests.faults.running import INDEX, IS_SWEEP, KILLED, dump, on, traced
from vidindex.db import schema

ADD = (*INDEX, "--add-thumbnails", "--interval-s", "0.4")
# Of these calls on the library and its journal, the short form tries only every so many-th.
CALLS = {"pwrite64": 30, "fdatasync": 3, "unlink": 1}


@pytest.fixture
def bare(home, run, put):
    """A library that knows six real videos, and has no thumbnail of them."""
    for name in "abcdef":
        put(name, home / f"in/{name}.mp4")
    assert run(*INDEX, "--interval-s", "0.4", "--thumbnails", "0", decodes=True).code == 0
    (home / "library.db").rename(home / "bare.db")
    return home / "bare.db"


def thumbnails_of(library):
    """Return the rows of the thumbnails by their videos' contents."""
    found = {}
    for content, *row in dump(library)["thumbnails"]:
        found.setdefault(content, []).append(row)
    return found


@pytest.mark.parametrize("call", CALLS)
def test_a_kill_while_thumbnails_are_added_is_made_up_for_by_the_next_run(
    start, run, home, bare, call
):
    shutil.copy(bare, home / "undisturbed.db")
    assert run(*ADD, "--db", "undisturbed.db", decodes=True).code == 0
    undisturbed = dump(home / "undisturbed.db")
    wanted = thumbnails_of(home / "undisturbed.db")
    assert len(wanted) == 6
    watched = on(home, *(home / f"library.db{suffix}" for suffix in ("", "-journal")))

    for number in count(1, 1 if IS_SWEEP else CALLS[call]):
        (home / "library.db-journal").unlink(missing_ok=True)
        shutil.copy(bare, home / "library.db")
        running = start(*ADD, decodes=True, is_held=True)
        kill = f"--inject={call}:signal=SIGKILL:when={number}"
        with traced(running, f"--trace={call}", *watched, kill):
            code = running.wait().code
        if code != KILLED:
            break
        assert run("status").code == 0  # plays the journal back
        schema.check(home / "library.db")
        assert thumbnails_of(home / "library.db").items() <= wanted.items()
        assert run(*ADD, decodes=True).code == 0
        assert dump(home / "library.db") == undisturbed

    assert number > 1  # else nothing was killed
    assert code == 0
