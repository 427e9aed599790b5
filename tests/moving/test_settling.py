"""What recovery makes of a copy or a link that a killed run was making, or taking away."""

import shutil

import pytest

from tests.conftest import Recorder
from tests.moving.fingerprints import fingerprint
from vidindex.copies import part_path
from vidindex.db import schema
from vidindex.recovering import recover
from vidindex.store import moves

MADE_IN = {"copy": "copied", "hardlink": "started", "symlink": "started"}


@pytest.fixture(params=MADE_IN)
def cut_short(request, sorted_library, tmp_path):
    """A function that makes all that a mode makes, and lets the journal say that it was begun."""
    mode = request.param

    def make(state=MADE_IN[mode]):
        batch = sorted_library.apply(tmp_path / "out", mode=mode).batch
        set_states(sorted_library, batch, state)

    make.mode = mode
    make.library = sorted_library
    return make


def set_states(library, batch, state):
    """Let the journal say that all moves of a batch are so far."""
    with schema.open_for_writing(library.path, print) as database, database.writing() as session:
        for move in moves.list_moves(session, batch):
            moves.set_state(session, move.id, state)


def settle(library):
    """Recover, and return the states of all moves."""
    with schema.open_for_writing(library.path, print) as database:
        assert recover(database, Recorder()) == []
        with database.reading() as session:
            states = [
                move.state
                for batch in moves.list_batches(session)
                for move in moves.list_moves(session, batch.id)
            ]
    return states


def test_what_was_made_is_done_and_can_be_undone(cut_short, tmp_path):
    before = fingerprint(tmp_path / "in")
    cut_short()

    assert settle(cut_short.library) == ["done"] * 5

    cut_short.library.undo()
    assert fingerprint(tmp_path / "in") == before
    assert not (tmp_path / "out").exists()


def test_what_was_not_made_is_planned_again(cut_short, tmp_path):
    cut_short()
    shutil.rmtree(tmp_path / "out")

    assert settle(cut_short.library) == ["planned"] * 5

    result = cut_short.library.apply(tmp_path / "out", mode=cut_short.mode)
    assert result.count("done") == 5


@pytest.mark.parametrize("cut_short", ["copy"], indirect=True)
def test_an_equal_file_of_somebody_else_is_not_taken_for_a_copy(cut_short, tmp_path):
    cut_short("started")
    made = list((tmp_path / "out").rglob("*.mp4"))
    shutil.copy2(made[0], part_path(made[0], 1))

    assert settle(cut_short.library) == ["planned"] * 5

    assert all(path.exists() for path in made)
    assert not part_path(made[0], 1).exists()


@pytest.mark.parametrize("is_gone", [True, False])
def test_what_was_taken_away_or_not_yet(cut_short, tmp_path, is_gone):
    library = cut_short.library
    library.apply(tmp_path / "out", mode=cut_short.mode)
    made = fingerprint(tmp_path / "out")
    if not is_gone:
        shutil.copytree(tmp_path / "out", tmp_path / "kept", symlinks=True)
    undone = library.undo().batch
    set_states(library, undone, "started")
    if not is_gone:
        shutil.copytree(tmp_path / "kept", tmp_path / "out", symlinks=True)

    states = settle(library)

    assert states == ["done"] * 5 + [("done" if is_gone else "planned")] * 5
    if not is_gone:
        assert fingerprint(tmp_path / "out").keys() == made.keys()
