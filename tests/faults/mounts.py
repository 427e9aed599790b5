"""Small file systems of one's own, which need root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def mount(*arguments: str | Path) -> None:
    """Mount something, or skip the test where that is not allowed."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    done = subprocess.run(["mount", *arguments], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")


def unmount(folder: Path) -> None:
    subprocess.run(["umount", folder], check=True)


@contextmanager
def mounted(folder: Path, *arguments: str | Path) -> Iterator[Path]:
    """Have something mounted on a folder."""
    folder.mkdir(exist_ok=True)
    mount(*arguments, folder)
    try:
        yield folder
    finally:
        unmount(folder)
