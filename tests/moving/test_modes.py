"""Copies and links: made beside the files, known to the library, and taken back by undo."""

import pytest

from tests.conftest import Recorder
from tests.moving.fingerprints import files_below, fingerprint
from vidindex.errors import Refused
from vidindex.moving import Control

COPYING = ["copy", "hardlink", "reflink-auto"]
SORTED = {
    *(f"cluster_0/a00{number}.mp4" for number in range(3)),
    *(f"cluster_1/b00{number}.mp4" for number in range(2)),
}


def placed(library):
    return {row.stat.path for row in library.labels().rows}


@pytest.mark.parametrize("mode", [*COPYING, "symlink"])
def test_the_files_stay_and_lie_sorted_too(sorted_library, tmp_path, mode):
    before = fingerprint(tmp_path / "in")

    result = sorted_library.apply(tmp_path / "out", mode=mode)

    assert result.count("done") == 5
    assert files_below(tmp_path / "out") == SORTED
    after = fingerprint(tmp_path / "in")
    links = 1 if mode == "hardlink" else 0
    assert after == {name: (*rest, count + links) for name, (*rest, count) in before.items()}
    for name in SORTED:
        original = tmp_path / "in" / name.partition("/")[2]
        made = tmp_path / "out" / name
        assert made.read_bytes() == original.read_bytes()
        assert made.is_symlink() == (mode == "symlink")
        assert made.samefile(original) == (mode in ("symlink", "hardlink"))


@pytest.mark.parametrize("mode", [*COPYING, "symlink"])
def test_undo_takes_just_what_was_made_and_redo_makes_it_again(sorted_library, tmp_path, mode):
    (tmp_path / "out/cluster_1").mkdir(parents=True)
    (tmp_path / "out/cluster_1/note.txt").write_text("mine")
    before, known = fingerprint(tmp_path / "in"), placed(sorted_library)
    sorted_library.apply(tmp_path / "out", mode=mode)
    made, made_known = fingerprint(tmp_path / "out"), placed(sorted_library)

    undone = sorted_library.undo()

    assert undone.count("done") == 5
    assert fingerprint(tmp_path / "in") == before
    assert files_below(tmp_path / "out") == {"cluster_1/note.txt"}
    assert placed(sorted_library) == known

    sorted_library.undo(undone.batch)

    assert fingerprint(tmp_path / "out") == made
    assert placed(sorted_library) == made_known
    sorted_library.undo()
    assert fingerprint(tmp_path / "in") == before
    assert files_below(tmp_path / "out") == {"cluster_1/note.txt"}


@pytest.mark.parametrize("mode", COPYING)
def test_the_library_knows_the_copies_and_copies_none_of_them(sorted_library, tmp_path, mode):
    sorted_library.apply(tmp_path / "out", mode=mode)
    assert placed(sorted_library) == {
        *(tmp_path / "in" / name.partition("/")[2] for name in SORTED),
        *(tmp_path / "out" / name for name in SORTED),
    }
    before = fingerprint(tmp_path / "out"), fingerprint(tmp_path / "in")

    again = sorted_library.apply(tmp_path / "out", mode=mode)

    assert (again.batch, again.in_place, again.problems) == (None, 5, ())
    assert (fingerprint(tmp_path / "out"), fingerprint(tmp_path / "in")) == before


@pytest.mark.parametrize("mode", COPYING)
def test_the_last_copy_of_a_content_is_never_removed(sorted_library, tmp_path, mode):
    sorted_library.apply(tmp_path / "out", mode=mode)
    (tmp_path / "in/a000.mp4").unlink()
    (tmp_path / "in/a001.mp4").write_bytes(b"edited")
    content = (tmp_path / "out/cluster_0/a000.mp4").read_bytes()
    recorder = Recorder()

    result = sorted_library.undo(control=Control(recorder))

    kept = {"cluster_0/a000.mp4", "cluster_0/a001.mp4"}
    if mode == "hardlink":  # its other name was edited with it
        assert files_below(tmp_path / "out") >= {"cluster_0/a000.mp4"}
    else:
        assert files_below(tmp_path / "out") == kept
        assert result.count("done") == 3
    assert (tmp_path / "out/cluster_0/a000.mp4").read_bytes() == content
    assert any("not at" in problem.message for problem in recorder.problems)


def test_a_copy_that_was_edited_stays(sorted_library, tmp_path):
    sorted_library.apply(tmp_path / "out", mode="copy")
    (tmp_path / "out/cluster_0/a000.mp4").write_bytes(b"my edit")

    result = sorted_library.undo()

    assert result.count("done") == 4
    assert files_below(tmp_path / "out") == {"cluster_0/a000.mp4"}
    assert "changed" in result.problems[0].message


def test_a_disk_without_reflinks_is_refused_before_anything_is_made(sorted_library, tmp_path):
    before = fingerprint(tmp_path / "in")

    with pytest.raises(Refused, match="reflinks") as refused:
        sorted_library.apply(tmp_path / "out", mode="reflink")

    assert "reflink-auto" in refused.value.hint
    assert fingerprint(tmp_path / "in") == before
    assert not (tmp_path / "out").exists()


def test_what_was_copied_can_be_moved_later(sorted_library, tmp_path):
    sorted_library.apply(tmp_path / "copies", mode="copy")
    before = fingerprint(tmp_path / "copies") | fingerprint(tmp_path / "in")

    sorted_library.apply(tmp_path / "out")

    assert len(files_below(tmp_path / "out")) == 10
    sorted_library.undo()
    assert fingerprint(tmp_path / "copies") | fingerprint(tmp_path / "in") == before
    sorted_library.undo()
    assert files_below(tmp_path) >= {"in/a000.mp4", "in/b001.mp4"}
    assert not (tmp_path / "copies").exists()
