from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidindex.embedding import Sampling
from vidindex.frames.sample_times import sample_times


def times_s(duration_s: str, pictures_s: str | None = None, **settings: object) -> list[float]:
    sampling = Sampling(**settings)
    pictures = Fraction(duration_s if pictures_s is None else pictures_s)
    samples = sample_times(Fraction(duration_s), sampling, pictures_s=pictures)
    return [float(sample.time_s) for sample in samples]


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [
        ("0", [0]),
        ("0.01", [0]),
        ("29.99", [0]),
        ("30", [0]),
        ("30.01", [0, 30]),
        ("90", [0, 30, 60]),
    ],
)
def test_samples_are_an_interval_apart_while_below_the_duration(
    duration_s: str, expected: list[float]
) -> None:
    assert times_s(duration_s) == expected


def test_an_interval_is_taken_by_its_decimals() -> None:
    sampling = Sampling(interval_s=2.3)

    _, second = sample_times(Fraction(4), sampling, pictures_s=Fraction(4))

    assert second.time_s == Fraction(23, 10)


def test_min_frames_spreads_samples_over_a_short_video() -> None:
    assert times_s("20", min_frames=4) == [0, 5, 10, 15]


def test_min_frames_is_met_by_as_many_intervals() -> None:
    assert times_s("60.5", min_frames=3) == [0, 30, 60]


def test_min_frames_spreads_samples_over_the_pictures_of_a_file_that_claims_more() -> None:
    assert times_s("9000", "8", min_frames=4) == [0, 2, 4, 6]


@given(
    duration_s=st.fractions(0, 10_000, max_denominator=1000),
    interval_s=st.floats(0.5, 600),
    min_frames=st.integers(1, 20),
)
def test_there_are_always_min_frames_and_all_within_the_duration(
    duration_s: Fraction, interval_s: float, min_frames: int
) -> None:
    sampling = Sampling(interval_s=interval_s, min_frames=min_frames)

    samples = list(sample_times(duration_s, sampling, pictures_s=duration_s))

    assert len(samples) >= (min_frames if duration_s else 1)
    assert all(0 <= sample.time_s <= sample.end_s <= duration_s for sample in samples)
    assert all(
        sample.time_s <= look_s < sample.end_s or sample.time_s == sample.end_s
        for sample in samples
        for look_s in sample.looks_s
    )
    assert [sample.time_s for sample in samples] == sorted({sample.time_s for sample in samples})


@pytest.mark.parametrize("settings", [{"interval_s": 0}, {"interval_s": -1}, {"min_frames": 0}])
def test_a_sampling_without_sense_is_an_error(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        times_s("30", **settings)
