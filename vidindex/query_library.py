"""The part of the library that only answers: nothing here changes it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from vidindex.config import Settings, default_database
from vidindex.db.engine import database_path
from vidindex.paths import StrPath, resolve

if TYPE_CHECKING:
    from vidindex.comparing import DiffAnswer
    from vidindex.deduplicating import DuplicatesAnswer
    from vidindex.explaining import Explanation
    from vidindex.galleries import ChangedVideo, Gallery, GalleryVideo, OpenedVideo, Page
    from vidindex.listing import ListAnswer, ListRequest
    from vidindex.overviews import Overview
    from vidindex.querying import (
        ClustersAnswer,
        FailuresAnswer,
        LabelsAnswer,
        PastBatch,
        Status,
        Vectors,
        VideoAnswer,
    )
    from vidindex.reporting import Problem
    from vidindex.searching import SearchAnswer
    from vidindex.store.clusterings import StoredRun
    from vidindex.store.statements import StatementResult
    from vidindex.surveying import BorderlineAnswer, TypicalAnswer
    from vidindex.wishing import WishesAnswer


class QueryLibrary:
    """A library of videos that is asked; see Library."""

    def __init__(self, url: StrPath | None = None, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.path = database_path(os.fspath(url or self.settings.db or default_database()))

    def runs(self) -> list[StoredRun]:
        """Return the stored clusterings, the oldest first."""
        from vidindex import querying

        return querying.get_runs(self.path)

    def diff(self, before: int | None = None, after: int | None = None) -> DiffAnswer:
        """Compare two runs; by default the one in use with the one before it."""
        from vidindex import comparing

        return comparing.get_diff(self.path, before, after)

    def clusters(self, run: int | None = None) -> ClustersAnswer:
        """Return the clusters of a run with their names, of the one in use by default."""
        from vidindex import querying

        return querying.get_clusters(self.path, run)

    def labels(
        self, run: int | None = None, label: int | None = None, *, unsorted: bool = False
    ) -> LabelsAnswer:
        """Return the labels of a run, of the one in use by default.

        label: only of this one. unsorted: only the files that are in no cluster.
        """
        from vidindex import querying

        return querying.get_labels(self.path, run, label, unsorted=unsorted)

    def files(self, request: ListRequest | None = None) -> ListAnswer:
        """Return the files that a request asks for; by default all that are there, by path."""
        from vidindex import listing

        return listing.list_files(self.path, request or listing.ListRequest())

    def paths(self, beginning: StrPath = "", limit: int = 100) -> list[Path]:
        """Return the first known paths that begin so, of files that are there."""
        from vidindex import listing

        return listing.list_paths(self.path, os.fsencode(beginning), limit)

    def sql(
        self,
        statement: str,
        *,
        limit: int | None = None,
        time_limit_s: float = 20.0,
        stopping: Callable[[], bool] = lambda: False,
    ) -> StatementResult:
        """Run one SQL statement that reads, on the tables and views; see asking.ask."""
        from vidindex import asking

        return asking.ask(
            self.path, statement, limit=limit, time_limit_s=time_limit_s, stopping=stopping
        )

    def wishes(self) -> WishesAnswer:
        """Return the videos that are pinned, kept apart, or noted as no duplicates."""
        from vidindex import wishing

        return wishing.get_wishes(self.path)

    def show(self, path_or_hash: StrPath) -> VideoAnswer:
        """Return all that is known of a file, or of a content by the start of its hash."""
        from vidindex import querying

        return querying.get_video(self.path, os.fspath(path_or_hash))

    def gallery(self, run: int | None = None, *, typical: int = 24, least: int = 4) -> Gallery:
        """Return the clusters of a run with so many of their most and least typical videos."""
        from vidindex import galleries

        return galleries.get_gallery(self.path, run, typical=typical, least=least)

    def members(self, run: int, label: int | None, *, offset: int = 0, limit: int = 100) -> Page:
        """Return some videos of a cluster of a run; label None: of those that are in none."""
        from vidindex import galleries

        return galleries.get_members(self.path, run, label, offset=offset, limit=limit)

    def videos(self, video_ids: Iterable[int], run: int | None = None) -> dict[int, GalleryVideo]:
        """Return some videos by their numbers, as a run has them, or (None) as they are."""
        from vidindex import galleries

        return galleries.get_videos(self.path, list(video_ids), run)

    def overview(self) -> Overview:
        """Return the library in numbers, more quickly than its status."""
        from vidindex import overviews

        return overviews.get_overview(self.path)

    def video_hash(self, video_id: int) -> bytes:
        """Return the content hash of the video of a number."""
        from vidindex import galleries

        return galleries.get_video_hash(self.path, video_id)

    def open_video(self, file_id: int) -> OpenedVideo | None:
        """Open the file of a number, if it is still what the library knows; else None."""
        from vidindex import galleries

        return galleries.open_video(self.path, file_id)

    def changed_videos(self, before: int, after: int, *, limit: int = 200) -> list[ChangedVideo]:
        """Return videos whose labels in two runs differ."""
        from vidindex import galleries

        return galleries.list_changed(self.path, before, after, limit)

    def thumbnail(self, video_id: int, position: int = 0) -> bytes | None:
        """Return a thumbnail of a video as a JPEG file, or None if it has no such one."""
        from vidindex import galleries

        return galleries.get_jpeg(self.path, video_id, position)

    def search(
        self,
        words: str | Iterable[str],
        *,
        limit: int = 20,
        least: float | None = None,
        label: int | None = None,
        recipe: int | None = None,
    ) -> SearchAnswer:
        """Rank videos by the network's classes whose names hold all the words.

        least: the lowest score, in deviations above the library's mean; half of one by default.
        label: only this cluster of the run in use.
        """
        from vidindex import searching

        asked = (words,) if isinstance(words, str) else tuple(words)
        request = searching.SearchRequest(asked, limit, least, label, recipe)
        return searching.search(self.path, request)

    def duplicates(
        self,
        *,
        within: StrPath | None = None,
        exact_only: bool = False,
        least: float | None = None,
        recipe: int | None = None,
    ) -> DuplicatesAnswer:
        """Find files of one content, and videos that are versions of each other.

        within: only at or below this folder. exact_only: only files of one content. least: the
        lowest cosine of versions; by the library's own cosines, if None.
        """
        from vidindex import deduplicating

        request = deduplicating.DuplicatesRequest(resolved(within), exact_only, least, recipe)
        return deduplicating.find_duplicates(self.path, request)

    @staticmethod
    def lesser_copies(answer: DuplicatesAnswer) -> tuple[list[Path], list[Problem]]:
        """Return the files that are not the best of their groups, and why some are left out."""
        from vidindex import deduplicating

        return deduplicating.list_lesser(answer.groups)

    def explain(
        self, path_or_hash: StrPath, *, run: int | None = None, top: int = 5
    ) -> Explanation:
        """Tell why a video is in its cluster of a run; top: how many neighbours."""
        from vidindex import explaining

        return explaining.explain(self.path, os.fspath(path_or_hash), run=run, top=top)

    def outliers(
        self, run: int | None = None, label: int | None = None, *, limit: int = 10
    ) -> TypicalAnswer:
        """Return the videos that are unusually far from their centroid, those first."""
        from vidindex import surveying

        return surveying.list_outliers(self.path, surveying.SurveyRequest(limit, run, label))

    def representatives(
        self, run: int | None = None, label: int | None = None, *, limit: int = 3
    ) -> TypicalAnswer:
        """Return the videos nearest to the centroid of each cluster; limit: of each."""
        from vidindex import surveying

        return surveying.list_representatives(self.path, surveying.SurveyRequest(limit, run, label))

    def borderline(
        self, run: int | None = None, label: int | None = None, *, limit: int = 10
    ) -> BorderlineAnswer:
        """Return the videos that could as well be in another cluster, the least margin first."""
        from vidindex import surveying

        return surveying.list_borderline(self.path, surveying.SurveyRequest(limit, run, label))

    def vectors(self, recipe: int | None = None) -> Vectors:
        """Load the stored vectors: (n, 2048) float32, with paths and hashes in the same order."""
        from vidindex import querying

        return querying.get_vectors(self.path, recipe)

    def status(self) -> Status:
        """Return the library's state."""
        from vidindex import querying

        return querying.get_status(self.path)

    def history(self) -> list[PastBatch]:
        """Return the batches of moves, the newest first."""
        from vidindex import querying

        return querying.get_history(self.path)

    def failures(self) -> FailuresAnswer:
        """Return which files could not be decoded or read, and why."""
        from vidindex import querying

        return querying.get_failures(self.path)


def resolved(path: StrPath | None) -> Path | None:
    """Return a path as the library stores it."""
    return None if path is None else resolve(path)


def numbered(video: StrPath | int) -> str | int:
    """Return a video's number, or its path or hash as a text."""
    return video if isinstance(video, int) else os.fspath(video)


def listed(paths: StrPath | Iterable[StrPath]) -> list[StrPath]:
    """Take one path for a list of one; the letters of a text are no paths."""
    return [paths] if isinstance(paths, str | os.PathLike) else list(paths)
