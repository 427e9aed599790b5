"""Files that cannot be decoded, change while they are read, or vanish."""

import shutil
import threading

from tests.clips import make_truncated
from tests.outcomes import counts, paths_and_errors
from vidindex.errors import MediaError
from vidindex.frames import read_frames


def test_a_broken_file_is_stored_as_a_failure_and_not_tried_again(index, library, put, tmp_path):
    put("a", tmp_path / "in/a.mp4")
    (tmp_path / "in/text.mp4").write_text("not a video\n" * 100)
    (tmp_path / "in/empty.mp4").touch()

    first = index(tmp_path / "in")

    assert counts(first) == {"indexed": 1, "failed": 2}
    assert sorted(paths_and_errors(first))[0][:2] == ("empty.mp4", "undecodable")
    tried = []

    def counting(path, sampling):
        tried.append(path.name)
        return read_frames(path, sampling)

    second = index(tmp_path / "in", read_frames=counting)
    assert counts(second) == {"unchanged": 1, "failed_before": 2}
    assert tried == []

    third = index(tmp_path / "in", read_frames=counting, retry_failed=True)
    assert counts(third) == {"unchanged": 1, "failed": 2}
    assert sorted(tried) == ["empty.mp4", "text.mp4"]


def test_a_failure_is_forgotten_when_the_video_can_be_decoded(index, library, put, tmp_path):
    put("a", tmp_path / "in/a.mp4")

    def failing(path, sampling):
        raise MediaError("the decoder is out of order")

    index(tmp_path / "in", read_frames=failing)
    assert [failure.reason for failure in library.status().failures] == [
        "the decoder is out of order"
    ]

    index(tmp_path / "in", retry_failed=True)

    assert library.status().failures == ()
    assert len(library.vectors().vectors) == 1


def test_a_repaired_file_is_read_again(index, put, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.mp4").write_text("half a download")
    index(tmp_path / "in")
    put("a", tmp_path / "in/a.mp4")

    assert counts(index(tmp_path / "in")) == {"indexed": 1}


def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_run(
    index, library, put, tmp_path
):
    video = put("a", tmp_path / "in/a.mp4")
    put("b", tmp_path / "in/b.mp4")

    def growing(path, sampling):
        if path == video:
            with path.open("ab") as file:
                file.write(b"more")
        return read_frames(path, sampling)

    result = index(tmp_path / "in", read_frames=growing)

    assert counts(result) == {"indexed": 1, "failed": 1}
    assert paths_and_errors(result)[0][:2] == ("a.mp4", "changed")
    assert [path.name for path in library.vectors().paths] == ["b.mp4"]
    assert counts(index(tmp_path / "in")) == {"unchanged": 1, "indexed": 1}


def test_a_file_that_changes_once_is_read_again_at_once(index, library, put, tmp_path):
    video = put("a", tmp_path / "in/a.mp4")
    times = []

    def growing_once(path, sampling):
        times.append(path)
        if len(times) == 1:
            shutil.copyfile(put("b", tmp_path / "b.mp4"), video)
        return read_frames(path, sampling)

    assert counts(index(tmp_path / "in", read_frames=growing_once)) == {"indexed": 1}
    assert len(times) == 2


def test_a_copy_of_a_file_that_vanishes_is_still_indexed(index, library, put, tmp_path):
    """The copy waits for the vector of the first; it must not wait for ever."""
    put("a", tmp_path / "in/1.mp4")
    put("a", tmp_path / "in/2.mp4")
    started = threading.Event()

    def vanishing(path, sampling):
        if not started.is_set():
            started.set()
            path.unlink()
        return read_frames(path, sampling)

    result = index(tmp_path / "in", read_frames=vanishing)

    assert counts(result)["indexed"] == 1
    assert library.status().present == 1


def test_a_video_that_is_cut_short_is_indexed_in_part_and_says_so(
    index, library, recorder, tmp_path
):
    (tmp_path / "in").mkdir()
    path = make_truncated(tmp_path / "in/cut.mp4", 0.5)

    result = index(tmp_path / "in", reporter=recorder)

    assert counts(result) == {"indexed": 1, "incomplete": 1}
    (vector,) = library.show(path).vectors
    assert vector.incomplete.startswith("only the first ")
    assert recorder.notices == [f"in part: {path}: {vector.incomplete}"]
