"""Small real videos for tests, made with PyAV, a few dozen KB each.

Every picture differs from every other, and from itself turned or mirrored.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Disposition
from av.video.stream import VideoStream
from numpy.typing import NDArray

TIME_BASE = Fraction(1, 90_000)


def picture(number: int, width_px: int = 160, height_px: int = 120) -> NDArray[np.uint8]:
    """Draw the number-th picture: (height, width, 3) uint8 RGB."""
    y, x = np.mgrid[0:height_px, 0:width_px].astype(np.float32)
    phase = number * 0.37
    red = 128 + 90 * np.sin(x / 11 + phase) * np.cos(y / 17 - phase / 2)
    green = 40 + 160 * (x / width_px) + 30 * np.sin(y / 5 + 2 * phase)
    blue = 200 * (y / height_px) + 40 * np.cos((x + y) / 7 - phase)
    drawn = np.stack([red, green, blue], axis=2)
    side = max(1, min(width_px, height_px) // 4)
    left = (number * 13) % max(1, width_px - side)
    drawn[side // 2 : side // 2 + side, left : left + side] = (255, 40 + number % 200, 10)
    return np.clip(drawn, 0, 255).astype(np.uint8)


def plain(
    colour: tuple[int, int, int], width_px: int = 160, height_px: int = 120
) -> NDArray[np.uint8]:
    """Draw a picture of one colour: (height, width, 3) uint8 RGB."""
    return np.full((height_px, width_px, 3), colour, np.uint8)


@dataclass(frozen=True)
class Style:
    """How a clip is written. matrix: nine numbers, as ffmpeg keeps a display matrix."""

    codec: str = "libx264"
    container: str = "mp4"
    pix_fmt: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)
    matrix: tuple[int, ...] = ()
    colours: dict[str, int] = field(default_factory=dict)


def write_clip(
    path: Path,
    pictures: Iterable[NDArray[np.uint8]],
    style: Style,
    *,
    fps: int = 25,
    times_s: Sequence[float] | None = None,
    sound_s: float = 0.0,
) -> Path:
    """Encode the pictures; returns the path. times_s: when each is shown; else every 1 / fps."""
    with av.open(
        str(path), "w", format=style.container, container_options=style.container_options
    ) as container:
        stream: VideoStream = container.add_stream(style.codec, rate=fps, options=style.options)
        stream.pix_fmt = style.pix_fmt
        stream.codec_context.time_base = Fraction(1, fps) if times_s is None else TIME_BASE
        stream.codec_context.thread_count = 1
        for name, value in style.colours.items():
            setattr(stream.codec_context, name, value)
        if style.matrix:
            stream.set_display_matrix(style.matrix)
        if sound_s:
            sound = container.add_stream("aac", rate=8000)
        for number, drawn in enumerate(pictures):
            if number == 0:
                stream.height, stream.width = drawn.shape[:2]
            frame = av.VideoFrame.from_ndarray(drawn, format="rgb24")
            frame = frame.reformat(format=style.pix_fmt)
            frame.pts = number if times_s is None else round(times_s[number] / TIME_BASE)
            frame.time_base = Fraction(1, fps) if times_s is None else TIME_BASE
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound_s:
            _write_sound(container, sound, sound_s)
    return path


def _write_sound(container: OutputContainer, sound: AudioStream, sound_s: float) -> None:
    count = int(sound_s * sound.rate)
    wave = (8000 * np.sin(np.arange(count) / 7)).astype(np.int16)[np.newaxis]
    frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
    frame.rate, frame.pts = sound.rate, 0
    container.mux(sound.encode(frame))
    container.mux(sound.encode())


def pictures(count: int, width_px: int = 160, height_px: int = 120) -> Iterable[NDArray[np.uint8]]:
    """Draw the first count pictures."""
    return (picture(number, width_px, height_px) for number in range(count))


X264 = {"preset": "veryfast", "crf": "30"}
X265 = {"preset": "ultrafast", "x265-params": "log-level=none"}
QUIET = {"libx264": X264, "libx265": X265, "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"}}
INTRA_ONLY = frozenset({"mjpeg", "prores", "gif"})
PIX_FMTS = {"mjpeg": "yuvj420p", "prores": "yuv422p10le", "gif": "rgb8"}


def make_long_gop(path: Path, count: int = 100, *, fps: int = 25, gop: int = 60) -> Path:
    """H.264 with B-frames that build on each other, and few keyframes; 4 s."""
    options = X264 | {"g": str(gop), "bf": "3", "x264-params": "b-pyramid=normal:scenecut=0"}
    return write_clip(path, pictures(count), Style(options=options), fps=fps)


def make_open_gop(path: Path, container: str = "mp4") -> Path:
    """H.264 whose B-frames after a keyframe build on frames before it; 8 s at 10 per second."""
    options = X264 | {"g": "20", "bf": "3", "x264-params": "open-gop=1:scenecut=0:b-adapt=0"}
    return write_clip(path, pictures(80), Style(container=container, options=options), fps=10)


def make_intra_refresh(path: Path, container: str = "mp4") -> Path:
    """H.264 without keyframes but the first: each is refreshed column by column; 8 s."""
    options = X264 | {"g": "20", "x264-params": "intra-refresh=1"}
    return write_clip(path, pictures(80), Style(container=container, options=options), fps=10)


def make_in_container(path: Path, codec: str, container: str, *, bframes: int = 0) -> Path:
    """The given codec in the given container, a keyframe every 2 s; 8 s at 10 per second."""
    options = {} if codec in INTRA_ONLY else {"g": "20"}
    options |= {"bf": str(bframes)} if bframes else {}
    options |= QUIET.get(codec, {})
    fps = 25 if codec == "mpeg1video" else 10  # it knows few rates
    style = Style(codec, container, PIX_FMTS.get(codec, "yuv420p"), options=options)
    return write_clip(path, pictures(8 * fps), style, fps=fps)


def make_turned(path: Path, matrix: tuple[int, ...]) -> Path:
    """H.264 with a display matrix: nine numbers as in ffmpeg's AV_PKT_DATA_DISPLAYMATRIX."""
    return write_clip(path, pictures(8), Style(options=X264, matrix=matrix), fps=4)


def make_cropped(path: Path, crop: tuple[int, int, int, int]) -> Path:
    """H.264 in mp4 with a clean aperture; crop: pixels off the left, right, top and bottom."""
    write_clip(path, pictures(8), Style(options=X264), fps=4)
    left, right, top, bottom = crop
    clap = struct.pack(
        ">I4s4I4i", 40, b"clap", 160 - left - right, 1, 120 - top - bottom, 1,
        left - right, 2, top - bottom, 2,
    )  # fmt: skip
    path.write_bytes(_insert_in_sample_entry(path.read_bytes(), clap))
    return path


def _insert_in_sample_entry(mp4: bytes, box: bytes) -> bytes:
    """Put a box at the end of the avc1 box, which all boxes around it must grow for.

    The pictures lie before the header, so that no offset changes.
    """
    assert mp4.index(b"mdat") < mp4.index(b"moov")
    out, at = bytearray(mp4), mp4.index(b"moov") - 4
    for name, skip in (
        (b"moov", 8), (b"trak", 8), (b"mdia", 8), (b"minf", 8), (b"stbl", 8), (b"stsd", 16),
        (b"avc1", 0),
    ):  # fmt: skip
        at = mp4.index(name, at) - 4
        (size,) = struct.unpack_from(">I", out, at)
        struct.pack_into(">I", out, at, size + len(box))
        end = at + size
        at += skip
    out[end:end] = box
    return bytes(out)


def make_variable_rate(path: Path) -> Path:
    """H.264 whose frames stay for 0.04 s to 1.7 s; 13 s."""
    gaps_s = [0.04, 0.04, 1.7, 0.2, 0.033, 0.5, 0.9, 0.04, 0.04, 1.21] * 3
    times_s = [sum(gaps_s[:number]) for number in range(len(gaps_s))]
    style = Style(options=X264 | {"g": "7", "bf": "2"})
    return write_clip(path, pictures(len(gaps_s)), style, times_s=times_s)


def make_late_start(
    path: Path, container: str, *, first_s: float = 3.0, sound_s: float = 0
) -> Path:
    """H.264 whose first picture comes at first_s; 4 s of pictures, 10 per second."""
    times_s = [first_s + number / 10 for number in range(40)]
    style = Style(container=container, options=X264 | {"g": "15", "bf": "2"})
    return write_clip(path, pictures(40), style, times_s=times_s, sound_s=sound_s)


def make_coloured(path: Path, *, colorspace: int, color_range: int) -> Path:
    """H.264 tagged with a colour matrix (1: BT.709, 9: BT.2020) and range (1: tv, 2: full)."""
    colours = {"colorspace": colorspace, "color_range": color_range}
    return write_clip(path, pictures(8), Style(options=X264, colours=colours), fps=4)


def make_in_format(
    path: Path,
    codec: str,
    pix_fmt: str,
    *,
    size: tuple[int, int] = (160, 120),
    container: str = "matroska",
    options: dict[str, str] | None = None,
) -> Path:
    """A clip of 8 pictures, 2 s, in the given pixel format; size: width and height."""
    style = Style(codec, container, pix_fmt, options=options or QUIET.get(codec, {}))
    return write_clip(path, pictures(8, *size), style, fps=4)


def make_slow(path: Path, duration_s: float, *, sound_s: float = 0.0) -> Path:
    """H.264 with 2 pictures per second, for lengths around the usual interval of 30 s."""
    options = X264 | {"g": "20", "bf": "2"}
    return write_clip(
        path, pictures(round(duration_s * 2)), Style(options=options), fps=2, sound_s=sound_s
    )


def make_with_blanks(path: Path, is_blank: Sequence[bool], *, fps: int = 2) -> Path:
    """H.264 with a black picture wherever is_blank says so, every picture a keyframe."""
    drawn = (
        plain((0, 0, 0)) if blank else picture(number) for number, blank in enumerate(is_blank)
    )
    return write_clip(path, drawn, Style(options=X264 | {"g": "1"}), fps=fps)


def make_resized_midway(path: Path) -> Path:
    """H.264 in MPEG-TS, 160 x 120 for 2 s and then 240 x 96 for 2 s."""
    with av.open(str(path), "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=10, options=X264)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for start, size in ((0, (160, 120)), (20, (240, 96))):
            encoder = av.CodecContext.create("libx264", "w")
            encoder.width, encoder.height = size
            encoder.pix_fmt, encoder.time_base, encoder.options = "yuv420p", Fraction(1, 10), X264
            frames = [av.VideoFrame.from_ndarray(picture(n, *size)) for n in range(20)]
            for frame in [*frames, None]:
                for packet in encoder.encode(frame and frame.reformat(format="yuv420p")):
                    packet.pts, packet.dts = packet.pts + start, packet.dts + start
                    packet.stream = stream
                    container.mux(packet)
    return path


def make_sound_only(path: Path) -> Path:
    """An mp4 with 1 s of sound and no pictures."""
    with av.open(str(path), "w", format="mp4") as container:
        _write_sound(container, container.add_stream("aac", rate=8000), 1.0)
    return path


def make_subtitles_only(path: Path) -> Path:
    """A Matroska file with one line of subtitles and no pictures."""
    source = path.with_suffix(".srt")
    source.write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")
    with av.open(str(source)) as text, av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream_from_template(text.streams[0])
        for packet in text.demux():
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
    source.unlink()
    return path


def make_picture(path: Path, codec: str) -> Path:
    """A still picture (mjpeg, png, ...), whatever the name says."""
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.time_base = 160, 120, Fraction(1, 25)
    encoder.pix_fmt = "yuvj420p" if codec == "mjpeg" else "rgb24"
    frame = av.VideoFrame.from_ndarray(picture(1)).reformat(format=encoder.pix_fmt)
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    path.write_bytes(b"".join(bytes(packet) for packet in packets))
    return path


def make_with_exif(path: Path) -> Path:
    """Motion JPEG in AVI whose picture says in its EXIF data that it is to be turned by 90."""
    jpeg = make_picture(path.with_suffix(".jpeg"), "mjpeg")
    orientation = struct.pack("<HHHIII", 1, 0x112, 3, 1, 6, 0)
    exif = b"Exif\0\0II*\0\x08\0\0\0" + orientation
    content = jpeg.read_bytes()
    jpeg.write_bytes(content[:2] + struct.pack(">HH", 0xFFE1, len(exif) + 2) + exif + content[2:])
    with av.open(str(jpeg)) as still, av.open(str(path), "w", format="avi") as container:
        stream = container.add_stream_from_template(still.streams.video[0])
        for packet in still.demux():
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
    jpeg.unlink()
    return path


def make_truncated(path: Path, share: float, *, index_first: bool = True) -> Path:
    """The first part of an H.264 mp4 of 40 s; index_first: the header is in that part."""
    style = Style(
        options=X264 | {"g": "20"},
        container_options={"movflags": "faststart"} if index_first else {},
    )
    whole = path.with_suffix(".whole")
    write_clip(whole, pictures(80), style, fps=2)
    path.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    whole.unlink()
    return path


def make_encrypted(path: Path) -> Path:
    """H.264 in mp4 whose pictures are encrypted (cenc), without the key."""
    key = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "7" * 32}
    style = Style(options=X264, container_options=key | {"encryption_kid": "1" * 32})
    return write_clip(path, pictures(8), style, fps=4)


def make_with_cover(path: Path) -> Path:
    """Sound with a cover picture, as music files have it."""
    cover = make_picture(path.with_suffix(".cover"), "mjpeg")
    with av.open(str(path), "w", format="mp4") as container, av.open(str(cover)) as still:
        sound = container.add_stream("aac", rate=8000)
        picture_stream = container.add_stream_from_template(still.streams.video[0])
        picture_stream.disposition = Disposition.attached_pic
        for packet in still.demux():
            if packet.dts is not None:
                packet.stream = picture_stream
                container.mux(packet)
        _write_sound(container, sound, 1.0)
    cover.unlink()
    return path
