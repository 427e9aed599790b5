"""What the processor can compute in; asked without TensorFlow."""

from __future__ import annotations

from pathlib import Path

BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


def has_bf16() -> bool:
    """Whether it has instructions for bf16; false where the system does not tell."""
    try:
        return not BF16_FLAGS.isdisjoint(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return False
