"""Letting go of files that are gone: what is dropped, and what depends on it."""

import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta

from tests.pruning.conftest import names, vectors
from vidindex.pruning import PruneRequest, prune
from vidindex.reporting import Silence


def test_files_that_are_gone_go_with_their_vectors(library, lose):
    lose("a", "b")

    result = library.prune()

    assert result.is_done
    assert names(result) == ["a.mp4", "b.mp4"]
    assert (len(result.video_ids), result.vectors, result.failures) == (2, 2, 0)
    assert (library.status().present, library.status().missing, vectors(library)) == (4, 0, 4)
    library.check()


def test_nothing_goes_when_nothing_is_gone(library, folder):
    before = library.path.read_bytes()

    result = library.prune()

    assert (result.is_done, result.files, result.video_ids) == (False, (), ())
    assert library.path.read_bytes() == before


def test_a_dry_run_foretells_it_and_changes_no_byte(library, lose):
    lose("a", "b")
    before = library.path.read_bytes()

    foretold = library.prune(dry_run=True)

    assert library.path.read_bytes() == before
    done = library.prune()
    assert (foretold.is_done, done.is_done) == (False, True)
    assert (foretold.files, foretold.video_ids) == (done.files, done.video_ids)
    assert foretold.size_bytes == sum(file.stat.size_bytes for file in done.files) > 0


def test_without_consent_nothing_goes(library, lose):
    lose("a")
    asked = []

    result = library.prune(confirm=lambda plan: bool(asked.append(plan)))

    assert [names(plan) for plan in asked] == [["a.mp4"]]
    assert not result.is_done
    assert library.status().missing == 1


def test_a_content_that_another_file_holds_keeps_its_vector(library, index, put, lose, folder):
    put("a", folder / "copy of a.mp4")
    index(folder)
    lose("a", "b")

    result = library.prune()

    assert (names(result), result.vectors) == (["a.mp4", "b.mp4"], 1)
    assert [file.stat.path.name for file in library.show(folder / "copy of a.mp4").files] == [
        "copy of a.mp4"
    ]
    assert vectors(library) == 5


def test_a_failure_goes_with_its_file(library, index, folder, lose):
    (folder / "text.mp4").write_text("not a video\n")
    index(folder)
    lose("text")

    result = library.prune()

    assert (names(result), result.vectors, result.failures) == (["text.mp4"], 0, 1)


def test_a_content_that_an_edit_replaced_goes_with_the_whole_librarys(library, index, put, folder):
    put("a", folder / "b.mp4")
    index(folder)
    assert vectors(library) == 6

    assert library.prune(folder).video_ids == ()
    assert library.prune(older_than_days=1).video_ids == ()
    result = library.prune()

    assert (result.files, result.vectors, vectors(library)) == ((), 1, 5)


def test_a_clustering_keeps_its_sizes_and_the_labels_of_what_is_left(library, lose):
    library.cluster(2)
    before = library.labels()
    lose("a", "b")

    library.prune()

    after = library.labels()
    assert (after.run, after.clusters) == (before.run, before.clusters)
    assert [(row.stat.path.name, row.label) for row in after.rows] == [
        (row.stat.path.name, row.label)
        for row in before.rows
        if row.stat.path.name not in ("a.mp4", "b.mp4")
    ]
    assert library.cluster(2).videos == 4


def test_moves_can_be_undone_after_it(library, index, folder, tmp_path):
    library.cluster(1)
    library.apply(tmp_path / "out")
    (tmp_path / "out/cluster_0/a.mp4").unlink()
    index(tmp_path / "out")
    assert names(library.prune()) == ["a.mp4"]

    result = library.undo()

    assert result.count("done") == 5
    assert sorted(path.name for path in folder.iterdir()) == [f"{clip}.mp4" for clip in "bcdef"]


def test_a_file_that_comes_back_later_is_indexed_anew(library, index, put, folder, lose):
    lose("a")
    library.prune()

    put("a", folder / "a.mp4")

    assert index(folder).indexed == 1


def test_only_files_at_or_below_the_paths_go(library, index, put, folder, tmp_path, lose):
    for clip in "abc":
        put(clip, tmp_path / f"in 2/{clip}.mp4")
    index(tmp_path / "in 2")
    (tmp_path / "in 2/a.mp4").unlink()
    index(tmp_path / "in 2")
    lose("e")

    assert library.prune(tmp_path / "in").files[0].stat.path == folder / "e.mp4"
    assert library.prune([tmp_path / "in 2"]).files[0].stat.path == tmp_path / "in 2/a.mp4"


def test_only_what_has_been_missing_for_so_long_goes(library, lose):
    lose("a")
    request = PruneRequest(older_than_days=30)
    missed = datetime.now(UTC)

    early = prune(library.path, request, Silence(), now=missed + timedelta(days=29, hours=23))
    late = prune(library.path, request, Silence(), now=missed + timedelta(days=30))

    assert (names(early), names(late)) == ([], ["a.mp4"])


def test_a_kill_in_the_middle_drops_all_or_nothing(library, lose):
    lose("a", "b")
    killed = textwrap.dedent(
        """
        import os, signal, sys
        from vidindex import Library
        from vidindex.store import pruning
        pruning.drop_videos = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        Library(sys.argv[1]).prune()
        """
    )

    subprocess.run([sys.executable, "-c", killed, library.path], check=False)

    assert (library.status().missing, vectors(library)) == (2, 6)
    assert len(library.prune().files) == 2
