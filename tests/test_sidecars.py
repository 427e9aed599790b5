"""Which files go along with a video, and what they are called where it goes."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from vidindex.config import SIDECAR_SUFFIXES, VIDEO_SUFFIXES
from vidindex.errors import SystemStopped
from vidindex.sidecars import find_sidecars, follow_name


def make(folder: Path, names: Iterable[str]) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")


def sidecars_of(
    folder: Path, *videos: str, suffixes: tuple[str, ...] = SIDECAR_SUFFIXES
) -> dict[str, list[str]]:
    """The names of the sidecars of a folder's videos that have any."""
    found = find_sidecars([folder / video for video in videos], suffixes)
    assert set(found) == {folder / video for video in videos}
    return {
        video.name: [path.name for path in paths if path.parent == folder]
        for video, paths in found.items()
        if paths
    }


@pytest.mark.parametrize(
    "name",
    [
        *("clip.srt", "clip.en.srt", "clip.en.forced.ass", "clip.Director's cut.de.sub"),
        *("clip.nfo", "clip.info.json", "clip.description", "clip.txt", "clip.xmp"),
        *("clip.jpg", "clip.SRT", "clip.Jpeg", "clip.mp4.xmp", "clip.mp4.jpg"),
        *("clip-poster.jpg", "clip-thumb.png", "clip-fanart1.webp", "clip-backdrop-2.JPG"),
    ],
)
def test_a_file_named_after_a_video_goes_along(tmp_path: Path, name: str) -> None:
    make(tmp_path, ["clip.mp4", name])

    assert sidecars_of(tmp_path, "clip.mp4") == {"clip.mp4": [name]}


@pytest.mark.parametrize(
    "name",
    [
        *(
            "clip",
            "clip.zip",
            "clip.srt.part",
            "clips.srt",
            "clip 2.srt",
            "clip_en.srt",
            "Clip.srt",
        ),
        *("clip-en.srt", "clip-holiday.jpg", "clip-1.jpg", "clip-001.jpg", "clip-poster.txt"),
        *("poster.jpg", "srt", ".srt", "clip.heic", "other.srt", "-poster.jpg"),
        *("clip.mkv", "clip.en.MP4", "clip-trailer.mp4"),
    ],
)
def test_a_file_of_another_name_or_kind_stays(tmp_path: Path, name: str) -> None:
    make(tmp_path, ["clip.mp4", name])

    assert sidecars_of(tmp_path, "clip.mp4") == {}


def test_sidecars_are_found_for_each_video_in_its_own_folder(tmp_path: Path) -> None:
    make(tmp_path / "a", ["clip.mp4", "clip.nfo", "clip.de.srt", "b.srt"])
    make(tmp_path / "b", ["clip.mp4", "b.mp4", "b.srt", "clip.en.srt"])
    videos = [tmp_path / "b/clip.mp4", tmp_path / "a/clip.mp4", tmp_path / "b/b.mp4"]

    assert find_sidecars(videos, SIDECAR_SUFFIXES) == {
        tmp_path / "b/clip.mp4": (tmp_path / "b/clip.en.srt",),
        tmp_path / "a/clip.mp4": (tmp_path / "a/clip.de.srt", tmp_path / "a/clip.nfo"),
        tmp_path / "b/b.mp4": (tmp_path / "b/b.srt",),
    }


def test_a_sidecar_belongs_to_the_video_with_the_longest_name(tmp_path: Path) -> None:
    make(tmp_path, ["a.mp4", "a.b.mp4", "a.srt", "a.b.srt", "a.b.en.srt", "a.c.srt"])

    assert sidecars_of(tmp_path, "a.mp4", "a.b.mp4") == {
        "a.mp4": ["a.c.srt", "a.srt"],
        "a.b.mp4": ["a.b.en.srt", "a.b.srt"],
    }


def test_a_sidecar_stays_with_its_own_video_if_that_does_not_go(tmp_path: Path) -> None:
    make(tmp_path, ["a.mp4", "a.b.mp4", "a-poster.mp4", "a.srt", "a.b.srt", "a-poster.jpg"])

    assert sidecars_of(tmp_path, "a.mp4") == {"a.mp4": ["a.srt"]}


def test_videos_of_one_stem_take_their_sidecars_along_if_all_of_them_go(tmp_path: Path) -> None:
    make(tmp_path, ["clip.mp4", "clip.mkv", "clip.srt", "clip-poster.jpg", "clip.mp4.xmp"])

    assert sidecars_of(tmp_path, "clip.mp4", "clip.mkv") == {
        "clip.mkv": ["clip-poster.jpg", "clip.srt"],
        "clip.mp4": ["clip.mp4.xmp"],
    }


def test_a_shared_sidecar_stays_with_the_video_that_stays(tmp_path: Path) -> None:
    make(tmp_path, ["clip.mp4", "clip.mkv", "clip.srt", "clip.mp4.xmp", "clip.mkv.xmp"])

    assert sidecars_of(tmp_path, "clip.mp4") == {"clip.mp4": ["clip.mp4.xmp"]}


def test_a_video_is_no_sidecar_whatever_the_settings_say(tmp_path: Path) -> None:
    make(tmp_path, ["clip.mp4", "clip.x.jpg", "clip.trailer.mp4", "clip.proxy.lrv"])
    videos = [tmp_path / "clip.mp4", tmp_path / "clip.x.jpg"]

    found = find_sidecars(videos, [".jpg", ".mp4", ".lrv"], video_suffixes=[".MP4", ".lrv"])

    assert found == {tmp_path / "clip.mp4": (), tmp_path / "clip.x.jpg": ()}


def test_only_regular_files_go_along(tmp_path: Path) -> None:
    make(tmp_path, ["clip.mp4", "real.srt"])
    (tmp_path / "clip.srt").symlink_to("real.srt")
    (tmp_path / "clip.nfo").symlink_to("nowhere")
    (tmp_path / "clip.txt").mkdir()
    os.mkfifo(tmp_path / "clip.jpg")
    (tmp_path / "clip.png").hardlink_to(tmp_path / "real.srt")

    assert sidecars_of(tmp_path, "clip.mp4") == {"clip.mp4": ["clip.png"]}


def test_names_that_are_not_utf8_are_matched_byte_for_byte(tmp_path: Path) -> None:
    make(tmp_path, [os.fsdecode(b"\xe9t\xe9" + end) for end in (b".mp4", b".srt", b"-thumb.jpg")])
    make(tmp_path, ["e\u0301.mp4", "\u00e9.srt"])  # two names, though they look alike

    found = sidecars_of(tmp_path, os.fsdecode(b"\xe9t\xe9.mp4"), "e\u0301.mp4")

    assert [os.fsencode(name) for name in found.popitem()[1]] == [
        b"\xe9t\xe9-thumb.jpg",
        b"\xe9t\xe9.srt",
    ]
    assert found == {}


def test_a_video_without_a_suffix_has_sidecars_too(tmp_path: Path) -> None:
    make(tmp_path, ["clip", "clip.srt", ".mp4", ".mp4.nfo"])

    assert sidecars_of(tmp_path, "clip", ".mp4") == {"clip": ["clip.srt"], ".mp4": [".mp4.nfo"]}


def test_the_settings_say_what_goes_along(tmp_path: Path) -> None:
    make(tmp_path, ["clip.mp4", "clip.srt", "clip.info.json", "clip.json", "clip.MKA"])

    assert sidecars_of(tmp_path, "clip.mp4", suffixes=()) == {}
    assert sidecars_of(tmp_path, "clip.mp4", suffixes=(".Info.JSON", ".mka")) == {
        "clip.mp4": ["clip.MKA", "clip.info.json"]
    }


def test_the_default_suffixes_are_no_videos() -> None:
    assert not {*SIDECAR_SUFFIXES} & {*VIDEO_SUFFIXES}
    assert all(suffix.startswith(".") and suffix.islower() for suffix in SIDECAR_SUFFIXES)
    assert len({*SIDECAR_SUFFIXES}) == len(SIDECAR_SUFFIXES)


def test_a_folder_that_is_gone_or_is_a_file_has_no_sidecars(tmp_path: Path) -> None:
    make(tmp_path, ["file"])
    videos = [tmp_path / "none/clip.mp4", tmp_path / "file/clip.mp4"]

    assert find_sidecars(videos, SIDECAR_SUFFIXES) == {videos[0]: (), videos[1]: ()}
    assert find_sidecars([], SIDECAR_SUFFIXES) == {}


def test_a_folder_that_cannot_be_listed_has_no_sidecars(tmp_path: Path) -> None:
    make(tmp_path, ["clip.mp4", "clip.srt"])
    program = """if True:
        import os, sys
        from pathlib import Path
        from vidindex.sidecars import find_sidecars
        video = Path(sys.argv[1])
        if os.geteuid() == 0:
            os.seteuid(65534)
        print(find_sidecars([video], [".srt"]) == {video: ()})
    """
    tmp_path.chmod(0o311)

    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "clip.mp4")],
        capture_output=True,
        text=True,
        check=True,
    )

    tmp_path.chmod(0o755)
    assert ran.stdout == "True\n"


def test_a_failing_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "scandir", fail)
    with pytest.raises(SystemStopped, match="cannot list the folder"):
        find_sidecars([tmp_path / "clip.mp4"], SIDECAR_SUFFIXES)


def test_each_folder_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[Path] = []
    honest = os.scandir
    make(tmp_path / "a", [f"{number}.{kind}" for number in range(50) for kind in ("mp4", "srt")])

    def scandir(folder: Path) -> os._ScandirIterator[str]:
        listed.append(folder)
        return honest(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    found = sidecars_of(tmp_path / "a", *(f"{number}.mp4" for number in range(50)))

    assert listed == [tmp_path / "a"]
    assert found == {f"{number}.mp4": [f"{number}.srt"] for number in range(50)}


@pytest.mark.parametrize(
    ("sidecar", "target", "name"),
    [
        ("clip.srt", "clip.mp4", "clip.srt"),
        ("clip.en.srt", "x (2).mp4", "x (2).en.srt"),
        ("clip-poster.jpg", "x (2).mp4", "x (2)-poster.jpg"),
        ("clip.NFO", "x.y.mp4", "x.y.NFO"),
        ("clip.mp4.xmp", "x.mp4", "x.mp4.xmp"),
        ("clip.mp4.xmp", "x.MKV", "x.MKV.xmp"),
        ("clip.mp4x.srt", "x.mp4", "x.mp4x.srt"),
        ("clip.srt", "x", "x.srt"),
        ("clip.en.srt", "é" * 125 + ".mp4", "é" * 124 + ".en.srt"),
        ("clip." + "t" * 200 + ".srt", "x" * 200 + ".mp4", "x" * 200 + "." + "t" * 50 + ".srt"),
        ("clip.srt", os.fsdecode(b"\xff.mp4"), os.fsdecode(b"\xff.srt")),
    ],
)
def test_a_sidecar_is_named_like_its_video(sidecar: str, target: str, name: str) -> None:
    there = Path("/sorted/cluster_1")

    found = follow_name(Path("/in") / sidecar, Path("/in/clip.mp4"), there / target)

    assert found == there / name
    assert len(os.fsencode(name)) <= 255


def test_a_sidecar_follows_its_video_once_more_though_its_name_was_cut() -> None:
    video, long = Path("/in/clip.mp4"), Path("/out") / ("x" * 251 + ".mp4")
    cut = follow_name(Path("/in/clip.en.srt"), video, long)

    assert cut.name == "x" * 248 + ".en.srt"
    assert follow_name(cut, long, Path("/out/x.mp4")).name == "x.en.srt"


def test_sidecars_of_one_video_never_get_one_name() -> None:
    names = ("clip.srt", "clip.en.srt", "clip.mp4.srt", "clip-thumb.jpg", "clip.thumb.jpg")
    followed = {
        follow_name(Path("/in") / name, Path("/in/clip.mp4"), Path("/out/x (2).mp4"))
        for name in names
    }

    assert len(followed) == len(names)
