"""What a decoder process and its parent say to each other, over a Unix socket.

Each message is a prefix (magic, kind, length) and as many bytes: a JSON object, the pixels of a
frame, or a thumbnail. The parent believes nothing that the process says: nothing is unpickled, no
length is trusted, and each value is checked before it is used.
"""

from __future__ import annotations

import json
import math
import socket
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any, get_args

from vidindex.embedding import (
    FRAME_SIZE_PX,
    MOST_THUMBNAILS,
    THUMBNAIL_SIDE_PX,
    Sampling,
    SamplingMode,
    Thumbnail,
    VideoInfo,
)

FRAME_BYTES = FRAME_SIZE_PX * FRAME_SIZE_PX * 3
MAX_JSON_BYTES = 1 << 16
MAX_JPEG_BYTES = 1 << 16  # 12 KB as a rule
MAX_TEXT_LENGTH = 1000
MAX_CODEC_LENGTH = 64
MAX_SIDE_PX = 1 << 26
MAX_DURATION_S = 1e12

_MAGIC = b"vid"
_PREFIX = struct.Struct(">3sBI")
PREFIX_BYTES = _PREFIX.size
_THUMBNAIL = struct.Struct(">dHH")  # time, width, height; the JPEG file comes after them
_JPEG_START, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"


class Kind(IntEnum):
    """What a message says."""

    READY = 1  # the process has started, and waits for a first file
    TAKEN = 2  # it has the file; what happens from here on is the file's doing
    INFO = 3  # the video's header
    FRAME = 4
    END = 5  # no more frames
    FAILURE = 6
    REQUEST = 7  # the only one from the parent: sample this file, whose descriptor comes with it
    THUMBNAIL = 8  # after the last frame


_LENGTHS = {
    Kind.FRAME: (FRAME_BYTES, FRAME_BYTES),
    Kind.THUMBNAIL: (_THUMBNAIL.size, _THUMBNAIL.size + MAX_JPEG_BYTES),
}


class BadAnswer(Exception):
    """A message that no decoder of vidindex sends."""


@dataclass(frozen=True)
class Failure:
    """Why a file gives no frames, or no more.

    kind: "media", "unreadable" or "memory": undecodable, unreadable, or needing too much memory.
    """

    kind: str
    message: str
    hint: str


def pack(kind: Kind, payload: Mapping[str, Any] | None = None) -> bytes:
    """Return a message whose payload is JSON."""
    text = json.dumps(payload or {}).encode()
    return pack_prefix(kind, len(text)) + text


def pack_prefix(kind: Kind, length: int) -> bytes:
    """Return what a payload of so many bytes must follow."""
    return _PREFIX.pack(_MAGIC, kind, length)


def pack_request(sampling: Sampling, thumbnails: int) -> bytes:
    """Return the message that goes with a file's descriptor. thumbnails: how many, at most."""
    return pack(Kind.REQUEST, asdict(sampling) | {"thumbnails": thumbnails})


def pack_thumbnail(thumbnail: Thumbnail) -> bytes:
    """Return the message with a thumbnail."""
    head = _THUMBNAIL.pack(thumbnail.time_s, thumbnail.width_px, thumbnail.height_px)
    length = len(head) + len(thumbnail.jpeg)
    return pack_prefix(Kind.THUMBNAIL, length) + head + thumbnail.jpeg


def unpack_prefix(prefix: bytes | bytearray) -> tuple[Kind, int]:
    """Return a message's kind and the length of its payload, which is bounded.

    Raises:
        BadAnswer: there is no such message.
    """
    magic, number, length = _PREFIX.unpack(prefix)
    if magic != _MAGIC or number not in set(Kind):
        raise BadAnswer("no message")
    kind = Kind(number)
    least, most = _LENGTHS.get(kind, (0, MAX_JSON_BYTES))
    if not least <= length <= most:
        raise BadAnswer(f"{length} bytes of {kind.name}")
    return kind, length


def read_exactly(channel: socket.socket, count: int) -> bytes | None:
    """Return so many bytes; None at the end of the stream."""
    received = bytearray()
    while len(received) < count:
        piece = channel.recv(count - len(received))
        if not piece:
            return None
        received += piece
    return bytes(received)


def unpack_info(payload: bytes | bytearray) -> VideoInfo:
    """Return the header that an INFO tells.

    Raises:
        BadAnswer: it makes no sense.
    """
    found = _unpack(payload, {"duration_s", "width_px", "height_px", "codec"})
    duration_s = found["duration_s"]
    return VideoInfo(
        None if duration_s is None else _number(duration_s, MAX_DURATION_S),
        _whole(found["width_px"], MAX_SIDE_PX),
        _whole(found["height_px"], MAX_SIDE_PX),
        _text(found["codec"], MAX_CODEC_LENGTH),
    )


def unpack_thumbnail(payload: bytes | bytearray) -> Thumbnail:
    """Return the picture that a THUMBNAIL holds. It is not decoded here, and need not be sound.

    Raises:
        BadAnswer: it makes no sense.
    """
    time_s, width_px, height_px = _THUMBNAIL.unpack_from(payload)
    jpeg = bytes(payload[_THUMBNAIL.size :])
    if not (jpeg.startswith(_JPEG_START) and jpeg.endswith(_JPEG_END)):
        raise BadAnswer("no JPEG")
    return Thumbnail(
        _number(time_s, MAX_DURATION_S),
        _whole(width_px, THUMBNAIL_SIDE_PX),
        _whole(height_px, THUMBNAIL_SIDE_PX),
        jpeg,
    )


def unpack_end(payload: bytes | bytearray) -> str | None:
    """Return why an END came early; None if the video is whole.

    Raises:
        BadAnswer: it makes no sense.
    """
    reason = _unpack(payload, {"incomplete"})["incomplete"]
    return None if reason is None else _text(reason, MAX_TEXT_LENGTH)


def unpack_failure(payload: bytes | bytearray) -> Failure:
    """Return what a FAILURE tells.

    Raises:
        BadAnswer: it makes no sense.
    """
    found = _unpack(payload, {"kind", "message", "hint"})
    kind, message, hint = (
        _text(found[name], MAX_TEXT_LENGTH) for name in ("kind", "message", "hint")
    )
    if kind not in ("media", "unreadable", "memory") or not message:
        raise BadAnswer("no failure")
    return Failure(kind, message, hint)


def unpack_request(payload: bytes | bytearray) -> tuple[Sampling, int]:
    """Return what a REQUEST asks for: which frames, and how many thumbnails at most.

    Raises:
        BadAnswer: it makes no sense.
    """
    found = _unpack(payload, {*Sampling.__dataclass_fields__, "thumbnails"})
    thumbnails = found.pop("thumbnails")
    if found["mode"] not in get_args(SamplingMode) or thumbnails not in range(MOST_THUMBNAILS + 1):
        raise BadAnswer("no sampling")
    return Sampling(**found), thumbnails


def _unpack(payload: bytes | bytearray, names: set[str]) -> dict[str, Any]:
    """Return a JSON object that has just these names."""
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise BadAnswer("no JSON") from error
    if not isinstance(found, dict) or set(found) != names:
        raise BadAnswer("other names")
    return found


def _number(value: object, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadAnswer("no number")
    if not (math.isfinite(value) and 0 <= value <= most):
        raise BadAnswer("number out of bounds")
    return float(value)


def _whole(value: object, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise BadAnswer("no whole number")
    return value


def _text(value: object, most: int) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise BadAnswer("no text")
    try:
        value.encode()  # half a surrogate pair is no text that can be stored
    except UnicodeEncodeError as error:
        raise BadAnswer("no Unicode") from error
    return value
