"""The values of the weights: drawn from a seed, or refused for what is wrong with a file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from vidindex.errors import WeightsError
from vidindex.weight_values import NetworkWeights, load_values
from vidindex.weights import WITH_TOP, locate_weights

UNTRAINED_0 = "671efb3838c2977e4b4d990987292104dfb0a21bbe0a2205290bd92480ea7a59"


@pytest.fixture(scope="session")
def untrained() -> NetworkWeights:
    return load_values(locate_weights("untrained:0"))


@pytest.fixture(scope="session")
def untrained_file(untrained: NetworkWeights, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same values in the layout of Keras 3, written without Keras."""
    path = tmp_path_factory.mktemp("weights") / "untrained.weights.h5"
    with h5py.File(path, "w") as file:
        for index, unit in enumerate(untrained.units):
            number = f"_{index}" if index else ""
            file[f"layers/conv2d{number}/vars/0"] = unit.kernel
            for variable, values in enumerate((unit.beta, unit.mean, unit.variance)):
                file[f"layers/batch_normalization{number}/vars/{variable}"] = values
    return path


@pytest.fixture
def altered(untrained_file: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copy(untrained_file, tmp_path / "altered.weights.h5"))


def replace(path: Path, name: str, values: Any) -> None:
    with h5py.File(path, "r+") as file:
        del file[name]
        if values is not None:
            file[name] = values


def reason(path: Path) -> str:
    """Why a file is refused; the error must be one line that names the file."""
    with pytest.raises(WeightsError) as caught:
        load_values(locate_weights(str(path)))
    assert "\n" not in caught.value.message
    assert caught.value.hint
    before, named, after = caught.value.message.partition(str(path))
    assert before == "not InceptionV3 weights: "
    assert named
    return after.removeprefix(": ")


def test_untrained_values_are_the_same_everywhere_and_for_ever(untrained: NetworkWeights) -> None:
    assert untrained.digest.hex() == UNTRAINED_0


def test_another_seed_gives_other_values(untrained: NetworkWeights) -> None:
    assert load_values(locate_weights("untrained:1")).digest != untrained.digest


def test_untrained_kernels_are_glorot_uniform(untrained: NetworkWeights) -> None:
    for unit in (untrained.units[9], untrained.units[-1]):
        rows, columns, channels_in, channels_out = unit.kernel.shape
        limit = np.sqrt(6 / (rows * columns * (channels_in + channels_out)))
        assert 0.999 < np.abs(unit.kernel).max() / limit <= 1 + 1e-7
        assert abs(unit.kernel.std() / limit - 1 / np.sqrt(3)) < 0.01
        assert abs(unit.kernel.mean() / limit) < 0.01


def test_a_file_gives_the_digest_of_its_values(
    untrained: NetworkWeights, untrained_file: Path
) -> None:
    assert load_values(locate_weights(str(untrained_file))).digest == untrained.digest


def test_one_changed_value_changes_the_digest(untrained: NetworkWeights, altered: Path) -> None:
    with h5py.File(altered, "r+") as file:
        file["layers/batch_normalization_93/vars/2"][191] = np.nextafter(np.float32(1), 2)
    assert load_values(locate_weights(str(altered))).digest != untrained.digest


def test_values_are_the_same_in_other_float_types(untrained: NetworkWeights, altered: Path) -> None:
    replace(altered, "layers/conv2d/vars/0", untrained.units[0].kernel.astype(">f8"))
    assert load_values(locate_weights(str(altered))).digest == untrained.digest


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_values_that_are_not_finite_are_refused(altered: Path, value: float) -> None:
    values = np.zeros(32)
    values[7] = value
    replace(altered, "layers/batch_normalization/vars/0", values)
    assert "not finite" in reason(altered)


def test_a_negative_variance_is_refused(altered: Path) -> None:
    replace(altered, "layers/batch_normalization_5/vars/2", np.full(64, -1, np.float32))
    assert reason(altered) == "layer 5 has a negative variance"


def test_a_kernel_of_another_shape_is_refused_before_it_is_read(altered: Path) -> None:
    with h5py.File(altered, "r+") as file:
        del file["layers/conv2d_3/vars/0"]
        file.create_dataset("layers/conv2d_3/vars/0", (1 << 20, 1 << 20), "f4")
    assert "layer 3 has shapes [(1048576, 1048576)" in reason(altered)


def test_a_missing_layer_is_refused(altered: Path) -> None:
    replace(altered, "layers/conv2d_93", None)
    assert reason(altered) == "93 convolutions and 94 normalizations, not 94 of each"


def test_a_missing_variable_is_refused(altered: Path) -> None:
    replace(altered, "layers/batch_normalization_50/vars/1", None)
    assert "incomplete" in reason(altered)


def test_whole_numbers_are_refused(altered: Path) -> None:
    replace(altered, "layers/batch_normalization/vars/1", np.zeros(32, np.int32))
    assert "no floating point numbers" in reason(altered)


def test_a_group_in_place_of_values_is_refused(altered: Path) -> None:
    with h5py.File(altered, "r+") as file:
        del file["layers/conv2d/vars/0"]
        file.create_group("layers/conv2d/vars/0")
    assert "layer 0 has shapes [None" in reason(altered)


def test_an_hdf5_file_of_something_else_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "table.h5", "w") as file:
        file["table"] = np.arange(3)
    assert reason(tmp_path / "table.h5").startswith("0 convolutions")


def test_layer_names_without_layers_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "names.h5", "w") as file:
        file.attrs["layer_names"] = np.array(["conv2d_1"], "S")
    assert "incomplete" in reason(tmp_path / "names.h5")


def test_layer_names_that_are_no_names_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "names.h5", "w") as file:
        file.attrs["layer_names"] = np.arange(3)
    assert "incomplete" in reason(tmp_path / "names.h5")


def test_a_file_that_changes_after_it_was_located_is_refused(altered: Path) -> None:
    source = locate_weights(str(altered))
    replace(altered, "layers/conv2d/vars/0", np.zeros((3, 3, 3, 32), np.float32))
    with pytest.raises(WeightsError, match="changed while it was used"):
        load_values(source)


def test_a_file_that_only_has_the_published_name_is_refused(
    untrained_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    cached = tmp_path / "models" / WITH_TOP.name
    cached.parent.mkdir()
    shutil.copy(untrained_file, cached)
    with pytest.raises(WeightsError, match=WITH_TOP.md5) as caught:
        load_values(locate_weights("imagenet"))
    assert str(cached) in caught.value.message
    assert "delete it" in caught.value.hint


def test_the_digest_of_weights_needs_no_tensorflow(untrained_file: Path) -> None:
    program = (
        "import sys\n"
        "from vidindex.weight_values import load_values\n"
        "from vidindex.weights import locate_weights\n"
        "print(load_values(locate_weights(sys.argv[1])).digest.hex())\n"
        "print(sorted({'tensorflow', 'keras', 'cv2', 'av', 'sqlalchemy'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, untrained_file], capture_output=True, text=True, check=True
    )
    assert run.stdout == f"{UNTRAINED_0}\n[]\n"
