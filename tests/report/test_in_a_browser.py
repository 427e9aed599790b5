"""The page in a real browser: quiet, asking nobody, and of use by pointer, keyboard and phone."""

import shutil

import pytest

from tests.report.scenes import VIDEOS, make_library
from tests.report.test_hostile_names import NAMES, write
from vidindex import Library

PATIENCE_MS = 20_000


@pytest.fixture
def open_page(browser):
    """A function that opens a report; no script may fail, and nothing may be asked for."""
    contexts, troubles = [], []

    def open_one(path, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: troubles.append(said.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("dialog", lambda dialog: troubles.append(dialog.message))
        page.on("request", lambda request: check_request(request.url, path))
        page.goto(path.as_uri())
        return page

    def check_request(url, path):
        if url.partition("#")[0] != path.as_uri() and not url.startswith("data:image/jpeg;"):
            troubles.append(url)

    yield open_one
    for context in contexts:
        context.close()
    assert troubles == []


def colour_of(page, selector):
    """The middle of a picture as the browser decodes it, as [red, green, blue]."""
    return page.eval_on_selector(
        selector,
        """async (image) => {
            await image.decode();
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            return [...context.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data];
        }""",
    )[:3]


def place_of(page, name):
    """Where a video lies on the map, in pixels of the window."""
    return page.evaluate(
        """(name) => {
            const { points } = JSON.parse(document.getElementById("map-data").textContent);
            const point = points.find((each) => each[5] === name);
            const matrix = document.getElementById("plane").getScreenCTM();
            const place = new DOMPoint(point[1], point[2]).matrixTransform(matrix);
            return [place.x, place.y];
        }""",
        name,
    )


@pytest.mark.parametrize(
    ("name", "colour", "cluster"),
    [
        ("beach015.mp4", (235, 180, 40), "0 · Sand"),  # its picture is not on a contact sheet
        ("city002.mp4", (95, 90, 90), "cluster 1"),
        ("odd000.mp4", (14, 0, 0), "in no cluster"),
    ],
)
def test_pointing_at_a_dot_shows_its_video(written, open_page, name, colour, cluster):
    page = open_page(written, viewport={"width": 1200, "height": 900}, reduced_motion="reduce")
    page.locator("#map").scroll_into_view_if_needed()

    page.mouse.move(*place_of(page, name))

    assert name in page.locator("#seen").inner_text()
    assert cluster in page.locator("#seen").inner_text()
    assert colour_of(page, "#seen img") == pytest.approx(colour, abs=6)


def test_the_keyboard_walks_over_the_map_and_opens_a_video(written, open_page):
    page = open_page(written)
    page.locator("#plane").focus()
    page.keyboard.press("ArrowRight")
    first = page.locator("#seen").inner_text()

    page.keyboard.press("ArrowRight")
    second = page.locator("#seen").inner_text()
    page.keyboard.press("Enter")

    assert first != second
    assert page.locator("#look").is_visible()
    assert page.locator("#look-name").inner_text() in second
    page.keyboard.press("Escape")
    page.locator("#look").wait_for(state="hidden")


def test_a_dot_whose_picture_was_left_out_shows_its_neighbours(stocked, tmp_path, open_page):
    Library(stocked).report(tmp_path / "out.html", max_bytes=4_000)
    page = open_page(tmp_path / "out.html", reduced_motion="reduce")
    page.locator("#map").scroll_into_view_if_needed()

    page.mouse.move(*place_of(page, "beach015.mp4"))

    assert "This page has no picture of it; this is its neighbour" in (
        page.locator("#seen").inner_text()
    )
    assert page.locator("#seen img").count() == 1


def test_a_tile_opens_a_larger_look_that_goes_on_to_the_next(written, open_page):
    page = open_page(written)
    page.locator("#cluster-1 .tile").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#look-name").inner_text() == "city000.mp4"
    assert "/videos/city000.mp4" in page.locator("#look-facts").inner_text()

    page.keyboard.press("ArrowRight")
    assert page.locator("#look-name").inner_text() == "city001.mp4"
    page.keyboard.press("Escape")

    page.locator("#cluster-1 .tile:focus", has_text="city001.mp4").wait_for()


def test_a_video_is_found_by_its_name_and_a_cluster_stands_out(written, open_page):
    page = open_page(written)

    page.fill("#find", "FOREST00")
    assert page.locator("#found button").count() == 3
    page.locator("#found button").nth(1).click()
    assert "forest001.mp4" in page.locator("#seen").inner_text()

    page.locator(".legend button").first.click()
    assert page.locator(".points.faded").count() == 3
    page.locator(".legend button").first.click()
    assert page.locator(".points.faded").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_what_is_behind_them(written, open_page, scheme):
    page = open_page(written, color_scheme=scheme)

    worst = page.evaluate(
        """() => {
            const parse = (colour) => colour.match(/[0-9.]+/g).map(Number);
            const light = (colour) => {
                const [r, g, b] = parse(colour).map((each) => {
                    const part = each / 255;
                    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
                });
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const behind = (element) => {
                const colour = getComputedStyle(element).backgroundColor;
                const isClear = parse(colour)[3] === 0;
                return isClear && element.parentElement ? behind(element.parentElement) : colour;
            };
            const contrast = (each) => {
                const lights = [light(getComputedStyle(each).color), light(behind(each))];
                return (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
            };
            const texts = [...document.querySelectorAll("p, a, h1, h2, h3, dd, dt, .quiet")];
            return [Math.min(...texts.map(contrast)), light(behind(document.body))];
        }"""
    )

    assert worst[0] >= 4.5  # WCAG 2.2, 1.4.3
    assert (worst[1] < 0.1) == (scheme == "dark")


def test_a_phone_needs_no_sideways_scrolling(written, open_page):
    page = open_page(written, viewport={"width": 360, "height": 740}, has_touch=True)

    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.locator("#cluster-1 .tile").first.tap()
    assert page.locator("#look").is_visible()


def test_without_javascript_the_pictures_and_the_map_are_there(written, open_page):
    page = open_page(written, java_script_enabled=False)

    assert page.locator("#cluster-0 img").count() == 16
    assert page.locator("#cluster-0 img").first.bounding_box()["width"] > 100
    assert page.locator("#plane .points").count() == 4
    assert page.get_by_text("Without JavaScript the map shows").is_visible()


@pytest.mark.parametrize("kind", ["handler", "end of script", "not utf-8", "bidi"])
def test_hostile_names_do_nothing_and_are_shown(tmp_path, open_page, kind):
    write(tmp_path, NAMES[kind])
    shutil.move(tmp_path / "out.html", tmp_path / "page.html")
    page = open_page(tmp_path / "page.html", reduced_motion="reduce")
    for name in ("beach015.mp4", "odd000.mp4"):
        page.fill("#find", name)
        page.locator("#found button").first.click()
        assert name in page.locator("#seen").inner_text()

    page.locator(".tile").first.click()

    assert page.locator("#look-name").inner_text().endswith("beach000.mp4")
    assert page.locator("#look-facts dd").nth(1).inner_text().startswith("0 · ")
    assert page.locator("main img, main svg, main script, #seen script").count() > VIDEOS / 2


def test_a_page_about_a_library_in_a_read_only_place(tmp_path, open_page):
    (tmp_path / "shelf").mkdir()
    library = make_library(tmp_path / "shelf/library.db")
    library.chmod(0o444)
    (tmp_path / "shelf").chmod(0o555)
    before = sorted((tmp_path / "shelf").iterdir())

    Library(library).report(tmp_path / "out.html")

    assert sorted((tmp_path / "shelf").iterdir()) == before
    assert open_page(tmp_path / "out.html").locator(".tile").count() == 27
    (tmp_path / "shelf").chmod(0o755)
