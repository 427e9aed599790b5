"""Networks for tests: InceptionV3 whose vectors differ, and its weights in each file format.

Importing this module loads Keras.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from numpy.typing import NDArray

from vidindex.weight_values import ConvUnit, NetworkWeights, load_values
from vidindex.weights import locate_weights

CALIBRATION_PICTURES = 12
WEIGHTS_FORMATS = ("top.h5", "notop.h5", "top.weights.h5", "notop.weights.h5")


@dataclass(frozen=True)
class CalibratedNetwork:
    """InceptionV3 as keras.applications builds it, with a top, and weights that see pictures.

    model: 1000 classes at the end; the first CALIBRATION_PICTURES are the pictures of
    ``multiscale_noise(CALIBRATION_PICTURES, seed)``. features: the same network up to avg_pool.
    """

    model: Any
    features: Any

    def predict(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What plain Keras computes: (n, 299, 299, 3) uint8 to (n, 2048) float32."""
        pictures = keras.applications.inception_v3.preprocess_input(frames.astype(np.float32))
        vectors: NDArray[np.float32] = self.features.predict(pictures, verbose=0)
        return vectors


def calibrated_network(seed: int) -> CalibratedNetwork:
    """Build the network with seeded kernels, and statistics of seeded noise.

    With plain initial weights any two pictures lie at a cosine of 0.99, and a test could not
    fail. Here each normalization has the mean and variance of its input on multi-scale noise,
    and offsets of N(-0.3, 0.3) that let each channel pass only what stands out.
    """
    model = keras.applications.InceptionV3(weights=None, include_top=True)
    random = np.random.default_rng(seed)
    drawn = load_values(locate_weights(f"untrained:{seed}"))
    for unit, convolution, normalization in zip(drawn.units, *_layers(model), strict=True):
        convolution.set_weights([unit.kernel])
        beta = random.normal(-0.3, 0.3, unit.beta.shape)
        normalization.set_weights([beta, unit.mean, unit.variance])
        normalization.momentum = 0.0  # one batch in training mode replaces the statistics
    features = keras.Model(model.input, model.get_layer("avg_pool").output)
    noise = multiscale_noise(CALIBRATION_PICTURES, seed)
    scaled = noise.astype(np.float32) / 127.5 - 1
    features(scaled, training=True)
    _teach_top(model, features(scaled).numpy())
    return CalibratedNetwork(model, features)


def multiscale_noise(count: int, seed: int) -> NDArray[np.uint8]:
    """Pictures of seeded noise, (count, 299, 299, 3): each a sum of grids, coarse to fine."""
    random = np.random.default_rng(seed)
    pictures = np.zeros((count, 299, 299, 3))
    for cell_px in (1, 4, 16, 64, 150):
        cells = -(-299 // cell_px)
        strength = random.uniform(0.2, 1, (count, 1, 1, 1))
        grid = random.normal(0, 1, (count, cells, cells, 3)) * strength
        pictures += grid.repeat(cell_px, axis=1).repeat(cell_px, axis=2)[:, :299, :299]
    contrast = random.uniform(20, 60, (count, 1, 1, 1))
    pictures *= contrast / pictures.std(axis=(1, 2, 3), keepdims=True)
    pictures += random.uniform(80, 176, (count, 1, 1, 3))
    return pictures.clip(0, 255).astype(np.uint8)


def values_of(model: Any) -> NetworkWeights:
    """The weights of a Keras InceptionV3, in vidindex's form."""
    return NetworkWeights(
        tuple(
            ConvUnit(*convolution.get_weights(), *normalization.get_weights())
            for convolution, normalization in zip(*_layers(model), strict=True)
        )
    )


def save_in_every_format(network: CalibratedNetwork, folder: Path) -> Path:
    """Save a network's weights under each name of WEIGHTS_FORMATS; returns the folder."""
    save_legacy(network.model, folder / "top.h5")
    save_legacy(network.features, folder / "notop.h5")
    save_keras3(network.model, folder / "top.weights.h5")
    save_keras3(network.features, folder / "notop.weights.h5")
    return folder


def save_keras3(model: Any, path: Path) -> Path:
    """Save a model's weights as Keras 3 does; the path ends in .weights.h5."""
    model.save_weights(path)
    return path


def save_legacy(model: Any, path: Path) -> Path:
    """Save a model's weights as Keras 1 and 2 did, in the layout of the published files."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array([layer.name for layer in model.layers], "S")
        file.attrs["backend"] = np.bytes_("tensorflow")
        file.attrs["keras_version"] = np.bytes_("2.0.2")
        for layer in model.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = np.array(names, "S")
            for name, values in zip(names, layer.get_weights(), strict=True):
                group[name] = values
    return path


def _teach_top(model: Any, vectors: NDArray[np.float32]) -> None:
    """Let the i-th class stand for the i-th vector, (n, 2048): for what it has beyond the mean."""
    top = model.get_layer("predictions")
    beyond = vectors - vectors.mean(axis=0)
    kernel = np.zeros_like(top.get_weights()[0])
    kernel[:, : len(vectors)] = (beyond / np.linalg.norm(beyond, axis=1, keepdims=True)).T
    top.set_weights([kernel, np.linspace(-1, 1, kernel.shape[1], dtype=np.float32)])


def _layers(model: Any) -> tuple[list[Any], list[Any]]:
    """The convolutions and the normalizations, each in the model's order."""
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    kind = keras.layers.BatchNormalization
    return convolutions, [layer for layer in model.layers if isinstance(layer, kind)]
