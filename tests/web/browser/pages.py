"""Where things are on the page, and what can be measured of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740},
    "has_touch": True,
    "is_mobile": True,
}
VIEWS = ("clusters", "map", "duplicates", "compare", "sort", "failures")


def tile(page: Page, name: str) -> Locator:
    """Return the first tile of a name, which holds no quote."""
    return page.locator(".tile").filter(has=page.locator(f'[title$="/{name}"]')).first


def cluster_of(page: Page, name: str) -> Locator:
    """Return the section of the cluster that holds the tile of a name."""
    return page.locator(".cluster").filter(has=page.locator(f'[title$="/{name}"]'))


def find_low_contrast(page: Page) -> list[str]:
    """Return the visible texts of less contrast than WCAG's level AA asks for, with theirs."""
    found: list[str] = page.evaluate(_LOW_CONTRAST)
    return found


_LOW_CONTRAST = """() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const linear = (v) => v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const colour = parts(getComputedStyle(element).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.7) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode.data.trim();
    const element = texts.currentNode.parentElement;
    if (!text || !element.checkVisibility()) continue;
    const both = [parts(getComputedStyle(element).color), ground(element)].map(light);
    const contrast = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
    if (contrast < 4.5) found.push(`${text}: ${contrast.toFixed(1)}`);
  }
  return found;
}"""
