"""The half of the library that is about clusterings: made, compared, named, asked, wished for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from vidindex.config import Settings, default_database
from vidindex.db.engine import database_path
from vidindex.paths import StrPath, resolve
from vidindex.reporting import Reporter, Silence

if TYPE_CHECKING:
    from vidindex.choosing import NameResult, RemoveResult, UseResult
    from vidindex.clustering import ClusterResult, RangeResult
    from vidindex.clustering import Request as ClusterRequest
    from vidindex.comparing import DiffAnswer
    from vidindex.explaining import Explanation
    from vidindex.naming_clusters import NamesResult
    from vidindex.placing import PlaceResult
    from vidindex.querying import (
        ClustersAnswer,
        LabelsAnswer,
        VideoAnswer,
    )
    from vidindex.searching import SearchAnswer
    from vidindex.store.clusterings import StoredRun
    from vidindex.surveying import BorderlineAnswer, TypicalAnswer
    from vidindex.wishing import PinResult, WishedVideo, WishesAnswer


class ClusterLibrary:
    """A library of videos that are indexed already; see Library."""

    def __init__(self, url: StrPath | None = None, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.path = database_path(os.fspath(url or self.settings.db or default_database()))

    def cluster(
        self,
        k: int | None,
        *,
        reporter: Reporter | None = None,
        recipe: int | None = None,
        scope: StrPath | None = None,
    ) -> ClusterResult:
        """Group the stored vectors into k clusters and store the run.

        k: None if settings.algorithm is "hdbscan". recipe: its number, where the library has
        vectors of several. scope: only videos with a file at or below this folder.
        """
        from vidindex import clustering

        request = self._cluster_request(recipe, scope)
        return clustering.cluster(self.path, k, request, reporter or Silence())

    def cluster_range(
        self,
        ks: Iterable[int],
        *,
        reporter: Reporter | None = None,
        recipe: int | None = None,
        scope: StrPath | None = None,
    ) -> RangeResult:
        """Store a run for each of some numbers of clusters, and recommend one of them."""
        from vidindex import clustering

        request = self._cluster_request(recipe, scope)
        return clustering.cluster_range(self.path, sorted({*ks}), request, reporter or Silence())

    def runs(self) -> list[StoredRun]:
        """Return the stored clusterings, the oldest first."""
        from vidindex import querying

        return querying.get_runs(self.path)

    def use(self, run: int, *, reporter: Reporter | None = None) -> UseResult:
        """Make a run the one in use, and place the videos in it that came since."""
        from vidindex import choosing

        tell = reporter or Silence()
        return choosing.use(self.path, run, reporter=tell, wait=self.settings.wait)

    def remove_runs(
        self, runs: Iterable[int], *, force: bool = False, reporter: Reporter | None = None
    ) -> RemoveResult:
        """Forget runs, with their labels and names. force: also the one in use."""
        from vidindex import choosing

        return choosing.remove_runs(
            self.path,
            list(runs),
            reporter=reporter or Silence(),
            force=force,
            wait=self.settings.wait,
        )

    def diff(self, before: int | None = None, after: int | None = None) -> DiffAnswer:
        """Compare two runs; by default the one in use with the one before it."""
        from vidindex import comparing

        return comparing.get_diff(self.path, before, after)

    def assign(self, run: int | None = None, *, reporter: Reporter | None = None) -> PlaceResult:
        """Place the videos that a run does not have, the one in use by default."""
        from vidindex import placing

        tell = reporter or Silence()
        return placing.assign(self.path, reporter=tell, run=run, wait=self.settings.wait)

    def clusters(self, run: int | None = None) -> ClustersAnswer:
        """Return the clusters of a run with their names, of the one in use by default."""
        from vidindex import querying

        return querying.get_clusters(self.path, run)

    def name(
        self,
        label: int,
        text: str | None,
        *,
        run: int | None = None,
        reporter: Reporter | None = None,
    ) -> NameResult:
        """Give a cluster a name, which stays with it in later runs; None takes it away."""
        from vidindex import choosing

        return choosing.name_cluster(
            self.path,
            label,
            text,
            reporter=reporter or Silence(),
            run=run,
            wait=self.settings.wait,
        )

    def labels(
        self, run: int | None = None, label: int | None = None, *, unsorted: bool = False
    ) -> LabelsAnswer:
        """Return the labels of a run, of the one in use by default.

        label: only of this one. unsorted: only the files that are in no cluster.
        """
        from vidindex import querying

        return querying.get_labels(self.path, run, label, unsorted=unsorted)

    def pin(
        self,
        paths: StrPath | Iterable[StrPath],
        label: int | str,
        *,
        reporter: Reporter | None = None,
    ) -> PinResult:
        """Keep videos in a cluster of the run in use: at once, and in every later clustering.

        paths: also beginnings of hashes. label: a number or a name.
        """
        from vidindex import wishing

        given = [os.fspath(path) for path in listed(paths)]
        tell, wait = reporter or Silence(), self.settings.wait
        return wishing.pin(self.path, given, str(label), reporter=tell, wait=wait)

    def unpin(
        self, paths: StrPath | Iterable[StrPath], *, reporter: Reporter | None = None
    ) -> list[WishedVideo]:
        """Let pinned videos go where they belong in the next clustering."""
        from vidindex import wishing

        given = [os.fspath(path) for path in listed(paths)]
        tell, wait = reporter or Silence(), self.settings.wait
        return wishing.unpin(self.path, given, reporter=tell, wait=wait)

    def keep_apart(
        self, one: StrPath, other: StrPath, *, reporter: Reporter | None = None
    ) -> tuple[WishedVideo, WishedVideo]:
        """Never let two videos share a cluster, from the next clustering on."""
        from vidindex import wishing

        pair = os.fspath(one), os.fspath(other)
        tell, wait = reporter or Silence(), self.settings.wait
        return wishing.keep_apart(self.path, *pair, reporter=tell, wait=wait)

    def let_together(
        self, one: StrPath, other: StrPath, *, reporter: Reporter | None = None
    ) -> tuple[WishedVideo, WishedVideo]:
        """Let two videos share a cluster again."""
        from vidindex import wishing

        pair = os.fspath(one), os.fspath(other)
        tell, wait = reporter or Silence(), self.settings.wait
        return wishing.let_together(self.path, *pair, reporter=tell, wait=wait)

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

    def name_automatically(
        self, run: int | None = None, *, reporter: Reporter | None = None
    ) -> NamesResult:
        """Name the clusters of a run by what they show, but those that the user named."""
        from vidindex import naming_clusters

        return naming_clusters.name_automatically(
            self.path,
            reporter=reporter or Silence(),
            run=run,
            class_index=self.settings.class_index,
            wait=self.settings.wait,
        )

    def _cluster_request(self, recipe: int | None, scope: StrPath | None) -> ClusterRequest:
        from vidindex.algorithms import Method
        from vidindex.clustering import Request

        settings = self.settings
        method = Method(settings.algorithm, settings.seed, settings.n_init, settings.normalize)
        return Request(method, recipe, resolved(scope), settings.wait)


def resolved(path: StrPath | None) -> Path | None:
    """Return a path as the library stores it."""
    return None if path is None else resolve(path)


def listed(paths: StrPath | Iterable[StrPath]) -> list[StrPath]:
    """Take one path for a list of one; the letters of a text are no paths."""
    return [paths] if isinstance(paths, str | os.PathLike) else list(paths)
