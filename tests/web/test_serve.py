"""`vidindex serve` as a process: what it prints, whom it lets in, what it opens, how it ends."""

import json
import re
import shutil
import signal
import socket
import subprocess
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.cli.running import assert_explained, command_line, environment_in, run_process
from tests.web.conftest import Visitor
from tests.web.test_media import known
from vidindex.db.engine import Database
from vidindex.scanning import FileStat
from vidindex.store import files

MAY_TAKE_S = 30
ENDS_WITHIN_S = 10


@contextmanager
def served(library, *options, before=()):
    """Run the command on a library; give the process and a visitor who has the link."""
    home = library.path.parent
    process = subprocess.Popen(
        [*before, *command_line("serve", "--db", library.path, *options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=home,
        env=environment_in(home),
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_link(process):
    line = process.stdout.readline().strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}", line), line
    return line


def end(process, number):
    """Send a signal; return the exit code, all that is left on stdout and stderr, and how long."""
    begun = time.perf_counter()
    process.send_signal(number)
    out, err = process.communicate(timeout=MAY_TAKE_S)
    return process.returncode, out, err, time.perf_counter() - begun


@pytest.fixture
def long(own):
    """The number of a file that takes a while to be sent."""
    file = known(own)[0]
    file.stat.path.write_bytes(bytes(80 << 20))
    with Database(own.path) as database, database.writing() as session:
        stat = FileStat.of(file.stat.path, file.stat.path.lstat())
        files.put_file(session, stat, video_id=file.video_id, checked_at_ns=1)
    return file.id


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_it_at_once_while_a_video_is_being_sent(own, long, number, code):
    with served(own) as process:
        visitor = Visitor(read_link(process), [])
        with closing(visitor.client), visitor.client.stream("GET", f"/media/{long}") as answer:
            next(answer.iter_raw())

            ended, out, err, took_s = end(process, number)

    assert (ended, out) == (code, "")
    assert err == f"stopped by {signal.Signals(number).name}; what was finished is stored\n"
    assert took_s < ENDS_WITHIN_S


def test_a_signal_while_files_are_moved_ends_after_the_present_one_and_undo_restores(own):
    folder = own.path.parent
    names = {path.name for path in (folder / "in").rglob("*.mp4")}
    with served(own) as process:
        visitor = Visitor(read_link(process), [])
        plan = visitor.post("/api/plan", {"destination": str(folder / "out")}).json()
        assert visitor.post("/api/apply", {"plan": plan["plan"]}).status_code == 200

        code, *_ = end(process, signal.SIGTERM)
        visitor.client.close()

    assert code == 143
    assert {path.name for path in folder.rglob("*.mp4")} == names
    if any(past.undoable for past in own.history()):
        own.undo()
    assert {path.name for path in (folder / "in").rglob("*.mp4")} == names


def test_with_json_the_link_is_one_object(own):
    with served(own, "--json") as process:
        text = process.stdout.readline()
        while not text.rstrip().endswith("\n}"):
            text += process.stdout.readline()

    answer = json.loads(text)
    assert (answer["command"], answer["errors"]) == ("serve", [])
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}", answer["data"]["url"])


def test_with_v_requests_are_told_on_stderr_without_any_secret(own):
    with served(own, "-v") as process:
        visitor = Visitor(read_link(process), [])
        visitor.get("/api/library")
        visitor.client.close()
        _, out, err, _ = end(process, signal.SIGINT)

    assert out == ""
    assert err.splitlines()[:3] == ["GET / 303", "GET / 200", "GET /api/library 200"]
    for secret in (visitor.link.partition("token=")[2], visitor.token):
        assert secret not in err


def test_only_this_machine_reaches_it(own):
    with served(own) as process:
        port = int(read_link(process).partition("/?")[0].rpartition(":")[2])
        listening = {
            line.split()[1]
            for table in ("tcp", "tcp6")
            for line in Path(f"/proc/{process.pid}/net/{table}").read_text().splitlines()[1:]
            if line.split()[3] == "0A" and line.split()[1].endswith(f":{port:04X}")
        }

    assert listening == {f"0100007F:{port:04X}"}


def test_another_host_demands_a_token(own):
    outcome = run_process(own.path.parent, "serve", "--db", own.path, "--host", "0.0.0.0")

    assert_explained(outcome, 2, says="others can reach the page", hint="openssl rand")


def test_a_port_that_is_taken_is_explained(own):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        outcome = run_process(own.path.parent, "serve", "--db", own.path, "--port", port)

    assert_explained(outcome, 3, says=f"port {port}", hint="another --port")


def test_a_library_that_is_not_there_is_explained(tmp_path):
    outcome = run_process(tmp_path, "serve", "--db", tmp_path / "none.db")

    assert_explained(outcome, 3, says="none.db", hint="index")
    assert list(tmp_path.glob("none*")) == []


def test_it_loads_no_video_library_and_holds_no_lock(own):
    with served(own) as process:
        visitor = Visitor(read_link(process), [])
        visitor.post("/api/cluster", {"k": 2})
        visitor.json("/api/duplicates")
        maps = Path(f"/proc/{process.pid}/maps").read_text()
        own.name(0, "Sand")  # another process changes the library meanwhile
        name = visitor.json("/api/runs/2")["clusters"][0]["name"]
        visitor.client.close()

    assert name == "Sand"
    assert not re.search(r"site-packages/(tensorflow|keras|cv2|av)/", maps)
    assert "sklearn" in maps  # it is really that of the program


OUTSIDE = ("/media/1", "/media/2", "/media/3", "/media/../../etc/passwd", "/media/%2e%2e/secret")


def test_no_file_is_opened_but_those_that_the_library_knows(own, tmp_path):
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not here")
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "beach000.mp4").write_bytes(b"secret")
    first, second, third, fourth = [file.stat.path for file in known(own)[:4]]
    log = tmp_path / "opened"
    before = [strace, "-f", "-qq", "-e", "trace=open,openat,openat2", "-o", log]
    with served(own, before=before) as process:
        visitor = Visitor(read_link(process), [])
        first.unlink()
        first.symlink_to(secret / "beach000.mp4")
        second.unlink()
        third.parent.rename(third.parent.with_name("old"))
        third.parent.symlink_to(secret)
        statuses = [visitor.ask(path) for path in OUTSIDE]
        played = visitor.get("/media/5").status_code
        visitor.client.close()
        end_traced(process)

    opened = log.read_text()
    assert statuses == [404] * len(OUTSIDE)
    assert played == 200
    assert '"city000.mp4"' in opened  # what is played is seen to be opened
    assert '"beach000.mp4"' not in opened
    assert "etc/passwd" not in opened
    assert str(secret) not in opened
    assert fourth.name not in opened


def end_traced(process):
    """End the program, not the one that watches it."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    subprocess.run(["kill", "-TERM", children[0]], check=True)
    process.communicate(timeout=MAY_TAKE_S)
