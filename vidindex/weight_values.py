"""The values of InceptionV3's weights up to avg_pool: read from a file, or drawn from a seed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from itertools import count, takewhile
from math import prod
from pathlib import Path
from typing import Final

import h5py
import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from vidindex.classifier import Classifier, find_classifier
from vidindex.errors import WeightsError
from vidindex.weights import (
    BROKEN_HDF5_ERRORS,
    WITH_TOP,
    WITHOUT_TOP,
    WeightsSource,
    opened_weights,
    read_weights_file,
    weights_key,
)

# The kernels of the 94 convolutions as (rows, columns, channels in, channels out), in the order
# in which every file of InceptionV3 weights lists them: by distance from the network's end.
# Source: Szegedy et al. 2015, https://arxiv.org/abs/1512.00567, as keras.applications builds it.
_STEM: Final = ((3, 3, 3, 32), (3, 3, 32, 32), (3, 3, 32, 64), (1, 1, 64, 80), (3, 3, 80, 192))


def _mixed_35(width: int, pooled: int) -> tuple[tuple[int, int, int, int], ...]:
    return (
        (1, 1, width, 64),
        (1, 1, width, 48),
        (3, 3, 64, 96),
        (1, 1, width, 64),
        (5, 5, 48, 64),
        (3, 3, 96, 96),
        (1, 1, width, pooled),
    )


def _mixed_17(inner: int) -> tuple[tuple[int, int, int, int], ...]:
    return (
        (1, 1, 768, inner),
        (7, 1, inner, inner),
        (1, 1, 768, inner),
        (1, 7, inner, inner),
        (1, 7, inner, inner),
        (7, 1, inner, inner),
        (1, 1, 768, 192),
        (7, 1, inner, 192),
        (1, 7, inner, 192),
        (1, 1, 768, 192),
    )


def _mixed_8(width: int) -> tuple[tuple[int, int, int, int], ...]:
    return (
        (1, 1, width, 448),
        (1, 1, width, 384),
        (3, 3, 448, 384),
        (1, 3, 384, 384),
        (3, 1, 384, 384),
        (1, 3, 384, 384),
        (3, 1, 384, 384),
        (1, 1, width, 320),
        (1, 1, width, 192),
    )


KERNEL_SHAPES: Final = (
    *_STEM,
    *_mixed_35(192, 32),
    *_mixed_35(256, 64),
    *_mixed_35(288, 64),
    *((1, 1, 288, 64), (3, 3, 64, 96), (3, 3, 288, 384), (3, 3, 96, 96)),
    *_mixed_17(128),
    *_mixed_17(160),
    *_mixed_17(160),
    *_mixed_17(192),
    *((1, 1, 768, 192), (1, 7, 192, 192), (1, 1, 768, 192), (7, 1, 192, 192)),
    *((3, 3, 192, 320), (3, 3, 192, 192)),
    *_mixed_8(1280),
    *_mixed_8(2048),
)

_PARTS: Final = ("kernel", "beta", "mean", "variance")
_MAX_LAYERS: Final = 10_000  # InceptionV3 with its top has 313
_ANOTHER_HINT: Final = "name a file of InceptionV3 weights, with or without its top"


@dataclass(frozen=True, eq=False)
class ConvUnit:
    """A convolution without bias and the batch normalization after it, which has no gamma.

    kernel: (rows, columns, channels in, channels out) float32.
    beta, mean, variance: (channels out,) float32.
    """

    kernel: NDArray[np.float32]
    beta: NDArray[np.float32]
    mean: NDArray[np.float32]
    variance: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class NetworkWeights:
    """All weights of InceptionV3 up to avg_pool: 94 units, in the order of `KERNEL_SHAPES`."""

    units: tuple[ConvUnit, ...]

    @cached_property
    def digest(self) -> bytes:
        """32 bytes, BLAKE3 of the values, whatever file or seed they came from.

        Hashed are, unit by unit, its kernel, beta, mean and variance, each as a line of its name
        and shape ("0/kernel 3,3,3,32") and then its values as little-endian float32 in C order.
        """
        hasher = blake3(max_threads=blake3.AUTO)
        for index, unit in enumerate(self.units):
            for part in _PARTS:
                values: NDArray[np.float32] = getattr(unit, part)
                shape = ",".join(map(str, values.shape))
                hasher.update(f"{index}/{part} {shape}\n".encode())
                hasher.update(np.ascontiguousarray(values, "<f4").tobytes())
        return hasher.digest()


def load_values(source: WeightsSource) -> NetworkWeights:
    """Read or draw the weights that a source names.

    Raises:
        WeightsError: the file changed since it was located, is damaged, or holds other weights
            than InceptionV3's: layers missing, other shapes, numbers that are not finite.
    """
    if source.path is None:
        return _draw(source.seed or 0)
    content = _read(source, source.path)
    return NetworkWeights(_read_units(content, source.path))


def load_classifier(source: WeightsSource) -> Classifier | None:
    """Read the classifier on top of the weights that a source names, if they have one.

    Raises:
        WeightsError: the file changed since it was located, or is damaged; its numbers are not
            finite.
    """
    if source.path is None or not source.has_classifier:
        return None
    with opened_weights(_read(source, source.path), source.path) as file:
        try:
            found = find_classifier(file)
            if found is None:
                return None
            return Classifier(*(_values(dataset, source.path) for dataset in found))
        except BROKEN_HDF5_ERRORS as error:
            raise _not_inception(source.path, "its classifier is damaged") from error


def _read(source: WeightsSource, path: Path) -> bytes:
    content = read_weights_file(path)
    if source.kind == "imagenet":
        _check_published(content, path)
    if weights_key(content) != source.key:
        message = f"the weights file {path} changed while it was used"
        raise WeightsError(message, "start again once nothing writes to it")
    return content


def _draw(seed: int) -> NetworkWeights:
    """Draw initial weights as keras.applications has them: Glorot uniform kernels, plain norms.

    The stream of RandomState is frozen by NumPy's policy (NEP 19), and every step below is
    rounded once, so the values are the same on every machine.
    Source: Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html, eq. 16.
    """
    random = np.random.RandomState(seed)
    units = []
    for rows, columns, channels_in, channels_out in KERNEL_SHAPES:
        limit = np.float32(np.sqrt(6 / (rows * columns * (channels_in + channels_out))))
        draws = random.random_sample((rows, columns, channels_in, channels_out))
        kernel = (2 * draws - 1).astype(np.float32) * limit
        zeros, ones = np.zeros(channels_out, np.float32), np.ones(channels_out, np.float32)
        units.append(ConvUnit(kernel, beta=zeros, mean=zeros, variance=ones))
    return NetworkWeights(tuple(units))


def _read_units(content: bytes, path: Path) -> tuple[ConvUnit, ...]:
    with opened_weights(content, path) as file:
        try:
            kernels, normalizations = _datasets(file)
            _check_shapes(kernels, normalizations, path)
            rows = zip(kernels, normalizations, strict=True)
            units = tuple(
                ConvUnit(*(_values(dataset, path) for dataset in (kernel, *normalization)))
                for kernel, normalization in rows
            )
        except BROKEN_HDF5_ERRORS as error:
            raise _not_inception(path, "its layers are incomplete or damaged") from error
    _check_variances(units, path)
    return units


def _check_published(content: bytes, path: Path) -> None:
    expected = {file.name: file.md5 for file in (WITH_TOP, WITHOUT_TOP)}.get(path.name)
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if md5 != expected:
        message = f"{path} is not the published file: its MD5 is {md5}, not {expected}"
        raise WeightsError(message, "delete it, and it will be fetched anew")


def _datasets(file: h5py.File) -> tuple[list[h5py.Dataset], list[list[h5py.Dataset]]]:
    """The kernels, and the (beta, mean, variance) of each normalization, in the file's order."""
    if "layer_names" in file.attrs:
        return _legacy_datasets(file)
    return _keras3_datasets(file)


def _legacy_datasets(file: h5py.File) -> tuple[list[h5py.Dataset], list[list[h5py.Dataset]]]:
    """The layout of Keras 1 and 2: layers by name, listed in order in an attribute."""
    layers = []
    for layer_name in _names(file, "layer_names"):
        layer = file[layer_name]
        layers.append([layer[name] for name in _names(layer, "weight_names")])
    kernels = [layer[0] for layer in layers if len(layer) == 1]
    return kernels, [layer for layer in layers if len(layer) == 3]  # noqa: PLR2004


def _names(group: h5py.Group, attribute: str) -> list[bytes]:
    stored = group.attrs.get_id(attribute)
    if prod(stored.shape) == 0:
        return []
    if h5py.check_string_dtype(stored.dtype) is None or prod(stored.shape) > _MAX_LAYERS:
        raise TypeError(f"{attribute} is no list of names")
    return list(group.attrs[attribute])


def _keras3_datasets(file: h5py.File) -> tuple[list[h5py.Dataset], list[list[h5py.Dataset]]]:
    """The layout of Keras 3: layers numbered within their class, weights within their layer."""

    def variables(layer_class: str) -> list[h5py.Group]:
        names = (f"layers/{layer_class}{f'_{i}' if i else ''}/vars" for i in count())
        return [file[name] for name in takewhile(file.__contains__, names)]

    kernels = [layer["0"] for layer in variables("conv2d")]
    return kernels, [[layer[i] for i in "012"] for layer in variables("batch_normalization")]


def _check_shapes(
    kernels: list[h5py.Dataset], normalizations: list[list[h5py.Dataset]], path: Path
) -> None:
    """Compare with InceptionV3 before any value is read, so that no file can fill the memory."""
    expected = len(KERNEL_SHAPES)
    if not len(kernels) == len(normalizations) == expected:
        found = f"{len(kernels)} convolutions and {len(normalizations)} normalizations"
        raise _not_inception(path, f"{found}, not {expected} of each")
    for index, shape in enumerate(KERNEL_SHAPES):
        wanted = [shape] + [shape[3:]] * 3
        shapes = [_shape(member) for member in (kernels[index], *normalizations[index])]
        if shapes != wanted:
            raise _not_inception(path, f"layer {index} has shapes {shapes}, not {wanted}")


def _shape(member: object) -> tuple[int, ...] | None:
    return member.shape if isinstance(member, h5py.Dataset) else None


def _values(dataset: h5py.Dataset, path: Path) -> NDArray[np.float32]:
    if dataset.dtype.kind != "f":
        raise _not_inception(path, f"{dataset.name!r} holds no floating point numbers")
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is refused
        values = np.asarray(dataset[()], np.float32)
    if not np.isfinite(values).all():
        raise _not_inception(path, f"{dataset.name!r} holds numbers that are not finite")
    return values


def _check_variances(units: tuple[ConvUnit, ...], path: Path) -> None:
    for index, unit in enumerate(units):
        if (unit.variance < 0).any():
            raise _not_inception(path, f"layer {index} has a negative variance")


def _not_inception(path: Path, reason: str) -> WeightsError:
    return WeightsError(f"not InceptionV3 weights: {path}: {reason}", _ANOTHER_HINT)
