"""What a report shows, as plain values. Every text in it is printable, and not yet HTML."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

Place = tuple[int, int]  # a picture: the number of its video, and its position among the video's
LoadPictures = Callable[[tuple[Place, ...]], dict[Place, bytes]]  # JPEG files, by place


@dataclass(frozen=True)
class Summary:
    """The library at a glance. duration_s: of the videos whose duration is known.

    undated: how many videos have none. size_bytes: each content counted once. without_pictures:
    how many videos could be decoded, and have none.
    """

    library: str
    made_at: datetime
    version: str
    videos: int
    files: int
    missing: int
    failures: int
    duration_s: float
    undated: int
    size_bytes: int
    runs: int
    without_pictures: int


@dataclass(frozen=True)
class Network:
    """What the vectors are of. name: of the weights. sampling: a few words."""

    name: str
    sampling: str

    @property
    def is_untrained(self) -> bool:
        """Whether it sees colours and textures only."""
        return self.name.partition(":")[0] == "untrained"


@dataclass(frozen=True)
class Run:
    """The clustering that is shown. newer: how many videos it does not have yet."""

    number: int
    algorithm: str
    k: int
    videos: int
    made_at: datetime
    is_in_use: bool
    folder: str | None
    silhouette: float | None
    stability: float | None
    inertia: float
    newer: int


@dataclass(frozen=True)
class Tried:
    """A stored run of another K over the same videos, or the one that is shown."""

    k: int
    run: int
    inertia: float
    silhouette: float | None
    stability: float | None
    is_shown: bool


@dataclass(frozen=True)
class Tile:
    """A video on a contact sheet. pictures: those that the page holds of it."""

    video: int
    name: str
    path: str
    distance: float
    duration_s: float | None
    is_pinned: bool
    is_placed_later: bool
    pictures: tuple[Place, ...]


@dataclass(frozen=True)
class Sheet:
    """A cluster, or (label None) the videos that are in none; see galleries.GalleryCluster."""

    label: int | None
    name: str | None
    size: int
    typical: tuple[Tile, ...]
    least: tuple[Tile, ...]


@dataclass(frozen=True)
class Point:
    """A video on the map: x and y from 0 to 1. picture: None if the page holds none of it."""

    video: int
    x: float
    y: float
    label: int | None
    folder: str
    name: str
    picture: Place | None


@dataclass(frozen=True)
class Copy:
    """A file of a group of duplicates. cosine: to the best one; None if the content is equal."""

    video: int
    path: str
    size_bytes: int
    is_best: bool
    cosine: float | None


@dataclass(frozen=True)
class Duplicates:
    """A group of files with the same content, or nearly. count: of all, copies: the first ones."""

    is_exact: bool
    copies: tuple[Copy, ...]
    count: int
    saveable_bytes: int


@dataclass(frozen=True)
class Failure:
    """Files that cannot be used for one reason; count: of all, paths: of the first ones."""

    reason: str
    count: int
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """All that a page shows. run: None while nothing is clustered; sheets is empty then.

    points: empty where there is nothing to map. left_out: pictures that would have been too
    much. group_count: of all duplicates, groups: the first ones.
    """

    summary: Summary
    network: Network | None
    run: Run | None
    tried: tuple[Tried, ...]
    sheets: tuple[Sheet, ...]
    unsorted: Sheet | None
    points: tuple[Point, ...]
    left_out: int
    groups: tuple[Duplicates, ...]
    group_count: int
    failures: tuple[Failure, ...]
