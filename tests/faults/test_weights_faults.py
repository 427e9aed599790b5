"""Weights that cannot be had or used: refused before the library is touched."""

import h5py
import pytest

from tests.cli.running import assert_explained, obeying_rights
from tests.conftest import read_tree
from tests.faults.conftest import make_video
from tests.faults.running import INDEX, Server, lines_of, on, traced

NO_WAY = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
TO_FETCH = r"fetch https://\S+tf_kernels\.h5 \(MD5 [0-9a-f]{32}\)"


@pytest.fixture
def bound_server():
    """A server whose commands are bound by the rights of files, also if root runs the tests."""
    server = Server(before=obeying_rights())
    yield server
    server.close()


@pytest.mark.parametrize("has_library", [False, True])
def test_where_the_home_folder_cannot_be_written_it_tells_what_to_fetch(
    bound_server, run, home, has_library
):
    make_video(home / "in/a.mp4")
    if has_library:
        assert run(*INDEX).code == 0
    (home / "home").mkdir()
    (home / "home").chmod(0o555)
    before = read_tree(home)
    paths = {"HOME": str(home / "home"), "VIDINDEX_DB": str(home / "library.db")}

    outcome = bound_server.start(
        home,
        *INDEX,
        *("--weights", "imagenet"),
        environment=paths | NO_WAY,
        stdout=str(home.parent / "stdout"),
        stderr=str(home.parent / "stderr"),
        is_real=True,
    ).wait()

    (home / "home").chmod(0o755)
    assert_explained(outcome, 3, says="cannot fetch .*Permission denied", hint=TO_FETCH)
    assert read_tree(home) == before


@pytest.mark.parametrize("kind", ["link", "values"])
def test_a_weights_file_that_points_at_another_file_does_not_get_it_opened(start, home, kind):
    make_video(home / "in/a.mp4")
    secret = home / "secret.bin"
    secret.write_bytes(bytes(80))
    with h5py.File(home / "evil.h5", "w") as file:
        if kind == "link":
            file["kernel"] = h5py.ExternalLink(str(secret), "/")
        else:
            file.create_dataset("kernel", (10,), "f8", external=[(str(secret), 0, 80)])
    log = home / "opened"
    running = start(*INDEX, "-q", "--weights", home / "evil.h5", is_held=True, is_real=True)

    with traced(
        running, "-f", "--trace=openat,open", *on(secret, home / "evil.h5"), "-o", str(log)
    ):
        outcome = running.wait()

    assert_explained(outcome, 3, says=r"evil\.h5 (holds a link|keeps values)", hint="anew")
    opened = lines_of(log)
    assert any("evil.h5" in line for line in opened)
    assert not any("secret" in line for line in opened)
    assert not (home / "library.db").exists()
