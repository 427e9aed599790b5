"""Names that look like markup, scripts or commands are shown as the text that they are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest

from tests.generated import around, centers
from tests.web.browser.conftest import OpenPage
from tests.web.browser.sites import Site, fill_library, serving

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

NAMES = (
    "<img src=x onerror=window.broken=1>.mp4",
    '"><svg onload=window.broken=1>.mp4',
    "<script>window.broken=1<!--.mp4",
    "javascript:window.broken=1.mp4",
    "{{7*7}}${7*7}.mp4",
    "' onfocus=window.broken=1 autofocus='.mp4",
)
ODD = {  # what only an escape can show
    os.fsdecode(b"caf\xe9.mp4"): r"caf\xe9.mp4",
    "red\x1b[31m.mp4": r"red\x1b[31m.mp4",
    "gpj\u202e.mp4": r"gpj\u202e.mp4",
}
VIEWS = ("clusters", "map", "duplicates", "compare", "sort", "failures")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Videos of such names in two clusters, one of them with such a name."""
    home = tmp_path_factory.mktemp("<b>home")
    vectors = {
        name: around(centers(2)[row % 2], 1, seed=row)[0] for row, name in enumerate((*NAMES, *ODD))
    }
    library = fill_library(home, vectors)
    library.cluster(2)
    library.cluster(3)
    library.name(0, "<b onclick=window.broken=1>bold</b>")
    with serving(library, home) as site:
        yield site


def test_hostile_names_are_text_everywhere(site: Site, open_page: OpenPage) -> None:
    page = open_page(site)
    shown = page.locator(".sections .tile-name").all_text_contents()
    assert sorted(set(shown)) == sorted((*NAMES, *ODD.values()))
    expect(page.get_by_role("heading", name="<b onclick=window.broken=1>bold</b>")).to_be_visible()

    for view in VIEWS:
        page.click(f'.views a[href="#{view}"]')
        page.wait_for_selector(f".view-{view}")
        if view == "map":
            page.locator("canvas").focus()
            page.keyboard.press("ArrowDown")
        if view == "sort":
            page.get_by_label("Folder to sort into").fill(str(site.home / "<i>sorted"))
            page.get_by_role("button", name="Show the plan").click()
            expect(page.locator(".tree")).to_contain_text("<i>sorted")
            for folder in page.locator(".tree details details summary").all():
                folder.click()
            expect(page.locator(".tree")).to_contain_text(NAMES[0])
        assert page.locator("main script, main svg[onload], main b, main i[onclick]").count() == 0
        assert page.locator("[onerror], [onload], [onfocus], [onclick]").count() == 0
        assert page.locator('a[href^="javascript:"]').count() == 0

    page.click('.views a[href="#clusters"]')
    for name in (NAMES[0], r"caf\xe9.mp4"):
        tile = page.locator(".tile", has_text=name).first
        tile.locator(".tile-open").click()
        dialog = page.get_by_role("dialog", name=name)
        expect(dialog.locator(".facts")).to_contain_text(name)
        page.wait_for_function(
            "video => video.currentTime > 0", arg=dialog.locator("video").element_handle()
        )
        page.keyboard.press("Escape")
        tile.get_by_role("button", name=re.compile("^Move")).click()
        expect(page.get_by_role("dialog").locator("h2")).to_have_text(f"Move {name} to…")
        page.keyboard.press("Escape")
    assert page.evaluate("window.broken") is None
