"""Any text becomes a name that every common disk takes, and one of an existing file is kept."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vidindex.safe_names import fit_name, may_exist, safe_part

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)
# Where the rules meet: devices, dots, spaces, marks, bytes of a name that is not UTF-8.
AWKWARD_TEXT = st.lists(
    st.sampled_from(
        [
            *("con", "COM¹", "nul", ".vidindex-", ".mp4", "x" * 126, "é" * 60),
            *("e", "\u0301", "🙂", "\u200d", "\U0001f3fd", ".", " ", "\u3000"),
            *("/", "\\", "\0", "\u202e", "\udcc3", "\udca9", "\udccc", "\udc81", "\ud800"),
        ]
    ),
    max_size=12,
).map("".join)


@given(ANY_TEXT | AWKWARD_TEXT)
@settings(max_examples=400)
@example("CON." + "x" * 251)
@example("CON" + " " * 300 + "x")
@example("\udcc3\udca9")
def test_any_text_becomes_one_name_that_can_be_written_and_comes_back_as_it_is(text: str) -> None:
    name = safe_part(text)

    assert name not in ("", ".", "..")
    assert not {"/", "\\", "\0"} & {*name}
    assert len(os.fsencode(name)) <= 255
    assert os.fsdecode(os.fsencode(name)) == name
    assert unicodedata.is_normalized("NFC", name)
    assert name == name.strip().rstrip(".")
    assert may_exist(name)
    assert safe_part(name) == name


@given(AWKWARD_TEXT, AWKWARD_TEXT)
@settings(max_examples=200)
def test_a_suffix_that_is_kept_changes_nothing_of_a_name_that_fits(text: str, suffix: str) -> None:
    name = safe_part(text, suffix)

    assert safe_part(name) == name
    if len((text + suffix).encode(errors="surrogatepass")) < 250:
        assert name == safe_part(text + suffix)


def test_a_safe_name_can_be_made_on_this_disk(tmp_path: Path) -> None:
    for text in ("a/b", "\0", "..", "x" * 300, os.fsdecode(b"\xff\xfe"), "\ud800", "🙂" * 100):
        (tmp_path / safe_part(text)).write_bytes(b"")

    assert all(len(os.fsencode(path.name)) <= 255 for path in tmp_path.iterdir())
    assert len(list(tmp_path.iterdir())) == 7 - 2  # "\0", ".." and "\ud800" are all "_"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Cats & dogs", "Cats & dogs"),
        ('a/b\\c:d*e?f"g<h>i|j', "a_b_c_d_e_f_g_h_i_j"),
        ("line\none\r\x1b[31m\x7f\x85x", "line_one__[31m__x"),
        ("left\u202etfel\u2066\u200f\u2028\u2029x", "left_tfel____x"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("/etc", "_etc"),
        ("  a b \t\n", "a b"),
        ("\u00a0a\u3000. .", "a"),
        (".hidden", ".hidden"),
        ("", "_"),
        (".", "_"),
        ("..", "_"),
        (". . .", "_"),
        ("e\u0301", "é"),
        ("\u212b", "Å"),
        ("👩‍🚀", "👩‍🚀"),
        (os.fsdecode(b"\xff clip"), os.fsdecode(b"\xff clip")),
        ("\ud800\udcff", "_\udcff"),
        (".vidindex-7.part", "_.vidindex-7.part"),
    ],
)
def test_what_is_not_portable_is_replaced(text: str, name: str) -> None:
    assert safe_part(text) == name


@pytest.mark.parametrize(
    "text", ["con", "CON", "nul", "Aux.mp4", "prn.tar.gz", "com1", "LPT9.x", "com²", "con .mp4"]
)
def test_the_name_of_a_windows_device_gets_an_underscore(text: str) -> None:
    assert safe_part(text) == f"_{text}"


@pytest.mark.parametrize("text", ["console", "com0", "com10", "a.con", "nul_", "lpt"])
def test_a_name_that_only_looks_like_a_device_stays(text: str) -> None:
    assert safe_part(text) == text


def test_a_device_is_found_behind_spaces_and_bytes_that_make_a_letter_together() -> None:
    assert safe_part("  con. . ") == "_con"
    assert safe_part("com\udcc2\udcb9.mp4") == "_com¹.mp4"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("é" * 200, "é" * 127),
        ("x" * 254 + "e\u0323\u0301", "x" * 254),  # "ẹ" takes three bytes
        ("x" * 252 + "q\u0323\u0301", "x" * 252),  # no composed form: cut with its base
        ("x" * 244 + "👩‍🚀", "x" * 244 + "👩‍🚀"),
        ("x" * 245 + "👩‍🚀", "x" * 245),
        ("x" * 250 + "👍🏽", "x" * 250),
        ("x" * 253 + ". y", "x" * 253),
        ("e" + "\u0323" * 200, "ẹ" + "\u0323" * 126),  # one letter alone is cut after all
        ("con." + "x" * 251, "_con." + "x" * 250),
        (os.fsdecode(b"\xff" * 300), os.fsdecode(b"\xff" * 255)),
    ],
)
def test_a_long_name_is_cut_by_whole_letters(text: str, name: str) -> None:
    assert safe_part(text) == name


def test_a_long_name_keeps_its_suffix() -> None:
    assert safe_part("x" * 300, " [ab].mp4") == "x" * 246 + " [ab].mp4"
    assert safe_part("con." + "x" * 300, ".mp4") == "_con." + "x" * 246 + ".mp4"
    assert safe_part("x" * 300, "\u0301.mp4") == "x" * 249 + "\u0301.mp4"


def test_a_suffix_whose_mark_would_change_the_cut_stem_is_not_kept() -> None:
    assert safe_part("e" * 300 + "x", "\u0301.mp4") == "e" * 255


@pytest.mark.parametrize(
    ("stem", "marker", "suffix", "name"),
    [
        ("clip", "", ".mp4", "clip.mp4"),
        ("clip", " (2)", ".mp4", "clip (2).mp4"),
        ("x" * 255, " (2)", "", "x" * 251 + " (2)"),
        ("é" * 200, ".en", ".srt", "é" * 124 + ".en.srt"),
        ("clip", "", "." + "x" * 300, "clip." + "x" * 250),
        ("clip", "." + "x" * 300, ".srt", "clip." + "x" * 246 + ".srt"),
        ("é", "m" * 127, "s" * 127, "m" * 127 + "s" * 127),
        ("", "m" * 300, "s" * 300, ("m" * 300)[:255]),
    ],
)
def test_only_the_stem_is_shortened(stem: str, marker: str, suffix: str, name: str) -> None:
    assert fit_name(stem, marker, suffix) == name


@given(ANY_TEXT, AWKWARD_TEXT, AWKWARD_TEXT)
def test_stem_marker_and_suffix_always_fit(stem: str, marker: str, suffix: str) -> None:
    parts = [os.fsdecode(text.encode(errors="replace")) for text in (stem, marker, suffix)]

    assert len(os.fsencode(fit_name(*parts))) <= 255


def test_what_may_exist_on_a_disk_is_told_from_what_cannot() -> None:
    assert may_exist("a:b?.")
    assert may_exist(os.fsdecode(b"\xff" * 255))
    for name in ("", ".", "..", "a/b", "a\0b", "x" * 256, "\ud800"):
        assert not may_exist(name)
