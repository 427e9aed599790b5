"""Who may ask what: nobody but the browser that was given the link, and no page but ours.

A request must name this very server (against DNS rebinding), carry the cookie that only the first
link sets, and, if it changes anything, come from our own page and carry a token of that page.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
TOKEN_BYTES = 32
PAGE_TOKEN_HEADER = "x-vidindex-token"  # noqa: S105 - the name of a header

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "img-src 'self'",
        "media-src 'self'",
        "style-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
_OPEN_THE_LINK = "open the link that vidindex serve printed"


def new_token() -> str:
    """Return 32 random bytes as text."""
    return secrets.token_urlsafe(TOKEN_BYTES)


@dataclass(frozen=True)
class Keys:
    """What opens this server, and where it is.

    link: the token of the first link. authorities: the values of Host that mean it, with the port.
    """

    link: str
    port: int
    authorities: frozenset[str]
    session: str = field(default_factory=new_token)
    page: str = field(default_factory=new_token)

    @property
    def cookie(self) -> str:
        """The name of the cookie; with the port, as cookies are shared by all of a host."""
        return f"vidindex-{self.port}"


class Refusal(Exception):
    """Why a request is not answered, and what to do instead."""

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.hint = hint


class Guard:
    """Lets only such requests through to an application, and hardens its responses."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            return

        async def send_hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _harden(message.get("headers", []))
            await send(message)

        try:
            has_link = self._admit(scope)
        except Refusal as refusal:
            await refuse(refusal, send_hardened)
            return
        if has_link:
            await self._let_in(send_hardened, Headers(scope=scope).get("sec-fetch-site", "none"))
        else:
            await self._app(scope, receive, send_hardened)

    def _admit(self, scope: Scope) -> bool:
        """Check a request; return whether it is the first, by the link.

        Raises:
            Refusal: it may not be answered.
        """
        keys, headers = self._keys, Headers(scope=scope)
        if [host.lower() for host in headers.getlist("host")] not in [
            [authority] for authority in keys.authorities
        ]:
            raise Refusal(421, "this server does not go by that name", _OPEN_THE_LINK)
        if scope["method"] not in ("GET", "HEAD", "POST"):
            raise Refusal(405, f"there is no {scope['method'][:20]} here")
        if scope["path"] == "/" and scope["query_string"]:
            if scope["method"] != "GET" or not self._is_link(scope["query_string"]):
                raise Refusal(403, "this link is of another server, or cut short", _OPEN_THE_LINK)
            return True
        if not self._has_cookie(headers):
            raise Refusal(403, "this browser has not been let in", _OPEN_THE_LINK)
        # Another server of this machine is of the same site, so that our cookie goes along.
        is_ours = headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
        if not is_ours and scope["path"] != "/":
            raise Refusal(403, "another page asks for it", _OPEN_THE_LINK)
        if scope["method"] == "POST":
            self._admit_change(headers)
        return False

    def _admit_change(self, headers: Headers) -> None:
        authority = headers["host"].lower()
        if headers.get("origin", "").lower() != f"http://{authority}":
            raise Refusal(403, "another page wants to change the library", _OPEN_THE_LINK)
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise Refusal(403, "another page wants to change the library", _OPEN_THE_LINK)
        if not _is_same(headers.get(PAGE_TOKEN_HEADER, ""), self._keys.page):
            raise Refusal(403, "this page is older than the server", _OPEN_THE_LINK)
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refusal(400, "only JSON is understood")

    def _is_link(self, query: bytes) -> bool:
        asked = parse_qs(query.decode("latin-1"), max_num_fields=10)
        return _is_same("".join(asked.get("token", [])), self._keys.link)

    def _has_cookie(self, headers: Headers) -> bool:
        try:
            cookies: SimpleCookie = SimpleCookie("; ".join(headers.getlist("cookie")))
        except CookieError:
            return False
        found = cookies.get(self._keys.cookie)
        return found is not None and _is_same(found.value, self._keys.session)

    async def _let_in(self, send: Send, asked_by: str) -> None:
        keys = self._keys
        cookie = f"{keys.cookie}={keys.session}; HttpOnly; SameSite=Strict; Path=/"
        headers = [(b"set-cookie", cookie.encode())]
        if asked_by in ("none", "same-origin"):
            status, body = 303, b""
            headers.append((b"location", b"/"))
        else:
            # The link was followed from another page, a terminal in the browser, say: along a
            # redirection the browser would not send such a cookie, but from here on it will.
            status, body = 200, b'<!doctype html><meta http-equiv="refresh" content="0;url=/">'
            headers.append((b"content-type", b"text/html; charset=utf-8"))
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def refuse(refusal: Refusal, send: Send) -> None:
    """Answer with an error, and leave the rest of the request unread."""
    error = {"message": refusal.message, "hint": refusal.hint}
    body = json.dumps({"error": error}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _is_same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode())


def _harden(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    given = {name.lower() for name, _ in headers}
    added = _HEADERS | ({} if b"cache-control" in given else {"cache-control": "no-store"})
    return [*headers, *((name.encode(), value.encode()) for name, value in added.items())]
