"""One decoder process: started, spoken to, and ended, whatever it does.

The parent opens each file itself and passes the open descriptor; the process never sees a name.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from vidindex.confinement import peak_bytes
from vidindex.decoder_messages import (
    PREFIX_BYTES,
    BadAnswer,
    Kind,
    pack_request,
    unpack_prefix,
)
from vidindex.embedding import Sampling

# The same Python, and no folder on its path that the parent has not on its own.
COMMAND = (sys.executable, "-P", "-m", "vidindex.frames.child")
KEPT_VARIABLES = ("LD_LIBRARY_PATH", "PYTHONHOME")  # without which some Pythons do not start
START_LIMIT_S = 120.0  # from a cold, slow disk; 0.15 s as a rule
TAKING_LIMIT_S = 30.0  # to say that it has received a file; at once as a rule
# After SIGKILL a process is gone at once, but for one that waits for a disk that does not answer.
REAPING_LIMIT_S = 10.0
MOST_SECONDS_A_WAIT = 1e6  # what poll(2) can count in milliseconds is not much more


class Died(Exception):
    """The process has ended, or at least closed its end of the socket."""


class TooSlow(Exception):
    """The process has let its parent wait for longer than allowed."""


class Patience:
    """How much longer to wait for a process; only the time spent on waiting counts."""

    def __init__(self, most_s: float) -> None:
        self.most_s = most_s
        self._left_s = most_s

    def earn(self, more_s: float) -> None:
        """Allow for more, though never for more than at first."""
        self._left_s = min(self.most_s, self._left_s + more_s)

    def receive(self, channel: socket.socket, target: memoryview) -> int:
        """Wait for bytes and read them into target; returns how many, 0 at the end.

        Raises:
            TooSlow: none came in time.
        """
        if self._left_s <= 0:
            raise TooSlow
        channel.settimeout(min(self._left_s, MOST_SECONDS_A_WAIT))
        begun_s = time.monotonic()
        try:
            return channel.recv_into(target)
        except TimeoutError as error:
            raise TooSlow from error
        finally:
            self._left_s -= time.monotonic() - begun_s


class DecoderProcess:
    """A process that decodes one file at a time. served: how many it was given."""

    def __init__(self, command: Sequence[str], memory_bytes: int) -> None:
        """Start it; it need not be ready yet.

        The calling thread must live for as long as the process is to: Linux kills the process
        when the thread that started it ends (PR_SET_PDEATHSIG).

        Raises:
            OSError: the system starts no more processes, or gives no more descriptors.
        """
        self.served = 0
        self._ending = threading.Lock()
        self._exit_code: int | None = None
        self._channel, theirs = socket.socketpair()
        try:
            with theirs:
                number = theirs.fileno()
                self._process = subprocess.Popen(  # noqa: S603 - no shell, nothing from outside
                    [*command, str(number), str(os.getpid()), str(memory_bytes)],
                    pass_fds=[number],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    env=_environment(),
                    start_new_session=True,
                )
        except BaseException:
            self._channel.close()
            raise

    @property
    def peak_bytes(self) -> int:
        """The most address space that it has had."""
        return peak_bytes(self._process.pid)

    def await_ready(self) -> None:
        """Wait until it has started.

        Raises:
            Died, TooSlow, BadAnswer: it has not.
        """
        self._expect(Kind.READY, Patience(START_LIMIT_S))

    def give(self, descriptor: int, sampling: Sampling, thumbnails: int) -> None:
        """Pass an open file on, and wait until it is received.

        thumbnails: how many are wanted, at most.

        Raises:
            Died, TooSlow, BadAnswer: it was not; that is no fault of the file.
        """
        self.served += 1
        try:
            socket.send_fds(self._channel, [pack_request(sampling, thumbnails)], [descriptor])
        except OSError as error:
            raise Died from error
        self._expect(Kind.TAKEN, Patience(TAKING_LIMIT_S))

    def receive(self, patience: Patience) -> tuple[Kind, bytearray]:
        """Wait for its next message; returns its kind and payload.

        Raises:
            Died, TooSlow: there is none.
            BadAnswer: it is none.
        """
        prefix = self._read(PREFIX_BYTES, patience)
        kind, length = unpack_prefix(prefix)
        return kind, self._read(length, patience)

    def kill(self) -> None:
        """Kill it and whatever it has started; for any thread, at any time."""
        with self._ending:
            if self._exit_code is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)

    def reap(self) -> int | None:
        """Wait for its end; returns its exit code, below 0 for a signal, None if it hangs on."""
        with self._ending:
            if self._exit_code is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._exit_code = self._process.wait(REAPING_LIMIT_S)
            return self._exit_code

    def end(self) -> int | None:
        """Kill and reap it, and close the socket; returns its exit code as `reap` does.

        For the thread that speaks to it: nobody may read from it after this.
        """
        self.kill()
        self._channel.close()
        return self.reap()

    def _expect(self, expected: Kind, patience: Patience) -> None:
        kind, _ = self.receive(patience)
        if kind != expected:
            raise BadAnswer(f"{kind.name} for {expected.name}")

    def _read(self, count: int, patience: Patience) -> bytearray:
        received = bytearray(count)
        rest = memoryview(received)
        while rest:
            try:
                size = patience.receive(self._channel, rest)
            except OSError as error:
                raise Died from error
            if size == 0:
                raise Died
            rest = rest[size:]
        return received


def describe(exit_code: int | None) -> str:
    """Return how a process ended, in words."""
    if exit_code is None:
        return "it does not end"
    return f"signal {-exit_code}" if exit_code < 0 else f"exit {exit_code}"


def _environment() -> dict[str, str]:
    """Return what a decoder process needs to start, however vidindex is installed."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return {
        **kept,
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(str(Path(folder).absolute()) for folder in sys.path),
    }
