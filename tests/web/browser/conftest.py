"""A site for each module, and pages of it in a real browser that must stay free of errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.web.browser.sites import Site, make_library, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATIENCE_MS = 10_000
REFUSED = "Failed to load resource: the server responded with a status of 4"
GONE = "Failed to load resource: net::ERR_"

OpenPage = Callable[..., "Page"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Five beaches, four cities and thirty forests, clustered by that."""
    home = tmp_path_factory.mktemp("site")
    with serving(make_library(home), home) as site:
        yield site


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """A function that opens a site in a new window; keywords as of Playwright's contexts.

    In the end it checks that no script failed, that the browser refused nothing that the page's
    security policy forbids, and that no other origin was asked. may_fail: what the console may
    say, as the test makes the server refuse.
    """
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE_MS)
    contexts = []
    troubles: list[str] = []

    def open_one(
        site: Site, view: str = "clusters", *, may_fail: tuple[str, ...] = (), **options: Any
    ) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        origin = site.link.partition("/?")[0]
        page.on(
            "console",
            lambda said: (
                troubles.append(said.text)
                if said.type in ("error", "warning") and not said.text.startswith(may_fail)
                else None
            ),
        )
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith(origin) else troubles.append(request.url)
            ),
        )
        page.goto(site.link)
        page.wait_for_selector(".view")
        if view != "clusters":
            page.click(f'.views a[href="#{view}"]')
            page.wait_for_selector(f".view-{view}")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture
def page(site: Site, open_page: OpenPage) -> Page:
    """The module's site in a window of usual size."""
    return open_page(site)
