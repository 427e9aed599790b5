"""`vidindex merge`: what another library knows is taken, and what is here stays."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.databases.make import (
    BROKEN,
    BROKEN_HASH,
    CITY,
    FOLDER,
    HASHES,
    NOON,
    PICTURES,
    RECIPE,
    VECTORS,
)
from tests.exchange.conftest import change, make
from tests.exchange.dumping import dump
from tests.generated import add_videos, centers
from vidindex import Library
from vidindex.db.engine import Database
from vidindex.embedding import Recipe, Sampling
from vidindex.scanning import FileStat
from vidindex.store import embeddings, files, recipes, thumbnails, videos, wishes
from vidindex.store.embeddings import NewEmbedding
from vidindex.store.thumbnails import NewThumbnail


def test_into_an_empty_library_it_brings_all_rows(vidindex, home, other):
    outcome = vidindex("merge", "other.db")

    assert outcome.code == 0
    assert outcome.out == (
        "4 videos, 3 vectors, 4 files, 1 failure, 2 pictures, 1 run, 1 classifier, "
        "1 pair kept apart, 1 pair of no duplicates, 1 pin taken from "
        f"{home}/other.db\nrun 1 there is run 1 here\n"
    )
    assert dump(home / "library.db") == dump(other)
    vidindex("export", "x.npz")
    vidindex("export", "y.npz", "--db", "other.db")
    assert (home / "x.npz").read_bytes() == (home / "y.npz").read_bytes()


def test_merging_again_does_nothing(vidindex, home, full, other):
    vidindex("merge", "other.db")
    before = (home / "library.db").read_bytes()

    outcome = vidindex("merge", "other.db")

    assert (outcome.code, outcome.out) == (0, f"all that {home}/other.db knows is here already\n")
    assert dump(home / "library.db") == dump(other)
    assert vidindex("merge", "other.db", "--json").data["vectors"] == 0
    assert len(before) == (home / "library.db").stat().st_size


def test_the_other_library_is_not_changed_and_need_not_be_writable(process, home, other):
    before = other.read_bytes()
    readonly = home / "readonly"
    readonly.mkdir()
    shutil.move(other, readonly / "other.db")
    (readonly / "other.db").chmod(0o444)
    readonly.chmod(0o555)

    outcome = process("merge", "readonly/other.db", obeys_rights=True)

    readonly.chmod(0o755)
    assert outcome.code == 0, outcome.err
    assert (readonly / "other.db").read_bytes() == before
    assert [path.name for path in readonly.iterdir()] == ["other.db"]


def test_the_other_library_may_have_any_name(vidindex, home, other):
    odd = other.rename(home / "a?mode=rwc&b%41#c d\udce9.db")

    assert vidindex("merge", odd).code == 0

    assert dump(home / "library.db") == dump(odd)
    assert {path.name for path in home.iterdir()} == {"library.db", "library.db.lock", odd.name}


@pytest.mark.parametrize("is_new", [True, False])
def test_a_dry_run_says_just_what_a_run_takes_and_changes_nothing(vidindex, home, other, is_new):
    library = home / "library.db"
    if not is_new:
        add_videos(library, {"a.mp4": centers(1)[0]})
    before = {path.name: path.read_bytes() for path in home.iterdir()}

    foretold = vidindex("merge", "other.db", "--dry-run", "--json").data
    text = vidindex("merge", "other.db", "--dry-run").out

    assert {path.name: path.read_bytes() for path in home.iterdir()} == before
    assert "would be taken from" in text
    assert text.endswith("nothing was changed\n")
    done = vidindex("merge", "other.db", "--json").data
    assert (foretold.pop("done"), done.pop("done")) == (False, True)
    assert [run["there"] for run in foretold.pop("runs")] == [
        run["there"] for run in done.pop("runs")
    ]
    assert foretold == done


def test_what_both_have_stays_as_it_is_here(vidindex, home, full, other):
    vidindex("name", "0", "Ours")
    vidindex("name", "0", "Theirs", "--db", "other.db")
    with Database(other) as database, database.writing() as session:
        thumbnails.put_thumbnails(session, 1, [NewThumbnail(9.0, 1, 1, b"other")])
        files.put_file(session, FileStat(CITY, 1, 1, 1, 1), video_id=1, checked_at_ns=1)
    before = dump(full)

    assert vidindex("merge", "other.db").code == 0

    assert dump(full) == before
    with Database(full) as database, database.reading() as session:
        assert thumbnails.find_jpeg(session, 1, 0) == PICTURES[0].jpeg


def test_contents_are_joined_and_what_is_lacking_comes(vidindex, home):
    """Of two libraries each knows one video alone, one both, which has pictures there only."""
    one, two, three = centers(3)
    add_videos(home / "library.db", {"a.mp4": one, "b.mp4": two})
    add_videos(home / "other.db", {"b.mp4": two, "c.mp4": three})
    with Database(home / "other.db") as database, database.writing() as session:
        thumbnails.put_thumbnails(session, 1, PICTURES)

    outcome = vidindex("merge", "other.db")

    assert outcome.out == f"1 video, 1 vector, 1 file, 2 pictures taken from {home}/other.db\n"
    vectors = Library("library.db").vectors()
    by_name = dict(zip([path.name for path in vectors.paths], vectors.vectors, strict=True))
    assert sorted(by_name) == ["a.mp4", "b.mp4", "c.mp4"]
    for name, vector in {"a.mp4": one, "b.mp4": two, "c.mp4": three}.items():
        assert by_name[name].tobytes() == vector.tobytes()
    assert vidindex("cluster", "-k", "3").code == 0


def test_vectors_of_every_recipe_come(vidindex, home):
    coarse = Recipe(RECIPE.weights_digest, Sampling(interval_s=5.0))
    add_videos(home / "library.db", {"a.mp4": centers(3)[0]}, recipe=coarse)
    add_videos(home / "other.db", {"a.mp4": centers(3)[1]})
    add_videos(home / "other.db", {"a.mp4": centers(3)[2]}, recipe=coarse)

    outcome = vidindex("merge", "other.db")

    assert outcome.code == 4  # that of the coarse recipe is another one here
    by_recipe = [Library("library.db").vectors(number).vectors[0] for number in (1, 2)]
    assert np.array_equal(by_recipe, centers(3)[:2])


def test_a_vector_that_is_another_one_there_is_told_and_not_taken(vidindex, full, other, home):
    change(other, "UPDATE embeddings SET vector = ? WHERE video_id = 2", centers(1)[0].tobytes())
    before = dump(full)

    outcome = vidindex("merge", "other.db")

    assert outcome.code == 4
    assert "1 vector different here, and left as it is" in outcome.out
    assert HASHES[1].hex() in outcome.err
    assert dump(full) == before
    answer = vidindex("merge", "other.db", "--json").answer
    assert (answer["data"]["different"], answer["data"]["known"]) == (1, 2)
    assert answer["errors"][0]["path_b64"]


def test_a_vector_settles_a_failure_here_and_a_failure_there_settles_no_vector(vidindex, home):
    make(home / "library.db")
    make(home / "other.db")
    vector = NewEmbedding(centers(1)[0], 1, "bf16", "later")
    with Database(home / "other.db") as database, database.writing() as session:
        embeddings.put_embedding(session, 1, 4, vector, now=NOON)
        session.connection().exec_driver_sql("DELETE FROM embeddings WHERE video_id = 3")
        embeddings.put_failure(session, 1, 3, "cannot be decoded there", now=NOON)

    assert vidindex("merge", "other.db").code == 0

    assert vidindex("failures", "--json").data["rows"] == []
    with np.load(exported(vidindex, home)) as arrays:
        assert arrays["hashes"].tolist() == [
            *(blake3.hex() for blake3 in HASHES),
            BROKEN_HASH.hex(),
        ]
        assert arrays["vectors"].tobytes() == np.stack([*VECTORS, centers(1)[0]]).tobytes()


def exported(vidindex, home):
    assert vidindex("export", "x.npz").code == 0
    return home / "x.npz"


def test_what_a_header_and_a_classifier_say_fills_what_is_unknown_here(vidindex, home):
    make(home / "library.db")
    make(home / "other.db")
    change(home / "library.db", "UPDATE videos SET codec = NULL, width_px = NULL, height_px = NULL")
    change(home / "library.db", "UPDATE heads SET class_names = NULL")

    vidindex("merge", "other.db")

    assert dump(home / "library.db") == dump(home / "other.db")


@pytest.mark.parametrize("is_later_there", [True, False])
def test_of_a_file_that_both_know_what_was_seen_later_counts(vidindex, home, is_later_there):
    """The contents of both stay."""
    for name, number, checked in (("library", 1, 5), ("other", 2, 6 if is_later_there else 5)):
        add_videos(home / f"{name}.db", {f"{name}.mp4": centers(2)[number - 1]})
        with Database(home / f"{name}.db") as database, database.writing() as session:
            stat = FileStat(CITY, number, 7, 8, 9)
            files.put_file(session, stat, video_id=1, checked_at_ns=checked)

    outcome = vidindex("merge", "other.db")

    assert ("1 file is as seen later there" in outcome.out) is is_later_there
    with Database(home / "library.db") as database, database.reading() as session:
        found = files.find_file(session, CITY)
    assert found.stat == FileStat(CITY, 2 if is_later_there else 1, 7, 8, 9)
    assert found.video_id == (2 if is_later_there else 1)
    with np.load(exported(vidindex, home)) as arrays:
        assert len(arrays["vectors"]) == 2


def test_a_file_that_could_never_be_read_comes_with_its_reason(vidindex, home, other):
    with Database(other) as database, database.writing() as session:
        stat = FileStat(Path("/videos/barred.mp4"), 1, 2, 3, 4)
        files.put_unreadable(session, stat, "permission denied", checked_at_ns=1)
        files.mark_missing(session, [1], since=NOON)

    vidindex("merge", "other.db")

    assert dump(home / "library.db") == dump(other)


def test_files_and_runs_are_mapped_to_where_they_are_here(vidindex, home, other):
    outcome = vidindex("merge", "other.db", "--map", f"/videos={home}/in", "--map", "/sorted=~/s")

    assert outcome.code == 0
    with Database(home / "library.db") as database, database.reading() as session:
        known = [os.fsencode(file.stat.path) for file in files.list_files(session)]
    inside = os.fsencode(home / "in")
    assert known == sorted(
        [
            inside + b"/broken.mp4",
            inside + b"/caf\xe9.mkv",
            inside + b"/city.mp4",
            os.fsencode(home / "s/cluster_0/beach.mp4"),
        ]
    )
    assert vidindex("runs", "--json").data["runs"][0]["scope"] == str(home / "in")
    again = vidindex("merge", "other.db", "--map", f"/videos={home}/in", "--map", "/sorted=~/s")
    assert "is here already" in again.out


def test_runs_get_new_numbers_and_the_one_in_use_stays_so(vidindex, home, other):
    vidindex("cluster", "-k", "2", "--db", "other.db", "-q")
    add_videos(home / "library.db", {"a.mp4": centers(2)[0], "b.mp4": centers(2)[1]})
    for k in ("1", "2"):
        vidindex("cluster", "-k", k)

    outcome = vidindex("merge", "other.db")

    assert "run 1 there is run 3 here\nrun 2 there is run 4 here" in outcome.out
    runs = vidindex("runs", "--json").data["runs"]
    assert [(run["id"], run["in_use"], run["previous_id"]) for run in runs] == [
        (1, False, None),
        (2, True, 1),
        (3, False, None),
        (4, False, 3),
    ]
    for there, here in (("1", "3"), ("2", "4")):
        ours = vidindex("labels", "--run", here, "--json").data["rows"]
        assert ours == vidindex("labels", "--run", there, "--db", "other.db", "--json").data["rows"]
    assert vidindex("use", "3").code == 0


def test_pins_stay_behind_where_another_run_is_in_use(vidindex, home, other):
    add_videos(home / "library.db", {"a.mp4": centers(2)[0], "b.mp4": centers(2)[1]})
    vidindex("cluster", "-k", "2")

    outcome = vidindex("merge", "other.db")

    assert "1 pin left out, of clusters that are not in use here" in outcome.out
    with Database(home / "library.db") as database, database.reading() as session:
        assert wishes.list_pins(session) == {}
        assert len(wishes.list_separations(session)) == 1


def test_a_space_of_all_vectors_is_taken_only_where_no_others_are(vidindex, home, other):
    add_videos(home / "library.db", {"a.mp4": centers(1)[0]})

    vidindex("merge", "other.db")

    taken = dump(home / "library.db")
    assert (taken["projections"], taken["library_maps"], taken["map_points"]) == ([], [], [])


def test_a_merge_comes_with_moves_that_are_settled_first(vidindex, home, full, other):
    """An apply that was cut off here: where its file is decides which path is known."""
    source, target = home / "in/x.mp4", home / "out/x.mp4"
    change(full, "UPDATE move_batches SET state = 'running' WHERE id = 1")
    change(full, "UPDATE moves SET state = 'started', source = ?, target = ? WHERE id = 1",
           os.fsencode(source), os.fsencode(target))  # fmt: skip

    outcome = vidindex("merge", "other.db")

    assert outcome.code == 4  # it is at neither place
    assert "neither" in outcome.err


def test_an_old_library_of_ours_is_upgraded_as_by_any_writer(vidindex, home, other):
    shutil.copyfile(FOLDER / "0004.db", home / "library.db")

    outcome = vidindex("merge", "other.db")

    assert outcome.code == 0
    assert "was upgraded" in outcome.err
    with Database(home / "library.db") as database, database.reading() as session:
        assert len(recipes.list_recipes(session)) == 1
        assert videos.find_videos(session, "01")[0].blake3 == HASHES[0]


def test_a_failure_that_is_known_comes_once(vidindex, home, full, other):
    change(full, "DELETE FROM embedding_failures")

    assert vidindex("merge", "other.db").out == f"1 failure taken from {home}/other.db\n"
    assert vidindex("failures", "--json").data["rows"][0]["path"] == str(BROKEN)
