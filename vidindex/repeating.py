"""Group the stored vectors as asked, but not again: an equal run that is stored is put to use."""

from __future__ import annotations

from pathlib import Path

from vidindex import choosing, clustering
from vidindex.clustering import Request
from vidindex.db import schema
from vidindex.gathering import gather
from vidindex.heeding import count_broken
from vidindex.querying import choose_recipe
from vidindex.reporting import Reporter, Silence
from vidindex.store import repeats


def cluster_or_reuse(library: Path, k: int, request: Request, reporter: Reporter) -> int:
    """Return the number of a run of K clusters, which is in use now: a stored one, or a new one.

    A stored one is equal if it was made of the same vectors in the same way, and the user's wishes
    hold in it.

    Raises:
        UsageError, Refused: as `clustering.cluster`.
    """
    request.method.require_k(k)
    stored = _find_equal(library, k, request)
    if stored is None:
        return clustering.cluster(library, k, request, reporter).run
    return choosing.use(library, stored, reporter=reporter, wait=request.wait).run.id


def _find_equal(library: Path, k: int, request: Request) -> int | None:
    method = request.method
    with schema.open_for_reading(library) as database, database.reading() as session:
        recipe = choose_recipe(session, request.recipe).id
        wanted = repeats.Repeat(
            recipe, method.algorithm, k, method.seed, method.n_init, method.normalize, request.scope
        )
        candidates = repeats.list_equal(session, wanted)
        if not candidates:
            return None
        digest = gather(session, recipe, request.scope, method.normalize, Silence()).digest
        for run, digest_of_run in candidates:
            if digest_of_run == digest and count_broken(session, run) == (0, 0):
                return run
    return None
