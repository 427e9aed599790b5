"""SIGKILL before any call by which apply and undo change the disk: nothing is lost.

`make sweep` tries each call instead of some.
"""

import pytest

from tests.faults.running import IS_SWEEP, KILLED
from tests.faults.settled import WAYS, assert_nothing_is_lost, assert_recovered
from tests.faults.sweeping import CALLS, changing_calls, chosen, run_traced

FEW = 3
SHORT = ("rename", "link and unlink", "across", "prune", "copy", "hardlink", "symlink")
TRIED = WAYS if IS_SWEEP else {name: WAYS[name] for name in SHORT}


@pytest.mark.parametrize("killed", ["apply", "undo"])
@pytest.mark.parametrize("way", TRIED.values(), ids=TRIED)
def test_a_kill_before_any_call_loses_nothing_and_the_next_run_ends_it(
    start, run, home, prepare, way, killed
):
    words = way.command(killed)

    def trace(*options):
        prepare(way, killed)
        return run_traced(start, words, *options, *way.faults)

    calls = changing_calls(trace, home / "calls")
    roots = prepare(way)[0].roots
    assert killed == "undo" or way.call in {call.name for call in calls}

    for index, call in enumerate(chosen(calls, roots, FEW)):
        scene, tree = prepare(way, killed)
        kill = call.injecting("signal=SIGKILL")
        outcome = run_traced(start, words, f"--trace={','.join(CALLS)}", *way.faults, kill)
        assert outcome.code == KILLED, call
        assert_nothing_is_lost(scene, tree, way)
        # The next run may be the same command, or the other one.
        assert_recovered(run, scene, tree, way, ("apply", "undo")[index % 2])
