"""demo: the tour that a new user takes first."""

import re
import shlex
import signal
import subprocess
import time

import pytest

from tests.cli.running import command_line, environment_in


@pytest.fixture
def offline(home, monkeypatch):
    """A machine from which the published weights cannot be had."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


def test_the_demo_shows_the_whole_tour_and_its_commands_do_what_it_did(
    vidindex, home, offline, monkeypatch
):
    tour = vidindex("demo", "--keep", "tour")

    assert tour.code == 0, tour.err
    assert not (home / "library.db").exists()  # the user's own is left alone
    assert tour.out.count("cannot be had here (no network)") == 1
    assert_whole_tour(home / "tour", tour.out)

    vidindex("undo", "--db", "tour/library.db")
    (home / "tour/library.db").unlink()
    monkeypatch.chdir(home / "tour")
    told = ""
    for command in re.findall(r"^\$ (.*)$", tour.out, re.MULTILINE):
        words = shlex.split(command)
        if words[0] == "export":
            monkeypatch.setenv(*words[1].split("="))
        else:
            assert words[0] == "vidindex"
            outcome = vidindex(*words[1:])
            assert outcome.code == 0
            told += outcome.out
    assert_whole_tour(home / "tour", told)


def assert_whole_tour(folder, told):
    for result in (
        "16 indexed, 0 unchanged",
        "0 indexed, 16 unchanged",
        "16 files would be moved; nothing was changed",
        "batch 1: 16 files moved",
        "16 files put back",
    ):
        assert result in told
    assert len(list((folder / "sorted").rglob("*.mp4"))) == 16
    assert not list((folder / "videos").glob("*.mp4"))


def test_an_interrupted_demo_ends_as_interrupted_and_leaves_nothing(home):
    (home / "temporary").mkdir()
    places = {"TMPDIR": str(home / "temporary"), "http_proxy": "http://127.0.0.1:9"}
    with subprocess.Popen(
        command_line("demo"),
        env=environment_in(home, **places, https_proxy=places["http_proxy"]),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        for line in child.stdout:
            if re.match(rb"\$ vidindex index", line):
                break
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        err = child.communicate(timeout=60)[1].decode()

    assert child.returncode == 130
    assert "Traceback" not in err
    assert "bug" not in err
    assert list((home / "temporary").iterdir()) == []
