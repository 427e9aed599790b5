"""Which path is answered by what."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from http import HTTPStatus

from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from vidindex.errors import VidindexError
from vidindex.web import asking, editing, pages, reading
from vidindex.web.answers import Json
from vidindex.web.asking import Question, Site, answering
from vidindex.web.security import Guard, Keys, Refusal

_CLUSTER = "/api/runs/{run}/clusters/{label}"
READ = {
    "/api/library": reading.get_library,
    "/api/runs/{run}": reading.get_run,
    _CLUSTER: reading.get_cluster,
    "/api/videos/{video}": reading.get_video,
    "/api/diff": reading.get_diff,
    "/api/failures": reading.get_failures,
    "/api/jobs/{job}": reading.get_job,
}
COMPUTE = {"/api/map": reading.get_map, "/api/duplicates": reading.get_duplicates}
EDIT = {
    "/api/cluster": editing.cluster,
    "/api/runs/{run}/use": editing.use,
    f"{_CLUSTER}/name": editing.name,
    "/api/videos/{video}/pin": editing.pin,
    "/api/videos/{video}/unpin": editing.unpin,
    "/api/distinct": editing.set_distinct,
    "/api/distinct/undo": editing.unset_distinct,
}
STEER = {
    "/api/plan": editing.plan,
    "/api/apply": editing.apply,
    "/api/undo": editing.undo,
    "/api/jobs/{job}/stop": editing.stop,
}


def build(site: Site, keys: Keys, tell: Callable[[str], None]) -> ASGIApp:
    """Build the application. tell: told a line at a time of what is a bug."""

    async def tell_bug(_: Request, error: Exception) -> Response:
        for line in "".join(traceback.format_exception(error)).splitlines():
            tell(line)
        message = f"this is a bug in vidindex: {type(error).__name__}"
        hint = "the terminal of vidindex serve says where; please report it"
        error_data = {"error": {"message": message, "hint": hint}}
        # The error goes on to the server, which ends the connection; its other side should know.
        return JSONResponse(error_data, 500, {"connection": "close"})

    app = Starlette(
        routes=[
            Route("/", pages.page(site, keys), methods=["GET"]),
            Route("/static/{name:path}", pages.static(), methods=["GET"]),
            Route("/thumbnails/{video}/{position}", reading.thumbnail(site), methods=["GET"]),
            Route("/media/{file}", reading.media(site), methods=["GET"]),
            *_routes(site, "GET", READ, site.asking),
            *_routes(site, "GET", COMPUTE, site.computing),
            *_routes(site, "POST", EDIT, site.editing),
            *_routes(site, "POST", STEER, site.asking),
        ],
        exception_handlers={
            Refusal: asking.tell_refusal,
            VidindexError: asking.tell_error,
            OSError: asking.tell_stop,
            HTTPException: _tell_nothing_here,
            Exception: tell_bug,
        },
    )
    app.router.redirect_slashes = False
    return Guard(app, keys)


def _routes(
    site: Site,
    method: str,
    answers: Mapping[str, Callable[[Question], Json]],
    limiter: CapacityLimiter,
) -> list[Route]:
    return [
        Route(path, answering(site, answer, limiter), methods=[method])
        for path, answer in answers.items()
    ]


async def _tell_nothing_here(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = (
        "there is nothing here" if status == HTTPStatus.NOT_FOUND else "this cannot be asked here"
    )
    return JSONResponse({"error": {"message": message, "hint": ""}}, status)
