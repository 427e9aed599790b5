"""InceptionV3 as an embedder. Importing this module loads TensorFlow, so import it late."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from vidindex import processor
from vidindex.embedding import FRAME_SIZE_PX, VECTOR_SIZE, Precision
from vidindex.errors import Refused, WeightsError
from vidindex.stderr import turned_away
from vidindex.weight_values import ConvUnit, NetworkWeights, load_values
from vidindex.weights import WeightsSource

_NOTHING: Final = "3"  # TensorFlow's name for no log at all


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep TensorFlow's start-up lines off the terminal, unless the user asked for its log.

    Some are written by C++ initialisers that heed no setting, so stderr itself is turned away.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", _NOTHING) != _NOTHING:
        yield
        return
    with turned_away():
        yield


with _silenced():
    import tensorflow as tf

Tensor: TypeAlias = Any  # TensorFlow has no types that mypy could follow

# A larger batch is no quicker on a CPU, and takes more memory. A GPU needs more to be busy.
DEFAULT_BATCH_SIZE: Final = 16
GPU_BATCH_SIZE: Final = 128
# A frame alone takes another way through the libraries, whose last digit differs; with a second
# one beside it a vector is the same to the bit, whichever batch it was computed in.
LEAST_BATCH: Final = 2

_NORM_EPSILON: Final = 1e-3
_BF16_CAPABILITY: Final = (8, 0)  # NVIDIA Ampere


class InceptionEmbedder:
    """InceptionV3 up to avg_pool; an `Embedder`.

    source: the weights, from `locate_weights`.
    precision: "fp32"; "bf16", several times as quick on a processor that has it, with vectors at
        a cosine of 0.99 and more to those of fp32; or "auto", bf16 just where the processor has it.
    batch_size: frames computed at once; memory grows with it.

    Weights are read and checked at once, before any frame is needed.

    Raises:
        WeightsError: the weights are not InceptionV3's, or damaged.
        Refused: precision is "bf16" and the processor has none.
    """

    def __init__(
        self,
        source: WeightsSource,
        *,
        precision: Precision | Literal["auto"] = "fp32",
        batch_size: int | None = None,
    ) -> None:
        gpus = _prepare_gpus()
        self._precision: Precision = _choose_precision(precision, gpus)
        default = GPU_BATCH_SIZE if gpus else DEFAULT_BATCH_SIZE
        self._batch_size = default if batch_size is None else batch_size
        if self._batch_size < 1:
            raise ValueError(f"a batch of {batch_size} frames")
        self._source = source
        weights = load_values(source)
        self._weights_digest = weights.digest
        self._network = _compile(weights, self._precision)

    @property
    def weights_digest(self) -> bytes:
        """32 bytes, BLAKE3 of the weight values."""
        return self._weights_digest

    @property
    def precision(self) -> Precision:
        """The number format the network computes in, "auto" resolved."""
        return self._precision

    @property
    def software(self) -> str:
        """Names and versions of the libraries that compute, for the record."""
        return f"tensorflow {tf.__version__}, numpy {np.__version__}"

    @property
    def batch_size(self) -> int:
        """How many frames at once are quickest."""
        return self._batch_size

    def embed(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Compute one feature vector for each frame.

        frames: (n, 299, 299, 3) uint8 RGB, n from 0; returns (n, 2048) float32, in the same order.

        Raises:
            WeightsError: a result is not finite, so the weights cannot be used.
        """
        if frames.dtype != np.uint8 or frames.shape[1:] != (FRAME_SIZE_PX, FRAME_SIZE_PX, 3):
            raise ValueError(f"not a batch of frames: {frames.shape} {frames.dtype}")
        vectors = np.empty((len(frames), VECTOR_SIZE), np.float32)
        for start in range(0, len(frames), self._batch_size):
            batch = frames[start : start + self._batch_size]
            padded = np.repeat(batch, LEAST_BATCH, axis=0) if len(batch) == 1 else batch
            computed = self._network(tf.constant(padded)).numpy()
            vectors[start : start + len(batch)] = computed[: len(batch)]
        if not np.isfinite(vectors).all():
            message = f"the weights {_name(self._source)} give vectors that are not finite"
            raise WeightsError(message, "nothing was stored; use other weights")
        return vectors


class _Convolutions:
    """Adds the network's convolutions to a graph, one after the other in the files' order."""

    def __init__(self, weights: NetworkWeights, precision: Precision) -> None:
        self._units = iter(weights.units)
        self._dtype = tf.bfloat16 if precision == "bf16" else tf.float32

    def start(self, frames: Tensor) -> Tensor:
        """Scale uint8 frames to -1 … 1."""
        return tf.cast(tf.cast(frames, tf.float32) / 127.5 - 1.0, self._dtype)

    def add(self, maps: Tensor, stride: int = 1, padding: str = "SAME") -> Tensor:
        """Put the next convolution, its normalization and a ReLU after `maps`."""
        kernel, bias = _fold(next(self._units))
        # Made outside the graph: as constants inside it they take seconds to optimise.
        with tf.init_scope():
            kernel, bias = tf.constant(kernel, self._dtype), tf.constant(bias, self._dtype)
        return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(maps, kernel, stride, padding), bias))

    def add_branches(self, starts: list[Tensor], lengths: list[int]) -> list[Tensor]:
        """Put `lengths[i]` convolutions after `starts[i]`, and return the branches' ends.

        Files list what is farthest from the network's end first, so all branches end together.
        """
        ends = list(starts)
        for distance in range(max(lengths), 0, -1):
            for branch, length in enumerate(lengths):
                if length >= distance:
                    ends[branch] = self.add(ends[branch])
        return ends


def _compile(weights: NetworkWeights, precision: Precision) -> Callable[[Tensor], Tensor]:
    """The network as one function from uint8 frames to float32 vectors, for any batch size."""
    convolutions = [_Convolutions(weights, precision)]

    def vectors(frames: Tensor) -> Tensor:
        # Popped, as TensorFlow keeps this function for good, and with it all that it refers to.
        return _features(convolutions.pop(), frames)

    shape = (None, FRAME_SIZE_PX, FRAME_SIZE_PX, 3)
    function = tf.function(vectors).get_concrete_function(tf.TensorSpec(shape, tf.uint8))
    return cast("Callable[[Tensor], Tensor]", function)


def _fold(unit: ConvUnit) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Merge a normalization into the convolution before it: its kernel and its bias."""
    scale = 1 / np.sqrt(unit.variance.astype(np.float64) + _NORM_EPSILON)
    kernel, bias = unit.kernel * scale, unit.beta - unit.mean * scale
    return kernel.astype(np.float32), bias.astype(np.float32)


def _features(convolutions: _Convolutions, frames: Tensor) -> Tensor:
    """Build InceptionV3 from frames to avg_pool.

    Source: Szegedy et al. 2015, https://arxiv.org/abs/1512.00567, table 1, with the paddings and
    branches of keras.applications.inception_v3, for which the published weights are made.
    """
    maps = _stem(convolutions, convolutions.start(frames))
    for _ in range(3):
        maps = _mixed(convolutions, maps, lengths=[1, 2, 3])
    maps = _reduced(convolutions, maps, lengths=[1, 3])
    for _ in range(4):
        maps = _mixed(convolutions, maps, lengths=[1, 3, 5])
    maps = _reduced(convolutions, maps, lengths=[2, 4])
    for _ in range(2):
        maps = _mixed_wide(convolutions, maps)
    return tf.reduce_mean(tf.cast(maps, tf.float32), [1, 2])


def _stem(convolutions: _Convolutions, maps: Tensor) -> Tensor:
    maps = convolutions.add(maps, stride=2, padding="VALID")
    maps = convolutions.add(maps, padding="VALID")
    maps = convolutions.add(maps)
    maps = tf.nn.max_pool2d(maps, 3, 2, "VALID")
    maps = convolutions.add(maps, padding="VALID")
    maps = convolutions.add(maps, padding="VALID")
    return tf.nn.max_pool2d(maps, 3, 2, "VALID")


def _mixed(convolutions: _Convolutions, maps: Tensor, lengths: list[int]) -> Tensor:
    pooled = tf.nn.avg_pool2d(maps, 3, 1, "SAME")
    starts = [maps] * len(lengths) + [pooled]
    return tf.concat(convolutions.add_branches(starts, [*lengths, 1]), axis=-1)


def _reduced(convolutions: _Convolutions, maps: Tensor, lengths: list[int]) -> Tensor:
    """Halve the size: the last convolution of each branch has a stride of 2, as the pool has."""
    pooled = tf.nn.max_pool2d(maps, 3, 2, "VALID")
    inner = [length - 1 for length in lengths]
    ends = convolutions.add_branches([maps] * len(lengths), inner)
    ends = [convolutions.add(end, stride=2, padding="VALID") for end in ends]
    return tf.concat([*ends, pooled], axis=-1)


def _mixed_wide(convolutions: _Convolutions, maps: Tensor) -> Tensor:
    """Two branches that each end in a 1x3 and a 3x1 convolution side by side, and two short."""
    inner = convolutions.add_branches([maps, maps], [1, 2])
    split = [convolutions.add(end) for end in inner for _ in range(2)]
    single = convolutions.add(maps)
    pooled = convolutions.add(tf.nn.avg_pool2d(maps, 3, 1, "SAME"))
    return tf.concat([single, *split, pooled], axis=-1)


def _prepare_gpus() -> list[Any]:
    """The GPUs that TensorFlow sees, told to take memory as they need it and not all at once."""
    gpus: list[Any] = tf.config.list_physical_devices("GPU")
    with suppress(RuntimeError):  # TensorFlow is at work already: its user's settings hold
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
    return gpus


def _choose_precision(wanted: Precision | Literal["auto"], gpus: list[Any]) -> Precision:
    if wanted == "fp32":
        # NVIDIA's TF32 has the range of fp32 but not its digits; this is process-wide.
        if gpus:
            tf.config.experimental.enable_tensor_float_32_execution(False)
        return "fp32"
    if _has_bf16(gpus):
        return "bf16"
    if wanted == "bf16":
        hint = "use precision fp32, or auto to have bf16 wherever it is"
        raise Refused("this processor cannot compute in bf16", hint)
    return "fp32"


def _has_bf16(gpus: list[Any]) -> bool:
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return bool(details.get("compute_capability", (0, 0)) >= _BF16_CAPABILITY)
    return processor.has_bf16()


def _name(source: WeightsSource) -> str:
    return str(source.path or source.key)
