"""Names with markup, scripts, templates and odd bytes in them are text on the page, everywhere."""

import base64
import hashlib
import re

import pytest

from tests.report.scenes import Page, make_library
from vidindex import Library
from vidindex.escaping import printable

NAMES = {
    "handler": b"<img src=x onerror=alert(1)>",
    "attribute": b"\"><svg onload=alert(1)>' autofocus onfocus='alert(1)",
    "end of script": b"</script><script>alert(1)</script>",
    "script in comment": b"<!--<script>",
    "address": b"javascript:alert(1)",
    "template": b"{{7*7}}{% raw %}${7*7}#{7*7}",
    "entity": b"&lt;b&gt;&amp;amp;&#x3c;",
    "not utf-8": b"caf\xe9 \xff",
    "bidi": "gpj.\u202e4pm\u2066".encode(),
    "newline": b"two\nlines\r\x1b[31m",
    "separator": "a\u2028b\u2029c".encode(),
    "end of style": b"</style><style>*{display:none}",
    "end of data": b"]]>--></title></textarea>",
}
UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def harmless(tmp_path_factory):
    """The page about a library with plain names."""
    return write(tmp_path_factory.mktemp("harmless"), b"plain")


def write(folder, name):
    """Make a library that has the name in every place where one can be, and the page about it."""
    part = name.replace(b"/", "\N{FRACTION SLASH}".encode())
    text = name.decode(errors="surrogateescape")
    shown = printable(text)  # what vidindex stores as text comes from its own words
    library = folder / (part.decode(errors="surrogateescape") + ".db")
    names = {each: part + each.encode() for each in ("beach000.mp4", "beach015.mp4", "odd000.mp4")}
    make_library(
        library,
        names | {"broken.mp4": part + b".mp4"},
        folder=b"/videos/" + name,
        reason=shown,
        cluster_name=shown,
        weights=shown,
    )
    Library(library).report(folder / "out.html")
    return (folder / "out.html").read_bytes()


@pytest.fixture(scope="module", params=NAMES)
def hostile(request, tmp_path_factory):
    """One of the names, and the page about a library with it."""
    name = NAMES[request.param]
    return name, write(tmp_path_factory.mktemp("hostile"), name)


def test_a_name_adds_no_element_and_no_attribute(hostile, harmless):
    _, source = hostile

    assert Page(source).outline == Page(harmless).outline
    assert not UNSAFE.search(source.decode())  # it is UTF-8, too


def test_a_name_is_shown_as_it_is(hostile):
    name, source = hostile
    page = Page(source)

    shown = printable(name.decode(errors="surrogateescape"))
    part = shown.replace("/", "\N{FRACTION SLASH}")
    assert f"{part}beach000.mp4" in page.text
    assert f"0 · {shown}" in page.text
    assert page.all("button", "tile")[0]["data-path"] == f"/videos/{shown}/{part}beach000.mp4"
    data = page.json("map-data")
    assert data["names"]["0"] == shown
    assert data["folders"] == [f"/videos/{shown}"]
    assert f"{part}beach015.mp4" in {point[5] for point in data["points"]}


def test_the_policy_allows_the_pages_own_script_and_style_alone(harmless):
    source = harmless.decode()
    page = Page(harmless)
    (policy,) = [
        each["content"] for each in page.all("meta") if "http-equiv" in each and each["content"]
    ]
    digests = {
        tag: base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        for tag, body in re.findall(r"<(script|style)>(.*?)</\1>", source, re.DOTALL)
    }

    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digests['style']}'; "
        f"script-src 'sha256-{digests['script']}'; base-uri 'none'; form-action 'none'"
    )
    scripts = page.all("script")
    assert [each for each in scripts if each.get("type") != "application/json"] == [{}]
    tags = [tag for tag, _ in page.elements]
    assert tags.index("meta") < tags.index("style") < tags.index("script")
    assert not {"iframe", "object", "embed", "link", "base", "form"} & set(tags)
