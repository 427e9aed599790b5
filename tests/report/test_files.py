"""The file of a report: whole or not at all, never in another one's place, whatever happens."""

import itertools
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.cli.running import assert_explained, command_line, environment_in, run_here, run_process
from tests.faults.mounts import mounted
from tests.faults.running import KILLED
from tests.report.scenes import Page, make_library
from vidindex import Library
from vidindex.report.pages import FIRST_BYTES

EARLIER = FIRST_BYTES + b"<p>an earlier report</p>" * 9


@pytest.fixture
def home(tmp_path, stocked, monkeypatch):
    """The user's home and current folder, with a library and an earlier report."""
    monkeypatch.delenv("VIDINDEX_CONFIG")
    for name, value in environment_in(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(stocked, tmp_path / "library.db")
    (tmp_path / "out.html").write_bytes(EARLIER)
    return tmp_path


def left_in(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("library.db"))


def test_an_earlier_report_is_replaced_and_keeps_its_rights(home):
    (home / "out.html").chmod(0o600)

    outcome = run_here("report", "out.html")

    assert outcome.code == 0, outcome.err
    page = (home / "out.html").read_bytes()
    assert page.startswith(FIRST_BYTES)
    assert page.endswith(b"</html>\n")
    assert stat.S_IMODE((home / "out.html").stat().st_mode) == 0o600
    assert left_in(home) == ["out.html"]


@pytest.mark.parametrize("content", [b"my own page", b"", b"<!doctype html>\n<p>mine</p>"])
def test_a_file_that_is_no_report_is_replaced_on_demand_only(home, content):
    (home / "mine.html").write_bytes(content)

    refused = run_here("report", "mine.html")

    assert_explained(refused, 3, says="mine.html is there already, and no report", hint="--force")
    assert (home / "mine.html").read_bytes() == content
    assert run_here("report", "mine.html", "--force").code == 0
    assert (home / "mine.html").read_bytes().startswith(FIRST_BYTES)


def test_a_link_leads_to_the_file_that_is_replaced(home):
    (home / "shelf").mkdir()
    (home / "out.html").rename(home / "shelf/real.html")
    (home / "out.html").symlink_to("shelf/real.html")

    assert run_here("report", "out.html").code == 0

    assert (home / "out.html").is_symlink()
    assert (home / "shelf/real.html").read_bytes().endswith(b"</html>\n")


@pytest.mark.parametrize("name", ["library.db", "videos/city.mp4"])
def test_what_the_library_needs_is_never_replaced(home, name):
    library = home / "library.db"
    library.unlink()
    (home / "videos").mkdir()
    make_library(library, {"city000.mp4": "city.mp4"}, folder=os.fsencode(home / "videos"))
    (home / "videos/city.mp4").write_bytes(b"a video")
    before = (home / name).read_bytes()

    outcome = run_here("report", name, "--force")

    assert_explained(outcome, 3, says=f"{name} belongs to the library", hint="another name")
    assert (home / name).read_bytes() == before


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("folder", "folder is no regular file"),
        ("nowhere/out.html", "cannot write into .*nowhere"),
        ("out.html/out.html", "cannot .*out.html/out.html: Not a directory"),
        ("x" * 300, "cannot .*: File name too long"),
        ("", "a path is empty"),
    ],
)
def test_a_place_where_no_file_can_be_is_refused(home, name, says):
    (home / "folder").mkdir()

    outcome = run_here("report", name)

    assert_explained(outcome, 3 if name else 2, says=says, hint=".")
    assert (home / "out.html").read_bytes() == EARLIER


def test_a_folder_that_cannot_be_written_is_refused(home):
    (home / "closed").mkdir()
    (home / "closed").chmod(0o555)

    outcome = run_process(home, "report", "closed/out.html", obeys_rights=True)

    assert_explained(outcome, 3, says="cannot write into .*closed", hint="folder")


@pytest.mark.root
def test_on_a_full_disk_the_earlier_report_stays(home):
    size = Library(home / "library.db").report(home / "big.html").size_bytes
    with mounted(home / "small", "-t", "tmpfs", "-o", f"size={size // 2}", "tmpfs") as small:
        shutil.copyfile(home / "out.html", small / "out.html")

        outcome = run_here("report", "-q", small / "out.html")

        assert_explained(outcome, 5, says="out.html: No space left on device", hint="make room")
        assert (small / "out.html").read_bytes() == EARLIER
        assert left_in(small) == ["out.html"]


def test_a_device_that_is_full_is_told_of_and_stays_a_device(home):
    outcome = run_here("report", "-q", "/dev/full")

    assert_explained(outcome, 5, says="/dev/full: No space left on device", hint="place")
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_report_can_be_written_into_a_pipe(home):
    with subprocess.Popen(command_line("report", "/dev/stdout", "-q"), stdout=-1) as running:
        written = running.communicate(timeout=60)[0]

    assert running.returncode == 0
    assert written.startswith(FIRST_BYTES)
    assert written.endswith(b"</html>\n")


def kill_before(call, number):
    """Run a report that is killed before its number-th call of a kind; return its exit code."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is missing")
    trace = [strace, "-f", "-qq", "-o", os.devnull, f"--trace={call}"]
    kill = f"--inject={call}:signal=SIGKILL:when={number}"
    done = subprocess.run(
        [*trace, kill, *command_line("report", "out.html")],
        capture_output=True,
        check=False,
    )
    if b"ptrace" in done.stderr.lower():
        pytest.skip(f"strace may not trace here: {done.stderr.decode()}")
    return done.returncode


@pytest.mark.parametrize("call", ["fsync", "rename,renameat,renameat2"])
def test_a_kill_leaves_the_earlier_report_or_the_new_one_and_the_next_run_cleans_up(home, call):
    codes = []
    for number in itertools.count(1):
        (home / "out.html").write_bytes(EARLIER)

        codes.append(kill_before(call, number))

        content = (home / "out.html").read_bytes()
        assert content == EARLIER or content.endswith(b"</html>\n")
        if codes[-1] != KILLED:
            break
    assert codes[-1] == 0
    assert len(codes) > 1  # else nothing was killed
    assert run_here("report", "out.html").code == 0
    assert left_in(home) == ["out.html"]


def test_a_kill_while_the_pictures_are_written_leaves_the_earlier_report(home):
    assert kill_before("write", 3) == KILLED

    assert (home / "out.html").read_bytes() == EARLIER
    assert run_here("report", "out.html").code == 0
    assert Page((home / "out.html").read_bytes()).all("img")
    assert left_in(home) == ["out.html"]
