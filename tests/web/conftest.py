"""Libraries to look at, and a server of this process to ask, by real sockets."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.generated import add_videos, around, centers, named
from vidindex import Library
from vidindex.db.engine import Database
from vidindex.store import files, thumbnails
from vidindex.store.thumbnails import NewThumbnail
from vidindex.web.server import Address, serving

KINDS = ("beach", "city", "forest")
EACH = 4
JPEGS = tuple(b"\xff\xd8picture %d\xff\xd9" % number for number in range(3))


@dataclass
class Visitor:
    """A browser that was given the link. token: of the page; told: what the server told of bugs."""

    link: str
    told: list[str]
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.base, timeout=30)
        self.client.get(self.link)
        page = self.client.get("/").text
        self.token = re.search('name="vidindex-token" content="([^"]+)"', page)[1]

    @property
    def base(self) -> str:
        return self.link.partition("/?")[0]

    @property
    def port(self) -> int:
        return int(self.base.rpartition(":")[2])

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(path, headers=headers)

    def post(self, path: str, sent: Any = None, **headers: str) -> httpx.Response:
        usual = {"origin": self.base, "x-vidindex-token": self.token}
        return self.client.post(path, json=sent or {}, headers=usual | headers)

    def json(self, path: str) -> Any:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def raw(self, lines: list[str], body: bytes = b"") -> tuple[int, str]:
        """Send a request just as it is given; return the status and the whole answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        return int(answer.split(b" ", 2)[1]), answer.decode("latin-1")

    def ask(self, path: str, *headers: str, method: str = "GET", version: str = "1.1") -> int:
        """Ask with our Host and cookie and further headers, and return the status."""
        usual = [f"Host: 127.0.0.1:{self.port}", f"Cookie: {self.cookie}", "Connection: close"]
        return self.raw([f"{method} {path} HTTP/{version}", *usual, *headers])[0]


def make_library(folder: Path) -> Library:
    """Make twelve files of three kinds with pictures, in a library of three clusters."""
    library = folder / "library.db"
    points = centers(len(KINDS))
    for row, kind in enumerate(KINDS):
        vectors = around(points[row], EACH, seed=row)
        add_videos(library, named({kind: vectors}), folder / "in" / kind, writes=True)
    with Database(library) as database, database.writing() as session:
        known = [file.video_id for file in files.list_files(session)]
        for video in known[:-1]:  # the last one has no pictures
            pictures = [NewThumbnail(30.0 * n, 240, 135, jpeg) for n, jpeg in enumerate(JPEGS)]
            thumbnails.put_thumbnails(session, video, pictures)
    Library(library).cluster(len(KINDS))
    return Library(library)


@contextmanager
def visiting(library: Library, address: Address = Address()) -> Iterator[Visitor]:  # noqa: B008
    """Serve a library of this process, and visit it."""
    told: list[str] = []
    with serving(library, address, told.append) as (link, _):
        visitor = Visitor(link, told)
        try:
            yield visitor
        finally:
            visitor.client.close()
    assert told == []


@pytest.fixture(scope="module")
def pool(tmp_path_factory) -> Library:
    """A library that is only looked at."""
    return make_library(tmp_path_factory.mktemp("pool"))


@pytest.fixture(scope="module")
def visitor(pool: Library) -> Iterator[Visitor]:
    """A visitor who only looks."""
    with visiting(pool) as visitor:
        yield visitor


@pytest.fixture
def own(tmp_path: Path) -> Library:
    """A library that may be changed."""
    return make_library(tmp_path)


@pytest.fixture
def visit() -> Iterator[Callable[..., Visitor]]:
    """Serve a library until the test ends."""
    with ExitStack() as stack:
        yield lambda *given: stack.enter_context(visiting(*given))
