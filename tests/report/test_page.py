"""What a report shows: the numbers, the right videos in the right order, the pictures that fit."""

import base64
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlparse

import pytest

from tests.report.scenes import KINDS, VIDEOS, make_library, put_run
from vidindex import Library
from vidindex.db import schema
from vidindex.db.engine import Database
from vidindex.errors import Refused, UsageError
from vidindex.store import embeddings, files

URL_ATTRIBUTES = {"src", "href", "action", "data", "poster", "srcset", "xlink:href", "formaction"}


def names_of(page, sheet):
    """The names on a contact sheet, in order: typical ones, then the least typical."""
    return [tile["data-path"].rpartition("/")[2] for tile in tiles_of(page, sheet)]


def tiles_of(page, sheet):
    found, inside = [], False
    for tag, attributes in page.elements:
        if tag in ("article", "section"):
            inside = attributes.get("id") == sheet
        if inside and tag == "button":
            found.append(attributes)
    return found


def test_the_summary_counts_what_there_is(page):
    text = page.text

    assert f"Videos {VIDEOS + 1} " in text  # the broken one is a video, too
    assert "Size 32.0 MB" in text
    assert "Duration 5:10 min" in text
    assert "Clusters 3 Stored runs 3 Failures 1 Missing files 1" in text
    assert f"Shown is run 3, the one in use: {VIDEOS} videos in 3 clusters (kmeans)" in text
    assert "Of 1 video the duration is not known." in text


def test_an_untrained_network_is_called_so(page, page_of, tmp_path):
    trained = page_of(make_library(tmp_path / "trained.db", weights="imagenet"))

    assert "Untrained network (untrained:0)" in page.text
    assert "Untrained" not in trained.text
    assert "Network: imagenet weights. Sampling: a frame every 30 s." in trained.text


def test_each_cluster_shows_its_most_and_its_least_typical_videos(page):
    beaches = [f"beach{number:03}.mp4" for number in range(KINDS["beach"])]

    assert names_of(page, "cluster-0") == beaches[:12] + beaches[-4:][::-1]
    assert names_of(page, "cluster-1") == [f"city{number:03}.mp4" for number in range(6)]
    assert names_of(page, "unsorted") == ["odd000.mp4", "odd001.mp4"]
    assert "4 more are not shown here" in page.text


def test_a_tile_tells_what_is_known_of_its_video(page):
    text = page.text

    assert "beach000.mp4 0.100 · 10.0 s beach001.mp4 0.110 · 10.0 s · pinned beach002.mp4" in text
    assert "0 · Sand" in text


def test_how_many_videos_and_pictures_are_shown_can_be_chosen(stocked, page_of):
    page = page_of(stocked, videos=3, pictures=2)

    assert names_of(page, "cluster-0") == [
        "beach000.mp4",
        "beach001.mp4",
        "beach002.mp4",
        "beach019.mp4",
    ]
    assert len(page.all("img")) == 2 * (4 + 4 + 3 + 2)


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"videos": 0}, "at least 1 video"),
        ({"pictures": 10}, "1 to 9 pictures"),
        ({"pictures": 0}, "1 to 9 pictures"),
        ({"max_bytes": -1}, "smaller than nothing"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(stocked, tmp_path, keywords, says):
    with pytest.raises(UsageError, match=says):
        Library(stocked).report(tmp_path / "out.html", **keywords)

    assert list(tmp_path.iterdir()) == []


def test_another_run_can_be_shown(stocked, page_of, tmp_path):
    page = page_of(stocked, run=2)

    assert f"Shown is run 2: {VIDEOS} videos in 4 clusters" in page.text
    with pytest.raises(Refused, match="there is no run 9"):
        Library(stocked).report(tmp_path / "other.html", run=9)


def test_the_charts_mark_the_k_that_is_shown(page):
    circles = page.all("circle", "mark")
    assert len(circles) == 3 * 3  # inertia, silhouette and stability of K = 2, 3, 4
    assert len(page.all("circle", "shown")) == 3
    assert "K = 3: 3.333 (run 3)" in page.text
    assert re.search(r"3 \(shown\) 3 3.3333 0.300 0.600", page.text)


def test_runs_of_other_vectors_are_not_compared(tmp_path, page_of):
    library = make_library(tmp_path / "library.db")
    with Database(library) as database, database.writing() as session:
        numbers = embeddings.load_matrix(session, 1).video_ids[:9]
        put_run(session, 1, numbers, [each % 5 for each in range(9)], 5)

    page = page_of(library, run=3)

    assert "K = 5" not in page.text
    assert "Choice of K" in page.text
    assert "Choice of K" not in page_of(library, run=4).text  # it has none to compare with


def test_the_map_has_each_video_with_its_cluster_and_a_picture(page):
    data = page.json("map-data")

    assert len(data["points"]) == VIDEOS
    assert data["folders"] == ["/videos"]
    assert data["names"] == {"0": "Sand", "1": None, "2": None}
    labels = [label for _, _, _, label, _, _, _ in data["points"]]
    assert [labels.count(label) for label in (0, 1, 2, -1)] == list(KINDS.values())
    on_sheet = [image["id"] for image in page.all("img") if "id" in image]
    pictures = page.json("pictures-0")
    for video, x, y, _, _, name, piece in data["points"]:
        assert 0 <= min(x, y) <= max(x, y) <= 1000
        assert (f"p{video}" in on_sheet) == (piece == -1), name
        assert (str(video) in pictures) == (piece == 0), name
    assert len(pictures) == 4  # the beaches that are on no sheet
    assert all(base64.b64decode(each).startswith(b"\xff\xd8") for each in pictures.values())


def test_pictures_that_are_too_much_are_left_out_the_sheets_last(stocked, page_of, tmp_path):
    whole = page_of(stocked)
    size = len(whole.all("img")[0]["src"]) + 100

    some = page_of(stocked, max_bytes=20 * size)
    none = page_of(stocked, max_bytes=0)

    assert 18 <= len(some.all("img")) <= 21
    assert "pictures-0" not in {attributes.get("id") for attributes in some.all("script")}
    assert {None, -1} == {point[-1] for point in some.json("map-data")["points"]}
    shown = [tile["data-path"] for tile in some.all("button", "tile")]
    assert len(shown) == len(whole.all("button", "tile"))  # their videos are shown all the same
    assert none.all("img") == []
    assert f"{VIDEOS} pictures were left out" in none.text
    result = Library(stocked).report(tmp_path / "none.html", max_bytes=0)
    assert (result.pictures, result.left_out) == (0, VIDEOS)


def test_duplicates_are_told_the_best_first(tmp_path, page_of):
    library = make_library(tmp_path / "library.db")
    with Database(library) as database, database.writing() as session:
        known = files.find_file(session, Path("/videos/city000.mp4"))
        path = Path("/videos/city000 (copy).mp4")
        copy = replace(known.stat, path=path, mtime_ns=2 * 10**18, inode=99)
        files.put_file(session, copy, video_id=known.video_id, checked_at_ns=1)

    page = page_of(library)

    assert re.search(
        r"1 group of files.* Same content 2 files, 1.0 MB to save "
        r"best /videos/city000.mp4 1.0 MB /videos/city000 \(copy\).mp4 1.0 MB",
        page.text,
    )
    assert "The videos lie in 33 files: some have copies." in page.text


def test_failures_are_told_with_their_reason(page):
    assert re.search(r"no video stream 1 file /videos/broken.mp4", page.text)


def test_the_page_names_no_other_place(page):
    for tag, attributes in page.elements:
        for name in URL_ATTRIBUTES & attributes.keys():
            scheme = urlparse(attributes[name]).scheme
            assert scheme in ("", "data"), (tag, attributes[name])
        assert not [name for name in attributes if name.startswith("on")]
        assert "style" not in attributes


def test_a_library_without_a_run_is_told_what_to_do(tmp_path, page_of):
    library = tmp_path / "library.db"
    schema.create(library)

    assert "The library holds no videos yet" in page_of(library).text


def test_a_library_that_is_indexed_only_shows_its_map_and_failures(tmp_path, page_of):
    library = make_library(tmp_path / "library.db")
    for run in (1, 2, 3):
        Library(library).remove_runs([run], force=True)

    page = page_of(library)

    assert "Nothing is clustered yet" in page.text
    assert len(page.json("map-data")["points"]) == VIDEOS
    assert "no video stream" in page.text
    with pytest.raises(Refused, match="nothing is clustered"):
        Library(library).report(tmp_path / "out2.html", run=1)


def test_two_reports_on_one_library_are_alike_but_for_the_time(stocked, tmp_path):
    pages = []
    for number in range(2):
        Library(stocked).report(tmp_path / f"{number}.html")
        text = (tmp_path / f"{number}.html").read_text()
        pages.append(re.sub(r"<time.*?</time>", "", text))

    assert pages[0] == pages[1]
