"""A watch goes on where a disk is away or the library is held, and ends where it cannot."""

import subprocess
import time

import pytest

from tests.waiting import wait_until
from tests.watching.conftest import PACE, POLLING, QUIET_S, Watching, known_files
from vidindex import Library, Settings
from vidindex.db.lock import writer_lock
from vidindex.errors import Refused, WeightsError
from vidindex.watching import watch


def test_while_the_library_is_held_changes_wait_and_that_is_said_once(
    watching, folder, library, put
):
    put("a", folder / "a.mp4")
    with watching() as begun:
        begun.next()
        with writer_lock(library.path):
            put("b", folder / "b.mp4")
            wait_until(lambda: any("another vidindex" in it for it in begun.recorder.notices))
            assert begun.stays_quiet()

        assert begun.next().indexed == 1
        notices = [it for it in begun.recorder.notices if "another vidindex" in it]
    assert len(notices) == 1


def test_the_first_run_waits_for_the_library_too(watching, folder, library, source, put):
    put("a", folder / "a.mp4")
    library.index([folder], source=source)

    with writer_lock(library.path), watching() as begun:
        wait_until(lambda: any("another vidindex" in it for it in begun.recorder.notices))
        assert begun.stays_quiet()


def test_a_folder_that_vanishes_is_told_and_taken_up_when_it_is_back(
    watching, folder, library, put
):
    video = put("a", folder / "a.mp4")
    with watching() as begun:
        begun.next()
        folder.rename(folder.with_name("off"))
        wait_until(lambda: begun.recorder.problems)
        time.sleep(QUIET_S)
        assert known_files(library) == ({video}, set())
        assert [problem.code for problem in begun.recorder.problems] == ["offline"]

        put("b", folder.with_name("off") / "b.mp4")
        folder.with_name("off").rename(folder)

        assert begun.next().indexed == 1
        put("c", folder / "c.mp4")
        assert begun.next().indexed == 1
        assert begun.results.empty()


def test_a_watch_may_begin_while_a_known_folder_is_away(watching, folder, library, source, put):
    video = put("a", folder / "a.mp4")
    library.index([folder], source=source)
    folder.rename(folder.with_name("off"))
    with watching() as begun:
        wait_until(lambda: begun.recorder.problems)
        assert known_files(library) == ({video}, set())

        folder.with_name("off").rename(folder)

        assert begun.next().unchanged == 1


def test_another_folder_is_taken_up_while_one_is_away(watching, folder, library, put):
    put("a", folder / "a.mp4")
    other = folder.with_name("other")
    put("b", other / "b.mp4")
    with watching(folder, other) as begun:
        begun.next()
        folder.rename(folder.with_name("off"))
        wait_until(lambda: begun.recorder.problems)

        put("c", other / "c.mp4")

        assert begun.next().indexed == 1


@pytest.mark.root
@pytest.mark.parametrize("pace", [PACE, POLLING], ids=["told", "polled"])
def test_an_unmounted_disk_leaves_nothing_missing_and_is_taken_up_again(
    watching, folder, library, put, pace
):
    disk = folder.with_name("disk")
    video = put("a", disk / "a.mp4")
    kept = {folder / video.name}

    def mount(*arguments):
        done = subprocess.run(arguments, capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"nothing can be mounted here: {done.stderr!r}")

    mount("mount", "--bind", disk, folder)
    try:
        with watching(pace=pace) as begun:
            begun.next()
            (folder / "a.mp4").touch()  # it changes, and the disk goes before that is taken up
            subprocess.run(["umount", folder], check=True)
            wait_until(lambda: begun.recorder.problems)
            time.sleep(QUIET_S)
            assert known_files(library) == (kept, set())
            assert "disk mounted?" in begun.recorder.problems[0].hint

            put("b", disk / "b.mp4")
            mount("mount", "--bind", disk, folder)

            assert begun.next().indexed == 1
    finally:
        subprocess.run(["umount", "--lazy", folder], capture_output=True, check=False)


def test_a_polled_folder_is_kept_up_to_date_as_well(watching, folder, library, put):
    first = put("a", folder / "a.mp4")
    with watching(pace=POLLING) as begun:
        begun.next()

        new = put("b", folder / "b.mp4")
        assert begun.next().indexed == 1
        first.unlink()
        assert begun.next().missing == 1

    assert known_files(library) == ({new}, {first})


def test_a_polled_folder_that_is_suddenly_empty_may_be_an_unmounted_disk(
    watching, folder, library, put
):
    video = put("a", folder / "a.mp4")
    with watching(pace=POLLING) as begun:
        begun.next()

        video.unlink()

        wait_until(lambda: begun.recorder.problems)
    assert "nothing was marked missing" in begun.recorder.problems[0].message
    assert known_files(library) == ({video}, set())


def test_the_network_is_built_once_and_only_when_it_is_needed(
    library, folder, network, monkeypatch, put
):
    built = []
    monkeypatch.setattr(
        "vidindex.inception.InceptionEmbedder", lambda *_, **__: built.append(1) or network
    )
    begun = Watching(library, [folder], None, PACE)
    try:
        wait_until(lambda: begun.recorder.notices)
        assert built == []

        for clip in "ab":
            put(clip, folder / f"{clip}.mp4")
            assert begun.next().indexed == 1
    finally:
        begun.end()

    assert built == [1]


def test_a_misspelt_folder_is_refused(watching, folder):
    with pytest.raises(Refused, match=r"there is no folder .*nowhere"), watching("nowhere"):
        pass


def test_a_file_is_refused(watching, folder, put):
    with pytest.raises(Refused, match="is no folder"), watching(put("a", folder / "a.mp4")):
        pass


def test_weights_that_are_not_there_end_a_watch(folder, put):
    put("a", folder / "a.mp4")
    library = Library(folder / "library.db", Settings(weights="nowhere.h5"))

    with pytest.raises(WeightsError, match=r"nowhere\.h5"):
        watch(library, [folder], tell=lambda _: None, stopping=lambda: False)


def test_the_first_run_of_a_library_that_cannot_be_written_is_refused(folder, source, put):
    put("a", folder / "a.mp4")
    library = Library(folder / "nowhere/library.db", Settings(weights="untrained"))

    with pytest.raises(Refused, match="cannot write beside the library"):
        watch(library, [folder], tell=lambda _: None, stopping=lambda: False, source=source)
