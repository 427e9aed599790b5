"""A file of vectors is not trusted: what is damaged or foreign is refused as a whole."""

import io
import os
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.exchange.conftest import make
from tests.exchange.dumping import dump
from vidindex import Library
from vidindex.errors import Refused
from vidindex.vector_file_reader import opened_vectors


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """An export of the library with a row of everything."""
    folder = tmp_path_factory.mktemp("exported")
    Library(make(folder / "library.db")).export(folder / "x.npz")
    return folder / "x.npz"


@pytest.fixture
def arrays(exported):
    with np.load(exported) as arrays:
        return dict(arrays)


def blocks_of(path):
    with opened_vectors(path) as file:
        return list(file.blocks())


def changed(name, value):
    return lambda arrays: arrays | {name: value}


def with_one(name, value):
    def change(arrays):
        array = arrays[name].astype(np.asarray(value).dtype if isinstance(value, str) else None)
        array = array if isinstance(value, str) else arrays[name].copy()
        array[1] = value
        return arrays | {name: array}

    return change


ONES = np.ones((3, 2048), np.float32)
NAN = ONES.copy()
NAN[2, 7] = np.nan
CHANGES = {
    "no vectors": lambda arrays: {k: v for k, v in arrays.items() if k != "vectors"},
    "only vectors": lambda arrays: {"vectors": arrays["vectors"]},
    "too narrow": changed("vectors", ONES[:, :2047]),
    "flat": changed("vectors", ONES.ravel()),
    "too few": changed("vectors", ONES[:2]),
    "no rows' worth": changed("vectors", np.float32(1)),
    "double": changed("vectors", ONES.astype(np.float64)),
    "other order": changed("vectors", np.asfortranarray(ONES)),
    "not a number": changed("vectors", NAN),
    "infinite": changed("vectors", NAN * np.inf),
    "hashes too few": lambda arrays: arrays | {"hashes": arrays["hashes"][:2]},
    "a hash twice": lambda arrays: arrays | {"hashes": arrays["hashes"][[0, 0, 1]]},
    "no hash": with_one("hashes", "z" * 64),
    "hashes as numbers": changed("hashes", np.arange(3)),
    "no frames": with_one("frame_count", 0),
    "a size below nothing": with_one("size_bytes", -1),
    "an endless video": with_one("duration_s", np.inf),
    "no width at all": with_one("width_px", 0),
    "another precision": with_one("precision", "fp8_"),
    "a time that is none": with_one("added_at", np.datetime64("NaT")),
    "a time of no calendar": with_one("created_at", np.datetime64(2**62, "us")),
    "a text of no alphabet": with_one("software", "\ud800"),
    "a newer format": changed("vidindex", np.int64(2)),
    "a format in words": changed("vidindex", np.array("one")),
    "another recipe": changed("fingerprint", np.array("0" * 64)),
    "a recipe of nothing": changed("recipe", np.array("{}")),
    "a recipe that is a list": changed("recipe", np.array("[[]]")),
    "a recipe in a row": changed("recipe", np.array(["{}"])),
    "Python objects": changed("paths", np.array([1, "a", None], object)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_does_not_fit_is_refused_and_nothing_is_changed(tmp_path, arrays, change):
    np.savez(tmp_path / "x.npz", **change(arrays))
    library = make(tmp_path / "library.db")
    before = dump(library)

    with pytest.raises(
        Refused, match=r"x\.npz is no file of vectors that can be used: "
    ) as refused:
        Library(library).import_(tmp_path / "x.npz")

    assert "nothing was changed" in refused.value.hint
    assert "\n" not in refused.value.message
    assert dump(library) == before


def test_what_numpy_has_written_again_is_taken(tmp_path, exported, arrays):
    """With the same arrays; so a choice of rows can be made with NumPy."""
    chosen = {name: array[[2, 0]] if array.shape else array for name, array in arrays.items()}
    np.savez_compressed(tmp_path / "x.npz", **chosen)

    result = Library(make(tmp_path / "library.db")).import_(tmp_path / "x.npz")

    assert (result.added, result.known, result.problems) == (0, 2, ())


@pytest.mark.parametrize("kind", ["empty", "text", "zip of a text", "folder", "fifo", "video"])
def test_what_is_no_file_of_vectors_is_refused(tmp_path, kind):
    path = tmp_path / "x.npz"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "zip of a text":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("vectors.npy", "none")
    else:
        path.write_bytes({"empty": b"", "text": b"hello", "video": b"\0\0\0\x20ftypisom"}[kind])

    with pytest.raises(Refused, match=r"x\.npz"):
        Library(tmp_path / "library.db").import_(path)

    assert [each.name for each in tmp_path.iterdir()] == ["x.npz"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_a_file_that_was_cut_or_changed_gives_what_it_held_or_nothing(tmp_path, exported, data):
    raw = bytearray(exported.read_bytes())
    whole = blocks_of(exported)
    if data.draw(st.booleans(), label="cut"):
        del raw[data.draw(st.integers(0, len(raw) - 1)) :]
    else:
        # Most of the file is vectors; the rest, which tells what they are, is as likely here.
        place = data.draw(st.one_of(st.integers(0, len(raw) - 1), st.integers(0, 4500)))
        raw[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "x.npz"
    path.write_bytes(raw)

    try:
        blocks = blocks_of(path)
    except Refused:
        return

    assert [block.records for block in blocks] == [block.records for block in whole]
    assert [block.vectors.tobytes() for block in blocks] == [
        block.vectors.tobytes() for block in whole
    ]


@pytest.mark.parametrize(
    ("name", "descr", "shape", "says"),
    [
        ("codec", "<U100000000", (3,), "codec is <U100000000 of shape"),
        ("vectors", "<f4", (10**9, 2048), "paths is <U27 of shape"),
    ],
)
def test_a_small_file_that_says_it_is_huge_takes_no_memory(
    tmp_path, arrays, name, descr, shape, says
):
    buffer = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    np.savez(tmp_path / "whole.npz", **arrays)
    with (
        zipfile.ZipFile(tmp_path / "whole.npz") as whole,
        zipfile.ZipFile(tmp_path / "x.npz", "w") as made,
    ):
        for entry in whole.namelist():
            made.writestr(entry, buffer.getvalue() if entry == f"{name}.npy" else whole.read(entry))

    with pytest.raises(Refused, match=says):
        blocks_of(tmp_path / "x.npz")
