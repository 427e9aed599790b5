"""Faults in each call of each step that makes or removes a link, a clone, a copy or a folder.

strace kills the step before the call, or lets the call fail; then the step is made again.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import steps
from tests.disks import disk
from tests.steps import OURS, STEPS, read_tree
from vidindex.copies import part_path
from vidindex.errors import ExitCode

PROJECT = Path(steps.__file__).parents[1]
CALLS = ["linkat", "symlinkat", "mkdirat", "?renameat", "renameat2", "unlinkat", "fsync"]
CALLS += ["ftruncate", "write", "fchown", "fchmod", "utimensat", "ioctl"]
METADATA = {"fchown", "fchmod", "utimensat"}
KILLED = -signal.SIGKILL


@pytest.fixture(scope="module")
def strace() -> None:
    probe = ["strace", "-qq", "-o", "/dev/null", "true"]
    if shutil.which("strace") is None or subprocess.run(probe, check=False).returncode != 0:
        pytest.skip("strace is missing, or may not trace here")


class Ground:
    """A folder in which steps are made, each in a folder of its own."""

    def __init__(self, folder: Path, notes: Path, names: list[str]) -> None:
        self.folder, self.names = folder, names
        self._trace, self._answer = notes / "trace", notes / "answer"

    def prepare(self) -> dict[str, dict[str, object]]:
        """Build each step's scene anew. Returns the trees."""
        for name in self.names:
            shutil.rmtree(self.folder / name, ignore_errors=True)
            STEPS[name].prepare(self.folder / name)
        return {name: read_tree(self.folder / name) for name in self.names}

    def make(self, *faults: str, calls: list[str] = CALLS) -> dict[str, tuple[int, list[str]]]:
        """Make the steps. Returns how each ended, and its calls as strace tells them."""
        # A filter in the kernel makes it fast, but takes no signals.
        speed = [] if any("signal" in fault for fault in faults) else ["--seccomp-bpf"]
        command = ["strace", "-f", *speed, "-qq", "-o", self._trace, f"--trace={','.join(calls)}"]
        command += [f"--inject={fault}" for fault in faults]
        if calls == ["ioctl"]:  # the interpreter makes many of its own, but none on the part
            parts = [part_path(self.folder / name / "new.mp4", 1) for name in self.names]
            command += [f"--trace-path={part}" for part in parts]
        program = [sys.executable, "-B", "-m", "tests.steps", self.folder, self._answer]
        subprocess.run([*command, *program, *self.names], cwd=PROJECT, check=True)
        told: dict[int, list[str]] = {}
        for line in self._trace.read_text(errors="replace").splitlines():
            process, _, call = line.partition(" ")
            told.setdefault(int(process), []).append(call.strip())
        ended = json.loads(self._answer.read_text())
        return {name: (code, told.get(process, [])) for name, (process, code) in ended.items()}

    def sweep(self, kind: str) -> Iterator[tuple[str, str, int]]:
        """Put a fault into each call in turn; tell the call, the step that met it, and its code."""
        self.prepare()
        times: Counter[str] = Counter()
        for _, lines in self.make().values():
            times |= Counter(
                match[1]
                for line in lines
                if (match := re.match(r"(\w+)(?!.*TCGETS|.*FLAGS)\(", line))
            )
        for call, most in sorted(times.items()):
            for when in range(1, most + 1):
                before = self.prepare()
                fault = f"{call}:{kind}:when={when}"
                for name, (code, lines) in self.make(fault, calls=[call]).items():
                    was_met = code == KILLED or any("INJECTED" in line for line in lines)
                    if was_met and call in METADATA and code == ExitCode.DONE:
                        continue  # it could not be kept, which a copy tells
                    self._check(name, before[name], f"{name}, {fault}")
                    if was_met:
                        yield call, name, code
                    else:
                        assert code == ExitCode.DONE, f"{name}, {fault}"

    def _check(self, name: str, before: dict[str, object], doing: str) -> None:
        """Only the step's own names may differ; made again, it comes to its end."""
        step, folder = STEPS[name], self.folder / name
        after = step.after(before)
        found = read_tree(folder)
        theirs = {each: what for each, what in found.items() if not each.startswith(OURS)}
        assert theirs in (before, after), doing
        step.make(folder)
        assert read_tree(folder) == after, doing


HERE = [name for name in STEPS if name != "clone"]


@pytest.fixture(params=["one disk", "a disk with reflinks"])
def ground(request: pytest.FixtureRequest, strace: None, tmp_path: Path) -> Iterator[Ground]:
    if request.param == "one disk":
        (tmp_path / "ground").mkdir()
        yield Ground(tmp_path / "ground", tmp_path, HERE)
        return
    with disk(tmp_path / "xfs", "xfs") as folder:
        yield Ground(folder, tmp_path, ["clone"])


def test_a_step_killed_at_any_call_leaves_all_or_nothing_and_can_be_made_again(
    ground: Ground,
) -> None:
    met = list(ground.sweep("signal=KILL"))

    assert {name for _, name, _ in met} == set(ground.names)
    assert {code for *_, code in met} == {KILLED}
    expected = {"fsync", "renameat2", "fchmod", "ioctl"}
    if "clone" not in ground.names:
        expected ^= {"ioctl", "linkat", "symlinkat", "mkdirat", "unlinkat", "ftruncate", "write"}
    assert expected <= {call for call, *_ in met}


@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EDQUOT"])
def test_a_full_or_failing_disk_stops_the_run_and_leaves_all_or_nothing(
    ground: Ground, error: str
) -> None:
    met = list(ground.sweep(f"error={error}"))

    assert {name for _, name, _ in met} == set(ground.names)
    assert {code for *_, code in met} == {ExitCode.STOPPED}


@pytest.mark.parametrize("error", ["EACCES", "EINVAL"])
def test_any_other_error_fails_the_file_or_is_got_round_and_leaves_all_or_nothing(
    ground: Ground, error: str
) -> None:
    met = list(ground.sweep(f"error={error}"))

    assert {name for _, name, _ in met} == set(ground.names)
    for call, name, code in met:
        # The fsync of a file must work; some disks know none of a folder.
        allowed = {ExitCode.DONE, ExitCode.INCOMPLETE}
        if call == "fsync":
            allowed = {ExitCode.STOPPED, *([ExitCode.DONE] if error == "EINVAL" else [])}
        assert code in allowed, (call, name)


def test_a_clone_that_the_disk_says_it_made_and_did_not_is_found(
    strace: None, tmp_path: Path
) -> None:
    ground = Ground(tmp_path / "ground", tmp_path, ["clone"])
    ground.folder.mkdir()
    before = ground.prepare()

    ended = ground.make("ioctl:retval=0:when=1", calls=["ioctl"])

    code, (line, *_) = ended["clone"]
    assert "FICLONE" in line
    assert "INJECTED" in line
    assert code == ExitCode.INCOMPLETE
    assert read_tree(ground.folder / "clone") == before["clone"]


def test_each_step_is_on_the_disk_before_it_returns(strace: None, tmp_path: Path) -> None:
    ground = Ground(tmp_path / "ground", tmp_path, HERE)
    ground.folder.mkdir()
    ground.prepare()

    ended = ground.make()

    for name, (code, lines) in ended.items():
        calls = [line.partition("(")[0] for line in lines]
        assert code == ExitCode.DONE
        assert calls[-1] == "fsync", name


def test_a_copys_name_is_saved_before_its_source_is_removed_also_after_a_crash(
    strace: None, tmp_path: Path
) -> None:
    for folder in ("in", "out"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "clip.mp4").write_bytes(steps.CONTENT)
    script = (
        "import sys; from pathlib import Path\n"
        "from vidindex.places import FileIdentity; from vidindex.renames import remove_source\n"
        "source, copy = map(Path, sys.argv[1:])\n"
        "remove_source(source, copy, FileIdentity.of(source))\n"
    )
    names = [tmp_path / "in/clip.mp4", tmp_path / "out/clip.mp4"]
    command = ["strace", "-y", "-qq", "-o", tmp_path / "trace", "--trace=fsync,unlinkat"]

    subprocess.run([*command, sys.executable, "-B", "-c", script, *names], cwd=PROJECT, check=True)

    told = (tmp_path / "trace").read_text().splitlines()
    assert [line.partition("(")[0] for line in told] == ["fsync", "unlinkat", "fsync"]
    assert f"<{tmp_path / 'out'}>" in told[0]
