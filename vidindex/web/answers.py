"""The library's answers as JSON. Every text is printable: what a name hides is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vidindex.comparing import DiffAnswer
from vidindex.deduplicating import DuplicatesAnswer
from vidindex.errors import VidindexError
from vidindex.escaping import printable
from vidindex.galleries import ChangedVideo, Gallery, GalleryCluster, GalleryVideo
from vidindex.lineage import Change
from vidindex.mapping import MapAnswer
from vidindex.overviews import Overview
from vidindex.querying import FailuresAnswer, VideoAnswer
from vidindex.reporting import Problem
from vidindex.store.clusterings import StoredRun
from vidindex.web.jobs import Job

Json = dict[str, Any]
MOST_K = 60


def library(found: Overview, job: Job | None) -> Json:
    """Return the library at a glance."""
    in_use = None if found.run is None else found.run.id
    vectors = max((recipe.vectors for recipe in found.recipes), default=0)
    return {
        "name": printable(found.library.name),
        "path": printable(found.library),
        "videos": found.present,
        "missing": found.missing,
        "failures": found.failures,
        "recipes": [
            {
                "recipe": recipe.id,
                "description": printable(recipe.description),
                "vectors": recipe.vectors,
            }
            for recipe in found.recipes
        ],
        "runs": [run_data(run, in_use) for run in found.runs],
        "in_use": in_use,
        "unplaced": found.unplaced,
        "k_most": max(1, min(vectors - 1, MOST_K)),
        "busy": None if job is None else job.number,
        "undo": found.undoable and dict(zip(("batch", "moves"), found.undoable, strict=True)),
        "destination": "" if found.destination is None else printable(found.destination),
    }


def run_data(run: StoredRun, in_use: int | None) -> Json:
    """Return what a run is."""
    return {
        "run": run.id,
        "k": run.k,
        "algorithm": run.algorithm,
        "clusters": run.k,
        "videos": run.video_count,
        "created_at": run.created_at.isoformat(),
        "in_use": run.id == in_use,
        "silhouette": run.silhouette,
        "stability": run.stability,
        "inertia": run.inertia,
    }


def gallery(found: Gallery) -> Json:
    """Return the clusters of a run."""
    return {
        "run": run_data(found.run, found.run.id if found.is_in_use else None),
        "clusters": [_cluster(each) for each in found.clusters],
        "unsorted": {
            "size": found.unsorted.size,
            "videos": [video(each) for each in found.unsorted.typical],
        },
    }


def _cluster(each: GalleryCluster) -> Json:
    stored = each.cluster
    return {
        "label": None if stored is None else stored.label,
        "name": None if stored is None or stored.name is None else printable(stored.name),
        "name_source": None if stored is None else stored.name_source,
        "size": each.size,
        "videos": [video(shown) for shown in each.typical],
        "least": [video(shown) for shown in each.least],
    }


def video(each: GalleryVideo) -> Json:
    """Return a video of a run."""
    file, info, pictures = each.file, each.video.info, each.pictures
    is_present = file is not None and file.missing_since is None
    return {
        "id": each.video.id,
        "file": file.id if file is not None and is_present else None,
        "name": each.video.blake3.hex()[:12] if file is None else printable(file.stat.path.name),
        "path": "" if file is None else printable(file.stat.path),
        "label": each.label,
        "distance": each.distance,
        "pinned": each.pinned_to is not None,
        "pinned_to": each.pinned_to,
        "placed_later": each.is_placed_later,
        "thumbnails": 0 if pictures is None else pictures.count,
        "width": None if pictures is None else pictures.width_px,
        "height": None if pictures is None else pictures.height_px,
        "duration_s": None if info is None else info.duration_s,
        "size_bytes": each.video.size_bytes,
    }


def video_whole(number: int, answer: VideoAnswer) -> Json:
    """Return all that is known of a video."""
    info = answer.video.info
    return {
        "id": number,
        "hash": answer.video.blake3.hex(),
        "size_bytes": answer.video.size_bytes,
        "added_at": answer.video.added_at.isoformat(),
        "files": [
            {
                "file": file.id,
                "path": printable(file.stat.path),
                "missing": file.missing_since is not None,
            }
            for file in answer.files
        ],
        "duration_s": None if info is None else info.duration_s,
        "width": None if info is None else info.width_px,
        "height": None if info is None else info.height_px,
        "codec": None if info is None else printable(info.codec),
        "labels": [
            {
                "run": run,
                "label": label,
                "name": None if name is None else printable(name),
                "distance": distance,
            }
            for run, label, name, distance in answer.labels
        ],
        "failures": [printable(failure.reason) for failure in answer.failures],
        "pinned_to": answer.pinned_to,
    }


def diff(answer: DiffAnswer, changed: Iterable[ChangedVideo]) -> Json:
    """Return what differs between two runs."""
    return {
        "before": answer.before.id,
        "after": answer.after.id,
        "stay": answer.stay,
        "move": answer.move,
        "only_before": answer.only_before,
        "only_after": answer.only_after,
        "changes": [_change(change, answer) for change in answer.changes],
        "moved": [
            {
                "video": video(each.video),
                "from": each.before,
                "to": each.video.label,
                "from_name": _name(each.before, answer.names_before),
                "to_name": _name(each.video.label, answer.names_after),
            }
            for each in changed
        ],
    }


def _change(change: Change, answer: DiffAnswer) -> str:
    before = " + ".join(_label(label, answer.names_before) for label in change.before)
    after = " + ".join(_label(label, answer.names_after) for label in change.after)
    ways = " -> ".join(way for way in (before, after) if way)
    count = "1 video" if change.videos == 1 else f"{change.videos} videos"
    return f"{change.kind}: {ways} ({count})"


def _label(label: int, names: dict[int, str]) -> str:
    return f"{label} {printable(names[label])}" if label in names else str(label)


def _name(label: int | None, names: dict[int, str]) -> str | None:
    return None if label is None or label not in names else printable(names[label])


def library_map(run: int, found: MapAnswer, videos: dict[int, GalleryVideo]) -> Json:
    """Return where the videos of a run lie on the map."""
    return {
        "run": run,
        "points": [
            video(videos[point.video_id]) | {"x": point.x, "y": point.y}
            for point in found.points
            if point.video_id in videos
        ],
    }


def duplicates(found: DuplicatesAnswer, videos: dict[int, GalleryVideo]) -> Json:
    """Return the groups of copies."""
    return {
        "groups": [
            {
                "kind": group.kind,
                "saveable_bytes": group.saveable_bytes,
                "videos": [
                    video(videos[file.video_id])
                    | {
                        "file": file.file_id,
                        "name": printable(file.path.name),
                        "path": printable(file.path),
                        "best": file.is_best,
                        "cosine": file.cosine,
                        "size_bytes": file.size_bytes,
                        "width_px": None if file.info is None else file.info.width_px,
                        "height_px": None if file.info is None else file.info.height_px,
                        "codec": None if file.info is None else printable(file.info.codec),
                    }
                    for file in group.files
                    if file.video_id in videos
                ],
            }
            for group in found.groups
        ],
        "unpictured": found.unpictured,
        "unclear": found.unclear,
    }


def failures(answer: FailuresAnswer) -> Json:
    """Return the files that cannot be used."""
    rows = [
        {"path": printable(each.path), "reason": printable(each.reason)}
        for each in answer.undecodable
    ]
    rows += [
        {"path": printable(each.stat.path), "reason": printable(each.read_error)}
        for each in answer.unreadable
    ]
    return {"rows": rows}


def job_data(job: Job) -> Json:
    """Return how far a job is."""
    error = None
    if job.state == "failed":
        error = (
            {"message": "this is a bug in vidindex", "hint": "the terminal of vidindex serve says"}
            if job.error is None
            else error_data(job.error)
        )
    return {
        "job": job.number,
        "kind": job.kind,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "message": printable(job.message),
        "result": job.result,
        "error": error,
        "stopped": job.stop.is_set(),
    }


def problems_data(problems: Iterable[Problem]) -> list[Json]:
    """Return what could not be done, and why."""
    return [
        {
            "path": printable(problem.path),
            "message": printable(problem.message),
            "hint": printable(problem.hint),
        }
        for problem in problems
    ]


def error_data(error: VidindexError) -> Json:
    """Return an error's message and hint."""
    return {"message": printable(error.message), "hint": printable(error.hint)}
