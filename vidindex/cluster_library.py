"""The part of the library that is about clusterings: made, chosen, named, wished for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from vidindex.paths import StrPath
from vidindex.query_library import QueryLibrary, listed, numbered, resolved
from vidindex.reporting import Reporter, Silence

if TYPE_CHECKING:
    from vidindex.choosing import NameResult, RemoveResult, UseResult
    from vidindex.clustering import ClusterResult, RangeResult
    from vidindex.clustering import Request as ClusterRequest
    from vidindex.distinguishing import DistinctPair
    from vidindex.mapping import MapAnswer
    from vidindex.naming_clusters import NamesResult
    from vidindex.placing import PlaceResult
    from vidindex.wishing import PinResult, WishedVideo


class ClusterLibrary(QueryLibrary):
    """A library of videos that are indexed already; see Library."""

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

    def cluster_or_reuse(
        self, k: int, *, reporter: Reporter | None = None, recipe: int | None = None
    ) -> int:
        """Return the number of a run of k clusters, in use now: an equal stored one, or a new."""
        from vidindex import repeating

        request = self._cluster_request(recipe, None)
        return repeating.cluster_or_reuse(self.path, k, request, reporter or Silence())

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

    def assign(self, run: int | None = None, *, reporter: Reporter | None = None) -> PlaceResult:
        """Place the videos that a run does not have, the one in use by default."""
        from vidindex import placing

        tell = reporter or Silence()
        return placing.assign(self.path, reporter=tell, run=run, wait=self.settings.wait)

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

    def set_distinct(
        self, one: StrPath | int, other: StrPath | int, *, reporter: Reporter | None = None
    ) -> DistinctPair:
        """Note that two videos are no duplicates. Each: a path, a hash's start, or a number."""
        from vidindex import distinguishing

        pair = numbered(one), numbered(other)
        tell, wait = reporter or Silence(), self.settings.wait
        return distinguishing.set_distinct(self.path, *pair, reporter=tell, wait=wait)

    def unset_distinct(
        self, one: StrPath | int, other: StrPath | int, *, reporter: Reporter | None = None
    ) -> DistinctPair:
        """Let two videos be found as duplicates again."""
        from vidindex import distinguishing

        pair = numbered(one), numbered(other)
        tell, wait = reporter or Silence(), self.settings.wait
        return distinguishing.unset_distinct(self.path, *pair, reporter=tell, wait=wait)

    def map(self, recipe: int | None = None, *, reporter: Reporter | None = None) -> MapAnswer:
        """Return where the videos of a recipe lie on a plane, the like ones near each other.

        Made and stored the first time, which takes long; then videos that came since are placed.
        """
        from vidindex import mapping

        return mapping.get_map(self.path, reporter or Silence(), recipe)

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
