"""What the user wishes of every clustering: videos in a certain cluster, and videos apart."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
from sqlalchemy.orm import Session

from vidindex.db import schema
from vidindex.errors import Refused, UsageError
from vidindex.querying import choose_run, find_video
from vidindex.reporting import Reporter
from vidindex.spaces import Space, find_nearest
from vidindex.store import clusterings, distinctions, embeddings, files, videos, wishes
from vidindex.store.clusterings import UNSORTED, StoredCluster, StoredRun
from vidindex.store.videos import StoredVideo

PinState = Literal["moved", "there", "later"]


@dataclass(frozen=True)
class WishedVideo:
    """A video that a wish is of. label: of its cluster in the run in use; None if in no one.

    path: one of its files; None if it has none any more.
    """

    path: Path | None
    blake3: bytes
    label: int | None


@dataclass(frozen=True)
class PinnedVideo:
    """A video that was pinned. video.label: of the cluster that it was in.

    state: it was "moved" in the run in use, was "there", or its place changes only "later", with
    the next clustering, as it is the only one of its cluster or does not belong to that run.
    """

    video: WishedVideo
    state: PinState


@dataclass(frozen=True)
class PinResult:
    """The cluster that some videos are pinned to, of the run in use."""

    run: int
    label: int
    name: str | None
    pinned: tuple[PinnedVideo, ...]


@dataclass(frozen=True)
class Pinned:
    """A video and the label that it belongs to. name: of that cluster in the run in use."""

    video: WishedVideo
    label: int
    name: str | None


@dataclass(frozen=True)
class WishesAnswer:
    """All wishes. apart: pairs of videos that are never to share a cluster.

    distinct: pairs that are no duplicates.
    """

    pins: tuple[Pinned, ...]
    apart: tuple[tuple[WishedVideo, WishedVideo], ...]
    distinct: tuple[tuple[WishedVideo, WishedVideo], ...]


def pin(
    library: Path,
    videos_given: Sequence[str],
    label: str,
    *,
    reporter: Reporter,
    wait: bool = False,
) -> PinResult:
    """Pin videos to a cluster of the run in use, there at once and in every later clustering.

    videos_given: paths, or beginnings of hashes. label: its number, or its name. wait: until
    another vidindex has finished.

    Raises:
        Refused: there is no such cluster, a video is unknown or has no usable vector, or it must
            be apart from another of that label; nothing was changed.
    """
    with schema.changing(library, reporter.notice, wait=wait) as session:
        run = choose_run(session, None)
        cluster = _find_cluster(session, run, label)
        look = _Look(session, run)
        pinned = []
        for video in _find_videos(session, videos_given):
            before = look.at(video)
            wishes.put_pin(session, video.id, cluster.label, now=datetime.now(UTC))
            _require_apart(session, video, cluster.label, look)
            pinned.append(PinnedVideo(before, _place(session, run, video, before, cluster.label)))
    return PinResult(run.id, cluster.label, cluster.name, tuple(pinned))


def unpin(
    library: Path, videos_given: Sequence[str], *, reporter: Reporter, wait: bool = False
) -> list[WishedVideo]:
    """Let videos go where they belong in the next clustering. The run in use stays as it is.

    Raises:
        Refused: a video is unknown or not pinned; nothing was changed.
    """
    with schema.changing(library, reporter.notice, wait=wait) as session:
        look = _Look(session, _run_in_use(session))
        unpinned = []
        for video in _find_videos(session, videos_given):
            unpinned.append(look.at(video))
            if not wishes.drop_pin(session, video.id):
                raise Refused(f"{look.name(video)} is not pinned", "vidindex wishes lists what is")
    return unpinned


def keep_apart(
    library: Path, one: str, other: str, *, reporter: Reporter, wait: bool = False
) -> tuple[WishedVideo, WishedVideo]:
    """Never let two videos share a cluster, from the next clustering on.

    Raises:
        UsageError: both are one content.
        Refused: one is unknown, or both are pinned to one label; nothing was changed.
    """
    with schema.changing(library, reporter.notice, wait=wait) as session:
        look = _Look(session, _run_in_use(session))
        first, second = _find_pair(session, one, other)
        wishes.put_separation(session, first.id, second.id, now=datetime.now(UTC))
        pins = wishes.list_pins(session)
        if first.id in pins:
            _require_apart(session, first, pins[first.id], look)
        return look.at(first), look.at(second)


def let_together(
    library: Path, one: str, other: str, *, reporter: Reporter, wait: bool = False
) -> tuple[WishedVideo, WishedVideo]:
    """Let two videos share a cluster again.

    Raises:
        UsageError: both are one content.
        Refused: one is unknown, or they were not to be apart; nothing was changed.
    """
    with schema.changing(library, reporter.notice, wait=wait) as session:
        look = _Look(session, _run_in_use(session))
        first, second = _find_pair(session, one, other)
        if not wishes.drop_separation(session, first.id, second.id):
            raise Refused(
                f"{look.name(first)} and {look.name(second)} may share a cluster already",
                "vidindex wishes lists what may not",
            )
        return look.at(first), look.at(second)


def get_wishes(library: Path) -> WishesAnswer:
    """Return all pins, by label and path, and all pairs that are kept apart, or are distinct."""
    with schema.open_for_reading(library) as database, database.reading() as session:
        run = _run_in_use(session)
        look = _Look(session, run)
        known = {} if run is None else clusterings.list_clusters(session, run.id)
        names = {cluster.label: cluster.name for cluster in known}
        by_id = {video.id: video for video in videos.find_videos(session, "")}
        pins = [
            Pinned(look.at(by_id[number]), label, names.get(label))
            for number, label in wishes.list_pins(session).items()
        ]
        apart, distinct = (
            sorted(
                ((look.at(by_id[one]), look.at(by_id[other])) for one, other in pairs),
                key=lambda pair: [str(video.path) for video in pair],
            )
            for pairs in (
                wishes.list_separations(session),
                distinctions.list_distinctions(session),
            )
        )
    return WishesAnswer(
        tuple(sorted(pins, key=lambda each: (each.label, str(each.video.path)))),
        tuple(apart),
        tuple(distinct),
    )


class _Look:
    """Looks up where videos lie, and which clusters of a run they are in."""

    def __init__(self, session: Session, run: StoredRun | None) -> None:
        self._session = session
        self._labels = {} if run is None else clusterings.load_labels(session, run.id)

    def at(self, video: StoredVideo) -> WishedVideo:
        label = self._labels.get(video.id, UNSORTED)
        known = files.list_files(self._session, video_id=video.id)
        present = [file for file in known if file.missing_since is None] or known
        path = present[0].stat.path if present else None
        return WishedVideo(path, video.blake3, None if label == UNSORTED else label)

    def name(self, video: StoredVideo) -> str:
        path = self.at(video).path
        return video.blake3.hex()[:12] if path is None else str(path)


def _run_in_use(session: Session) -> StoredRun | None:
    return clusterings.run_in_use(clusterings.list_runs(session))


def _find_videos(session: Session, given: Sequence[str]) -> list[StoredVideo]:
    """Return contents, each once, in the order in which they are given."""
    found = [find_video(session, path_or_hash) for path_or_hash in given]
    return list({video.id: video for video in found}.values())


def _find_pair(session: Session, one: str, other: str) -> tuple[StoredVideo, StoredVideo]:
    pair = _find_videos(session, [one, other])
    if len(pair) == 1:
        raise UsageError(f"{one} and {other} are one content", "name two different videos")
    return pair[0], pair[1]


def _find_cluster(session: Session, run: StoredRun, given: str) -> StoredCluster:
    """Return the cluster of a label, or of a name: as given, or else whatever the case."""
    clusters = clusterings.list_clusters(session, run.id)
    name = unicodedata.normalize("NFC", given).strip()
    for found in (
        [each for each in clusters if str(each.label) == name],
        [each for each in clusters if each.name == name],
        [each for each in clusters if each.name and each.name.casefold() == name.casefold()],
    ):
        if len(found) == 1:
            return found[0]
    labels = ", ".join(
        f"{each.label} ({each.name})" if each.name else str(each.label) for each in clusters
    )
    raise Refused(f"run {run.id} has no label or name {given}", f"its labels are {labels}")


def _require_apart(session: Session, video: StoredVideo, label: int, look: _Look) -> None:
    """Check that no video of the same pin must be apart from this one."""
    pins = wishes.list_pins(session)
    apart = wishes.list_apart_from(session, video.id)
    if not any(pins.get(other) == label for other in apart):
        return
    by_id = {each.id: each for each in videos.find_videos(session, "")}
    other = next(by_id[number] for number in apart if pins.get(number) == label)
    raise Refused(
        f"{look.name(video)} and {look.name(other)} must be apart, and cannot both be pinned to "
        f"label {label}",
        "unpin one of them, or let them share a cluster: vidindex can A B",
    )


def _place(
    session: Session, run: StoredRun, video: StoredVideo, before: WishedVideo, label: int
) -> PinState:
    """Put a pinned video into its cluster of the run in use, if it belongs to that run."""
    known = [vector.recipe_id for vector in embeddings.list_vectors_of(session, video.id)]
    if not known:
        raise Refused(
            f"{before.path} has no vector, so no clustering has it", "vidindex failures says why"
        )
    if before.label == label:
        return "there"
    is_outside = run.scope is not None and not any(
        file.stat.path.is_relative_to(run.scope)
        for file in files.list_files(session, video_id=video.id)
    )
    if run.recipe_id not in known or (before.label is None and is_outside):
        return "later"
    vector = next(embeddings.read_vectors(session, run.recipe_id, [video.id], 1))
    if not np.isfinite(vector).all():
        raise Refused(f"the stored vector of {before.path} is damaged", "vidindex db check")
    stored = clusterings.load_centroids(session, run.id)
    space = Space(stored.normalize, stored.shift, stored.scale)
    _, distances = find_nearest(vector, stored.centroids[stored.labels == label], space)
    was_moved = wishes.move_to_label(session, run.id, video.id, label, float(distances[0]))
    return "moved" if was_moved else "later"
