import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import LoadedNetwork
from tests.outcomes import counts
from vidindex import Library
from vidindex.embedding import SampledVideo
from vidindex.errors import Refused, WeightsError
from vidindex.frames import read_frames


def test_each_video_gets_one_vector_of_2048_numbers(index, library, put, tmp_path):
    put("a", tmp_path / "in/a.mp4")
    put("b", tmp_path / "in/deep/b.mkv")

    result = index(tmp_path / "in")

    assert counts(result) == {"indexed": 2}
    assert result.frames == 2
    stored = library.vectors()
    assert stored.vectors.shape == (2, 2048)
    assert stored.vectors.dtype == np.float32
    assert {path.name for path in stored.paths} == {"a.mp4", "b.mkv"}


def test_the_stored_vector_is_the_mean_of_the_networks_features(
    index, library, network, put, tmp_path
):
    library.settings = replace(library.settings, interval_s=0.5)
    video = put("c", tmp_path / "in/c.mp4")

    index(tmp_path / "in")

    frames = np.stack(list(read_frames(video, library.settings.to_sampling()).frames))
    assert len(frames) == 3
    mean = network.embed(frames).mean(axis=0)
    np.testing.assert_allclose(library.vectors().vectors[0], mean, rtol=1e-5, atol=1e-7)


def test_a_second_run_reads_nothing_and_loads_no_network(index, source, put, tmp_path):
    put("a", tmp_path / "in/a.mp4")
    index(tmp_path / "in")
    source.loads = 0

    def must_not_read(path, sampling):
        raise AssertionError(path)

    (tmp_path / "in/a.mp4").chmod(0)  # and not for root either: the decoder below would raise
    result = index(tmp_path / "in", read_frames=must_not_read)

    assert counts(result) == {"unchanged": 1}
    assert source.loads == 0


def test_a_touched_file_is_hashed_and_found_unchanged(index, put, tmp_path):
    video = put("a", tmp_path / "in/a.mp4")
    index(tmp_path / "in")
    os.utime(video, (1_650_000_000, 1_650_000_000))

    assert counts(index(tmp_path / "in")) == {"unchanged": 1}


def test_a_file_changed_within_the_clocks_step_is_noticed(index, library, put, tmp_path):
    """Size and time can stay the same when a file is written again at once."""
    video = put("a", tmp_path / "in/a.mp4")
    now = tmp_path.stat().st_mtime_ns
    os.utime(video, ns=(now, now))
    index(tmp_path / "in")
    content = bytearray(video.read_bytes())
    content[-1] ^= 1
    video.write_bytes(content)
    os.utime(video, ns=(now, now))

    assert counts(index(tmp_path / "in")) == {"indexed": 1}


def test_a_renamed_file_keeps_its_vector_and_leaves_no_ghost(index, library, put, tmp_path):
    put("a", tmp_path / "in/a.mp4")
    put("b", tmp_path / "in/b.mp4")
    index(tmp_path / "in")
    (tmp_path / "in/sub").mkdir()
    (tmp_path / "in/a.mp4").rename(tmp_path / "in/sub/new name.mp4")

    result = index(tmp_path / "in")

    assert counts(result) == {"unchanged": 1, "relinked": 1}
    assert library.status().present == 2
    assert library.status().missing == 0


def test_a_copy_shares_the_vector(index, library, put, tmp_path):
    put("a", tmp_path / "in/a.mp4")
    index(tmp_path / "in")
    put("a", tmp_path / "in/copy of a.mp4")

    assert counts(index(tmp_path / "in")) == {"unchanged": 1, "relinked": 1}
    assert len(library.vectors().vectors) == 1
    assert library.status().present == 2


def test_two_new_copies_are_decoded_once(index, put, tmp_path):
    for name in "12345":
        put("a", tmp_path / f"in/{name}.mp4")
    decoded = []

    def counting(path, sampling):
        decoded.append(path)
        return read_frames(path, sampling)

    result = index(tmp_path / "in", read_frames=counting)

    assert counts(result) == {"indexed": 1, "relinked": 4}
    assert len(decoded) == 1


def test_swapped_names_are_told_apart(index, library, put, tmp_path):
    a, b = put("a", tmp_path / "in/a.mp4"), put("b", tmp_path / "in/b.mp4")
    index(tmp_path / "in")
    before = {path.name: hash_ for path, hash_ in zip(*_paths_and_hashes(library), strict=True)}
    a.rename(tmp_path / "x")
    b.rename(a)
    (tmp_path / "x").rename(b)

    assert counts(index(tmp_path / "in")) == {"relinked": 2}
    after = {path.name: hash_ for path, hash_ in zip(*_paths_and_hashes(library), strict=True)}
    assert after == {"a.mp4": before["b.mp4"], "b.mp4": before["a.mp4"]}


def _paths_and_hashes(library):
    stored = library.vectors()
    return stored.paths, stored.hashes


def test_a_deleted_file_is_missing_and_comes_back_without_being_read(index, library, put, tmp_path):
    put("a", tmp_path / "in/a.mp4")
    put("b", tmp_path / "in/b.mp4")
    index(tmp_path / "in")
    (tmp_path / "in/b.mp4").rename(tmp_path / "away")

    assert counts(index(tmp_path / "in")) == {"unchanged": 1, "missing": 1}
    assert library.status().missing == 1
    assert len(library.vectors().vectors) == 1

    (tmp_path / "away").rename(tmp_path / "in/b.mp4")

    def must_not_read(path, sampling):
        raise AssertionError(path)

    assert counts(index(tmp_path / "in", read_frames=must_not_read)) == {"unchanged": 2}
    assert library.status().missing == 0


def test_only_what_lies_below_the_given_paths_can_be_missing(index, library, put, tmp_path):
    put("a", tmp_path / "one/a.mp4")
    put("b", tmp_path / "two/b.mp4")
    index(tmp_path / "one", tmp_path / "two")
    (tmp_path / "two/b.mp4").unlink()

    assert counts(index(tmp_path / "one")) == {"unchanged": 1}
    assert library.status().missing == 0


@pytest.mark.parametrize("is_removed", [False, True])
def test_an_emptied_folder_is_offline_and_nothing_is_marked(
    index, library, put, tmp_path, is_removed
):
    put("a", tmp_path / "disk/a.mp4")
    index(tmp_path / "disk")
    (tmp_path / "disk/a.mp4").unlink()
    if is_removed:
        (tmp_path / "disk").rmdir()

    with pytest.raises(Refused, match="are gone; nothing was marked missing") as caught:
        index(tmp_path / "disk")

    assert "is the right disk mounted?" in caught.value.hint
    assert library.status().missing == 0


def test_one_offline_folder_does_not_hold_up_the_others(index, library, put, tmp_path):
    put("a", tmp_path / "disk/a.mp4")
    put("b", tmp_path / "here/b.mp4")
    index(tmp_path / "disk", tmp_path / "here")
    shutil.rmtree(tmp_path / "disk")
    put("c", tmp_path / "here/c.mp4")

    result = index(tmp_path / "disk", tmp_path / "here")

    assert counts(result) == {"unchanged": 1, "indexed": 1, "failed": 1}
    assert [problem.code for problem in result.problems] == ["offline"]


def test_an_emptied_folder_can_be_confirmed(index, library, put, tmp_path):
    put("a", tmp_path / "disk/a.mp4")
    index(tmp_path / "disk")
    (tmp_path / "disk/a.mp4").unlink()

    assert counts(index(tmp_path / "disk", confirm_missing=True)) == {"missing": 1}


def test_another_recipe_gives_new_vectors_beside_the_old_ones(
    index, library, source, put, tmp_path
):
    put("a", tmp_path / "in/a.mp4")
    index(tmp_path / "in")
    denser = Library(library.path, replace(library.settings, interval_s=0.5))

    assert counts(index(tmp_path / "in", into=denser)) == {"indexed": 1}
    assert [stored.vectors for stored in library.status().recipes] == [1, 1]
    assert counts(index(tmp_path / "in")) == {"unchanged": 1}
    assert counts(index(tmp_path / "in", into=denser)) == {"unchanged": 1}


def test_equal_weights_from_another_source_hit_the_cache(index, source, put, tmp_path):
    put("a", tmp_path / "in/a.mp4")
    index(tmp_path / "in")

    result = index(tmp_path / "in", source=replace(source, key="blake3:other file, same values"))

    assert counts(result) == {"unchanged": 1}


def test_weights_that_cannot_be_loaded_leave_no_library_behind(library, put, tmp_path):
    put("a", tmp_path / "in/a.mp4")

    class Broken:
        key = name = "broken"

        def prepare(self):
            raise WeightsError("damaged")

    with pytest.raises(WeightsError):
        library.index([tmp_path / "in"], source=Broken())

    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_a_path_that_does_not_exist_is_refused_before_anything_is_done(
    index, library, put, tmp_path
):
    put("a", tmp_path / "in/a.mp4")

    with pytest.raises(Refused, match="there is no file or folder"):
        index(tmp_path / "in", tmp_path / "typo")

    assert not library.path.exists()


def test_a_folder_without_videos_is_refused_and_the_suffixes_named(index, library, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/notes.txt").touch()

    with pytest.raises(Refused, match="there is no video in") as caught:
        index(tmp_path / "in")

    assert ".mp4" in caught.value.hint
    assert not library.path.exists()


def test_a_folder_without_videos_is_named_where_a_library_exists(index, recorder, put, tmp_path):
    put("a", tmp_path / "in/a.mp4")
    index(tmp_path / "in")
    (tmp_path / "inbox").mkdir()

    assert counts(index(tmp_path / "inbox", reporter=recorder)) == {}
    assert recorder.notices == [f"there is no video in {tmp_path}/inbox"]


def test_what_is_finished_when_interrupted_is_kept(index, library, network, put, tmp_path):
    library.settings = replace(library.settings, workers=1)
    for name in "abcdef":
        put(name, tmp_path / f"in/{name}.mp4")

    class Interrupted(BaseException):
        pass

    class StopsAtThird:
        embedded = 0
        batch_size = 1
        weights_digest, precision, software = (
            network.weights_digest,
            network.precision,
            network.software,
        )

        def embed(self, frames):
            self.embedded += 1
            if self.embedded == 3:
                raise Interrupted
            return network.embed(frames)

    with pytest.raises(Interrupted):
        index(tmp_path / "in", source=LoadedNetwork(StopsAtThird()))

    assert len(library.vectors().vectors) == 2
    assert counts(index(tmp_path / "in")) == {"unchanged": 2, "indexed": 4}


def test_a_bug_in_a_worker_is_not_swallowed(index, put, tmp_path):
    put("a", tmp_path / "in/a.mp4")

    def buggy(path, sampling):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        index(tmp_path / "in", read_frames=buggy)


def test_progress_is_reported_file_by_file(index, recorder, put, tmp_path):
    put("a", tmp_path / "in/a.mp4")
    put("a", tmp_path / "in/copy.mp4")
    (tmp_path / "in/broken.mp4").write_text("x")

    index(tmp_path / "in", reporter=recorder)

    assert recorder.started == [("indexing", 3)]
    assert recorder.steps == 3
    assert [problem.path.name for problem in recorder.problems] == ["broken.mp4"]


def test_the_library_itself_is_never_indexed(library, source, put, tmp_path):
    inside = Library(tmp_path / "in/library.mp4", library.settings)
    put("a", tmp_path / "in/a.mp4")

    assert counts(inside.index([tmp_path / "in"], source=source)) == {"indexed": 1}
    assert counts(inside.index([tmp_path / "in"], source=source)) == {"unchanged": 1}


@pytest.mark.parametrize(
    "name",
    [
        b"\xff\xfe.mp4",
        b"new\nline.mp4",
        b'it\'s "quoted".mp4',
        b"'); DROP TABLE files;--.mp4",
        b"%02d.mp4",
        b"-i.mp4",
        b"http:x.mp4",
        b"\x1b[31mred.mp4",
        b"n" * 251 + b".mp4",
    ],
)
def test_a_file_of_any_name_is_indexed_as_itself(index, library, put, tmp_path, name):
    path = put("a", tmp_path / "in" / os.fsdecode(name))

    assert counts(index(tmp_path / "in")) == {"indexed": 1}
    assert library.vectors().paths == (path,)


def test_frames_of_several_videos_share_a_batch(index, network, put, tmp_path):
    sizes = []

    class Spy:
        batch_size = 4
        weights_digest, precision, software = (
            network.weights_digest,
            network.precision,
            network.software,
        )

        def embed(self, frames):
            sizes.append(len(frames))
            return network.embed(frames)

    for name in "abcdef":
        put(name, tmp_path / f"in/{name}.mp4")

    index(tmp_path / "in", source=LoadedNetwork(Spy()), read_frames=read_frames)

    assert (max(sizes), sum(sizes)) == (4, 6)


def test_a_video_longer_than_what_waits_is_embedded_as_it_is_read(
    index, library, network, put, tmp_path
):
    put("a", tmp_path / "in/a.mp4")

    def endless(path, sampling):
        video = read_frames(path, sampling)
        frame = next(video.frames)
        return SampledVideo(video.info, iter([frame] * 30))

    assert index(tmp_path / "in", read_frames=endless).frames == 30
