"""The steps on a disk that the modes are made of, each alone, for tests that put faults into them.

As a program, makes steps in a folder, each in a process of its own, and writes how each ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from vidindex.copies import Clones, copy_to_part, part_path, remove_part
from vidindex.disk_errors import SameFile
from vidindex.errors import VidindexError
from vidindex.folders import FolderMode, make_folder_again
from vidindex.links import read_link, remove_copy, remove_link, symlink_exclusive
from vidindex.places import FileIdentity
from vidindex.renames import link_exclusive, publish

CONTENT = b"the one and only" * 5000
HOLES = CONTENT + bytes(3 << 20) + CONTENT
NOWHERE = Path("/nowhere/clip.mp4")
MODE = FolderMode(0o2750, os.getuid(), os.getgid())
OURS = ".vidindex-"  # how the names begin that a killed step may leave


def read_tree(root: Path) -> dict[str, object]:
    """Tell each name below a folder, with its content and, of a folder, its mode."""
    return {str(path.relative_to(root)): _describe(path) for path in sorted(root.rglob("*"))}


def _describe(path: Path) -> object:
    if path.is_symlink():
        return ("link", path.readlink())
    if path.is_dir():
        return ("folder", stat.S_IMODE(path.stat().st_mode))
    return path.read_bytes()


@dataclass(frozen=True)
class Step:
    """A step in a folder that holds clip.mp4.

    make: made again after a fault, it goes on to the end, as recovery does.
    gone, new: the name that it takes away, and the one that it makes and what that is then.
    """

    make: Callable[[Path], object]
    gone: str = ""
    new: tuple[str, object] | None = None
    clip: bytes = CONTENT

    def prepare(self, folder: Path) -> None:
        """Build the scene."""
        folder.mkdir()
        (folder / "foreign.mp4").write_bytes(b"foreign")
        if self.clip == HOLES:
            with (folder / "clip.mp4").open("wb") as file:
                file.write(CONTENT)
                file.seek(3 << 20, os.SEEK_CUR)
                file.write(CONTENT)
        else:
            (folder / "clip.mp4").write_bytes(self.clip)
        if self.gone == "link":
            (folder / "link").symlink_to(NOWHERE)
        elif self.gone:
            (folder / self.gone).hardlink_to(folder / "clip.mp4")

    def after(self, before: dict[str, object]) -> dict[str, object]:
        """Tell the tree after the step."""
        kept = {name: what for name, what in before.items() if name != self.gone}
        return kept | dict([self.new] if self.new else [])


def _link(folder: Path) -> None:
    source = folder / "clip.mp4"
    with contextlib.suppress(SameFile):
        link_exclusive(source, folder / "new.mp4", FileIdentity.of(source), root=folder)


def _symlink(folder: Path) -> None:
    if read_link(folder / "new.mp4") != NOWHERE:
        symlink_exclusive(folder / "new.mp4", NOWHERE, root=folder)


def _copy(folder: Path, clones: Clones) -> None:
    source, target = folder / "clip.mp4", folder / "new.mp4"
    part, identity = part_path(target, 1), FileIdentity.of(source)
    remove_part(part, root=folder)
    if not target.exists():
        digest = blake3(source.read_bytes()).digest()
        copied = copy_to_part(source, part, identity, digest, root=folder, clones=clones)
        publish(part, target, copied.part, root=folder)


def _remove(folder: Path) -> None:
    remove_copy(folder / "copy.mp4", FileIdentity.of(folder / "clip.mp4"), root=folder)


def _folder(folder: Path) -> None:
    make_folder_again(folder / "new", MODE.permissions, MODE.uid, MODE.gid, root=folder)


STEPS = {
    "hard link": Step(_link, new=("new.mp4", CONTENT)),
    "symbolic link": Step(_symlink, new=("new.mp4", ("link", NOWHERE))),
    "link removed": Step(
        lambda folder: remove_link(folder / "link", NOWHERE, root=folder), gone="link"
    ),
    "copy removed": Step(_remove, gone="copy.mp4"),
    "folder again": Step(_folder, new=("new", ("folder", MODE.permissions))),
    "copy of holes": Step(
        lambda folder: _copy(folder, "never"), new=("new.mp4", HOLES), clip=HOLES
    ),
    "clone": Step(lambda folder: _copy(folder, "always"), new=("new.mp4", CONTENT)),
}


def main(root: Path, answer: Path, names: list[str]) -> None:
    """Make steps. answer: gets by each one's name its process and how that ended."""
    ended: dict[str, tuple[int, int]] = {}
    for name in names:
        child = os.fork()
        if child == 0:
            os._exit(_make(root, name))
        ended[name] = (child, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    opened = os.open(answer, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.pwrite(opened, json.dumps(ended).encode(), 0)  # no call that a fault is put into


def _make(root: Path, name: str) -> int:
    try:
        STEPS[name].make(root / name)
    except VidindexError as error:
        return int(error.exit_code)
    except BaseException:
        return 1
    return 0


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
