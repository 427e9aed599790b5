"""How quickly stored vectors are clustered, how well, and against folders sorted by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from benchmarks.bench import Bench, Findings
from benchmarks.generated import mixture
from benchmarks.running import new_library, program, vidindex
from benchmarks.table import Row, at_most, seconds
from vidindex import Library, kmeans
from vidindex.blocks import Points
from vidindex.spaces import Space

K = 20
LIMITS_S = {10_000: 1.0, 50_000: 3.0, 100_000: 7.0}
RANGES = ((2, 30), (12, 40))  # 29 values each; larger K cost more
RANGE_LIMIT_S = 10.0
MILLION = 1_000_000
MEMORY_LIMIT_GB = 4.0
# Vectors and clusters for which plain K-Means is run eleven times over.
COMPARED = ((1500, 8), (1500, 40), (6000, 5), (6000, 20), (6000, 60))
STARTS = range(10)
MOST_RATIO = 1.01
LEAST_AGREEMENT = 0.95


def measure(bench: Bench) -> Findings:
    """Measure times, the quality against plain K-Means, and the agreement with scenes."""
    found = Findings()
    for count, limit_s in LIMITS_S.items():
        _time(bench, found, bench.sized(count, count // 50), limit_s)
    for count, k in COMPARED:
        _compare(bench, found, mixture(bench.sized(count, 300), seed=k), k, "generated")
    if bench.labelled:
        _measure_scenes(bench, found, bench.labelled)
    return found


def measure_million(bench: Bench) -> Findings:
    """Measure time and memory for so many vectors that they are not held in memory."""
    found = Findings()
    count = bench.sized(MILLION, 5000)
    with new_library() as library:
        bench.tell(f"{count} vectors: making them")
        program("benchmarks.generated", "fill", str(library), str(count))
        bench.tell(f"{count} vectors: clustering")
        answer = program("benchmarks.generated", "cluster", str(library), str(K)).answer
    found.raw["million"] = answer
    size = f"{count} vectors, K={K}"
    first_s, again_s = answer["whole_s"]
    found.rows.append(Row("cluster, first time", size, seconds(first_s)))
    found.rows.append(Row("cluster again", size, seconds(again_s)))
    found.rows.append(
        at_most("cluster, memory", size, answer["peak_bytes"] / 1e9, MEMORY_LIMIT_GB, "GB")
    )
    return found


def _time(bench: Bench, found: Findings, count: int, limit_s: float) -> None:
    size = f"{count} vectors, K={K}"
    bench.tell(f"clustering {count} vectors")
    with new_library() as library:
        program("benchmarks.generated", "fill", str(library), str(count))
        runs = [
            program("benchmarks.generated", "cluster", str(library), str(K)).answer
            for _ in range(bench.repeats)
        ]
        found.raw[f"cluster {count}"] = runs
        # The first process makes the projection; by then it is stored.
        best = min(runs, key=lambda run: float(run["whole_s"][1]))
        found.rows.append(Row("cluster, first time", size, seconds(runs[0]["whole_s"][0])))
        found.rows.append(at_most("cluster", size, best["whole_s"][1], limit_s, "s"))
        for step, spent_s in best["steps"][1].items():
            found.rows.append(Row(f"cluster, of it to {step}", size, seconds(spent_s)))
        if limit_s == min(LIMITS_S.values()):
            for least, most in RANGES:
                words = ("range", str(library), str(least), str(most))
                tried = program("benchmarks.generated", *words).answer
                found.raw[f"range {least}..{most}"] = tried
                values = f"{count} vectors, K={least}..{most}"
                found.rows.append(
                    at_most("cluster, a range", values, tried["seconds"], RANGE_LIMIT_S, "s")
                )


def _compare(
    bench: Bench, found: Findings, vectors: NDArray[np.float32], k: int, kind: str
) -> None:
    """Hold the inertia against that of plain K-Means on the same points."""
    size = f"{len(vectors)} {kind}, K={k}"
    bench.tell(f"quality: {size}")
    points = Space("l2").place(vectors)
    own = kmeans.group(Points.of(points), k, seed=42, n_init=10).inertia
    plain = float(KMeans(k, random_state=42).fit(points).inertia_)
    best = min(float(KMeans(k, random_state=seed).fit(points).inertia_) for seed in STARTS)
    found.raw[f"quality {size}"] = {"own": own, "plain": plain, "best": best}
    for what, other, limit in (
        ("best of ten", best, MOST_RATIO),
        ("KMeans(K, random_state=42)", plain, 1.0),
    ):
        ratio = own / other
        found.rows.append(
            Row(
                f"inertia against {what}",
                *(size, f"{own:.5g}", f"{other:.5g}", f"{ratio:.4f}x", f"<= {limit:g}x"),
                met=ratio <= limit + 1e-6,  # both are sums of float32 squares
            )
        )


def _measure_scenes(bench: Bench, found: Findings, scenes: Sequence[Path]) -> None:
    """Cluster clips whose folders say what belongs together, by default and the plain way."""
    bench.tell("agreement with folders")
    with new_library() as library:
        vidindex(library, "index", *scenes, "--weights", "untrained")
        stored = Library(library).vectors()
        truth = [path.parent.name for path in stored.paths]
        k = len(set(truth))
        Library(library).cluster(k)
        labels = {row.stat.path: row.label for row in Library(library).labels().rows}
    own = [labels[path] for path in stored.paths]
    plain = KMeans(k, random_state=42).fit(stored.vectors).labels_.tolist()
    size = f"{len(truth)} clips, {k} scenes"
    for what, measured, demand in (
        ("agreement (ARI) with scenes", adjusted_rand_score, LEAST_AGREEMENT),
        ("purity of scenes", purity, None),
    ):
        mine, others = float(measured(truth, own)), float(measured(truth, plain))
        found.raw[what] = {"own": mine, "plain": others}
        found.rows.append(
            Row(
                what,
                *(size, f"{mine:.3f}", f"plain K-Means {others:.3f}"),
                demand="-" if demand is None else f">= {demand:g}",
                met=None if demand is None else mine >= demand,
            )
        )
    _compare(bench, found, stored.vectors, k, "clips")


def purity(truth: Sequence[str], labels: Sequence[int | None]) -> float:
    """Return the share of items that are of the most frequent kind of their cluster, 0 to 1."""
    kinds = np.array(truth)
    clusters = np.array([-1 if label is None else label for label in labels])
    most = [
        np.unique(kinds[clusters == label], return_counts=True)[1].max() for label in set(clusters)
    ]
    return float(sum(most) / len(kinds))
