"""A process that decodes: reads requests from a socket, and answers with frames.

Run by vidindex.decoders as ``python -P -m vidindex.frames.child SOCKET PARENT MEMORY_BYTES``.
It is given open descriptors, never a name.
"""

from __future__ import annotations

import socket
import sys
from dataclasses import asdict

from vidindex.confinement import confine, peak_bytes
from vidindex.decoder_messages import (
    FRAME_BYTES,
    MAX_TEXT_LENGTH,
    PREFIX_BYTES,
    Kind,
    pack,
    pack_prefix,
    pack_thumbnail,
    read_exactly,
    unpack_prefix,
    unpack_request,
)
from vidindex.embedding import SampledVideo, Sampling
from vidindex.errors import ItemError, UnreadableError
from vidindex.frames.containers import NeedsMoreMemory
from vidindex.frames.sampling import read_open_frames


def main() -> None:
    """Serve requests until the parent closes the socket."""
    number, parent_pid, memory_bytes = map(int, sys.argv[1:])
    with socket.socket(fileno=number) as channel:
        confine(parent_pid, memory_bytes)
        try:
            channel.sendall(pack(Kind.READY))
            while (request := _receive_request(channel)) is not None:
                _serve(channel, *request, memory_bytes)
        except (BrokenPipeError, ConnectionResetError):
            return  # the parent has lost its interest


def _receive_request(channel: socket.socket) -> tuple[int, Sampling, int] | None:
    """Return the descriptor of a file and which frames of it are wanted; None at the end.

    Last how many thumbnails are, too.
    """
    prefix, descriptors, _, _ = socket.recv_fds(channel, PREFIX_BYTES, 1)
    if not prefix:
        return None
    _, length = unpack_prefix(prefix)
    payload = read_exactly(channel, length)
    return None if payload is None else (descriptors[0], *unpack_request(payload))


def _serve(
    channel: socket.socket, descriptor: int, sampling: Sampling, thumbnails: int, memory_bytes: int
) -> None:
    channel.sendall(pack(Kind.TAKEN))
    try:
        _send_video(channel, read_open_frames(descriptor, sampling, thumbnails), memory_bytes)
    except MemoryError:
        channel.sendall(_failure("memory", NeedsMoreMemory()))
    except ItemError as error:
        # A decoder that got no memory may have said that the file is damaged.
        is_short = peak_bytes() > memory_bytes
        kind = "unreadable" if isinstance(error, UnreadableError) else "media"
        channel.sendall(_failure("memory" if is_short else kind, error))


def _send_video(channel: socket.socket, video: SampledVideo, memory_bytes: int) -> None:
    _require_memory(memory_bytes)
    channel.sendall(pack(Kind.INFO, asdict(video.info)))
    for pixels in video.frames:
        _require_memory(memory_bytes)
        channel.sendall(pack_prefix(Kind.FRAME, FRAME_BYTES))
        channel.sendall(pixels.data)
    for thumbnail in video.thumbnails():
        channel.sendall(pack_thumbnail(thumbnail))
    _require_memory(memory_bytes)
    channel.sendall(pack(Kind.END, {"incomplete": video.why_incomplete()}))


def _require_memory(memory_bytes: int) -> None:
    if peak_bytes() > memory_bytes:
        raise MemoryError


def _failure(kind: str, error: ItemError) -> bytes:
    message, hint = error.message[:MAX_TEXT_LENGTH], error.hint[:MAX_TEXT_LENGTH]
    return pack(Kind.FAILURE, {"kind": kind, "message": message, "hint": hint})


if __name__ == "__main__":
    main()
