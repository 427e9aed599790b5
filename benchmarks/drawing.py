"""Draws videos with ffmpeg's own test pictures, and makes many contents of one."""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

# Pictures that differ, move, and with the noise of a camera do not shrink to nothing.
SCENES = (
    "testsrc2=s={w}x{h}:r={fps}",
    "mandelbrot=s={w}x{h}:r={fps}:start_scale=0.5",
    "gradients=s={w}x{h}:r={fps}:n=6:seed={seed}",
    "life=s=320x180:r={fps}:mold=10:ratio=0.3:seed={seed}"
    ":death_color=#205080:life_color=#f0c040,scale={w}x{h}",
    "cellauto=s=320x180:r={fps}:rule=110:seed={seed},scale={w}x{h}",
    "sierpinski=s={w}x{h}:r={fps}:seed={seed}",
)
NOISE = "noise=alls=10:allf=t:all_seed={seed}"
ENCODERS = {
    "h264": ("-c:v", "libx264", "-preset", "veryfast", "-bf", "3"),
    "hevc": ("-c:v", "libx265", "-preset", "superfast", "-x265-params", "log-level=none"),
    "vp9": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"),
    "mpeg4": ("-c:v", "mpeg4"),
}
# A box, or an element, that every reader passes over: ISO/IEC 14496-12 8.1.2, RFC 9559 5.1 (Void).
_FREE_BOX = struct.pack(">I4s", 16, b"free")
_VOID_ELEMENT = b"\xec\x88"


@dataclass(frozen=True)
class Look:
    """What a video is like. scene: which of SCENES. fps: a number or a fraction, for ffmpeg."""

    codec: str
    width_px: int
    height_px: int
    seconds: float
    scene: int = 0
    fps: str = "25"
    kbit_per_s: int = 1000
    keyframe_every: int = 250
    seed: int = 0


def draw(path: Path, look: Look) -> None:
    """Write a video; the suffix chooses the container."""
    source = f"{SCENES[look.scene]},{NOISE}".format(
        w=look.width_px, h=look.height_px, fps=look.fps, seed=look.seed
    )
    run_ffmpeg(
        *("-f", "lavfi", "-i", source, "-t", str(look.seconds)),
        *(*ENCODERS[look.codec], "-g", str(look.keyframe_every)),
        *("-b:v", f"{look.kbit_per_s}k", "-pix_fmt", "yuv420p", str(path)),
    )


def repeat(part: Path, path: Path, times: int) -> None:
    """Write a video that shows another one several times, without encoding it anew."""
    run_ffmpeg("-stream_loop", str(times - 1), "-i", str(part), "-c", "copy", str(path))


def copy_distinctly(source: Path, target: Path, number: int) -> None:
    """Copy a video so that its content is another one by its hash, with the same pictures."""
    shutil.copyfile(source, target)
    mark = _FREE_BOX if source.suffix == ".mp4" else _VOID_ELEMENT
    with target.open("ab") as file:
        file.write(mark + struct.pack(">Q", number))


def run_ffmpeg(*arguments: str) -> None:
    """Run the ffmpeg program that imageio-ffmpeg brings."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([program, "-v", "error", "-nostdin", "-y", *arguments], check=True)
