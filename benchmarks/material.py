"""The videos that are indexed: the same for the same seed, and kept for the next run if wanted."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.drawing import SCENES, Look, copy_distinctly, draw, repeat

SEED = 20
SIZES_PX = ((320, 240), (640, 360), (640, 480), (854, 480), (1280, 720))
# Codec and container of short clips, as often as they are listed.
FORMATS = (
    *[("h264", "mp4")] * 10,
    *[("h264", "mkv")] * 4,
    *[("hevc", "mp4"), ("hevc", "mkv"), ("vp9", "webm"), ("vp9", "webm")],
    *[("mpeg4", "mp4"), ("mpeg4", "mkv")],
)
COPIES_OF_A_CLIP = 5
BITS_PER_PIXEL = 0.1  # of H.264 as cameras and sites write it
LONG_PART_S = 100.1  # 3000 frames at 29.97 a second: twelve groups of 250
LONG_TIMES = 6


class Material:
    """Makes videos below a folder; what is there already from a run before is used again.

    tell: called with a line for each kind of video that must be drawn.
    """

    def __init__(self, folder: Path, tell: Callable[[str], None]) -> None:
        self._folder = folder
        self._tell = tell

    def short_clips(self, count: int) -> Path:
        """Return a folder with clips of 5 to 10 seconds, 320x240 to 1280x720, mixed codecs.

        Of five clips each the pictures are the same and the contents are not.
        """
        looks = _short_looks(-(-count // COPIES_OF_A_CLIP))

        def make(folder: Path) -> None:
            drawn = self._drawn(looks, folder.parent / f"{count} short clips, drawn")
            for number in range(count):
                source = drawn[number % len(drawn)]
                copy_distinctly(source, folder / f"clip_{number:04d}{source.suffix}", number)

        return self._made(f"{count} short clips", make)

    def more_short_clips(self, count: int, times: int) -> Path:
        """Return a folder with each of the short clips so many times, each content once."""
        clips = sorted(self.short_clips(count).iterdir())

        def make(folder: Path) -> None:
            for number in range(times * count):
                source = clips[number % count]
                copy_distinctly(source, folder / f"clip_{number:04d}{source.suffix}", number)

        return self._made(f"{times * count} short clips", make)

    def tiny_clips(self, count: int) -> Path:
        """Return a folder with clips of 2 seconds and 160x120: hardly anything to decode."""

        def make(folder: Path) -> None:
            _copies(
                self.video(Look("h264", 160, 120, 2, kbit_per_s=100), "tiny.mp4"), folder, count
            )

        return self._made(f"{count} tiny clips", make)

    def copies(self, video: Path, count: int) -> Path:
        """Return a folder with videos that show the same and have different contents."""

        def make(folder: Path) -> None:
            _copies(video, folder, count)

        return self._made(f"{count} of {video.stem}", make)

    def long_video(self, codec: str) -> Path:
        """Return 10 minutes of 1080p with 29.97 frames a second and a keyframe each 250."""
        kbit_per_s = 5000 if codec == "h264" else 3500
        look = Look(codec, 1920, 1080, LONG_PART_S, 1, "30000/1001", kbit_per_s)
        return self.repeated(look, f"1080p_{codec}", LONG_TIMES)

    def repeated(self, look: Look, name: str, times: int) -> Path:
        """Return a video that shows a drawn part several times."""

        def make(folder: Path) -> None:
            repeat(self.video(look, f"{name}_part.mp4"), folder / f"{name}_{times}x.mp4", times)

        return self._made(f"{name}_{times}x", make) / f"{name}_{times}x.mp4"

    def video(self, look: Look, name: str) -> Path:
        """Return one video as it is drawn."""

        def make(folder: Path) -> None:
            draw(folder / name, look)

        return self._made(Path(name).stem, make) / name

    @staticmethod
    def forget(folder: Path) -> None:
        """Remove a folder of videos that need much room."""
        shutil.rmtree(folder)

    def _made(self, name: str, make: Callable[[Path], None]) -> Path:
        """Return the folder of this name, filled. It gets its name when it is complete."""
        folder = self._folder / name
        if not folder.exists():
            self._tell(f"drawing {name}")
            part = self._folder / f"{name}.part"
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            make(part)
            part.rename(folder)
        return folder

    def _drawn(self, looks: list[tuple[Look, str]], folder: Path) -> list[Path]:
        folder.mkdir(exist_ok=True)
        paths = [folder / f"{number:04d}.{suffix}" for number, (_, suffix) in enumerate(looks)]
        with ThreadPoolExecutor(2) as threads:
            for _ in threads.map(draw, paths, [look for look, _ in looks]):
                pass
        return paths


def _copies(source: Path, folder: Path, count: int) -> None:
    for number in range(count):
        copy_distinctly(source, folder / f"{source.stem}_{number:05d}{source.suffix}", number)


def _short_looks(count: int) -> list[tuple[Look, str]]:
    """Choose how the clips look: (look, suffix) of each."""
    chance = random.Random(SEED)
    looks = []
    for number in range(count):
        codec, suffix = chance.choice(FORMATS)
        width_px, height_px = chance.choice(SIZES_PX)
        fps = chance.choice((24, 25, 30))
        look = Look(
            codec,
            width_px,
            height_px,
            round(chance.uniform(5, 10), 2),
            scene=number % len(SCENES),
            fps=str(fps),
            kbit_per_s=int(BITS_PER_PIXEL * width_px * height_px * fps / 1000),
            seed=number,
        )
        looks.append((look, suffix))
    return looks
