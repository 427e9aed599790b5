"""Whether a run, which may be older than the user's wishes, holds to them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from vidindex.reporting import Reporter
from vidindex.store import clusterings, wishes
from vidindex.store.clusterings import UNSORTED


def count_broken(session: Session, run: int) -> tuple[int, int]:
    """Return how many pins, and how many separations, of a run's videos do not hold in it."""
    labels = clusterings.load_labels(session, run)
    pins = sum(
        labels[video] != label
        for video, label in wishes.list_pins(session).items()
        if video in labels
    )
    pairs = sum(
        labels.get(one, UNSORTED) == labels.get(other, UNSORTED) != UNSORTED
        for one, other in wishes.list_separations(session)
    )
    return pins, pairs


def tell_broken(session: Session, run: int, reporter: Reporter) -> None:
    """Say so if wishes of the user do not hold in a run, as it was made before them."""
    pins, pairs = count_broken(session, run)
    if pins or pairs:
        what = [f"{pins} {'pin' if pins == 1 else 'pins'}"] if pins else []
        what += [f"{pairs} {'pair' if pairs == 1 else 'pairs'} to be kept apart"] if pairs else []
        verb = "does" if pins + pairs == 1 else "do"
        reporter.notice(
            f"{' and '.join(what)} {verb} not hold in run {run}, which is older; cluster again to "
            "have them (vidindex wishes lists them)"
        )
