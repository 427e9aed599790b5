"""What the page asks for; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from vidindex.galleries import OpenedVideo
from vidindex.web import answers
from vidindex.web.answers import Json
from vidindex.web.asking import Question, Site, in_thread
from vidindex.web.jobs import require_job
from vidindex.web.media import VideoResponse
from vidindex.web.security import Refusal

MOST_VIDEOS = 500


def get_library(question: Question) -> Json:
    """The library at a glance."""
    return answers.library(question.library.overview(), question.site.jobs.running)


def get_run(question: Question) -> Json:
    """The clusters of a run."""
    return answers.gallery(question.library.gallery(question.place("run")))


def get_cluster(question: Question) -> Json:
    """A part of the videos of a cluster."""
    limit = min(question.query("limit", 24) or 0, MOST_VIDEOS)
    page = question.library.members(
        question.place("run"),
        question.label(),
        offset=question.query("offset", 0) or 0,
        limit=limit,
    )
    return {"videos": [answers.video(each) for each in page.videos], "total": page.total}


def get_video(question: Question) -> Json:
    """All that is known of a video."""
    number = question.place("video")
    return answers.video_whole(
        number, question.library.show(question.library.video_hash(number).hex())
    )


def get_diff(question: Question) -> Json:
    """What differs between two runs."""
    found = question.library.diff(question.query("before"), question.query("after"))
    changed = question.library.changed_videos(found.before.id, found.after.id)
    return answers.diff(found, changed)


def get_map(question: Question) -> Json:
    """Where the videos of a run, or of the one in use, lie on the map; made if need be."""
    library = question.library
    run = library.gallery(question.query("run"), typical=0, least=0).run
    found = library.map(run.recipe_id)
    videos = library.videos([point.video_id for point in found.points], run.id)
    return answers.library_map(run.id, found, videos)


def get_duplicates(question: Question) -> Json:
    """The groups of copies; by the recipe of the run in use, if there is one."""
    library = question.library
    run = library.overview().run
    found = library.duplicates(recipe=None if run is None else run.recipe_id)
    ids = {file.video_id for group in found.groups for file in group.files}
    videos = library.videos(ids, None if run is None else run.id)
    return answers.duplicates(found, videos)


def get_failures(question: Question) -> Json:
    """The files that cannot be used."""
    return answers.failures(question.library.failures())


def get_job(question: Question) -> Json:
    """How far a job is."""
    return answers.job_data(require_job(question.site.jobs, question.place("job")))


def thumbnail(site: Site) -> Callable[[Request], Awaitable[Response]]:
    """Make the endpoint that sends a picture."""

    def find(question: Question) -> bytes | None:
        return question.library.thumbnail(question.place("video"), question.place("position"))

    async def endpoint(request: Request) -> Response:
        jpeg = await in_thread(site.asking, find, Question(site, request))
        if jpeg is None:
            raise Refusal(404, "there is no such picture")
        # A video may get other pictures, and another library may have this address tomorrow.
        headers = {"cache-control": "private, max-age=60"}
        return Response(jpeg, media_type="image/jpeg", headers=headers)

    return endpoint


def media(site: Site) -> Callable[[Request], Awaitable[ASGIApp]]:
    """Make the endpoint that sends a video."""

    def find(question: Question) -> OpenedVideo | None:
        return question.library.open_video(question.place("file"))

    async def endpoint(request: Request) -> ASGIApp:
        video = await in_thread(site.asking, find, Question(site, request))
        if video is None:
            raise Refusal(404, "this file is not there any more, or was changed", "index it again")
        return VideoResponse(request, video, site.reading)

    return endpoint
