"""The library as a Python program uses it: whole tours, paths of every kind, and its silence."""

import os
from pathlib import Path

import pytest

from tests.conftest import Recorder, read_tree
from vidindex import Library, Settings, VidindexError
from vidindex.errors import DatabaseUnusable, Refused, UsageError
from vidindex.moving import Control
from vidindex.network_source import find_network


@pytest.fixture
def videos(put, tmp_path):
    """Three videos in tmp_path/in, one of them deep."""
    for clip, name in {"a": "a.mp4", "b": "b.mp4", "c": "deep/c.mp4"}.items():
        put(clip, tmp_path / "in" / name)
    return tmp_path / "in"


@pytest.fixture
def indexed(library, source, videos):
    library.index([videos], source=source)
    return library


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A home folder of the user's own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_the_whole_way_from_python_and_back(source, videos, tmp_path):
    before = read_tree(videos)
    library = Library(tmp_path / "library.db", Settings(weights="untrained"))

    indexed = library.index([videos], source=source)
    clustered = library.cluster(k=2)
    applied = library.apply(tmp_path / "sorted")
    labels = {row.stat.path: row.label for row in library.labels().rows}
    undone = library.undo()

    assert (indexed.indexed, clustered.videos) == (3, 3)
    assert (applied.count("done"), undone.count("done")) == (3, 3)
    assert {path.parent.name for path in labels} == {"cluster_0", "cluster_1"}
    assert all(path.parent.name == f"cluster_{label}" for path, label in labels.items())
    assert read_tree(videos) == before
    assert not (tmp_path / "sorted").exists()


def test_the_package_exports_what_a_program_needs():
    import vidindex

    assert set(vidindex.__all__) == {"Library", "Settings", "VidindexError", "__version__"}
    assert all(getattr(vidindex, name) for name in vidindex.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Libary'"):
        _ = vidindex.Libary


def test_the_library_prints_nothing_whatever_happens(library, source, videos, tmp_path, capfd):
    (videos / "broken.mp4").write_bytes(b"\0" * 1000)
    (videos / "link.mp4").symlink_to(videos / "a.mp4")

    library.index([videos], source=source)
    library.index([videos], source=source, retry_failed=True)
    library.cluster(2)
    library.apply(tmp_path / "sorted", dry_run=True)
    library.apply(tmp_path / "sorted")
    library.undo()
    library.labels()
    library.runs()
    library.show(str(videos / "a.mp4"))
    library.status()
    library.vectors()
    library.back_up(tmp_path / "copy.db")
    library.upgrade()
    library.check()
    for k in (0, 50):
        with pytest.raises(VidindexError):
            library.cluster(k)

    assert capfd.readouterr() == ("", "")


def test_what_is_not_said_is_in_the_result_and_told_to_a_reporter(library, source, videos):
    (videos / "broken.mp4").write_bytes(b"\0" * 1000)
    recorder = Recorder()

    result = library.index([videos], source=source, reporter=recorder)

    assert [problem.path for problem in result.problems] == [videos / "broken.mp4"]
    assert recorder.problems == list(result.problems)
    assert recorder.steps == 4


@pytest.mark.parametrize("kind", [str, Path, lambda path: [str(path)], lambda path: iter([path])])
def test_paths_may_be_text_or_path_one_or_many(library, source, videos, kind):
    assert library.index(kind(videos), source=source).indexed == 3


def test_a_file_named_beside_its_folder_counts_whatever_its_suffix(library, source, videos):
    (videos / "deep/c.mp4").rename(videos / "deep/c.clip")

    assert library.index([videos], source=source).indexed == 2
    result = library.index([videos, videos / "deep/c.clip", videos / "a.mp4"], source=source)

    assert (result.indexed, result.unchanged) == (1, 2)


def test_relative_paths_mean_the_current_folder(source, videos, monkeypatch):
    monkeypatch.chdir(videos)
    library = Library("../relative.db", Settings(weights="untrained"))

    library.index(["deep", "./a.mp4"], source=source)
    monkeypatch.chdir("/")

    assert set(library.vectors().paths) == {videos / "deep/c.mp4", videos / "a.mp4"}
    assert library.path == videos.parent / "relative.db"


def test_a_relative_destination_and_scope_mean_the_current_folder(indexed, videos, monkeypatch):
    monkeypatch.chdir(videos)

    assert indexed.cluster(1, scope="deep").videos == 1
    indexed.apply("../sorted")

    assert read_tree(videos.parent / "sorted").keys() == {"cluster_0", "cluster_0/c.mp4"}


def test_a_tilde_means_the_home_folder_everywhere(source, put, home):
    put("a", home / "Videos/a.mp4")
    put("b", home / "Videos/b.mp4")
    library = Library("~/library.db", Settings(weights="untrained"))

    assert library.index(["~/Videos"], source=source).indexed == 2
    assert library.cluster(1, scope="~/Videos").videos == 2
    assert library.show("~/Videos/a.mp4").files[0].stat.path == home / "Videos/a.mp4"
    assert library.apply("~/sorted").count("done") == 2
    assert library.back_up("~/copy.db") == home / "copy.db"
    assert (home / "sorted/cluster_0/a.mp4").exists()
    assert library.path == home / "library.db"


def test_a_tilde_that_is_part_of_a_name_stays(library, source, put, tmp_path, monkeypatch):
    """Programs leave such names behind; there is no user who is called so."""
    put("a", tmp_path / "in/~draft.mp4")
    monkeypatch.chdir(tmp_path / "in")

    assert library.index(["~draft.mp4"], source=source).indexed == 1
    assert library.show("~draft.mp4").files[0].stat.path == tmp_path / "in/~draft.mp4"


def test_a_path_object_can_be_shown(indexed, videos):
    assert indexed.show(videos / "a.mp4").files[0].stat.path == videos / "a.mp4"
    with pytest.raises(Refused, match="does not know"):
        indexed.show(videos / "none.mp4")


def test_a_path_through_a_link_finds_the_file_itself(indexed, videos, tmp_path):
    (tmp_path / "link").symlink_to(videos)

    assert indexed.show(str(tmp_path / "link/a.mp4")).files[0].stat.path == videos / "a.mp4"


def test_the_url_of_a_sqlite_file_is_taken(indexed):
    again = Library(f"sqlite:///{indexed.path}")

    assert again.path == indexed.path
    assert len(again.vectors().vectors) == 3


@pytest.mark.parametrize("url", ["postgresql://host/library", "sqlite://", "sqlite:///"])
def test_another_database_is_a_usage_error(url):
    with pytest.raises(UsageError, match="cannot use the database") as caught:
        Library(url)

    assert "sqlite:///FILE" in caught.value.hint


def test_without_a_name_the_library_is_in_the_users_data_folder(source, videos, monkeypatch):
    data = videos.parent / "data"
    monkeypatch.setenv("XDG_DATA_HOME", str(data))
    library = Library(settings=Settings(weights="untrained"))

    library.index([videos], source=source)

    assert library.path == data / "vidindex/library.db"
    assert library.path.is_file()


def test_the_setting_names_the_library_unless_the_call_does(tmp_path):
    settings = Settings(db=str(tmp_path / "set.db"))

    assert Library(settings=settings).path == tmp_path / "set.db"
    assert Library(tmp_path / "given.db", settings).path == tmp_path / "given.db"


def test_a_folder_for_the_library_that_does_not_exist_is_not_made(source, videos, tmp_path):
    library = Library(tmp_path / "mispelt/library.db", Settings(weights="untrained"))

    with pytest.raises(VidindexError, match="mispelt"):
        library.index([videos], source=source)

    assert not (tmp_path / "mispelt").exists()


@pytest.mark.parametrize(
    "ask",
    [
        lambda library: library.cluster(2),
        lambda library: library.labels(),
        lambda library: library.runs(),
        lambda library: library.show("a.mp4"),
        lambda library: library.status(),
        lambda library: library.vectors(),
        lambda library: library.apply("sorted"),
        lambda library: library.undo(),
        lambda library: library.check(),
        lambda library: library.upgrade(),
    ],
)
def test_a_library_that_does_not_exist_is_refused_and_not_made(library, ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(VidindexError) as caught:
        ask(library)

    assert str(library.path) in caught.value.message
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_says_what_apply_then_does(indexed, videos, tmp_path):
    indexed.cluster(2)
    before = read_tree(tmp_path)

    planned = indexed.apply(tmp_path / "sorted", dry_run=True)
    assert {**read_tree(tmp_path), "library.db": None} == {**before, "library.db": None}
    done = indexed.apply(tmp_path / "sorted")

    assert [(move.source, move.target) for move in planned.outcomes] == [
        (move.source, move.target) for move in done.outcomes
    ]
    assert {move.state for move in planned.outcomes} == {"planned"}
    assert {move.state for move in done.outcomes} == {"done"}


@pytest.mark.parametrize("is_agreed", [True, False])
def test_apply_moves_just_what_is_agreed_to(indexed, videos, tmp_path, is_agreed):
    indexed.cluster(2)
    before = read_tree(videos)
    asked = []

    def confirm(plan):
        asked.append(len(plan.moves))
        return is_agreed

    result = indexed.apply(tmp_path / "sorted", control=Control(Recorder(), confirm=confirm))

    assert asked == [3]
    assert result.count("done") == (3 if is_agreed else 0)
    assert (read_tree(videos) == before) is not is_agreed


def test_a_backup_is_a_library_of_its_own(indexed, tmp_path):
    copy = Library(indexed.back_up(tmp_path / "copy.db"))
    indexed.path.unlink()

    copy.check()
    assert len(copy.vectors().vectors) == 3


def test_a_backup_never_replaces_a_file(indexed, tmp_path):
    (tmp_path / "mine.db").write_text("mine")

    with pytest.raises(VidindexError, match=r"mine\.db"):
        indexed.back_up(tmp_path / "mine.db")

    assert (tmp_path / "mine.db").read_text() == "mine"


def test_an_upgrade_of_a_current_library_changes_nothing(indexed):
    before = indexed.path.read_bytes()

    assert indexed.upgrade() == (indexed.revision(), indexed.revision())
    assert indexed.path.read_bytes() == before


def test_a_check_finds_a_damaged_library(indexed):
    content = bytearray(indexed.path.read_bytes())
    for start in range(8192, len(content) - 100, 4096):
        content[start : start + 100] = os.urandom(100)
    indexed.path.write_bytes(content)

    with pytest.raises(DatabaseUnusable):
        indexed.check()


@pytest.mark.parametrize(
    ("weights", "name"), [("untrained", "untrained:0"), ("untrained:7", "untrained:7")]
)
def test_the_network_of_the_settings_is_found_without_loading_it(weights, name):
    found = find_network(Settings(weights=weights))

    assert (found.name, found.key) == (name, name)


def test_weights_that_are_not_there_are_an_error_before_anything_is_made(videos, tmp_path):
    library = Library(tmp_path / "library.db", Settings(weights=str(tmp_path / "none.h5")))

    with pytest.raises(VidindexError, match=r"none\.h5"):
        library.index([videos])

    assert not library.path.exists()
