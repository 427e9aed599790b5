"""Writes small videos, for samples to try the program on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from numpy.typing import NDArray

from vidindex.errors import Refused, SystemStopped


def write_video(path: Path, frames: Iterable[NDArray[np.uint8]], *, fps: int) -> None:
    """Write frames as an H.264 video (mp4, yuv420p). Never replaces a file.

    path: must not exist yet. frames: at least one, each (height, width, 3) uint8 RGB, all of one
    size, height and width even. A file that could not be finished is removed again.

    Raises:
        Refused: something is at the path already.
        SystemStopped: the file cannot be written (disk full, no permission, ...).
        ValueError: there are no frames, they differ in size, or the size is odd.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except FileExistsError as error:
        hint = "choose another place; nothing was written"
        raise Refused(f"{str(path)!r} exists already", hint) from error
    except OSError as error:
        raise SystemStopped(f"cannot write {str(path)!r}: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            _encode(file, frames, fps)
    except BaseException as error:
        path.unlink()
        if isinstance(error, OSError):
            raise SystemStopped(f"cannot write {str(path)!r}: {error.strerror}") from error
        raise


def _encode(file: BinaryIO, frames: Iterable[NDArray[np.uint8]], fps: int) -> None:
    size: tuple[int, ...] = ()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.pix_fmt = "yuv420p"
        for pixels in frames:
            if not size:
                size = pixels.shape
                stream.height, stream.width = size[:2]
            if pixels.shape != size or size[0] % 2 or size[1] % 2:
                raise ValueError(f"frames of one even size are needed: {size}, {pixels.shape}")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        if not size:
            raise ValueError("no frames")
        container.mux(stream.encode())
