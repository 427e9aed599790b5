"""Serve a library's page until told to stop."""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vidindex.errors import Refused, UsageError
from vidindex.library import Library
from vidindex.web import site as sites
from vidindex.web.asking import Site
from vidindex.web.protocol import ImpatientProtocol
from vidindex.web.security import LOOPBACK, Keys, new_token

MOST_CONNECTIONS = 500
HTTP_PORT = 80  # which a browser leaves out
END_WAITS_S = 2.0
_TOKEN = re.compile("[A-Za-z0-9_-]{20,200}")
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Address:
    """Where to serve. port: 0 for one that is free. token: of the link, None for a random one."""

    host: str = "127.0.0.1"
    port: int = 0
    token: str | None = None

    def check(self) -> None:
        """Check that nobody else can guess the way in.

        Raises:
            UsageError: others can reach it, and its token is missing or short.
        """
        if self.token is not None and not _TOKEN.fullmatch(self.token):
            raise UsageError(
                "a --token has 20 or more letters, digits, - and _",
                "make one: openssl rand -hex 32",
            )
        if self.token is None and not is_local(self.host):
            raise UsageError(
                f"at {self.host} others can reach the page, so it needs a --token of your own",
                "make one: openssl rand -hex 32; the page is not encrypted: prefer an SSH tunnel",
            )


def is_local(host: str) -> bool:
    """Whether only this machine reaches a host's address."""
    return host in _LOCAL_NAMES


@contextmanager
def serving(
    library: Library,
    address: Address,
    tell: Callable[[str], None],
    log: Callable[[str], None] | None = None,
) -> Iterator[tuple[str, threading.Thread]]:
    """Serve a library's page while the block lasts; give its link, and the thread that serves.

    The end of the block ends it at once, but for a job, which stops at its next safe moment.

    tell: told a line at a time of what is a bug. log: told of each request, None for silence.

    Raises:
        UsageError: see `Address.check`. Refused: the address cannot be used.
    """
    address.check()
    listener = _listen(address)
    port = listener.getsockname()[1]
    keys = Keys(address.token or new_token(), port, _authorities(address.host, port))
    site = Site(library)
    app = sites.build(site, keys, tell)
    server = uvicorn.Server(
        uvicorn.Config(
            app if log is None else _Logged(app, log),
            http=ImpatientProtocol,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=0,
        )
    )
    # What it says of a request that makes no sense, or was cut short, is of no use to the user.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    # In a thread, as signals are for the main one; and neither it nor its children hold up an end.
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    threading.Thread(target=_warm_up, daemon=True).start()
    try:
        yield f"http://{_shown(address.host)}:{port}/?token={keys.link}", thread
    finally:
        site.jobs.stop_all()
        server.should_exit = server.force_exit = True
        thread.join(END_WAITS_S)


def _listen(address: Address) -> socket.socket:
    try:
        found = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, where = found[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
            listener.listen(MOST_CONNECTIONS)
        except OSError:
            listener.close()
            raise
    except (OSError, UnicodeError) as error:
        raise Refused(
            f"cannot serve at {address.host} port {address.port}: {error}",
            "choose another --port, or none for one that is free",
        ) from error
    return listener


def _authorities(host: str, port: int) -> frozenset[str]:
    names = {*LOOPBACK} if is_local(host) else {*LOOPBACK, _shown(host)}
    known = {f"{name.lower()}:{port}" for name in names}
    if port == HTTP_PORT:
        known |= {name.lower() for name in names}
    return frozenset(known)


def _shown(host: str) -> str:
    """Return a host as it stands in a link."""
    try:
        is_six = isinstance(ipaddress.ip_address(host), ipaddress.IPv6Address)
    except ValueError:
        return host
    return f"[{host}]" if is_six else host


def _warm_up() -> None:
    """Load what clustering needs, so that the first time takes no longer than the others."""
    import vidindex.clustering  # noqa: F401


class _Logged:
    """Tells of each request: its method, its path without the query, and the status."""

    def __init__(self, app: ASGIApp, log: Callable[[str], None]) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._log(f"{scope['method']} {scope['path']} {message['status']}")
            await send(message)

        await self._app(scope, receive, send_noted)
