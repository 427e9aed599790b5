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
    from vidindex.clustering import ClusterResult
    from vidindex.embedding import (
        Embedder,
        EmbedderSource,
        FrameReader,
    )
    from vidindex.indexing import IndexResult
    from vidindex.moving import Control, MoveResult
    from vidindex.pruning import PruneResult
    from vidindex.querying import FailuresAnswer, LabelsAnswer, Status, Vectors, VideoAnswer
    from vidindex.store.clusterings import StoredRun
    from vidindex.weights import WeightsSource


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
        with Decoders(limits) as decoders:
            tools = indexing.IndexTools(
                source or find_network(self.settings),
                read_frames or decoders,
                reporter or Silence(),
                stopping,
                decoders.close,
            )
            return indexing.index(self.path, request, self.settings, tools)

    def vectors(self, recipe: int | None = None) -> Vectors:
        """Load the stored vectors: (n, 2048) float32, with paths and hashes in the same order."""
        from vidindex import querying

        return querying.get_vectors(self.path, recipe)

    def cluster(
        self,
        k: int,
        *,
        reporter: Reporter | None = None,
        recipe: int | None = None,
        scope: StrPath | None = None,
    ) -> ClusterResult:
        """Group the stored vectors into k clusters and store the run.

        recipe: its number, where the library has vectors of several. scope: only videos with a
        file at or below this folder.
        """
        from vidindex import clustering

        return clustering.cluster(
            self.path,
            k,
            seed=self.settings.seed,
            n_init=self.settings.n_init,
            normalize=self.settings.normalize,
            reporter=reporter or Silence(),
            recipe=recipe,
            scope=resolved(scope),
            wait=self.settings.wait,
        )

    def runs(self) -> list[StoredRun]:
        """Return the stored clusterings, the oldest first."""
        from vidindex import querying

        return querying.get_runs(self.path)

    def labels(self, run: int | None = None, label: int | None = None) -> LabelsAnswer:
        """Return the labels of a run, of the newest by default."""
        from vidindex import querying

        return querying.get_labels(self.path, run, label)

    def show(self, path_or_hash: StrPath) -> VideoAnswer:
        """Return all that is known of a file, or of a content by the start of its hash."""
        from vidindex import querying

        return querying.get_video(self.path, os.fspath(path_or_hash))

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
        dry_run: bool = False,
        control: Control | None = None,
    ) -> MoveResult:
        """Move the files of a clustering into ``destination/cluster_<label>/``.

        dry_run: only say what would be done. control: a reporter, and how to ask and to stop.
        """
        from vidindex import moving

        return moving.apply(
            self.path,
            resolve(destination),
            control or moving.Control(Silence()),
            run=run,
            scope=resolved(scope),
            dry_run=dry_run,
            wait=self.settings.wait,
        )

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
        """Check the database from end to end.

        Raises:
            DatabaseUnusable: with the first thing that is wrong.
        """
        from vidindex.db import schema

        schema.require(self.path)
        schema.check(self.path)

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
        from vidindex.weights import fetch_imagenet_weights, locate_weights

        return locate_weights(self.settings.weights, fetch=fetch_imagenet_weights)

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
