"""Names that are taken: the next one, skipped, refused, or the same content there already."""

import pytest

from tests.conftest import Recorder
from tests.moving.fingerprints import files_below, fingerprint
from vidindex.errors import Refused
from vidindex.moving import Control


@pytest.fixture
def taken(tmp_path):
    """Where a000.mp4 is to go there is another file; where a001.mp4 is to go, its own content."""
    folder = tmp_path / "out/cluster_0"
    folder.mkdir(parents=True)
    (folder / "a000.mp4").write_bytes(b"another file")
    (folder / "a001.mp4").write_bytes((tmp_path / "in/a001.mp4").read_bytes())
    return folder


def test_by_default_the_next_name_is_taken(sorted_library, tmp_path, taken):
    before = fingerprint(tmp_path / "out")

    result = sorted_library.apply(tmp_path / "out")

    assert result.count("done") == 5
    assert (taken / "a000.mp4").read_bytes() == b"another file"
    assert {"cluster_0/a000 (2).mp4", "cluster_0/a001 (2).mp4"} <= files_below(tmp_path / "out")
    sorted_library.undo()
    assert fingerprint(tmp_path / "out") == before


def test_skipped_files_stay(sorted_library, tmp_path, taken):
    result = sorted_library.apply(tmp_path / "out", on_conflict="skip")

    assert result.count("done") == 3
    assert {problem.path.name for problem in result.problems} == {"a000.mp4", "a001.mp4"}
    assert files_below(tmp_path / "in") == {"a000.mp4", "a001.mp4"}


def test_to_fail_is_to_move_nothing(sorted_library, tmp_path, taken):
    before = fingerprint(tmp_path / "in")

    with pytest.raises(Refused, match=r"the target .*cluster_0/a00[01].mp4 .* is taken"):
        sorted_library.apply(tmp_path / "out", on_conflict="fail")

    assert fingerprint(tmp_path / "in") == before


def test_the_same_content_counts_as_done_and_any_other_is_numbered(sorted_library, tmp_path, taken):
    result = sorted_library.apply(tmp_path / "out", on_conflict="same")

    assert (result.same, result.count("done")) == (1, 4)
    assert files_below(tmp_path / "in") == {"a001.mp4"}
    assert "cluster_0/a000 (2).mp4" in files_below(tmp_path / "out")
    assert "cluster_0/a001 (2).mp4" not in files_below(tmp_path / "out")


@pytest.mark.parametrize("mode", ["copy", "hardlink", "symlink"])
@pytest.mark.parametrize("on_conflict", ["rename", "skip"])
def test_nothing_is_replaced_in_any_mode(sorted_library, tmp_path, taken, mode, on_conflict):
    before = fingerprint(tmp_path / "out")

    sorted_library.apply(tmp_path / "out", mode=mode, on_conflict=on_conflict)

    after = fingerprint(tmp_path / "out")
    assert {name: after[name] for name in before} == before
    sorted_library.undo()
    assert fingerprint(tmp_path / "out") == before


def test_all_files_may_be_given_one_name(sorted_library, tmp_path):
    before = fingerprint(tmp_path / "in")

    sorted_library.apply(tmp_path / "out", template="clip{suffix}")

    assert files_below(tmp_path / "out") == {
        "clip.mp4",
        *(f"clip ({number}).mp4" for number in range(2, 6)),
    }
    again = sorted_library.apply(tmp_path / "out", template="clip{suffix}")
    assert (again.batch, again.in_place) == (None, 5)
    sorted_library.undo()
    assert fingerprint(tmp_path / "in") == before


@pytest.mark.parametrize("mode", ["move", "copy", "hardlink", "symlink"])
@pytest.mark.parametrize("on_conflict", ["rename", "skip", "fail", "same"])
def test_a_name_that_is_taken_after_the_plan_is_never_replaced(
    sorted_library, tmp_path, mode, on_conflict
):
    """By the file's own content, or by another."""
    before = fingerprint(tmp_path / "in")
    contents = {}

    def take(plan):
        for move in plan.moves:
            move.target.parent.mkdir(parents=True, exist_ok=True)
            is_same = move.target.name == "a001.mp4"
            content = move.stat.path.read_bytes() if is_same else b"foreign"
            move.target.write_bytes(content)
            contents[move.target] = content
        return True

    result = sorted_library.apply(
        tmp_path / "out",
        mode=mode,
        on_conflict=on_conflict,
        control=Control(Recorder(), take),
    )

    assert {path: path.read_bytes() for path in contents} == contents
    done = {"rename": 5, "skip": 0, "fail": 0, "same": 4}[on_conflict]
    assert result.count("done") == done
    assert len(files_below(tmp_path / "out")) == 5 + done
    if done:
        sorted_library.undo()
    assert fingerprint(tmp_path / "in") == before
    assert {path: path.read_bytes() for path in contents} == contents
