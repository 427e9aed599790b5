"""The page itself and what it is made of, all of it a part of the program."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

import vidindex
from vidindex.escaping import printable
from vidindex.web.asking import Site
from vidindex.web.security import Keys, Refusal

_STATIC = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def page(site: Site, keys: Keys) -> Callable[[Request], Awaitable[Response]]:
    """Make the endpoint that sends the page."""
    environment = Environment(
        loader=PackageLoader("vidindex.web"), autoescape=True, undefined=StrictUndefined
    )
    library = printable(site.library.path.name)

    async def endpoint(_: Request) -> Response:
        template = environment.get_template("page.html")
        return HTMLResponse(
            template.render(token=keys.page, library=library, version=vidindex.__version__)
        )

    return endpoint


def static() -> Callable[[Request], Awaitable[Response]]:
    """Make the endpoint that sends style and script: just the files there are at the start."""
    known = {
        path.relative_to(_STATIC).as_posix(): path
        for path in sorted(_STATIC.rglob("*"))
        if path.suffix in _TYPES
    }

    async def endpoint(request: Request) -> Response:
        path = known.get(request.path_params["name"])
        if path is None:
            raise Refusal(404, "there is nothing here")
        return Response(path.read_bytes(), media_type=_TYPES[path.suffix])

    return endpoint
