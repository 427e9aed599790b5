"""Which copy is the best, and which videos are in one group."""

from pathlib import Path

from vidindex.best_copies import NearPair, Star, count_saveable, gather_stars, quality
from vidindex.embedding import VideoInfo


def rank(width_px, size_bytes, mtime_ns, name, duration_s=10.0):
    info = VideoInfo(duration_s, width_px, 100, "h264")
    return quality(info, size_bytes, mtime_ns, Path(name))


def test_pixels_count_most_then_the_bitrate_then_the_age_then_the_path():
    ranks = [
        rank(640, 10, 5, "large"),
        rank(320, 90, 1, "dense"),
        rank(320, 80, 2, "old"),
        rank(320, 80, 3, "a"),
        rank(320, 80, 3, "b"),
        rank(320, 80, 1, "slow", duration_s=20.0),
        rank(320, 80, 1, "unknown length", duration_s=None),
        quality(None, 1000, 1, Path("unknown")),
    ]

    assert sorted(ranks) == ranks


def test_a_group_has_the_best_one_and_what_is_near_to_it():
    pairs = [NearPair(0, 2, 0.99), NearPair(2, 5, 0.98), NearPair(0, 5, 0.97)]

    assert gather_stars(pairs, []) == [Star(0, {2: 0.99, 5: 0.97})]


def test_the_ends_of_a_chain_are_not_in_one_group():
    chain = [NearPair(number, number + 1, 0.99) for number in range(4)]

    assert gather_stars(chain, []) == [Star(0, {1: 0.99}), Star(2, {3: 0.99})]


def test_distinct_videos_are_never_in_one_group_the_nearer_one_stays():
    pairs = [NearPair(0, 1, 0.97), NearPair(0, 2, 0.99), NearPair(1, 2, 0.95)]

    assert gather_stars(pairs, [(2, 1)]) == [Star(0, {2: 0.99})]
    assert gather_stars(pairs, [(0, 1), (0, 2)]) == [Star(1, {2: 0.95})]
    assert gather_stars(pairs, [(0, 1), (0, 2), (1, 2)]) == []


def test_hard_links_save_nothing():
    assert count_saveable(100, [(1, 7), (1, 7)]) == 0
    assert count_saveable(100, [(1, 7), (1, 7), (1, 8), (2, 7)]) == 200
