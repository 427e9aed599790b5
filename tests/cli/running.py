"""Run vidindex as a user does: as a process of its own, or quicker, in this one."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from vidindex.cli.app import main

DEADLINE_S = 60


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it wrote."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def out(self) -> str:
        return self.stdout.decode()

    @property
    def err(self) -> str:
        return self.stderr.decode()

    @property
    def answer(self) -> dict[str, Any]:
        """The one JSON object on stdout, whose envelope must be right."""
        answer = json.loads(self.stdout)
        assert list(answer) == ["vidindex", "command", "data", "errors"]
        assert answer["vidindex"] == 1
        for error in answer["errors"]:
            assert {"code", "message", "hint", "path"} <= set(error)
        return answer

    @property
    def data(self) -> dict[str, Any]:
        return self.answer["data"]


def run_here(*arguments: str | Path) -> Outcome:
    """Run a command in this process."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
    words = ["vidindex", *map(str, arguments)]
    with (
        patch.multiple(sys, argv=words, stdout=streams[0], stderr=streams[1]),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    for stream in streams:
        stream.flush()
    written = [stream.buffer.getvalue() for stream in streams]
    return Outcome(int(ended.value.code or 0), *written)


def command_line(*arguments: str | bytes | Path) -> list[str | bytes | Path]:
    return [sys.executable, "-m", "vidindex", *arguments]


def environment_in(home: Path, **variables: str) -> dict[str, str]:
    """Return an environment that knows nothing of the user's own library and settings."""
    kept = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "HOME": str(home),
        "KERAS_HOME": str(home / "keras"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "VIDINDEX_DB": str(home / "library.db"),
        "VIDINDEX_WEIGHTS": "untrained",
        **variables,
    }


def run_process(
    home: Path,
    *arguments: str | bytes | Path,
    variables: Mapping[str, str] | None = None,
    obeys_rights: bool = False,
    **keywords: Any,
) -> Outcome:
    """Run a command as a process.

    obeys_rights: without root's privilege to pass over the rights of files.
    """
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    done = subprocess.run(
        [*(obeying_rights() if obeys_rights else []), *command_line(*arguments)],
        env=environment_in(home, **(variables or {})),
        cwd=home,
        timeout=DEADLINE_S,
        check=False,
        **(streams | keywords),
    )
    return Outcome(done.returncode, done.stdout or b"", done.stderr or b"")


def obeying_rights() -> list[str]:
    """Return what to put before a command so that root too is bound by the rights of files."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root passes over the rights of files, and setpriv is not here to prevent it")
    return [setpriv, "--bounding-set=-dac_override,-dac_read_search"]


def assert_explained(outcome: Outcome, code: int, *, says: str, hint: str) -> None:
    """Check that a command ended with one line that says what, and one that says what to do.

    says, hint: regular expressions that the two lines contain.
    """
    assert outcome.code == code, outcome.err
    assert outcome.stdout == b""
    assert len(outcome.err.splitlines()) == 2, outcome.err
    error, advice = outcome.err.splitlines()
    assert re.match(f"error: .*(?:{says})", error)
    assert re.match(f"hint: .*(?:{hint})", advice)
