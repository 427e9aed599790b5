"""Sorting files from the page: the plan, doing it, and undoing it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.conftest import read_tree
from tests.web.browser.conftest import REFUSED, OpenPage
from tests.web.browser.pages import PHONE, find_low_contrast
from tests.web.browser.sites import Site

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

if TYPE_CHECKING:
    from playwright.sync_api import Page


def show_plan(page: Page, destination: str) -> None:
    page.get_by_label("Folder to sort into").fill(destination)
    page.get_by_role("button", name="Show the plan").click()


def test_a_plan_is_shown_applied_and_undone(site: Site, open_page: OpenPage) -> None:
    page = open_page(site, "sort")
    before = read_tree(site.home / "in")
    show_plan(page, str(site.home / "sorted"))
    expect(page.get_by_role("heading", name="The plan")).to_be_focused()
    expect(page.locator(".plan .facts-row")).to_contain_text("39 to move")
    folders = page.locator(".tree details details")
    expect(folders).to_have_count(3)
    folders.first.locator("summary").click()
    expect(folders.first).to_contain_text(re.compile(r"\w+00\.mp4"))
    assert read_tree(site.home / "in") == before
    assert find_low_contrast(page) == []

    page.get_by_role("button", name="Apply: 39 files").click()
    page.get_by_role("dialog").get_by_role("button", name="Apply").click()
    expect(page.get_by_role("status").filter(has_text="39 files sorted.")).to_be_visible()
    assert list((site.home / "in").iterdir()) == []
    assert len(list((site.home / "sorted").glob("cluster_*/*.mp4"))) == 39

    page.reload()
    expect(page.locator(".undo")).to_contain_text("sorted 39 files")
    page.get_by_role("button", name="Undo it…").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert list((site.home / "in").iterdir()) == []
    page.get_by_role("button", name="Undo it…").click()
    page.get_by_role("dialog").get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status").filter(has_text="39 files put back.")).to_be_visible()
    expect(page.locator(".undo")).to_have_count(0)
    assert read_tree(site.home / "in") == before


def test_a_plan_that_has_become_wrong_is_refused(site: Site, open_page: OpenPage) -> None:
    page = open_page(site, "sort", may_fail=(REFUSED,))
    show_plan(page, str(site.home / "again"))
    page.get_by_role("button", name="Apply: 39 files").click()
    (site.home / "again/cluster_0").mkdir(parents=True)
    name = next((site.home / "in").iterdir()).name
    for label in range(3):
        (site.home / f"again/cluster_{label}").mkdir(exist_ok=True)
        (site.home / f"again/cluster_{label}/{name}").write_text("in the way")
    page.get_by_role("dialog").get_by_role("button", name="Apply").click()
    expect(page.get_by_role("alert")).to_contain_text("look at the plan again")
    assert len(list((site.home / "in").iterdir())) == 39


def test_a_folder_that_cannot_be_is_told_with_what_to_do(site: Site, open_page: OpenPage) -> None:
    page = open_page(site, "sort", may_fail=(REFUSED,), **PHONE)
    show_plan(page, "some/where")
    expect(page.get_by_role("alert")).to_contain_text("is no whole path")
    expect(page.get_by_role("alert").locator(".hint")).to_contain_text("name the folder")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
