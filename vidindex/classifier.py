"""The classifier on top of a network, and where a weights file holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import h5py
import numpy as np
from numpy.typing import NDArray

from vidindex.embedding import VECTOR_SIZE

MAX_CLASSES: Final = 30_000  # the largest ImageNet has 21 841

_KERAS3_NAMES: Final = ("layers/dense/vars/0", "layers/dense/vars/1")


@dataclass(frozen=True, eq=False)
class Classifier:
    """logits = vector @ kernel + bias. kernel: (2048, c) float32. bias: (c,) float32."""

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]


def find_classifier(file: h5py.File) -> tuple[h5py.Dataset, h5py.Dataset] | None:
    """Return kernel and bias of a classifier of avg_pool's 2048 numbers; None if there is none.

    No value is read: a file can claim any shape, and only a fitting one is returned.
    """
    if "layer_names" not in file.attrs:  # the layout of Keras 3
        return _checked([file.get(name) for name in _KERAS3_NAMES])
    for layer in file.values():
        found = _checked(_datasets(layer))
        if found is not None:
            return found
    return None


def _datasets(layer: object) -> list[h5py.Dataset]:
    """Return the datasets of a layer, kernels first; they may lie in a group in it."""
    if not isinstance(layer, h5py.Group):
        return []
    members = list(layer.values())
    for group in [member for member in members if isinstance(member, h5py.Group)]:
        members += group.values()
    datasets = [member for member in members if isinstance(member, h5py.Dataset)]
    return sorted(datasets, key=lambda dataset: -len(dataset.shape or ()))


def _checked(members: Sequence[object]) -> tuple[h5py.Dataset, h5py.Dataset] | None:
    """Return two members if they are kernel and bias."""
    datasets = [
        member
        for member in members
        if isinstance(member, h5py.Dataset) and member.dtype.kind == "f" and member.shape
    ]
    if len(members) != 2 or len(datasets) != 2:  # noqa: PLR2004 - kernel and bias
        return None
    kernel, bias = datasets
    classes = bias.shape[0]
    is_fitting = bias.shape == (classes,) and kernel.shape == (VECTOR_SIZE, classes)
    return (kernel, bias) if is_fitting and 1 <= classes <= MAX_CLASSES else None
