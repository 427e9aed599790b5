"""Names that nothing has yet."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from vidindex.disk_errors import TargetTaken
from vidindex.freenames import candidate_names, clash_key, free_name


def test_a_free_name_is_kept_and_a_taken_one_is_numbered(out: Path) -> None:
    (out / "foreign (2).mp4").symlink_to("nowhere")

    assert free_name(out / "clip.mp4") == out / "clip.mp4"
    assert free_name(out / "foreign.mp4") == out / "foreign (3).mp4"


def test_names_alike_but_for_case_or_composition_clash(out: Path) -> None:
    alike = unicodedata.normalize("NFD", "éclair straße.MP4")

    assert clash_key(out / alike) == clash_key(out / "Éclair STRASSE.mp4")


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("a.tar.gz", "a.tar (2).gz"),
        (".hidden", ".hidden (2)"),
        ("plain", "plain (2)"),
        ("é" * 125 + ".mp4", "é" * 123 + " (2).mp4"),
        ("x" * 255, "x" * 251 + " (2)"),
        ("a." + "x" * 253, "a." + "x" * 249 + " (2)"),
        (os.fsdecode(b"\xff" * 251 + b".mp4"), os.fsdecode(b"\xff" * 247 + b" (2).mp4")),
    ],
)
def test_the_second_name_keeps_the_suffix_and_fits(out: Path, name: str, second: str) -> None:
    (out / name).write_bytes(b"")

    found = free_name(out / name)

    assert found.name == second
    found.write_bytes(b"")


def test_a_name_too_long_for_the_disk_is_shortened_at_a_character(out: Path) -> None:
    assert free_name(out / ("é" * 200 + ".mp4")).name == "é" * 125 + ".mp4"


def test_after_a_thousand_names_there_is_an_end(out: Path) -> None:
    names = list(candidate_names(out / "clip.mp4"))
    for name in names:
        name.write_bytes(b"")

    assert len(names) == 1000
    assert names[-1].name == "clip (1000).mp4"
    with pytest.raises(TargetTaken):
        free_name(out / "clip.mp4")
