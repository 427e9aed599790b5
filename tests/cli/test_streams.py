"""Where output goes: a terminal, a file, a pipe that is not read, nowhere at all."""

import os
import pty
import re
import select
import signal
import subprocess
import time

import pytest

from tests.cli.running import command_line, environment_in, run_process


def read_terminal(home, *arguments, reply=b"", interrupt=False):
    """Run a command on a terminal; return its exit code and all that the terminal got.

    reply: what is typed when the command asks; interrupt: or what Ctrl-C sends.
    """
    outside, inside = pty.openpty()
    with subprocess.Popen(
        command_line(*arguments),
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env=environment_in(home, TERM="xterm", COLUMNS="100"),
        cwd=home,
    ) as child:
        os.close(inside)
        shown, was_asked = b"", False
        while select.select([outside], [], [], 60)[0]:
            try:
                shown += os.read(outside, 10_000)
            except OSError:  # how a terminal says that nobody has it open any more
                break
            if b"[y/N]" in shown and not was_asked:
                was_asked = True
                os.write(outside, reply)
                if interrupt:
                    time.sleep(0.2)  # it must be waiting for the answer by then
                    child.send_signal(signal.SIGINT)
        os.close(outside)
        code = child.wait(timeout=10)
    return code, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())


@pytest.fixture
def unchanged(vidindex, videos):
    """Videos that are indexed and then touched: an index run hashes them, and loads no network."""
    vidindex("index", videos)
    for video in videos.rglob("*.mp4"):
        os.utime(video, (1_650_000_000, 1_650_000_000))
    return videos


def test_on_a_terminal_a_bar_shows_count_and_time_left(home, unchanged):
    code, shown = read_terminal(home, "index", unchanged)

    assert code == 0
    assert re.search(r"indexing .*━.* \d/4 .*\d:\d\d:\d\d left", shown)
    assert "4 unchanged" in shown


def test_on_a_terminal_failures_stand_above_the_bar(home, unchanged, vidindex):
    for number in range(3):
        (unchanged / f"bad{number}.mp4").write_bytes(b"no video %d" % number)

    code, shown = read_terminal(home, "index", unchanged)

    assert code == 4
    for number in range(3):
        assert f"failed: {unchanged}/bad{number}.mp4: not a video (text)" in shown


def test_elsewhere_progress_is_plain_lines_on_stderr(vidindex, unchanged):
    outcome = vidindex("index", unchanged)

    assert outcome.err == "indexing: 4 to do\n"
    assert outcome.out.startswith("0 indexed, 4 unchanged")


def test_quiet_says_nothing_but_the_result(vidindex, unchanged):
    (unchanged / "link").symlink_to(".")

    outcome = vidindex("index", unchanged, "-q")

    assert outcome.err == ""
    assert outcome.out.startswith("0 indexed, 4 unchanged")


def test_quiet_still_names_failures(vidindex, unchanged):
    (unchanged / "x.mp4").write_bytes(b"")

    outcome = vidindex("index", unchanged, "-q")

    assert outcome.code == 4
    assert outcome.err.startswith(f"failed: {unchanged}/x.mp4: empty file")


def test_on_a_terminal_apply_asks_and_goes_on_with_yes(home, clustered):
    code, shown = read_terminal(home, "apply", "out", reply=b"y\n")

    assert code == 0
    assert "Move 4 files like this?" in shown
    assert len(list((home / "out").rglob("*.mp4"))) == 4


@pytest.mark.parametrize("reply", [b"n\n", b"\n", b"\x04"], ids=["no", "enter", "end of input"])
def test_on_a_terminal_apply_moves_nothing_without_a_yes(home, clustered, reply):
    code, shown = read_terminal(home, "apply", "out", reply=reply)

    assert code == 3
    assert "error: nothing was moved, as you did not agree" in shown
    assert not (home / "out").exists()
    assert len(list(clustered.rglob("*.mp4"))) == 4


def test_ctrl_c_at_the_question_moves_nothing(home, clustered):
    code, shown = read_terminal(home, "apply", "out", interrupt=True)

    assert code == 130
    assert "Traceback" not in shown
    assert not (home / "out").exists()


def test_a_reader_that_has_seen_enough_ends_a_command_quietly(process, clustered, home):
    reader, writer = os.pipe()
    os.close(reader)

    outcome = process("labels", stdout=writer)

    os.close(writer)
    assert (outcome.code, outcome.stderr) == (141, b"")


@pytest.mark.parametrize("arguments", [["--help"], ["index", "--help"], ["--version"]])
def test_help_ends_quietly_too(process, arguments):
    reader, writer = os.pipe()
    os.close(reader)

    outcome = process(*arguments, stdout=writer)

    os.close(writer)
    assert outcome.stderr == b""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["labels"], 5),
        (["labels", "--json"], 5),
        (["--help"], 5),
        (["--version"], 5),
        (["labels", "--run", "9", "--json"], 3),
        (["labels", "--nope", "--json"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_full_disk_below_stdout_gives_no_traceback(process, clustered, arguments, code):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        outcome = process(*arguments, stdout=full)

    assert outcome.code == code
    assert "Traceback" not in outcome.err
    if code == 5:
        assert "No space left on device" in outcome.err


def test_a_full_disk_below_stdout_does_not_undo_an_apply(process, vidindex, home, clustered):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        process("apply", "out", "--yes", stdout=full)

    assert len(list((home / "out").rglob("*.mp4"))) == 4
    assert vidindex("undo", "--json").data["restored"] == 4


@pytest.mark.parametrize("arguments", [["labels"], ["--help"], ["labels", "--run", "9"]])
def test_closed_streams_give_no_traceback_and_no_bug(home, clustered, arguments):
    shell = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command_line(*arguments)]

    done = subprocess.run(
        shell, env=environment_in(home), cwd=home, timeout=60, check=False, capture_output=True
    )

    assert done.returncode == (3 if "9" in arguments else 0)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_an_error_message_never_goes_to_stdout_or_into_a_file(home, clustered):
    """With stderr closed, the next file that is opened would get its number."""
    (clustered / "a.mp4").unlink()
    shell = ["sh", "-c", 'exec "$@" 2>&-', "sh", *command_line("apply", "out", "--json")]

    done = subprocess.run(
        shell, env=environment_in(home), cwd=home, timeout=60, check=False, capture_output=True
    )

    assert done.returncode == 4
    assert done.stdout.startswith(b'{\n  "vidindex": 1,')
    lock = (home / "library.db.lock").read_bytes()
    assert re.fullmatch(rb"\d+\n", lock)


def test_double_verbose_shows_where_an_error_arose(vidindex, home):
    outcome = vidindex("labels", "-vv")

    assert outcome.code == 3
    assert "Traceback (most recent call last):" in outcome.err
    assert "error: there is no library" in outcome.err


@pytest.mark.parametrize("form", [[], ["-v"]])
def test_less_verbose_shows_no_traceback(home, form, vidindex):
    assert "Traceback" not in vidindex("labels", *form).err


def test_the_version_is_told(home):
    outcome = run_process(home, "--version")

    assert (outcome.code, outcome.stderr) == (0, b"")
    assert re.fullmatch(r"vidindex \d+\.\d+\.\d+\n", outcome.out)
