"""Every row of recovery's table: what a kill left at both names, and what then becomes of it."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from blake3 import blake3

from tests.conftest import Recorder, read_tree
from vidindex.copies import part_path
from vidindex.db import schema
from vidindex.recovering import recover
from vidindex.scanning import FileStat
from vidindex.store import files, moves, videos
from vidindex.store.moves import PlannedMove

CONTENT = b"the one and only"
FOREIGN = b"somebody else's!"
assert len(CONTENT) == len(FOREIGN), "so that the size alone tells nothing"


@dataclass
class Scene:
    """A library whose journal holds one move, begun, and the folders that it is about."""

    library: Path
    root: Path
    move: int

    @property
    def source(self) -> Path:
        return self.root / "in/a.mp4"

    @property
    def target(self) -> Path:
        return self.root / "out/cluster_0/a.mp4"

    def recover(self) -> Recorder:
        recorder = Recorder()
        with schema.open_for_writing(self.library, recorder.notice) as database:
            recover(database, recorder)
        return recorder

    def state(self) -> tuple[str, Path]:
        """Return the journal's state of the move, and where the library finds the file."""
        with schema.open_for_reading(self.library) as database, database.reading() as session:
            (move,) = moves.list_moves(session, 1)
            (file,) = files.list_files(session)
            return move.state, file.stat.path


@pytest.fixture(params=["started", "copied"])
def scene(request, tmp_path):
    """A file in in/, known to the library, whose move to out/cluster_0 has begun."""
    root = tmp_path / "disk"
    for folder in ("in", "out/cluster_0"):
        (root / folder).mkdir(parents=True)
    made = Scene(tmp_path / "library.db", root, 1)
    made.source.write_bytes(CONTENT)
    stat = FileStat.of(made.source, made.source.lstat())
    digest, now = blake3(CONTENT).digest(), datetime.now(UTC)
    with schema.open_for_writing(made.library, print) as database, database.writing() as session:
        video_id = videos.put_video(session, digest, len(CONTENT), None, now=now)
        files.put_file(session, stat, video_id=video_id, checked_at_ns=0)
        batch = moves.put_batch(session, "apply", root / "out", run=1, undoes_batch=None, now=now)
        planned = PlannedMove(stat, digest, made.target)
        moves.put_moves(session, batch, [planned], state=request.param)
    return made


def copy(source: Path, target: Path) -> None:
    """Copy a file with its times, as a move across disks does."""
    status = source.stat()
    target.write_bytes(source.read_bytes())
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_ours_at_the_source_alone_has_not_moved(scene):
    part_path(scene.target, scene.move).write_bytes(CONTENT[:5])

    scene.recover()

    assert scene.state() == ("planned", scene.source)
    assert read_tree(scene.root) == {
        "in": None,
        "in/a.mp4": CONTENT,
        "out": None,
        "out/cluster_0": None,
    }


def test_ours_at_the_target_alone_has_moved(scene):
    scene.source.rename(scene.target)

    scene.recover()

    assert scene.state() == ("done", scene.target)
    assert scene.target.read_bytes() == CONTENT


def test_ours_at_the_target_has_moved_although_another_file_came_to_the_source(scene):
    scene.source.rename(scene.target)
    scene.source.write_bytes(FOREIGN)

    scene.recover()

    assert scene.state() == ("done", scene.target)
    assert scene.source.read_bytes() == FOREIGN


def test_a_copy_at_the_target_alone_has_moved(scene):
    copy(scene.source, scene.target)
    scene.source.unlink()

    scene.recover()

    assert scene.state() == ("done", scene.target)


def test_a_link_that_was_made_is_finished(scene):
    scene.target.hardlink_to(scene.source)

    scene.recover()

    assert scene.state() == ("done", scene.target)
    assert not scene.source.exists()
    assert scene.target.stat().st_nlink == 1


def test_the_source_of_a_published_copy_is_removed(scene):
    copy(scene.source, scene.target)
    was_copied = scene.state()[0] == "copied"

    scene.recover()

    if was_copied:
        assert scene.state() == ("done", scene.target)
        assert not scene.source.exists()
    else:  # nobody copied: an equal file of somebody else has the name
        assert scene.state() == ("planned", scene.source)
        assert scene.source.read_bytes() == CONTENT
    assert scene.target.read_bytes() == CONTENT


def test_an_equal_file_of_somebody_else_is_not_taken_for_the_copy_beside_it(scene):
    copy(scene.source, scene.target)
    copy(scene.source, part_path(scene.target, scene.move))

    scene.recover()

    assert scene.state() == ("planned", scene.source)
    assert scene.source.read_bytes() == scene.target.read_bytes() == CONTENT
    assert not part_path(scene.target, scene.move).exists()


def test_a_name_that_another_file_took_is_lost(scene):
    scene.target.write_bytes(FOREIGN)

    scene.recover()

    assert scene.state() == ("planned", scene.source)
    assert (scene.source.read_bytes(), scene.target.read_bytes()) == (CONTENT, FOREIGN)


def test_a_file_at_neither_place_is_reported_and_its_row_kept(scene):
    scene.source.unlink()

    recorder = scene.recover()

    assert scene.state() == ("failed", scene.source)
    assert "at neither place" in recorder.problems[0].message


def test_two_foreign_files_are_reported_and_left_alone(scene):
    scene.source.write_bytes(FOREIGN)
    scene.target.write_bytes(FOREIGN)

    recorder = scene.recover()

    assert scene.state() == ("failed", scene.source)
    assert str(scene.source) in recorder.problems[0].message
    assert str(scene.target) in recorder.problems[0].message
    assert (scene.source.read_bytes(), scene.target.read_bytes()) == (FOREIGN, FOREIGN)


@pytest.mark.parametrize("kind", ["folder", "symlink", "pipe"])
def test_what_is_no_file_at_the_target_is_not_ours(scene, kind):
    {
        "folder": scene.target.mkdir,
        "symlink": lambda: scene.target.symlink_to(scene.source),
        "pipe": lambda: os.mkfifo(scene.target),
    }[kind]()

    scene.recover()

    assert scene.state() == ("planned", scene.source)
    assert os.path.lexists(scene.target)
    assert scene.source.read_bytes() == CONTENT


def test_a_second_recovery_does_nothing(scene):
    scene.source.rename(scene.target)
    scene.recover()
    before = read_tree(scene.root), scene.state()

    recorder = scene.recover()

    assert (read_tree(scene.root), scene.state()) == before
    assert recorder.problems == []
