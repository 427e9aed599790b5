"""Threads that run jobs, and tell what comes of them to one reader."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from vidindex.errors import SystemStopped

NO_THREAD = (
    "no thread can be started",
    "end other programs, or raise the limit (ulimit -u), then run the command again",
)

Event = TypeVar("Event")


class Crew(Generic[Event]):
    """A few threads, the jobs that wait for them, and the events that wait for the reader.

    A job is a function whose iterator yields events. Each job's events come in their order; those
    of different jobs interleave. At most ``depth`` events wait, so what is ahead of the reader
    takes bounded memory.

    >>> with Crew(threads=2, depth=64) as crew:
    ...     crew.add(job)
    ...     while not crew.is_idle:
    ...         event = crew.take(timeout_s=0.1)
    """

    def __init__(self, threads: int, depth: int) -> None:
        """Start as many threads as the system lets it.

        Raises:
            SystemStopped: that is none.
        """
        self._depth = depth
        self._changed = threading.Condition()
        self._urgent: deque[Callable[[], Iterator[Event]]] = deque()
        self._jobs: deque[Callable[[], Iterator[Event]]] = deque()
        self._events: deque[Event] = deque()
        self._at_work = 0
        self._is_interrupted = False
        self._error: BaseException | None = None
        self._is_closed = False
        self._threads: list[threading.Thread] = []
        for _ in range(threads):
            thread = threading.Thread(target=self._work, daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                if self._threads:
                    break
                raise SystemStopped(*NO_THREAD) from error
            self._threads.append(thread)

    def add(self, job: Callable[[], Iterator[Event]], *, is_urgent: bool = False) -> None:
        """Let a job wait for a thread: behind all others, or behind the urgent ones only."""
        with self._changed:
            (self._urgent if is_urgent else self._jobs).append(job)
            self._changed.notify_all()

    def take(self, timeout_s: float) -> Event | None:
        """Return the next event; None if none came in time, none is to come, or at interrupt().

        An exception of a job is raised here.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._events or self._error or self._is_interrupted or self._is_idle(),
                timeout_s,
            )
            self._is_interrupted = False
            if self._error is not None:
                raise self._error
            if not self._events:
                return None
            event = self._events.popleft()
            self._changed.notify_all()
            return event

    def interrupt(self) -> None:
        """Let the reader, now or when it next would wait, look at something else."""
        with self._changed:
            self._is_interrupted = True
            self._changed.notify_all()

    def is_closed(self) -> bool:
        """Whether the jobs' events are of no use any more; a long job may ask."""
        return self._is_closed

    @property
    def is_idle(self) -> bool:
        """Whether no job waits or runs and all events have been taken."""
        with self._changed:
            return self._is_idle() and not self._events

    def close(self) -> None:
        """End each job at its next event, drop the others, and wait for the threads."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Crew[Event]:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _is_idle(self) -> bool:
        return not (self._at_work or self._urgent or self._jobs)

    def _work(self) -> None:
        try:
            while (job := self._next_job()) is not None:
                for event in job():
                    if not self._put(event):
                        return
                self._end_job()
        except BaseException as error:  # handed to the reader, who raises it
            with self._changed:
                self._error = self._error or error
                self._changed.notify_all()

    def _next_job(self) -> Callable[[], Iterator[Event]] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._urgent or self._jobs)
            if self._is_closed:
                return None
            self._at_work += 1
            return (self._urgent or self._jobs).popleft()

    def _put(self, event: Event) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or len(self._events) < self._depth)
            if self._is_closed:
                return False
            self._events.append(event)
            self._changed.notify_all()
            return True

    def _end_job(self) -> None:
        with self._changed:
            self._at_work -= 1
            self._changed.notify_all()
