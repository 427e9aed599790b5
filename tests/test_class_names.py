"""Files of class names, and finding classes by words."""

import json

import pytest

from tests.test_weights_fetching import keras_home, server  # noqa: F401 - fixtures
from vidindex import class_names
from vidindex.class_names import match_classes, near_names, read_class_names
from vidindex.errors import Refused, WeightsError
from vidindex.weights import OfficialFile

NAMES = ("tench", "sports_car", "carpet", "box_turtle", "wolf", "bus", "jack-o'-lantern", "crane")


def matched(*words):
    return [NAMES[place] for place in match_classes(words, NAMES)]


def write(tmp_path, content):
    path = tmp_path / "classes"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_kerass_index_is_read_in_the_order_of_its_numbers(tmp_path):
    index = {"1": ["n01443537", "goldfish"], "0": ["n01440764", "tench"]}

    assert read_class_names(write(tmp_path, json.dumps(index))) == ("tench", "goldfish")


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_lines_of_text_are_read_in_their_order(tmp_path, ending):
    path = write(tmp_path, ending.join(["tench", "  sports car ", "", ""])[: -len(ending)])

    assert read_class_names(path) == ("tench", "sports car")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "tench\n\ngoldfish",
        "tench\x1b[2J",
        "x" * 101,
        b"\xff\xfe",
        '{"0": ["n01440764", "tench"], "2": ["n01443537", "goldfish"]}',
        '{"0": []}',
        '{"0": 7}',
        '{"0": ["n01440764", 7]}',
        '{"0": ["n0", "two\\nlines"]}',
        '{"0": ["n0", "te',
    ],
)
def test_what_is_no_list_of_names_is_refused(tmp_path, content):
    path = write(tmp_path, content)

    with pytest.raises(Refused, match=str(path)) as caught:
        read_class_names(path)

    assert "one class name a line" in caught.value.hint
    assert "\n" not in caught.value.message


def test_a_folder_or_nothing_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(Refused, match="there is no file"):
            read_class_names(path)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["car"], ["sports_car"]),
        (["CARS"], ["sports_car"]),
        (["car", "sport"], ["sports_car"]),
        (["sports car"], ["sports_car"]),
        (["sports_car"], ["sports_car"]),
        (["boxes"], ["box_turtle"]),
        (["wolves"], ["wolf"]),
        (["buses"], ["bus"]),
        (["bu"], []),
        (["jack o lantern"], ["jack-o'-lantern"]),
        (["car", "wolf"], []),
        (["ranc"], []),
        (["'"], []),
        ([], []),
    ],
)
def test_classes_are_found_by_whole_words_in_any_case_and_number(words, names):
    assert matched(*words) == names


def test_a_misspelt_word_has_near_names():
    assert near_names(["wolve"], NAMES)[0] == "wolf"
    assert near_names(["turtel"], NAMES) == ["box_turtle"]
    assert near_names(["sprots", "car"], NAMES)[0] == "sports_car"
    assert near_names(["qqqq"], NAMES) == []


def test_the_class_names_are_fetched_with_the_weights(server, keras_home, monkeypatch):  # noqa: F811
    published = OfficialFile(
        "imagenet_class_index.json", "10b7b51cf3056a11a76a52380c8cfcc5", f"{server}/whole/"
    )
    monkeypatch.setattr(class_names, "CLASS_INDEX", published)
    weights = keras_home / "models/weights.h5"
    monkeypatch.setattr(class_names, "fetch_imagenet_weights", fetching(weights))

    assert class_names.fetch_with_weights() == weights
    assert class_names.find_published() == keras_home / "models/imagenet_class_index.json"


def test_weights_serve_without_class_names(server, keras_home, monkeypatch):  # noqa: F811
    absent = OfficialFile("imagenet_class_index.json", "0" * 32, f"{server}/absent/")
    monkeypatch.setattr(class_names, "CLASS_INDEX", absent)
    weights = keras_home / "models/weights.h5"
    monkeypatch.setattr(class_names, "fetch_imagenet_weights", fetching(weights))

    assert class_names.fetch_with_weights() == weights
    assert class_names.find_published() is None


def test_without_a_network_nothing_else_is_asked_for(keras_home, monkeypatch):  # noqa: F811
    asked = []

    def fail(*official):
        asked.append(official)
        raise WeightsError("no network")

    monkeypatch.setattr(class_names, "fetch_imagenet_weights", fail)
    with pytest.raises(WeightsError, match="no network"):
        class_names.fetch_with_weights()

    assert asked == [()]


def fetching(weights):
    """Stand in for the download of the weights, and do any other."""
    real = class_names.fetch_imagenet_weights

    def fetch(*official):
        return real(*official) if official else weights

    return fetch
