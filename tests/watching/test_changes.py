"""A watched folder and the library stay alike."""

import os
import shutil
import time

import pytest

from tests.waiting import wait_until
from tests.watching.conftest import PACE, POLLING, SETTLE_S, known_files
from vidindex import Library, Settings


def test_a_watch_begins_with_all_that_is_there(watching, folder, library, put):
    videos = {put("a", folder / "a.mp4"), put("b", folder / "deep/b.mp4")}

    with watching() as begun:
        first = begun.next()

    assert first.indexed == 2
    assert known_files(library) == (videos, set())


def test_a_watch_that_finds_all_unchanged_says_so_once(watching, folder, library, source, put):
    put("a", folder / "a.mp4")
    library.index([folder], source=source)

    with watching() as begun:
        assert begun.next().unchanged == 1
        assert begun.stays_quiet()


def test_a_new_video_is_indexed(watching, folder, library, put):
    put("a", folder / "a.mp4")
    with watching() as begun:
        begun.next()

        new = put("b", folder / "deep/far/b.mp4")

        assert begun.next().indexed == 1
    assert new in known_files(library)[0]


def test_a_watch_may_begin_in_an_empty_folder_without_a_library(watching, folder, library, put):
    with watching() as begun:
        wait_until(lambda: any("there is no video" in it for it in begun.recorder.notices))
        assert not library.path.exists()

        new = put("a", folder / "a.mp4")

        assert begun.next().indexed == 1
    assert known_files(library) == ({new}, set())


def test_a_renamed_video_is_relinked(watching, folder, library, source, put):
    old = put("a", folder / "a.mp4")
    with watching() as begun:
        begun.next()
        loads = source.loads

        old.rename(folder / "b.mp4")

        result = begun.next()
    assert (result.relinked, result.indexed, result.frames) == (1, 0, 0)
    assert source.loads == loads
    assert known_files(library)[0] == {folder / "b.mp4"}


def test_a_renamed_folder_takes_its_videos_along(watching, folder, library, put):
    put("a", folder / "deep/a.mp4")
    with watching() as begun:
        begun.next()

        (folder / "deep").rename(folder / "deeper")

        assert begun.next().relinked == 1
    assert known_files(library)[0] == {folder / "deeper/a.mp4"}


def test_a_deleted_video_is_missing_also_if_it_was_the_only_one(watching, folder, library, put):
    video = put("a", folder / "a.mp4")
    with watching() as begun:
        begun.next()

        video.unlink()

        assert begun.next().missing == 1
    assert known_files(library) == (set(), {video})


def test_the_videos_of_a_deleted_folder_are_missing(watching, folder, library, put):
    gone = {put("a", folder / "deep/a.mp4"), put("b", folder / "deep/far/b.mp4")}
    kept = put("c", folder / "c.mp4")
    with watching() as begun:
        begun.next()

        shutil.rmtree(folder / "deep")

        assert begun.next().missing == 2
    assert known_files(library) == ({kept}, gone)


def test_a_folder_that_is_moved_away_leaves_its_videos_missing(watching, folder, library, put):
    gone = put("a", folder / "deep/a.mp4")
    kept = put("c", folder / "c.mp4")
    with watching() as begun:
        begun.next()

        (folder / "deep").rename(folder.parent / "away")

        assert begun.next().missing == 1
    assert known_files(library) == ({kept}, {gone})


def test_a_video_that_was_never_known_may_come_and_go(watching, folder, put):
    put("a", folder / "a.mp4")
    with watching() as begun:
        begun.next()
        said = list(begun.recorder.notices)

        put("b", folder / "b.mp4").unlink()

        assert begun.stays_quiet()
        assert begun.recorder.notices == said


def test_many_videos_at_once_are_taken_up_by_one_run(watching, folder, library, put):
    put("a", folder / "a.mp4")
    with watching() as begun:
        begun.next()

        for number in range(300):
            put("a", folder / f"copies/{number}.mp4")

        assert begun.next().relinked == 300
        assert begun.stays_quiet()


def test_a_growing_video_is_left_until_it_is_whole_and_holds_up_no_other(
    watching, folder, library, put, clip_pool
):
    put("a", folder / "a.mp4")
    whole = (clip_pool / "b.mp4").read_bytes()
    growing = folder / "growing.mp4"
    with watching() as begun:
        begun.next()
        other = put("c", folder / "c.mp4")
        size, begun_s = len(whole) // 20, time.monotonic()
        with growing.open("wb", buffering=0) as file:
            for part in range(19):
                file.write(whole[part * size : (part + 1) * size])
                time.sleep(0.15)
            assert time.monotonic() - begun_s > PACE.patience_s
            beside = begun.next()  # while the copy goes on
            present = known_files(library)[0]
            file.write(whole[19 * size :])

        after = begun.next()

    assert (beside.indexed, beside.problems) == (1, ())
    assert present == {folder / "a.mp4", other}
    assert (after.indexed, after.problems) == (1, ())
    assert library.show(growing).video.size_bytes == len(whole)
    assert library.status().failures == ()


@pytest.mark.parametrize("pace", [PACE, POLLING], ids=["told", "polled"])
def test_a_video_that_is_held_open_is_left_until_it_is_closed(
    watching, folder, library, put, clip_pool, pace
):
    put("a", folder / "a.mp4")
    with watching(pace=pace) as begun:
        begun.next()
        with (folder / "b.mp4").open("wb") as file:
            file.write((clip_pool / "b.mp4").read_bytes())
            file.flush()

            assert begun.stays_quiet()
            assert begun.recorder.problems == []

        assert begun.next().indexed == 1


def test_a_changed_video_is_indexed_anew(watching, folder, library, put, clip_pool):
    video = put("a", folder / "a.mp4")
    with watching() as begun:
        begun.next()
        before = library.show(video).video.blake3

        video.write_bytes((clip_pool / "b.mp4").read_bytes())

        assert begun.next().indexed == 1
    assert library.show(video).video.blake3 != before


def test_what_cannot_be_decoded_is_told_once(watching, folder, put):
    put("a", folder / "a.mp4")
    with watching() as begun:
        begun.next()

        (folder / "bad.mp4").write_bytes(b"no video at all")

        result = begun.next()
        assert (result.failed, result.problems[0].path) == (1, folder / "bad.mp4")
        assert [problem.path for problem in begun.recorder.problems] == [folder / "bad.mp4"]
        assert begun.stays_quiet()


def test_what_is_no_video_starts_no_run(watching, folder, put):
    put("a", folder / "a.mp4")
    with watching() as begun:
        begun.next()
        runs = len(begun.recorder.started)

        (folder / "notes.txt").write_text("x")
        (folder / ".vidindex-7.part.mp4").write_bytes(b"x")
        (folder / "link.mp4").symlink_to(put("b", folder.with_name("other") / "b.mp4"))
        os.mkfifo(folder / "pipe.mp4")
        (folder / "folder.mp4").mkdir()

        assert begun.stays_quiet()
        assert len(begun.recorder.started) == runs


def test_a_new_link_is_followed_where_links_are(watching, folder, library, put):
    library = Library(library.path, Settings(weights="untrained", symlinks="follow"))
    put("a", folder / "a.mp4")
    target = put("b", folder.with_name("other") / "b.mp4")
    with watching(library=library) as begun:
        begun.next()

        (folder / "link.mp4").symlink_to(target)

        assert begun.next().indexed == 1
    assert target in known_files(library)[0]


def test_a_library_beside_the_videos_is_not_taken_for_a_change(watching, folder, source, put):
    """Named like a video, even: else each run would be followed by another."""
    put("a", folder / "a.mp4")
    library = Library(folder / "library.mp4", Settings(weights="untrained"))
    with watching(library=library) as begun:
        begun.next()
        put("b", folder / "b.mp4")
        begun.next()
        time.sleep(SETTLE_S)
        before = (folder / "library.mp4.lock").stat().st_mtime_ns

        assert begun.stays_quiet()

        assert (folder / "library.mp4.lock").stat().st_mtime_ns == before  # no run at all


def test_other_commands_work_between_two_runs_and_cause_none(watching, folder, library, put):
    put("a", folder / "a.mp4")
    put("b", folder / "b.mp4")
    with watching() as begun:
        begun.next()

        library.cluster(2)
        moved = library.apply(folder / "sorted")

        assert moved.count("done") == 2
        assert begun.stays_quiet()
        assert library.undo().count("done") == 2
        assert begun.stays_quiet()
    assert known_files(library) == ({folder / "a.mp4", folder / "b.mp4"}, set())
