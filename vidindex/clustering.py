"""Group the stored vectors of one recipe and store the run. Opens no video, needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from vidindex import algorithms, kmeans, scoring
from vidindex.algorithms import Method
from vidindex.continuing import Continuation, EarlierRuns, continue_runs
from vidindex.db import schema
from vidindex.errors import Refused
from vidindex.gathering import Gathered, Projector, gather
from vidindex.kmeans import Grouping, TooManyClusters
from vidindex.lineage import NO_LABEL, Churn
from vidindex.naming_clusters import name_new_clusters
from vidindex.projections import draw_rows
from vidindex.querying import choose_recipe
from vidindex.reporting import Reporter
from vidindex.respecting import respect_wishes
from vidindex.scoring import Tried
from vidindex.store import clusterings, projections
from vidindex.store.clusterings import UNSORTED, NewClustering, StoredCluster

RANGE_STARTS = 4  # at most, for each K of a range


@dataclass(frozen=True)
class Request:
    """What to group, and how.

    recipe: its number, where the library has vectors of several. scope: only videos with a file
    at or below this folder. wait: until another vidindex has finished.
    """

    method: Method
    recipe: int | None = None
    scope: Path | None = None
    wait: bool = False


@dataclass(frozen=True)
class ClusterResult:
    """A stored run. left_out: videos whose stored vector is not finite.

    churn: what it changes against the run that was in use before it, None if there was none.
    unsorted: videos that are in no cluster.
    """

    run: int
    k: int
    videos: int
    left_out: int
    inertia: float
    clusters: tuple[StoredCluster, ...]
    churn: Churn | None
    algorithm: str
    unsorted: int


@dataclass(frozen=True)
class TriedRun:
    """One run of a range. silhouette, stability: None where they cannot be told."""

    run: int
    k: int
    inertia: float
    silhouette: float | None
    stability: float | None
    smallest: int
    largest: int


@dataclass(frozen=True)
class RangeResult:
    """The runs of a range by K; why: a sentence on the recommended one, which is in use now."""

    recommended: ClusterResult
    why: str
    runs: tuple[TriedRun, ...]


@dataclass(frozen=True)
class _Made:
    """A grouping that is to be stored, and how it goes on from the run in use."""

    grouping: Grouping
    continuation: Continuation
    silhouette: float | None = None

    @property
    def k(self) -> int:
        return len(self.grouping.centroids)


def cluster(library: Path, k: int | None, request: Request, reporter: Reporter) -> ClusterResult:
    """Group all videos of a library, or those of a folder, into K clusters.

    k: None just for hdbscan.

    Raises:
        UsageError: K is below 1, or is missing, or not wanted.
        Refused: no vectors, fewer distinct ones than K, or vectors of several recipes and none
            named; nothing was changed.
    """
    request.method.require_k(k)

    def group(gathered: Gathered, projector: Projector) -> Iterator[tuple[Grouping, None]]:
        yield algorithms.group(gathered.points, k, request.method, projector), None

    (result,), _ = _group_and_store(library, request, reporter, group)
    return result


def cluster_range(
    library: Path, ks: Sequence[int], request: Request, reporter: Reporter
) -> RangeResult:
    """Try several K, keep the run of each, and recommend one, which becomes the one in use.

    ks: ascending, at least one. Those that are more than there are distinct vectors are left out
    with a notice. Each K gets RANGE_STARTS starts at most.

    Raises:
        UsageError, Refused: as for `cluster`; fewer distinct vectors only if it is so for each K.
    """
    request.method.require_k(ks[0])
    starts = min(RANGE_STARTS, request.method.n_init)
    request = replace(request, method=replace(request.method, n_init=starts))

    def group(gathered: Gathered, projector: Projector) -> Iterator[tuple[Grouping, float | None]]:
        points = gathered.points
        sample = draw_rows(points.count, scoring.SILHOUETTE_SAMPLE, request.method.seed)
        apart = scoring.measure_apart(points.rows(sample))
        reporter.start("trying", len(ks))
        groupings = algorithms.group_range(points, ks, request.method, projector)
        for k in ks:
            try:
                found = next(groupings)
            except TooManyClusters as error:
                if k == ks[0]:
                    raise
                reporter.notice(f"K from {k} to {ks[-1]} were left out: {error.message}")
                break
            yield found, scoring.silhouette(apart, found.labels[sample])
            reporter.advance()
        reporter.finish()

    why = ""

    def choose(made: Sequence[_Made]) -> int:
        nonlocal why
        tried = [Tried(each.k, each.silhouette, each.grouping.stability) for each in made]
        best, why = scoring.recommend(tried)
        return [each.k for each in made].index(best)

    results, made = _group_and_store(library, request, reporter, group, choose)
    return RangeResult(
        results[choose(made)],
        why,
        tuple(_sum_up(result, each) for result, each in zip(results, made, strict=True)),
    )


def _group_and_store(
    library: Path,
    request: Request,
    reporter: Reporter,
    group: Callable[[Gathered, Projector], Iterable[tuple[Grouping, float | None]]],
    choose: Callable[[Sequence[_Made]], int] = lambda _: 0,
) -> tuple[list[ClusterResult], list[_Made]]:
    """Store what is made of the vectors, with the silhouette of each grouping, in one go.

    choose: says which of the runs becomes the one in use.
    """
    schema.require(library)
    # Held from the first look at the vectors on: the labels are of videos that are still there.
    with schema.open_for_writing(library, reporter.notice, wait=request.wait) as database:
        with database.reading() as session:
            recipe = choose_recipe(session, request.recipe).id
            gathered = gather(session, recipe, request.scope, request.method.normalize, reporter)
            projector = Projector(session, recipe, gathered, is_whole=request.scope is None)
            earlier = EarlierRuns(session, recipe, gathered.video_ids)
            made, refusals = [], []
            for grouping, silhouette in group(gathered, projector):
                try:
                    went_on = _go_on(session, earlier, gathered, grouping, request)
                    made.append(replace(went_on, silhouette=silhouette))
                except Refused as error:  # of the user's wishes, with so few clusters
                    refusals.append(error)
        if not made:
            raise refusals[0]
        if refusals:
            reporter.notice(f"{len(refusals)} K left out: {refusals[0].message}")
        chosen = choose(made)
        now = datetime.now(UTC)
        with database.writing() as session:
            if projector.new is not None:
                projections.put_projection(
                    session, recipe, request.method.normalize, projector.new, now=now
                )
            results = []
            for number, each in enumerate(made):
                new = _describe(recipe, gathered, each, request)
                run = clusterings.put_clustering(
                    session, replace(new, is_in_use=number == chosen), now=now
                )
                if number == chosen:
                    name_new_clusters(session, run)
                clusters = clusterings.list_clusters(session, run)
                results.append(_result(run, new, gathered, tuple(clusters), each))
    return results, made


def _go_on(
    session: Session,
    earlier: EarlierRuns,
    gathered: Gathered,
    grouping: Grouping,
    request: Request,
) -> _Made:
    """Bring the user's wishes into a grouping, and match it to the run in use.

    Raises:
        Refused: the wishes cannot be granted.
    """
    granted, fixed = respect_wishes(
        session,
        earlier,
        gathered.video_ids,
        gathered.points,
        grouping,
        settles=request.method.algorithm == "kmeans",
    )
    continuation = continue_runs(earlier, granted.labels, len(granted.centroids), fixed=fixed)
    return _Made(granted, continuation)


def _describe(recipe: int, gathered: Gathered, made: _Made, request: Request) -> NewClustering:
    grouping, continuation, method = made.grouping, made.continuation, request.method
    is_in = grouping.labels != NO_LABEL
    return NewClustering(
        recipe_id=recipe,
        k=made.k,
        seed=method.seed,
        n_init=method.n_init,
        normalize=method.normalize,
        scope=request.scope,
        input_digest=gathered.digest,
        inertia=grouping.inertia,
        software=kmeans.software(),
        video_ids=gathered.video_ids,
        labels=np.where(is_in, continuation.labels[grouping.labels], UNSORTED),
        distances=grouping.distances,
        cluster_labels=continuation.labels,
        centroids=grouping.centroids,
        algorithm=method.algorithm,
        names=continuation.names,
        shift=gathered.space.shift,
        scale=gathered.space.scale,
        silhouette=made.silhouette,
        stability=grouping.stability,
        previous=continuation.previous,
    )


def _result(
    run: int,
    new: NewClustering,
    gathered: Gathered,
    clusters: tuple[StoredCluster, ...],
    made: _Made,
) -> ClusterResult:
    return ClusterResult(
        run,
        new.k,
        len(new.video_ids),
        len(gathered.damaged),
        new.inertia,
        clusters,
        made.continuation.churn,
        new.algorithm,
        int(np.count_nonzero(new.labels == UNSORTED)),
    )


def _sum_up(result: ClusterResult, made: _Made) -> TriedRun:
    sizes = [each.size for each in result.clusters]
    return TriedRun(
        result.run,
        result.k,
        result.inertia,
        made.silhouette,
        made.grouping.stability,
        min(sizes),
        max(sizes),
    )
