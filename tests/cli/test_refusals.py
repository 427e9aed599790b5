"""What the commands refuse, and what they say then."""

import fcntl

import h5py
import pytest

from tests.cli.running import assert_explained
from tests.conftest import read_tree


@pytest.mark.parametrize(
    ("arguments", "says", "hint"),
    [
        (["frobnicate"], "No such command 'frobnicate'", "see: vidindex --help"),
        (["index"], "no path is given", "name files and folders, or add --stdin0"),
        (["index", "in", "--speed"], "No such option: --speed", "see: vidindex index --help"),
        (["db", "frobnicate"], "No such command", "see: vidindex db --help"),
        (["config", "show", "all"], "unexpected extra argument", "see: vidindex config show"),
        (["cluster"], "how many clusters", "vidindex cluster -k"),
        (["cluster", "-k", "many"], "neither a number nor a range: many", "-k 2..40"),
        (["cluster", "-k", "9..2"], "range 9..2 is the wrong way round", "write -k 2..9"),
        (["cluster", "-k", "2..900"], "899 values; 200 can be tried", "smaller range"),
        (["cluster", "-k", "2", "--algorithm", "hdbscan"], "finds the number", "leave -k out"),
        (["labels", "--run", "last"], "valid integer", "see: vidindex labels --help"),
        (["--db", "x.db", "labels"], "No such option: --db", "see: vidindex --help"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_misspelt_command_line_is_pointed_to_its_help(vidindex, home, arguments, says, hint):
    assert_explained(vidindex(*arguments), 2, says=says, hint=hint)
    assert read_tree(home) == {}


@pytest.mark.parametrize("group", [[], ["db"], ["config"]], ids=" ".join)
def test_without_a_command_the_help_is_shown(vidindex, group):
    outcome = vidindex(*group)

    assert outcome.code == 2
    assert "Usage: vidindex" in outcome.out + outcome.err
    assert "error" not in outcome.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["index", "in", "--interval-s", "0"], "interval_s of --interval-s must be .* > 0"),
        (["index", "in", "--min-frames", "0"], "min_frames of --min-frames must be .* >= 1"),
        (["index", "in", "--sampling", "fast"], "sampling .* exact, keyframe"),
        (["index", "in", "--precision", "fp8"], "precision .* fp32, bf16, auto"),
        (["index", "in", "--workers", "-1"], "workers .* >= 0"),
        (["index", "in", "--weights", "untrained:x"], "seed in 'untrained:x'"),
        (["cluster", "-k", "2", "--normalize", "l1"], "normalize .* l2, none"),
        (["cluster", "-k", "2", "--seed", "-1"], "seed of --seed must be"),
        (["cluster", "-k", "0"], "K must be at least 1, not 0"),
        (["cluster", "-k", "0..4"], "K must be at least 1, not 0"),
        (["cluster", "-k", "2", "--algorithm", "k-means"], "algorithm .* kmeans, bisecting"),
        (["cluster", "-k", "-3"], "K must be at least 1, not -3"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_value_out_of_its_range_is_a_misuse(vidindex, home, videos, arguments, says):
    outcome = vidindex(*arguments)

    assert outcome.code == 2
    assert outcome.stdout == b""
    assert len([line for line in outcome.err.splitlines() if line.startswith("error: ")]) == 1
    assert_explained(outcome, 2, says=says, hint=".")
    assert not (home / "library.db").exists()


@pytest.mark.parametrize(
    ("arguments", "says", "hint"),
    [
        (["cluster", "-k", "5"], "cannot make 5 clusters of 4 videos with 4", "at most 4"),
        (["cluster", "-k", "2", "--recipe", "9"], "there is no recipe 9", "vidindex status"),
        (["cluster", "-k", "1", "--within", "out"], "no vectors to cluster in .*/out", "index"),
        (["labels", "--run", "9"], "there is no run 9", "vidindex runs"),
        (["labels", "--label", "2"], "run 1 has no label 2", "its labels are 0, 1"),
        (["apply", "out", "--run", "9"], "there is no run 9", "vidindex runs"),
        (["apply", "in/a.mp4"], "in/a.mp4 is not a folder", "another destination"),
        (["apply", "in/a.mp4/deep"], "in/a.mp4 is not a folder", "another destination"),
        (["undo"], "there is nothing to undo", "only files that apply has moved"),
        (["apply", "out", "--within", "nowhere"], "run 1 has no file in .*nowhere", "--within"),
        (["undo", "9"], "there is no batch 9", "vidindex history"),
        (["undo", "--manifest", "none"], "none", "."),
        (["show", "nowhere.mp4"], "does not know nowhere.mp4", "path of an indexed file"),
        (["show", "ffffffffffff"], "does not know ffff", "digits of its hash"),
        (["db", "backup", "library.db"], "library.db exists already", "another name"),
        (["db", "backup", "nowhere/x.db"], "cannot write into .*nowhere", "folder exists"),
        (["demo", "--keep", "in"], "in is not empty", "empty folder"),
        (["demo", "--keep", "in/a.mp4"], "cannot use .*a.mp4", "."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_refused_and_nothing_is_changed(
    vidindex, home, clustered, arguments, says, hint
):
    before = {name: data for name, data in read_tree(home).items() if ".lock" not in name}

    outcome = vidindex(*arguments)

    assert_explained(outcome, 3, says=says, hint=hint)
    after = {name: data for name, data in read_tree(home).items() if ".lock" not in name}
    assert after == before


def test_vectors_of_two_recipes_are_not_mixed(vidindex, clustered):
    vidindex("index", "in", "--interval-s", "7")

    outcome = vidindex("cluster", "-k", "2")

    assert_explained(outcome, 3, says="vectors of 2 recipes", hint="--recipe")
    assert vidindex("cluster", "-k", "2", "--recipe", "2").code == 0


def test_labels_of_a_library_that_is_not_clustered_are_refused(vidindex, videos):
    vidindex("index", "in")

    for command in (["labels"], ["apply", "out"]):
        assert_explained(vidindex(*command), 3, says="nothing is clustered", hint="cluster -k")


def test_an_undo_is_not_done_twice(vidindex, clustered):
    vidindex("apply", "out")
    vidindex("undo")

    assert_explained(vidindex("undo"), 3, says="there is nothing to undo", hint="apply")
    assert_explained(vidindex("undo", "1"), 3, says="batch 1 is undone already", hint="apply")


@pytest.mark.parametrize("library_exists", [False, True])
@pytest.mark.parametrize(
    ("content", "name", "says", "hint"),
    [
        (None, "w.h5", r"there is no weights file w\.h5", "imagenet"),
        (b"", "w.h5", r"w\.h5 is not an HDF5", "imagenet"),
        (b"\x89HDF\r\n\x1a\n" + bytes(500), "w.h5", r"w\.h5 is cut short or damaged", "anew"),
        (b"PK\x03\x04" + bytes(500), "w.keras", r"w\.keras is an archive", "save_weights"),
    ],
    ids=["missing", "empty", "damaged", "keras"],
)
def test_unusable_weights_are_refused_before_anything_is_done(
    vidindex, home, videos, library_exists, content, name, says, hint
):
    if library_exists:
        vidindex("index", "in/a.mp4")
    if content is not None:
        (home / name).write_bytes(content)
    before = read_tree(home)

    outcome = vidindex("index", "in", "--weights", name)

    assert_explained(outcome, 3, says=says, hint=hint)
    assert read_tree(home) == before


def test_weights_of_another_network_are_refused_before_a_library_is_made(process, home, videos):
    with h5py.File(home / "other.h5", "w") as file:
        file.create_group("dense").create_dataset("kernel", data=[1.0, 2.0])

    outcome = process("index", "in", "--weights", "other.h5", "-q")

    assert_explained(outcome, 3, says=r"other\.h5", hint=".")
    assert not (home / "library.db").exists()


def test_without_a_network_imagenet_tells_what_to_fetch(process, home, videos):
    no_way = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")

    outcome = process("index", "in", "--weights", "imagenet", variables=no_way)

    assert_explained(
        outcome,
        3,
        says="cannot fetch the ImageNet weights .*Connection refused",
        hint=rf"fetch https://\S+tf_kernels\.h5 \(MD5 [0-9a-f]{{32}}\).*{home}/keras/models",
    )
    assert not (home / "library.db").exists()


def test_a_second_writer_is_told_who_is_at_work_and_queries_go_on(vidindex, home, clustered):
    before = read_tree(clustered)
    with (home / "library.db.lock").open("r+") as lock:
        lock.truncate(0)
        lock.write("4711\n")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)

        for command in (["index", "in"], ["cluster", "-k", "2"], ["apply", "out"], ["undo"]):
            outcome = vidindex(*command)
            assert_explained(outcome, 7, says=r"process 4711\) is changing", hint="wait")
        for query in (["labels"], ["runs"], ["status"], ["show", "in/a.mp4"]):
            assert vidindex(*query).code == 0
        assert vidindex("apply", "out", "--dry-run").code == 0

    assert read_tree(clustered) == before
    assert vidindex("apply", "out").code == 0
