"""The classifier in weights files: found, read, or seen not to be there."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.networks import CalibratedNetwork
from vidindex.errors import WeightsError
from vidindex.weight_values import load_classifier
from vidindex.weights import WITH_TOP, WITHOUT_TOP, locate_weights

CLASSES = 7


def write(path: Path, members: dict[str, np.ndarray], layer_names: list[str] | None = None) -> Path:
    """Write an HDF5 file with no network in it but these members."""
    with h5py.File(path, "w") as file:
        if layer_names is not None:
            file.attrs["layer_names"] = np.array(layer_names, "S")
        for name, values in members.items():
            file[name] = values
    return path


def keras3(path: Path, kernel: np.ndarray, bias: np.ndarray) -> Path:
    return write(path, {"layers/dense/vars/0": kernel, "layers/dense/vars/1": bias})


def kernel(classes: int = CLASSES, inputs: int = 2048) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(inputs, classes)).astype(np.float32)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras
def test_it_is_read_from_every_format_that_keras_writes(
    weights_files: Path, calibrated: CalibratedNetwork
) -> None:
    of_keras = calibrated.model.get_layer("predictions").get_weights()
    for name in ("top.h5", "top.weights.h5"):
        source = locate_weights(str(weights_files / name))
        assert source.has_classifier
        found = load_classifier(source)
        assert found is not None
        np.testing.assert_array_equal(found.kernel, of_keras[0])
        np.testing.assert_array_equal(found.bias, of_keras[1])


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras
@pytest.mark.parametrize("name", ["notop.h5", "notop.weights.h5"])
def test_weights_without_a_top_have_none(weights_files: Path, name: str) -> None:
    source = locate_weights(str(weights_files / name))

    assert not source.has_classifier
    assert load_classifier(source) is None


def test_untrained_weights_have_none() -> None:
    assert load_classifier(locate_weights("untrained:3")) is None


def test_a_layer_in_a_group_of_its_name_is_found_whatever_it_is_called(tmp_path: Path) -> None:
    members = {
        "conv2d_1/conv2d_1/kernel:0": np.zeros((3, 3, 3, 32), np.float32),
        "anything/anything/bias:0": np.arange(CLASSES, dtype=np.float64),
        "anything/anything/kernel:0": kernel(),
    }
    path = write(tmp_path / "a.h5", members, ["conv2d_1", "anything"])

    found = load_classifier(locate_weights(str(path)))

    assert found is not None
    np.testing.assert_array_equal(found.kernel, kernel())
    np.testing.assert_array_equal(found.bias, np.arange(CLASSES, dtype=np.float32))


@pytest.mark.parametrize(
    ("wrong_kernel", "wrong_bias"),
    [
        (kernel(inputs=1024), np.zeros(CLASSES, np.float32)),
        (kernel(), np.zeros(CLASSES + 1, np.float32)),
        (kernel(), np.zeros((CLASSES, 1), np.float32)),
        (kernel(classes=0), np.zeros(0, np.float32)),
        (np.zeros((2048, CLASSES), np.int32), np.zeros(CLASSES, np.float32)),
        (np.array(0.5, np.float32), np.array(0.5, np.float32)),
    ],
)
def test_a_top_of_another_form_is_none(
    tmp_path: Path, wrong_kernel: np.ndarray, wrong_bias: np.ndarray
) -> None:
    path = keras3(tmp_path / "a.weights.h5", wrong_kernel, wrong_bias)

    assert not locate_weights(str(path)).has_classifier


def test_a_claimed_size_fills_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.weights.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("layers/dense/vars/0", (2048, 1 << 40), "f4", chunks=(1, 1))
        file.create_dataset("layers/dense/vars/1", (1 << 40,), "f4", chunks=(1,))

    assert not locate_weights(str(path)).has_classifier


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    damaged = kernel()
    damaged[3, 4] = np.nan
    path = keras3(tmp_path / "a.weights.h5", damaged, np.zeros(CLASSES, np.float32))

    with pytest.raises(WeightsError, match="not finite"):
        load_classifier(locate_weights(str(path)))


def test_a_file_that_changed_since_is_refused(tmp_path: Path) -> None:
    path = keras3(tmp_path / "a.weights.h5", kernel(), np.zeros(CLASSES, np.float32))
    source = locate_weights(str(path))
    keras3(path, kernel() + 1, np.zeros(CLASSES, np.float32))

    with pytest.raises(WeightsError, match="changed"):
        load_classifier(source)


@pytest.mark.parametrize(("official", "has"), [(WITH_TOP, True), (WITHOUT_TOP, False)])
def test_the_published_files_are_known_by_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, official: object, has: bool
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / official.name).write_bytes(b"\x89HDF\r\n\x1a\n")  # type: ignore[attr-defined]

    assert locate_weights("imagenet").has_classifier is has
