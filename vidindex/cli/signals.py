"""What SIGINT, SIGTERM and SIGHUP do to a command."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNAL_EXIT = 128  # a program that a signal ended exits with this and the signal's number
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal ends the command. What is finished is stored."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = SIGNAL_EXIT + number
        self.signal_name = signal.Signals(number).name


@contextmanager
def interrupts() -> Iterator[None]:
    """Turn each of the signals into an Interrupted, wherever the program is."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        raise Interrupted(number)

    with _handled_by(interrupt):
        yield


class StopRequest:
    """Whether a signal has asked to stop, and which one.

    Until it is first asked, a signal interrupts at once: nothing of this run has begun. A second
    signal does so too: that is as safe as a kill, which recovery settles.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._has_begun = False

    def raise_if_asked(self) -> None:
        """End the command if a signal has asked to.

        Raises:
            Interrupted: one has.
        """
        if self.number is not None:
            raise Interrupted(self.number)

    def __call__(self) -> bool:
        """Return whether to stop."""
        self._has_begun = True
        return self.number is not None

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.number is not None or not self._has_begun:
            raise Interrupted(number)
        self.number = number


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Let the signals ask for a stop at the next safe moment."""
    request = StopRequest()
    with _handled_by(request._note):
        yield request


@contextmanager
def _handled_by(handler: object) -> Iterator[None]:
    # A signal that was ignored when we were started (nohup) stays ignored.
    previous = {
        number: signal.signal(number, handler)  # type: ignore[arg-type]
        for number in _STOPPING
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, old in previous.items():
            signal.signal(number, old)
