"""What must hold after a fault in an apply or an undo, and what the next runs make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cli.running import Outcome
from tests.faults.scenes import Scene
from tests.faults.trees import Tree, contents_of

NO_RENAME = "--inject=renameat2:error=EINVAL"
UNDO = ("undo", "--yes")


@dataclass(frozen=True)
class Way:
    """How files get to their targets.

    arguments: of apply. faults: what strace must do for that. crosses: they go to another disk.
    call: one by which they get their names. names: how many more each of them has in the end.
    """

    call: str
    arguments: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    crosses: bool = False
    names: int = 0

    @property
    def apply(self) -> tuple[str, ...]:
        return ("apply", "out", "--yes", *self.arguments)

    def command(self, name: str) -> tuple[str, ...]:
        return self.apply if name == "apply" else UNDO


MOVE = Way("renameat2")
WAYS = {
    "rename": MOVE,
    "link and unlink": Way("linkat", faults=(NO_RENAME,)),
    "across": Way("renameat2", crosses=True),
    "across, link and unlink": Way("linkat", faults=(NO_RENAME,), crosses=True),
    "prune": Way("renameat2", ("--prune-empty",)),
    "prune across": Way("renameat2", ("--prune-empty",), crosses=True),
    "copy": Way("renameat2", ("--mode", "copy"), names=1),
    "copy across": Way("renameat2", ("--mode", "copy"), crosses=True, names=1),
    "hardlink": Way("linkat", ("--mode", "hardlink"), names=1),
    "symlink": Way("symlinkat", ("--mode", "symlink")),
    "reflink-auto": Way("renameat2", ("--mode", "reflink-auto"), names=1),
}


def assert_nothing_is_lost(scene: Scene, tree: Tree, way: Way = MOVE) -> None:
    """Check that each content of the starting tree is whole, and that there is nothing else.

    In the middle of a move across disks a file may have two names.
    """
    before, now = contents_of(tree), scene.contents()
    assert now.keys() == before.keys()
    for content, count in before.items():
        assert count <= now[content] <= count + max(way.names, 1), content


def undo_everything(run: Callable[..., Outcome]) -> None:
    for _ in range(10):
        outcome = run(*UNDO)
        if outcome.code == 3:
            assert "nothing to undo" in outcome.err
            return
        assert outcome.code == 0, outcome.err
    pytest.fail("there is always more to undo")


def assert_recovered(
    run: Callable[..., Outcome],
    scene: Scene,
    tree: Tree,
    way: Way,
    name: str,
    *,
    seen: Callable[[Tree], Any] = lambda tree: tree,
) -> None:
    """Run apply or undo: all is settled. Again: it has nothing to do. Undo: the starting tree.

    tree: the starting one. seen: what of a tree is compared.
    """
    words = way.command(name)
    again = run(*words)
    assert again.code in ((0, 3) if name == "undo" else (0,)), again.err  # 3: nothing to undo
    scene.assert_settled()
    scene.assert_holds(tree, way.names if name == "apply" else 0)
    settled = scene.tree(), scene.dump()
    second = run(*words)
    assert second.code in (0, 3), second.err
    assert (scene.tree(), scene.dump()) == settled
    undo_everything(run)
    scene.assert_settled()
    assert seen(scene.tree()) == seen(tree)
