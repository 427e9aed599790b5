"""What one sees: clusters as walls of pictures, any number of them, on every screen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.web.browser.conftest import OpenPage
from tests.web.browser.pages import PHONE, VIEWS, find_low_contrast, tile
from tests.web.browser.sites import KINDS, PICTURES, Site

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_the_first_look_shows_every_cluster_with_its_pictures(page: Page) -> None:
    expect(page).to_have_title("library.db · vidindex")
    sizes = page.locator(".cluster .size").all_text_contents()
    assert sorted(sizes) == sorted(f"{count} videos" for count in KINDS.values())
    image = tile(page, "beach00.mp4").locator("img")
    image.scroll_into_view_if_needed()
    page.wait_for_function("image => image.naturalWidth === 240", arg=image.element_handle())
    room = [image.get_attribute(name) for name in ("width", "height", "loading")]
    assert room == ["240", "180", "lazy"]


def test_a_big_cluster_shows_24_videos_and_more_on_demand(page: Page) -> None:
    forest = page.locator(".cluster", has_text="30 videos")
    tiles = forest.locator(".wall").first.locator(".tile")
    expect(tiles).to_have_count(24)
    forest.get_by_role("button", name="Show 6 more of 6").click()
    expect(tiles).to_have_count(30)
    assert len(set(tiles.locator(".tile-name").all_text_contents())) == 30
    expect(forest.get_by_role("button", name=re.compile("more of"))).to_have_count(0)


def test_a_tile_walks_through_its_pictures_while_it_is_pointed_at(page: Page) -> None:
    image = page.locator(".tile img").first
    before = image.get_attribute("src")
    seen = page.evaluate_handle(
        """image => {
            const seen = new Set();
            const note = () => seen.add(image.src);
            new MutationObserver(note).observe(image, {attributeFilter: ["src"]});
            return seen;
        }""",
        image.element_handle(),
    )
    image.hover()
    page.wait_for_function(f"seen => seen.size === {PICTURES}", arg=seen)
    page.mouse.move(0, 0)
    expect(image).to_have_attribute("src", before or "")


def test_pictures_stand_still_where_less_motion_is_wanted(site: Site, open_page: OpenPage) -> None:
    page = open_page(site, reduced_motion="reduce")
    image = page.locator(".tile img").first
    before = image.get_attribute("src")
    image.hover()
    page.wait_for_timeout(600)  # longer than a step takes
    assert image.get_attribute("src") == before


def test_the_slider_groups_into_another_number_and_the_runs_are_compared(page: Page) -> None:
    expect(page.locator("#k")).to_have_value("3")
    page.locator("#k").fill("5")
    told = re.compile(r"^5 clusters in \d+\.\d s; in use from now on$")
    expect(page.locator("#k-state")).to_have_text(told)
    expect(page.locator(".cluster")).to_have_count(5)
    expect(page.locator("#run option:checked")).to_have_text("Run 2 · 5 clusters · in use")

    page.click('.views a[href="#compare"]')
    expect(page.locator(".comparison")).to_contain_text(re.compile(r"\d+ videos? stays? in the sa"))
    expect(page.locator("#before")).to_have_value("1")
    expect(page.locator(".comparison .tile-caption").first).to_contain_text("→")

    page.click('.views a[href="#clusters"]')
    page.select_option("#run", "1")
    expect(page.locator(".cluster")).to_have_count(3)
    page.get_by_role("button", name="Use this run").click()
    expect(page.locator(".use")).to_have_text("in use")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_colour_schemes_are_kept_and_every_text_has_contrast(
    site: Site, open_page: OpenPage, scheme: str
) -> None:
    page = open_page(site, color_scheme=scheme)
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    ground = max(int(part) for part in re.findall(r"\d+", colour))
    assert (ground < 50) == (scheme == "dark")
    assert find_low_contrast(page) == []
    tile(page, "beach00.mp4").locator(".tile-open").click()
    expect(page.get_by_role("dialog")).to_contain_text(re.compile("160 . 120, h264"))
    assert find_low_contrast(page) == []


def test_a_phone_shows_every_view_without_scrolling_sideways(
    site: Site, open_page: OpenPage
) -> None:
    page = open_page(site, **PHONE)
    for view in VIEWS:
        link = page.locator(f'.views a[href="#{view}"]')
        link.tap()
        page.wait_for_selector(f".view-{view}")
        assert page.evaluate("document.documentElement.scrollWidth") == 360, view
        expect(link).to_be_in_viewport(ratio=0.95)
        assert find_low_contrast(page) == []


def test_the_list_at_the_side_leads_to_a_cluster(page: Page) -> None:
    last = page.locator(".cluster").last
    page.locator(".index button").last.click()
    expect(last.locator("h2")).to_be_focused()
    expect(last.locator("h2")).to_be_in_viewport()


def test_the_map_shows_each_video_and_its_cluster(site: Site, open_page: OpenPage) -> None:
    page = open_page(site, "map")
    canvas = page.locator("canvas")
    canvas.focus()
    page.keyboard.press("ArrowRight")
    hint = page.locator(".map-hint")
    expect(hint).to_be_visible()
    expect(hint.locator("strong")).to_have_text(re.compile(r"\.mp4$"))
    expect(page.locator(".map-place [role=status]")).to_contain_text("Cluster")
    before = hint.locator("strong").text_content()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    expect(hint.locator("strong")).not_to_have_text(before or "")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").locator("video")).to_be_visible()
    page.keyboard.press("Escape")

    page.locator(".legend button").first.click()
    expect(page.locator(".legend button").first).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".cluster .tile").first).to_be_visible()


def test_the_map_shows_the_picture_of_the_point_that_is_pointed_at(
    site: Site, open_page: OpenPage
) -> None:
    page = open_page(site, "map")
    box = page.locator("canvas").bounding_box()
    assert box is not None
    for x in range(0, int(box["width"]), 12):  # some point lies on this net
        for y in range(0, int(box["height"]), 24):
            page.mouse.move(box["x"] + x, box["y"] + y)
            if page.locator(".map-hint img").count():
                page.wait_for_function(
                    "image => image.naturalWidth === 240",
                    arg=page.locator(".map-hint img").element_handle(),
                )
                return
    pytest.fail("no point showed its picture")


def test_the_keys_are_listed_by_a_question_mark_and_can_be_turned_off(page: Page) -> None:
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(keys).to_be_visible()
    keys.get_by_label("Single keys work anywhere").uncheck()
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    page.keyboard.press("6")
    expect(page.locator(".view-clusters")).to_be_visible()
