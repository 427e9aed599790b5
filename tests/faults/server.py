"""Runs vidindex again and again, each time in a process that need not import everything anew.

Reads orders from stdin, one JSON object a line; answers each with two lines: the number of the
process, and its exit code. The processes are forks of this one, and each is the real command line
but for the network, which is a stub, and for the decoder if the order says so.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partialmethod
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.cli.running import run_here
from tests.stub import StubNetwork, read_frames
from vidindex import library
from vidindex.cli.app import main
from vidindex.embedding import SampledVideo, Sampling

PR_SET_PTRACER = 0x59616D61


@dataclass(frozen=True)
class Order:
    """One command, and how it is run.

    stdout, stderr: the paths of what they lead to. decodes: with the real decoder. embed_s,
    decode_s: how long each batch and each video takes longer. limits: of resource.setrlimit, by
    the end of their names. user: whose rights it has. is_held: it stops itself at once, and waits
    for SIGCONT. leads_session: a new one, whose terminal is stdout. is_real: without any stub.
    """

    arguments: list[str]
    folder: str
    environment: dict[str, str]
    stdout: str
    stderr: str
    decodes: bool = False
    embed_s: float = 0.0
    decode_s: float = 0.0
    limits: dict[str, int] = field(default_factory=dict)
    user: int = 0
    is_held: bool = False
    leads_session: bool = False
    is_real: bool = False

    def to_line(self) -> str:
        return json.dumps(asdict(self)) + "\n"


class LoggingNetwork(StubNetwork):
    """Writes a line into a file for each frame that it has computed."""

    def __init__(self, log: Path, embed_s: float) -> None:
        self._log = log
        self._embed_s = embed_s

    def load(self) -> LoggingNetwork:
        return self

    def embed(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        lines = "".join(sha256(frame.tobytes()).hexdigest() + "\n" for frame in frames)
        vectors = super().embed(frames)
        time.sleep(self._embed_s)
        append(self._log, lines)
        return vectors


def append(log: Path, text: str) -> None:
    """Write in one piece, so that a kill leaves no half a line."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.write(descriptor, text.encode())
    os.close(descriptor)


def put_stubs_in_place(order: Order, logs: Path) -> None:
    """Let the network, and the decoder if it is a stub too, log in the folder what they do."""

    def decode(path: Path, sampling: Sampling) -> SampledVideo:
        append(logs / "decoded", f"{path.name}\n")
        time.sleep(order.decode_s)
        return read_frames(path, sampling)

    network = LoggingNetwork(logs / "computed", order.embed_s)
    library.find_network = lambda _: network
    if not order.decodes:
        library.Library.index = partialmethod(library.Library.index, read_frames=decode)


def obey(order: Order) -> None:
    """Become the process that was ordered, and run the command."""
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    if order.leads_session:
        os.setsid()
    for number, path in ((0, os.devnull), (1, order.stdout), (2, order.stderr)):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        if order.leads_session and number:
            flags = os.O_RDWR  # or else a terminal does not become the session's
        opened = os.open(path, flags, 0o666)
        os.dup2(opened, number)
        os.close(opened)
    if not order.is_real:
        put_stubs_in_place(order, Path(order.folder))
    for name, limit in order.limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limit, limit))
    if order.user:
        os.setgroups([])
        os.setgid(order.user)
        os.setuid(order.user)
    if order.is_held:
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
    sys.argv = ["vidindex", *order.arguments]
    main()


def rehearse() -> None:
    """Index a file in this process, so that all that is needed is imported."""
    with tempfile.TemporaryDirectory() as folder, undone_stubs():
        put_stubs_in_place(Order([], folder, {}, "", ""), Path(folder))
        (Path(folder) / "a.mp4").write_text("a")
        outcome = run_here("index", folder, "--db", f"{folder}/library.db")
        if outcome.code != 0:
            sys.exit(outcome.err)


@contextmanager
def undone_stubs() -> Iterator[None]:
    real = library.find_network, library.Library.index
    yield
    library.find_network, library.Library.index = real  # type: ignore[method-assign]


def serve() -> None:
    rehearse()
    gc.freeze()  # else each process would look through all of it at its end: a second
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            obey(Order(**json.loads(line)))
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
