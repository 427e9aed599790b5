"""Jobs in threads: what their reader gets, how far ahead they run, and how they end."""

import threading
import time
from functools import partial

import pytest

from vidindex.crew import Crew

PATIENCE_S = 10.0


def count_to(length, job):
    """Yield (job, 0), (job, 1), ..."""
    return ((job, number) for number in range(length))


def read(crew):
    """Take all that the jobs tell."""
    events = []
    while not crew.is_idle:
        event = crew.take(PATIENCE_S)
        if event is not None:
            events.append(event)
    return events


def run(jobs, job, *, threads=2, depth=4):
    with Crew(threads, depth) as crew:
        for number in jobs:
            crew.add(partial(job, number))
        return read(crew)


def wait_until(is_true):
    """Wait for something that another thread does."""
    end = time.monotonic() + PATIENCE_S
    while not is_true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


@pytest.mark.parametrize("threads", [1, 3, 16])
@pytest.mark.parametrize("depth", [1, 4])
def test_every_event_of_every_job_arrives_once(threads, depth):
    events = run(range(9), partial(count_to, 20), threads=threads, depth=depth)

    assert sorted(events) == [(job, number) for job in range(9) for number in range(20)]


@pytest.mark.parametrize("threads", [1, 3])
def test_the_events_of_each_job_keep_their_order(threads):
    events = run(range(9), partial(count_to, 20), threads=threads)

    for job in range(9):
        assert [number for other, number in events if other == job] == list(range(20))


def test_one_thread_does_the_jobs_in_their_order():
    events = run("bac", partial(count_to, 2), threads=1)

    assert [job for job, _ in events] == list("bbaacc")


def test_urgent_jobs_go_before_the_others_and_keep_their_order():
    may_begin = threading.Event()

    def first():
        assert may_begin.wait(PATIENCE_S)
        yield "first"

    with Crew(threads=1, depth=4) as crew:
        crew.add(first)
        crew.add(lambda: iter(["common"]))
        for word in ("urgent", "urgent, too"):
            crew.add(partial(iter, [word]), is_urgent=True)
        may_begin.set()

        events = read(crew)

    assert events in (
        ["first", "urgent", "urgent, too", "common"],
        ["urgent", "urgent, too", "first", "common"],  # no thread had taken the first before
    )


def test_jobs_may_follow_from_events():
    with Crew(threads=2, depth=4) as crew:
        crew.add(lambda: iter([3]))
        seen = []
        while not crew.is_idle:
            number = crew.take(PATIENCE_S)
            if number is not None:
                seen.append(number)
                crew.add(partial(iter, [number - 1] if number > 1 else []))

    assert seen == [3, 2, 1]


def test_a_crew_without_jobs_is_idle_and_has_no_event():
    with Crew(threads=3, depth=1) as crew:
        assert crew.is_idle
        assert crew.take(PATIENCE_S) is None


def test_a_reader_that_waits_in_vain_gets_nothing_after_a_while():
    may_end = threading.Event()

    def silent():
        assert may_end.wait(PATIENCE_S)
        yield "late"

    with Crew(threads=1, depth=1) as crew:
        crew.add(silent)

        assert crew.take(timeout_s=0.05) is None
        assert not crew.is_idle
        may_end.set()
        assert read(crew) == ["late"]


def test_as_many_jobs_run_at_once_as_there_are_threads():
    meeting = threading.Barrier(3)

    def meet(job):
        meeting.wait(PATIENCE_S)  # breaks unless three come together
        yield job

    assert sorted(run(range(3), meet, threads=3)) == [0, 1, 2]


def test_threads_run_no_further_ahead_than_the_depth_and_the_event_that_each_holds():
    threads, depth = 3, 5
    made = []

    def make(job):
        for number in range(1000):
            made.append((job, number))
            yield job

    with Crew(threads, depth) as crew:
        for job in range(6):
            crew.add(partial(make, job))
        for taken in (0, 10):
            for _ in range(taken):
                crew.take(PATIENCE_S)
            wait_until(lambda taken=taken: len(made) == taken + depth + threads)
            time.sleep(0.2)
            assert len(made) == taken + depth + threads


@pytest.fixture
def endless():
    """A job that never ends by itself, and what is seen of it: its threads and its clean-ups."""

    class Endless:
        def __init__(self):
            self.threads = set()
            self.closed = 0

        def __call__(self):
            self.threads.add(threading.current_thread())
            try:
                while True:
                    yield "again"
            finally:
                self.closed += 1

    return Endless()


def test_closing_ends_the_threads_and_their_jobs_and_drops_the_others(endless):
    crew = Crew(threads=3, depth=2)
    for _ in range(9):
        crew.add(endless)
    wait_until(lambda: len(endless.threads) == 3)

    crew.close()

    assert [thread.is_alive() for thread in endless.threads] == [False] * 3
    wait_until(lambda: endless.closed == 3)


def test_an_error_of_the_reader_ends_the_threads(endless):
    def fail():
        with Crew(threads=2, depth=2) as crew:
            crew.add(endless)
            crew.take(PATIENCE_S)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()

    assert not any(thread.is_alive() for thread in endless.threads)


@pytest.mark.parametrize("kind", [ValueError, SystemExit, MemoryError])
def test_an_exception_of_a_job_reaches_the_reader_as_it_is(kind):
    error = kind("in job 2")

    def fail(job):
        yield job
        if job == 2:
            raise error

    with pytest.raises(kind) as caught:
        run(range(5), fail)

    assert caught.value is error


def test_an_exception_of_one_job_ends_the_others_with_the_crew(endless):
    def fail():
        raise ValueError("a bug")
        yield

    def read_all():
        with Crew(threads=3, depth=2) as crew:
            crew.add(endless)
            crew.add(fail)
            while True:
                crew.take(PATIENCE_S)

    with pytest.raises(ValueError, match="a bug"):
        read_all()

    assert not any(thread.is_alive() for thread in endless.threads)
