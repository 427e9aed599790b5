"""`watch` as a process that goes on until it is stopped."""

import json
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.running import assert_explained, command_line, environment_in
from tests.waiting import wait_until
from vidindex import Library

STOPPED_AT_ONCE_S = 5  # under 1 s on a quiet machine
QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")
MOST_FILES = 50_000


@dataclass
class Watch:
    """A process, and what it wrote so far."""

    child: subprocess.Popen
    home: Path

    @property
    def out(self):
        return (self.home / "out.txt").read_text()

    @property
    def err(self):
        return (self.home / "err.txt").read_text()

    def waits_for(self, line, times=1):
        """Wait until a line was written, or several like it."""

        def is_there():
            assert self.child.poll() is None, self.err
            return (self.out + self.err).count(line) >= times

        wait_until(is_there)

    def maps(self, library):
        return library in Path(f"/proc/{self.child.pid}/maps").read_text()

    def stop(self, number):
        begun = time.monotonic()
        self.child.send_signal(number)
        code = self.child.wait(timeout=60)
        assert time.monotonic() - begun < STOPPED_AT_ONCE_S
        return code


def processes_of(session):
    """Return the processes of a session that are left."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[3]) == session:
            found.append(int(stat.parent.name))
    return found


@pytest.fixture
def start(home):
    """A function that starts a watch of in/; it is ended with the test."""
    (home / "in").mkdir(exist_ok=True)
    begun = []

    def begin(*options, before=(), folder="in"):
        with (home / "out.txt").open("wb") as out, (home / "err.txt").open("wb") as err:
            child = subprocess.Popen(
                [*before, *command_line("watch", folder, "--settle-s", "0.5", *options)],
                env=environment_in(home),
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        begun.append(child)
        return Watch(child, home)

    yield begin
    for child in begun:
        child.kill()
        child.wait()


def status(home):
    return Library(home / "library.db").status()


def test_a_library_follows_its_folder_until_ctrl_c(start, home, put, clip_pool):
    watch = start()
    watch.waits_for(f"watching {home}/in\n")
    watch.waits_for("there is no video")
    assert not watch.maps("tensorflow")

    video = put("a", home / "in/a.mp4")
    watch.waits_for("1 indexed, 0 unchanged (1 frame) in ")
    assert watch.maps("tensorflow")
    vector = Library(home / "library.db").vectors()
    assert vector.paths == (video,)

    video.rename(home / "in/b.mp4")
    watch.waits_for("0 indexed, 0 unchanged, 1 relinked in ")
    assert Library(home / "library.db").vectors().paths == (home / "in/b.mp4",)

    (home / "in/b.mp4").unlink()
    watch.waits_for("0 indexed, 0 unchanged, 1 missing in ")
    assert (status(home).present, status(home).missing) == (0, 1)

    whole = (clip_pool / "c.mp4").read_bytes()
    with (home / "in/c.mp4").open("wb", buffering=0) as file:
        for place in range(0, len(whole), len(whole) // 9):
            file.write(whole[place : place + len(whole) // 9])
            time.sleep(0.2)
            assert status(home).present == 0
    watch.waits_for("1 indexed, 0 unchanged (1 frame) in ", times=2)
    shown = Library(home / "library.db").show(home / "in/c.mp4")
    assert (shown.video.size_bytes, status(home).failures) == (len(whole), ())

    assert watch.stop(signal.SIGINT) == 0
    assert processes_of(watch.child.pid) == []
    assert len(watch.out.splitlines()) == 4
    assert "Traceback" not in watch.err


def test_sigterm_ends_a_watch_with_its_code(start, home):
    watch = start()
    watch.waits_for("watching")
    time.sleep(0.5)

    assert watch.stop(signal.SIGTERM) == 143
    assert "stopped by SIGTERM" in watch.err


def test_ctrl_c_in_the_first_run_keeps_what_is_finished(start, home, put):
    for number in range(40):
        with put("a", home / f"in/{number:02}.mp4").open("ab") as file:
            file.write(b"\x00\x00\x00\x0cfree%04d" % number)
    watch = start("--workers", "1", "--batch-size", "1")
    library = home / "library.db"
    wait_until(lambda: library.exists() and sum(it.vectors for it in status(home).recipes) >= 2)

    assert watch.stop(signal.SIGINT) == 0

    assert 2 <= status(home).recipes[0].vectors < 40
    assert processes_of(watch.child.pid) == []


def test_json_is_one_object_for_each_run_and_one_at_the_end(start, home, put, vidindex):
    put("a", home / "in/a.mp4")
    vidindex("index", "in")
    watch = start("--json")
    watch.waits_for('"unchanged": 1')
    (home / "in/bad.mp4").write_text("no video")
    watch.waits_for('"code"')

    assert watch.stop(signal.SIGINT) == 0

    decoder, text, answers = json.JSONDecoder(), watch.out, []
    while text.strip():
        answer, end = decoder.raw_decode(text.lstrip())
        answers.append(answer)
        text = text.lstrip()[end:]
    assert [answer["command"] for answer in answers] == ["watch"] * 3
    assert answers[0]["data"]["unchanged"] == 1
    assert answers[1]["data"]["failed"] == 1
    assert answers[1]["errors"][0]["path"] == f"{home}/in/bad.mp4"
    assert answers[2]["data"] == {"runs": 2}


def test_changes_that_the_system_lost_count_of_are_found(start, home, put, vidindex):
    """The process sleeps while more happens than the system keeps for it."""
    files = int(QUEUE.read_text()) // 2 + 1000  # two messages each: made, closed
    if files > MOST_FILES:
        pytest.skip("the system keeps too many messages here")
    put("a", home / "in/a.mp4")
    vidindex("index", "in")
    watch = start()
    watch.waits_for("0 indexed, 1 unchanged in ")
    watch.child.send_signal(signal.SIGSTOP)
    for number in range(files):
        (home / f"in/{number}.txt").touch()
    put("a", home / "in/copy.mp4")
    watch.child.send_signal(signal.SIGCONT)

    watch.waits_for("0 indexed, 1 unchanged, 1 relinked in ")

    assert watch.err.count("watching ") == 2
    assert "overflow" not in watch.err


def test_a_limit_of_the_system_is_named_and_the_folders_are_looked_through(
    start, home, put, vidindex
):
    for number in range(4):
        put("a", home / f"in/{number}/a.mp4")
    vidindex("index", "in")
    limit = "/proc/sys/user/max_inotify_watches"  # of a name space of its own
    space = ["unshare", "--user", "--map-root-user", "sh", "-c"]
    if subprocess.run([*space, f"echo 2 > {limit}"], capture_output=True, check=False).returncode:
        pytest.skip("no name space can be made here")

    watch = start(before=[*space, f'echo 2 > {limit} && exec "$@"', "sh"])

    watch.waits_for("0 indexed, 4 unchanged in ", times=1)
    watch.waits_for("its limit fs.inotify.max_user_watches is reached")
    watch.waits_for("looked through every 30 s instead")


def test_the_folders_are_looked_through_if_that_is_wished(start, home, put, vidindex):
    put("a", home / "in/a.mp4")
    vidindex("index", "in")
    watch = start("--poll-s", "0.3")
    watch.waits_for("0 indexed, 1 unchanged in ")

    put("a", home / "in/copy.mp4")

    watch.waits_for("0 indexed, 0 unchanged, 1 relinked in ")


def test_a_quiet_watch_tells_results_and_failures_only(start, home, put, vidindex):
    put("a", home / "in/a.mp4")
    vidindex("index", "in")
    watch = start("--quiet")
    watch.waits_for("0 indexed, 1 unchanged in ")
    (home / "in").rename(home / "off")
    watch.waits_for("none of its videos is marked missing")

    assert watch.stop(signal.SIGINT) == 0

    assert len(watch.out.splitlines()) == 1
    assert [line.partition(":")[0] for line in watch.err.splitlines()] == ["failed"]


def test_a_folder_that_may_not_be_read_is_told_and_the_others_are_watched(
    start, home, put, vidindex
):
    from tests.cli.running import obeying_rights

    put("a", home / "in/a.mp4")
    for name in ("one", "two"):
        (home / "in" / name).mkdir(mode=0)
    vidindex("index", "in/a.mp4")
    watch = start(before=obeying_rights())
    watch.waits_for("1 unchanged, 2 failed in ")

    put("a", home / "in/copy.mp4")

    watch.waits_for("1 relinked in ")
    assert "Warning" not in watch.err


@pytest.mark.parametrize(
    "arguments", [["watch"], ["watch", "in", "--settle-s", "0"], ["watch", "in", "--poll-s", "x"]]
)
def test_a_watch_that_is_not_understood_is_a_usage_error(vidindex, arguments):
    assert_explained(vidindex(*arguments), 2, says="", hint="vidindex watch --help")


def test_a_misspelt_folder_ends_at_once(vidindex):
    assert_explained(vidindex("watch", "nowhere"), 3, says="there is no folder", hint="spelling")
