"""What one changes in the page, and that the library has it then."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.generated import centers, put_copy
from tests.web.browser.conftest import REFUSED, OpenPage
from tests.web.browser.pages import PHONE, cluster_of, tile
from tests.web.browser.sites import Site, fill_library, serving

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

if TYPE_CHECKING:
    from playwright.sync_api import Page


def names_of_clusters(site: Site) -> set[str | None]:
    return {cluster.name for cluster in site.library.clusters().clusters}


def pinned(site: Site) -> set[str]:
    videos = [pin.video for pin in site.library.wishes().pins]
    return {video.path.name for video in videos if video.path is not None}


def test_a_cluster_is_renamed_in_place(page: Page, site: Site) -> None:
    section = cluster_of(page, "beach00.mp4")
    section.get_by_role("button", name="Rename").click()
    section.get_by_role("textbox").fill("Sand")
    page.keyboard.press("Enter")
    expect(section.locator("h2")).to_have_text("Sand")
    expect(page.locator(".index").get_by_text("Sand")).to_be_visible()
    assert "Sand" in names_of_clusters(site)

    section.get_by_role("button", name="Rename").click()
    section.get_by_role("textbox").fill("Mud")
    page.keyboard.press("Escape")
    expect(section.locator("h2")).to_have_text("Sand")
    assert "Mud" not in names_of_clusters(site)

    page.reload()
    expect(cluster_of(page, "beach00.mp4").locator("h2")).to_have_text("Sand")


def test_a_name_that_the_library_refuses_is_told_with_what_to_do(
    site: Site, open_page: OpenPage
) -> None:
    page = open_page(site, may_fail=(REFUSED,))
    section = cluster_of(page, "city00.mp4")
    before = section.locator("h2").text_content() or ""
    section.get_by_role("button", name="Rename").click()
    section.get_by_role("textbox").fill("a\u202eb")
    page.keyboard.press("Enter")
    alert = page.get_by_role("alert")
    expect(alert.locator("strong")).to_be_visible()
    expect(alert.locator(".hint")).to_be_visible()
    expect(section.locator("h2")).to_have_text(before)
    alert.get_by_role("button", name="Dismiss").click()
    expect(alert.locator("strong")).to_have_count(0)


@pytest.mark.parametrize("place", ["wall", "list"])
def test_a_video_that_is_dragged_to_another_cluster_is_pinned_there(
    page: Page, site: Site, place: str
) -> None:
    name = {"wall": "beach01.mp4", "list": "beach02.mp4"}[place]
    city = cluster_of(page, "city00.mp4")
    title = city.locator("h2").text_content() or ""
    aim = (
        city.locator(".wall").first
        if place == "wall"
        else page.locator(".index li", has_text=title)
    )
    tile(page, name).locator(".tile-open").drag_to(aim)
    expect(
        page.get_by_role("status").filter(has_text=f"{name} is pinned to {title}.")
    ).to_be_visible()
    expect(cluster_of(page, name).locator("h2")).to_have_text(title)
    expect(tile(page, name).locator(".pin")).to_be_visible()
    assert site.label_of(name) == site.label_of("city00.mp4")
    assert name in pinned(site)

    page.get_by_role("button", name="Undo", exact=True).click()
    expect(cluster_of(page, name)).not_to_contain_text("city00.mp4")
    expect(tile(page, name).locator(".pin")).to_have_count(0)
    assert site.label_of(name) == site.label_of("beach00.mp4")
    assert name not in pinned(site)


def test_a_phone_moves_a_video_by_its_menu(site: Site, open_page: OpenPage) -> None:
    page = open_page(site, **PHONE)
    title = cluster_of(page, "city00.mp4").locator("h2").text_content() or ""
    tile(page, "beach03.mp4").get_by_role("button", name="Move beach03.mp4 to…").tap()
    page.get_by_role("dialog").get_by_role("button", name=title).tap()
    expect(cluster_of(page, "beach03.mp4").locator("h2")).to_have_text(title)
    assert site.label_of("beach03.mp4") == site.label_of("city00.mp4")

    tile(page, "beach03.mp4").get_by_role("button", name="Move beach03.mp4 to…").tap()
    page.get_by_role("dialog").get_by_role("button", name="Unpin").tap()
    expect(tile(page, "beach03.mp4").locator(".pin")).to_have_count(0)
    assert "beach03.mp4" not in pinned(site)


def test_all_can_be_done_by_the_keys_alone(page: Page, site: Site) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    city = cluster_of(page, "city00.mp4")
    stops = city.locator(".wall").first.locator(".tile-open")
    for _ in range(40):
        page.keyboard.press("Tab")
        if stops.first.evaluate("stop => stop === document.activeElement"):
            break
    page.keyboard.press("ArrowRight")
    expect(stops.nth(1)).to_be_focused()
    assert stops.nth(1).evaluate("stop => getComputedStyle(stop).outlineStyle") == "solid"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    expect(stops.last).to_be_focused()
    name = city.locator(".wall").first.locator(".tile-name").last.text_content() or ""

    page.keyboard.press("r")
    page.keyboard.type("Streets")
    page.keyboard.press("Enter")
    expect(city.locator("h2")).to_have_text("Streets")
    expect(city.locator("h2")).to_be_focused()

    stops.last.focus()
    page.keyboard.press("m")
    choices = page.get_by_role("dialog").locator(".choices button:enabled")
    expect(choices.first).to_be_focused()
    if choices.first.locator("span").text_content() == "Streets":
        page.keyboard.press("ArrowDown")
    target = page.locator(".choices button:focus span").text_content() or ""
    page.keyboard.press("Enter")
    expect(tile(page, name).locator(".pin")).to_be_visible()
    expect(cluster_of(page, name).locator("h2")).to_have_text(target)
    expect(tile(page, name).locator(".tile-open")).to_be_focused()
    assert name in pinned(site)
    page.keyboard.press("u")
    expect(tile(page, name).locator(".pin")).to_have_count(0)
    assert name not in pinned(site)


def test_only_the_run_in_use_takes_pins_and_it_is_offered_to_use_it(page: Page, site: Site) -> None:
    old = site.library.status().run
    assert old is not None
    page.locator("#k").fill("4")
    expect(page.locator(".cluster")).to_have_count(4)
    page.select_option("#run", str(old.id))
    expect(page.locator(".cluster")).to_have_count(3)
    tile(page, "beach00.mp4").get_by_role("button", name="Move").click()
    page.get_by_role("dialog").locator(".choices button:enabled").last.click()
    page.get_by_role("button", name=f"Use run {old.id}").click()
    expect(page.locator(".use")).to_have_text("in use")
    run = site.library.status().run
    assert run is not None
    assert run.id == old.id
    assert "beach00.mp4" not in pinned(site)


def test_near_duplicates_can_be_said_to_be_none(tmp_path: Path, open_page: OpenPage) -> None:
    points = centers(3)
    near = {"one.mp4": points[0], "two.mp4": points[0] * 1.0001}
    library = fill_library(tmp_path, near | {"a.mp4": points[1], "b.mp4": points[2]}, alike=2)
    shutil.copyfile(tmp_path / "in/a.mp4", tmp_path / "in/a copy.mp4")
    put_copy(library.path, tmp_path / "in/a.mp4", tmp_path / "in/a copy.mp4")
    library.cluster(2)
    with serving(library, tmp_path) as site:
        page = open_page(site, "duplicates")
        exact = page.locator(".cluster", has_text="The same content")
        expect(exact.locator(".tile-name")).to_have_text(["a.mp4", "a copy.mp4"])
        group = page.locator(".cluster", has_text="Nearly the same")
        expect(group.get_by_text("best copy")).to_have_count(1)
        group.get_by_role("button", name="Not a duplicate").click()
        expect(group).to_be_hidden()
        assert len(library.wishes().distinct) == 1
        page.get_by_role("button", name="Undo", exact=True).click()
        expect(group).to_be_visible()
        assert library.wishes().distinct == ()
        page.close()
