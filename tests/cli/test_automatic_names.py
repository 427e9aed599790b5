"""`vidindex name --auto`: names by what clusters show, and never in place of the user's."""

import json
import sqlite3

import pytest

from tests import shown
from tests.cli.running import assert_explained, run_here
from vidindex.store.clusterings import Name


@pytest.fixture
def library(home):
    """A library of four scenes with a head, at home/library.db."""
    shown.make(home / "library.db", stored=shown.head())
    return home / "library.db"


def names_in(library):
    with sqlite3.connect(library) as database:
        rows = database.execute("SELECT label, name, name_source FROM clusters ORDER BY label")
        names = rows.fetchall()
    database.close()
    return names


def test_clusters_are_named_by_what_they_show(library):
    shown.cluster_by_scene(library)

    outcome = run_here("name", "--auto", "--json")

    assert outcome.code == 0
    data = outcome.data
    assert (data["run"], data["changed"]) == (1, 4)
    assert set(data["clusters"][0]) == {"label", "name", "source", "score", "size"}
    assert {cluster["source"] for cluster in data["clusters"]} == {"auto"}
    assert all(cluster["score"] > 0.5 for cluster in data["clusters"])
    names = {cluster["label"]: cluster["name"] for cluster in data["clusters"]}
    assert (names[1], names[3]) == ("sports_car", "crane")
    assert [name for _, name, _ in names_in(library)] == [names[label] for label in range(4)]


def test_a_users_name_is_never_replaced(library):
    shown.cluster_by_scene(library, names={1: Name("My street", "user")})

    run_here("name", "--auto")

    assert names_in(library)[1] == (1, "My street", "user")
    assert names_in(library)[3] == (3, "crane", "auto")


def test_an_automatic_name_differs_from_what_the_user_calls_another(library):
    shown.cluster_by_scene(library, names={0: Name("sports_car", "user")})

    run_here("name", "--auto")

    assert names_in(library)[0] == (0, "sports_car", "user")
    assert names_in(library)[1][1] != "sports_car"


def test_again_it_names_what_it_named_before_and_takes_back_what_fits_no_more(library):
    shown.cluster_by_scene(library, names={1: Name("old", "auto", 0.9)})

    run_here("name", "--auto")
    assert names_in(library)[1] == (1, "sports_car", "auto")
    with sqlite3.connect(library) as database:
        database.execute("UPDATE heads SET kernel = zeroblob(length(kernel))")
    database.close()
    outcome = run_here("name", "--auto")

    assert outcome.code == 0
    assert names_in(library) == [(label, None, None) for label in range(4)]


def test_people_see_names_and_scores(library):
    shown.cluster_by_scene(library)

    first, header, *rows = run_here("name", "--auto").out.splitlines()

    assert first == "run 1: 4 names changed"
    assert header.split() == ["label", "name", "by", "score", "videos"]
    assert len(rows) == 4


def test_a_file_of_class_names_is_stored_and_used(home):
    shown.make(home / "library.db", stored=shown.head(class_names=None))
    shown.cluster_by_scene(home / "library.db")
    index = {str(number): [f"n{number}", f"Klasse {number}"] for number in range(8)}
    (home / "klassen.json").write_text(json.dumps(index))

    outcome = run_here("name", "--auto", "--class-index", "klassen.json", "--json")

    assert outcome.code == 0, outcome.err
    assert outcome.data["clusters"][1]["name"] == "klasse_2"
    assert run_here("search", "klasse", "2", "--json").data["classes"] == ["Klasse 2"]


def test_another_file_of_class_names_replaces_the_known_ones(library, home):
    shown.cluster_by_scene(library)
    (home / "klassen.txt").write_text("\n".join(f"Klasse {number}" for number in range(8)))

    run_here("name", "--auto", "--class-index", "klassen.txt")

    assert names_in(library)[1][1] == "klasse_2"


def test_a_file_of_other_classes_is_refused(library, home):
    shown.cluster_by_scene(library)
    (home / "few.txt").write_text("tench\ngoldfish\n")

    outcome = run_here("name", "--auto", "--class-index", "few.txt")

    assert_explained(outcome, 3, says="names 2 classes, but the weights have 8", hint="belongs")
    assert [name for _, name, _ in names_in(library)] == [None] * 4


def test_the_class_names_in_kerass_folder_are_found(home):
    shown.make(home / "library.db", stored=shown.head(class_names=None))
    shown.cluster_by_scene(home / "library.db")
    index = home / "keras/models/imagenet_class_index.json"
    index.parent.mkdir(parents=True)
    index.write_text(json.dumps({str(n): ["n", name] for n, name in enumerate(shown.CLASS_NAMES)}))

    run_here("name", "--auto")

    assert names_in(home / "library.db")[1][1] == "sports_car"


def test_without_a_head_clusters_stay_numbers_and_it_says_why(home):
    shown.make(home / "library.db", stored=None, weights_name="untrained:0")
    shown.cluster_by_scene(home / "library.db")

    outcome = run_here("name", "--auto")

    assert_explained(outcome, 3, says="untrained weights", hint="--weights imagenet")
    assert [name for _, name, _ in names_in(home / "library.db")] == [None] * 4


def test_what_makes_no_sense_is_refused(library):
    shown.cluster_by_scene(library)

    for words in (["3", "Holidays"], ["3", "--clear"]):
        assert_explained(run_here("name", *words, "--auto"), 2, says="--auto", hint="name --auto")
    assert_explained(run_here("name", "--auto", "--run", "9"), 3, says="no run 9", hint="runs")


def test_a_clustering_names_its_clusters_at_once(library):
    outcome = run_here("cluster", "-k", "4", "--json")

    assert outcome.code == 0, outcome.err
    assert {cluster["name"] for cluster in outcome.data["clusters"]} >= {"sports_car", "crane"}
    assert {source for _, _, source in names_in(library)} == {"auto"}


def test_a_clustering_names_only_what_has_no_name_from_before(library):
    shown.cluster_by_scene(library, names={1: Name("Mine", "user"), 3: Name("old", "auto", 0.9)})

    clusters = run_here("cluster", "-k", "4", "--json").data["clusters"]

    names = {cluster["label"]: cluster["name"] for cluster in clusters}
    assert (names[1], names[3]) == ("Mine", "old")
    assert all(names.values())


def test_without_a_head_a_clustering_has_numbers(home):
    shown.make(home / "library.db", stored=None, weights_name="untrained:0")

    clusters = run_here("cluster", "-k", "4", "--json").data["clusters"]

    assert [cluster["name"] for cluster in clusters] == [None] * 4
