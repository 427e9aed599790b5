"""What the user wishes of the videos of a new clustering, brought into it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from vidindex.blocks import Points
from vidindex.constraints import Wishes, claim_clusters, grant, require_possible
from vidindex.continuing import EarlierRuns, continue_runs
from vidindex.store import files, wishes

if TYPE_CHECKING:
    from vidindex.kmeans import Grouping


def respect_wishes(
    session: Session,
    earlier: EarlierRuns,
    video_ids: Sequence[int],
    points: Points,
    grouping: Grouping,
    *,
    settles: bool = True,
) -> tuple[Grouping, dict[int, int]]:
    """Return a grouping of n videos that grants the user's wishes, and the labels that it fixes.

    earlier, points: of the videos, in their order. settles: whether the other videos follow, as
    they do in K-Means. Labels are by cluster, as `continue_runs` takes them. Without a wish of any
    of the videos the grouping is the one given.

    Raises:
        Refused: the wishes contradict each other, or cannot be granted with so few clusters.
    """
    wished = _find_wishes(session, video_ids)
    if not wished:
        return grouping, {}
    k = len(grouping.centroids)
    require_possible(wished, len(video_ids), k)
    labels = continue_runs(earlier, grouping.labels, k).labels
    claims = claim_clusters(points, grouping, labels, wished)
    seeded = frozenset(cluster for cluster, label in claims.items() if labels[cluster] != label)
    return grant(points, grouping, wished, claims, seeded=seeded, settles=settles), claims


def _find_wishes(session: Session, video_ids: Sequence[int]) -> Wishes:
    pins, separations = wishes.list_pins(session), wishes.list_separations(session)
    wanted = {*pins}.union(*separations)
    rows = {video: row for row, video in enumerate(video_ids) if video in wanted}
    paths = files.find_paths(session) if rows else {}
    return Wishes(
        {rows[video]: label for video, label in pins.items() if video in rows},
        tuple((rows[one], rows[other]) for one, other in separations if {one, other} <= {*rows}),
        lambda row: str(paths.get(video_ids[row], f"video {video_ids[row]}")),
    )
