"""Means over frames that come in any order, computed in batches that videos share."""

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidindex.errors import WeightsError
from vidindex.pooling import FRAMES_AHEAD, MeanPooler

PATIENCE_S = 10.0
A, B, C = b"a", b"b", b"c"


def frame(value):
    """A frame; small, as the pooler never looks at its pixels."""
    return np.full((2, 2, 3), value, np.uint8)


def new_pooler(embed, batch_size, **options):
    """A pooler over a network that is loaded at once."""
    embedder = SimpleNamespace(embed=embed, batch_size=batch_size)
    return MeanPooler(lambda: embedder, **options)


def finish(pooler):
    """Wait until all is computed; return the videos that are done by then."""
    while not pooler.is_idle:
        pooler.wait()
    return pooler.take_done()


class Network:
    """Turns frame(v) into a vector that v alone decides, and keeps what it was asked."""

    directions = np.random.default_rng(0).normal(size=(256, 2048)).astype(np.float32)

    def __init__(self):
        self.batches = []

    def __call__(self, frames):
        values = frames[:, 0, 0, 0].tolist()
        self.batches.append(values)
        return self.directions[values]


@pytest.fixture
def network():
    return Network()


def mean_of(*values):
    return Network.directions[list(values)].mean(axis=0, dtype=np.float64).astype(np.float32)


def assert_pooled(done, *expected):
    """done: what the pooler gives; expected: key and values of the frames of each video."""
    done = list(done)
    assert [(pooled.key, pooled.frame_count) for pooled in done] == [
        (key, len(values)) for key, values in expected
    ]
    for pooled, (_, values) in zip(done, expected, strict=True):
        assert pooled.vector.dtype == np.float32
        np.testing.assert_array_equal(pooled.vector, mean_of(*values))


def add(pooler, key, *values):
    for value in values:
        pooler.add(key, frame(value))


def wait_until_computed(pooler):
    """Wait for full batches only."""
    end = time.monotonic() + PATIENCE_S
    while not pooler.is_idle:
        assert time.monotonic() < end
        pooler.start_batch(is_full=True)


def test_a_video_is_done_when_its_last_frame_is_embedded(network):
    pooler = new_pooler(network, 2)

    add(pooler, A, 1, 2, 3)
    pooler.complete(A)

    assert_pooled(finish(pooler), (A, [1, 2, 3]))


def test_a_video_whose_frames_are_all_embedded_is_done_at_once(network):
    pooler = new_pooler(network, 2)
    add(pooler, A, 1, 2)
    wait_until_computed(pooler)
    assert_pooled(pooler.take_done())

    pooler.complete(A)

    assert_pooled(pooler.take_done(), (A, [1, 2]))


def test_a_full_batch_finishes_the_videos_that_are_complete(network):
    pooler = new_pooler(network, 3)
    add(pooler, A, 1)
    pooler.complete(A)
    add(pooler, B, 2)
    add(pooler, C, 3)
    wait_until_computed(pooler)

    assert_pooled(pooler.take_done(), (A, [1]))


def test_the_network_gets_full_batches_in_the_order_of_the_frames(network):
    pooler = new_pooler(network, 3)

    add(pooler, A, 1, 2)
    add(pooler, B, 3, 4, 5)
    add(pooler, A, 6, 7)
    finish(pooler)

    assert network.batches == [[1, 2, 3], [4, 5, 6], [7]]


def test_finishing_nothing_asks_the_network_nothing(network):
    assert finish(new_pooler(network, 3)) == []
    assert network.batches == []


def test_no_frame_is_embedded_twice(network):
    pooler = new_pooler(network, 4)
    add(pooler, A, 1, 2)

    finish(pooler)
    finish(pooler)

    assert network.batches == [[1, 2]]


def test_a_mean_of_many_frames_is_exact_to_the_last_digit_of_float32(network):
    """A running sum in float32 would be off after some hundred frames."""
    values = [number % 256 for number in range(5000)]
    pooler = new_pooler(network, 16)
    add(pooler, A, *values)
    pooler.complete(A)

    (pooled,) = finish(pooler)

    assert pooled.frame_count == 5000
    np.testing.assert_allclose(pooled.vector, mean_of(*values), rtol=2e-7, atol=1e-12)


def test_dropped_frames_are_not_embedded(network):
    pooler = new_pooler(network, 4)
    add(pooler, A, 1)
    add(pooler, B, 2)
    add(pooler, A, 3)

    pooler.drop(A)
    pooler.complete(B)

    assert_pooled(finish(pooler), (B, [2]))
    assert network.batches == [[2]]


def test_a_dropped_video_can_begin_anew(network):
    """Its file changed while it was read, and is read again."""
    pooler = new_pooler(network, 2)
    add(pooler, A, 1, 2, 3)

    pooler.drop(A)
    add(pooler, A, 4)
    pooler.complete(A)

    assert_pooled(finish(pooler), (A, [4]))


def test_dropping_an_unknown_video_does_nothing(network):
    pooler = new_pooler(network, 2)
    add(pooler, A, 1)

    pooler.drop(B)
    pooler.complete(A)

    assert_pooled(finish(pooler), (A, [1]))


def test_videos_that_one_batch_finishes_come_in_the_order_of_their_frames(network):
    pooler = new_pooler(network, 9)
    for key, value in ((B, 1), (A, 2), (C, 3)):
        add(pooler, key, value)
    for key in (A, B, C):
        pooler.complete(key)

    assert_pooled(finish(pooler), (B, [1]), (A, [2]), (C, [3]))


def test_frames_that_are_being_computed_are_dropped_too(network):
    may_compute = threading.Event()

    def slow(frames):
        assert may_compute.wait(PATIENCE_S)
        return network(frames)

    pooler = new_pooler(slow, 2)
    add(pooler, A, 1)
    add(pooler, B, 2)
    pooler.drop(A)
    add(pooler, A, 3)
    for key in (A, B):
        pooler.complete(key)
    may_compute.set()

    assert_pooled(finish(pooler), (B, [2]), (A, [3]))


def test_frames_are_taken_while_the_network_computes(network):
    may_compute = threading.Event()

    def slow(frames):
        assert may_compute.wait(PATIENCE_S)
        return network(frames)

    pooler = new_pooler(slow, 2)
    add(pooler, A, 1, 2, 3)  # would never return if it waited for the first batch

    assert pooler.take_done() == []
    may_compute.set()
    pooler.complete(A)
    assert_pooled(finish(pooler), (A, [1, 2, 3]))


def test_what_was_done_before_the_network_fails_can_still_be_taken(network):
    def fails_at_third(frames):
        if len(network.batches) == 2:
            raise ValueError("a bug")
        return network(frames)

    pooler = new_pooler(fails_at_third, 1)
    for key, value in ((A, 1), (B, 2)):
        add(pooler, key, value)
        pooler.complete(key)
    add(pooler, C, 3)

    with pytest.raises(ValueError, match="a bug"):
        finish(pooler)

    assert_pooled(pooler.take_collected(), (A, [1]), (B, [2]))


def test_the_network_is_not_loaded_before_there_is_a_frame(network):
    loads = []
    pooler = MeanPooler(lambda: loads.append("loaded"))

    assert pooler.take_done() == []
    pooler.start_batch()
    pooler.close()

    assert loads == []


def test_frames_are_taken_while_the_network_is_loaded(network):
    may_load, woken = threading.Event(), threading.Event()

    def load():
        assert may_load.wait(PATIENCE_S)
        return SimpleNamespace(embed=network, batch_size=2)

    pooler = MeanPooler(load, wake=woken.set)
    add(pooler, A, 1, 2, 3, 4, 5)  # would never return if it waited for the network
    pooler.complete(A)
    assert pooler.take_done() == []
    assert not woken.is_set()
    may_load.set()

    assert woken.wait(PATIENCE_S)
    assert_pooled(finish(pooler), (A, [1, 2, 3, 4, 5]))
    assert network.batches == [[1, 2], [3, 4], [5]]


def test_no_more_frames_are_taken_than_may_wait(network):
    may_compute, has_added = threading.Event(), threading.Event()

    def slow(frames):
        assert may_compute.wait(PATIENCE_S)
        return network(frames)

    pooler = new_pooler(slow, 2)

    def add_many():
        add(pooler, A, *[1] * (FRAMES_AHEAD + 3))  # two are computed, and one is too many
        has_added.set()

    threading.Thread(target=add_many, daemon=True).start()

    assert not has_added.wait(0.3)
    may_compute.set()
    assert has_added.wait(PATIENCE_S)


def test_a_network_that_cannot_be_loaded_is_told_of(network):
    def load():
        raise WeightsError("damaged", "fetch them again")

    pooler = MeanPooler(load)

    with pytest.raises(WeightsError, match="damaged"):
        add(pooler, A, *[1] * (FRAMES_AHEAD + 1))


@given(
    frames=st.lists(st.tuples(st.sampled_from([A, B, C]), st.integers(0, 255)), min_size=1),
    batch_size=st.integers(1, 7),
    is_complete_early=st.booleans(),
)
def test_any_mixture_of_frames_gives_each_video_its_plain_mean_once(
    frames, batch_size, is_complete_early
):
    pooler = new_pooler(Network(), batch_size)
    last = {key: position for position, (key, _) in enumerate(frames)}
    done = []

    for position, (key, value) in enumerate(frames):
        pooler.add(key, frame(value))
        if is_complete_early and last[key] == position:
            pooler.complete(key)
        done += pooler.take_done()
    if not is_complete_early:
        for key in last:
            pooler.complete(key)
    done += finish(pooler)
    pooler.close()

    expected = {key: [value for other, value in frames if other == key] for key in last}
    assert sorted(pooled.key for pooled in done) == sorted(expected)
    for pooled in done:
        assert pooled.frame_count == len(expected[pooled.key])
        np.testing.assert_allclose(pooled.vector, mean_of(*expected[pooled.key]), rtol=1e-6)
