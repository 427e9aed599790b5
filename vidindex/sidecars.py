"""Files that belong to a video by their names: subtitles, descriptions, pictures.

The names are those that media centres look for (Kodi, Jellyfin) and that downloaders and cameras
write: beside ``clip.mp4`` any ``clip.srt``, ``clip.en.forced.srt``, ``clip.info.json``,
``clip.mp4.xmp``, and pictures such as ``clip-poster.jpg``.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vidindex.config import VIDEO_SUFFIXES
from vidindex.disk_errors import explained
from vidindex.errors import ItemError
from vidindex.safe_names import fit_name

# After a "-" just these, as other pictures of the folder may well begin with a video's name.
_ARTWORK = re.compile(
    r"-(?:art|backdrop|background|banner|characterart|clearart|clearlogo|cover|default|disc"
    r"|discart|fanart|folder|icon|keyart|landscape|logo|movie|poster|thumb)(?:-?[0-9]{1,2})?"
    r"\.(?:avif|jpe?g|png|tbn|webp)",
    re.IGNORECASE,
)


def find_sidecars(
    videos: Collection[Path],
    suffixes: Collection[str],
    *,
    video_suffixes: Collection[str] = VIDEO_SUFFIXES,
) -> dict[Path, tuple[Path, ...]]:
    """Return the sidecars of each video, in its folder, sorted; none for most.

    suffixes: of sidecars, with the dot, in any case, ".info.json" too. video_suffixes: a file with
    one of these is a video, and no sidecar, though it is not among the videos.

    A sidecar belongs to the video with the longest name that it begins with. If that one is not
    among the videos it stays with it: ``a.b.srt`` with ``a.b.mp4`` rather than with ``a.mp4``.
    Two videos that differ in nothing but their suffixes share theirs: these go with the first one
    in sorted order where all of them go, and stay where one of them stays. Only regular files
    count. Of a folder that cannot be listed there are none.

    Raises:
        SystemStopped: the disk is failing.
    """
    wanted, of_videos = _lower(suffixes), _lower(video_suffixes)
    found: dict[Path, list[str]] = {video: [] for video in videos}
    going: dict[Path, set[str]] = defaultdict(set)
    for video in videos:
        going[video.parent].add(video.name)
    for folder in sorted(going):
        names = _list_files(folder)
        owners = _Owners.among(going[folder], names, of_videos)
        for name in names:
            owner = owners.of(name, wanted)
            if owner is not None:
                found[folder / owner].append(name)
    return {
        video: tuple(video.parent / name for name in sorted(names, key=os.fsencode))
        for video, names in found.items()
    }


def follow_name(sidecar: Path, video: Path, target: Path) -> Path:
    """Return where a video's sidecar goes when the video goes to target: beside it, named alike.

    The name has at most 255 bytes; where it would have more, the part that both share is cut.
    """
    own, new = video.stem, target.stem
    if sidecar.name.startswith(f"{video.name}."):
        own, new = video.name, target.name
    # All of own, if the name was not cut before.
    shared = os.path.commonprefix([sidecar.name, own])  # noqa: RUF071 - of characters
    middle, dot, suffix = sidecar.name.removeprefix(shared).rpartition(".")
    return target.with_name(fit_name(new, middle, dot + suffix))


@dataclass(frozen=True)
class _Owners:
    """The videos of a folder, and which are going. by_beginning: of their sidecars' names."""

    by_beginning: dict[str, set[str]]
    going: frozenset[str]

    @classmethod
    def among(
        cls, going: set[str], names: Iterable[str], video_suffixes: tuple[str, ...]
    ) -> _Owners:
        by_beginning: dict[str, set[str]] = defaultdict(set)
        for video in going.union(name for name in names if _ends(name, video_suffixes)):
            by_beginning[video].add(video)
            by_beginning[Path(video).stem].add(video)
        return cls(dict(by_beginning), frozenset(going))

    def of(self, name: str, suffixes: tuple[str, ...]) -> str | None:
        """Return the video that a file goes along with, if it is a sidecar.

        A video that stays is its own owner, so that it goes along with none.
        """
        if name in self.going or not _ends(name, suffixes):
            return None
        for beginning in _beginnings(name):
            owners = self.by_beginning.get(beginning)
            if owners is not None:
                return min(owners, key=os.fsencode) if owners <= self.going else None
        return None


def _beginnings(name: str) -> Iterator[str]:
    """Yield what a file's video may be called, the longest first."""
    for place in range(len(name) - 1, 0, -1):
        if name[place] == "." or (name[place] == "-" and _ARTWORK.fullmatch(name, place)):
            yield name[:place]


def _lower(suffixes: Iterable[str]) -> tuple[str, ...]:
    return tuple(suffix.lower() for suffix in suffixes)


def _ends(name: str, suffixes: tuple[str, ...]) -> bool:
    return name.lower().endswith(suffixes)


def _list_files(folder: Path) -> list[str]:
    try:
        with explained(f"cannot list the folder {folder}"), os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
    except ItemError:
        return []  # the move of a video in it tells what is wrong
