"""Which changes of a file are noticed, and what becomes of files that are still being written."""

import os

import pytest

OLD_S = 1_600_000_000


@pytest.fixture
def indexed(vidindex, videos):
    """A folder with the videos a, b, c and deep/d, of which the library knows all."""
    assert vidindex("index", videos).code == 0
    return videos


def flip_a_bit(path):
    """Change a file's last byte and nothing that its stat tells, as a failing disk does."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    status = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def errors(outcome):
    return [(error["code"], error["path"]) for error in outcome.answer["errors"]]


def test_bytes_that_changed_while_the_stat_did_not_are_found_by_verify_alone(vidindex, indexed):
    flip_a_bit(indexed / "b.mp4")

    plain = vidindex("index", indexed, "--json")
    verified = vidindex("index", indexed, "--verify", "--json")

    assert (plain.code, plain.data["unchanged"]) == (0, 4)
    assert (verified.code, errors(verified)) == (4, [("corrupt", str(indexed / "b.mp4"))])
    assert verified.data["unchanged"] == 3


def test_verify_finds_nothing_where_nothing_changed(vidindex, indexed):
    outcome = vidindex("index", indexed, "--verify", "--json")

    assert (outcome.code, outcome.data["unchanged"], outcome.data["frames"]) == (0, 4, 0)


def test_a_corrupt_file_is_reported_until_it_is_touched_and_then_taken_as_it_is(vidindex, indexed):
    flip_a_bit(indexed / "b.mp4")
    assert vidindex("index", indexed, "--verify").code == 4
    assert vidindex("index", indexed, "--verify").code == 4

    os.utime(indexed / "b.mp4", (OLD_S + 60, OLD_S + 60))

    outcome = vidindex("index", indexed, "--verify", "--json")
    assert (outcome.code, outcome.data["unchanged"], outcome.data["indexed"]) == (0, 3, 1)


def test_a_change_within_the_clocks_step_is_found_without_verify(vidindex, videos):
    """The stat of a file that was read so young is not trusted the next time."""
    os.utime(videos / "b.mp4")
    vidindex("index", videos)
    flip_a_bit(videos / "b.mp4")

    outcome = vidindex("index", videos, "--json")

    assert (outcome.code, outcome.data["unchanged"], outcome.data["indexed"]) == (0, 3, 1)


def test_a_file_that_is_being_written_is_left_for_the_next_run(vidindex, videos):
    os.utime(videos / "b.mp4")

    with (videos / "b.mp4").open("ab"):
        during = vidindex("index", videos, "--json")
    after = vidindex("index", videos, "--json")

    assert (during.code, during.data["indexed"]) == (4, 3)
    assert errors(during) == [("changed", str(videos / "b.mp4"))]
    assert "is still being written" in during.answer["errors"][0]["message"]
    assert (after.code, after.data["indexed"], after.data["unchanged"]) == (0, 1, 3)


def test_an_old_file_that_some_program_keeps_open_is_indexed(vidindex, videos):
    with (videos / "b.mp4").open("ab"):
        outcome = vidindex("index", videos, "--json")

    assert (outcome.code, outcome.data["indexed"]) == (0, 4)
