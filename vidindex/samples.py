"""Sample videos for ``vidindex demo``: sixteen short clips of five kinds, made on the spot.

Three kinds are drawn with numpy, two are slow camera moves over the photographs that come with
scikit-learn (CC BY 2.0, see its ``datasets/images/README.txt``). The names are those that a
camera gives and say nothing of the kind: to find that out from the pictures is the demo's point.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vidindex.errors import Refused, SystemStopped

HEIGHT_PX = 216
WIDTH_PX = 384
ASPECT = WIDTH_PX / HEIGHT_PX

Image = NDArray[np.uint8]
Plane = NDArray[np.floating]
Point = tuple[float, float]
Scene = Callable[[float], Plane]
ReadPicture = Callable[[Path], Image]


class WriteVideo(Protocol):
    """Encodes frames, each (height, width, 3) uint8 RGB, into a video file."""

    def __call__(self, path: Path, frames: Iterable[Image], *, fps: int) -> None:
        """Write the file."""


@dataclass(frozen=True)
class SampleVideo:
    """A clip that is still to be drawn.

    kind: what it shows, such as "sea"; the answer that clustering should find.
    variant: 0, 1, … within the kind; it sets the colours.
    seed: fixes what is left to chance.
    """

    name: str
    kind: str
    variant: int
    seed: int
    duration_s: int
    fps: int

    def frames(self, read_picture: ReadPicture) -> Iterator[Image]:
        """Draw the frames: duration_s * fps of them, each (216, 384, 3) uint8 RGB.

        read_picture: reads a JPEG file into (height, width, 3) uint8 RGB; called only for the
            kinds that are made of a photograph.

        Raises:
            Refused: the photographs of scikit-learn are not where it keeps them.
        """
        scene = _scene(self, read_picture)
        for number in range(self.duration_s * self.fps):
            yield (scene(number / self.fps) * 255 + 0.5).clip(0, 255).astype(np.uint8)


def sample_videos(seed: int = 0) -> list[SampleVideo]:
    """List the clips in order of their names, the kinds mixed; the same for the same seed.

    One of them, a night in time lapse, is longer than 30 seconds, so that the default sampling
    looks at it twice.
    """
    rng = np.random.default_rng(seed)
    kinds = [(kind, variant) for kind in _PALETTES for variant in range(len(_PALETTES[kind]))]
    clips = []
    for number, place in enumerate(rng.permutation(len(kinds)), start=1):
        kind, variant = kinds[place]
        duration_s, fps = (36, 2) if (kind, variant) == _TIME_LAPSE else (4, 10)
        name, clip_seed = f"clip_{number:04d}.mp4", int(rng.integers(2**32))
        clips.append(SampleVideo(name, kind, variant, clip_seed, duration_s, fps))
    return clips


def render_samples(
    folder: Path, *, write: WriteVideo, read_picture: ReadPicture, seed: int = 0
) -> list[Path]:
    """Draw all clips into a folder, which is made if need be; return the files, by name.

    write: ``vidindex.frames.write_video``; read_picture: see ``SampleVideo.frames``.

    Raises:
        Refused: a file of such a name is there already, or the photographs of scikit-learn
            are missing; nothing is written then.
        SystemStopped: the folder cannot be made, or a file not written.
    """
    for photograph in _PHOTOGRAPHS.values():
        _photograph(photograph)
    clips = sample_videos(seed)
    for clip in clips:
        if os.path.lexists(folder / clip.name):
            hint = "name a new or empty folder for the sample videos; nothing was written"
            raise Refused(f"{str(folder / clip.name)!r} exists already", hint)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SystemStopped(f"cannot make {str(folder)!r}: {error.strerror}") from error
    for clip in clips:
        write(folder / clip.name, clip.frames(read_picture), fps=clip.fps)
    return [folder / clip.name for clip in clips]


# For each kind the colours of its variants. An untrained network sees little but colour and
# texture, so that those of one kind may differ only so much.
_PALETTES = {
    # the top of the sky, the sky at the horizon, the water, the sun
    "sea": (
        "337adb bde0f7 054d7a fffae0",
        "4075cc f5d9ad 084770 ffe6a8",
        "5299d6 d1ebf0 055c75 fffff0",
        "5778cc e8ccd1 0f4775 ffebd6",
    ),
    # the top of the sky, the sky at the roofs
    "night city": ("05081f 242961", "08051c 4d2457", "030d1f 14405c"),
    # the rays, the gaps between them, the floor
    "cartoon": ("ffd652 ffa829 6bb85c", "ffbd61 fa8a38 5ca385", "ffe27a ffc04d 9cb84f"),
    # the light that falls on the photograph
    "temple": ("fff7e8", "fff3dc", "fffcf5"),
    "flower": ("ffffff", "fff3da", "ebfcff"),
}
_BALLS, _INK, _MOON, _LAMP = "ed3b40 337ae6 8c4dbf 1aa673", "1f1729", "f7f2d9", "ffd173"
_STAR_SHARE = 0.0035  # of the pixels of the night sky
_TIME_LAPSE = ("night city", 1)
_PHOTOGRAPHS = {"temple": "china.jpg", "flower": "flower.jpg"}


def _scene(clip: SampleVideo, read_picture: ReadPicture) -> Scene:
    """Build the function that draws the clip's picture at t seconds: (216, 384, 3), 0 to 1."""
    rng = np.random.default_rng(clip.seed)
    colours = _colours(_PALETTES[clip.kind][clip.variant])
    if clip.kind in _PHOTOGRAPHS:
        picture = read_picture(_photograph(_PHOTOGRAPHS[clip.kind])).astype(np.float32)
        return _camera_move(rng, picture / 255 * colours, clip.duration_s)
    builders = {"sea": _sea, "night city": _night_city, "cartoon": _cartoon}
    return builders[clip.kind](rng, colours)


def _colours(palette: str) -> Plane:
    """Read colours written as "rrggbb rrggbb …": (n, 3), 0 to 1."""
    return np.array([list(bytes.fromhex(c)) for c in palette.split()], np.float32) / 255


def _photograph(name: str) -> Path:
    spec = find_spec("sklearn")  # to import it would take seconds
    if spec is not None and spec.origin is not None:
        path = Path(spec.origin).parent / "datasets" / "images" / name
        if path.is_file():
            return path
    message = f"the photograph {name} of scikit-learn is not installed"
    raise Refused(message, "Reinstall it: pip install --force-reinstall scikit-learn")


def _camera_move(rng: np.random.Generator, picture: Plane, duration_s: float) -> Scene:
    """Pan and zoom over a picture."""
    height, width = picture.shape[:2]
    zoom = width * rng.permutation([rng.uniform(0.68, 0.74), rng.uniform(0.88, 0.96)])
    centre = rng.uniform((0.42, 0.4), (0.58, 0.52), size=(2, 2)) * (width, height)

    def draw(t: float) -> Plane:
        part = 0.5 - 0.5 * np.cos(np.pi * t / duration_s)  # eases the move in and out
        x, y = centre[0] + (centre[1] - centre[0]) * part
        return _view(picture, x, y, zoom[0] + (zoom[1] - zoom[0]) * part)

    return draw


def _view(picture: Plane, centre_x: float, centre_y: float, width: float) -> Plane:
    """Show a part of a picture, `width` of its pixels wide, by bilinear interpolation."""
    size = np.array(picture.shape[:2])
    half = np.array([width / ASPECT, width]) / 2
    # The view stays inside the picture.
    top, left = np.clip((centre_y, centre_x), half, np.maximum(size - half, half)) - half
    rows = np.linspace(top, top + 2 * half[0] - 1, HEIGHT_PX).clip(0, size[0] - 1.001)
    columns = np.linspace(left, left + 2 * half[1] - 1, WIDTH_PX).clip(0, size[1] - 1.001)
    r, c = rows.astype(int), columns.astype(int)
    lines = _mix(picture[r], picture[r + 1], (rows - r)[:, None])
    return _mix(lines[:, c], lines[:, c + 1], (columns - c)[None, :])


def _grid() -> tuple[Plane, Plane]:
    """Coordinates of the pixels, x to the right and y downwards; the height is 1."""
    y, x = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32) / HEIGHT_PX
    return x, y


def _mix(first: Plane, second: Plane, part: Plane) -> Plane:
    """Blend two colours or images; part: (height, width), 0 for the first, 1 for the second."""
    return first + (second - first) * part.astype(np.float32)[..., None]


def _inside(distance: Plane, radius: float) -> Plane:
    """How much of each pixel lies within the radius, 0 to 1: a disc with smooth edges."""
    return ((radius - distance) * HEIGHT_PX + 0.5).clip(0, 1)


def _clouds(rng: np.random.Generator) -> Plane:
    """How thick the clouds are, (216, 384), 0 to 0.85: octaves of value noise."""
    total: Plane = np.zeros((HEIGHT_PX, WIDTH_PX), np.float32)
    for cells in (3, 6, 12, 24, 48):
        bumps = rng.random((cells, 2 * cells, 1), np.float32)
        total += _view(bumps, cells, cells / 2, cells * ASPECT)[..., 0] / cells
    total -= total.min()
    return (total / float(total.max()) * 2.4 - 1.15).clip(0, 0.85)


def _sea(rng: np.random.Generator, colours: Plane) -> Scene:
    """Waves under a sky with clouds and a sun, whose light lies on the water."""
    x, y = _grid()
    high, low, water, sun = colours
    shore, sun_x, sun_y = rng.integers(92, 108), rng.uniform(0.4, 1.4), rng.uniform(0.14, 0.26)
    horizon = int(shore) / HEIGHT_PX
    distance = np.hypot(x - sun_x, y - sun_y)
    sky = _mix(high, low, (y / horizon).clip(0, 1) ** 1.4)
    sky = _mix(sky, np.ones(3, np.float32), _clouds(rng))
    sky = _mix(_mix(sky, sun, np.exp(-6 * distance)), sun, _inside(distance, 0.055))
    below, aside = (y - horizon)[shore:] + 0.5 / HEIGHT_PX, x[shore:]
    near = below / (1 - horizon)
    glitter = np.exp(-(((aside - sun_x) / (0.05 + 0.45 * below)) ** 2))
    base = _mix(low, water, 0.25 + 0.75 * near**0.4)
    waves = _waves(rng, (aside - ASPECT / 2) / below, 1 / below)

    def draw(t: float) -> Plane:
        crest = (waves(t) * 0.35).clip(-1, 1) * (0.25 + 0.75 * near)
        surface = _mix(base, low, (crest * 0.55).clip(-0.3, 0.6))
        surface = _mix(surface, sun, (glitter * (0.35 + crest)).clip(0, 1))
        return np.concatenate([sky[:shore], surface])

    return draw


def _waves(rng: np.random.Generator, across: Plane, away: Plane) -> Scene:
    """Build the height of a sum of sine waves at t seconds, given each pixel's place on them."""
    speed, trains = rng.uniform(0.8, 1.3), []
    for number in range(7):
        pitch, slant = 1.8 * 1.6**number, rng.uniform(-0.25, 0.25)
        # A wave that is finer than the pixels there would only flicker.
        weight = 0.76**number / (1 + (pitch * away**2 / HEIGHT_PX) ** 2)
        angle = pitch * (away + slant * across) + rng.uniform(0, 6.28)
        trains.append((weight, angle, 2 * speed * pitch**0.5))
    return lambda t: sum(weight * np.sin(angle + pace * t) for weight, angle, pace in trains)


def _night_city(rng: np.random.Generator, colours: Plane) -> Scene:
    """Stars and a moon over a skyline whose windows go on and off as the camera passes."""
    x, y = _grid()
    high, low, moonlight, lamplight = *colours, *_colours(_MOON), *_colours(_LAMP)
    distance = np.hypot(x - rng.uniform(0.3, 1.4), y - rng.uniform(0.15, 0.25))
    moon = _inside(distance, 0.075)
    sky = _mix(_mix(high, low, y**1.5), moonlight, np.maximum(moon, 0.4 * np.exp(-7 * distance)))
    is_star = (rng.random(x.shape) < _STAR_SHARE) & (moon == 0)
    stars = np.where(is_star, rng.random(x.shape, np.float32), 0)[..., None]
    rhythm = rng.uniform(0, 6.28, (*x.shape, 1)).astype(np.float32)
    rows = [_skyline(rng, low, depth) for depth in range(3)]

    def draw(t: float) -> Plane:
        picture: Plane = sky + stars * (0.75 + 0.25 * np.sin(3 * t + rhythm))
        for depth, row in enumerate(rows):
            shift = int(t * 4 * (depth + 1)) % WIDTH_PX
            wall, window = (part[:, shift : shift + WIDTH_PX] for part in row)
            is_lit = (window > 0) & (np.sin(window * 997 + 0.5 * t) > 0)
            np.copyto(picture, wall, where=wall > 0)
            np.copyto(picture, lamplight, where=is_lit)
        return picture

    return draw


def _skyline(rng: np.random.Generator, haze: Plane, depth: int) -> tuple[Plane, Plane]:
    """Draw a row of houses, two pictures wide and the same in both; depth 0 is the farthest.

    Returns the walls' colours, (216, 768, 3), and a number for each window, (216, 768, 1).
    """
    walls = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.float32)
    windows = np.zeros((HEIGHT_PX, WIDTH_PX, 1), np.float32)
    pitch, left = 4 + 2 * depth, 0
    while left < WIDTH_PX:
        right = min(left + int(rng.integers(4, 8)) * pitch + 2, WIDTH_PX)
        roof = int(HEIGHT_PX * (rng.uniform(0.34, 0.62) + 0.13 * depth))
        walls[roof:, left:right] = haze * (0.75 - 0.3 * depth) * rng.uniform(0.8, 1.1)
        for top in range(roof + 4, HEIGHT_PX, pitch + 2):
            for side in range(left + 2, right - pitch // 2, pitch):
                windows[top : top + pitch - 1, side : side + pitch // 2] = rng.random() + 1e-3
        left = right + 3 * int(rng.integers(0, 3))
    return np.tile(walls, (1, 2, 1)), np.tile(windows, (1, 2, 1))


def _cartoon(rng: np.random.Generator, colours: Plane) -> Scene:
    """Balls with thick outlines bounce before turning rays of light."""
    x, y = _grid()
    ray, gap, floor = colours
    shadow = floor * 0.7
    rays, turn = np.arctan2(y - 0.75, x - ASPECT / 2) * 12, rng.uniform(-2, 2)
    radii, phases = rng.uniform(0.11, 0.17, 4).tolist(), rng.uniform(0, 1, 4).tolist()
    places = ((np.arange(4) + rng.uniform(0.35, 0.65, 4)) * ASPECT / 4).tolist()
    balls = list(zip(rng.permutation(_colours(_BALLS)), radii, phases, places, strict=True))

    def draw(t: float) -> Plane:
        picture = _mix(ray, gap, (np.sin(rays + turn * t) * 8 + 0.5).clip(0, 1))
        picture[int(0.8 * HEIGHT_PX) :] = floor
        for colour, radius, phase, x in balls:
            swing = (t * 0.9 + phase) % 1
            height = 2.0 * swing * (1 - swing)
            _disc(picture, shadow, (x, 0.91), radius * (1 - 0.7 * height), 4)
            _ball(picture, colour, x, 0.9 - radius - height, radius)
        return picture

    return draw


def _ball(picture: Plane, colour: Plane, x: float, y: float, radius: float) -> None:
    """Draw a ball with its outline and highlight into the picture."""
    _disc(picture, _colours(_INK), (x, y), radius)
    _disc(picture, colour * 0.78, (x, y), radius - 0.016)
    _disc(picture, colour, (x - 0.1 * radius, y - 0.12 * radius), 0.84 * radius - 0.016)
    _disc(picture, np.ones(3), (x - 0.35 * radius, y - 0.4 * radius), 0.2 * radius)


def _disc(image: Plane, colour: Plane, centre: Point, radius: float, flat: float = 1) -> None:
    """Draw a disc, or an ellipse `flat` times as wide as high, into the image."""
    left, top = (max(int((middle - radius) * HEIGHT_PX) - 1, 0) for middle in centre)
    right, bottom = (int((middle + radius) * HEIGHT_PX) + 2 for middle in centre)
    part = image[top:bottom, left:right]
    rows, columns = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
    distance = np.hypot(columns / HEIGHT_PX - centre[0], (rows / HEIGHT_PX - centre[1]) * flat)
    part[:] = _mix(part, colour, _inside(distance, radius))
