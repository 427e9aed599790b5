"""Plans of moves as files: exact for every name, and refused when they are not what was written."""

import json
import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import read_tree
from tests.faults.mounts import mounted
from vidindex.errors import Refused, SystemStopped
from vidindex.plan_files import PlanFile, read_plan, write_plan
from vidindex.scanning import FileStat
from vidindex.store.moves import PlannedMove

OUT = Path("/sorted")
NAMES = [b"a.mp4", b"caf\xe9.mp4", "\u202e\u00e9.mp4".encode(), b"\x1b]0;x\x07\n.mp4", b'"\\.mp4']
SAME_FILE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def planned(name=b"a.mp4", number=1, **fields):
    stat = FileStat(Path("/in") / os.fsdecode(name), 10 * number, -number, number, 2**63 - number)
    move = PlannedMove(stat, bytes([number]) * 32, OUT / "cluster_0" / os.fsdecode(name))
    return replace(move, **fields)


def plan_of(*moves, **fields):
    return replace(PlanFile(3, OUT, "move", False, moves), **fields)


MANY = plan_of(
    *(planned(name, number) for number, name in enumerate(NAMES, start=1)),
    planned(b"a.srt", 9, is_sidecar=True),
)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "plan.json"


def seal(file, plan):
    """Write anything as a plan whose digest is right."""
    text = json.dumps(plan, sort_keys=True, separators=(",", ":"))
    whole = {"vidindex_plan": 1, "blake3": blake3(text.encode()).hexdigest(), "plan": plan}
    file.write_text(json.dumps(whole))


def sealed(file, content=MANY, **changes):
    """Write a plan with other values at its top, or in its first move, where `move_` is before."""
    write_plan(file, content)
    plan = json.loads(file.read_text())["plan"]
    for key, value in changes.items():
        target = plan["moves"][0] if key.startswith("move_") else plan
        target[key.removeprefix("move_")] = value
    seal(file, plan)


@pytest.mark.parametrize(
    "content",
    [
        MANY,
        plan_of(),
        plan_of(run=None, destination=Path(os.fsdecode(b"/\xff/out"))),
        plan_of(planned(action="copy"), mode="copy", prune_empty=True),
        plan_of(planned(action="hardlink"), mode="hardlink"),
        plan_of(planned(action="reflink"), mode="reflink-auto"),
        plan_of(
            PlannedMove(planned().stat, b"\1" * 32, OUT / "x.mp4", action="symlink"),
            PlannedMove(
                replace(planned().stat, path=OUT / "old.mp4"),
                b"\1" * 32,
                Path("/in/a.mp4"),
                undoes_move=7,
                action="unlink",
            ),
            mode="symlink",
        ),
    ],
    ids=["hostile names", "empty", "not UTF-8", "copy", "hardlink", "reflink-auto", "symlink"],
)
def test_a_plan_is_read_as_it_was_written(file, content):
    write_plan(file, content)

    assert read_plan(file) == content


def test_a_plan_can_be_read_by_people_and_sends_nothing_to_their_terminal(file):
    write_plan(file, MANY)

    text = file.read_bytes()
    assert b'"source": "/in/a.mp4"' in text
    assert b'"source": "/in/caf\\\\xe9.mp4"' in text
    assert set(text) <= {*range(0x20, 0x7F), 0x0A}


def test_a_plan_that_was_laid_out_anew_is_the_same(file):
    write_plan(file, MANY)
    file.write_text(json.dumps(json.loads(file.read_text()), indent=8, sort_keys=True))

    assert read_plan(file) == MANY


@pytest.mark.parametrize("kind", ["file", "folder", "link", "device"])
def test_what_has_the_name_is_not_replaced(file, kind):
    target = file
    if kind == "file":
        file.write_text("mine")
    elif kind == "folder":
        file.mkdir()
    elif kind == "link":
        file.symlink_to("nowhere")
    else:
        target = Path("/dev/full")
    before = sorted(file.parent.iterdir())

    with pytest.raises(Refused, match="is there already") as refused:
        write_plan(target, MANY)

    assert refused.value.hint == "choose another name for the plan"
    assert sorted(file.parent.iterdir()) == before
    assert kind != "file" or file.read_text() == "mine"


def test_a_file_that_another_program_makes_meanwhile_is_not_replaced(file, monkeypatch):
    real = os.fsync

    def late(descriptor):
        file.write_text("theirs")
        real(descriptor)

    monkeypatch.setattr("os.fsync", late)
    with pytest.raises(Refused, match="is there already"):
        write_plan(file, MANY)

    assert read_tree(file.parent) == {"plan.json": b"theirs"}


@pytest.mark.parametrize("name", ["none/plan.json", "taken/plan.json", "x" * 256])
def test_a_place_where_no_file_can_be_is_refused(tmp_path, name):
    (tmp_path / "taken").write_text("")

    with pytest.raises(Refused) as refused:
        write_plan(tmp_path / name, MANY)

    assert "another place" in refused.value.hint
    assert read_tree(tmp_path) == {"taken": b""}


def test_a_full_disk_stops_it_and_nothing_half_written_stays(tmp_path):
    with mounted(tmp_path / "tiny", "-t", "tmpfs", "-o", "size=64k", "tmpfs") as tiny:
        many = plan_of(*(planned(b"%d.mp4" % number) for number in range(1000)))

        with pytest.raises(SystemStopped, match=r"cannot write .*plan.json") as stopped:
            write_plan(tiny / "plan.json", many)

        assert stopped.value.hint == "make room or check the disk; nothing was moved"
        assert read_tree(tiny) == {}


def test_a_limit_on_the_size_of_files_leaves_nothing_half_written(file):
    program = (
        "import sys; from pathlib import Path; from vidindex.plan_files import *;"
        "write_plan(Path(sys.argv[1]), PlanFile(1, Path('/sorted'), 'move', False, ()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, file],
        check=False,
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
    )

    assert b"Refused: cannot write" in done.stderr
    assert b"File too large" in done.stderr
    assert done.returncode == 1
    assert read_tree(file.parent) == {}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"null",
        b"\0\0\0 ftypisom",
        b'{"a": ' * 20_000,
        b"{\xff}",
        b"1" * 9999,
    ],
    ids=["empty", "cut", "list", "object", "null", "video", "deep", "not UTF-8", "number"],
)
def test_what_is_no_plan_is_refused(file, content):
    file.write_bytes(content)

    with pytest.raises(Refused, match="is no plan of moves") as refused:
        read_plan(file)

    assert refused.value.hint == "vidindex apply DEST --plan FILE writes one"


def test_a_folder_and_a_named_pipe_are_refused_and_do_not_hang(tmp_path, file):
    os.mkfifo(file)

    for path in (file, tmp_path):
        with pytest.raises(Refused, match="is no plan of moves"):
            read_plan(path)


def test_a_plan_that_is_not_there_is_refused(file):
    with pytest.raises(Refused, match=r"cannot read .*plan.json: No such file"):
        read_plan(file)


@pytest.mark.parametrize("number", [2, 0, "1", None, 1.5, []])
def test_a_plan_of_another_format_is_refused(file, number):
    write_plan(file, MANY)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"vidindex_plan": number}))

    with pytest.raises(Refused, match="another format than 1") as refused:
        read_plan(file)

    assert "update vidindex" in refused.value.hint


def test_an_edited_plan_is_refused(file):
    write_plan(file, MANY)
    file.write_text(file.read_text().replace("cluster_0/a.mp4", "cluster_1/a.mp4"))

    with pytest.raises(Refused, match="was changed since it was written") as refused:
        read_plan(file)

    assert refused.value.hint == "write it again: vidindex apply DEST --plan FILE"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"move_target": "/elsewhere/a.mp4"}, "/elsewhere/a.mp4 is not below /sorted"),
        ({"move_target": "/sorted"}, "/sorted is not below /sorted"),
        ({"move_target": "/sorted2/a.mp4"}, "not below"),
        ({"move_target": "/sorted/../a.mp4"}, "no absolute path, or not a plain one"),
        ({"move_target": "/sorted/./a.mp4"}, "not a plain one"),
        ({"move_target": "/sorted//a.mp4"}, "not a plain one"),
        ({"move_target": "//sorted/a.mp4"}, "not a plain one"),
        ({"move_target": "/sorted/a\0.mp4"}, "not a plain one"),
        ({"move_target_b64": "L3NvcnRlZC8uLi94"}, "not a plain one"),
        ({"move_target_b64": "?"}, "base64"),
        ({"move_target_b64": 7}, "no right target_b64"),
        ({"move_target": "/sorted/\ud800.mp4"}, "can't encode"),
        ({"move_target": "sorted/a.mp4"}, "no absolute path"),
        ({"move_target": ""}, "no absolute path"),
        ({"move_target": None}, "no right target"),
        ({"move_target": "/sorted/cluster_0/a.srt"}, "two files would go to one place"),
        ({"move_source": "a.mp4"}, "no absolute path"),
        ({"move_source": "/sorted/cluster_0/a.mp4"}, "would not go anywhere"),
        ({"move_action": "remove"}, "the action 'remove' is unknown"),
        ({"move_action": "shred"}, "the action 'shred' is unknown"),
        ({"move_action": "unlink"}, "/in/a.mp4 is not below /sorted"),
        ({"move_action": []}, "no right action"),
        ({"move_blake3": "00"}, "64 hexadecimal digits"),
        ({"move_blake3": "é" * 64}, "64 hexadecimal digits"),
        ({"move_size_bytes": -1}, "size_bytes -1 is out of range"),
        ({"move_size_bytes": True}, "no right size_bytes"),
        ({"move_mtime_ns": 1.5}, "no right mtime_ns"),
        ({"move_inode": 2**63}, "out of range"),
        ({"move_undoes_move": "1"}, "no right undoes_move"),
        ({"move_is_sidecar": 1}, "no right is_sidecar"),
        ({"run": "3"}, "no right run"),
        ({"destination": "sorted"}, "no absolute path"),
        ({"mode": "steal"}, "the mode 'steal' is unknown"),
        ({"prune_empty": None}, "no right prune_empty"),
        ({"moves": {}}, "no right moves"),
        ({"moves": [7]}, "no right move"),
    ],
    ids=str,
)
def test_a_plan_that_would_lead_astray_is_refused_though_its_digest_is_right(file, changes, says):
    sealed(file, **changes)

    with pytest.raises(Refused, match="is no plan that can be carried out") as refused:
        read_plan(file)

    assert says in refused.value.message


@pytest.mark.parametrize("plan", [None, [], 7, "plan"])
def test_a_plan_of_another_shape_is_refused_though_its_digest_is_right(file, plan):
    seal(file, plan)

    with pytest.raises(Refused, match="no right plan"):
        read_plan(file)


@st.composite
def mutated(draw, original):
    """The bytes with a few of them changed, taken out or put in."""
    content = bytearray(original)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 8)))
        content[start:end] = draw(st.binary(max_size=8))
    return bytes(content)


@SAME_FILE
@given(data=st.data())
def test_no_damage_is_taken_for_a_plan(file, data):
    file.unlink(missing_ok=True)
    write_plan(file, MANY)
    file.write_bytes(data.draw(mutated(file.read_bytes())))

    try:
        found = read_plan(file)
    except Refused:
        return
    assert found == MANY


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@SAME_FILE
@given(key=st.sampled_from([*vars(MANY), "move_source", "move_target_b64"]), value=JSON_VALUES)
def test_no_value_makes_it_fail_other_than_by_a_refusal(file, key, value):
    file.unlink(missing_ok=True)
    sealed(file, **{key: value})

    try:
        found = read_plan(file)
    except Refused:
        return
    assert all(OUT in move.target.parents for move in found.moves)


def test_ten_thousand_moves_are_written_and_read_in_a_moment(file):
    many = plan_of(*(planned(b"%d.mp4" % number) for number in range(10_000)))

    write_plan(file, many)

    assert read_plan(file) == many
    assert file.stat().st_size < 10_000 * 600
