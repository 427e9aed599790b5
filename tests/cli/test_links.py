"""Symbolic links in the folders that are indexed: passed over, or followed if that is asked for."""

import pytest


@pytest.fixture
def linked(home, put):
    """library/ with a.mp4, and links: to disk/, to itself, to one file, and to nothing."""
    put("a", home / "library/a.mp4")
    put("b", home / "disk/deep/b.mp4")
    put("c", home / "disk/deep/c.mp4")
    put("d", home / "single/d.mp4")
    for name, target in {
        "disk": home / "disk",
        "again": home / "disk/deep",
        "loop": home / "library",
        "d.mp4": home / "single/d.mp4",
        "e.mp4": home / "absent.mp4",
    }.items():
        (home / "library" / name).symlink_to(target)
    return home / "library"


def stored_paths(vidindex, home):
    vidindex("cluster", "-k", "1")
    rows = vidindex("labels", "--json").data["rows"]
    return sorted(row["path"].removeprefix(f"{home}/") for row in rows)


def test_links_are_passed_over_and_named(vidindex, linked, home):
    outcome = vidindex("index", linked)

    assert outcome.code == 0
    for name in ("disk", "again", "loop"):
        assert f"skipped {linked}/{name}: a link to a folder, not followed" in outcome.err
    for name in ("d.mp4", "e.mp4"):
        assert f"skipped {linked}/{name}: a symbolic link, not followed" in outcome.err
    assert stored_paths(vidindex, home) == ["library/a.mp4"]


def test_links_that_are_followed_lead_to_each_file_once_under_its_real_path(vidindex, linked, home):
    outcome = vidindex("index", linked, "--symlinks", "follow", "--json")

    assert (outcome.code, outcome.data["indexed"]) == (0, 4)
    assert f"skipped {linked}/e.mp4: cannot follow the link: No such file" in outcome.err
    assert stored_paths(vidindex, home) == [
        "disk/deep/b.mp4",
        "disk/deep/c.mp4",
        "library/a.mp4",
        "single/d.mp4",
    ]


@pytest.mark.parametrize("way", ["variable", "file"])
def test_that_links_are_followed_can_be_set_for_good(vidindex, linked, home, monkeypatch, way):
    if way == "variable":
        monkeypatch.setenv("VIDINDEX_SYMLINKS", "follow")
    else:
        (home / "config/vidindex").mkdir(parents=True)
        (home / "config/vidindex/config.toml").write_text('symlinks = "follow"\n')

    assert vidindex("index", linked, "--json").data["indexed"] == 4


def test_another_policy_is_refused(vidindex, linked):
    outcome = vidindex("index", linked, "--symlinks", "never")

    assert outcome.code == 2
    assert "must be one of skip, follow" in outcome.err


def test_what_links_lead_to_is_unchanged_the_next_time_by_whatever_way(vidindex, linked, home):
    vidindex("index", linked, "--symlinks", "follow")

    by_links = vidindex("index", linked, "--symlinks", "follow", "--json").data
    by_name = vidindex("index", home / "disk", linked / "disk", "--json").data

    assert (by_links["unchanged"], by_links["indexed"]) == (4, 0)
    assert (by_name["unchanged"], by_name["indexed"]) == (2, 0)


def test_a_file_that_is_gone_from_where_a_link_leads_is_missing(vidindex, linked, home):
    vidindex("index", linked, "--symlinks", "follow")
    (home / "disk/deep/b.mp4").unlink()

    counts = vidindex("index", linked, "--symlinks", "follow", "--json").data

    assert (counts["unchanged"], counts["missing"]) == (3, 1)


def test_a_disk_that_is_gone_from_where_a_link_leads_is_offline(vidindex, linked, home):
    vidindex("index", linked, "--symlinks", "follow")
    (home / "disk/deep").rename(home / "unplugged")
    (home / "disk/deep").mkdir()

    outcome = vidindex("index", linked, "--symlinks", "follow", "--json")

    assert (outcome.code, outcome.data["missing"]) == (4, 0)
    assert {error["code"] for error in outcome.answer["errors"]} == {"offline"}


def test_a_file_whose_place_a_link_took_follows_it(vidindex, linked, home):
    """The file was put elsewhere and linked to from where it was: it is the same video."""
    vidindex("index", linked)
    (linked / "a.mp4").rename(home / "single/a.mp4")
    (linked / "a.mp4").symlink_to(home / "single/a.mp4")

    counts = vidindex("index", linked, "--symlinks", "follow", "--json").data

    assert counts["relinked"] == 1
    assert "library/a.mp4" not in stored_paths(vidindex, home)
