"""What the page says while there is nothing to show, and once nobody answers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.generated import around, centers
from tests.web.browser.conftest import GONE, OpenPage
from tests.web.browser.sites import DEADLINE_S, Site, fill_library, serving
from vidindex import Library
from vidindex.db import schema

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

FORBIDDEN = "Failed to load resource: the server responded with a status of 403"


def test_a_library_without_videos_says_what_to_do(tmp_path: Path, open_page: OpenPage) -> None:
    schema.create(tmp_path / "library.db")
    with serving(Library(tmp_path / "library.db"), tmp_path) as site:
        page = open_page(site)
        expect(page.locator(".empty")).to_contain_text("vidindex index PATH")
        page.click('.views a[href="#sort"]')
        expect(page.locator(".view-sort .empty")).to_contain_text("Nothing is clustered yet")
        page.close()


def test_the_first_clustering_is_made_in_the_page(tmp_path: Path, open_page: OpenPage) -> None:
    vectors = dict(zip("abcdef", around(centers(1)[0], 6), strict=True))
    library = fill_library(tmp_path, {f"{name}.mp4": each for name, each in vectors.items()})
    with serving(library, tmp_path) as site:
        page = open_page(site)
        expect(page.locator(".empty")).to_contain_text("Nothing is clustered yet")
        page.locator("#k").fill("2")
        expect(page.locator(".cluster")).to_have_count(2)
        assert len(library.runs()) == 1
        page.close()


def test_a_server_that_is_gone_is_told_and_its_return_too(
    tmp_path: Path, open_page: OpenPage
) -> None:
    vectors = dict(zip("abcd", around(centers(1)[0], 4), strict=True))
    library = fill_library(tmp_path, {f"{name}.mp4": each for name, each in vectors.items()})
    library.cluster(2)
    with serving(library, tmp_path) as site:
        page = open_page(site, may_fail=(GONE, FORBIDDEN))
        _end(site)
        page.click('.views a[href="#failures"]')
        expect(page.get_by_role("alert")).to_contain_text("The server does not answer.")
        expect(page.get_by_role("alert")).to_contain_text("vidindex serve")
        port = int(site.link.rpartition(":")[2].partition("/")[0])
        with serving(library, tmp_path, "--port", str(port)) as again:
            expect(page.get_by_role("alert")).not_to_contain_text("does not answer", timeout=9000)
            assert _reloaded(page, again).locator(".cluster").count() == 2
            page.close()


def _end(site: Site) -> None:
    os.kill(site.server.pid, 15)
    site.server.wait(DEADLINE_S)


def _reloaded(page: Page, site: Site) -> Page:
    page.goto(site.link)
    page.wait_for_selector(".view-clusters .cluster")
    return page
