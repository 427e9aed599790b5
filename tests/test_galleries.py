"""A run as it is looked at, and files that are opened only while they are what is known."""

import os
from pathlib import Path

import pytest

from tests.generated import add_videos, around, centers, named, put_copy
from vidindex import Library
from vidindex.db.engine import Database
from vidindex.errors import Refused
from vidindex.galleries import GalleryVideo
from vidindex.store import files, thumbnails
from vidindex.store.thumbnails import NewThumbnail

KINDS = ("beach", "city")
EACH = 6


@pytest.fixture
def clustered(tmp_path: Path) -> Library:
    """A library of twelve files of two kinds, in two clusters."""
    points = centers(len(KINDS))
    for row, kind in enumerate(KINDS):
        vectors = around(points[row], EACH, seed=row)
        add_videos(tmp_path / "library.db", named({kind: vectors}), tmp_path / kind, writes=True)
    library = Library(tmp_path / "library.db")
    library.cluster(len(KINDS))
    return library


def stored(library: Library) -> list[files.StoredFile]:
    with Database(library.path) as database, database.reading() as session:
        return files.list_files(session)


def distances(videos: tuple[GalleryVideo, ...]) -> list[float | None]:
    return [video.distance for video in videos]


def test_a_gallery_shows_the_ends_of_each_cluster_and_how_large_it_is(clustered):
    gallery = clustered.gallery(typical=2, least=3)

    assert gallery.is_in_use
    assert [each.size for each in gallery.clusters] == [EACH, EACH]
    for each in gallery.clusters:
        page = clustered.members(gallery.run.id, each.cluster.label).videos
        assert distances(page) == sorted(distances(page))
        assert each.typical == page[:2]
        assert each.least == page[:2:-1]
    assert (gallery.unsorted.cluster, gallery.unsorted.size) == (None, 0)


def test_no_video_is_shown_at_both_ends(clustered):
    for each in clustered.gallery(typical=4, least=4).clusters:
        assert (len(each.typical), len(each.least)) == (4, 2)
        assert {*each.typical}.isdisjoint(each.least)


def test_without_ends_only_sizes_are_told(clustered):
    gallery = clustered.gallery(typical=0, least=0)

    assert [(each.size, each.typical, each.least) for each in gallery.clusters] == [
        (EACH, (), ())
    ] * 2


def test_a_page_is_a_part_of_a_cluster(clustered):
    whole = clustered.members(1, 0).videos

    page = clustered.members(1, 0, offset=2, limit=3)

    assert (page.videos, page.total) == (whole[2:5], EACH)
    assert clustered.members(1, 0, offset=99).videos == ()
    assert clustered.members(1, None).total == 0


def test_runs_labels_and_videos_that_are_not_there_are_refused(clustered):
    with pytest.raises(Refused, match="no run 7"):
        clustered.gallery(7)
    with pytest.raises(Refused, match="no label 7"):
        clustered.members(1, 7)
    with pytest.raises(Refused, match="no video 99"):
        clustered.video_hash(99)
    assert clustered.videos([99]) == {}


def test_pictures_are_counted_and_sent(clustered):
    with Database(clustered.path) as database, database.writing() as session:
        pictures = [NewThumbnail(0, 240, 135, b"one"), NewThumbnail(30, 240, 135, b"two")]
        thumbnails.put_thumbnails(session, 1, pictures)

    shown = clustered.videos([1, 2])

    assert vars_of(shown[1].pictures) == (2, 240, 135)
    assert shown[2].pictures is None
    assert clustered.thumbnail(1, 1) == b"two"
    assert clustered.thumbnail(1, 2) is None


def vars_of(pictures):
    return (pictures.count, pictures.width_px, pictures.height_px)


def test_a_video_is_shown_by_its_first_present_file(clustered):
    first = stored(clustered)[0]
    put_copy(clustered.path, first.stat.path, first.stat.path.with_name("zz.mp4"))
    with Database(clustered.path) as database, database.writing() as session:
        files.mark_missing(session, [first.id], since=clustered.runs()[0].created_at)

    shown = clustered.videos([first.video_id])[first.video_id]

    assert shown.file.stat.path.name == "zz.mp4"
    assert shown.file.missing_since is None


def test_a_video_without_a_present_file_is_still_shown(clustered):
    first = stored(clustered)[0]
    with Database(clustered.path) as database, database.writing() as session:
        files.mark_missing(session, [first.id], since=clustered.runs()[0].created_at)

    gallery = clustered.gallery()

    assert [each.size for each in gallery.clusters] == [EACH, EACH]
    assert clustered.videos([first.video_id])[first.video_id].file.missing_since is not None
    assert clustered.open_video(first.id) is None


def test_pins_later_videos_and_other_runs_are_told(clustered):
    video = clustered.members(1, 0).videos[0]
    clustered.pin(video.video.blake3.hex(), 1)
    vector = around(centers(2)[0], 1, seed=9)
    add_videos(clustered.path, named({"new": vector}), clustered.path.parent, writes=True)
    clustered.assign()

    shown = clustered.videos([video.video.id, 13], 1)

    assert (shown[video.video.id].pinned_to, shown[video.video.id].label) == (1, 1)
    assert shown[13].is_placed_later
    alone = clustered.videos([13])[13]
    assert (alone.label, alone.distance, alone.is_placed_later) == (None, None, False)
    clustered.cluster(1)
    changed = clustered.changed_videos(1, 2)
    assert {(each.before, each.video.label) for each in changed} in ({(0, 1)}, {(1, 0)})
    assert not clustered.gallery(1).is_in_use


def test_a_file_that_is_as_it_was_is_opened(clustered):
    file = stored(clustered)[0]

    video = clustered.open_video(file.id)

    try:
        assert os.read(video.descriptor, 1000) == file.stat.path.read_bytes()
        assert not os.get_inheritable(video.descriptor)
    finally:
        os.close(video.descriptor)
    assert (video.size_bytes, video.suffix) == (file.stat.size_bytes, ".mp4")
    assert clustered.open_video(99) is None


def test_a_file_in_a_folder_that_may_only_be_passed_through_is_opened(clustered):
    file = stored(clustered)[0]
    file.stat.path.parent.chmod(0o111)

    video = clustered.open_video(file.id)

    file.stat.path.parent.chmod(0o755)
    os.close(video.descriptor)


def test_a_file_that_was_moved_a_moment_ago_is_found_at_its_new_place(clustered, monkeypatch):
    file = stored(clustered)[0]
    new = file.stat.path.with_name("moved.mp4")
    file.stat.path.rename(new)

    def note(_seconds):
        with Database(clustered.path) as database, database.writing() as session:
            files.rename_file(session, file.id, new)

    monkeypatch.setattr("vidindex.galleries.time.sleep", note)
    video = clustered.open_video(file.id)

    os.close(video.descriptor)


def test_an_overview_counts_what_the_status_lists(clustered):
    out = clustered.path.parent / "out"
    clustered.apply(out)

    overview, status = clustered.overview(), clustered.status()

    assert overview.present == status.present == 12
    assert (overview.missing, overview.failures, overview.unplaced) == (0, 0, 0)
    assert overview.recipes == status.recipes
    assert overview.run == status.run
    assert (overview.undoable, overview.destination) == ((1, 12), out)
    clustered.undo()
    assert clustered.overview().undoable is None
