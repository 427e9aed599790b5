"""Templates: what they say, what they refuse, and that no value leads out of the destination."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_safe_names import ANY_TEXT, AWKWARD_TEXT
from vidindex.errors import UsageError
from vidindex.safe_names import may_exist
from vidindex.templates import DEFAULT, FIELDS, Template, Value

CLIP: dict[str, Value] = {
    "cluster": PurePath("group_1/cluster_3"),
    "label": 3,
    "name": "Cats",
    "stem": "clip",
    "suffix": ".mp4",
    "hash": "0123456789abcdef" * 4,
    "hash8": "01234567",
    "size": 4_294_967_296,
    "duration": 65,
    "width": 1920,
    "height": 1080,
    "codec": "h264",
    "year": 2024,
    "month": 3,
    "day": 9,
    "source": "Holiday",
}


def render(template: str, **values: Value) -> str:
    return str(Template.parse(template).render(CLIP | values))


@pytest.mark.parametrize(
    ("template", "place"),
    [
        (DEFAULT, "group_1/cluster_3/clip.mp4"),
        ("{name}/{year}/{stem}{suffix}", "Cats/2024/clip.mp4"),
        ("{year}-{month}-{day} {source}.mp4", "2024-03-09 Holiday.mp4"),
        ("{label:03}_{name}/{width}x{height} {codec}/{hash8}{suffix}", "003_Cats/1920x1080 h264/"
         "01234567.mp4"),
        ("{duration}s {size}{suffix}", "65s 4294967296.mp4"),
        ("{month:3}/{day:04}/{label:3d}", "3/0009/3"),
        ("{hash}", "0123456789abcdef" * 4),
        ("{{{stem}}}", "{clip}"),
        ("all/clips", "all/clips"),
        ("x_{cluster}{suffix}", "x_group_1/cluster_3.mp4"),
        ("..{stem}", "..clip"),
    ],
)  # fmt: skip
def test_a_template_says_where_a_file_goes(template: str, place: str) -> None:
    assert render(template) == place


def test_what_is_not_known_is_called_unknown() -> None:
    nothing = dict.fromkeys(FIELDS)

    for field in FIELDS:
        assert str(Template.parse(f"{{{field}}}").render(nothing)) == "unknown"
    assert render("{label:03}/{name}{suffix}", label=None, name=None) == "unknown/unknown.mp4"


def test_the_default_gives_the_folders_that_go_without_a_template() -> None:
    assert render(DEFAULT, cluster=PurePath("cluster_0")) == "cluster_0/clip.mp4"
    assert render(DEFAULT, cluster=PurePath("unsorted"), suffix="") == "unsorted/clip"


def test_each_field_is_described_and_can_be_used_alone() -> None:
    assert set(FIELDS) == set(CLIP)
    for field, description in FIELDS.items():
        assert description
        assert Template.parse(f"{{{field}}}").fields == {field}


def test_a_template_tells_which_fields_it_needs() -> None:
    template = Template.parse("{name}/{label:03}{{size}}/{stem}{suffix}")

    assert template.text == "{name}/{label:03}{{size}}/{stem}{suffix}"
    assert template.fields == {"name", "label", "stem", "suffix"}


@pytest.mark.parametrize("field", ["nome", "", "Name", "label.real", "label[0]", "0", "stem/x"])
def test_an_unknown_field_is_an_error_that_lists_the_fields(field: str) -> None:
    with pytest.raises(UsageError, match="unknown field") as caught:
        Template.parse(f"{{{field}}}/{{stem}}{{suffix}}")

    assert all(known in caught.value.hint for known in FIELDS)
    assert f"{{{field}}}" in caught.value.message


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{name", "not understood"),
        ("name}", "not understood"),
        ("{name!r}", "has a ! after name"),
        ("{name:03}", "has a format '03' for name"),
        ("{label:{width}}", "has a format"),
        ("{label:c}", "has a format"),
        ("{label:x}", "has a format"),
        ("{label:999}", "has a format"),
        ("{label:٣}", "has a format"),
        ("/videos/{stem}", "no relative path"),
        ("~/videos/{stem}", "no relative path"),
        ("../{stem}", 'a folder ".."'),
        ("{name}/../{stem}", 'a folder ".."'),
        ("{name}/..", 'a folder ".."'),
        ("./{stem}", 'a folder "."'),
        ("{name}//{stem}", "a folder without a name"),
        ("{name}/ /{stem}", "a folder without a name"),
        ("", "no file name"),
        (" ", "no file name"),
        ("{name}/", "no file name"),
    ],
)
def test_what_is_no_template_is_refused(template: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Template.parse(template)

    assert caught.value.hint
    assert "\n" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("name", ["a/b", "../../etc", "..", "/", "/etc/passwd", "", "\0", "CON."])
def test_a_value_makes_one_safe_name_and_no_folder(name: str) -> None:
    place = Template.parse("{name}/{source}/{cluster}").render(
        CLIP | {"name": name, "source": name, "cluster": name}
    )

    assert len(place.parts) == 3
    assert not place.is_absolute()
    assert {".", ".."}.isdisjoint(place.parts)
    assert Template.parse("{name}").render(CLIP | {"name": name}) == PurePath(place.parts[0])


def test_only_a_cluster_may_hold_several_folders() -> None:
    assert render("{name}/{stem}{suffix}", name=PurePath("a/b")) == "a_b/clip.mp4"
    assert render("{cluster}/{stem}{suffix}", cluster="a/b") == "a_b/clip.mp4"


def test_a_value_may_look_like_a_field() -> None:
    assert render("{name}/{stem}{suffix}", name="{stem}{0}{{") == "{stem}{0}{{/clip.mp4"


@pytest.mark.parametrize(
    "name",
    [
        *("con.mp4", "what?.mp4", "a:b.mp4", " a .mp4", "dots...", "e\u0301.mp4", "tab\t.mp4"),
        *(".hidden", "\u202e.mp4", "x" * 255, os.fsdecode(b"\xff\xfe.mp4")),
    ],
)
def test_the_name_of_a_file_that_exists_is_kept_byte_for_byte(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"")
    whole = {"stem": file.stem, "suffix": file.suffix}

    assert Template.parse("{label}/{stem}{suffix}").render(CLIP | whole).name == name
    assert os.listdir(tmp_path) == [name]  # noqa: PTH208 - names, as the disk has them


def test_a_name_that_is_put_together_is_made_portable() -> None:
    assert render("{stem} {label}{suffix}", stem="what?") == "what_ 3.mp4"
    assert render("{stem}", stem="con") == "_con"


def test_a_folder_of_the_user_keeps_its_name() -> None:
    folder = os.fsdecode(b"Who? \xff")

    assert render(DEFAULT, cluster=PurePath(folder)) == f"{folder}/clip.mp4"
    assert render("{cluster}-{label}/{stem}", cluster=PurePath("Who?")) == "Who_-3/clip"


@pytest.mark.parametrize(
    ("cluster", "place"),
    [("/etc", "_/etc/clip.mp4"), ("../x", "_/x/clip.mp4"), (".", "_/clip.mp4")],
)
def test_the_folder_of_a_cluster_stays_below_the_destination(cluster: str, place: str) -> None:
    assert render(DEFAULT, cluster=PurePath(cluster)) == place


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{stem}{suffix}", "é" * 125 + ".mp4"),
        ("{stem} [{hash8}]{suffix}", "é" * 120 + " [01234567].mp4"),
        ("{label:03}-{stem}{suffix}", "003-" + "é" * 123 + ".mp4"),
        ("{stem}-{hash}{hash}{suffix}", "é" * 125 + ".mp4"),
        ("{name} {stem}{suffix}", "Cats " + "é" * 123 + ".mp4"),
        ("{hash}{hash}{hash}{hash}{suffix}", ("0123456789abcdef" * 16)[:251] + ".mp4"),
        ("{stem}", "é" * 127),
        ("{stem} [{hash8}]/x", "é" * 122 + " [01234567]"),
    ],
)
def test_a_long_name_loses_the_end_of_its_stem_and_keeps_what_follows(
    template: str, name: str
) -> None:
    assert Template.parse(template).render(CLIP | {"stem": "é" * 200}).parts[0] == name


TEXT = ANY_TEXT | AWKWARD_TEXT
LITERAL = TEXT.map(lambda text: text.replace("{", "{{").replace("}", "}}"))
FIELD = st.sampled_from([*(f"{{{name}}}" for name in FIELDS), "{label:09}", "{size:12}", "/", "/"])
TEMPLATE = st.lists(LITERAL | FIELD, min_size=1, max_size=6).map("".join)
NUMBER = st.integers(-(10**20), 10**20)
VALUES = st.fixed_dictionaries(
    dict.fromkeys(FIELDS, TEXT | NUMBER | st.none())
    | {"cluster": TEXT.map(PurePath) | TEXT | st.none()}
)


@given(TEMPLATE, VALUES)
@settings(max_examples=400)
def test_no_template_and_no_value_leads_out_of_the_destination(
    text: str, values: dict[str, Value]
) -> None:
    try:
        template = Template.parse(text)
    except UsageError:
        return

    place = template.render(values)

    assert place.parts
    assert not place.is_absolute()
    assert all(may_exist(part) for part in place.parts)
    target = Path("/sorted") / place
    assert os.path.normpath(target) == str(target)
    assert target.is_relative_to("/sorted")


@given(st.text("{}!:[].a0/l ", max_size=12))
@settings(max_examples=400)
def test_any_braces_are_understood_or_refused(text: str) -> None:
    try:
        template = Template.parse(text)
    except UsageError:
        return

    assert template.render(CLIP).parts


def test_every_width_that_is_accepted_can_be_rendered() -> None:
    accepted = 0
    for width in {f"{zero}{number}{kind}" for zero in ("", "0", "00") for number in range(120)
                  for kind in ("", "d", "x")}:  # fmt: skip
        try:
            template = Template.parse(f"{{label:{width}}}")
        except UsageError:
            continue
        accepted += 1
        assert template.render(CLIP).name.lstrip("0") == "3"

    assert accepted > 200
