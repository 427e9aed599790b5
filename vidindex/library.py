"""The library as Python sees it; the command line is its first client.

>>> from vidindex import Library, Settings
>>> library = Library("videos.db", Settings(weights="untrained"))
>>> library.index(["~/Videos"]).indexed
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from vidindex.config import Settings, default_database
from vidindex.db.engine import database_path
from vidindex.paths import StrPath, resolve
from vidindex.reporting import Reporter, Silence

if TYPE_CHECKING:
    from vidindex.choosing import NameResult, RemoveResult, UseResult
    from vidindex.classifier import Classifier
    from vidindex.clustering import ClusterResult, RangeResult
    from vidindex.clustering import Request as ClusterRequest
    from vidindex.comparing import DiffAnswer
    from vidindex.embedding import (
        Embedder,
        EmbedderSource,
        FrameReader,
    )
    from vidindex.explaining import Explanation
    from vidindex.indexing import IndexResult
    from vidindex.learning import LearnResult
    from vidindex.moving import Control, MoveResult
    from vidindex.naming_clusters import NamesResult
    from vidindex.placing import PlaceResult
    from vidindex.pruning import PruneResult
    from vidindex.querying import (
        ClustersAnswer,
        FailuresAnswer,
        LabelsAnswer,
        Status,
        Vectors,
        VideoAnswer,
    )
    from vidindex.searching import SearchAnswer
    from vidindex.sorting import SortResult
    from vidindex.store.clusterings import StoredRun
    from vidindex.surveying import BorderlineAnswer, TypicalAnswer
    from vidindex.weights import WeightsSource
    from vidindex.wishing import PinResult, WishedVideo, WishesAnswer


def _never() -> bool:
    return False


class Library:
    """A library of videos: one database file.

    url: a file, or sqlite:///FILE; made by the first `index`. By default settings.db, or else
        library.db in the user's data folder.
    settings: how videos are described and grouped (the defaults reproduce the published recipe),
        and whether to wait for another vidindex that is changing the library.

    Every method raises a `VidindexError` with a message and a hint, never prints, and reports
    progress to a `Reporter`.
    """

    def __init__(self, url: StrPath | None = None, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.path = database_path(os.fspath(url or self.settings.db or default_database()))

    def index(
        self,
        paths: StrPath | Iterable[StrPath],
        *,
        reporter: Reporter | None = None,
        retry_failed: bool = False,
        confirm_missing: bool = False,
        verify: bool = False,
        stopping: Callable[[], bool] = _never,
        source: EmbedderSource | None = None,
        read_frames: FrameReader | None = None,
    ) -> IndexResult:
        """Bring files and folders (recursively) up to date.

        retry_failed: try videos again that could not be decoded before.
        confirm_missing: a folder without any video left is not taken for an absent disk.
        verify: hash unchanged files too, and report those that hold other bytes than before.
        stopping: asked again and again; true ends the run. What is finished is kept.
        source, read_frames: another network or decoder than vidindex's own, which decodes in
            processes of its own.
        """
        from vidindex import indexing
        from vidindex.decoders import Decoders, DecodingLimits

        request = indexing.IndexRequest(
            tuple(resolve(path) for path in _listed(paths)), retry_failed, confirm_missing, verify
        )
        limits = DecodingLimits(self.settings.decode_limit_s, self.settings.decode_memory_mb << 20)
        self._make_default_folder()
        network = source or find_network(self.settings)
        with Decoders(limits) as decoders:
            tools = indexing.IndexTools(
                network,
                read_frames or decoders,
                reporter or Silence(),
                stopping,
                decoders.close,
                network.load_classifier if isinstance(network, _InceptionSource) else lambda: None,
            )
            return indexing.index(self.path, request, self.settings, tools)

    def vectors(self, recipe: int | None = None) -> Vectors:
        """Load the stored vectors: (n, 2048) float32, with paths and hashes in the same order."""
        from vidindex import querying

        return querying.get_vectors(self.path, recipe)

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

        given = [os.fspath(path) for path in _listed(paths)]
        tell, wait = reporter or Silence(), self.settings.wait
        return wishing.pin(self.path, given, str(label), reporter=tell, wait=wait)

    def unpin(
        self, paths: StrPath | Iterable[StrPath], *, reporter: Reporter | None = None
    ) -> list[WishedVideo]:
        """Let pinned videos go where they belong in the next clustering."""
        from vidindex import wishing

        given = [os.fspath(path) for path in _listed(paths)]
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

    def status(self) -> Status:
        """Return the library's state."""
        from vidindex import querying

        return querying.get_status(self.path)

    def failures(self) -> FailuresAnswer:
        """Return which files could not be decoded or read, and why."""
        from vidindex import querying

        return querying.get_failures(self.path)

    def prune(
        self,
        paths: StrPath | Iterable[StrPath] = (),
        *,
        older_than_days: int = 0,
        force: bool = False,
        dry_run: bool = False,
        confirm: Callable[[PruneResult], bool] = lambda _: True,
        reporter: Reporter | None = None,
    ) -> PruneResult:
        """Drop what is stored of files that are gone: at or below some paths, or of all.

        older_than_days: only of those that have been missing for so long. force: also most files
        of a folder, and files whose disk seems to be absent. dry_run: only say what would be
        dropped. confirm: asked once, with that.
        """
        from vidindex import pruning

        chosen = tuple(resolve(path) for path in _listed(paths))
        return pruning.prune(
            self.path,
            pruning.PruneRequest(chosen, older_than_days, force),
            reporter or Silence(),
            now=datetime.now(UTC),
            dry_run=dry_run,
            confirm=confirm,
            wait=self.settings.wait,
        )

    def apply(
        self,
        destination: StrPath,
        *,
        run: int | None = None,
        scope: StrPath | None = None,
        tree_depth: int = 0,
        dry_run: bool = False,
        control: Control | None = None,
    ) -> MoveResult:
        """Move the files of a clustering into ``destination/cluster_<label>/``.

        tree_depth: levels of groups of like clusters, ``group_<n>/``, that the folders are in.
        dry_run: only say what would be done. control: a reporter, and how to ask and to stop.
        """
        from vidindex import moving

        return moving.apply(
            self.path,
            resolve(destination),
            control or moving.Control(Silence()),
            run=run,
            scope=resolved(scope),
            tree_depth=tree_depth,
            dry_run=dry_run,
            wait=self.settings.wait,
        )

    def learn(
        self, folder: StrPath, *, recipe: int | None = None, reporter: Reporter | None = None
    ) -> LearnResult:
        """Take the subfolders of a folder, arranged by hand, over as clusters of their names."""
        from vidindex import learning

        tell = reporter or Silence()
        return learning.learn(
            self.path, resolve(folder), self.settings, reporter=tell, recipe=recipe
        )

    def sort(
        self,
        inbox: StrPath,
        like: StrPath,
        *,
        least_confidence: float = 0.3,
        recipe: int | None = None,
        dry_run: bool = False,
        control: Control | None = None,
    ) -> SortResult:
        """Move indexed videos into the subfolders of ``like`` whose videos they are like.

        least_confidence: from 0 to 1; what is less sure stays. dry_run: only say what would be
        done. control: a reporter, and how to ask and to stop.
        """
        from vidindex import moving, sorting

        request = sorting.SortRequest(resolve(inbox), resolve(like), least_confidence, recipe)
        steering = control or moving.Control(Silence())
        return sorting.sort(self.path, request, self.settings, steering, dry_run=dry_run)

    def undo(
        self,
        batch: int | None = None,
        *,
        manifest: StrPath | None = None,
        dry_run: bool = False,
        control: Control | None = None,
    ) -> MoveResult:
        """Put the files of a batch back: of the newest apply that is not undone, by default.

        manifest: of a batch of a library that was lost.
        """
        from vidindex import moving

        return moving.undo(
            self.path,
            control or moving.Control(Silence()),
            batch=batch,
            manifest=resolved(manifest),
            dry_run=dry_run,
            wait=self.settings.wait,
        )

    def revision(self) -> str:
        """Return the revision of the database's schema."""
        from vidindex.db import schema

        return schema.require(self.path)

    def upgrade(self, reporter: Reporter | None = None) -> tuple[str, str]:
        """Bring the database to this program's revision; return the old one and the new."""
        from vidindex.db import schema

        before = self.revision()
        tell = (reporter or Silence()).notice
        with schema.open_for_writing(self.path, tell, wait=self.settings.wait):
            return before, schema.HEAD

    def back_up(self, target: StrPath) -> Path:
        """Copy the database to a new file, consistent and checked."""
        from vidindex.db import schema

        schema.require(self.path)
        return schema.back_up(self.path, resolve(target))

    def check(self) -> None:
        """Check the database from end to end, and that each vector can be used.

        Raises:
            DatabaseUnusable: with the first thing that is wrong.
        """
        from vidindex import checking
        from vidindex.db import schema

        schema.require(self.path)
        schema.check(self.path)
        checking.check_vectors(self.path)

    def _cluster_request(self, recipe: int | None, scope: StrPath | None) -> ClusterRequest:
        from vidindex.algorithms import Method
        from vidindex.clustering import Request

        settings = self.settings
        method = Method(settings.algorithm, settings.seed, settings.n_init, settings.normalize)
        return Request(method, recipe, resolved(scope), settings.wait)

    def _make_default_folder(self) -> None:
        """Make the user's data folder; any other folder must exist, as it may be misspelt."""
        if self.path == database_path(os.fspath(default_database())):
            self.path.parent.mkdir(parents=True, exist_ok=True)


def resolved(path: StrPath | None) -> Path | None:
    """Return a path as the library stores it."""
    return None if path is None else resolve(path)


def _listed(paths: StrPath | Iterable[StrPath]) -> list[StrPath]:
    """Take one path for a list of one; the letters of a text are no paths."""
    return [paths] if isinstance(paths, str | os.PathLike) else list(paths)


def find_network(settings: Settings) -> EmbedderSource:
    """Return the network that the settings name; nothing is looked for yet."""
    return _InceptionSource(settings)


@dataclass(frozen=True)
class _InceptionSource:
    """InceptionV3; its weights are found when they are asked for, loading imports TensorFlow."""

    settings: Settings

    def prepare(self) -> bytes:
        from vidindex import processor
        from vidindex.weight_values import load_values

        if self.settings.precision == "bf16" and not processor.has_bf16():
            self.network  # noqa: B018 - refused, unless there is a GPU that can
        return load_values(self.weights).digest

    @cached_property
    def weights(self) -> WeightsSource:
        """Find the weights that the settings name; fetch the published ones if need be.

        Raises:
            UsageError, WeightsError: there are none such.
        """
        from vidindex.class_names import fetch_with_weights
        from vidindex.weights import locate_weights

        return locate_weights(self.settings.weights, fetch=fetch_with_weights)

    def load_classifier(self) -> Classifier | None:
        """Read what is on top of the network, if there is something."""
        if not self.weights.has_classifier:
            return None
        from vidindex.weight_values import load_classifier

        return load_classifier(self.weights)

    @property
    def key(self) -> str:
        return self.weights.key

    @property
    def name(self) -> str:
        if self.weights.kind == "file" and self.weights.path is not None:
            return self.weights.path.name
        return self.weights.key if self.weights.kind == "untrained" else self.weights.kind

    def load(self) -> Embedder:
        return self.network

    @cached_property
    def network(self) -> Embedder:
        """Build the network once."""
        from vidindex.inception import InceptionEmbedder

        return InceptionEmbedder(
            self.weights,
            precision=self.settings.precision,
            batch_size=self.settings.batch_size or None,
        )
