"""Files that are no video: each with its reason, and none of them opens another file."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import clips
from vidindex.embedding import Sampling
from vidindex.errors import MediaError, UnreadableError
from vidindex.frames import read_frames

IN_OPEN = 0x20


def written(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def cut_in_first_picture(path: Path) -> None:
    content = clips.make_truncated(path, 1.0).read_bytes()
    path.write_bytes(content[: content.index(b"mdat") + 20])


BAD = {
    "empty": (written(b""), "empty file"),
    "text": (written(b"hello, this is no video\n" * 40), "not a video (text)"),
    "zeros": (written(bytes(5000)), "not a video (only zeros)"),
    "noise": (
        written(bytes((7 * n * n + n // 3) % 251 for n in range(5000))),
        "not a video (no known format)",
    ),
    "sound": (clips.make_sound_only, "no video stream (audio only)"),
    "sound with a cover": (clips.make_with_cover, "no video stream (audio only)"),
    "subtitles": (clips.make_subtitles_only, "no video stream (subtitles only)"),
    "png": (lambda path: clips.make_picture(path, "png"), "a picture, not a video"),
    "encrypted": (clips.make_encrypted, "encrypted"),
    "mp4 without its header": (
        lambda path: clips.make_truncated(path, 0.5, index_first=False),
        "damaged or truncated: the mp4 header cannot be read",
    ),
    "mp4 without its pictures": (
        cut_in_first_picture,
        "truncated before the first frame",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_is_no_video_is_refused_with_its_reason(kind: str, tmp_path: Path) -> None:
    make, reason = BAD[kind]
    path = tmp_path / "clip.mp4"
    make(path)

    with pytest.raises(MediaError) as caught:
        read_frames(path, Sampling())

    assert caught.value.message == reason


def test_pictures_that_are_all_noise_are_refused(tmp_path: Path) -> None:
    path = clips.make_slow(tmp_path / "clip.mp4", 5)
    content = bytearray(path.read_bytes())
    start, end = content.index(b"mdat") + 4, content.index(b"moov") - 4
    content[start:end] = bytes((5 * n * n + 1) % 256 for n in range(end - start))
    path.write_bytes(content)

    with pytest.raises(MediaError, match="no frame could be decoded"):
        read_frames(path, Sampling())


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{target}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{target}'\n",
    "dash": "<?xml version='1.0'?><MPD><BaseURL>{target}</BaseURL></MPD>",
    "sdp": "v=0\nm=video 4444 RTP/AVP 96\nc=IN IP4 127.0.0.1\na=rtpmap:96 H264/90000\n",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("suffix", [".mp4", ".m3u8"])
def test_a_playlist_is_refused_and_the_file_that_it_names_not_opened(
    kind: str, suffix: str, tmp_path: Path
) -> None:
    target = clips.make_slow(tmp_path / "target.mp4", 2)
    playlist = (tmp_path / "list").with_suffix(suffix)
    playlist.write_text(PLAYLISTS[kind].format(target=target))
    watch = OpenWatch(target)

    with pytest.raises(MediaError, match="a playlist, not a video"):
        read_frames(playlist, Sampling())

    assert not watch.saw_it_opened()
    target.open().close()
    assert watch.saw_it_opened()


class OpenWatch:
    """Notices when a file is opened, by Linux's inotify."""

    def __init__(self, path: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_NONBLOCK)
        assert libc.inotify_add_watch(self._descriptor, os.fsencode(path), IN_OPEN) > 0

    def saw_it_opened(self) -> bool:
        try:
            return bool(os.read(self._descriptor, 4096))
        except BlockingIOError:
            return False

    def __del__(self) -> None:
        os.close(self._descriptor)


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="No such file"):
        read_frames(tmp_path / "none.mp4", Sampling())


def test_a_folder_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="not a regular file"):
        read_frames(tmp_path, Sampling())


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link.mp4").symlink_to(clips.make_slow(tmp_path / "clip.mp4", 2))

    with pytest.raises(UnreadableError, match="cannot open"):
        read_frames(tmp_path / "link.mp4", Sampling())


@pytest.mark.timeout(20)
def test_a_named_pipe_is_unreadable_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")

    with pytest.raises(UnreadableError, match="not a regular file"):
        read_frames(tmp_path / "pipe.mp4", Sampling())
