"""What the figures were taken on: the processor and the versions; no name and no path."""

from __future__ import annotations

import contextlib
import os
import platform
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    *("vidindex", "tensorflow", "keras", "numpy", "av", "opencv-python-headless"),
    *("moviepy", "imageio-ffmpeg", "sqlalchemy", "blake3"),
)
TELLING_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def describe() -> dict[str, object]:
    """Describe the machine and the software."""
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    flags = set(_field(cpuinfo, "flags").split())
    memory_kb = _field(Path("/proc/meminfo").read_text(encoding="utf-8"), "MemTotal").split()[0]
    return {
        "processor": _field(cpuinfo, "model name"),
        "cores": os.cpu_count(),
        "flags": [flag for flag in TELLING_FLAGS if flag in flags],
        "memory_gb": round(int(memory_kb) / 1e6, 1),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "python": platform.python_version(),
        "packages": dict(_versions()),
    }


def has_bf16() -> bool:
    """Whether the processor computes in bf16."""
    flags = _field(Path("/proc/cpuinfo").read_text(encoding="utf-8"), "flags").split()
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(flags)


def summary(machine: dict[str, object]) -> str:
    """Say in one line what the table was made on."""
    packages = machine["packages"]
    tensorflow = packages["tensorflow"] if isinstance(packages, dict) else ""
    flags = machine["flags"]
    shown = " ".join(flags) if isinstance(flags, list) else ""
    return (
        f"{machine['processor']}, {machine['cores']} cores ({shown}), {machine['memory_gb']} GB, "
        f"{machine['system']}, Python {machine['python']}, TensorFlow {tensorflow}"
    )


def _versions() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):  # not every part needs all of them
            yield name, version(name)


def _field(text: str, name: str) -> str:
    found = re.search(rf"^{re.escape(name)}\s*:\s*(.*)$", text, re.MULTILINE)
    return found[1].strip() if found else ""
