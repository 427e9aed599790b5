"""A library with a bit of everything that a report shows, and a page taken apart."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from blake3 import blake3

from tests.databases.make import NOON, RECIPE
from tests.generated import INFO, centers
from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.embedding import Recipe, Sampling
from vidindex.scanning import FileStat
from vidindex.store import clusterings, embeddings, files, maps, recipes, thumbnails, videos, wishes
from vidindex.store.clusterings import UNSORTED, Name, NewClustering
from vidindex.store.embeddings import NewEmbedding
from vidindex.store.maps import StoredPoint
from vidindex.store.thumbnails import NewThumbnail

# Videos of each kind, in the order of their distance to the middle; its label and its colour.
KINDS = {"beach": 20, "city": 6, "forest": 3, "odd": 2}
LABELS = {"beach": 0, "city": 1, "forest": 2, "odd": UNSORTED}
COLOURS = {"beach": (40, 180, 230), "city": (90, 90, 90), "forest": (30, 140, 30), "odd": (0, 0, 9)}
VIDEOS = sum(KINDS.values())
BROKEN_REASON = "no video stream"
INLINE = {"bdi", "code", "strong", "span", "time", "a"}  # the text goes on in them


def jpeg(colour: tuple[int, int, int], width_px: int = 240, height_px: int = 136) -> bytes:
    """Return a picture of one colour, blue, green, red, as a JPEG file."""
    picture = np.full((height_px, width_px, 3), colour, np.uint8)
    return cv2.imencode(".jpg", picture)[1].tobytes()


def make_library(
    path: Path,
    names: Mapping[str, str | bytes] | None = None,
    *,
    reason: str = BROKEN_REASON,
    cluster_name: str = "Sand",
    folder: bytes = b"/videos",
    weights: str = "untrained:0",
    recipe: Recipe = RECIPE,
) -> Path:
    """Make a library of KINDS, with a run of three clusters in use and two of other K.

    names: other names of some of its files, as "beach000.mp4". Of each video there are three
    pictures; "broken.mp4" could not be decoded, "gone.mp4" is missing.
    """
    schema.create(path)
    given = {key: os.fsdecode(value) for key, value in (names or {}).items()}
    root = Path(os.fsdecode(folder))
    with Database(path) as database, database.writing() as session:
        number = recipes.put_recipe(session, recipe, weights, now=NOON)
        numbers, labels = [], []
        for kind, count in KINDS.items():
            pictures = _pictures(kind)
            for each in range(count):
                name = f"{kind}{each:03}.mp4"
                video = _add(session, root / given.get(name, name), name)
                vector = centers(1, seed=len(numbers))[0]
                new = NewEmbedding(vector, 3, "fp32", "tensorflow 2.21.0")
                embeddings.put_embedding(session, number, video, new, now=NOON)
                thumbnails.put_thumbnails(session, video, pictures)
                numbers.append(video)
                labels.append(LABELS[kind])
        broken = _add(session, root / given.get("broken.mp4", "broken.mp4"), "broken", info=None)
        embeddings.put_failure(session, number, broken, reason, now=NOON)
        _add(session, root / "gone.mp4", "gone")
        gone = next(file for file in files.list_files(session) if file.stat.path.name == "gone.mp4")
        files.mark_missing(session, [gone.id], since=NOON)
        for k in (2, 4):
            put_run(session, number, numbers, [each % k for each in range(VIDEOS)], k)
        put_run(session, number, numbers, labels, 3, names={0: Name(cluster_name, "user")})
        wishes.put_pin(session, numbers[1], 0, now=NOON)
        points = [StoredPoint(each, (row + 1) / 40, row / 31) for row, each in enumerate(numbers)]
        maps.put_map(session, number, points, "scikit-learn 1.9.0", now=NOON)
    return path


def _add(session, path: Path, content: str, info=INFO) -> int:
    hashed = blake3(content.encode()).digest()
    video = videos.put_video(session, hashed, 1_000_000, info, now=NOON)
    stat = FileStat(path, 1_000_000, 1_600_000_000_000_000_000, 2049, video)
    files.put_file(session, stat, video_id=video, checked_at_ns=1)
    return video


def _pictures(kind: str) -> list[NewThumbnail]:
    blue, green, red = COLOURS[kind]
    return [
        NewThumbnail(10.0 * number, 240, 136, jpeg((blue, green, red + 5 * number)))
        for number in range(3)
    ]


def put_run(session, recipe: int, numbers, labels, k: int, *, names=None) -> int:
    """Store a run; the videos of a label come in the order of their distance."""
    ranks: Counter[int] = Counter()
    distances = []
    for label in labels:
        distances.append(0.1 + 0.01 * ranks[label])
        ranks[label] += 1
    new = NewClustering(
        recipe_id=recipe,
        k=k,
        seed=42,
        n_init=10,
        normalize="l2",
        scope=None,
        input_digest=bytes(32),
        inertia=10.0 / k,
        software="scikit-learn 1.9.0",
        video_ids=tuple(numbers),
        labels=np.array(labels),
        distances=np.array(distances),
        cluster_labels=np.arange(k),
        centroids=centers(k),
        names=names or {},
        silhouette=0.1 * k,
        stability=0.9 - 0.1 * k,
    )
    return clusterings.put_clustering(session, new, now=NOON + timedelta(minutes=k % 4))


class Page(HTMLParser):
    """The elements of a page, with their attributes, and the text in them.

    elements: tag and attributes, in order.
    """

    def __init__(self, source: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._text = ""
        self._scripts: list[str] = []
        self._inside = ""
        self.feed(source.decode("utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._inside = tag
        if tag not in INLINE:
            self._text += " "

    def handle_endtag(self, _tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self._scripts.append(data)
        elif self._inside != "style":
            self._text += data

    @property
    def text(self) -> str:
        """All text that is shown, in one line."""
        return " ".join(self._text.split())

    @property
    def outline(self) -> list[tuple[str, tuple[str, ...]]]:
        """The elements and the names of their attributes: what names of files must not change."""
        return [(tag, tuple(sorted(attributes))) for tag, attributes in self.elements]

    def all(self, tag: str, kind: str = "") -> list[dict[str, str]]:
        """Return the attributes of the elements of a tag, and of a class."""
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and (not kind or kind in attributes.get("class", "").split())
        ]

    def json(self, identity: str) -> Any:
        """Return what a script element of that id holds."""
        scripts = [attributes for tag, attributes in self.elements if tag == "script"]
        place = [attributes.get("id") for attributes in scripts].index(identity)
        return json.loads(self._scripts[place])


def sampled(interval_s: float) -> Recipe:
    """Return a recipe of its own."""
    return Recipe(RECIPE.weights_digest, Sampling(interval_s=interval_s))
