"""Where a file goes, as a text with fields: ``{name}/{year}/{stem}{suffix}``.

Only names of fields stand in the braces: a template computes nothing and reaches nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from string import Formatter
from types import MappingProxyType

from vidindex.errors import UsageError
from vidindex.safe_names import LONGEST_END_BYTES, may_exist, safe_part

FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "cluster": "the cluster's folder, as without a template: cluster_3, unsorted, or nested",
        "label": "the cluster's number",
        "name": "the cluster's name",
        "stem": "the file's name without its suffix",
        "suffix": "the file's suffix with its dot: .mp4",
        "hash": "BLAKE3 of the content, 64 hexadecimal digits",
        "hash8": "the first 8 of them",
        "size": "bytes",
        "duration": "whole seconds",
        "width": "of the picture in pixels",
        "height": "of the picture in pixels",
        "codec": "of the pictures: h264, hevc",
        "year": "of the file's last change, in local time",
        "month": "of the file's last change, two digits",
        "day": "of the file's last change, two digits",
        "source": "the name of the folder that the file is in now",
    }
)
DEFAULT = "{cluster}/{stem}{suffix}"
UNKNOWN = "unknown"  # stands for a value that a file does not have

_WIDTHS = {
    **dict.fromkeys(("label", "size", "duration", "width", "height"), ""),
    "year": "04",
    "month": "02",
    "day": "02",
}
_WIDTH = re.compile(r"0?[0-9]{1,2}d?")
_KEPT = (["stem", "suffix"], ["cluster"])  # they may be names of what exists already
_FIELDS_HINT = f"the fields are: {', '.join(FIELDS)}"
_BRACES_HINT = "a field stands in braces, {stem}; a brace itself is written twice, {{"

Value = str | int | PurePath | None


@dataclass(frozen=True)
class Template:
    """A template that is understood. text: as it was given. Make one with `parse`."""

    text: str
    _components: tuple[tuple[_Piece, ...], ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Understand a template.

        Raises:
            UsageError: an unknown field, anything but a field's name and a number's width in its
                braces, a path that is absolute or has "." or "..", no file name at its end.
        """
        if text.startswith(("/", "~")):
            raise _misunderstood(text, "is no relative path", "it goes on below the destination")
        components: list[list[_Piece]] = [[]]
        for piece in _pieces(text):
            first, *more = piece.text.split("/")
            components[-1].append(replace(piece, text=first))
            components += [[_Piece(each)] for each in more]
        for place, component in enumerate(components, 1):
            _require_name(text, component, is_last=place == len(components))
        return cls(text, tuple(tuple(component) for component in components))

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it uses; a rendering needs the values of no other."""
        return frozenset(
            piece.field for component in self._components for piece in component if piece.field
        )

    def render(self, values: Mapping[str, Value]) -> PurePath:
        """Return the place of one file, below the destination.

        values: by field; None becomes "unknown". A PurePath for "cluster" makes one folder of each
            of its parts; a "/" in any other value makes none.

        Each part is as `safe_part` makes it. But one that is just ``{stem}{suffix}`` is the name of
        a file that exists, and one that is just ``{cluster}`` may be a folder that the user made:
        these are kept byte for byte, portable or not. A name that is too long loses the end of its
        stem, and keeps what follows.
        """
        parts = (part for component in self._components for part in _parts(component, values))
        return PurePath(*map(_name, parts))


@dataclass(frozen=True)
class _Piece:
    """A text, that of a field when it is rendered. width: the format of its numbers."""

    text: str
    field: str = ""
    width: str = ""


def _pieces(text: str) -> Iterator[_Piece]:
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        raise _misunderstood(text, f"is not understood: {error}", _BRACES_HINT) from error
    for literal, field, width, conversion in parsed:
        if literal:
            yield _Piece(literal)
        if field is None:
            continue
        if field not in FIELDS:
            raise _misunderstood(text, f"has an unknown field {{{field}}}", _FIELDS_HINT)
        if conversion:
            raise _misunderstood(text, f"has a ! after {field}", f"{{{field}}} is all there is")
        if width and not (field in _WIDTHS and _WIDTH.fullmatch(width)):
            hint = "only numbers take one, as in {label:03}"
            raise _misunderstood(text, f"has a format {width!r} for {field}", hint)
        yield _Piece("", field, width or _WIDTHS.get(field, ""))


def _require_name(text: str, component: list[_Piece], *, is_last: bool) -> None:
    if any(piece.field for piece in component):
        return
    literal = _joined(component)
    if literal in (".", ".."):
        hint = "name the folders below the destination"
        raise _misunderstood(text, f'has a folder "{literal}"', hint)
    if not literal.strip():
        what = "has no file name at its end" if is_last else "has a folder without a name"
        raise _misunderstood(text, what, f"such as {DEFAULT}")


def _misunderstood(text: str, what: str, hint: str) -> UsageError:
    return UsageError(f"the template {text!r} {what}", hint)


def _parts(component: tuple[_Piece, ...], values: Mapping[str, Value]) -> list[list[_Piece]]:
    """Render a component: one part of the path, or more where its cluster is nested."""
    parts: list[list[_Piece]] = [[]]
    for piece in component:
        first, *more = _texts(piece, values)
        parts[-1].append(replace(piece, text=first))
        parts += [[replace(piece, text=each)] for each in more]
    return parts


def _texts(piece: _Piece, values: Mapping[str, Value]) -> tuple[str, ...]:
    if not piece.field:
        return (piece.text,)
    value = values[piece.field]
    if value is None:
        return (UNKNOWN,)
    if isinstance(value, int):
        return (format(value, piece.width),)
    if isinstance(value, PurePath) and piece.field == "cluster":
        return value.parts or ("",)
    return (str(value),)


def _name(part: list[_Piece]) -> str:
    pieces = [piece for piece in part if piece.field or piece.text]
    fields = [piece.field for piece in pieces]
    name = _joined(pieces)
    if fields in _KEPT and may_exist(name):
        return name
    after_stem = _joined(pieces[fields.index("stem") + 1 :]) if "stem" in fields else ""
    suffix = pieces[-1].text if fields[-1:] == ["suffix"] else ""
    kept = next((end for end in (after_stem, suffix) if 0 < _size(end) <= LONGEST_END_BYTES), "")
    return safe_part(name.removesuffix(kept), kept)


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _joined(pieces: Iterable[_Piece]) -> str:
    return "".join(piece.text for piece in pieces)
