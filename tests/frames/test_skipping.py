"""Pictures on which no other builds are passed over, but never one that would be shown."""

from pathlib import Path

import pytest

from tests.clips import Style, pictures, write_clip
from tests.frames.test_sampling import assert_same, reference, sampled

# Every second picture or more is one on which no other builds; none is a keyframe but the first.
DISPENSABLE = {"preset": "veryfast", "crf": "30", "g": "250", "bf": "3", "b-adapt": "0"}


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("held", range(21, 29))
def test_a_dispensable_picture_that_stays_on_screen_for_long_is_shown(
    codec: str, held: int, tmp_path: Path
) -> None:
    """held: the number of the picture after which none comes for seconds; of each kind once."""
    times_s = [number / 10 + (4 if number > held else 0) for number in range(60)]
    style = Style(codec=codec, options=DISPENSABLE | {"x265-params": "log-level=none"})
    path = write_clip(tmp_path / "clip.mp4", pictures(60), style, times_s=times_s)

    assert_same(sampled(path, "2.5"), reference(path, "2.5"))


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("interval_s", ["0.5", "1.7", "3"])
def test_frames_after_dispensable_ones_are_the_same(
    codec: str, interval_s: str, tmp_path: Path
) -> None:
    style = Style(codec=codec, options=DISPENSABLE | {"x265-params": "log-level=none"})
    path = write_clip(tmp_path / "clip.mp4", pictures(150), style, fps=20)

    assert_same(sampled(path, interval_s), reference(path, interval_s))
