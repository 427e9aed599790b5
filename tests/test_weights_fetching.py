"""Fetching the published weights, from a server on this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from vidindex.errors import WeightsError
from vidindex.weights import OfficialFile, fetch_imagenet_weights

PUBLISHED = b"the published weights"
PUBLISHED_MD5 = "10b7b51cf3056a11a76a52380c8cfcc5"


@pytest.fixture
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "keras"
    monkeypatch.setenv("KERAS_HOME", str(home))
    return home


class Server(BaseHTTPRequestHandler):
    """Answers /whole with the published bytes, /cut with half of them, and else 404."""

    def do_GET(self) -> None:
        kind = self.path.split("/")[1]
        self.send_response(200 if kind in {"whole", "cut"} else 404)
        self.send_header("Content-Length", str(len(PUBLISHED)))
        self.end_headers()
        self.wfile.write(PUBLISHED if kind == "whole" else PUBLISHED[:10])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_fetching_puts_the_file_into_the_cache(server: str, keras_home: Path) -> None:
    path = fetch_imagenet_weights(OfficialFile("a.h5", PUBLISHED_MD5, f"{server}/whole/"))
    assert path == keras_home / "models" / "a.h5"
    assert path.read_bytes() == PUBLISHED
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("folder", "md5"),
    [("whole", "0" * 32), ("cut", PUBLISHED_MD5), ("absent", PUBLISHED_MD5)],
)
def test_a_failed_fetch_leaves_nothing(
    server: str, keras_home: Path, folder: str, md5: str
) -> None:
    official = OfficialFile("a.h5", md5, f"{server}/{folder}/")
    with pytest.raises(WeightsError, match=r"a\.h5") as caught:
        fetch_imagenet_weights(official)
    assert official.url in caught.value.hint
    assert md5 in caught.value.hint
    assert list((keras_home / "models").iterdir()) == []


def test_a_failed_fetch_keeps_the_file_that_was_there(server: str, keras_home: Path) -> None:
    path = fetch_imagenet_weights(OfficialFile("a.h5", PUBLISHED_MD5, f"{server}/whole/"))
    with pytest.raises(WeightsError):
        fetch_imagenet_weights(OfficialFile("a.h5", PUBLISHED_MD5, f"{server}/cut/"))
    assert path.read_bytes() == PUBLISHED


def test_fetching_without_a_network_tells_what_to_fetch(keras_home: Path) -> None:
    official = OfficialFile("a.h5", PUBLISHED_MD5, "http://127.0.0.1:1/")
    with pytest.raises(WeightsError, match="refused") as caught:
        fetch_imagenet_weights(official)
    assert "http://127.0.0.1:1/a.h5" in caught.value.hint


def test_fetching_into_a_folder_that_cannot_be_made_is_refused(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file"))
    with pytest.raises(WeightsError, match="cannot fetch"):
        fetch_imagenet_weights(OfficialFile("a.h5", PUBLISHED_MD5, f"{server}/whole/"))
