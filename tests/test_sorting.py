"""New videos sorted into the folders that they are like, where that is sure enough."""

import os

import numpy as np
import pytest

from tests.conftest import Recorder
from tests.generated import add_videos, around, centers, named, put_copy
from vidindex import Library, Settings
from vidindex.errors import Refused, UsageError
from vidindex.moving import Control
from vidindex.proposals import propose

KINDS = ("beach", "city", "forest")
POINTS = centers(4)


@pytest.fixture
def home(tmp_path):
    """arranged/ with a folder of four videos for each kind, and inbox/ with two more of each.

    Also in inbox: one that is of no kind, and one between two.
    """
    library = tmp_path / "library.db"
    for row, kind in enumerate(KINDS):
        vectors = around(POINTS[row], 6, seed=row)
        old, new = named({f"old_{kind}": vectors[:4]}), named({kind: vectors[4:]})
        add_videos(library, old, tmp_path / "arranged" / kind, writes=True)
        add_videos(library, new, tmp_path / "inbox", writes=True)
    others = {
        "strange.mp4": around(POINTS[3], 1, seed=9)[0],
        "between.mp4": (POINTS[0] + POINTS[1]) / 2,
    }
    add_videos(library, others, tmp_path / "inbox", writes=True)
    return tmp_path


@pytest.fixture
def library(home):
    return Library(home / "library.db", Settings())


def tree(home):
    return sorted(
        str(path.relative_to(home))
        for folder in ("arranged", "inbox")
        for path in (home / folder).rglob("*")
        if path.is_file()
    )


def sort(library, home, **options):
    return library.sort(home / "inbox", home / "arranged", **options)


SORTED = sorted(
    [
        *(f"arranged/{kind}/old_{kind}00{row}.mp4" for kind in KINDS for row in range(4)),
        *(f"arranged/{kind}/{kind}00{row}.mp4" for kind in KINDS for row in range(2)),
        "inbox/strange.mp4",
        "inbox/between.mp4",
    ]
)


def test_videos_go_to_the_folders_that_they_are_like_and_unsure_ones_stay(library, home):
    result = sort(library, home)

    assert tree(home) == SORTED
    assert result.moves.count("done") == 6
    assert {each.path.stem for each in result.unsure} == {"strange", "between"}
    assert all(each.confidence < 0.3 for each in result.unsure)
    assert all(each.confidence >= 0.3 for each in result.proposals)


def test_undo_puts_everything_back(library, home):
    before = tree(home)
    sort(library, home)

    library.undo()

    assert tree(home) == before


def test_a_dry_run_tells_the_same_and_moves_nothing(library, home):
    before = tree(home)

    foretold = sort(library, home, dry_run=True)

    assert tree(home) == before
    told = {(each.source, each.target) for each in foretold.moves.outcomes}
    done = sort(library, home)
    assert {(each.source, each.target) for each in done.moves.outcomes} == told
    assert foretold.proposals == done.proposals


def test_sorting_again_finds_nothing_to_do(library, home):
    sort(library, home)

    again = sort(library, home)

    assert again.moves.batch is None
    assert {each.path.stem for each in again.unsure} == {"strange", "between"}
    assert tree(home) == SORTED


def test_with_a_least_confidence_of_0_everything_goes_and_of_1_little(library, home):
    strict = sort(library, home, least_confidence=1.0, dry_run=True)
    assert {each.path.stem for each in strict.unsure} >= {"strange", "between"}

    loose = sort(library, home, least_confidence=0.0)
    assert loose.unsure == ()
    assert loose.moves.count("done") == 8


def test_nothing_is_overwritten(library, home):
    taken = home / "arranged/beach/beach000.mp4"
    taken.write_bytes(b"another")

    sort(library, home)

    assert taken.read_bytes() == b"another"
    assert (home / "arranged/beach/beach000 (2).mp4").exists()


def test_a_video_whose_content_is_arranged_already_stays(library, home):
    twin = home / "inbox/twin.mp4"
    put_copy(library.path, home / "arranged/city/old_city000.mp4", twin)

    result = sort(library, home)

    assert result.known == 1
    assert twin.exists()


def test_files_that_are_not_indexed_are_told_and_stay(library, home):
    (home / "inbox/new.mp4").write_bytes(b"new")
    (home / "arranged/city/new.mp4").write_bytes(b"new too")
    recorder = Recorder()

    result = sort(library, home, control=Control(recorder))

    assert [problem.path for problem in result.moves.problems] == [home / "inbox/new.mp4"]
    assert any("1 file in" in notice for notice in recorder.notices)
    assert (home / "inbox/new.mp4").exists()


def test_without_consent_nothing_is_moved(library, home):
    before = tree(home)

    result = sort(library, home, control=Control(Recorder(), confirm=lambda _: False))

    assert tree(home) == before
    assert result.moves.batch is None


def test_loose_files_of_the_arranged_folder_can_be_sorted_into_it(library, home):
    loose = named({"loose": around(POINTS[2], 1, seed=77)})
    add_videos(library.path, loose, home / "arranged", writes=True)

    result = library.sort(home / "arranged", home / "arranged")

    assert [each.target for each in result.moves.outcomes] == [
        home / "arranged/forest/loose000.mp4"
    ]


def test_an_inbox_inside_the_arranged_folder_is_no_class(library, home):
    inside = home / "arranged/0 new"
    add_videos(library.path, named({"fresh": around(POINTS[1], 2, seed=78)}), inside, writes=True)

    result = library.sort(inside, home / "arranged")

    assert {each.target.parent for each in result.moves.outcomes} == {home / "arranged/city"}


def test_folder_and_file_names_that_are_not_utf8_work(library, home):
    odd = home / "arranged" / os.fsdecode(b"caf\xe9")
    kind = around(centers(5)[4], 5)
    add_videos(library.path, named({"old_cafe": kind[:4]}), odd, writes=True)
    name = os.fsdecode(b"\xff.mp4")
    add_videos(library.path, {name: kind[4]}, home / "inbox", writes=True)

    sort(library, home)

    assert (odd / name).exists()


def test_impossible_sorts_are_refused(library, home):
    with pytest.raises(UsageError, match="a confidence is from 0 to 1, not 2"):
        sort(library, home, least_confidence=2)
    with pytest.raises(Refused, match=r"there is no .*nowhere"):
        library.sort(home / "nowhere", home / "arranged")
    with pytest.raises(Refused, match=r"no folder in .*inbox has an indexed video"):
        library.sort(home / "arranged", home / "inbox")


def at(*places):
    return np.array([[place, 0.0] for place in places], dtype=np.float32)


def test_the_margin_is_in_units_of_the_spread():
    arranged, classes = at(-1, 1, 9, 11), np.array([0, 0, 1, 1])

    found = propose(arranged, classes, at(0, 4.5, 5.5, 10))

    # As new videos would have it, members lie 2 from their mean. 4.5 is 1 nearer to 0 than to 10.
    assert found.best.tolist() == [0, 0, 1, 1]
    np.testing.assert_allclose(found.confidence, [1, 0.5, 0.5, 1], atol=1e-6)


def test_what_is_far_from_every_class_is_not_sure_though_the_margin_is_large():
    arranged, classes = at(-1, 1, 99, 101), np.array([0, 0, 1, 1])

    found = propose(arranged, classes, at(-4, -8, -40))

    np.testing.assert_allclose(found.confidence, [1, 0.25, 0.01], atol=1e-6)


def test_neighbours_of_other_classes_make_a_video_less_sure():
    # The mean of the first class lies among members of the second.
    arranged, classes = at(-30, 30, -1, 1, 80), np.array([0, 0, 1, 1, 1])

    (confidence,) = propose(arranged, classes, at(0)).confidence

    assert confidence == 0


@pytest.mark.parametrize("places", [(0,), (0, 10)])
def test_single_videos_are_enough_for_classes_but_for_one_alone(places):
    found = propose(at(*places), np.arange(len(places)), at(0, 1))

    assert found.best.tolist() == [0, 0]
    assert found.confidence.tolist() == ([1, 0] if len(places) == 1 else [1, 1])
