"""Thumbnails, the map, and pairs that are no duplicates."""

from tests.databases import make
from vidindex.store import distinctions, maps, thumbnails
from vidindex.store.maps import StoredPoint
from vidindex.store.thumbnails import NewThumbnail, ThumbnailPlace


def test_the_pictures_of_a_video_come_back_in_order(filled):
    assert thumbnails.list_places(filled) == [
        ThumbnailPlace(1, 0, 0.0, 240, 135),
        ThumbnailPlace(1, 1, 30.0, 240, 135),
    ]
    assert [thumbnails.find_jpeg(filled, 1, position) for position in (0, 1, 2)] == [
        *(picture.jpeg for picture in make.PICTURES),
        None,
    ]


def test_pictures_are_stored_in_place_of_those_before(filled):
    thumbnails.put_thumbnails(filled, 1, [NewThumbnail(1.0, 10, 20, b"new")])
    thumbnails.put_thumbnails(filled, 2, make.PICTURES)

    assert thumbnails.find_jpeg(filled, 1, 0) == b"new"
    assert thumbnails.count_of_videos(filled) == {1: 1, 2: 2}
    assert {place.video_id for place in thumbnails.list_places(filled, [2, 3])} == {2}


def test_a_map_comes_back_with_the_videos_that_were_placed_later(filled):
    found = maps.find_map(filled, 1)

    assert (found.video_count, found.created_at) == (2, make.NOON)
    assert found.points == (
        StoredPoint(1, 0.25, 0.5),
        StoredPoint(2, 1.0, 0.0),
        StoredPoint(3, 0.5, 0.75, is_placed_later=True),
    )
    assert maps.find_map(filled, 2) is None


def test_a_new_map_takes_the_place_of_the_old_one_and_its_points(filled):
    maps.put_map(filled, 1, [StoredPoint(3, 0.0, 1.0)], "new", now=make.NOON)

    assert maps.find_map(filled, 1).points == (StoredPoint(3, 0.0, 1.0),)


def test_a_pair_is_distinct_in_either_order_and_once(filled):
    distinctions.put_distinction(filled, 2, 3, now=make.NOON)
    distinctions.put_distinction(filled, 4, 1, now=make.NOON)

    assert distinctions.list_distinctions(filled) == [(1, 4), (2, 3)]
    assert distinctions.drop_distinction(filled, 3, 2)
    assert not distinctions.drop_distinction(filled, 3, 2)
    assert distinctions.list_distinctions(filled) == [(1, 4)]
