"""Thumbnails at the prompt: how many, which videos have none, and how they get some."""

from __future__ import annotations


def test_status_tells_of_videos_without_thumbnails_and_what_to_do(vidindex, videos):
    vidindex("index", videos, "--thumbnails", "0")

    state = vidindex("status", "--json").data
    told = vidindex("status").out

    assert state["unpictured"] == 4
    assert "pictures 4 videos without thumbnails: vidindex index --add-thumbnails PATH" in told


def test_status_keeps_quiet_where_none_are_wanted(vidindex, videos, monkeypatch):
    monkeypatch.setenv("VIDINDEX_THUMBNAILS", "0")
    vidindex("index", videos)

    assert "thumbnails" not in vidindex("status").out


def test_they_are_added_to_what_was_indexed_without(vidindex, videos):
    vidindex("index", videos, "--thumbnails", "0")

    outcome = vidindex("index", "--add-thumbnails", videos)

    assert outcome.code == 0
    assert "4 videos got thumbnails" in outcome.out
    assert vidindex("status", "--json").data["unpictured"] == 0
    assert vidindex("index", "--add-thumbnails", videos, "--json").data["pictured"] == 0


def test_a_new_library_lacks_none(vidindex, videos):
    assert "thumbnails" not in vidindex("index", videos).out

    assert "thumbnails" not in vidindex("status").out


def test_more_than_nine_are_refused(vidindex, videos):
    outcome = vidindex("index", videos, "--thumbnails", "10")

    assert outcome.code == 2
    assert "thumbnails of --thumbnails must be a whole number >= 0 and <= 9" in outcome.err


def test_adding_none_is_a_mistake(vidindex, videos):
    outcome = vidindex("index", "--add-thumbnails", "--thumbnails", "0", videos)

    assert outcome.code == 2
    assert "no thumbnails to add" in outcome.err
