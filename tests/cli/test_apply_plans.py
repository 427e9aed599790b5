"""Plans that are written, looked at, and carried out later, or refused for what has changed."""

import base64
import json
import os

import pytest

from tests.cli.running import assert_explained, run_here
from tests.cli.small_library import ODD, contents, label_of, make_library, names_in
from tests.conftest import read_tree


@pytest.fixture
def vidindex(home):
    """Run a command in a home with a small library."""
    make_library(home)
    return run_here


@pytest.fixture
def sources(vidindex, home):
    return home / "in"


@pytest.fixture
def plan(vidindex, home):
    """A stored plan of moving all five files and the subtitles to out/."""
    assert vidindex("apply", "out", "--plan", "plan.json").code == 0
    return home / "plan.json"


def errors_by_name(outcome):
    return {
        os.path.basename(error["path"]): error["message"]  # noqa: PTH119
        for error in outcome.answer["errors"]
    }


def test_a_plan_is_written_and_shown_and_nothing_is_moved(vidindex, home, sources):
    before = read_tree(home)

    outcome = vidindex("apply", "out", "--plan", "plan.json")

    assert outcome.code == 0
    *tree, last = outcome.out.splitlines()
    assert tree == vidindex("apply", "out", "--dry-run").out.splitlines()
    assert last == "the plan is in plan.json; vidindex apply --from does what it says"
    after = read_tree(home)
    written = json.loads(after.pop("plan.json"))
    assert after == before
    assert len(written["plan"]["moves"]) == 6


def test_the_json_of_a_plan(vidindex, home):
    name = os.fsdecode(b"plan\xff.json")

    data = vidindex("apply", "out", "--plan", name, "--json").data

    assert (data["batch"], data["planned"], data["plan"]) == (None, 6, "plan\\xff.json")
    assert base64.b64decode(data["plan_b64"]) == b"plan\xff.json"
    assert (home / name).exists()


def test_it_is_carried_out_exactly_whatever_the_clustering_is_by_then(
    vidindex, home, sources, plan
):
    before = read_tree(sources)
    beach, city = label_of("beach"), label_of("city")
    vidindex("cluster", "-k", "1")

    outcome = vidindex("apply", "--from", "plan.json")

    assert outcome.code == 0
    assert outcome.out.startswith("batch 1: 5 files moved, 1 sidecar went along")
    assert sorted(contents(home / "out")) == sorted(
        [
            *(f"cluster_{beach}/beach00{number}.mp4" for number in range(2)),
            *(f"cluster_{city}/city00{number}.mp4" for number in range(2)),
            f"cluster_{beach}/{ODD}",
            f"cluster_{beach}/beach000.en.srt",
        ]
    )
    (past,) = vidindex("history", "--json").data["batches"]
    assert (past["run"], past["done"]) == (1, 6)
    vidindex("undo")
    assert read_tree(sources) == before


@pytest.mark.parametrize("mode", ["copy", "hardlink", "symlink"])
def test_the_mode_is_in_the_plan(vidindex, home, sources, mode):
    before = read_tree(sources)
    vidindex("apply", "out", "--mode", mode, "--plan", "plan.json")

    assert vidindex("apply", "--from", "plan.json").code == 0

    assert read_tree(sources) == before
    assert len(contents(home / "out")) == 6
    assert vidindex("history", "--json").data["batches"][0]["mode"] == mode


def test_so_is_what_becomes_of_emptied_folders(vidindex, sources):
    vidindex("apply", "out", "--prune-empty", "--plan", "plan.json")

    vidindex("apply", "--from", "plan.json")

    assert not (sources / "beach").exists()


def test_a_dry_run_of_a_plan_shows_it_and_changes_nothing(vidindex, home, plan):
    before = read_tree(home)

    outcome = vidindex("apply", "--from", "plan.json", "--dry-run")

    assert outcome.code == 0
    assert outcome.out == vidindex("apply", "out", "--dry-run").out
    assert read_tree(home) == before


def test_what_has_changed_since_is_refused_by_name_and_the_rest_is_done(
    vidindex, home, sources, plan
):
    (sources / "beach/beach000.mp4").write_text("edited")
    (sources / "beach/beach001.mp4").unlink()
    taken = home / "out" / f"cluster_{label_of('city')}" / "city000.mp4"
    taken.parent.mkdir(parents=True)
    taken.write_text("mine")

    outcome = vidindex("apply", "--from", "plan.json", "--json")

    assert outcome.code == 4
    problems = errors_by_name(outcome)
    assert sorted(problems) == ["beach000.en.srt", "beach000.mp4", "beach001.mp4", "city000.mp4"]
    assert "changed since it was indexed" in problems["beach000.mp4"]
    assert "vanished" in problems["beach001.mp4"]
    assert "is taken" in problems["city000.mp4"]
    assert "its video is not moved" in problems["beach000.en.srt"]
    data = outcome.data
    assert (data["moved"], data["skipped"], data["failed"]) == (2, 4, 0)
    assert taken.read_text() == "mine"
    assert (sources / "beach/beach000.mp4").read_text() == "edited"
    assert names_in(sources / "beach") == ["beach000.en.srt", "beach000.mp4"]
    assert names_in(sources / "city") == ["city000.mp4"]


def test_a_file_that_was_only_touched_is_moved(vidindex, sources, plan):
    os.utime(sources / "city/city000.mp4", (1_700_000_000, 1_700_000_000))

    assert vidindex("apply", "--from", "plan.json").code == 0


def test_a_plan_that_was_carried_out_has_nothing_left_to_do(vidindex, home, plan):
    vidindex("apply", "--from", "plan.json")
    done = contents(home / "out")

    again = vidindex("apply", "--from", "plan.json")

    assert again.code in (0, 4)
    assert again.out in (
        "nothing of the plan is left to do: its files were moved or changed since then\n",
        "nothing to move\n6 files in place already\n",
    )
    assert contents(home / "out") == done
    assert len(vidindex("history", "--json").data["batches"]) == 1


@pytest.mark.parametrize("mode", ["move", "symlink"])
def test_a_plan_of_another_library_is_refused(vidindex, home, plan, mode):
    if mode == "symlink":  # a plan that removes a link, too
        vidindex("apply", "out", "--mode", "symlink")
        vidindex("cluster", "-k", "1")
        plan.unlink()
        vidindex("apply", "out", "--mode", "symlink", "--plan", "plan.json")
    make_library(home, "elsewhere", "other.db")
    before = read_tree(home / "in"), read_tree(home / "out") if mode == "symlink" else None

    outcome = vidindex("apply", "--from", "plan.json", "--db", "other.db")

    assert_explained(outcome, 3, says="this library does not know", hint="write it again")
    assert read_tree(home / "in") == before[0]
    assert (home / "out").exists() == (mode == "symlink")
    assert before[1] is None or read_tree(home / "out") == before[1]


def test_a_plan_that_removes_the_links_of_another_library_is_refused(vidindex, home, plan):
    vidindex("apply", "view", "--mode", "symlink", "--db", "library.db")
    vidindex("cluster", "-k", "1")
    plan.unlink()
    vidindex("apply", "view", "--mode", "symlink", "--plan", "plan.json")
    make_library(home, "in", "other.db")  # of the same contents
    before = read_tree(home / "view")

    outcome = vidindex("apply", "--from", "plan.json", "--db", "other.db")

    assert_explained(outcome, 3, says="no link of this library's", hint="write it again")
    assert read_tree(home / "view") == before


@pytest.mark.parametrize(
    "options",
    [
        ["--mode", "move"],
        ["--run", "1"],
        ["--within", "in"],
        ["--tree"],
        ["--tree-depth", "0"],
        ["--template", "{stem}"],
        ["--on-conflict", "skip"],
        ["--no-sidecars"],
        ["--prune-empty"],
        ["--plan", "other.json"],
    ],
    ids=lambda options: options[0],
)
def test_what_the_plan_says_cannot_be_said_otherwise(vidindex, home, plan, options):
    outcome = vidindex("apply", "--from", "plan.json", *options)

    assert_explained(
        outcome, 2, says=f"{options[0]} cannot change it", hint="leave one or the other"
    )
    assert not (home / "out").exists()


def test_a_destination_may_be_named_if_it_is_that_of_the_plan(vidindex, home, plan):
    wrong = vidindex("apply", "elsewhere", "--from", "plan.json")

    assert_explained(wrong, 2, says=f"is for {home}/out, not for elsewhere", hint="leave DEST out")
    assert not (home / "out").exists()
    assert vidindex("apply", "./in/../out", "--from", "plan.json").code == 0


def test_a_plan_never_replaces_a_file(vidindex, home, plan):
    before = plan.read_bytes()

    outcome = vidindex("apply", "out", "--plan", "plan.json")

    assert_explained(outcome, 3, says="plan.json is there already", hint="another name")
    assert plan.read_bytes() == before


@pytest.mark.parametrize("how", ["edited", "cut", "missing", "another file"])
def test_what_is_no_plan_any_more_is_refused_and_nothing_is_moved(vidindex, home, plan, how):
    text = plan.read_text()
    if how == "edited":
        plan.write_text(text.replace("city001.mp4", "city002.mp4"))
    elif how == "cut":
        plan.write_text(text[:-10])
    elif how == "missing":
        plan.unlink()
    else:
        plan.write_bytes((home / "library.db").read_bytes())

    outcome = vidindex("apply", "--from", "plan.json")

    says = {"edited": "was changed", "missing": "cannot read"}.get(how, "is no plan of moves")
    assert_explained(outcome, 3, says=says, hint=".")
    assert not (home / "out").exists()
    assert vidindex("history", "--json").data["batches"] == []
