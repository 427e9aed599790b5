"""An error from any call by which apply and undo change the disk: nothing is lost, all is told.

`make sweep` tries each call instead of some.
"""

import re
from itertools import count

import pytest

from tests.faults.running import IS_SWEEP
from tests.faults.settled import MOVE, WAYS, assert_nothing_is_lost, assert_recovered
from tests.faults.sweeping import CALLS, changing_calls, chosen, run_traced

FEW = 2
ERRORS = ("ENOSPC", "EIO", "EDQUOT", "EINVAL", "EACCES", "EROFS")
LASTING = {"ENOSPC", "EDQUOT", "EROFS"}  # the others come once
OF_A_LIBRARY = ("ENOSPC", "EIO")
TRIED = WAYS if IS_SWEEP else {name: WAYS[name] for name in ("rename", "across", "prune", "copy")}
NO_LINKS = ("--inject=renameat2:error=EINVAL", "--inject=linkat:error=EPERM")

turns = count()


def faults(calls, roots):
    """Pair calls with errors: all of them in a sweep, else another one each time."""
    for call in chosen(calls, roots, FEW):
        if not IS_SWEEP:
            yield call, ERRORS[next(turns) % len(ERRORS)]
            continue
        for error in ERRORS if call.changes_any_of(roots) else OF_A_LIBRARY:
            yield call, error


def only_contents(tree):
    return {path: entry.content for path, entry in tree.items()}


@pytest.mark.parametrize("failing", ["apply", "undo"])
@pytest.mark.parametrize("way", TRIED.values(), ids=TRIED)
def test_an_error_of_any_call_loses_nothing_and_the_next_run_ends_it(
    start, run, home, prepare, way, failing
):
    words = way.command(failing)

    def trace(*options):
        prepare(way, failing)
        return run_traced(start, words, *options, *way.faults)

    calls = changing_calls(trace, home / "calls")
    roots = prepare(way)[0].roots

    for index, (call, error) in enumerate(faults(calls, roots)):
        scene, tree = prepare(way, failing)
        lasts = error in LASTING and call.name != "write"  # messages are written too
        fault = call.injecting(f"error={error}", and_later=lasts)
        log = ("-o", str(home / "failed"))
        outcome = run_traced(start, words, f"--trace={','.join(CALLS)}", *log, *way.faults, fault)
        assert "INJECTED" in (home / "failed").read_text(errors="replace"), call
        assert outcome.code in (0, 3, 4, 5), (call, error, outcome.err)
        if outcome.code:
            assert re.search(r"(error|failed|skipped): .*/", outcome.err), (call, outcome.err)
        assert_nothing_is_lost(scene, tree, way)
        # What a disk would not take of the rights, times and attributes of a copy, or of a folder
        # that is made again, was told.
        is_told = re.search("could not keep|cannot make the folder", outcome.err)
        seen = only_contents if is_told else lambda tree: tree
        assert_recovered(run, scene, tree, way, ("apply", "undo")[index % 2], seen=seen)


def test_on_a_disk_where_no_name_can_be_given_without_replacing_all_files_stay(start, run, prepare):
    scene, tree = prepare()

    outcome = run_traced(start, MOVE.apply, "--trace=renameat2,linkat", *NO_LINKS)

    assert outcome.code == 4
    assert outcome.err.count("does not let a file be named without replacing") == 3
    assert run("undo").code == 3
    assert {name: tree[name] for name in scene.tree() if name in tree} == tree
    assert run(*MOVE.apply).code == 0
