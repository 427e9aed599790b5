"""Turn the content of a report into the bytes of its page, piece by piece."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from vidindex import units
from vidindex.report import charts
from vidindex.report.content import LoadPictures, Place, Point, Report, Sheet

FIRST_BYTES = b"<!doctype html>\n<!-- vidindex report -->\n"
_TEMPLATES = Path(__file__).parent / "templates"
_PLACES_AT_ONCE = 200  # pictures of the map in one piece: some 2 MB, which a browser reads at once
_READ_AT_ONCE = 1000  # pictures, some 8 MB
_GOLDEN_ANGLE = 137.508  # degrees; the colours of neighbouring labels are far apart


def render(report: Report, load_pictures: LoadPictures) -> Iterator[bytes]:
    """Render a page, UTF-8; its first piece begins with FIRST_BYTES.

    load_pictures: asked for a part of them at a time, so that never all are in memory.
    """
    style = _source("report.css") + _colours(report)
    script = _source("report.js")
    pieces = _chunks(_only_on_map(report))
    plane = charts.Plane.around(report.points)
    page = (
        _environment()
        .get_template("report.html")
        .generate(
            report=report,
            policy=_policy(style, script),
            style=Markup(style),  # noqa: S704 - ours
            script=Markup(script),  # noqa: S704 - ours
            charts=charts.draw_charts(report.tried),
            layers=charts.draw_layers(report.points, plane),
            map_data=_map_data(report, pieces, plane),
            plane=plane,
            chart_size=(charts.WIDTH, charts.HEIGHT),
            urls_of=_url_loader(report, load_pictures),
            map_pictures=_map_pictures(pieces, load_pictures),
        )
    )
    yield FIRST_BYTES
    for text in page:
        yield text.encode()
    yield b"\n"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "size": units.size,
        "duration": units.duration,
        "counted": units.counted,
    }
    return environment


def _source(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _colours(report: Report) -> str:
    """Return the style that gives each cluster its colour."""
    labels = [sheet.label for sheet in report.sheets if sheet.label is not None]
    return "".join(f".c{label}{{--hue:{label * _GOLDEN_ANGLE % 360:.0f}}}" for label in labels)


def _policy(style: str, script: str) -> str:
    """Return a policy that lets the page run its own script and style, and reach nothing."""
    hashes = [
        base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        for source in (style, script)
    ]
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{hashes[0]}'; "
        f"script-src 'sha256-{hashes[1]}'; base-uri 'none'; form-action 'none'"
    )


def _only_on_map(report: Report) -> list[Place]:
    """Return the pictures of the map that are on no contact sheet."""
    on_sheets = {place for sheet in _sheets(report) for place in _places_of(sheet)}
    return [
        point.picture
        for point in report.points
        if point.picture is not None and point.picture not in on_sheets
    ]


def _chunks(places: Sequence[Place]) -> list[tuple[Place, ...]]:
    return [
        tuple(places[start : start + _PLACES_AT_ONCE])
        for start in range(0, len(places), _PLACES_AT_ONCE)
    ]


def _map_data(
    report: Report, pieces: Sequence[Sequence[Place]], plane: charts.Plane
) -> dict[str, Any]:
    """Return what the script needs to know of the map.

    points: [video, x, y, label or -1, folder, name, piece]; piece: -1 if it is on a contact
    sheet, null if the page has no picture of it.
    """
    piece_of = {place: number for number, piece in enumerate(pieces) for place in piece}
    folders: dict[str, int] = {}

    def entry(point: Point) -> list[Any]:
        picture = None if point.picture is None else piece_of.get(point.picture, -1)
        return [
            point.video,
            *plane.place(point),
            -1 if point.label is None else point.label,
            folders.setdefault(point.folder, len(folders)),
            point.name,
            picture,
        ]

    points = [entry(point) for point in report.points]
    names = {sheet.label: sheet.name for sheet in report.sheets}
    return {"points": points, "folders": [*folders], "names": names}


def _sheets(report: Report) -> list[Sheet]:
    return [*report.sheets, *([report.unsorted] if report.unsorted else [])]


def _url_loader(report: Report, load_pictures: LoadPictures) -> Callable[[Sheet], dict[Place, str]]:
    """Return a function that gives the pictures of a sheet as URLs, asked for each in its turn."""
    sheets = _sheets(report)
    loaded = _read_ahead([_places_of(sheet) for sheet in sheets], load_pictures)
    in_turn = zip(sheets, loaded, strict=True)

    def urls_of(sheet: Sheet) -> dict[Place, str]:
        pictures = next(pictures for each, pictures in in_turn if each is sheet)
        return {
            place: f"data:image/jpeg;base64,{_base64(jpeg)}" for place, jpeg in pictures.items()
        }

    return urls_of


def _places_of(sheet: Sheet) -> tuple[Place, ...]:
    return tuple(place for tile in sheet.typical + sheet.least for place in tile.pictures)


def _map_pictures(
    pieces: Sequence[tuple[Place, ...]], load_pictures: LoadPictures
) -> Iterator[Markup]:
    """Yield JSON objects of pictures by their video's number. Base64 holds nothing of HTML's."""
    for loaded in _read_ahead(pieces, load_pictures):
        pictures = {video: _base64(jpeg) for (video, _), jpeg in loaded.items()}
        yield Markup(json.dumps(pictures, separators=(",", ":")))  # noqa: S704


def _read_ahead(
    parts: Sequence[tuple[Place, ...]], load_pictures: LoadPictures
) -> Iterator[dict[Place, bytes]]:
    """Yield the pictures of each part; several parts are read at once, as each reading may wait."""
    waiting: list[tuple[Place, ...]] = []
    for number, part in enumerate(parts, start=1):
        waiting.append(part)
        if sum(map(len, waiting)) < _READ_AT_ONCE and number < len(parts):
            continue
        loaded = load_pictures(tuple(chain(*waiting)))
        for each in waiting:
            yield {place: loaded[place] for place in each if place in loaded}
        waiting = []


def _base64(jpeg: bytes) -> str:
    return base64.b64encode(jpeg).decode("ascii")
