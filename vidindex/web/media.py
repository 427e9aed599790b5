"""A video as a browser plays it: in parts, as it asks for them, with little memory and no thread.

Ranges: RFC 9110, section 14. One range is answered with just that part; of several, which no
player asks for, the whole is sent instead.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from anyio import CancelScope, CapacityLimiter, create_task_group, fail_after
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from vidindex.galleries import OpenedVideo

CHUNK_BYTES = 128 << 10
STALLED_S = 60.0  # a reader that takes nothing for so long has gone

# What is not listed is offered as bytes, which a browser saves.
TYPES = {
    ".3gp": "video/3gpp",
    ".avi": "video/x-msvideo",
    ".flv": "video/x-flv",
    ".m2ts": "video/mp2t",
    ".m4v": "video/mp4",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".mp4": "video/mp4",
    ".mpeg": "video/mpeg",
    ".mpg": "video/mpeg",
    ".mts": "video/mp2t",
    ".ogv": "video/ogg",
    ".ts": "video/mp2t",
    ".webm": "video/webm",
    ".wmv": "video/x-ms-wmv",
}
_RANGE = re.compile(r"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.ASCII)
_MOST_DIGITS = 18  # of a number that a file size can be compared with at all


@dataclass(frozen=True)
class Part:
    """The bytes from start to end, which is not among them; whole: the file was asked for."""

    start: int
    end: int
    is_whole: bool = False


def parse_range(header: str | None, size_bytes: int) -> Part | None:
    """Return the part that a Range header asks for; None: no byte of the file is in it.

    A header that is missing, not understood or of several ranges asks for the whole file.
    """
    found = _RANGE.fullmatch(header or "")
    if found is None or found.groups() == ("", ""):
        return Part(0, size_bytes, is_whole=True)
    first, last = (_number(digits) for digits in found.groups())
    if first is None:
        start, end = max(size_bytes - (last or 0), 0), size_bytes
    elif last is not None and last < first:
        return Part(0, size_bytes, is_whole=True)
    else:
        start, end = first, size_bytes if last is None else min(last + 1, size_bytes)
    return Part(start, end) if start < end else None


def _number(digits: str) -> int | None:
    if not digits:
        return None
    shortened = digits.lstrip("0") or "0"
    return int(shortened) if len(shortened) <= _MOST_DIGITS else 10**_MOST_DIGITS


class VideoResponse:
    """An answer that sends an opened video, or a part of it, and closes it.

    reading: how many threads may read from disks at a time.
    """

    def __init__(self, request: Request, video: OpenedVideo, reading: CapacityLimiter) -> None:
        self._video = video
        self._reading = reading
        self._etag = f'"{video.blake3.hex()}"'
        is_same = request.headers.get("if-range", self._etag) == self._etag
        self._part = parse_range(
            request.headers.get("range") if is_same else None, video.size_bytes
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, until the reader goes away or takes nothing any more."""
        try:
            await self._send_head(send)
            async with create_task_group() as tasks:
                tasks.start_soon(_cancel_when_gone, receive, tasks.cancel_scope)
                await self._send_body(scope, send)
                tasks.cancel_scope.cancel()
        finally:
            os.close(self._video.descriptor)

    async def _send_head(self, send: Send) -> None:
        part, size_bytes = self._part, self._video.size_bytes
        headers = {
            "accept-ranges": "bytes",
            "etag": self._etag,
            "content-type": TYPES.get(self._video.suffix.lower(), "application/octet-stream"),
            "content-length": str(0 if part is None else part.end - part.start),
        }
        if part is None:
            status, headers["content-range"] = 416, f"bytes */{size_bytes}"
        elif part.is_whole:
            status = 200
        else:
            status = 206
            headers["content-range"] = f"bytes {part.start}-{part.end - 1}/{size_bytes}"
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": encoded})

    async def _send_body(self, scope: Scope, send: Send) -> None:
        part = self._part
        at, end = (0, 0) if part is None or scope["method"] == "HEAD" else (part.start, part.end)
        while at < end:
            size = min(CHUNK_BYTES, end - at)
            try:
                chunk = await run_sync(
                    os.pread, self._video.descriptor, size, at, limiter=self._reading
                )
                if not chunk:
                    return  # it was cut meanwhile: the connection ends before its length
                with fail_after(STALLED_S):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            except OSError:  # of the disk, or TimeoutError: likewise, as nothing else can be said
                return
            at += len(chunk)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _cancel_when_gone(receive: Receive, scope: CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
