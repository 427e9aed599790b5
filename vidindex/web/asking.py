"""How a request becomes a call: its numbers and its JSON are checked, its errors become answers.

The library is asked in threads, of which there are few, so that many who ask at once only wait.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from anyio import CapacityLimiter, fail_after
from anyio.to_thread import run_sync
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from vidindex.errors import AnotherAtWork, Refused, SystemStopped, UsageError, VidindexError
from vidindex.library import Library
from vidindex.web.answers import Json, error_data
from vidindex.web.jobs import Jobs, stopped_by
from vidindex.web.plans import Plans
from vidindex.web.security import Refusal

MOST_BODY_BYTES = 64 << 10
BODY_MAY_TAKE_S = 10.0
ASKING_THREADS = 8
READING_THREADS = 4

_NUMBER = re.compile("[0-9]{1,18}", re.ASCII)  # all of these are numbers that SQLite has
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Site:
    """What the requests of a server share.

    Each limits how many threads may do a thing at a time: asking the library; reading videos,
    which a slow disk may hold up; what computes for seconds; edits, which wait for each other.
    """

    library: Library
    jobs: Jobs = field(default_factory=Jobs)
    plans: Plans = field(default_factory=Plans)
    asking: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(ASKING_THREADS))
    reading: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(READING_THREADS))
    computing: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    editing: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))


@dataclass(frozen=True)
class Question:
    """A request as an answer needs it. sent: the JSON of a POST."""

    site: Site
    request: Request
    sent: Json = field(default_factory=dict)

    @property
    def library(self) -> Library:
        """The library that is asked."""
        return self.site.library

    def place(self, name: str) -> int:
        """Return the number that a part of the path is.

        Raises:
            Refusal: it is none, so there is nothing at this path.
        """
        found = to_number(self.request.path_params[name])
        if found is None:
            raise Refusal(404, "there is nothing here")
        return found

    def label(self) -> int | None:
        """Return the label in the path, None for unsorted."""
        return None if self.request.path_params["label"] == "unsorted" else self.place("label")

    def query(self, name: str, default: int | None = None) -> int | None:
        """Return a number of the query.

        Raises:
            Refusal: it is none.
        """
        text = self.request.query_params.get(name)
        if text is None:
            return default
        found = to_number(text)
        if found is None:
            raise Refusal(400, f"{name} is no number")
        return found

    def number(self, name: str) -> int:
        """Return a number that was sent.

        Raises:
            Refusal: there is none of that name.
        """
        value = self.sent.get(name)
        if type(value) is not int or not 0 <= value < 1 << 63:
            raise Refusal(400, f"{name} is no number")
        return value


def to_number(text: str) -> int | None:
    """Return a text as a number; None if it is none, or too long for one."""
    return int(text) if _NUMBER.fullmatch(text) else None


def answering(
    site: Site, answer: Callable[[Question], Json], limiter: CapacityLimiter
) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint of a function that asks the library."""

    async def endpoint(request: Request) -> Response:
        sent = await read_json(request) if request.method == "POST" else {}
        found = await in_thread(limiter, answer, Question(site, request, sent))
        return JSONResponse(found)

    return endpoint


async def in_thread(
    limiter: CapacityLimiter, answer: Callable[[Question], _Answer], question: Question
) -> _Answer:
    """Call a function in a thread, as soon as there may be one more."""
    return await run_sync(answer, question, limiter=limiter)


async def read_json(request: Request) -> Json:
    """Return the JSON object that a request sends.

    Raises:
        Refusal: it is none, too large, or takes too long.
    """
    body = bytearray()
    try:
        with fail_after(BODY_MAY_TAKE_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MOST_BODY_BYTES:
                    raise Refusal(413, "too much was sent")
    except (TimeoutError, ClientDisconnect) as error:
        raise Refusal(408, "what was sent has not arrived") from error
    try:
        sent: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "what was sent is no JSON") from error
    if not isinstance(sent, dict):
        raise Refusal(400, "what was sent is no JSON object")
    return sent


async def tell_refusal(_: Request, error: Exception) -> Response:
    """Answer with what a request has been refused for."""
    assert isinstance(error, Refusal)  # noqa: S101 - it is registered for these
    return _error(error.status, {"message": error.message, "hint": error.hint})


async def tell_error(request: Request, error: Exception) -> Response:
    """Answer with the library's error."""
    assert isinstance(error, VidindexError)  # noqa: S101 - it is registered for these
    return _error(_status(error, is_change=request.method == "POST"), error_data(error))


async def tell_stop(_: Request, error: Exception) -> Response:
    """Answer with an error of the system."""
    assert isinstance(error, OSError)  # noqa: S101 - it is registered for these
    return _error(500, error_data(stopped_by(error)))


def _status(error: VidindexError, *, is_change: bool) -> int:
    if isinstance(error, UsageError):
        return 400
    if isinstance(error, AnotherAtWork):
        return 409
    if isinstance(error, Refused):
        return 409 if is_change else 404
    return 503 if isinstance(error, SystemStopped) else 500


def _error(status: int, data: Json) -> Response:
    return JSONResponse({"error": data}, status)
