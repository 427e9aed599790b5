from pathlib import Path

import pytest

from tests.databases import make
from vidindex.store import moves
from vidindex.store.moves import JournalledMove, PlannedMove, StoredBatch

OUT = Path("/out")
LATER = make.NOON.replace(year=2027)
HASH = b"\x01" * 32


def put_batch(session, kind="apply", undoes_batch=None, run=7):
    return moves.put_batch(session, kind, OUT, run=run, undoes_batch=undoes_batch, now=make.NOON)


def planned(name, undoes_move=None):
    stat = make.stat(Path("/in") / name, ord(name))
    return PlannedMove(stat, HASH, OUT / name, undoes_move)


def journalled(number, name, state="planned", reason=None):
    plan = planned(name)
    return JournalledMove(number, plan.stat.path, plan.target, plan.stat, HASH, state, reason)


@pytest.fixture
def batch(session):
    """An open batch of three planned moves: 1, 2 and 3, of a, b and c."""
    number = put_batch(session)
    moves.put_moves(session, number, [planned(name) for name in "abc"])
    return number


def states(session, batch):
    return {move.id: move.state for move in moves.list_moves(session, batch)}


def undo(session, batch, *numbers, state="done"):
    """Put moves of a batch back, or be about to."""
    number = put_batch(session, "undo", batch, run=None)
    backwards = [planned("z", undoes_move=move) for move in numbers]
    moves.put_moves(session, number, backwards, state=state)
    return number


def test_a_new_batch_is_running(session):
    number = put_batch(session)

    assert moves.list_batches(session) == [
        StoredBatch(number, "apply", "running", OUT, 7, None, make.NOON, None, {}, "move")
    ]


def test_a_batch_that_puts_another_back_names_it(session, batch):
    number = undo(session, batch)

    assert moves.get_batch(session, number).undoes_batch == batch
    assert [stored.id for stored in moves.list_batches(session)] == [batch, number]


def test_moves_are_listed_in_their_order_as_they_were_planned(session, batch):
    assert moves.list_moves(session, batch) == [
        journalled(1, "a"),
        journalled(2, "b"),
        journalled(3, "c"),
    ]


def test_more_moves_join_at_the_end(session, batch):
    moves.put_moves(session, batch, [planned("d")])
    moves.put_moves(session, batch, [])

    assert [move.source.name for move in moves.list_moves(session, batch)] == list("abcd")


def test_moves_are_narrowed_to_states(session, batch):
    moves.set_state(session, 2, "started")

    assert moves.list_moves(session, batch, ["started"]) == [journalled(2, "b", "started")]
    assert moves.list_moves(session, batch, ["done", "failed"]) == []


def test_a_move_that_fails_keeps_its_reason(session, batch):
    moves.set_state(session, 1, "failed", "permission denied")

    assert moves.list_moves(session, batch)[0] == journalled(1, "a", "failed", "permission denied")


def test_a_move_gets_another_target(session, batch):
    moves.set_target(session, 1, OUT / "a (2)")

    assert [move.target.name for move in moves.list_moves(session, batch)] == ["a (2)", "b", "c"]


def test_a_move_that_is_done_tells_what_the_file_looks_like_at_its_target(session, batch):
    arrived = make.stat(OUT / "a", 500)
    moves.set_state(session, 1, "both", "the old name could not be removed")

    moves.set_done(session, 1, arrived)

    move = moves.list_moves(session, batch)[0]
    assert (move.state, move.reason) == ("done", None)
    assert move.stat_at(move.target) == arrived
    assert move.source == Path("/in/a")


def test_what_is_in_flight_is_what_was_begun_and_not_settled(session, batch):
    for number, state in enumerate(("started", "copied", "both"), start=1):
        moves.set_state(session, number, state)
    settled = put_batch(session)
    moves.put_moves(session, settled, [planned(name) for name in "defg"])
    for number, state in enumerate(("planned", "done", "skipped", "failed"), start=4):
        moves.set_state(session, number, state)

    assert moves.list_in_flight(session) == [
        (batch, journalled(1, "a", "started")),
        (batch, journalled(2, "b", "copied")),
        (batch, journalled(3, "c", "both")),
    ]


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("done", "finished"),
        ("skipped", "finished"),
        ("failed", "finished"),
        ("planned", "partial"),
        ("started", "partial"),
        ("copied", "partial"),
        ("both", "partial"),
    ],
)
def test_a_batch_is_finished_when_no_move_is_left(session, batch, state, outcome):
    for number, its in enumerate(("done", "failed", state), start=1):
        moves.set_state(session, number, its)

    moves.finish_batch(session, batch, now=LATER)

    stored = moves.get_batch(session, batch)
    assert (stored.state, stored.finished_at) == (outcome, LATER)


def test_a_batch_counts_its_moves_by_state(session, batch):
    moves.set_state(session, 1, "done")
    moves.set_state(session, 2, "done")
    other = put_batch(session)

    assert moves.get_batch(session, batch).counts == {"done": 2, "planned": 1}
    assert moves.get_batch(session, other).counts == {}


def test_a_batch_that_is_taken_up_again_forgets_what_it_had_not_begun(session, batch):
    moves.set_state(session, 1, "done")
    moves.set_state(session, 2, "both")
    moves.finish_batch(session, batch, now=LATER)
    other = put_batch(session)
    moves.put_moves(session, other, [planned("d")])

    moves.reopen_batch(session, batch)

    assert states(session, batch) == {1: "done", 2: "both"}
    assert states(session, other) == {4: "planned"}
    stored = moves.get_batch(session, batch)
    assert (stored.state, stored.finished_at) == ("running", None)


def test_planned_moves_are_dropped_from_all_batches_which_are_finished_then(session, batch):
    moves.set_state(session, 1, "done")
    moves.finish_batch(session, batch, now=LATER)
    running = put_batch(session)
    moves.put_moves(session, running, [planned("d")])

    moves.drop_planned(session)

    assert states(session, batch) == {1: "done"}
    assert states(session, running) == {}
    assert [stored.state for stored in moves.list_batches(session)] == ["finished", "running"]


def test_what_can_be_undone_is_what_was_done_the_last_first(session, batch):
    for number, state in enumerate(("done", "failed", "done"), start=1):
        moves.set_state(session, number, state)

    assert moves.list_undoable(session, batch) == [
        journalled(3, "c", "done"),
        journalled(1, "a", "done"),
    ]


@pytest.mark.parametrize("state", ["done", "started", "copied", "both"])
def test_what_was_put_back_or_is_on_its_way_is_not_undone_again(session, batch, state):
    moves.set_state(session, 1, "done")
    moves.set_state(session, 2, "done")

    undo(session, batch, 1, state=state)

    assert [move.id for move in moves.list_undoable(session, batch)] == [2]


@pytest.mark.parametrize("state", ["skipped", "failed", "planned"])
def test_what_could_not_be_put_back_can_be_undone_again(session, batch, state):
    moves.set_state(session, 1, "done")

    undo(session, batch, 1, state=state)

    assert [move.id for move in moves.list_undoable(session, batch)] == [1]


def test_made_folders_are_listed_the_deepest_first(session, batch):
    for folder in ("/out", "/out/cluster_1", "/out/cluster_0", "/out/cluster_0/deep"):
        moves.put_made_folder(session, batch, Path(folder))

    assert [str(folder) for folder in moves.list_made_folders(session, batch)] == [
        "/out/cluster_0/deep",
        "/out/cluster_0",
        "/out/cluster_1",
        "/out",
    ]


def test_a_made_folder_is_noted_once_for_each_batch(session, batch):
    other = put_batch(session)
    for number in (batch, batch, other):
        moves.put_made_folder(session, number, OUT)

    assert moves.list_made_folders(session, batch) == [OUT]
    assert moves.list_made_folders(session, other) == [OUT]


def test_a_made_folder_that_is_gone_is_forgotten_by_its_batch(session, batch):
    other = put_batch(session)
    for number in (batch, other):
        moves.put_made_folder(session, number, OUT)

    moves.forget_made_folder(session, batch, OUT)

    assert moves.list_made_folders(session, batch) == []
    assert moves.list_made_folders(session, other) == [OUT]
