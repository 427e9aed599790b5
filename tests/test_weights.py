"""What a weights setting means; no TensorFlow here."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from blake3 import blake3

from vidindex.errors import UsageError, VidindexError, WeightsError
from vidindex.weights import (
    MAX_FILE_BYTES,
    WITH_TOP,
    WITHOUT_TOP,
    check_weights_file,
    locate_weights,
)


@pytest.fixture
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "keras"
    monkeypatch.setenv("KERAS_HOME", str(home))
    return home


@pytest.fixture
def weights_file(tmp_path: Path) -> Path:
    path = tmp_path / "some.weights.h5"
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = np.arange(1000.0)
    return path


def refusal(path: Path) -> VidindexError:
    """The error that a file is refused with; it must be one line that names the file."""
    with pytest.raises(WeightsError) as caught:
        check_weights_file(path)
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message + caught.value.hint
    assert caught.value.hint
    with pytest.raises(WeightsError, match=r".") as located:
        locate_weights(str(path))
    assert located.value.message == caught.value.message
    return caught.value


def test_untrained_means_seed_zero() -> None:
    source = locate_weights("untrained")
    assert (source.kind, source.path, source.seed) == ("untrained", None, 0)
    assert source.key == "untrained:0"
    assert source == locate_weights("untrained:0")


def test_an_untrained_seed_is_written_in_one_way_only() -> None:
    assert locate_weights("untrained:007").key == "untrained:7"


@pytest.mark.parametrize("seed", ["", "abc", "-1", "1.5", "4294967296", " 1", "1 ", "٣", "1:2"])
def test_a_seed_that_is_no_number_in_range_is_a_usage_error(seed: str) -> None:
    with pytest.raises(UsageError, match="seed") as caught:
        locate_weights(f"untrained:{seed}")
    assert "untrained:7" in caught.value.hint


def test_a_file_is_known_by_its_bytes(weights_file: Path, tmp_path: Path) -> None:
    source = locate_weights(str(weights_file))
    assert (source.kind, source.path, source.seed) == ("file", weights_file, None)
    assert source.key == f"blake3:{blake3(weights_file.read_bytes()).hexdigest()}"
    copy = shutil.copy(weights_file, tmp_path / "copy.h5")
    assert locate_weights(str(copy)).key == source.key


def test_another_byte_is_another_key(weights_file: Path) -> None:
    before = locate_weights(str(weights_file)).key
    with h5py.File(weights_file, "r+") as file:
        file["layers/dense/vars/0"][5] = 0
    assert locate_weights(str(weights_file)).key != before


def test_a_missing_file_is_refused_with_the_choices_there_are(tmp_path: Path) -> None:
    error = refusal(tmp_path / "missing.h5")
    assert "there is no weights file" in error.message
    assert "imagenet" in error.hint
    assert "untrained" in error.hint


def test_a_path_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(WeightsError, match="there is no weights file"):
        locate_weights("a\0b")


def test_a_folder_such_as_a_saved_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    assert "is a folder" in refusal(tmp_path).message


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.h5")
    assert "not a regular file" in refusal(tmp_path / "pipe.h5").message


def test_a_file_beyond_any_weights_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.h5"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    assert "too large" in refusal(path).message


def test_a_keras_archive_is_refused_as_a_serialized_model(tmp_path: Path) -> None:
    path = tmp_path / "evil.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    error = refusal(path)
    assert "not weights only" in error.message
    assert "save_weights" in error.hint


def test_a_serialized_model_in_hdf5_is_refused(weights_file: Path) -> None:
    with h5py.File(weights_file, "r+") as file:
        file.attrs["model_config"] = '{"class_name": "Lambda"}'
    error = refusal(weights_file)
    assert "serialized model" in error.message
    assert "save_weights" in error.hint


@pytest.mark.parametrize("content", [b"", b"no HDF5", b"\x89HDF"])
def test_what_is_not_hdf5_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.h5"
    path.write_bytes(content)
    assert "not an HDF5 weights file" in refusal(path).message


@pytest.mark.parametrize("kept", [9, 100, 2000, -1])
def test_a_file_cut_short_is_refused(weights_file: Path, kept: int) -> None:
    weights_file.write_bytes(weights_file.read_bytes()[:kept])
    assert "cut short or damaged" in refusal(weights_file).message


def test_a_link_to_another_file_is_refused(weights_file: Path) -> None:
    with h5py.File(weights_file, "r+") as file:
        file["layers/dense/vars/1"] = h5py.ExternalLink("/etc/passwd", "/")
    assert "link to elsewhere ('1')" in refusal(weights_file).message


def test_a_link_within_the_file_is_refused(weights_file: Path) -> None:
    with h5py.File(weights_file, "r+") as file:
        file["layers/soft"] = h5py.SoftLink("/layers/dense")
    assert "link to elsewhere ('soft')" in refusal(weights_file).message


def test_values_kept_in_another_file_are_refused(weights_file: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.bin"
    outside.write_bytes(bytes(80))
    with h5py.File(weights_file, "r+") as file:
        file.create_dataset("raw", (10,), "f8", external=[(str(outside), 0, 80)])
    assert "values in other files ('raw')" in refusal(weights_file).message


def test_a_virtual_dataset_is_refused(weights_file: Path, tmp_path: Path) -> None:
    shutil.copy(weights_file, tmp_path / "outside.h5")
    with h5py.File(weights_file, "r+") as file:
        layout = h5py.VirtualLayout((1000,), "f8")
        layout[:] = h5py.VirtualSource(tmp_path / "outside.h5", "layers/dense/vars/0", (1000,))
        file.create_virtual_dataset("virtual", layout)
    assert "values in other files ('virtual')" in refusal(weights_file).message


def test_a_group_inside_itself_does_not_trap_the_check(weights_file: Path) -> None:
    with h5py.File(weights_file, "r+") as file:
        file["layers/again"] = file["layers"]
    check_weights_file(weights_file)


def test_imagenet_is_looked_for_in_the_cache_of_keras(keras_home: Path) -> None:
    cached = keras_home / "models" / WITHOUT_TOP.name
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"without top")
    source = locate_weights("imagenet")
    assert (source.kind, source.path) == ("imagenet", cached)
    assert source.key == f"blake3:{blake3(b'without top').hexdigest()}"


def test_the_published_file_with_its_top_is_preferred(keras_home: Path) -> None:
    for official in (WITH_TOP, WITHOUT_TOP):
        cached = keras_home / "models" / official.name
        cached.parent.mkdir(parents=True, exist_ok=True)
        cached.write_bytes(b"weights")
    assert locate_weights("imagenet").path == keras_home / "models" / WITH_TOP.name


def test_without_keras_home_the_cache_is_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    cached = tmp_path / ".keras" / "models" / WITH_TOP.name
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"weights")
    assert locate_weights("imagenet").path == cached


def test_imagenet_that_is_not_there_tells_how_to_get_it(keras_home: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        locate_weights("imagenet")
    needed = (WITH_TOP.url, WITH_TOP.md5, str(keras_home / "models"), "--weights untrained")
    assert [text for text in needed if text not in caught.value.hint] == []


def test_imagenet_that_is_not_there_is_fetched_if_allowed(keras_home: Path, tmp_path: Path) -> None:
    def fetch() -> Path:
        path = tmp_path / "fetched"
        path.write_bytes(b"fetched")
        return path

    source = locate_weights("imagenet", fetch=fetch)
    assert source.path == tmp_path / "fetched"
    assert source.key == f"blake3:{blake3(b'fetched').hexdigest()}"


def test_names_sums_and_addresses_are_those_that_keras_uses() -> None:
    keras = importlib.util.find_spec("keras")
    assert keras is not None
    assert keras.origin is not None
    text = (Path(keras.origin).parent / "src/applications/inception_v3.py").read_text()
    for official in (WITH_TOP, WITHOUT_TOP):
        assert f'"{official.name}",' in text
        assert f'file_hash="{official.md5}"' in text
        folder, _, name = official.url.partition("inception_v3/")
        assert f'"{folder}"' in text
        assert f'"inception_v3/{name}"' in text


def test_a_weights_setting_is_understood_without_tensorflow(weights_file: Path) -> None:
    program = (
        "import sys\n"
        "from vidindex.weights import locate_weights\n"
        "print(locate_weights(sys.argv[1]).key, locate_weights('untrained:3').key)\n"
        "print(sorted({'tensorflow', 'keras', 'cv2', 'av', 'sqlalchemy'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, weights_file], capture_output=True, text=True, check=True
    )
    key = f"blake3:{blake3(weights_file.read_bytes()).hexdigest()}"
    assert run.stdout == f"{key} untrained:3\n[]\n"


def test_a_file_in_the_home_folder_may_be_named_with_a_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with h5py.File(tmp_path / "some.h5", "w") as file:
        file.create_dataset("kernel", data=[1.0])
    monkeypatch.setenv("HOME", str(tmp_path))

    assert locate_weights("~/some.h5").path == tmp_path / "some.h5"
