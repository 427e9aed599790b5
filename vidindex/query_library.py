"""The part of the library that only answers: nothing here changes it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from vidindex.config import Settings, default_database
from vidindex.db.engine import database_path
from vidindex.paths import StrPath, resolve

if TYPE_CHECKING:
    from vidindex.comparing import DiffAnswer
    from vidindex.explaining import Explanation
    from vidindex.querying import (
        ClustersAnswer,
        FailuresAnswer,
        LabelsAnswer,
        PastBatch,
        Status,
        Vectors,
        VideoAnswer,
    )
    from vidindex.searching import SearchAnswer
    from vidindex.store.clusterings import StoredRun
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

    def wishes(self) -> WishesAnswer:
        """Return the videos that are pinned, and those that are kept apart."""
        from vidindex import wishing

        return wishing.get_wishes(self.path)

    def show(self, path_or_hash: StrPath) -> VideoAnswer:
        """Return all that is known of a file, or of a content by the start of its hash."""
        from vidindex import querying

        return querying.get_video(self.path, os.fspath(path_or_hash))

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


def listed(paths: StrPath | Iterable[StrPath]) -> list[StrPath]:
    """Take one path for a list of one; the letters of a text are no paths."""
    return [paths] if isinstance(paths, str | os.PathLike) else list(paths)
