"""Videos are sent in parts, by number only, and only while they are what the library knows."""

import os
import shutil
import threading
import time

import pytest

from vidindex.db.engine import Database
from vidindex.store import files
from vidindex.web.media import Part, parse_range


@pytest.fixture(scope="module")
def clip(pool):
    """A file that the library knows: its number, its path, its content."""
    file = known(pool)[0]
    return file.id, file.stat.path, file.stat.path.read_bytes()


def known(library):
    with Database(library.path) as database, database.reading() as session:
        return files.list_files(session)


def test_a_video_is_sent_whole_with_its_type_and_that_it_has_parts(visitor, clip):
    number, _, content = clip

    answer = visitor.get(f"/media/{number}")

    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes"
    assert "content-disposition" not in answer.headers


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=3-5", slice(3, 6)),
        ("bytes=3-", slice(3, None)),
        ("bytes=-4", slice(-4, None)),
        ("bytes=-99999999999999999999999", slice(0, None)),
        ("bytes=2-99999999999999999999999", slice(2, None)),
        ("bytes= 1-2", slice(1, 3)),
        ("bytes=0000000000000000000000001-2", slice(1, 3)),
    ],
)
def test_a_part_is_sent_as_asked(visitor, clip, asked, part):
    number, _, content = clip

    answer = visitor.get(f"/media/{number}", range=asked)

    assert (answer.status_code, answer.content) == (206, content[part])
    start = range(len(content))[part][0]
    assert answer.headers["content-range"] == (
        f"bytes {start}-{start + len(answer.content) - 1}/{len(content)}"
    )


@pytest.mark.parametrize("asked", ["bytes=999999-", "bytes=-0", "bytes=99999999999999999999999-"])
def test_a_part_that_is_not_there_is_refused(visitor, clip, asked):
    number, _, content = clip

    answer = visitor.get(f"/media/{number}", range=asked)

    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(content)}"


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-0,2-3",
        "bytes=" + ",".join(f"{n}-{n}" for n in range(2000)),
        "bytes=5-2",
        "bytes=-",
        "bytes=a-b",
        "bytes=1-2-3",
        "bytes=--1",
        "bytes=+1-2",
        "bytes=\xb2-3",
        "items=0-1",
        "0-1",
        "",
    ],
    ids=lambda text: text[:20],
)
def test_a_range_that_makes_no_sense_or_several_get_the_whole(visitor, clip, asked):
    number, _, content = clip

    answer = visitor.get(f"/media/{number}", range=asked.encode("latin-1"))

    assert (answer.status_code, answer.content) == (200, content)


def test_a_million_ranges_are_refused_before_they_are_read(visitor, clip):
    ranges = "bytes=" + ",".join(f"{n}-{n}" for n in range(1_000_000))

    with pytest.raises((ConnectionError, AssertionError)):
        assert visitor.ask(f"/media/{clip[0]}", f"Range: {ranges}") == 200
    assert visitor.get("/api/library").status_code == 200


def test_a_part_of_another_version_is_not_sent(visitor, clip):
    number, _, content = clip
    etag = visitor.get(f"/media/{number}").headers["etag"]

    same = visitor.get(f"/media/{number}", **{"range": "bytes=0-0", "if-range": etag})
    other = visitor.get(f"/media/{number}", **{"range": "bytes=0-0", "if-range": '"x"'})

    assert (same.status_code, other.status_code) == (206, 200)
    assert other.content == content


def test_only_the_headers_are_sent_if_only_they_are_asked_for(visitor, clip):
    answer = visitor.client.head(f"/media/{clip[0]}")

    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len(clip[2]))
    assert answer.content == b""


@pytest.mark.parametrize(
    "path",
    [
        "/media/-1",
        "/media/1e99",
        "/media/0",
        "/media/999999",
        "/media/9223372036854775807",
        "/media/9223372036854775808",
        "/media/99999999999999999999999999",
        "/media/text",
        "/media/",
        "/media",
        "/media/1/",
        "/media//1",
        "//media/1",
        "/media/1%00",
        "/media/%00",
        "/media/1%0a",
        "/media/%201",
        "/media/%d9%a1",
        "/media/../../etc/passwd",
        "/media/%2e%2e/%2e%2e/etc/passwd",
        "/media/..%2f..%2fetc%2fpasswd",
        "/media/%2fetc%2fpasswd",
        "/static/../server.py",
        "/static/%2e%2e/server.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/app.js%00",
        "/static/",
        "/thumbnails/1/-1",
        "/thumbnails/1/99",
        "/thumbnails/-1/0",
        "/thumbnails/1e9/0",
        "/thumbnails/1/0/../0",
        "/thumbnails/12/0",
        "/api/videos/-1",
        "/api/videos/99999999999999999999",
        "/api/runs/99",
        "/api/runs/1/clusters/99",
        "/api/runs/1/clusters/-1",
        "/api/jobs/7",
    ],
)
def test_nothing_is_found_at_odd_numbers_and_paths(visitor, path):
    status, answer = visitor.raw(
        [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{visitor.port}",
            f"Cookie: {visitor.cookie}",
            "Connection: close",
        ]
    )

    assert status == 404
    assert "root:" not in answer
    assert "import" not in answer


def test_a_picture_is_sent(visitor):
    answer = visitor.get("/thumbnails/1/2")

    assert (answer.status_code, answer.content) == (200, b"\xff\xd8picture 2\xff\xd9")
    assert answer.headers["content-type"] == "image/jpeg"


def _edit(path):
    path.write_bytes(b"x" * path.stat().st_size)


def _link(path):
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


def _link_elsewhere(path):
    path.unlink()
    path.symlink_to("/etc/passwd")


def _link_folder(path):
    path.parent.rename(path.parent.with_name("real"))
    path.parent.symlink_to(path.parent.with_name("real"))


def _pipe(path):
    path.unlink()
    os.mkfifo(path)


def _folder(path):
    path.unlink()
    path.mkdir()


def _replace(path):
    status = path.stat()
    shutil.copyfile(path, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize(
    "change", [_edit, _link, _link_elsewhere, _link_folder, _pipe, _folder, _replace, os.unlink]
)
def test_a_file_that_is_not_what_the_library_knows_is_not_sent(own, visit, change):
    file = known(own)[0]
    visitor = visit(own)
    assert visitor.get(f"/media/{file.id}").status_code == 200

    change(file.stat.path)

    begun = time.perf_counter()
    answer = visitor.get(f"/media/{file.id}")
    assert answer.status_code == 404
    assert "not there any more" in answer.json()["error"]["message"]
    assert time.perf_counter() - begun < 5


def test_a_missing_file_is_not_sent(own, visit):
    file = known(own)[0]
    with Database(own.path) as database, database.writing() as session:
        files.mark_missing(session, [file.id], since=own.runs()[0].created_at)

    assert visit(own).get(f"/media/{file.id}").status_code == 404


def test_while_files_are_moved_each_answer_is_the_right_content_or_none(own, visit):
    contents = {file.id: file.stat.path.read_bytes() for file in known(own)}
    visitor = visit(own)
    wrong, right = [], []
    over = threading.Event()

    def play():
        while not over.is_set():
            for number, content in contents.items():
                answer = visitor.get(f"/media/{number}")
                if answer.status_code == 200:
                    (right if answer.content == content else wrong).append(number)
                elif answer.status_code != 404:
                    wrong.append(answer.status_code)

    player = threading.Thread(target=play)
    player.start()
    try:
        for _ in range(2):
            own.apply(own.path.parent / "out")
            own.undo()
    finally:
        over.set()
        player.join()

    assert wrong == []
    assert len(right) > len(contents)
    for number, content in contents.items():
        assert visitor.get(f"/media/{number}").content == content


def test_a_file_that_is_cut_while_it_is_sent_ends_before_its_length(own, visit):
    file = known(own)[0]
    big = file.stat.path
    big.write_bytes(bytes(50 << 20))
    from vidindex.scanning import FileStat

    with Database(own.path) as database, database.writing() as session:
        stat = FileStat.of(big, big.lstat())
        files.put_file(session, stat, video_id=file.video_id, checked_at_ns=1)
    visitor = visit(own)

    with visitor.client.stream("GET", f"/media/{file.id}") as answer:
        assert answer.headers["content-length"] == str(50 << 20)
        os.truncate(big, 10)
        with pytest.raises(Exception, match="peer closed connection"):
            answer.read()
    assert visitor.get("/api/library").status_code == 200


def test_parts_of_an_empty_file():
    assert parse_range(None, 0) == Part(0, 0, is_whole=True)
    assert parse_range("bytes=0-", 0) is None
    assert parse_range("bytes=-5", 0) is None
