"""What the fault tests share: commands that can be held, traced and killed, and what is left."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import Outcome, environment_in
from tests.faults.server import Order
from tests.waiting import wait_until

PROJECT = Path(__file__).parents[2]
DEADLINE_S = 60
KILLED = -signal.SIGKILL
WORKERS = 2
IS_SWEEP = bool(os.environ.get("FAULTS_SWEEP"))  # the long forms: see `make sweep`
INDEX = ("index", "in", "--workers", str(WORKERS))


class Server:
    """Starts commands in a home folder; one at a time. before: stands before the server's own."""

    def __init__(self, before: Sequence[str] = ()) -> None:
        self._process = subprocess.Popen(
            [*before, sys.executable, "-m", "tests.faults.server"],
            cwd=PROJECT,
            env=environment_in(PROJECT, VIDINDEX_CONFIG=os.devnull),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,  # Python treats a file in its place in another way
            bufsize=0,
        )
        self.running: Running | None = None

    def start(self, home: Path, *arguments: str | Path, **terms: Any) -> Running:
        order = Order(
            **{
                "arguments": [str(argument) for argument in arguments],
                "folder": str(home),
                "environment": environment_in(home, TERM="xterm"),
                "stdout": str(home / "stdout"),
                "stderr": str(home / "stderr"),
            }
            | terms
        )
        assert self._process.stdin is not None
        self._process.stdin.write(order.to_line().encode())
        self.running = Running(self, int(self.answer()), order)
        if order.is_held:
            wait_until(lambda: is_stopped(self.running.pid))
        return self.running

    def answer(self, within_s: float = DEADLINE_S) -> bytes:
        """Wait for the next line."""
        stream = self._process.stdout
        assert stream is not None
        assert select.select([stream], [], [], within_s)[0], "it does not end"
        line = stream.readline()
        assert line, self._process.communicate()[1].decode()
        return line

    def settle(self) -> None:
        """Make sure that no command runs."""
        if self.running is not None:
            self.running.kill()
            self.running.wait()

    def close(self) -> None:
        self.settle()
        self._process.communicate(timeout=DEADLINE_S)


class Running:
    """A command that was started."""

    def __init__(self, server: Server, pid: int, order: Order) -> None:
        self._server = server
        self._order = order
        self.pid = pid
        assert pid > 1  # others would mean all processes, when it is killed

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it, if it has not ended by itself."""
        with suppress(ProcessLookupError):
            self.send(signal.SIGKILL)

    @property
    def said(self) -> str:
        """What it has written to stderr by now."""
        return Path(self._order.stderr).read_text()

    def wait(self, within_s: float = DEADLINE_S) -> Outcome:
        code = int(self._server.answer(within_s))
        self._server.running = None
        written = [
            Path(path).read_bytes() if Path(path).is_file() else b""
            for path in (self._order.stdout, self._order.stderr)
        ]
        return Outcome(code, *written)


def is_stopped(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat").read_text()
    return status.rpartition(")")[2].split()[0] == "T"


@contextmanager
def traced(running: Running, *options: str) -> Iterator[None]:
    """Let a command that is held go on under strace."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is missing")
    command = [strace, "-qq", "-o", os.devnull, *options, "-p", str(running.pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        try:
            while not is_traced(running.pid):
                if tracer.poll() is not None:
                    assert tracer.stderr is not None
                    pytest.skip(f"strace may not trace here: {tracer.stderr.read()}")
                time.sleep(0.005)
            running.send(signal.SIGCONT)
            yield
        finally:
            tracer.kill()


def is_traced(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    return re.search(r"^TracerPid:\s*[1-9]", status, re.MULTILINE) is not None


def on(*paths: Path) -> list[str]:
    """Build the option by which strace looks at calls on some files only."""
    return [f"--trace-path={path}" for path in paths]


def lines_of(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def computed_again(home: Path) -> int:
    """How many times a frame was computed that had been computed before."""
    counted = Counter(lines_of(home / "computed"))
    return counted.total() - len(counted)


# Numbers that depend on the order of things, and times.
LEFT_OUT = {"id", "checked_at_ns", "added_at", "created_at", "failed_at"}
NUMBERS = {
    "video_id": "(SELECT hex(blake3) FROM videos WHERE id = video_id)",
    "recipe_id": "(SELECT hex(fingerprint) FROM recipes WHERE id = recipe_id)",
    "missing_since": "missing_since IS NOT NULL",
}


def dump(library: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables, with contents instead of numbers, and without times."""
    with closing(sqlite3.connect(library)) as raw:
        tables = [
            name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {name: sorted(rows_of(raw, name), key=repr) for name in tables}


def rows_of(raw: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    names = [name for _, name, *_ in raw.execute(f"PRAGMA table_info({table})")]
    columns = [NUMBERS.get(name, name) for name in names if name not in LEFT_OUT]
    return raw.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
