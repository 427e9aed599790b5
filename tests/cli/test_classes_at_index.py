"""What `vidindex index` keeps of the classifier on top of the weights."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.cli.running import Outcome, assert_explained, run_process
from tests.clips import Style, write_clip
from tests.networks import CALIBRATION_PICTURES, multiscale_noise
from vidindex.weight_values import load_values
from vidindex.weights import locate_weights

CLASSES = 5


@pytest.fixture(scope="module")
def with_top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The untrained values and a small classifier, in the layout of Keras 3."""
    path = tmp_path_factory.mktemp("weights") / "top.weights.h5"
    with h5py.File(path, "w") as file:
        for index, unit in enumerate(load_values(locate_weights("untrained:0")).units):
            number = f"_{index}" if index else ""
            file[f"layers/conv2d{number}/vars/0"] = unit.kernel
            for variable, values in enumerate((unit.beta, unit.mean, unit.variance)):
                file[f"layers/batch_normalization{number}/vars/{variable}"] = values
        random = np.random.default_rng(1)
        file["layers/dense/vars/0"] = random.normal(size=(2048, CLASSES)).astype(np.float32)
        file["layers/dense/vars/1"] = np.zeros(CLASSES, np.float32)
    return path


@pytest.fixture
def class_file(home: Path) -> Path:
    path = home / "classes.txt"
    path.write_text("alpha\nbeta\ngamma\ndelta\nepsilon\n")
    return path


def ask(home: Path, statement: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(home / "library.db") as database:
        rows = database.execute(statement).fetchall()
    database.close()
    return rows


def stored(home: Path) -> list[tuple[object, ...]]:
    return ask(home, "SELECT length(kernel), length(bias), class_names FROM heads")


def test_the_classifier_and_its_names_are_kept(
    vidindex: Callable[..., Outcome], videos: Path, home: Path, with_top: Path, class_file: Path
) -> None:
    outcome = vidindex("index", videos, "--weights", with_top, "--class-index", class_file)

    assert outcome.code == 0, outcome.err
    assert stored(home) == [(2048 * CLASSES * 4, CLASSES * 4, class_file.read_text().strip())]
    assert vidindex("search", "gamma", "--min", "-9", "--json").data["found"] == 4


def test_a_library_from_before_gets_it_at_the_next_run(
    vidindex: Callable[..., Outcome], videos: Path, home: Path, with_top: Path
) -> None:
    vidindex("index", videos, "--weights", with_top)
    ask(home, "DELETE FROM heads")

    outcome = vidindex("index", videos, "--weights", with_top, "--json")

    assert outcome.data["unchanged"] == 4
    assert stored(home) == [(2048 * CLASSES * 4, CLASSES * 4, None)]


def test_a_library_that_has_it_never_looks_again(
    vidindex: Callable[..., Outcome],
    videos: Path,
    with_top: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vidindex("index", videos, "--weights", with_top)

    def fail(_: object) -> None:
        raise AssertionError("it was read again")

    monkeypatch.setattr("vidindex.weight_values.load_classifier", fail)

    assert vidindex("index", videos, "--weights", with_top).code == 0


def test_class_names_may_come_later(
    vidindex: Callable[..., Outcome], videos: Path, home: Path, with_top: Path
) -> None:
    vidindex("index", videos, "--weights", with_top)
    index = home / "keras/models/imagenet_class_index.json"
    index.parent.mkdir(parents=True)
    names = ["a", "b", "c", "d", "e"]
    index.write_text(json.dumps({str(n): ["n", name] for n, name in enumerate(names)}))

    vidindex("index", videos, "--weights", with_top)

    assert stored(home)[0][2] == "\n".join(names)


def test_names_of_other_classes_in_kerass_folder_are_passed_over(
    vidindex: Callable[..., Outcome], videos: Path, home: Path, with_top: Path
) -> None:
    index = home / "keras/models/imagenet_class_index.json"
    index.parent.mkdir(parents=True)
    index.write_text(json.dumps({"0": ["n", "tench"]}))

    assert vidindex("index", videos, "--weights", with_top).code == 0
    assert stored(home)[0][2] is None


def test_a_damaged_index_in_kerass_folder_is_told_and_no_more(
    vidindex: Callable[..., Outcome], videos: Path, home: Path, with_top: Path
) -> None:
    index = home / "keras/models/imagenet_class_index.json"
    index.parent.mkdir(parents=True)
    index.write_text('{"0": ')

    outcome = vidindex("index", videos, "--weights", with_top)

    assert outcome.code == 0
    assert "imagenet_class_index.json is no index of classes; delete it" in outcome.err


def test_a_damaged_classifier_is_told_and_the_vectors_are_kept(
    vidindex: Callable[..., Outcome], videos: Path, home: Path, with_top: Path
) -> None:
    damaged = home / "damaged.weights.h5"
    damaged.write_bytes(with_top.read_bytes())
    with h5py.File(damaged, "r+") as file:
        file["layers/dense/vars/1"][2] = np.nan

    outcome = vidindex("index", videos, "--weights", damaged)

    assert outcome.code == 0
    assert "no names for clusters" in outcome.err
    assert stored(home) == []
    assert ask(home, "SELECT count(*) FROM embeddings") == [(4,)]


def test_a_class_index_that_cannot_be_read_is_refused_before_a_library_is_made(
    vidindex: Callable[..., Outcome], videos: Path, home: Path, with_top: Path
) -> None:
    outcome = vidindex("index", videos, "--weights", with_top, "--class-index", "absent.txt")

    assert_explained(outcome, 3, says="no file of class names absent.txt", hint="one class name")
    assert not (home / "library.db").exists()


def test_untrained_weights_leave_no_classifier(
    vidindex: Callable[..., Outcome], videos: Path, home: Path
) -> None:
    vidindex("index", videos)

    assert stored(home) == []


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras
def test_what_a_trained_network_sees_is_found_by_its_name(home: Path, weights_files: Path) -> None:
    """The classes stand for pictures of noise, and each video shows one of these pictures."""
    (home / "in").mkdir()
    shown = multiscale_noise(CALIBRATION_PICTURES, seed=0)
    for number in (2, 5, 7, 11):
        drawn = shown[number].repeat(2, axis=0).repeat(2, axis=1)
        style = Style(options={"crf": "4", "preset": "ultrafast"}, pix_fmt="yuv420p")
        path = write_clip(home / f"in/{number}.mp4", [drawn] * 2, style, fps=2)
        os.utime(path, (1_600_000_000, 1_600_000_000))
    words = [f"picture {number}" for number in range(CALIBRATION_PICTURES)]
    names = words + [f"nothing {number}" for number in range(1000 - len(words))]
    (home / "names.txt").write_text("\n".join(names))
    weights = weights_files / "top.h5"

    indexed = run_process(home, "index", "in", "--weights", weights, "--class-index", "names.txt")
    assert indexed.code == 0, indexed.err

    for number in (2, 5, 7, 11):
        outcome = run_process(home, "search", "picture", str(number), "--json")
        assert outcome.data["rows"][0]["path"].endswith(f"in/{number}.mp4"), outcome.out
