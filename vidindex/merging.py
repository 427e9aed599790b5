"""Several iterators run in threads, read as one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TypeVar

Job = TypeVar("Job")
Event = TypeVar("Event")

_POLL_S = 0.1


def merge_in_threads(
    jobs: Iterable[Job],
    run: Callable[[Job], Iterator[Event]],
    *,
    threads: int,
    depth: int,
) -> Generator[Event]:
    """Run ``run(job)`` for each job in one of several threads, and yield all that they yield.

    Each job's events come in their order; those of different jobs interleave. At most ``depth``
    events wait, so what is ahead of the reader takes bounded memory. Closing the iterator stops
    the threads at their next event and waits for them.

    An exception of a job ends the iteration and is raised here.
    """
    waiting: queue.Queue[Event | _Ended] = queue.Queue(depth)
    stop = threading.Event()
    remaining = iter(jobs)
    taking = threading.Lock()

    def put(item: Event | _Ended) -> bool:
        while not stop.is_set():
            try:
                waiting.put(item, timeout=_POLL_S)
            except queue.Full:
                continue
            return True
        return False

    def take() -> Iterator[Job]:
        while not stop.is_set():
            with taking:
                try:
                    job = next(remaining)
                except StopIteration:
                    return
            yield job

    def work() -> None:
        ended = _Ended(None)
        try:
            for job in take():
                events = run(job)
                for event in events:
                    if not put(event):
                        break
        except BaseException as error:  # handed to the reader, who raises it
            ended = _Ended(error)
        put(ended)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        running = threads
        while running:
            item = waiting.get()
            if isinstance(item, _Ended):
                if item.error is not None:
                    raise item.error
                running -= 1
            else:
                yield item
    finally:
        stop.set()
        for worker in workers:
            worker.join()


class _Ended:
    """A thread has no more jobs, or met an exception."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error
