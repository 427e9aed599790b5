"""Single moves of a file with known content, and what lies in a folder after them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from blake3 import blake3

from vidindex.copies import Copied, copy_to_part, part_path
from vidindex.places import FileIdentity
from vidindex.renames import publish, rename_exclusive

CONTENT = bytes(range(256)) * 300
DIGEST = blake3(CONTENT).digest()


def read_tree(root: Path) -> dict[str, bytes]:
    """Every file below root and its content."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def move(source: Path, target: Path) -> None:
    rename_exclusive(source, target, FileIdentity.of(source), root=target.parent)


def copy(source: Path, target: Path, progress: Callable[[int], None] = lambda _: None) -> Copied:
    part, identity = part_path(target, 1), FileIdentity.of(source)
    return copy_to_part(source, part, identity, DIGEST, root=target.parent, progress=progress)


def copy_and_publish(source: Path, target: Path) -> Copied:
    copied = copy(source, target)
    publish(part_path(target, 1), target, copied.part, root=target.parent)
    return copied
