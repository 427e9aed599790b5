"""The default settings against the published recipe, which is written out plainly here.

The recipe: the frame on screen at t = 0, 30, 60, ... seconds while t < duration, decoded by the
ffmpeg program, upright, RGB; OpenCV's default resize to 299 x 299; InceptionV3 of Keras, cut at
avg_pool; the plain mean. Nothing of the reference goes through vidindex.
"""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray

from tests import clips
from tests.networks import WEIGHTS_FORMATS, CalibratedNetwork
from vidindex import Library, Settings

# Keras 3.15 hands its variables to NumPy 2 in the way of NumPy 1.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

LEAST_COSINE = 0.9999
# What a wrong picture must fall below for the bound above to mean something.
TELLING_COSINE = 0.999
drawn = functools.cache(clips.picture)  # most clips show the same pictures
RIGHT = 1 << 16  # 1 in the fixed point numbers of a display matrix
QUARTER_TURN = (0, RIGHT, 0, -RIGHT, 0, 0, 0, 0, 1 << 30)
B_FRAMES = clips.X264 | {"g": "45", "bf": "3", "x264-params": "b-pyramid=normal:scenecut=0"}

Pictures = list[NDArray[np.uint8]]
Vector = NDArray[np.float32]


def frames_each_second(path: Path, size: tuple[int, int], *options: str) -> Pictures:
    """The frame on screen at 0 s, 1 s, 2 s, ...; size: width and height of the upright picture."""
    done = subprocess.run(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", *options),
            *("-i", str(path), "-map", "0:v:0"),
            # A frame is taken for each second at or after its own time, the last one counts.
            *("-vf", "fps=1:round=up:start_time=0", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"),
        ],
        capture_output=True,
        check=True,
    )
    width_px, height_px = size
    return list(np.frombuffer(done.stdout, np.uint8).reshape(-1, height_px, width_px, 3))


def resized(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return cv2.resize(picture, (299, 299))


def cosine(left: Vector, right: Vector) -> float:
    left, right = left.astype(np.float64), right.astype(np.float64)
    return float(left @ right / np.linalg.norm(left) / np.linalg.norm(right))


def in_style(
    seconds: float = 62, size: tuple[int, int] = (160, 120), codec: str = "libx264", **style: object
) -> Callable[[Path], Path]:
    """How to make a clip with two pictures per second."""
    chosen = clips.Style(codec, **({"options": clips.QUIET.get(codec, {})} | style))
    numbers = range(round(seconds * 2))
    return lambda path: clips.write_clip(
        path, (drawn(number, *size) for number in numbers), chosen, fps=2
    )


def at_times(
    times_s: list[float], container: str = "mp4", sound_s: float = 0
) -> Callable[[Path], Path]:
    """How to make a clip whose pictures come at these times."""
    style = clips.Style(container=container, options=clips.X264 | {"g": "15", "bf": "2"})
    return lambda path: clips.write_clip(
        path, map(drawn, range(len(times_s))), style, times_s=times_s, sound_s=sound_s
    )


UNEVEN_S = [
    sum([0.04, 1.7, 0.2, 0.033, 2.9, 0.5, 0.04][i % 7] for i in range(n)) for n in range(84)
]
LATE_S = [3 + number / 2 for number in range(120)]
FULL_RANGE = {"colorspace": 1, "color_range": 2}
# Each: how to make it, the size of its upright picture, how many samples there are.
KINDS: dict[str, tuple[Callable[[Path], Path], tuple[int, int], int]] = {
    "turned by 90 degrees": (
        in_style(options=clips.X264, matrix=QUARTER_TURN),
        (120, 160),
        3,
    ),
    "variable frame rate": (at_times(UNEVEN_S), (160, 120), 3),
    "pictures from 3 s on, sound from 0": (at_times(LATE_S, sound_s=62.5), (160, 120), 3),
    "times from 4.4 s on": (at_times(LATE_S, "mpegts"), (160, 120), 2),
    "pyramid of b-frames": (in_style(options=B_FRAMES), (160, 120), 3),
    "bt709": (in_style(colours={"colorspace": 1, "color_range": 1}), (160, 120), 3),
    "bt709, full range": (in_style(colours=FULL_RANGE), (160, 120), 3),
    "10 bit": (in_style(codec="libx265", pix_fmt="yuv420p10le"), (160, 120), 3),
    "161 x 121": (in_style(size=(161, 121), codec="libvpx-vp9", container="webm"), (161, 121), 3),
    "29.5 s": (in_style(29.5), (160, 120), 1),
    "30.0 s": (in_style(30), (160, 120), 1),
    "30.5 s": (in_style(30.5), (160, 120), 2),
    "59.5 s": (in_style(59.5), (160, 120), 2),
    "60.0 s": (in_style(60), (160, 120), 2),
    "60.5 s": (in_style(60.5), (160, 120), 3),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a clip of each kind."""
    folder = tmp_path_factory.mktemp("recipe")
    for kind, (make, _, _) in KINDS.items():
        make(folder / f"{kind}.mp4")
    return folder


@pytest.fixture(scope="module")
def indexed(folder: Path, weights_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The clips, indexed with the calibrated weights and otherwise default settings."""
    settings = Settings(weights=str(weights_files / "top.h5"))
    library = Library(tmp_path_factory.mktemp("recipe library") / "library.db", settings)
    library.index([folder])
    return library


@pytest.fixture(scope="module")
def stored(indexed: Library) -> dict[str, Vector]:
    """The library's vector of each kind."""
    found = indexed.vectors()
    return {path.stem: vector for path, vector in zip(found.paths, found.vectors, strict=True)}


@pytest.fixture(scope="module")
def samples(folder: Path) -> dict[str, Pictures]:
    """What the recipe looks at in each clip: every 30th of the frames of each second."""
    return {
        kind: frames_each_second(folder / f"{kind}.mp4", size)[::30]
        for kind, (_, size, _) in KINDS.items()
    }


@pytest.fixture(scope="module")
def features(samples: dict[str, Pictures], calibrated: CalibratedNetwork) -> dict[str, Vector]:
    """What Keras makes of the samples: (n, 2048) for each clip, in one call for speed."""
    pictures = [resized(picture) for kind in KINDS for picture in samples[kind]]
    rows: Iterator[Vector] = iter(calibrated.predict(np.stack(pictures)))
    return {kind: np.stack([next(rows) for _ in samples[kind]]) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_a_default_vector_is_that_of_the_published_recipe(
    kind: str, stored: dict[str, Vector], features: dict[str, Vector]
) -> None:
    assert stored[kind].dtype == np.float32
    assert cosine(stored[kind], features[kind].mean(axis=0)) >= LEAST_COSINE


@pytest.mark.parametrize("kind", KINDS)
def test_as_many_frames_are_sampled_as_the_recipe_takes(
    kind: str, folder: Path, indexed: Library, samples: dict[str, Pictures]
) -> None:
    (vector,) = indexed.show(str(folder / f"{kind}.mp4")).vectors

    assert vector.frame_count == len(samples[kind]) == KINDS[kind][2]


def test_the_lengths_are_also_equal(stored: dict[str, Vector], features: dict[str, Vector]) -> None:
    """A cosine alone would not see a sum in place of a mean."""
    for kind, vectors in features.items():
        np.testing.assert_allclose(
            np.linalg.norm(stored[kind]), np.linalg.norm(vectors.mean(axis=0)), rtol=1e-3
        )


WRONG_PICTURES = {
    "blue for red": lambda picture: resized(picture[:, :, ::-1]),
    "not turned": lambda picture: resized(np.rot90(picture)),
    "mirrored": lambda picture: resized(picture[:, ::-1]),
    "nearest neighbour": lambda picture: cv2.resize(picture, (299, 299), interpolation=0),
    "bicubic": lambda picture: cv2.resize(picture, (299, 299), interpolation=cv2.INTER_CUBIC),
    "aspect kept": lambda picture: cv2.copyMakeBorder(
        cv2.resize(picture, (299, 224)), 37, 38, 0, 0, cv2.BORDER_CONSTANT
    ),
    "other range of levels": lambda picture: resized((picture * 0.86 + 16).astype(np.uint8)),
}


@pytest.mark.parametrize("fault", WRONG_PICTURES)
def test_the_bound_tells_a_wrong_picture(
    fault: str,
    samples: dict[str, Pictures],
    features: dict[str, Vector],
    calibrated: CalibratedNetwork,
) -> None:
    kind = "bt709"
    wrong = np.stack([WRONG_PICTURES[fault](picture) for picture in samples[kind]])

    found = calibrated.predict(wrong).mean(axis=0)

    assert cosine(found, features[kind].mean(axis=0)) < TELLING_COSINE


def test_the_bound_tells_a_frame_of_another_time(
    folder: Path, features: dict[str, Vector], calibrated: CalibratedNetwork
) -> None:
    """Of three samples the last one is taken a second early."""
    each_second = frames_each_second(folder / "bt709.mp4", (160, 120))
    wrong = np.stack([resized(each_second[second]) for second in (0, 30, 59)])

    found = calibrated.predict(wrong).mean(axis=0)

    assert cosine(found, features["bt709"].mean(axis=0)) < TELLING_COSINE


def test_the_bound_tells_a_missing_sample(features: dict[str, Vector]) -> None:
    vectors = features["60.5 s"]

    assert cosine(vectors[:2].mean(axis=0), vectors.mean(axis=0)) < TELLING_COSINE


def test_the_bound_tells_a_turned_clip_that_was_left_as_it_lies(
    folder: Path, features: dict[str, Vector], calibrated: CalibratedNetwork
) -> None:
    kind = "turned by 90 degrees"
    lying = frames_each_second(folder / f"{kind}.mp4", (160, 120), "-noautorotate")[::30]

    found = calibrated.predict(np.stack([resized(picture) for picture in lying])).mean(axis=0)

    assert cosine(found, features[kind].mean(axis=0)) < TELLING_COSINE


@pytest.mark.parametrize("name", WEIGHTS_FORMATS[1:])
def test_the_same_weights_in_another_file_find_all_vectors(
    name: str, indexed: Library, folder: Path, weights_files: Path
) -> None:
    def must_not_decode(path: Path, sampling: object) -> None:
        raise AssertionError(path)

    other = Library(indexed.path, Settings(weights=str(weights_files / name)))

    result = other.index([folder], read_frames=must_not_decode)

    assert (result.unchanged, result.indexed, result.failed) == (len(KINDS), 0, 0)
    assert len(other.status().recipes) == 1


def test_other_weights_make_other_vectors(indexed: Library, tmp_path: Path, folder: Path) -> None:
    copy = indexed.back_up(tmp_path / "copy.db")
    other = Library(copy, Settings(weights="untrained"))

    result = other.index([folder / "29.5 s.mp4"])

    assert result.indexed == 1
    assert [recipe.vectors for recipe in other.status().recipes] == [len(KINDS), 1]
