import os
import tempfile
from pathlib import Path

import pytest

from vidindex.paths import PathSet, is_file_at


@pytest.mark.parametrize(
    ("path", "above"),
    [
        ("/a/b/c.mp4", ["/a", "/a/b"]),
        ("/a/b/deep/deeper/c.mp4", ["/a", "/a/b"]),
        ("/a/b", ["/a", "/a/b"]),
        ("/a/x.mp4", ["/a", "/a/x.mp4"]),
        ("/a/y.mp4", ["/a"]),
        ("/a2/c.mp4", []),
        ("/c.mp4", []),
    ],
)
def test_the_paths_above_a_file_are_its_folders_and_itself(path, above):
    paths = PathSet(map(Path, ["/a/b", "/a", "/a/x.mp4", "/z"]))

    assert paths.above(Path(path)) == tuple(map(Path, above))
    assert paths.covers(Path(path)) == bool(above)


def test_the_root_folder_covers_everything():
    assert PathSet([Path("/")]).above(Path("/a/b.mp4")) == (Path("/"),)


def test_of_no_paths_none_covers_anything():
    assert not PathSet([]).covers(Path("/a/b.mp4"))


def test_a_file_is_at_its_path_and_at_no_other(tmp_path):
    (tmp_path / "real").mkdir()
    file = tmp_path / "real/a.mp4"
    file.touch()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "b.mp4").symlink_to(file)

    assert is_file_at(file)
    for path in (tmp_path / "link/a.mp4", tmp_path / "b.mp4", tmp_path / "real", file / "c.mp4"):
        assert not is_file_at(path)
    assert not is_file_at(tmp_path / "none.mp4")


def test_a_file_in_a_folder_that_may_not_be_entered_may_be_there():
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else, and make the folder")
    with tempfile.TemporaryDirectory() as folder:
        os.seteuid(65534)
        try:
            assert is_file_at(Path(folder) / "a.mp4")
        finally:
            os.seteuid(0)
