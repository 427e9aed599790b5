"""Iterators in threads: what the reader gets, how far ahead they run, and how they end."""

import threading
import time
from contextlib import closing

import pytest

from vidindex.merging import merge_in_threads

PATIENCE_S = 10.0


def counting(length):
    """Each job yields (job, 0), (job, 1), ..."""
    return lambda job: ((job, number) for number in range(length))


def wait_until(is_true):
    """Wait for something that another thread does."""
    end = time.monotonic() + PATIENCE_S
    while not is_true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


@pytest.mark.parametrize("threads", [1, 3, 16])
@pytest.mark.parametrize("depth", [1, 4])
def test_every_event_of_every_job_arrives_once(threads, depth):
    events = list(merge_in_threads(range(9), counting(20), threads=threads, depth=depth))

    assert sorted(events) == [(job, number) for job in range(9) for number in range(20)]


@pytest.mark.parametrize("threads", [1, 3])
def test_the_events_of_each_job_keep_their_order(threads):
    events = list(merge_in_threads(range(9), counting(20), threads=threads, depth=4))

    for job in range(9):
        assert [number for other, number in events if other == job] == list(range(20))


def test_one_thread_does_the_jobs_in_their_order():
    events = list(merge_in_threads("bac", counting(2), threads=1, depth=4))

    assert [job for job, _ in events] == list("bbaacc")


def test_no_jobs_give_no_events():
    assert list(merge_in_threads([], counting(3), threads=3, depth=4)) == []


def test_a_job_without_events_does_not_hold_up_the_others():
    def run(job):
        return iter(["seen"] if job == 2 else [])

    assert list(merge_in_threads(range(4), run, threads=2, depth=1)) == ["seen"]


def test_as_many_jobs_run_at_once_as_there_are_threads():
    meeting = threading.Barrier(3)

    def run(job):
        meeting.wait(PATIENCE_S)  # breaks unless three come together
        yield job

    assert sorted(merge_in_threads(range(3), run, threads=3, depth=4)) == [0, 1, 2]


def test_the_reader_gets_events_before_a_job_is_done():
    may_go_on = threading.Event()

    def run(job):
        yield "early"
        assert may_go_on.wait(PATIENCE_S)
        yield "late"

    events = merge_in_threads([1], run, threads=1, depth=4)

    assert next(events) == "early"
    may_go_on.set()
    assert list(events) == ["late"]


def test_jobs_are_taken_one_by_one_from_an_iterator_that_is_not_safe_for_threads():
    busy = threading.Lock()

    def jobs():
        for number in range(200):
            assert busy.acquire(blocking=False)
            time.sleep(0.0001)
            busy.release()
            yield number

    assert sorted(merge_in_threads(jobs(), iter_once, threads=8, depth=8)) == list(range(200))


def iter_once(job):
    yield job


def test_threads_run_no_further_ahead_than_the_depth_and_the_event_that_each_holds():
    threads, depth = 3, 5
    made = []

    def run(job):
        for number in range(1000):
            made.append((job, number))
            yield job

    with closing(merge_in_threads(range(6), run, threads=threads, depth=depth)) as events:
        next(events)
        wait_until(lambda: len(made) == 1 + depth + threads)
        time.sleep(0.3)
        assert len(made) == 1 + depth + threads
        for _ in range(10):
            next(events)
        wait_until(lambda: len(made) == 11 + depth + threads)
        time.sleep(0.1)
        assert len(made) == 11 + depth + threads


def test_jobs_are_not_taken_before_a_thread_is_free():
    taken = []

    def jobs():
        for number in range(100):
            taken.append(number)
            yield number

    def run(job):
        yield from [job] * 1000

    with closing(merge_in_threads(jobs(), run, threads=2, depth=4)) as events:
        next(events)
        wait_until(lambda: len(taken) == 2)
        time.sleep(0.1)
        assert taken == [0, 1]


@pytest.fixture
def endless():
    """A job that never ends by itself, and what is seen of it: its threads and its clean-ups."""

    class Endless:
        def __init__(self):
            self.threads = set()
            self.closed = 0

        def __call__(self, job):
            self.threads.add(threading.current_thread())
            try:
                while True:
                    yield job
            finally:
                self.closed += 1

    return Endless()


def test_closing_early_stops_the_threads_and_closes_the_jobs(endless):
    events = merge_in_threads(range(9), endless, threads=3, depth=2)
    next(events)
    wait_until(lambda: len(endless.threads) == 3)

    events.close()

    assert [thread.is_alive() for thread in endless.threads] == [False] * 3
    assert endless.closed == 3


def test_an_error_of_the_reader_stops_the_threads(endless):
    def read():
        with closing(merge_in_threads(range(9), endless, threads=2, depth=2)) as events:
            for _ in events:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read()

    assert not any(thread.is_alive() for thread in endless.threads)
    assert endless.closed == len(endless.threads) > 0


@pytest.mark.parametrize("kind", [ValueError, SystemExit, MemoryError])
def test_an_exception_of_a_job_reaches_the_reader_as_it_is(kind):
    error = kind("in job 2")

    def run(job):
        yield job
        if job == 2:
            raise error

    with pytest.raises(kind) as caught:
        list(merge_in_threads(range(5), run, threads=2, depth=4))

    assert caught.value is error


def test_an_exception_comes_after_the_events_before_it():
    def run(job):
        yield "first"
        yield "second"
        raise ValueError("then this")

    events = merge_in_threads([1], run, threads=1, depth=4)

    assert [next(events), next(events)] == ["first", "second"]
    with pytest.raises(ValueError, match="then this"):
        next(events)


def test_an_exception_of_one_job_stops_the_others(endless):
    def run(job):
        if job == 0:
            wait_until(lambda: len(endless.threads) == 2)
            raise ValueError("job 0")
        yield from endless(job)

    with pytest.raises(ValueError, match="job 0"):
        for _ in merge_in_threads(range(9), run, threads=3, depth=2):
            pass

    assert not any(thread.is_alive() for thread in endless.threads)


def test_an_exception_in_the_list_of_jobs_reaches_the_reader():
    def jobs():
        yield 1
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(merge_in_threads(jobs(), iter_once, threads=2, depth=4))
