"""Videos that are most like one, in the library or not."""

import shutil

import numpy as np
import pytest

from tests.generated import add_videos, around, centers, named, put_copy
from vidindex import Library, Settings
from vidindex.config import Settings as AllSettings
from vidindex.errors import Refused, UsageError
from vidindex.network_source import find_network_named


@pytest.fixture
def known(tmp_path):
    """Five videos about each of two points, and a copy of the first."""
    library = Library(tmp_path / "library.db", Settings())
    kinds = {kind: around(centers(2)[row], 5, seed=row) for row, kind in enumerate("ab")}
    add_videos(library.path, named(kinds), tmp_path / "in", writes=True)
    put_copy(library.path, tmp_path / "in/a000.mp4", tmp_path / "in/again.mp4")
    return library


def names(answer):
    return [row.path.stem for row in answer.rows]


class NeverLoaded:
    key = name = "untrained:0"

    def prepare(self):
        raise AssertionError

    load_classifier = load = prepare


def test_exact_copies_come_first_then_the_likest_and_never_the_file_itself(known, tmp_path):
    answer = known.similar(tmp_path / "in/a000.mp4", top=20, source=NeverLoaded())

    assert names(answer)[0] == "again"
    assert set(names(answer)[1:5]) == {"a001", "a002", "a003", "a004"}
    assert len(answer.rows) == answer.found == 10
    assert [row.is_exact for row in answer.rows] == [True, *[False] * 9]
    cosines = [row.cosine for row in answer.rows]
    assert cosines == sorted(cosines, reverse=True)
    vectors = known.vectors()
    one, other = (
        vectors.vectors[[path.stem for path in vectors.paths].index(name)].astype(np.float64)
        for name in ("a000", names(answer)[1])
    )
    exact = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    assert cosines[1] == pytest.approx(exact, abs=1e-12)
    assert answer.is_stored


def test_a_hash_and_a_number_name_the_same_video(known, tmp_path):
    by_path = known.similar(tmp_path / "in/b000.mp4")
    by_hash = known.similar(by_path.blake3.hex()[:8])
    first = by_path.rows[0]
    by_number = known.similar(first.video_id)

    assert names(by_hash) == names(by_path)
    assert names(by_number) == names(known.similar(first.path))


def test_top_and_the_least_cosine_limit_the_rows(known, tmp_path):
    path = tmp_path / "in/a000.mp4"

    assert names(known.similar(path, top=1)) == ["again"]
    assert known.similar(path, top=1).found == 10
    assert known.similar(path, least=0.9).found == 5
    with pytest.raises(UsageError, match="at least 1"):
        known.similar(path, top=0)
    with pytest.raises(UsageError, match="from -1 to 1"):
        known.similar(path, least=2)


def test_a_copy_outside_of_the_library_needs_no_network(known, tmp_path):
    shutil.copyfile(tmp_path / "in/b002.mp4", tmp_path / "outside.mp4")

    answer = known.similar(tmp_path / "outside.mp4", source=NeverLoaded())

    assert (names(answer)[0], answer.rows[0].is_exact) == ("b002", True)
    assert answer.is_stored


def test_what_is_neither_known_nor_a_file_is_refused(known, tmp_path):
    for unknown in (tmp_path / "none.mp4", tmp_path / "in", "abcdef01", 4000):
        with pytest.raises(Refused, match="the library"):
            known.similar(unknown)


@pytest.fixture
def indexed(library, index, put, tmp_path):
    """a.mp4 to d.mp4 of the pool, indexed with the untrained network."""
    for clip in "abcd":
        put(clip, tmp_path / f"in/{clip}.mp4")
    index(tmp_path / "in")
    return library


def test_a_file_outside_is_described_as_the_library_is_and_not_stored(
    indexed, index, put, source, recorder, tmp_path
):
    new = put("e", tmp_path / "new.mp4")
    before = indexed.path.read_bytes()

    answer = indexed.similar(new, source=source, reporter=recorder)

    assert (answer.is_stored, answer.found) == (False, 4)
    assert any("not stored" in notice for notice in recorder.notices)
    assert indexed.path.read_bytes() == before
    index(new)
    again = indexed.similar(new)
    assert names(again) == names(answer)
    assert [row.cosine for row in again.rows] == pytest.approx(
        [row.cosine for row in answer.rows], abs=1e-6
    )


def test_other_weights_than_those_of_the_recipe_are_refused(indexed, put, source, tmp_path):
    new = put("e", tmp_path / "new.mp4")

    class Other:
        key = name = "other.h5"

        def prepare(self):
            return bytes(32)

    with pytest.raises(Refused, match=r"recipe 1 .* other\.h5 are other weights") as refused:
        indexed.similar(new, source=Other())
    assert "--weights" in refused.value.hint


def test_a_file_that_is_no_video_is_refused_by_name(indexed, source, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video at all" * 100)

    with pytest.raises(Refused, match=r"broken\.mp4: "):
        indexed.similar(broken, source=source)


def test_a_known_file_without_a_vector_is_described_too(indexed, index, source, put, tmp_path):
    """It came with another recipe."""
    other = Library(indexed.path, Settings(weights="untrained", min_frames=2))
    index(put("e", tmp_path / "in/e.mp4"), into=other)

    answer = indexed.similar(tmp_path / "in/e.mp4", recipe=1, source=source)

    assert not answer.is_stored
    assert set(names(answer)) == set("abcd")


def test_the_network_of_a_recipe_is_known_by_name_but_for_a_file():
    settings = AllSettings(weights="mine.weights.h5")

    assert find_network_named("untrained:7", settings).name == "untrained:7"
    assert find_network_named("other.h5", settings).settings.weights == "mine.weights.h5"
