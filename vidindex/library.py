"""The library as Python sees it; the command line is its first client.

>>> from vidindex import Library, Settings
>>> library = Library("videos.db", Settings(weights="untrained"))
>>> library.index(["~/Videos"]).indexed
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vidindex.exchange_library import ExchangeLibrary
from vidindex.network_source import find_network, find_network_named
from vidindex.paths import StrPath, resolve
from vidindex.query_library import listed, numbered, resolved
from vidindex.reporting import Reporter, Silence

if TYPE_CHECKING:
    from vidindex.embedding import (
        EmbedderSource,
        FrameReader,
    )
    from vidindex.indexing import IndexResult
    from vidindex.learning import LearnResult
    from vidindex.matching import SimilarAnswer
    from vidindex.moving import Control, MoveResult
    from vidindex.planning import Conflict
    from vidindex.pruning import PruneResult
    from vidindex.sorting import SortResult
    from vidindex.store.moves import Mode


def _never() -> bool:
    return False


class Library(ExchangeLibrary):
    """A library of videos: one database file.

    url: a file, or sqlite:///FILE; made by the first `index`. By default settings.db, or else
        library.db in the user's data folder.
    settings: how videos are described and grouped (the defaults reproduce the published recipe),
        and whether to wait for another vidindex that is changing the library.

    Every method raises a `VidindexError` with a message and a hint, never prints, and reports
    progress to a `Reporter`.
    """

    def index(
        self,
        paths: StrPath | Iterable[StrPath],
        *,
        reporter: Reporter | None = None,
        retry_failed: bool = False,
        confirm_missing: bool = False,
        verify: bool = False,
        add_thumbnails: bool = False,
        stopping: Callable[[], bool] = _never,
        source: EmbedderSource | None = None,
        read_frames: FrameReader | None = None,
    ) -> IndexResult:
        """Bring files and folders (recursively) up to date.

        retry_failed: try videos again that could not be decoded before.
        confirm_missing: a folder without any video left is not taken for an absent disk.
        verify: hash unchanged files too, and report those that hold other bytes than before.
        add_thumbnails: make those of unchanged videos that have none, too.
        stopping: asked again and again; true ends the run. What is finished is kept.
        source, read_frames: another network or decoder than vidindex's own, which decodes in
            processes of its own.
        """
        from vidindex import indexing
        from vidindex.decoders import Decoders, DecodingLimits

        request = indexing.IndexRequest(
            tuple(resolve(path) for path in listed(paths)),
            retry_failed,
            confirm_missing,
            verify,
            add_thumbnails,
        )
        limits = DecodingLimits(self.settings.decode_limit_s, self.settings.decode_memory_mb << 20)
        self._make_default_folder()
        with Decoders(limits, thumbnails=self.settings.thumbnails) as decoders:
            tools = indexing.IndexTools(
                source or find_network(self.settings),
                read_frames or decoders,
                reporter or Silence(),
                stopping,
                decoders.close,
            )
            return indexing.index(self.path, request, self.settings, tools)

    def similar(
        self,
        video: StrPath | int,
        *,
        top: int = 10,
        least: float | None = None,
        recipe: int | None = None,
        reporter: Reporter | None = None,
        source: EmbedderSource | None = None,
        read_frames: FrameReader | None = None,
    ) -> SimilarAnswer:
        """Find the videos that are most like one: a path, the start of a hash, or a number.

        A file that the library does not know is described as its videos are, and not stored.

        top: rows at most. least: the lowest cosine. recipe: whose vectors, if there are several.
        source, read_frames: as for `index`.
        """
        from vidindex import matching
        from vidindex.decoders import Decoders, DecodingLimits

        limits = DecodingLimits(self.settings.decode_limit_s, self.settings.decode_memory_mb << 20)
        with Decoders(limits) as decoders:
            tools = matching.DescribingTools(
                lambda name: source or find_network_named(name, self.settings),
                read_frames or decoders,
                reporter or Silence(),
            )
            request = matching.SimilarRequest(numbered(video), top, least, recipe)
            return matching.find_similar(self.path, request, tools)

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

        chosen = tuple(resolve(path) for path in listed(paths))
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
        mode: Mode = "move",
        template: str | None = None,
        on_conflict: Conflict = "rename",
        sidecars: bool = True,
        prune_empty: bool = False,
        dry_run: bool = False,
        plan_file: StrPath | None = None,
        control: Control | None = None,
    ) -> MoveResult:
        """Bring the files of a clustering to ``destination/cluster_<label>/``.

        tree_depth: levels of groups of like clusters, ``group_<n>/``, that the folders are in.
        template: another place for each file, see `templates`. on_conflict: what is done where a
        name is taken. sidecars: whether the files go along that the setting of that name lists.
        prune_empty: whether folders go that it empties. dry_run: only say what would be done.
        plan_file: only write that there, for `apply_plan`. control: a reporter, and how to ask
        and to stop.
        """
        from vidindex import applying, moving
        from vidindex.planning import Manner
        from vidindex.templates import Template

        manner = Manner(
            mode,
            on_conflict,
            None if template is None else Template.parse(template),
            self.settings.to_sidecars() if sidecars else (),
            prune_empty,
        )
        request = applying.ApplyRequest(
            resolve(destination), run, resolved(scope), tree_depth, manner
        )
        steering = control or moving.Control(Silence())
        if plan_file is not None:
            return applying.store_plan(self.path, request, steering, resolve(plan_file))
        return applying.apply(
            self.path, request, steering, dry_run=dry_run, wait=self.settings.wait
        )

    def apply_plan(
        self, plan_file: StrPath, *, dry_run: bool = False, control: Control | None = None
    ) -> MoveResult:
        """Make exactly the moves that `apply` has written into a plan file."""
        from vidindex import applying, moving

        steering = control or moving.Control(Silence())
        return applying.apply_plan(
            self.path, resolve(plan_file), steering, dry_run=dry_run, wait=self.settings.wait
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
        from vidindex import moving, undoing

        return undoing.undo(
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
