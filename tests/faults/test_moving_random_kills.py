"""Apply and undo killed at random moments, again and again on one tree: it stays whole.

`make sweep` kills five hundred times instead of twelve.
"""

import os
import random
import time

import pytest

from tests.faults.running import IS_SWEEP, KILLED
from tests.faults.scenes import Scene, put_library
from tests.faults.settled import MOVE, UNDO, WAYS, assert_nothing_is_lost, undo_everything
from tests.faults.trees import contents_of

KILLS = 250 if IS_SWEEP else 6  # on one disk, and as many across two
FILES = 30


@pytest.fixture
def scene(home, prepare, way):
    """Thirty files of which many share a name, some have a sidecar; out/ has some of the names."""
    scene, _ = prepare(way)
    labels = {}
    for number in range(FILES):
        path = scene.source / f"folder {number % 5}/{number // 7}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"%d" % number * 100)
        path.chmod(0o600 + number % 8)
        os.utime(path, ns=(1_500_000_000_000_000_000, 1_500_000_000_000_000_000 + number))
        if number % 3 == 0:
            path.with_suffix(".srt").write_text(f"what is said in {number}")
        labels[path] = number % 2
    (scene.out / "cluster_0").mkdir(parents=True)
    (scene.out / "cluster_0/1.mp4").write_text("somebody else's")
    put_library(scene.library, labels, home / "empty.db")
    return scene


@pytest.mark.parametrize("way", [MOVE, WAYS["across"]], ids=["one disk", "across two"])
def test_runs_killed_at_random_moments_lose_nothing_and_all_can_be_put_back(
    start, run, home, scene: Scene, way
):
    chance = random.Random(5)
    tree = scene.tree()
    began = time.monotonic()
    assert run(*MOVE.apply).code == 0
    run_s = time.monotonic() - began
    assert run(*UNDO).code == 0
    kills = 0
    while kills < KILLS:
        running = start(*chance.choice((MOVE.apply, UNDO)))
        time.sleep(chance.uniform(0, run_s))
        running.kill()
        kills += running.wait().code == KILLED
        assert_nothing_is_lost(scene, tree)
        if chance.random() < 0.5:  # else the next one is killed while it mends what this one left
            assert run(*chance.choice((MOVE.apply, UNDO))).code in (0, 3)
            scene.assert_settled()
            assert scene.contents() == contents_of(tree)

    undo_everything(run)
    scene.assert_settled()
    assert scene.tree() == tree
