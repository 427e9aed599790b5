"""Work that takes a while, one piece at a time: started, looked at, stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from vidindex.errors import AnotherAtWork, Refused, SystemStopped, VidindexError
from vidindex.reporting import Problem

EDIT_WAITS_S = 10.0  # an edit is written in an instant, a clustering in seconds
KEPT = 20

State = Literal["running", "done", "failed"]
Result = Mapping[str, Any]


@dataclass
class Job:
    """A piece of work, which its own thread brings up to date; the reporter of its use case."""

    number: int
    kind: str
    state: State = "running"
    done: int = 0
    total: int = 0
    message: str = ""
    result: Result | None = None
    error: VidindexError | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def start(self, activity: str, total: int) -> None:
        """Begin an activity."""
        self.message, self.done, self.total = activity, 0, total

    def advance(self, steps: int = 1) -> None:
        """Count."""
        self.done += steps

    def finish(self) -> None:
        """End the activity; the result follows."""

    def notice(self, message: str) -> None:
        """Keep it."""
        self.message = message

    def problem(self, problem: Problem) -> None:
        """Ignore it; it is in the result too."""


class Jobs:
    """The jobs of a server, and the one lock that they and the edits take."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._jobs: dict[int, Job] = {}

    @property
    def running(self) -> Job | None:
        """The job that is at work."""
        return next((job for job in list(self._jobs.values()) if job.state == "running"), None)

    def find(self, number: int) -> Job | None:
        """Return the job of a number, or None."""
        return self._jobs.get(number)

    @contextmanager
    def editing(self) -> Iterator[None]:
        """Change the library, while nothing else of this server does.

        Raises:
            AnotherAtWork: a job does.
        """
        if self.running is not None or not self._changing.acquire(timeout=EDIT_WAITS_S):
            raise self._busy()
        try:
            yield
        finally:
            self._changing.release()

    def begin(self, kind: str, work: Callable[[Job], Result]) -> Job:
        """Start work in a thread of its own.

        Raises:
            AnotherAtWork: another job is at work.
        """
        if not self._changing.acquire(blocking=False):
            raise self._busy()
        job = Job(max(self._jobs, default=0) + 1, kind)
        self._jobs[job.number] = job
        for number in sorted(self._jobs)[:-KEPT]:
            del self._jobs[number]
        job.thread = threading.Thread(target=self._work, args=(job, work), daemon=True)
        job.thread.start()
        return job

    def stop_all(self) -> None:
        """Ask the running job to stop at its next safe moment, and wait until it has."""
        job = self.running
        if job is not None:
            job.stop.set()
            while job.thread is not None and job.thread.is_alive():
                job.thread.join(0.1)  # so that a signal can end the waiting

    def _work(self, job: Job, work: Callable[[Job], Result]) -> None:
        try:
            job.result = work(job)
            job.state = "done"
        except VidindexError as error:
            job.error = error
        except OSError as error:
            job.error = stopped_by(error)
        finally:  # of a bug, the thread prints the traceback when it ends
            if job.state == "running":
                job.state = "failed"
            self._changing.release()

    def _busy(self) -> AnotherAtWork:
        job = self.running
        what = "an edit" if job is None else f"the {job.kind} that is running"
        return AnotherAtWork(
            f"{what} is changing the library", "wait until it has finished, or stop it"
        )


def stopped_by(error: OSError) -> SystemStopped:
    """Build the error for one of the system that nobody has explained."""
    return SystemStopped(f"the system ended the work: {error}", "try it again")


def require_job(jobs: Jobs, number: int) -> Job:
    """Return the job of a number.

    Raises:
        Refused: there is none.
    """
    job = jobs.find(number)
    if job is None:
        raise Refused(f"there is no job {number}")
    return job
