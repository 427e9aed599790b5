"""One writer at a time, by a lock that the kernel frees."""

import fcntl
import os
import resource
import signal
import subprocess
import time

import pytest

from tests.db.conftest import names, python, run_python, without_rights
from vidindex.db.lock import writer_lock
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
    assert refusal.value.hint == "wait until it has finished; queries work meanwhile"
    assert refusal.value.exit_code == ExitCode.BUSY


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
