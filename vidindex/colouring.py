"""Colours for the nodes of a graph, so that no two neighbours have the same one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

# So many nodes are tried at most where the first choices do not fit together.
MOST_TRIALS = 5000


def colour(
    choices: Mapping[int, Sequence[int]],
    neighbours: Mapping[int, set[int]],
    fixed: Mapping[int, int],
) -> dict[int, int] | None:
    """Return a colour for every node, or None if none was found.

    choices: the colours that a node may have, the best first; earlier nodes choose before later
    ones. fixed: colours of the other nodes. Where a node finds no colour left, the nodes are
    coloured anew, the most constrained first, with as much backtracking as MOST_TRIALS allow
    (Brélaz, "New methods to color the vertices of a graph", CACM 1979).
    """
    colours = dict(fixed)
    for node, wanted in choices.items():
        taken = {colours.get(other) for other in neighbours[node]}
        free = next((each for each in wanted if each not in taken), None)
        if free is None:
            return _search(choices, neighbours, fixed)
        colours[node] = free
    return colours


def find_clique(neighbours: Mapping[int, set[int]]) -> list[int]:
    """Return nodes that are all neighbours of each other: many, though not always the most."""
    best: list[int] = []
    by_degree = sorted(neighbours, key=lambda node: (-len(neighbours[node]), node))
    for start in by_degree:
        if len(neighbours[start]) < len(best):
            break
        clique = [start]
        for node in by_degree:
            if neighbours[node].issuperset(clique):
                clique.append(node)
        best = max(best, clique, key=len)
    return sorted(best)


def _search(
    choices: Mapping[int, Sequence[int]],
    neighbours: Mapping[int, set[int]],
    fixed: Mapping[int, int],
) -> dict[int, int] | None:
    if len(find_clique(neighbours)) > len({*fixed.values()}.union(*choices.values())):
        return None
    colours = dict(fixed)
    open_nodes = dict.fromkeys(node for node in choices if neighbours[node])
    loose = {node: wanted[0] for node, wanted in choices.items() if not neighbours[node]}

    def left(node: int) -> list[int]:
        taken = {colours.get(other) for other in neighbours[node]}
        return [each for each in choices[node] if each not in taken]

    stack: list[tuple[int, Iterator[int]]] = []
    for _ in range(MOST_TRIALS):
        if not open_nodes:
            return colours | loose
        node = min(open_nodes, key=lambda each: (len(left(each)), -len(neighbours[each])))
        del open_nodes[node]
        stack.append((node, iter(left(node))))
        while stack:
            node, untried = stack[-1]
            chosen = next(untried, None)
            if chosen is not None:
                colours[node] = chosen
                break
            colours.pop(node, None)
            open_nodes[node] = None
            stack.pop()
        if not stack:
            return None
    return None
