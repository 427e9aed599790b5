import fcntl
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from blake3 import blake3

from vidindex import hashing
from vidindex.errors import ChangedError, UnreadableError
from vidindex.hashing import (
    CHUNK_BYTES,
    YOUNG_S,
    Unwanted,
    confirm,
    file_system_of,
    hash_file,
    is_being_written,
)
from vidindex.scanning import CLOCK_STEP_NS, FileStat

NOBODY = 65534


@pytest.fixture
def video(tmp_path):
    """A file that was written a moment ago, and is complete."""
    path = tmp_path / "a.mp4"
    path.write_bytes(b"video")
    return path


@pytest.fixture
def reading(video):
    """A descriptor of it, open for reading."""
    descriptor = os.open(video, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1])
def test_the_hash_is_blake3_of_all_bytes(tmp_path, size):
    path = tmp_path / "a"
    path.write_bytes(os.urandom(size))

    stat, digest = hash_file(path)

    assert digest == blake3(path.read_bytes()).digest()
    assert stat == FileStat.of(path, path.lstat())


def test_a_missing_file_has_vanished(tmp_path):
    with pytest.raises(ChangedError, match="vanished"):
        hash_file(tmp_path / "none")


def test_a_file_below_what_is_no_folder_any_more_has_vanished(video):
    with pytest.raises(ChangedError, match="vanished"):
        hash_file(video / "b.mp4")


def test_a_symbolic_link_is_not_followed(tmp_path, video):
    (tmp_path / "link").symlink_to(video)

    with pytest.raises(ChangedError, match="vanished: a symbolic link took its place"):
        hash_file(tmp_path / "link")


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(UnreadableError, match="not a regular file"):
        hash_file(tmp_path / "pipe")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(UnreadableError, match="not a regular file"):
        hash_file(tmp_path)


def test_a_complete_file_is_not_being_written(reading):
    assert not is_being_written(reading)


def test_a_file_that_a_process_has_open_for_reading_is_not_being_written(video, reading):
    with video.open("rb"):
        assert not is_being_written(reading)


@pytest.mark.parametrize("mode", ["ab", "r+b"])
def test_a_file_that_a_process_has_open_for_writing_is_being_written(video, reading, mode):
    with video.open(mode):
        assert is_being_written(reading)

    assert not is_being_written(reading)


def test_asking_leaves_no_lease_behind(reading):
    is_being_written(reading)

    assert fcntl.fcntl(reading, fcntl.F_GETLEASE) == fcntl.F_UNLCK


def test_a_writer_that_comes_while_it_is_asked_is_let_in_and_kills_nobody(video):
    """The kernel signals the lease's holder, whom SIGIO, its usual choice, would kill."""
    asking = (
        "import os, sys\n"
        "from vidindex.hashing import is_being_written\n"
        "descriptor = os.open(sys.argv[1], os.O_RDONLY)\n"
        "print(sum(is_being_written(descriptor) for _ in range(100_000)))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", asking, os.fspath(video)], stdout=subprocess.PIPE, text=True
    )
    opened = 0
    while process.poll() is None:
        os.close(os.open(video, os.O_WRONLY))
        opened += 1

    output, _ = process.communicate()
    assert process.returncode == 0
    assert int(output) > 0
    assert opened > 100


def test_nothing_is_said_of_the_file_of_somebody_else(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    asking = (
        "import os, sys\n"
        "from vidindex.hashing import is_being_written\n"
        f"descriptor = os.open(sys.argv[1], os.O_RDONLY); os.setuid({NOBODY})\n"
        "print(is_being_written(descriptor))\n"
    )
    path = tmp_path / "a.mp4"
    with path.open("wb"):
        answer = subprocess.run(
            [sys.executable, "-c", asking, os.fspath(path)], capture_output=True, check=True
        ).stdout

    assert answer == b"False\n"


def test_a_file_system_without_leases_says_nothing():
    """A file in /proc has no leases."""
    descriptor = os.open("/proc/self/stat", os.O_RDONLY)
    try:
        assert not is_being_written(descriptor)
    finally:
        os.close(descriptor)


def test_on_a_remote_file_system_a_refused_lease_says_nothing(video, reading, monkeypatch):
    monkeypatch.setattr(
        hashing, "REMOTE_FILE_SYSTEMS", frozenset({hashing.file_system_of(reading)})
    )

    with video.open("ab"):
        assert not is_being_written(reading)


@pytest.mark.parametrize("folder", ["/proc", "/dev/shm", "."])
def test_the_file_system_is_named_as_findmnt_names_it(folder):
    findmnt = shutil.which("findmnt")
    if findmnt is None:
        pytest.skip("findmnt is not here")
    command = [findmnt, "-n", "-f", "-o", "FSTYPE", "--target", folder]
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        assert file_system_of(descriptor) == subprocess.check_output(command, text=True).strip()
    finally:
        os.close(descriptor)


def test_a_young_file_that_is_being_written_is_not_hashed(video):
    with video.open("ab"), pytest.raises(ChangedError, match="is still being written") as caught:
        hash_file(video)

    assert caught.value.hint == "index again when it is complete"


@pytest.mark.parametrize(("age_s", "is_asked"), [(YOUNG_S - 5, True), (YOUNG_S, False)])
def test_a_file_that_was_not_touched_for_a_minute_is_hashed_although_it_is_open(
    video, age_s, is_asked
):
    os.utime(video, (time.time() - age_s,) * 2)

    with video.open("ab"):
        if is_asked:
            with pytest.raises(ChangedError):
                hash_file(video)
        else:
            assert hash_file(video)[1] == blake3(b"video").digest()


def test_a_file_dated_in_the_future_is_young(video):
    os.utime(video, (time.time() + 3600,) * 2)

    with video.open("ab"), pytest.raises(ChangedError, match="is still being written"):
        hash_file(video)


def hashed_at(path: Path, age_ns: int) -> tuple[FileStat, bytes, int]:
    """Hash a file that was written so long before."""
    stat, digest = hash_file(path)
    return stat, digest, stat.mtime_ns + age_ns


def rewrite(path: Path, content: bytes, *, mtime_ns: int) -> None:
    """Write a file again within the step of a coarse clock."""
    path.write_bytes(content)
    os.utime(path, ns=(mtime_ns, mtime_ns))


@pytest.mark.parametrize("age_ns", [0, CLOCK_STEP_NS, CLOCK_STEP_NS + 1])
def test_a_file_that_stayed_as_it_was_is_confirmed(video, age_ns):
    confirm(*hashed_at(video, age_ns))


def test_a_file_that_was_touched_is_not_confirmed(video):
    hashed = hashed_at(video, 10 * CLOCK_STEP_NS)
    os.utime(video)

    with pytest.raises(ChangedError, match="changed while it was read"):
        confirm(*hashed)


def test_a_file_that_is_gone_is_not_confirmed(video):
    hashed = hashed_at(video, 10 * CLOCK_STEP_NS)
    video.unlink()

    with pytest.raises(ChangedError, match="vanished"):
        confirm(*hashed)


@pytest.mark.parametrize("age_ns", [0, CLOCK_STEP_NS])
def test_a_file_that_was_written_again_within_a_step_of_the_clock_is_not_confirmed(video, age_ns):
    hashed = hashed_at(video, age_ns)
    rewrite(video, b"other", mtime_ns=hashed[0].mtime_ns)

    with pytest.raises(ChangedError, match="changed while it was read"):
        confirm(*hashed)


def test_a_file_that_was_at_rest_is_confirmed_without_being_read(video):
    """Its time was put back later than a clock's step: only a hash could tell, and costs."""
    hashed = hashed_at(video, CLOCK_STEP_NS + 1)
    rewrite(video, b"other", mtime_ns=hashed[0].mtime_ns)

    confirm(*hashed)


def test_no_half_written_content_gets_a_hash_while_a_copy_is_under_way(tmp_path):
    """A slow writer, asked for a hash all the time: each answer is of the whole."""
    path = tmp_path / "a.mp4"
    pieces = [bytes([number]) * 1000 for number in range(50)]
    path.touch()
    writing = threading.Event()

    def copy():
        with path.open("wb") as file:
            writing.set()
            for piece in pieces:
                file.write(piece)
                file.flush()
                time.sleep(0.002)

    thread = threading.Thread(target=copy)
    thread.start()
    writing.wait()
    hashes, refusals = set(), 0
    while thread.is_alive():
        try:
            hashes.add(hash_file(path)[1])
        except ChangedError:
            refusals += 1
    thread.join()
    hashes.add(hash_file(path)[1])

    assert hashes == {blake3(b"".join(pieces)).digest()}
    assert refusals > 0


def test_a_hash_that_nobody_waits_for_is_not_computed_to_its_end(tmp_path):
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # half an hour of reading, though it takes no room
    asked = []

    with pytest.raises(Unwanted):
        hash_file(path, lambda: len(asked) > 2 or asked.append(None))
