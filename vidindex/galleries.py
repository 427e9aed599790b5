"""What a run looks like: its clusters, the videos in them, and their thumbnails. Only reads."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from sqlalchemy.orm import Session

from vidindex.db import schema
from vidindex.errors import Refused, SystemStopped
from vidindex.querying import choose_run, require_label
from vidindex.real_files import open_real
from vidindex.scanning import FileStat
from vidindex.store import clusterings, galleries, thumbnails, wishes
from vidindex.store.clusterings import UNSORTED, StoredCluster, StoredRun
from vidindex.store.files import StoredFile
from vidindex.store.galleries import Member, Pictures
from vidindex.store.videos import StoredVideo

MOST_LOOKS = 3  # a file that is being moved has another path a moment later
LOOK_AGAIN_S = 0.05


@dataclass(frozen=True)
class GalleryVideo:
    """A video of a run.

    file: the first of its files that are present, or one that is missing; None if it has none.
    label: None where it is in no cluster. distance: None where no run has it. is_placed_later: it
    came after the run. pinned_to: the label that the user wishes it in. pictures: its thumbnails,
    None if it has none.
    """

    video: StoredVideo
    file: StoredFile | None
    label: int | None
    distance: float | None
    is_placed_later: bool
    pinned_to: int | None
    pictures: Pictures | None


@dataclass(frozen=True)
class GalleryCluster:
    """A cluster, or (cluster None) the videos that are in none.

    size: how many videos are in it now. typical: those nearest to its middle, the nearest first.
    least: those farthest from it that are not among these, the farthest first.
    """

    cluster: StoredCluster | None
    size: int
    typical: tuple[GalleryVideo, ...]
    least: tuple[GalleryVideo, ...]


@dataclass(frozen=True)
class Gallery:
    """A run as it is looked at. is_in_use: whether it is the run in use."""

    run: StoredRun
    is_in_use: bool
    clusters: tuple[GalleryCluster, ...]
    unsorted: GalleryCluster


@dataclass(frozen=True)
class OpenedVideo:
    """A file that is open for reading. suffix: of its name, with the dot. blake3: its content."""

    descriptor: int
    size_bytes: int
    suffix: str
    blake3: bytes


@dataclass(frozen=True)
class ChangedVideo:
    """A video whose label was another before, or None; as the later of two runs has it."""

    video: GalleryVideo
    before: int | None


@dataclass(frozen=True)
class Page:
    """A part of the videos of a cluster, the nearest to its middle first; total: of them all."""

    run: StoredRun
    videos: tuple[GalleryVideo, ...]
    total: int


def get_gallery(
    library: Path, run: int | None = None, *, typical: int = 24, least: int = 4
) -> Gallery:
    """Return the clusters of a run, of the one in use by default, with some of their videos.

    Raises:
        Refused: there is no such run.
    """
    with _reading(library) as session:
        chosen = choose_run(session, run)
        in_use = clusterings.run_in_use(clusterings.list_runs(session))
        grouped = {
            label: list(members)
            for label, members in groupby(
                galleries.list_members(session, chosen.id), key=lambda member: member.label
            )
        }
        ends = {
            label: (members[:typical], members[typical:][-least:][::-1] if least else [])
            for label, members in grouped.items()
        }
        shown = [member for parts in ends.values() for part in parts for member in part]
        seen = _look_at(session, shown)
        known = clusterings.list_clusters(session, chosen.id)

    def show(label: int, cluster: StoredCluster | None) -> GalleryCluster:
        first, last = (
            tuple(seen[member.video_id] for member in part) for part in ends.get(label, ((), ()))
        )
        return GalleryCluster(cluster, len(grouped.get(label, ())), first, last)

    return Gallery(
        chosen,
        in_use is not None and in_use.id == chosen.id,
        tuple(show(cluster.label, cluster) for cluster in known),
        show(UNSORTED, None),
    )


def get_members(
    library: Path, run: int, label: int | None, *, offset: int = 0, limit: int = 100
) -> Page:
    """Return some videos of a cluster, or (label None) of those in none, from an offset on.

    Raises:
        Refused: there is no such run, or no such label in it.
    """
    with _reading(library) as session:
        chosen = choose_run(session, run)
        if label is not None:
            require_label(session, chosen, label)
        wanted = UNSORTED if label is None else label
        members = [
            member
            for member in galleries.list_members(session, chosen.id)
            if member.label == wanted
        ]
        shown = members[offset : offset + limit]
        seen = _look_at(session, shown)
    return Page(chosen, tuple(seen[member.video_id] for member in shown), len(members))


def get_videos(
    library: Path, video_ids: Sequence[int], run: int | None = None
) -> dict[int, GalleryVideo]:
    """Return some videos by number, as a run has them, or (None) with no regard to any.

    Those that the run does not have are in no cluster of it.

    Raises:
        Refused: there is no such run.
    """
    with _reading(library) as session:
        chosen = None if run is None else choose_run(session, run).id
        members = [] if chosen is None else galleries.list_members(session, chosen)
        return _look(session, video_ids, members)


def list_changed(library: Path, before: int, after: int, limit: int) -> list[ChangedVideo]:
    """Return videos that are in both runs with different labels, by the label that they have now.

    Raises:
        Refused: there is no such run.
    """
    with _reading(library) as session:
        old = clusterings.load_labels(session, choose_run(session, before).id)
        members = galleries.list_members(session, choose_run(session, after).id)
        changed = [
            member
            for member in members
            if member.video_id in old and old[member.video_id] != member.label
        ][:limit]
        seen = _look_at(session, changed)
    return [ChangedVideo(seen[member.video_id], _shown(old[member.video_id])) for member in changed]


def get_video_hash(library: Path, video_id: int) -> bytes:
    """Return the content hash of the video of a number.

    Raises:
        Refused: there is none.
    """
    with _reading(library) as session:
        found = galleries.find_contents(session, [video_id])
    if video_id not in found:
        raise Refused(f"there is no video {video_id}")
    return found[video_id].blake3


def open_video(library: Path, file_id: int) -> OpenedVideo | None:
    """Open the file of a number, if it is still what the library knows, else return None.

    The caller closes it.

    Raises:
        SystemStopped: too many files are open.
    """
    for _ in range(MOST_LOOKS):
        with _reading(library) as session:
            file = galleries.find_file(session, file_id)
        if file is None or file.missing_since is not None or file.blake3 is None:
            return None
        opened = _open_known(file.stat)
        if opened is not None:
            return OpenedVideo(opened, file.stat.size_bytes, file.stat.path.suffix, file.blake3)
        time.sleep(LOOK_AGAIN_S)
    return None


def get_jpeg(library: Path, video_id: int, position: int) -> bytes | None:
    """Return a thumbnail as a JPEG file, or None if there is none."""
    with _reading(library) as session:
        return thumbnails.find_jpeg(session, video_id, position)


def _open_known(known: FileStat) -> int | None:
    """Open a file if its size, time and inode are those known; devices change their numbers."""
    try:
        descriptor = open_real(known.path)
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise SystemStopped(
                f"cannot open {known.path}: {error.strerror}", "raise the limit (ulimit -n)"
            ) from error
        return None
    found = FileStat.of(known.path, os.fstat(descriptor))
    if replace(found, device=known.device) == known:
        return descriptor
    os.close(descriptor)
    return None


@contextmanager
def _reading(library: Path) -> Iterator[Session]:
    with schema.open_for_reading(library) as database, database.reading() as session:
        yield session


def _look(
    session: Session, video_ids: Sequence[int], members: Iterable[Member]
) -> dict[int, GalleryVideo]:
    """Return what is known of some videos, of which some may be members of a run."""
    by_id = {member.video_id: member for member in members}
    contents = galleries.find_contents(session, video_ids)
    places = galleries.find_places(session, video_ids)
    pictures = galleries.count_pictures(session, video_ids)
    pins = wishes.list_pins(session)

    def show(number: int, content: StoredVideo) -> GalleryVideo:
        member = by_id.get(number)
        return GalleryVideo(
            content,
            places.get(number),
            None if member is None else _shown(member.label),
            None if member is None else member.distance,
            member is not None and member.is_placed_later,
            pins.get(number),
            pictures.get(number),
        )

    return {number: show(number, content) for number, content in contents.items()}


def _look_at(session: Session, members: Sequence[Member]) -> dict[int, GalleryVideo]:
    return _look(session, [member.video_id for member in members], members)


def _shown(label: int) -> int | None:
    return None if label == UNSORTED else label
