"""The InceptionV3 embedder against plain Keras, on a network whose vectors differ."""

from __future__ import annotations

import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.networks import WEIGHTS_FORMATS, CalibratedNetwork, multiscale_noise, values_of
from vidindex.errors import Refused, WeightsError
from vidindex.inception import InceptionEmbedder
from vidindex.weights import WITH_TOP, fetch_imagenet_weights, locate_weights

# Keras 3.15 hands its variables to NumPy 2 in the way of NumPy 1.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

HAS_BF16 = not {"avx512_bf16", "amx_bf16"}.isdisjoint(Path("/proc/cpuinfo").read_text().split())

Vectors = NDArray[np.float32]
Frames = NDArray[np.uint8]


@pytest.fixture(scope="session")
def embedder(weights_files: Path) -> InceptionEmbedder:
    return InceptionEmbedder(locate_weights(str(weights_files / "top.h5")), batch_size=4)


@pytest.fixture(scope="session")
def frames() -> Frames:
    return multiscale_noise(9, seed=99)


@pytest.fixture(scope="session")
def expected(calibrated: CalibratedNetwork, frames: Frames) -> Vectors:
    return calibrated.predict(frames)


@pytest.fixture(scope="session")
def vectors(embedder: InceptionEmbedder, frames: Frames) -> Vectors:
    return embedder.embed(frames)


def relative_error(found: Vectors, wanted: Vectors) -> float:
    """The largest distance of two vectors, in lengths of the wanted one."""
    distances = np.linalg.norm(found - wanted, axis=1) / np.linalg.norm(wanted, axis=1)
    return float(distances.max())


def cosines(left: Vectors, right: Vectors) -> NDArray[np.float64]:
    products = np.einsum("ij,ij->i", left, right, dtype=np.float64)
    return products / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)


def test_vectors_are_those_of_plain_keras(vectors: Vectors, expected: Vectors) -> None:
    assert vectors.shape == (9, 2048)
    assert vectors.dtype == np.float32
    assert relative_error(vectors, expected) < 1e-4


def test_the_network_of_these_tests_sees_differences(expected: Vectors) -> None:
    neighbours = cosines(expected, np.roll(expected, 1, axis=0))
    assert neighbours.min() < 0.5
    assert neighbours.max() < 0.9999


@pytest.mark.parametrize("name", WEIGHTS_FORMATS)
def test_every_format_gives_the_same_digest_and_vectors(
    name: str, weights_files: Path, calibrated: CalibratedNetwork, frames: Frames, vectors: Vectors
) -> None:
    embedder = InceptionEmbedder(locate_weights(str(weights_files / name)))
    assert embedder.weights_digest == values_of(calibrated.model).digest
    assert relative_error(embedder.embed(frames[:2]), vectors[:2]) < 1e-4


def test_the_legacy_files_of_these_tests_are_ones_that_keras_reads(
    calibrated: CalibratedNetwork, weights_files: Path
) -> None:
    digest = values_of(calibrated.features).digest
    layer = calibrated.features.get_layer(index=1)
    layer.set_weights([np.zeros_like(kernel) for kernel in layer.get_weights()])
    assert values_of(calibrated.features).digest != digest
    calibrated.features.load_weights(weights_files / "notop.h5")
    assert values_of(calibrated.features).digest == digest


def test_two_untrained_networks_of_one_seed_agree(frames: Frames) -> None:
    embedder = InceptionEmbedder(locate_weights("untrained"))
    again = InceptionEmbedder(locate_weights("untrained:0"), batch_size=2)
    assert embedder.weights_digest == again.weights_digest
    assert relative_error(again.embed(frames[:3]), embedder.embed(frames[:3])) < 1e-4


def test_no_frames_give_no_vectors(embedder: InceptionEmbedder) -> None:
    vectors = embedder.embed(np.zeros((0, 299, 299, 3), np.uint8))
    assert vectors.shape == (0, 2048)
    assert vectors.dtype == np.float32


def test_a_vector_does_not_depend_on_its_company(
    embedder: InceptionEmbedder, frames: Frames, vectors: Vectors
) -> None:
    alone = embedder.embed(frames[6:7])
    reordered = embedder.embed(frames[[6, 0, 6]])
    assert relative_error(alone, vectors[6:7]) < 1e-4
    assert relative_error(reordered, vectors[[6, 0, 6]]) < 1e-4


def test_a_vector_is_the_same_to_the_bit_in_whatever_batch_it_is_computed(
    network: InceptionEmbedder,
) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (4, 299, 299, 3), dtype=np.uint8)

    together = network.embed(frames)

    np.testing.assert_array_equal(network.embed(frames[:1])[0], together[0])
    np.testing.assert_array_equal(network.embed(frames[1:]), together[1:])
    np.testing.assert_array_equal(network.embed(frames[::-1]), together[::-1])


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((1, 299, 299, 3), np.float32),
        np.zeros((1, 300, 299, 3), np.uint8),
        np.zeros((299, 299, 3), np.uint8),
    ],
)
def test_what_is_no_batch_of_frames_is_a_bug(
    embedder: InceptionEmbedder, wrong: NDArray[np.uint8]
) -> None:
    with pytest.raises(ValueError, match="not a batch of frames"):
        embedder.embed(wrong)


def test_a_batch_holds_at_least_one_frame() -> None:
    with pytest.raises(ValueError, match="0 frames"):
        InceptionEmbedder(locate_weights("untrained"), batch_size=0)


def test_weights_that_overflow_give_an_error_and_no_vector(
    weights_files: Path, tmp_path: Path, frames: Frames
) -> None:
    path = tmp_path / "huge.weights.h5"
    shutil.copy(weights_files / "notop.weights.h5", path)
    with h5py.File(path, "r+") as file:
        file["layers/batch_normalization_93/vars/0"][...] = 3e38
    embedder = InceptionEmbedder(locate_weights(str(path)))
    with pytest.raises(WeightsError, match="not finite") as caught:
        embedder.embed(frames[:1])
    assert str(path) in caught.value.message


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.weights.h5"
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, use_bias=False)])
    model.save_weights(path)
    with pytest.raises(WeightsError, match=r"not InceptionV3 weights: .*1 convolutions") as caught:
        InceptionEmbedder(locate_weights(str(path)))
    assert str(path) in caught.value.message


def test_fp32_is_what_is_used_unless_asked(embedder: InceptionEmbedder) -> None:
    assert embedder.precision == "fp32"
    assert embedder.software.startswith("tensorflow ")
    assert embedder.batch_size == 4


@pytest.mark.skipif(not HAS_BF16, reason="this processor has no bf16")
def test_bf16_comes_near_and_leaves_fp32_as_it_was(
    weights_files: Path, embedder: InceptionEmbedder, frames: Frames, vectors: Vectors
) -> None:
    source = locate_weights(str(weights_files / "top.h5"))
    coarse = InceptionEmbedder(source, precision="bf16")
    found = coarse.embed(frames)
    assert coarse.precision == "bf16"
    assert coarse.weights_digest == embedder.weights_digest
    assert relative_error(found, vectors) > 1e-3  # else nothing was computed in bf16
    assert cosines(found, vectors).min() > 0.99
    assert np.median(cosines(found, vectors)) > 0.999
    assert relative_error(embedder.embed(frames), vectors) < 1e-5
    assert relative_error(InceptionEmbedder(source, batch_size=4).embed(frames), vectors) < 1e-5


@pytest.mark.skipif(HAS_BF16, reason="this processor has bf16")
def test_bf16_is_refused_where_the_processor_has_none() -> None:
    with pytest.raises(Refused, match="bf16"):
        InceptionEmbedder(locate_weights("untrained"), precision="bf16")


def test_auto_is_bf16_just_where_the_processor_has_it() -> None:
    embedder = InceptionEmbedder(locate_weights("untrained"), precision="auto")
    assert embedder.precision == ("bf16" if HAS_BF16 else "fp32")


def test_tensorflow_says_nothing_on_its_own_and_hides_nothing_after() -> None:
    program = (
        "import os, numpy as np\n"
        "from vidindex.inception import InceptionEmbedder\n"
        "from vidindex.weights import locate_weights\n"
        "embedder = InceptionEmbedder(locate_weights('untrained'))\n"
        "embedder.embed(np.zeros((1, 299, 299, 3), np.uint8))\n"
        "os.write(2, b'seen')"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert (run.stdout, run.stderr) == (b"", b"seen")


@pytest.mark.network
def test_the_published_weights_can_be_fetched_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frames: Frames
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    try:
        urllib.request.urlopen(urllib.request.Request(WITH_TOP.url, method="HEAD"), timeout=5)
    except (urllib.error.URLError, OSError) as error:
        pytest.skip(f"the published weights cannot be reached: {error}")
    source = locate_weights("imagenet", fetch=fetch_imagenet_weights)
    assert source.kind == "imagenet"
    assert InceptionEmbedder(source).embed(frames[:2]).any(axis=1).all()
