"""Playing a video in the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.browser.conftest import REFUSED, OpenPage
from tests.web.browser.pages import tile
from tests.web.browser.sites import Site

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_video_plays_in_a_dialog_that_escape_closes(page: Page) -> None:
    opened = tile(page, "city00.mp4").locator(".tile-open")
    opened.click()
    dialog = page.get_by_role("dialog", name="city00.mp4")
    video = dialog.locator("video")
    page.wait_for_function("video => video.currentTime > 0.2", arg=video.element_handle())
    assert video.evaluate("video => video.duration") == pytest.approx(2.0, abs=0.1)
    expect(dialog.locator(".facts")).to_contain_text("/in/city00.mp4")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opened).to_be_focused()


def test_the_player_goes_to_any_moment_of_a_video(page: Page) -> None:
    tile(page, "city01.mp4").locator(".tile-open").click()
    video = page.locator("dialog video")
    page.wait_for_function("video => video.readyState > 1", arg=video.element_handle())
    video.evaluate("video => { video.pause(); video.currentTime = 1.5; }")
    page.wait_for_function(
        "video => !video.seeking && video.readyState > 1", arg=video.element_handle()
    )
    assert video.evaluate("video => video.currentTime") == 1.5


def test_the_neighbours_of_a_video_are_a_key_away(page: Page) -> None:
    wall = page.locator(".cluster", has=page.locator('[title$="/city00.mp4"]')).locator(".wall")
    names = wall.first.locator(".tile-name").all_text_contents()
    wall.first.locator(".tile-open").first.click()
    title = page.locator("dialog h2")
    expect(title).to_have_text(names[0])
    page.keyboard.press("Shift+ArrowRight")
    expect(title).to_have_text(names[1])
    page.keyboard.press("Shift+ArrowLeft")
    expect(title).to_have_text(names[0])
    expect(page.get_by_role("button", name="Previous video")).to_be_disabled()


def test_a_file_that_no_browser_can_play_is_told_and_its_pictures_are_shown(
    site: Site, open_page: OpenPage
) -> None:
    page = open_page(site, may_fail=(REFUSED,))
    (site.home / "in/beach04.mp4").unlink()
    tile(page, "beach04.mp4").locator(".tile-open").click()
    dialog = page.get_by_role("dialog", name="beach04.mp4")
    expect(dialog).to_contain_text("The browser cannot play this file")
    expect(dialog.locator(".strip img").first).to_be_visible()
