"""Read what a report shows of a library: all of it at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vidindex.db import schema
from vidindex.querying import choose_run
from vidindex.store import (
    clusterings,
    embeddings,
    files,
    galleries,
    placements,
    recipes,
    thumbnails,
    wishes,
)
from vidindex.store.clusterings import StoredCluster, StoredRun
from vidindex.store.files import StoredFile
from vidindex.store.galleries import Member
from vidindex.store.recipes import StoredRecipe
from vidindex.store.videos import StoredVideo


@dataclass(frozen=True)
class Seen:
    """What was read of a library. run: None while nothing is clustered.

    newer: how many videos have no place in the run yet. recipe: of the run, or of the most
    vectors. files: all. places: a present file of each video, by its number, as are contents,
    sizes (bytes of each of its pictures, in order) and pins. members: the videos of the run that
    are present, by label and distance. failures: reason and path.
    """

    runs: tuple[StoredRun, ...]
    run: StoredRun | None
    is_in_use: bool
    newer: int
    recipe: StoredRecipe | None
    files: tuple[StoredFile, ...]
    places: dict[int, StoredFile]
    contents: dict[int, StoredVideo]
    members: tuple[Member, ...]
    clusters: tuple[StoredCluster, ...]
    sizes: dict[int, tuple[int, ...]]
    pins: dict[int, int]
    failures: tuple[tuple[str, Path], ...]


def look(library: Path, number: int | None) -> Seen:
    """Read it, with the run of this number, or else the one in use, if there is any.

    Raises:
        Refused: there is no such run.
    """
    with schema.open_for_reading(library) as database, database.reading() as session:
        runs = clusterings.list_runs(session)
        run = choose_run(session, number) if runs or number is not None else None
        known = files.list_files(session)
        places = _first_places(known)
        return Seen(
            tuple(runs),
            run,
            run is not None and run == clusterings.run_in_use(runs),
            0 if run is None else placements.count_unplaced(session, run),
            _find_recipe(recipes.list_recipes(session), run),
            tuple(known),
            places,
            galleries.find_contents(session, [*places]),
            tuple(
                member
                for member in (galleries.list_members(session, run.id) if run else ())
                if member.video_id in places
            ),
            tuple(clusterings.list_clusters(session, run.id) if run else ()),
            thumbnails.list_sizes(session),
            wishes.list_pins(session),
            tuple((each.reason, each.path) for each in embeddings.list_failures(session)),
        )


def _first_places(known: Sequence[StoredFile]) -> dict[int, StoredFile]:
    places: dict[int, StoredFile] = {}
    for file in known:
        if file.missing_since is None and file.video_id is not None:
            places.setdefault(file.video_id, file)
    return places


def _find_recipe(known: Sequence[StoredRecipe], run: StoredRun | None) -> StoredRecipe | None:
    if run is not None:
        return next(recipe for recipe in known if recipe.id == run.recipe_id)
    return max(known, key=lambda recipe: recipe.vectors, default=None)
