"""The containers that are opened with libav, and why a file is none of them."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Never

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.stream import VideoStream

from vidindex.errors import MediaError, UnreadableError

# Real containers and raw streams only. Left out on purpose: everything that opens other files
# or sockets (hls, dash, concat, sdp, imf, ...), still pictures, and formats that turn any text
# into a video (tty, xbin). A JPEG is let in: it is a stream of Motion JPEG with one picture, whose
# reader opens nothing else. The audio ones are here to be able to say "audio only".
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,live_flv,kux,asf,asf_o,wtv,mpegts,mpeg,"
    "mpegvideo,m4v,h261,h263,h264,hevc,vvc,evc,av1,obu,ivf,vc1,vc1test,cavsvideo,avs2,avs3,"
    "dirac,dnxhd,mjpeg,dv,mxf,gxf,lxf,ogg,nut,rm,nsv,nuv,gif,apng,yuv4mpegpipe,swf,roq,smk,bink,"
    "flic,film_cpk,ty,pva,pmp,dhav,amv,rpl,jpeg_pipe,"
    "mp3,wav,flac,aac,ac3,eac3,amr,caf,aiff,ape,wv"
)
# One 8192 x 8192 picture takes some 200 MB as RGB; a bomb of 15000 x 15000 fits in 54 KB of file.
MAX_PIXELS = 8192 * 8192
GENERATE_TIMES = 1  # AVFMT_FLAG_GENPTS
READ_SIZE_BYTES = 1 << 18
HEAD_SIZE_BYTES = 512

_PLAYLIST_STARTS = (b"#EXTM3U", b"ffconcat version", b"[playlist]", b"v=0\r", b"v=0\n", b"<smil")
_PICTURE_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"BM", b"II*\0", b"MM\0*", b"8BPS", b"\xff\x0a")
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"wide")
_MATROSKA_START = b"\x1a\x45\xdf\xa3"
_MATROSKA_MAIN_PART = b"\x18\x53\x80\x67"
_TEXT = frozenset(range(32, 127)) | frozenset(b"\t\n\r\f\x1b") | frozenset(range(128, 256))


class NeedsMoreMemory(MediaError):
    """The pictures are too large for this program, or for this machine."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(" ".join(("needs more memory than allowed", detail)).rstrip())


class DescriptorFile:
    """An open descriptor as PyAV reads it, with a position of its own.

    Several readers may share one descriptor, and nothing is ever opened by its name.
    """

    def __init__(self, descriptor: int) -> None:
        self.name = "video"
        self._descriptor = descriptor
        self._size_bytes = os.fstat(descriptor).st_size
        self._position = 0

    def read(self, size_bytes: int) -> bytes:
        """Return up to size_bytes from the position on; b"" at the end."""
        piece = os.pread(self._descriptor, size_bytes, self._position)
        self._position += len(piece)
        return piece

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position; returns it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size_bytes}
        self._position = max(0, base[whence] + offset)
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position


@dataclass(frozen=True)
class Crop:
    """How many pixels to cut off each side of a decoded picture, before it is turned upright."""

    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0


def open_container(descriptor: int, *, decodes: bool = True) -> InputContainer:
    """Open the container in a file that is open already.

    libav reads through the descriptor; it opens nothing itself, whatever the file names.
    decodes: if not, pictures of any size are told of, but none can be decoded.

    Raises:
        MediaError: the file is none that holds a video; the reason is in words for a person.
        UnreadableError: the system failed to read it.
    """
    head = os.pread(descriptor, HEAD_SIZE_BYTES, 0)
    if not head:
        raise MediaError("empty file", "copy or download it again")
    options = {"max_pixels": str(MAX_PIXELS)} if decodes else {}
    if not decodes or head[4:8] in _MP4_BOXES:
        # libav decodes pictures to learn about a stream what this header tells: most of the time
        # that a short video takes. (In Matroska it learns the order of pictures by that.)
        options["skip_frame"] = "all"
    _silence()
    try:
        container = av.open(
            DescriptorFile(descriptor),
            "r",
            options=options,
            container_options={"format_whitelist": FORMATS},
            metadata_errors="replace",
            buffer_size=READ_SIZE_BYTES,
            io_open=_refuse_other_files,
        )
        # PyAV asks libav to make up presentation times where a file has none (AVI). ffmpeg does
        # not, and times the frames by their decoding order instead, which is right.
        container.flags &= ~GENERATE_TIMES
        return container
    except av.error.MemoryError as error:
        raise NeedsMoreMemory from error
    except (FFmpegError, ValueError) as error:
        raise _not_a_video(head) from error
    except OSError as error:
        raise UnreadableError(f"the file cannot be read: {error.strerror}") from error


def main_stream(container: InputContainer) -> VideoStream:
    """Pick the stream that ffmpeg would: the largest picture, a default one before others.

    Cover art and chapter thumbnails are not video.

    Raises:
        MediaError: there is no stream of pictures, or no decoder for it.
    """
    pictures = [
        stream
        for stream in container.streams.video
        if not stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails)
    ]
    if not pictures:
        kinds = {stream.type for stream in container.streams}
        kind = next((kind for kind in ("audio", "subtitle") if kind in kinds), None)
        words = {"audio": " (audio only)", "subtitle": " (subtitles only)", None: ""}
        raise MediaError(f"no video stream{words[kind]}")
    decodable = [stream for stream in pictures if stream.codec_context is not None]
    if not decodable:
        raise MediaError("no decoder for its kind of video")
    return max(decodable, key=_rank)


def crop_px(container: InputContainer, stream: VideoStream) -> Crop:
    """Return what the container says to cut off the decoded picture; usually nothing.

    PyAV hands this out only in libav's listing of a file, the one that the ffmpeg program prints.
    """
    av.logging.set_level(av.logging.INFO)
    listing = container.dumps_format()  # type: ignore[attr-defined]
    _silence()
    about = re.search(rf"Stream #0:{stream.index}\b(.*?)(Stream #|\Z)", listing, re.DOTALL)
    edges = re.search(r"Frame Cropping: (\d+)/(\d+)/(\d+)/(\d+)", about[1] if about else "")
    return Crop(*map(int, edges.groups())) if edges else Crop()


def matroska_end_bytes(descriptor: int) -> int:
    """Return where a Matroska file should end by its header; 0 if that tells nothing, or is none.

    Its main part is an element whose size follows its name, RFC 8794 and RFC 9559.
    """
    head = os.pread(descriptor, HEAD_SIZE_BYTES, 0)
    start, _, rest = head.partition(_MATROSKA_MAIN_PART)
    if not head.startswith(_MATROSKA_START) or not rest or rest[0] == 0:
        return 0
    width = 9 - rest[0].bit_length()  # as many bytes as the first has zeros before a one, and one
    most = (1 << 7 * width) - 1
    size = int.from_bytes(rest[:width], "big") & most
    is_unknown = size == most  # written by a program that could not go back
    return 0 if is_unknown else len(start) + len(_MATROSKA_MAIN_PART) + width + size


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Turn what libav, PyAV and the system raise while a file is read into this program's errors.

    Raises:
        MediaError: libav cannot go on.
        UnreadableError: the system failed to read the file, or gave libav no thread.
    """
    try:
        yield
    except av.error.MemoryError as error:
        raise NeedsMoreMemory from error
    except av.error.BlockingIOError as error:  # libav gets no thread: no fault of the file
        raise UnreadableError("the system had no thread to spare for decoding it") from error
    except FFmpegError as error:
        raise MediaError(f"damaged: {(error.strerror or 'unknown').lower()}") from error
    except OSError as error:
        raise UnreadableError(f"the file cannot be read: {error.strerror}") from error


def _silence() -> None:
    # libav would write about every damaged packet to stderr. The logger stays shut even while
    # libav's messages are looked at, for other threads may be decoding.
    av.logging.set_level(None)
    logging.getLogger("libav").setLevel(logging.CRITICAL + 1)


def _refuse_other_files(*_arguments: object) -> Never:
    raise PermissionError("a video must not open other files")


def _rank(stream: VideoStream) -> int:
    # The weights are ffmpeg's (automatic stream selection in its command-line program).
    is_default = bool(stream.disposition & Disposition.default)
    return stream.width * stream.height + 5_000_000 * is_default


def _not_a_video(head: bytes) -> MediaError:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(_PLAYLIST_STARTS) or (text.startswith(b"<") and b"<MPD" in text):
        return MediaError("a playlist, not a video", "index the files that it names instead")
    if head.startswith(_PICTURE_STARTS) or head[8:12] == b"WEBP" or head[4:12] == b"ftypheic":
        return MediaError("a picture, not a video")
    if not any(head):
        return MediaError("not a video (only zeros)", "copy or download it again")
    if all(byte in _TEXT for byte in head):
        return MediaError("not a video (text)")
    if head[4:8] in _MP4_BOXES:
        return MediaError(
            "damaged or truncated: the mp4 header cannot be read", "copy or download it again"
        )
    return MediaError("not a video (no known format)")
