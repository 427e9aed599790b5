"""A decoder process for tests: what is in the file tells what it does instead of decoding.

Run as ``stand_in_decoder.py SOCKET PARENT MEMORY_BYTES``, like the real one.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from vidindex.confinement import confine
from vidindex.decoder_messages import (
    FRAME_BYTES,
    MAX_JPEG_BYTES,
    PREFIX_BYTES,
    Kind,
    pack,
    pack_prefix,
)

INFO = {"duration_s": 1.0, "width_px": 320, "height_px": 240, "codec": "none"}
WHOLE = {"incomplete": None}
FRAME = pack_prefix(Kind.FRAME, FRAME_BYTES) + bytes(FRAME_BYTES)
MARKER = "a pickle was read"


class Marker:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.mkdir, (self.path,)


def end(number: int) -> None:
    os.kill(os.getpid(), number)


def spin() -> None:
    sum(range(10**15))  # in C, where Python notices nothing


def raw(kind: int, payload: bytes) -> bytes:
    return pack_prefix(Kind(kind), len(payload)) + payload


def info(**fields: object) -> bytes:
    return raw(Kind.INFO, json.dumps(INFO | fields).encode())


def thumbnail(
    time_s: float = 0.0, width_px: int = 240, height_px: int = 135, jpeg: bytes | None = None
) -> bytes:
    content = b"\xff\xd8\xff picture \xff\xd9" if jpeg is None else jpeg
    return raw(Kind.THUMBNAIL, struct.pack(">dHH", time_s, width_px, height_px) + content)


def with_thumbnails(*thumbnails: bytes) -> list[bytes]:
    return [info(), FRAME, *thumbnails, pack(Kind.END, WHOLE)]


THUMBNAILS = {
    "thumbnails": with_thumbnails(thumbnail(0.0), thumbnail(0.5, 1, 240)),
    "largest thumbnail": with_thumbnails(
        thumbnail(jpeg=b"\xff\xd8\xff".ljust(MAX_JPEG_BYTES - 2) + b"\xff\xd9")
    ),
    "too many thumbnails": with_thumbnails(*[thumbnail()] * 3),
    "thumbnails for ever": [info(), FRAME, *[thumbnail()] * 10_000],
    "thumbnail before frames": [info(), thumbnail(), FRAME, pack(Kind.END, WHOLE)],
    "frame after thumbnail": [info(), FRAME, thumbnail(), FRAME, pack(Kind.END, WHOLE)],
    "thumbnails out of order": with_thumbnails(thumbnail(0.5), thumbnail(0.25)),
    "thumbnail too large": with_thumbnails(
        thumbnail(jpeg=b"\xff\xd8\xff".ljust(MAX_JPEG_BYTES - 1) + b"\xff\xd9")
    ),
    "thumbnail without a size": with_thumbnails(raw(Kind.THUMBNAIL, b"\0" * 11)),
    "thumbnail without a picture": with_thumbnails(thumbnail(jpeg=b"")),
    "thumbnail that is a page": with_thumbnails(thumbnail(jpeg=b"<script>alert(1)</script>")),
    "half a thumbnail": with_thumbnails(thumbnail(jpeg=b"\xff\xd8\xff picture")),
    "thumbnail of no width": with_thumbnails(thumbnail(width_px=0)),
    "wide thumbnail": with_thumbnails(thumbnail(width_px=241)),
    "high thumbnail": with_thumbnails(thumbnail(height_px=65_535)),
    "thumbnail of no time": with_thumbnails(thumbnail(float("nan"))),
    "thumbnail before the start": with_thumbnails(thumbnail(-0.5)),
}


def answers(wanted: str, argument: str) -> Iterator[bytes]:
    """Yield what to send, and do what else there is to do in between."""
    does: dict[str, Callable[[], object]] = {
        "sleep": lambda: time.sleep(3600),
        "spin": spin,
        "stop": lambda: end(signal.SIGSTOP),
        "signal": lambda: end(int(argument)),
        "exit": lambda: os._exit(int(argument)),
    }
    if wanted in does:
        does[wanted]()
    says: dict[str, list[bytes]] = {
        "good": [info(), FRAME, pack(Kind.END, WHOLE)],
        "partial": [info(), FRAME, pack(Kind.END, {"incomplete": argument})],
        "no prefix": [b"hello, this is no message"],
        "unknown kind": [pack_prefix(Kind.INFO, 0)[:3] + b"\x63\0\0\0\0"],
        "long header": [pack_prefix(Kind.INFO, 1 << 31)],
        "pickle": [raw(Kind.INFO, pickle.dumps(Marker(argument)))],
        "pickle for a message": [pickle.dumps(Marker(argument))],
        "no object": [raw(Kind.INFO, b"[1, 2]")],
        "deep": [raw(Kind.INFO, b"[" * 60_000)],
        "missing field": [raw(Kind.INFO, b'{"codec": "h264"}')],
        "more fields": [info(path="/etc/passwd")],
        "nan": [info(duration_s=float("nan"))],
        "infinite": [info(duration_s=float("inf"))],
        "negative": [info(duration_s=-1)],
        "text for a number": [info(width_px="320")],
        "true for a number": [info(width_px=True)],
        "no width": [info(width_px=0)],
        "long codec": [info(codec="x" * 65)],
        "half a letter": [info(codec="\ud800")],
        "frame too long": [info(), pack_prefix(Kind.FRAME, FRAME_BYTES + 1)],
        "frame too short": [info(), pack_prefix(Kind.FRAME, FRAME_BYTES - 1)],
        "no frame": [info(), pack(Kind.END, WHOLE)],
        "frame before header": [FRAME],
        "header twice": [info(), info()],
        "long reason": [info(), FRAME, pack(Kind.END, {"incomplete": "x" * 1001})],
        "odd failure": [pack(Kind.FAILURE, {"kind": "bug", "message": "x", "hint": ""})],
        "talks on": [info(), FRAME, pack(Kind.END, WHOLE) + b"and one more thing"],
        "memory": [pack(Kind.FAILURE, {"kind": "memory", "message": "x", "hint": ""})],
    }
    if wanted == "frames":
        yield info()
        for pause_s in argument.split():
            time.sleep(float(pause_s))
            yield FRAME
        yield pack(Kind.END, WHOLE)
    if wanted == "drip":
        yield info()
        for byte in FRAME:
            time.sleep(0.1)
            yield bytes([byte])
    yield from (says | THUMBNAILS).get(wanted, ())
    if wanted == "dies after":
        yield from says["good"]
        end(signal.SIGKILL)


def main() -> None:
    number, parent_pid, memory_bytes = map(int, sys.argv[1:])
    with socket.socket(fileno=number) as channel:
        confine(parent_pid, memory_bytes)
        channel.sendall(pack(Kind.READY))
        while True:
            prefix, descriptors, _, _ = socket.recv_fds(channel, PREFIX_BYTES, 1)
            if not prefix:
                return
            channel.recv(1 << 16)
            wanted, _, argument = os.pread(descriptors[0], 4096, 0).decode().partition(":")
            os.close(descriptors[0])
            if wanted == "dies untaken":
                end(signal.SIGKILL)
            channel.sendall(pack(Kind.TAKEN))
            for answer in answers(wanted, argument.strip("\0")):
                channel.sendall(answer)


COMMAND = (sys.executable, "-P", str(Path(__file__).resolve()))

if __name__ == "__main__":
    main()
