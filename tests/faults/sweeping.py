"""Every call by which a command changes the disk, found by one undisturbed run; then one at a time.

strace counts the calls of each name by themselves, so a call is a name and a number. The commands
run in one thread and make the same calls each time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cli.running import Outcome
from tests.faults.running import IS_SWEEP, Running, lines_of, traced

TREE_CALLS = (
    *("renameat2", "linkat", "symlinkat", "unlinkat", "rmdir", "mkdirat", "mkdir", "fallocate"),
    *(
        "fchmod",
        "fchmodat",
        "chmod",
        "fchown",
        "fchownat",
        "utimensat",
        "fsetxattr",
        "ioctl",
        "rename",
        "renameat",
    ),
)
CALLS = (*TREE_CALLS, "unlink", "fsync", "fdatasync", "pwrite64", "write", "ftruncate", "openat")
# Of these only some change the disk.
ONLY_IF = {"openat": "O_CREAT", "ioctl": "FICLONE"}


@dataclass(frozen=True)
class Call:
    """The number-th call of a name in a command. line: what strace says of it."""

    name: str
    number: int
    line: str

    def injecting(self, what: str, *, and_later: bool = False) -> str:
        return f"--inject={self.name}:{what}:when={self.number}{'+' * and_later}"

    def changes_any_of(self, paths: Sequence[Path]) -> bool:
        """Whether it is about one of some folders, as the log of strace -y tells."""
        return any(str(path) in self.line for path in paths)


def run_traced(start: Callable[..., Running], words: Sequence[object], *options: str) -> Outcome:
    """Run a command to its end, or to where a fault ends it."""
    running = start(*words, is_held=True)
    with traced(running, *options):
        return running.wait()


def changing_calls(trace: Callable[..., Outcome], log: Path) -> list[Call]:
    """Return the calls by which an undisturbed run changes the disk, in order.

    trace: starts all over and runs a command with these options of strace. What goes to stdout and
    stderr is left out.
    """
    while True:
        log.unlink(missing_ok=True)
        outcome = trace("-y", "-o", str(log), f"--trace={','.join(CALLS)}")
        assert outcome.code in (0, 4), outcome.err
        lines = lines_of(log)
        if not any("__pycache__" in line and "O_CREAT" in line for line in lines):
            break  # else it was the first to import a module, and is not like those that follow
    count: Counter[str] = Counter()
    found = []
    for line in lines:
        match = re.match(r"(\w+)\(", line)
        if match is None:
            continue
        name = match[1]
        count[name] += 1
        if ONLY_IF.get(name, "") in line and "/stdout>" not in line and "/stderr>" not in line:
            found.append(Call(name, count[name], line))
    return found


def chosen(calls: Sequence[Call], roots: Sequence[Path], few: int) -> list[Call]:
    """Return all calls in a sweep; else a few, most of them of those about the user's files.

    Of the writes within a transaction, which a kill in its middle undoes as a whole, every eighth.
    """
    if IS_SWEEP:
        return [call for call in calls if call.name != "pwrite64" or call.number % 8 == 0]
    on_files = [call for call in calls if call.name in TREE_CALLS or call.changes_any_of(roots)]
    others = [call for call in calls if call not in on_files]
    return [*spread(on_files, few - few // 4), *spread(others, few // 4)]


def spread(calls: Sequence[Call], few: int) -> list[Call]:
    """Choose some, from the first to the last."""
    if len(calls) <= few:
        return list(calls)
    return [calls[round(index * (len(calls) - 1) / max(few - 1, 1))] for index in range(few)]
