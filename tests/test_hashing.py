import os

import pytest
from blake3 import blake3

from vidindex.errors import ChangedError, UnreadableError
from vidindex.hashing import CHUNK_BYTES, hash_file
from vidindex.scanning import FileStat


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


def test_a_symbolic_link_is_not_followed(tmp_path):
    (tmp_path / "target").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "target")

    with pytest.raises(UnreadableError):
        hash_file(tmp_path / "link")


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(UnreadableError, match="not a regular file"):
        hash_file(tmp_path / "pipe")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(UnreadableError, match="not a regular file"):
        hash_file(tmp_path)
