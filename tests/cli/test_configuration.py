"""The settings as a user gives and sees them."""

from dataclasses import fields

import pytest

from tests.cli.running import assert_explained
from vidindex import Settings


@pytest.fixture
def config(home):
    (home / "config/vidindex").mkdir(parents=True)
    return home / "config/vidindex/config.toml"


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("intervall_s = 10\n", "the key intervall_s in .*config.toml", "did you mean interval_s"),
        ("colour = 'red'\n", "the key colour in .*config.toml", "the settings are: db, suffixes"),
        ("seed = 'x'\n", "seed in .*config.toml must be a whole number", "."),
        ("seed = \n", "config.toml is not valid TOML", "config.example.toml"),
    ],
    ids=["misspelt", "unknown", "kind", "syntax"],
)
def test_a_mistake_in_the_configuration_is_named(vidindex, home, config, text, says, hint):
    config.write_text(text)

    for command in (["labels"], ["index", "in"], ["config", "show"]):
        assert_explained(vidindex(*command), 2, says=says, hint=hint)
    assert not (home / "library.db").exists()


@pytest.mark.parametrize("name", ["nowhere.toml", "folder"])
def test_a_configuration_that_cannot_be_read_is_named(vidindex, home, name):
    (home / "folder").mkdir()

    outcome = vidindex("labels", "--config", name)

    assert_explained(outcome, 2, says=f"cannot read the configuration {name}", hint="--config")


def test_an_unknown_variable_is_named(vidindex, monkeypatch):
    monkeypatch.setenv("VIDINDEX_INTERVAL", "10")

    outcome = vidindex("labels")

    assert_explained(outcome, 2, says="VIDINDEX_INTERVAL ", hint="VIDINDEX_INTERVAL_S")


def test_config_show_tells_each_value_and_its_origin(vidindex, config, monkeypatch):
    config.write_text("seed = 1\nn_init = 2\nnormalize = 'none'\n")
    monkeypatch.setenv("VIDINDEX_N_INIT", "3")
    monkeypatch.setenv("VIDINDEX_NORMALIZE", "none")

    outcome = vidindex("config", "show", "--db", "x.db")

    shown = {line.split()[0]: line.split()[1:] for line in outcome.out.splitlines()[1:]}
    assert outcome.code == 0
    assert shown["seed"] == [str(config), "1"]
    assert shown["n_init"] == ["VIDINDEX_N_INIT", "3"]
    assert shown["normalize"] == ["VIDINDEX_NORMALIZE", "none"]
    assert shown["db"] == ["--db", "x.db"]
    assert shown["workers"] == ["default", "0"]


def test_config_show_names_every_setting_in_json(vidindex, config):
    settings = vidindex("config", "show", "--json").data["settings"]

    assert settings["interval_s"] == {"value": 30.0, "from": "default"}
    assert settings["weights"] == {"value": "untrained", "from": "VIDINDEX_WEIGHTS"}
    assert ".mp4" in settings["suffixes"]["value"]
    assert set(settings) == {field.name for field in fields(Settings)}


def test_a_flag_wins_over_variable_and_file(vidindex, config, clustered, monkeypatch):
    config.write_text("seed = 1\n")
    monkeypatch.setenv("VIDINDEX_SEED", "2")

    vidindex("cluster", "-k", "2", "--seed", "3")
    vidindex("cluster", "-k", "2")
    monkeypatch.delenv("VIDINDEX_SEED")
    vidindex("cluster", "-k", "2")

    runs = vidindex("runs", "--json").data["runs"]
    assert [run["seed"] for run in runs] == [42, 3, 2, 1]
