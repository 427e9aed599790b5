"""The part of the library that gives to people and programs, and takes from other libraries."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from vidindex.cluster_library import ClusterLibrary
from vidindex.config import default_database
from vidindex.db.engine import database_path
from vidindex.paths import StrPath, resolve, resolve_folder
from vidindex.query_library import resolved
from vidindex.reporting import Reporter, Silence

if TYPE_CHECKING:
    from vidindex.exporting import ExportResult
    from vidindex.illustrating import ReportResult
    from vidindex.importing import ImportResult
    from vidindex.merging import MergeResult


class ExchangeLibrary(ClusterLibrary):
    """A library of videos whose rows come and go; see Library."""

    def export(
        self,
        path: StrPath,
        *,
        run: int | None = None,
        label: int | None = None,
        recipe: int | None = None,
        scope: StrPath | None = None,
        with_vectors: bool = False,
        force: bool = False,
        reporter: Reporter | None = None,
    ) -> ExportResult:
        """Write the present files, .csv, .jsonl or .parquet, or all vectors of a recipe, .npz.

        run: whose labels; the one in use by default. label: only this cluster of it. recipe: by
        its number; only files with a vector of it. scope: only files at or below this folder.
        with_vectors: also in .jsonl; .parquet and .npz always have them. force: replace a file.
        """
        from vidindex import exporting

        request = exporting.ExportRequest(
            resolve_folder(path), run, label, recipe, resolved(scope), with_vectors, force
        )
        return exporting.export(self.path, request, reporter or Silence())

    def report(
        self,
        path: StrPath,
        *,
        run: int | None = None,
        videos: int = 12,
        pictures: int = 1,
        max_bytes: int = 50_000_000,
        exact_only: bool = False,
        force: bool = False,
        reporter: Reporter | None = None,
    ) -> ReportResult:
        """Write one HTML page with pictures about a run; an earlier report there is replaced.

        videos: of each cluster, the most typical, and a third of that of the least typical.
        pictures: of each of them, 1 to 9. max_bytes: of all pictures. exact_only: of duplicates,
        only files of one content. force: replace a file that is no report, too.
        """
        from vidindex import __version__, depicting, illustrating

        extent = depicting.Extent(videos, pictures, max_bytes)
        request = illustrating.ReportRequest(
            illustrating.find_place(path), run, extent, exact_only, force, __version__
        )
        return illustrating.write_report(self.path, request, reporter or Silence())

    def import_(self, path: StrPath, *, reporter: Reporter | None = None) -> ImportResult:
        """Take in the vectors of an .npz that `export` wrote, but no files: `index` finds those.

        What is here stays; a vector that is another one there is a problem of the result.
        """
        from vidindex import importing

        self._make_default_folder()
        tell, wait = reporter or Silence(), self.settings.wait
        return importing.import_vectors(self.path, resolve(path), reporter=tell, wait=wait)

    def merge(
        self,
        other: StrPath,
        places: Mapping[StrPath, StrPath] | None = None,
        *,
        dry_run: bool = False,
        reporter: Reporter | None = None,
    ) -> MergeResult:
        """Take in what another library has and this one lacks; that one is only read.

        places: where folders of the other library are here. dry_run: only say what would come.
        """
        from vidindex import merging
        from vidindex.path_maps import PathMap

        mapped = PathMap.of(places or {})
        if not dry_run:
            self._make_default_folder()
        return merging.merge(
            self.path,
            resolve(other),
            mapped,
            reporter or Silence(),
            dry_run=dry_run,
            wait=self.settings.wait,
        )

    def _make_default_folder(self) -> None:
        """Make the user's data folder; any other folder must exist, as it may be misspelt."""
        if self.path == database_path(os.fspath(default_database())):
            self.path.parent.mkdir(parents=True, exist_ok=True)
