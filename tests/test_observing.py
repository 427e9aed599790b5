"""What happens below a folder is told, by the system or after a look."""

import errno
import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent

from tests.waiting import wait_until
from vidindex import observing
from vidindex.observing import FolderObserver

POLL_S = 0.1
LONGER_THAN_A_MOVE_WAITS_S = 0.8  # watchdog waits 0.5 s for the other half of a move


@dataclass
class Heard:
    """What an observer told."""

    paths: set[tuple[str, bool]] = field(default_factory=set)
    notices: list[str] = field(default_factory=list)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "in/a.mp4").write_bytes(b"a")
    (tmp_path / "in/deep/b.mp4").write_bytes(b"b")
    return tmp_path / "in"


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def observe(folder, heard):
    """A function that begins to observe the folder; it ends with the test."""
    begun = []

    def begin(poll_s=None):
        observer = FolderObserver(
            folder,
            lambda path, is_folder: heard.paths.add((str(path.relative_to(folder)), is_folder)),
            poll_s=poll_s,
            notice=heard.notices.append,
        )
        begun.append(observer)
        assert observer.renew()
        return observer

    yield begin
    for observer in begun:
        observer.close()


def write(folder):
    (folder / "new.mp4").write_bytes(b"new")


def change(folder):
    (folder / "a.mp4").write_bytes(b"longer than before")


def change_times(folder):
    os.utime(folder / "a.mp4", (1, 1))


def remove(folder):
    (folder / "a.mp4").unlink()


def rename(folder):
    (folder / "a.mp4").rename(folder / "deep/c.mp4")


def rename_folder(folder):
    (folder / "deep").rename(folder / "deeper")


def move_folder_in(folder):
    shutil.copytree(folder / "deep", folder.parent / "other/far")
    (folder.parent / "other").rename(folder / "other")


def move_folder_away(folder):
    (folder / "deep").rename(folder.parent / "away")


def remove_folder(folder):
    shutil.rmtree(folder / "deep")


def write_into_a_new_folder(folder):
    (folder / "new/far").mkdir(parents=True)
    (folder / "new/far/d.mp4").write_bytes(b"d")


@pytest.mark.parametrize("poll_s", [None, POLL_S], ids=["told", "polled"])
@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (write, {("new.mp4", False)}),
        (change, {("a.mp4", False)}),
        (change_times, {("a.mp4", False)}),
        (remove, {("a.mp4", False)}),
        (rename, {("a.mp4", False), ("deep/c.mp4", False)}),
        (rename_folder, {("deep", True), ("deeper/b.mp4", False)}),
        (move_folder_in, {("other/far/b.mp4", False)}),
        (move_folder_away, {("deep", True)}),
        (remove_folder, {("deep", True)}),
        (write_into_a_new_folder, {("new/far/d.mp4", False)}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_change_is_told(folder, heard, observe, poll_s, act, expected):
    observer = observe(poll_s)

    act(folder)

    wait_until(lambda: expected <= heard.paths)
    assert not observer.renew()


def test_a_name_that_is_not_utf8_is_told_exactly(folder, heard, observe):
    observe()

    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.mp4")).write_bytes(b"x")

    wait_until(lambda: ("\udcff.mp4", False) in heard.paths)


def test_reading_is_not_told(folder, heard, observe):
    """Else an index run would be followed by another for ever."""
    observe()

    (folder / "a.mp4").read_bytes()
    list(folder.rglob("*"))
    write(folder)

    wait_until(lambda: heard.paths)
    time.sleep(LONGER_THAN_A_MOVE_WAITS_S)
    assert heard.paths == {("new.mp4", False)}


@pytest.mark.parametrize("poll_s", [None, POLL_S], ids=["told", "polled"])
def test_links_are_not_followed(folder, heard, observe, poll_s):
    outside = folder.parent / "outside"
    outside.mkdir()
    (folder / "link").symlink_to(outside)
    (folder / "round").symlink_to(".")
    observe(poll_s)

    write(outside)
    write(folder)

    wait_until(lambda: heard.paths)
    time.sleep(LONGER_THAN_A_MOVE_WAITS_S)
    assert heard.paths == {("new.mp4", False)}


@pytest.mark.parametrize("poll_s", [None, POLL_S], ids=["told", "polled"])
def test_a_folder_that_is_gone_is_observed_again_when_it_is_back(folder, heard, observe, poll_s):
    observer = observe(poll_s)
    folder.rename(folder.with_name("off"))
    assert not observer.renew()
    assert not observer.is_present
    folder.with_name("off").rename(folder)

    assert observer.renew()

    assert observer.is_present
    heard.paths.clear()
    write(folder)
    wait_until(lambda: ("new.mp4", False) in heard.paths)


def test_a_folder_that_was_replaced_between_two_looks_is_observed_anew(folder, heard, observe):
    """Also if the new one has the old one's number, as it often has."""
    observer = observe()
    shutil.rmtree(folder)
    folder.mkdir()

    wait_until(observer.renew)

    heard.paths.clear()
    write(folder)
    wait_until(lambda: ("new.mp4", False) in heard.paths)


def test_after_lost_messages_changes_may_have_been_missed(folder, heard, observe):
    observer = observe()
    lost = InotifyEvent(-1, InotifyConstants.IN_Q_OVERFLOW, 0, b"")
    observer._inotify.handle_event(lost)  # as the system tells it

    assert observer.renew()

    assert not observer.renew()
    write(folder)
    wait_until(lambda: ("new.mp4", False) in heard.paths)


def exhaust(monkeypatch, code, *, but_for=()):
    """Let the system refuse to tell of folders, but for some."""
    allowed = {os.fsencode(path) for path in but_for}

    def add(inotify, path, mask, callback, id_):
        if path not in allowed:
            raise OSError(code, os.strerror(code))
        return original(inotify, path, mask, callback, id_)

    original = observing.InotifyFD.add_callback
    monkeypatch.setattr(observing.InotifyFD, "add_callback", add)
    monkeypatch.setattr(observing, "FALLBACK_POLL_S", POLL_S)


@pytest.mark.parametrize(
    ("code", "limit"), [(errno.ENOSPC, "max_user_watches"), (errno.EMFILE, "max_user_instances")]
)
def test_a_folder_that_the_system_cannot_tell_of_is_looked_through(
    folder, heard, observe, monkeypatch, code, limit
):
    exhaust(monkeypatch, code)
    observer = observe()
    assert [limit in notice for notice in heard.notices] == [True]

    write(folder / "deep")

    wait_until(lambda: ("deep/new.mp4", False) in heard.paths)
    assert not observer.renew()


def test_a_limit_that_is_reached_below_the_folder_is_noticed(folder, heard, observe, monkeypatch):
    exhaust(monkeypatch, errno.ENOSPC, but_for=[folder])
    observer = observe()

    assert observer.renew()

    assert ["max_user_watches" in notice for notice in heard.notices] == [True]
    write(folder / "deep")
    wait_until(lambda: ("deep/new.mp4", False) in heard.paths)
