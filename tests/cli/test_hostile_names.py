"""File names with every byte that a file name may hold, told safely and moved exactly."""

import base64
import json
import os
import re
import shutil

import pytest

from tests.conftest import read_tree

NAMES = {
    "escape": b"\x1b[31mred\x1b[0m.mp4",
    "clipboard": b"\x1b]52;c;ZXZpbA==\x07.mp4",
    "newline": b"two\nlines\r.mp4",
    "quotes": b'"it\'s" `$(id)`.mp4',
    "bidi": "gpj.\u202e4pm.mp4".encode(),
    "c1": "\u009b31m.mp4".encode(),
    "separator": "a\u2028b.mp4".encode(),
    "not utf-8": b"caf\xe9 \xff.mp4",
    "percent": b"%02d.mp4",
    "dash": b"-i.mp4",
    "url": b"http:x.mp4",
    "sql": b"'); DROP TABLE files;--.mp4",
    "long": b"x" * 251 + b".mp4",
    "nfc": "\u00e9.mp4".encode(),
    "nfd": "e\u0301.mp4".encode(),
    "surrogate": b"\xed\xa0\x80.mp4",
    "markup": b"[bold]x[red].mp4",
}
UNSAFE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


@pytest.fixture
def hostile(home, put):
    """in/ with a copy of one video under each of the names."""
    clip = put("a", home / "a.mp4")
    (home / "in").mkdir()
    for name in NAMES.values():
        shutil.copyfile(clip, os.fsencode(home / "in") + b"/" + name)
    clip.unlink()
    return home / "in"


def assert_safe(outcome):
    """Check what reached the terminal: no byte that does something to it."""
    for text in (outcome.out, outcome.err):  # both are UTF-8, or this fails
        assert not UNSAFE.search(text)


def exact_names(rows, key="path"):
    """Return the exact names of the paths in JSON."""
    paths = [
        base64.b64decode(row[f"{key}_b64"]) if f"{key}_b64" in row else row[key].encode("utf-8")
        for row in rows
    ]
    return {os.path.basename(path) for path in paths}  # noqa: PTH119 - of bytes


def test_each_is_indexed_as_itself(vidindex, hostile):
    outcome = vidindex("index", hostile, "--json")

    assert outcome.code == 0
    assert (outcome.data["indexed"], outcome.data["relinked"]) == (1, len(NAMES) - 1)
    vidindex("cluster", "-k", "1")
    assert exact_names(vidindex("labels", "--json").data["rows"]) == set(NAMES.values())


def test_each_is_found_unchanged_again(vidindex, hostile):
    vidindex("index", hostile)

    assert vidindex("index", hostile, "--json").data["unchanged"] == len(NAMES)


@pytest.mark.parametrize("kind", NAMES)
def test_each_can_be_shown_by_its_name(vidindex, hostile, kind):
    vidindex("index", hostile)

    outcome = vidindex("show", hostile / os.fsdecode(NAMES[kind]))

    assert outcome.code == 0
    assert "h264" in outcome.out
    assert_safe(outcome)


def test_apply_and_undo_restore_the_exact_names(vidindex, home, hostile):
    vidindex("index", hostile)
    vidindex("cluster", "-k", "1")
    before = read_tree(hostile)

    applied = vidindex("apply", "out", "--json")
    assert applied.data["moved"] == len(NAMES)
    assert exact_names(applied.data["moves"], "source") == set(NAMES.values())
    assert len(list((home / "out/cluster_0").iterdir())) == len(NAMES)
    vidindex("undo")

    assert read_tree(hostile) == before


@pytest.mark.parametrize("form", [[], ["--json"], ["-vv"]], ids=["text", "json", "verbose"])
def test_no_command_lets_a_control_character_out(vidindex, home, hostile, form):
    (hostile / "\x1b]0;broken\x07\udcff.mp4").write_bytes(b"no video")
    (hostile / "link\x1b[2J").symlink_to(".")
    for command in (
        ["index", hostile],
        ["index", hostile],
        ["index", hostile, "--retry-failed"],
        ["cluster", "-k", "1"],
        ["labels"],
        ["status"],
        ["apply", "out\x1b[2J\u202e\udcff", "--dry-run"],
        ["apply", "out\x1b[2J\u202e\udcff"],
        ["status"],
        ["undo"],
    ):
        outcome = vidindex(*command, *form)

        assert outcome.code in (0, 4), outcome.err
        assert_safe(outcome)


EVIL = "\x1b]52;c;x\x07\u202e\udcff\n"


@pytest.mark.parametrize("form", [[], ["--json"], ["-vv"]], ids=["text", "json", "verbose"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["index", EVIL], 3),
        (["labels", "--db", EVIL], 3),
        (["labels", "--config", EVIL], 2),
        (["show", EVIL, "--db", "library.db"], 3),
        (["index", "in", "--weights", EVIL], 3),
        (["index", "in", "--weights", f"untrained:{EVIL}"], 2),
        (["cluster", "-k", EVIL], 2),
        (["cluster", "-k", "2", "--normalize", EVIL], 2),
        (["cluster", "-k", "1", "--within", EVIL], 3),
        (["db", "backup", f"{EVIL}/x"], 3),
        (["demo", "--keep", "in/a.mp4/" + EVIL], 3),
        (["config", "show", "--db", EVIL], 0),
        ([f"nope{EVIL}"], 2),
        (["labels", f"--nope{EVIL}"], 2),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_no_error_lets_a_control_character_out(vidindex, home, put, arguments, code, form):
    put("a", home / "in/a.mp4")
    if "library.db" in arguments or "--within" in arguments or "backup" in arguments:
        vidindex("index", "in")

    outcome = vidindex(*arguments, *form)

    assert outcome.code == code, outcome.err
    assert_safe(outcome)


def test_a_name_that_is_not_utf_8_is_readable_and_exact_in_json(vidindex, home, put):
    put("a", home / "in" / os.fsdecode(b"caf\xe9.mp4"))
    vidindex("index", "in")
    vidindex("cluster", "-k", "1")

    (row,) = vidindex("labels", "--json").data["rows"]

    assert row["path"] == f"{home}/in/caf\\xe9.mp4"
    assert base64.b64decode(row["path_b64"]) == os.fsencode(home) + b"/in/caf\xe9.mp4"


def test_a_name_that_is_not_utf_8_works_in_a_plain_locale(process, vidindex, home, put):
    put("a", home / "in" / os.fsdecode(b"caf\xe9 \xc3\xa9.mp4"))
    vidindex("index", "in")
    vidindex("cluster", "-k", "1")
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    text = process("labels", variables=plain)
    data = json.loads(process("labels", "--json", variables=plain).stdout)["data"]

    assert (text.code, text.stderr) == (0, b"")
    assert rb"caf\xe9" in text.stdout
    assert exact_names(data["rows"]) == {b"caf\xe9 \xc3\xa9.mp4"}


def test_the_reason_of_a_failure_may_hold_any_name(process, vidindex, home, put):
    video = put("a", home / "in" / os.fsdecode(b"caf\xe9\x1b.mp4"))
    vidindex("index", "in")
    os.utime(video, (1_650_000_000, 1_650_000_000))
    video.chmod(0)

    outcome = process("index", "in", obeys_rights=True)

    assert outcome.code == 4, outcome.err
    assert "cannot read" in outcome.err
    assert_safe(outcome)
    assert r"caf\xe9\x1b.mp4: Permission denied" in vidindex("status").out


def test_the_reason_why_a_file_is_not_moved_may_hold_any_name(process, vidindex, home, put):
    video = put("a", home / "in" / os.fsdecode(b"caf\xe9\x1b.mp4"))
    vidindex("index", "in")
    vidindex("cluster", "-k", "1")
    (home / "in").chmod(0o555)

    outcome = process("apply", "out", obeys_rights=True)

    (home / "in").chmod(0o755)
    assert outcome.code == 4, outcome.err
    assert r"caf\xe9\x1b.mp4" in outcome.err
    assert_safe(outcome)
    assert video.exists()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras
def test_weights_may_have_any_name(vidindex, home, put, weights_files):
    put("a", home / "in/a.mp4")
    weights = home / os.fsdecode(b"w\xff\x1b.h5")
    shutil.copyfile(weights_files / "notop.h5", weights)

    outcome = vidindex("index", "in", "--weights", weights)

    assert outcome.code == 0, outcome.err
    assert_safe(vidindex("status"))
    assert_safe(vidindex("status", "--json"))
