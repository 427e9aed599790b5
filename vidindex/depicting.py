"""Compose what a report shows of a library, and choose the pictures that it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, groupby, zip_longest
from pathlib import Path

from vidindex.deduplicating import DuplicateGroup
from vidindex.escaping import printable
from vidindex.looking import Seen
from vidindex.report.content import (
    Copy,
    Duplicates,
    Failure,
    Network,
    Place,
    Point,
    Report,
    Run,
    Sheet,
    Summary,
    Tile,
    Tried,
)
from vidindex.store.clusterings import UNSORTED, StoredRun
from vidindex.store.files import StoredFile
from vidindex.store.galleries import Member
from vidindex.store.maps import StoredPoint

_PATHS_OF_A_FAILURE = 100
_GROUPS = 200
_FILES_OF_A_GROUP = 20
_LEAST_SHARE = 3  # for so many typical videos of a cluster, one of the least typical
# What a picture takes in the page: its bytes in base64, and a tag.
_BASE64 = 4 / 3
_TAG_BYTES = 100

Parts = tuple[Sequence[Member], Sequence[Member]]  # the typical ones, and the least typical


@dataclass(frozen=True)
class Extent:
    """How much a report shows.

    videos: the most typical of each cluster; a third of that more of the least typical.
    pictures: of each of them. max_bytes: of all pictures, as they lie in the page.
    """

    videos: int = 12
    pictures: int = 1
    max_bytes: int = 50_000_000


@dataclass(frozen=True)
class Drawn:
    """What was computed for a report: the map, and the groups of duplicates."""

    points: Sequence[StoredPoint]
    groups: Sequence[DuplicateGroup]


def depict(library: Path, seen: Seen, drawn: Drawn, extent: Extent, version: str) -> Report:
    """Return what a report shows. version: of vidindex."""
    parts = _part(seen, extent)
    points = [point for point in drawn.points if point.video_id in seen.places]
    kept, left_out = _choose_pictures(seen, list(parts.values()), points, extent)
    sheets = _make_sheets(seen, parts, kept)
    return Report(
        summary=_summarize(library, seen, version),
        network=_describe_network(seen),
        run=_describe_run(seen),
        tried=tuple(_list_tried(seen)),
        sheets=tuple(sheet for sheet in sheets if sheet.label is not None),
        unsorted=next((sheet for sheet in sheets if sheet.label is None), None),
        points=tuple(_list_points(seen, points, kept)),
        left_out=left_out,
        groups=tuple(_to_group(group) for group in drawn.groups[:_GROUPS]),
        group_count=len(drawn.groups),
        failures=tuple(_list_failures(seen)),
    )


def _part(seen: Seen, extent: Extent) -> dict[int, Parts]:
    """Return the most and the least typical videos of each label, UNSORTED last."""
    least = -(-extent.videos // _LEAST_SHARE)
    parts: dict[int, Parts] = {}
    for label, group in groupby(seen.members, key=lambda member: member.label):
        members = list(group)
        rest = members[extent.videos :]
        parts[label] = (members[: extent.videos], rest[-least:][::-1])
    return parts


def _choose_pictures(
    seen: Seen, parts: Sequence[Parts], points: Sequence[StoredPoint], extent: Extent
) -> tuple[dict[int, tuple[Place, ...]], int]:
    """Return the pictures that fit, by video, and how many do not.

    First come those of the contact sheets, a video of each sheet in turn, then those of the map.
    """
    rows = zip_longest(*(chain(*each) for each in parts))
    on_sheets = [member.video_id for row in rows for member in row if member is not None]
    wanted = dict.fromkeys(on_sheets, extent.pictures)
    for row in _evenly(len(points)):
        wanted.setdefault(points[row].video_id, 1)
    kept: dict[int, tuple[Place, ...]] = {}
    room, left_out = float(extent.max_bytes), 0
    for video, count in wanted.items():
        sizes = seen.sizes.get(video, ())
        positions = _spread(len(sizes), count)
        needed = sum(sizes[position] * _BASE64 + _TAG_BYTES for position in positions)
        if needed <= room:
            room -= needed
            kept[video] = tuple((video, position) for position in positions)
        else:
            left_out += len(positions)
    return kept, left_out


def _evenly(count: int) -> list[int]:
    """Return the numbers below count in an order whose every beginning is spread evenly.

    Source: van der Corput's sequence, https://en.wikipedia.org/wiki/Van_der_Corput_sequence
    """
    bits = max(1, count.bit_length())
    return sorted(range(count), key=lambda number: int(f"{number:0{bits}b}"[::-1], 2))


def _spread(count: int, wanted: int) -> list[int]:
    """Return some of the positions below count, evenly; of one, that in the middle."""
    some = min(count, wanted)
    return [(2 * number + 1) * count // (2 * some) for number in range(some)]


def _make_sheets(
    seen: Seen, parts: Mapping[int, Parts], kept: Mapping[int, tuple[Place, ...]]
) -> list[Sheet]:
    sizes = Counter(member.label for member in seen.members)
    names = {cluster.label: cluster.name for cluster in seen.clusters}
    sheets = []
    for label in [*names, *([UNSORTED] if sizes[UNSORTED] else [])]:
        typical, least = (
            tuple(_to_tile(seen, member, kept) for member in part)
            for part in parts.get(label, ((), ()))
        )
        name = names.get(label)
        shown = None if name is None else printable(name)
        sheets.append(
            Sheet(None if label == UNSORTED else label, shown, sizes[label], typical, least)
        )
    return sheets


def _to_tile(seen: Seen, member: Member, kept: Mapping[int, tuple[Place, ...]]) -> Tile:
    path = seen.places[member.video_id].stat.path
    info = seen.contents[member.video_id].info
    return Tile(
        member.video_id,
        printable(path.name),
        printable(path),
        member.distance,
        None if info is None else info.duration_s,
        member.video_id in seen.pins,
        member.is_placed_later,
        kept.get(member.video_id, ()),
    )


def _list_points(
    seen: Seen, points: Sequence[StoredPoint], kept: Mapping[int, tuple[Place, ...]]
) -> Iterator[Point]:
    labels = {member.video_id: member.label for member in seen.members}
    for point in points:
        path = seen.places[point.video_id].stat.path
        label = labels.get(point.video_id, UNSORTED)
        yield Point(
            point.video_id,
            point.x,
            point.y,
            None if label == UNSORTED else label,
            printable(path.parent),
            printable(path.name),
            next(iter(kept.get(point.video_id, ())), None),
        )


def _summarize(library: Path, seen: Seen, version: str) -> Summary:
    known = [
        video.info.duration_s
        for video in seen.contents.values()
        if video.info is not None and video.info.duration_s is not None
    ]
    unreadable = _list_unreadable(seen)
    failed = {path for _, path in seen.failures}
    missing = sum(file.missing_since is not None for file in seen.files)
    return Summary(
        library=printable(library.name),
        made_at=datetime.now(UTC),
        version=version,
        videos=len(seen.places),
        files=sum(file.video_id is not None for file in seen.files) - missing,
        missing=missing,
        failures=len(failed) + len(unreadable),
        duration_s=sum(known),
        undated=len(seen.contents) - len(known),
        size_bytes=sum(video.size_bytes for video in seen.contents.values()),
        runs=len(seen.runs),
        without_pictures=sum(
            video not in seen.sizes and file.stat.path not in failed
            for video, file in seen.places.items()
        ),
    )


def _describe_network(seen: Seen) -> Network | None:
    if seen.recipe is None:
        return None
    name = seen.recipe.weights_name
    return Network(
        printable(name),
        printable(seen.recipe.description).removeprefix(f"{printable(name)} weights, "),
    )


def _describe_run(seen: Seen) -> Run | None:
    run = seen.run
    if run is None:
        return None
    return Run(
        run.id,
        run.algorithm,
        len(seen.clusters),
        len(seen.members),
        run.created_at,
        seen.is_in_use,
        None if run.scope is None else printable(run.scope),
        run.silhouette,
        run.stability,
        run.inertia,
        seen.newer,
    )


def _list_tried(seen: Seen) -> Iterator[Tried]:
    """Return the newest run of each K, of those that can be compared with the one shown."""
    if seen.run is None:
        return
    kind = _kind(seen.run)
    by_k = {run.k: run for run in seen.runs if _kind(run) == kind} | {seen.run.k: seen.run}
    for k in sorted(by_k):
        run = by_k[k]
        yield Tried(k, run.id, run.inertia, run.silhouette, run.stability, run == seen.run)


def _kind(run: StoredRun) -> tuple[object, ...]:
    return run.recipe_id, run.algorithm, run.normalize, run.scope, run.video_count


def _to_group(group: DuplicateGroup) -> Duplicates:
    copies = tuple(
        Copy(file.video_id, printable(file.path), file.size_bytes, file.is_best, file.cosine)
        for file in group.files[:_FILES_OF_A_GROUP]
    )
    return Duplicates(group.kind == "exact", copies, len(group.files), group.saveable_bytes)


def _list_failures(seen: Seen) -> Iterator[Failure]:
    """Return the failures by their reason, the most frequent first."""
    rows = {
        *seen.failures,
        *((str(file.read_error), file.stat.path) for file in _list_unreadable(seen)),
    }
    paths: dict[str, list[str]] = {}
    for reason, path in sorted(rows, key=lambda row: row[1]):
        paths.setdefault(printable(reason), []).append(printable(path))
    for reason, found in sorted(paths.items(), key=lambda each: -len(each[1])):
        yield Failure(reason, len(found), tuple(found[:_PATHS_OF_A_FAILURE]))


def _list_unreadable(seen: Seen) -> list[StoredFile]:
    return [
        file for file in seen.files if file.missing_since is None and file.read_error is not None
    ]
