from dataclasses import fields
from pathlib import Path

import pytest

from vidindex.config import RULES, Settings, load
from vidindex.errors import UsageError

EXAMPLE = Path(__file__).parents[1] / "config.example.toml"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def test_the_example_file_documents_every_setting_with_its_default():
    configuration = load({}, {}, EXAMPLE)

    named = {field.name for field in fields(Settings)}
    assert {name for name, origin in configuration.origins.items() if origin == str(EXAMPLE)} == (
        named
    )
    assert vars(configuration.settings) == vars(load({}, {"VIDINDEX_CONFIG": "/dev/null"}).settings)


def test_every_setting_has_a_rule():
    assert set(RULES) == {field.name for field in fields(Settings)}


def test_flags_win_over_environment_over_file_over_defaults(tmp_path):
    file = write(tmp_path, "seed = 1\nn_init = 1\ninterval_s = 1\n")
    environment = {"VIDINDEX_SEED": "2", "VIDINDEX_N_INIT": "2", "HOME": "/root"}

    configuration = load({"seed": 3, "n_init": None}, environment, file)

    settings = configuration.settings
    assert (settings.seed, settings.n_init, settings.interval_s) == (3, 2, 1.0)
    assert (settings.min_frames, settings.weights) == (1, "imagenet")
    assert configuration.origins["seed"] == "--seed"
    assert configuration.origins["n_init"] == "VIDINDEX_N_INIT"
    assert configuration.origins["interval_s"] == str(file)
    assert configuration.origins["min_frames"] == "default"


def test_the_environment_names_the_configuration_file(tmp_path):
    file = write(tmp_path, "k = 1\n".replace("k", "seed"))

    assert load({}, {"VIDINDEX_CONFIG": str(file)}).settings.seed == 1


def test_words_in_the_environment_need_no_quotes():
    environment = {
        "VIDINDEX_CONFIG": "/dev/null",
        "VIDINDEX_WEIGHTS": "untrained:7",
        "VIDINDEX_SUFFIXES": ".mp4, .MKV",
        "VIDINDEX_SKIP_BLANK": "false",
    }

    settings = load({}, environment).settings

    assert settings.weights == "untrained:7"
    assert settings.suffixes == (".mkv", ".mp4")
    assert settings.skip_blank is False


def test_an_unknown_key_names_the_file_and_the_nearest_setting(tmp_path):
    file = write(tmp_path, "intervall_s = 10\n")

    with pytest.raises(UsageError) as caught:
        load({}, {}, file)

    assert str(file) in caught.value.message
    assert "intervall_s" in caught.value.message
    assert "did you mean interval_s?" in caught.value.hint


def test_an_unknown_variable_is_an_error_too():
    with pytest.raises(UsageError, match="VIDINDEX_INTERVALL_S"):
        load({}, {"VIDINDEX_CONFIG": "/dev/null", "VIDINDEX_INTERVALL_S": "3"})


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("interval_s = 0", "seconds > 0"),
        ("interval_s = -1.5", "seconds > 0"),
        ("interval_s = inf", "seconds > 0"),
        ("interval_s = nan", "seconds > 0"),
        ("interval_s = true", "seconds > 0"),
        ("min_frames = 0", "whole number >= 1"),
        ("min_frames = 1.5", "whole number >= 1"),
        ("workers = -1", "whole number >= 0"),
        ("seed = true", "whole number >= 0"),
        ('sampling = "fast"', "exact, keyframe"),
        ('precision = "fp16"', "fp32, bf16, auto"),
        ('normalize = "l1"', "l2, none"),
        ('symlinks = "never"', "skip, follow"),
        ('skip_blank = "yes"', "true or false"),
        ("weights = 3", "must be a text"),
        ('suffixes = ["mp4"]', "with their dot"),
        ("suffixes = []", "with their dot"),
    ],
)
def test_a_wrong_value_says_what_is_allowed(tmp_path, line, complaint):
    with pytest.raises(UsageError, match=complaint):
        load({}, {}, write(tmp_path, line))


def test_a_file_that_is_no_toml_is_named(tmp_path):
    file = write(tmp_path, "interval_s: 3\n")

    with pytest.raises(UsageError, match=f"{file} is not valid TOML"):
        load({}, {}, file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match="cannot read the configuration"):
        load({}, {}, tmp_path / "none.toml")


def test_a_value_that_cannot_be_parsed_names_its_variable():
    with pytest.raises(UsageError, match="VIDINDEX_SEED"):
        load({}, {"VIDINDEX_CONFIG": "/dev/null", "VIDINDEX_SEED": "four two"})
