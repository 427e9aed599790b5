"""One writer at a time, by a lock that the kernel frees."""

import fcntl
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Timer

import pytest

from tests.db.conftest import (
    KILLED,
    killed_before,
    names,
    python,
    run_python,
    without_rights,
)
from vidindex import Library
from vidindex.db import schema
from vidindex.db.lock import LOOK_EVERY_S, writer_lock
from vidindex.errors import AnotherAtWork, ExitCode, Refused

HOLD = """
import sys, time
from pathlib import Path
from vidindex.db.lock import writer_lock
with writer_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def library_path(tmp_path):
    return tmp_path / "library.db"


@pytest.fixture
def holder(library_path):
    """Another process that holds the lock."""
    with subprocess.Popen(python(HOLD, library_path), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def is_free(library_path):
    try:
        with writer_lock(library_path):
            return True
    except AnotherAtWork:
        return False


def test_a_second_process_is_told_at_once_who_is_at_work(library_path, holder):
    began = time.monotonic()

    with pytest.raises(AnotherAtWork) as refusal, writer_lock(library_path):
        pass

    assert time.monotonic() - began < 1
    assert f"(process {holder.pid})" in refusal.value.message
    assert str(library_path) in refusal.value.message
    assert refusal.value.hint == (
        "wait until it has finished, or let --wait do so; queries work meanwhile"
    )
    assert refusal.value.exit_code == ExitCode.BUSY


def test_a_lock_that_is_waited_for_is_told_of_once_and_taken_when_it_is_free(library_path, holder):
    told = []
    Timer(5 * LOOK_EVERY_S, holder.kill).start()

    with writer_lock(library_path, told.append):
        assert holder.wait() == -signal.SIGKILL
        assert not is_free(library_path)

    assert told == [f"waiting for process {holder.pid}, which is changing {library_path}"]


def test_a_free_lock_is_not_waited_for(library_path):
    told = []

    with writer_lock(library_path, told.append):
        pass

    assert told == []


def test_a_kill_frees_the_lock(library_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    assert is_free(library_path)


def test_the_lock_is_free_after_its_block(library_path):
    with writer_lock(library_path):
        pass

    assert is_free(library_path)


def test_the_lock_is_free_after_an_error_in_its_block(library_path):
    def fail():
        with writer_lock(library_path):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()

    assert is_free(library_path)


def test_one_process_does_not_lock_twice(library_path):
    with writer_lock(library_path):
        assert not is_free(library_path)


def test_children_do_not_inherit_the_lock(library_path):
    with writer_lock(library_path):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        assert is_free(library_path)
    finally:
        child.kill()
        child.wait()


def test_the_lock_names_its_newest_holder_only(library_path):
    library_path.with_name("library.db.lock").write_text("123456789 of an earlier holder\n")

    with writer_lock(library_path), pytest.raises(AnotherAtWork) as refusal:
        take(library_path)

    assert f"(process {os.getpid()})" in refusal.value.message


def take(library_path):
    with writer_lock(library_path):
        pass


def test_a_lock_of_another_program_has_no_known_holder(library_path):
    with library_path.with_name("library.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(AnotherAtWork, match="process unknown"):
            take(library_path)


def test_the_lock_is_taken_where_the_disk_has_no_room_for_its_text(library_path):
    """So that an undo works on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with writer_lock(library_path):
            assert not is_free(library_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_folder_that_may_not_be_written_is_refused(library_path):
    library_path.parent.chmod(0o555)

    run = run_python(HOLD, library_path, under=without_rights())

    library_path.parent.chmod(0o755)
    assert "Refused: cannot write beside the library" in run.stderr.splitlines()[-1]
    assert "Permission denied" in run.stderr.splitlines()[-1]


def test_a_lock_that_is_a_symbolic_link_is_refused(library_path, tmp_path):
    target = tmp_path / "precious"
    target.write_text("mine")
    library_path.with_name("library.db.lock").symlink_to(target)

    with pytest.raises(Refused, match="cannot write beside the library"):
        take(library_path)

    assert target.read_text() == "mine"


def test_the_lock_makes_no_library(library_path):
    take(library_path)

    assert names(library_path.parent) == ["library.db.lock"]


def mode(path):
    return path.stat().st_mode & 0o777


def test_whoever_may_write_the_library_may_lock_it(library_path):
    library_path.touch()
    library_path.chmod(0o664)

    take(library_path)

    assert mode(library_path.with_name("library.db.lock")) == 0o664


def test_a_library_that_is_read_only_for_a_while_leaves_the_lock_writable(library_path):
    library_path.touch()
    library_path.chmod(0o444)

    take(library_path)

    assert mode(library_path.with_name("library.db.lock")) & 0o600 == 0o600


@pytest.fixture
def as_nobody():
    """What to put before a command so that another user runs it."""
    change = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can run a command as another user")
    if subprocess.run([*change, sys.executable, "-c", "import vidindex"], check=False).returncode:
        pytest.skip("another user may not read this checkout")
    return change


def test_a_second_user_of_a_shared_library_may_lock_it_after_the_first(as_nobody):
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "library.db"
        library.touch()
        library.chmod(0o666)
        library.parent.chmod(0o777)
        take(library)

        with subprocess.Popen(python(HOLD, library, under=as_nobody), stdout=-1) as second:
            assert second.stdout.readline() == b"held\n"

            assert not is_free(library)
            second.kill()


GROW = """
import sys
from pathlib import Path
from sqlalchemy import text
from vidindex.db import schema
with schema.open_for_writing(Path(sys.argv[1]), print) as database, database.writing() as session:
    session.execute(text("INSERT INTO weight_sources VALUES (hex(zeroblob(20000)), zeroblob(32))"))
"""


@pytest.mark.parametrize("number", [1, 2, 3, 6])
def test_a_library_whose_writer_was_killed_while_it_grew_needs_no_mending(path, number):
    """Its header may tell of pages that were not written yet; the journal puts that right."""
    before = Library(path).status()
    grown = run_python(GROW, path, under=killed_before("pwrite64", number, on=path))
    assert grown.returncode == KILLED
    assert path.with_name("library.db-journal").stat().st_size > 0

    assert Library(path).status() == before
    with schema.open_for_writing(path, print):
        pass
    schema.check(path)
