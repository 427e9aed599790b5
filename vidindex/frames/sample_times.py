"""Which times of a video are sampled. Pure arithmetic, exact (fractions of a second)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from vidindex.embedding import Sampling

# Where the guard looks for a frame that is not blank: this share of the sample's own interval
# after the sample. Near first, since openers and fades are short, and eight looks at most.
BLANK_LOOKS = (
    *(Fraction(1, 2**halvings) for halvings in range(6, 0, -1)),
    Fraction(3, 4),
    Fraction(15, 16),
)


@dataclass(frozen=True)
class SampleTime:
    """One sample: the frame on screen at time_s, for the interval [time_s, end_s)."""

    time_s: Fraction
    end_s: Fraction

    @property
    def looks_s(self) -> tuple[Fraction, ...]:
        """Rising times within the interval at which to look for a stand-in for a blank frame."""
        length_s = self.end_s - self.time_s
        return tuple(self.time_s + share * length_s for share in BLANK_LOOKS)


def sample_times(
    duration_s: Fraction, sampling: Sampling, *, pictures_s: Fraction
) -> Iterator[SampleTime]:
    """Yield the times to sample, rising from 0; at least one, also for a duration of 0.

    They are 0, interval_s, 2 interval_s, ... while below duration_s. If fewer than min_frames of
    these fall into pictures_s, the time that there are pictures for, they are min_frames times
    pictures_s / min_frames apart instead, from 0 on.
    """
    # By way of its decimals: 2.3 means 23 / 10, on which a frame may begin, and not a hair below.
    step_s = Fraction(str(sampling.interval_s))
    if step_s <= 0 or sampling.min_frames < 1:
        raise ValueError(f"interval_s and min_frames must be above 0: {sampling}")
    if 0 < pictures_s <= step_s * (sampling.min_frames - 1):
        duration_s, step_s = pictures_s, pictures_s / sampling.min_frames
    position = 0
    while position == 0 or position * step_s < duration_s:
        time_s = position * step_s
        yield SampleTime(time_s, max(time_s, min(time_s + step_s, duration_s)))
        position += 1
