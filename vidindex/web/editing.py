"""What the page changes: each a call of the library, one at a time."""

from __future__ import annotations

from collections.abc import Callable

from vidindex.errors import Refused, UsageError
from vidindex.web import plans
from vidindex.web.answers import Json, job_data
from vidindex.web.asking import Question
from vidindex.web.jobs import require_job
from vidindex.web.plans import Wish


def edit(change: Callable[[Question], Json]) -> Callable[[Question], Json]:
    """Make a change wait for the other ones, and refuse it while a job is at work."""

    def alone(question: Question) -> Json:
        with question.site.jobs.editing():
            return change(question)

    return alone


@edit
def cluster(question: Question) -> Json:
    """Group the videos into K clusters."""
    run = question.library.overview().run
    recipe = None if run is None else run.recipe_id
    return {"run": question.library.cluster_or_reuse(question.number("k"), recipe=recipe)}


@edit
def use(question: Question) -> Json:
    """Make a run the one in use."""
    return {"run": question.library.use(question.place("run")).run.id}


@edit
def name(question: Question) -> Json:
    """Give a cluster a name, or take it away."""
    text = question.sent.get("name")
    if text is not None and not isinstance(text, str):
        raise UsageError("a name is a text", "")
    named = question.library.name(question.place("label"), text or None, run=question.place("run"))
    return {"label": named.label, "name": named.name, "before": named.before}


@edit
def pin(question: Question) -> Json:
    """Keep a video in a cluster of the run in use."""
    _require_in_use(question)
    content = question.library.video_hash(question.place("video")).hex()
    result = question.library.pin(content, question.number("label"))
    (pinned,) = result.pinned
    return {"run": result.run, "label": result.label, "state": pinned.state}


@edit
def unpin(question: Question) -> Json:
    """Let a video go where it belongs."""
    content = question.library.video_hash(question.place("video")).hex()
    question.library.unpin(content)
    return {}


@edit
def set_distinct(question: Question) -> Json:
    """Note that two videos are no duplicates."""
    question.library.set_distinct(question.number("one"), question.number("other"))
    return {}


@edit
def unset_distinct(question: Question) -> Json:
    """Let two videos be found as duplicates again."""
    question.library.unset_distinct(question.number("one"), question.number("other"))
    return {}


def _require_in_use(question: Question) -> None:
    """Check that the run that the page shows, if it says which, is the one in use.

    Raises:
        Refused: it is not.
    """
    if question.sent.get("run") is None:
        return
    shown, run = question.number("run"), question.library.overview().run
    if run is None or run.id != shown:
        raise Refused(f"run {shown} is not the one in use", "use it first, then pin")


def plan(question: Question) -> Json:
    """Look at what an apply would do."""
    return plans.look(question.library, Wish.of(question.sent), question.site.plans)


def apply(question: Question) -> Json:
    """Begin to move the files as a plan says."""
    seen = question.site.plans.require(question.number("plan"))
    library = question.library
    job = question.site.jobs.begin("apply", lambda job: plans.carry_out(library, seen, job))
    return {"job": job.number}


def undo(question: Question) -> Json:
    """Begin to put a batch back."""
    batch = None if question.sent.get("batch") is None else question.number("batch")
    library = question.library
    job = question.site.jobs.begin("undo", lambda job: plans.take_back(library, batch, job))
    return {"job": job.number}


def stop(question: Question) -> Json:
    """Ask a job to stop at its next safe moment."""
    job = require_job(question.site.jobs, question.place("job"))
    job.stop.set()
    return job_data(job)
