"""Apply, undo and what recovery makes of every place where they can be cut short."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.conftest import Recorder, read_tree
from vidindex import Library
from vidindex.errors import Refused
from vidindex.moving import Control
from vidindex.scanning import FileStat

OTHER_DISK = Path("/dev/shm")


@pytest.fixture
def clustered(library, source, put, tmp_path):
    """Four videos in in/, one of them deep, clustered into two."""
    for clip, name in {"a": "a.mp4", "b": "b.mp4", "c": "deep/c.mp4", "d": "d.mp4"}.items():
        put(clip, tmp_path / "in" / name)
    library.index([tmp_path / "in"], source=source)
    library.cluster(2)
    return library


@pytest.fixture
def other_disk(tmp_path):
    if not OTHER_DISK.is_dir() or OTHER_DISK.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    folder = OTHER_DISK / f"vidindex-test-{os.getpid()}-{tmp_path.name}"
    folder.mkdir()
    yield folder
    subprocess.run(["rm", "-rf", folder], check=True)


def places(library: Library) -> set[Path]:
    """Return where the library thinks that its files are."""
    return {row.stat.path for row in library.labels().rows}


def videos_below(folder: Path) -> dict[str, bytes]:
    return {path: data for path, data in read_tree(folder).items() if data is not None}


def assert_library_follows_the_disk(library: Library, source) -> None:
    for row in library.labels().rows:
        assert FileStat.of(row.stat.path, row.stat.path.lstat()) == row.stat
    folders = {row.stat.path.parent for row in library.labels().rows}
    result = library.index(folders, source=source)
    assert (result.indexed, result.relinked, result.failed, result.missing) == (0, 0, 0, 0)


def test_apply_sorts_the_files_into_a_folder_for_each_label(clustered, source, tmp_path):
    labels = {row.stat.path.name: row.label for row in clustered.labels().rows}
    contents = {Path(path).name: data for path, data in videos_below(tmp_path / "in").items()}

    result = clustered.apply(tmp_path / "out")

    assert result.count("done") == 4
    assert result.problems == ()
    assert videos_below(tmp_path / "out") == {
        f"cluster_{labels[name]}/{name}": data for name, data in contents.items()
    }
    assert videos_below(tmp_path / "in") == {}
    assert_library_follows_the_disk(clustered, source)


def test_undo_restores_the_exact_tree(clustered, source, tmp_path):
    before, stats = read_tree(tmp_path / "in"), stats_below(tmp_path / "in")
    clustered.apply(tmp_path / "out")

    result = clustered.undo()

    assert result.count("done") == 4
    assert read_tree(tmp_path / "in") == before
    assert stats_below(tmp_path / "in") == stats
    assert not (tmp_path / "out").exists()
    assert_library_follows_the_disk(clustered, source)


def stats_below(folder):
    return {
        path: (status.st_mode, status.st_size, status.st_mtime_ns)
        for path in folder.rglob("*.mp4")
        for status in [path.stat()]
    }


def test_a_dry_run_tells_what_a_run_does_and_changes_nothing(clustered, tmp_path):
    before = read_tree(tmp_path)

    foretold = clustered.apply(tmp_path / "out", dry_run=True)

    assert read_tree(tmp_path) == before
    done = clustered.apply(tmp_path / "out")
    assert [(move.source, move.target) for move in foretold.outcomes] == [
        (move.source, move.target) for move in done.outcomes
    ]


def test_a_second_apply_has_nothing_to_do(clustered, tmp_path):
    clustered.apply(tmp_path / "out")

    result = clustered.apply(tmp_path / "out")

    assert (result.batch, result.outcomes, result.in_place) == (None, (), 4)


def test_two_files_of_one_name_get_different_names(library, source, put, tmp_path):
    for folder, clip in {"x": "a", "y": "b", "z": "c"}.items():
        put(clip, tmp_path / "in" / folder / "same.mp4")
    put("d", tmp_path / "in/SAME.MP4")
    library.index([tmp_path / "in"], source=source)
    library.cluster(1)

    library.apply(tmp_path / "out")

    names = [path.name for path in (tmp_path / "out/cluster_0").iterdir()]
    assert sorted(name.lower() for name in names) == [
        "same (2).mp4",
        "same (3).mp4",
        "same (4).mp4",
        "same.mp4",
    ]


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_apply_refuses_to_overwrite_what_has_the_name(library, source, put, tmp_path, kind):
    put("a", tmp_path / "in/a.mp4")
    library.index([tmp_path / "in"], source=source)
    library.cluster(1)
    taken = tmp_path / "out/cluster_0/a.mp4"
    taken.parent.mkdir(parents=True)
    if kind == "file":
        taken.write_text("precious")
    elif kind == "folder":
        taken.mkdir()
    else:
        taken.symlink_to("nowhere")

    library.apply(tmp_path / "out")

    assert (tmp_path / "out/cluster_0/a (2).mp4").is_file()
    if kind == "file":
        assert taken.read_text() == "precious"
    elif kind == "folder":
        assert taken.is_dir()
    else:
        assert str(taken.readlink()) == "nowhere"
    library.undo()
    assert (tmp_path / "in/a.mp4").is_file()
    assert os.path.lexists(taken)


def test_a_name_that_is_taken_between_plan_and_move_is_not_overwritten(clustered, tmp_path):
    foreign = {}

    def take_every_name(plan):
        for move in plan.moves:
            move.target.parent.mkdir(parents=True, exist_ok=True)
            move.target.write_text("foreign")
            foreign[move.target] = "foreign"
        return True

    result = clustered.apply(tmp_path / "out", control=Control(Recorder(), take_every_name))

    assert result.count("done") == 4
    assert {path: path.read_text() for path in foreign} == foreign
    assert all(" (2)" in outcome.target.name for outcome in result.outcomes)


def test_a_file_that_changed_since_it_was_indexed_is_left_alone(clustered, tmp_path):
    (tmp_path / "in/a.mp4").write_bytes(b"edited")

    result = clustered.apply(tmp_path / "out")

    assert result.count("done") == 3
    assert [(problem.path.name, problem.code) for problem in result.problems] == [
        ("a.mp4", "changed")
    ]
    assert (tmp_path / "in/a.mp4").read_bytes() == b"edited"


def test_a_file_that_was_only_touched_is_moved(clustered, tmp_path):
    os.utime(tmp_path / "in/a.mp4", (1_650_000_000, 1_650_000_000))

    assert clustered.apply(tmp_path / "out").count("done") == 4


def test_a_file_that_is_gone_is_reported(clustered, tmp_path):
    (tmp_path / "in/a.mp4").unlink()

    result = clustered.apply(tmp_path / "out")

    assert result.count("done") == 3
    assert [problem.path.name for problem in result.problems] == ["a.mp4"]


@pytest.mark.parametrize("kind", ["symlink", "folder", "pipe"])
def test_what_took_a_files_place_is_not_moved(clustered, tmp_path, kind):
    place = tmp_path / "in/a.mp4"
    place.rename(tmp_path / "elsewhere.mp4")
    {
        "symlink": lambda: place.symlink_to(tmp_path / "elsewhere.mp4"),
        "folder": place.mkdir,
        "pipe": lambda: os.mkfifo(place),
    }[kind]()

    result = clustered.apply(tmp_path / "out")

    assert result.count("done") == 3
    assert len(result.problems) == 1
    assert os.path.lexists(place)


def test_a_cluster_folder_that_is_a_link_leads_nothing_out(clustered, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out/cluster_0").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "out/cluster_1").symlink_to(tmp_path / "elsewhere")

    result = clustered.apply(tmp_path / "out")

    assert result.count("done") == 0
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert len(videos_below(tmp_path / "in")) == 4


def test_undo_leaves_a_file_whose_old_place_is_taken(clustered, tmp_path):
    clustered.apply(tmp_path / "out")
    (tmp_path / "in/a.mp4").write_text("new")

    result = clustered.undo()

    assert result.count("done") == 3
    assert [problem.message for problem in result.problems] == [
        f"its old place {tmp_path}/in/a.mp4 is taken"
    ]
    assert (tmp_path / "in/a.mp4").read_text() == "new"
    assert [path.name for path in (tmp_path / "out").rglob("*.mp4")] == ["a.mp4"]

    (tmp_path / "in/a.mp4").unlink()
    assert clustered.undo().count("done") == 1
    assert not (tmp_path / "out").exists()


def test_undo_brings_back_a_file_that_was_edited_since(clustered, tmp_path):
    clustered.apply(tmp_path / "out")
    (moved,) = (tmp_path / "out").rglob("a.mp4")
    with moved.open("ab") as file:
        file.write(b"edit")

    assert clustered.undo().count("done") == 4
    assert (tmp_path / "in/a.mp4").read_bytes().endswith(b"edit")


def test_undo_leaves_another_file_that_took_the_moved_ones_place(clustered, tmp_path):
    clustered.apply(tmp_path / "out")
    (moved,) = (tmp_path / "out").rglob("a.mp4")
    moved.rename(tmp_path / "kept.mp4")
    moved.write_text("foreign")

    result = clustered.undo()

    assert result.count("done") == 3
    assert moved.read_text() == "foreign"


def test_undo_keeps_folders_that_hold_a_users_file(clustered, tmp_path):
    clustered.apply(tmp_path / "out")
    (tmp_path / "out/cluster_0/notes.txt").write_text("mine")

    clustered.undo()

    assert read_tree(tmp_path / "out") == {"cluster_0": None, "cluster_0/notes.txt": b"mine"}


def test_undo_keeps_folders_that_were_there_before(clustered, tmp_path):
    (tmp_path / "out/cluster_0").mkdir(parents=True)

    clustered.apply(tmp_path / "out")
    clustered.undo()

    assert read_tree(tmp_path / "out") == {"cluster_0": None}


def test_undo_makes_source_folders_again(clustered, tmp_path):
    clustered.apply(tmp_path / "out")
    (tmp_path / "in/deep").rmdir()

    assert clustered.undo().count("done") == 4
    assert (tmp_path / "in/deep/c.mp4").is_file()


def test_an_undo_can_be_undone(clustered, tmp_path):
    clustered.apply(tmp_path / "out")
    sorted_tree = read_tree(tmp_path / "out")
    undone = clustered.undo()

    clustered.undo(undone.batch)

    assert read_tree(tmp_path / "out") == sorted_tree
    assert clustered.undo().count("done") == 4, "the files lie in out/ again, by the redo"


def test_several_applies_are_undone_newest_first(clustered, tmp_path):
    start = read_tree(tmp_path / "in")
    clustered.apply(tmp_path / "one")
    middle = read_tree(tmp_path / "one")
    clustered.cluster(3)
    clustered.apply(tmp_path / "two")

    clustered.undo()
    assert read_tree(tmp_path / "one") == middle
    clustered.undo()
    assert read_tree(tmp_path / "in") == start
    with pytest.raises(Refused, match="nothing to undo"):
        clustered.undo()


def test_a_batch_that_is_undone_cannot_be_undone_again(clustered, tmp_path):
    batch = clustered.apply(tmp_path / "out").batch
    clustered.undo(batch)

    with pytest.raises(Refused, match=f"batch {batch} is undone already"):
        clustered.undo(batch)
    with pytest.raises(Refused, match="there is no batch 99"):
        clustered.undo(99)


def test_files_of_another_folder_stay_when_a_scope_is_given(clustered, tmp_path):
    result = clustered.apply(tmp_path / "out", scope=tmp_path / "in/deep")

    assert [Path(move.source).name for move in result.outcomes] == ["c.mp4"]


def test_a_destination_that_is_a_file_is_refused(clustered, tmp_path):
    (tmp_path / "out").write_text("a file")

    with pytest.raises(Refused, match="is not a folder"):
        clustered.apply(tmp_path / "out")

    assert len(videos_below(tmp_path / "in")) == 4


def test_nothing_moves_when_the_user_says_no(clustered, tmp_path):
    before = read_tree(tmp_path / "in")

    result = clustered.apply(tmp_path / "out", control=Control(Recorder(), lambda _: False))

    assert result.batch is None
    assert read_tree(tmp_path / "in") == before


def test_a_stop_is_taken_up_by_the_same_apply(clustered, tmp_path):
    asked = []

    def stopping():
        asked.append(None)
        return len(asked) > 2

    first = clustered.apply(tmp_path / "out", control=Control(Recorder(), stopping=stopping))
    assert first.was_stopped
    assert first.count("done") == 2
    assert clustered.status().batch.state == "partial"

    second = clustered.apply(tmp_path / "out")
    assert second.batch == first.batch
    assert second.count("done") == 2
    assert clustered.undo().count("done") == 4


def test_a_stopped_apply_can_be_undone_at_once(clustered, tmp_path):
    before = read_tree(tmp_path / "in")
    answers = iter([False, False, True])

    clustered.apply(tmp_path / "out", control=Control(Recorder(), stopping=lambda: next(answers)))
    clustered.undo()

    assert read_tree(tmp_path / "in") == before
    assert clustered.status().batch.state == "finished"


def test_files_are_moved_to_another_file_system_and_back(clustered, source, tmp_path, other_disk):
    before, stats = read_tree(tmp_path / "in"), stats_below(tmp_path / "in")

    result = clustered.apply(other_disk / "out")

    assert result.count("done") == 4
    assert videos_below(tmp_path / "in") == {}
    assert not list(other_disk.rglob(".vidindex-*"))
    assert_library_follows_the_disk(clustered, source)
    clustered.undo()
    assert read_tree(tmp_path / "in") == before
    assert stats_below(tmp_path / "in") == stats
    assert not (other_disk / "out").exists()
    assert_library_follows_the_disk(clustered, source)


def test_a_stop_in_the_middle_of_a_copy_leaves_the_file_where_it_was(
    clustered, tmp_path, other_disk
):
    before = read_tree(tmp_path / "in")
    answers = iter([False, True, True])

    result = clustered.apply(
        other_disk / "out", control=Control(Recorder(), stopping=lambda: next(answers))
    )

    assert result.was_stopped
    assert result.count("done") == 0
    assert read_tree(tmp_path / "in") == before
    assert not list(other_disk.rglob(".vidindex-*"))


@pytest.mark.parametrize("state_of_library", ["lost", "damaged"])
def test_a_lost_library_is_no_lost_undo(clustered, tmp_path, state_of_library):
    before = read_tree(tmp_path / "in")
    (tmp_path / "out/cluster_0").mkdir(parents=True)
    (tmp_path / "out/cluster_0/a.mp4").write_text("foreign, so that a name must change")
    batch = clustered.apply(tmp_path / "out").batch
    manifest = tmp_path / f"library.db.moves/batch-{batch:04d}.jsonl"
    clustered.path.unlink()

    fresh = Library(clustered.path if state_of_library == "lost" else tmp_path / "other.db")
    result = fresh.undo(manifest=manifest)

    assert result.problems == ()
    assert read_tree(tmp_path / "in") == before
    assert [path for path, data in videos_below(tmp_path / "out").items()] == ["cluster_0/a.mp4"]
    assert not (tmp_path / "out/cluster_1").exists()


def test_a_manifest_of_moves_that_the_library_knows_is_refused(clustered, tmp_path):
    batch = clustered.apply(tmp_path / "out").batch

    with pytest.raises(Refused, match=f"the library still has these moves, as batch {batch}"):
        clustered.undo(manifest=tmp_path / f"library.db.moves/batch-{batch:04d}.jsonl")


def test_a_file_that_is_no_manifest_is_refused(clustered, tmp_path):
    (tmp_path / "notes.txt").write_text("hello\n")

    with pytest.raises(Refused, match="is no manifest"):
        clustered.undo(manifest=tmp_path / "notes.txt")


def test_what_cannot_be_planned_is_reported_by_name(clustered, tmp_path):
    (tmp_path / "in/a.mp4").unlink()
    recorder = Recorder()

    clustered.apply(tmp_path / "out", dry_run=True, control=Control(recorder))
    clustered.apply(tmp_path / "out", control=Control(recorder))

    assert [problem.path.name for problem in recorder.problems] == ["a.mp4", "a.mp4"]


MOVER = """
    import sys
    from pathlib import Path
    from vidindex import Library
    library = Library(sys.argv[1])
    library.apply(sys.argv[2]) if sys.argv[3] == "apply" else library.undo()
"""

SWEPT = "renameat2,linkat,unlinkat,unlink,rmdir,mkdirat,fsync,fdatasync,pwrite64,write,fallocate"


def killed_at(call_number: int, library: Library, out: Path, action: str) -> int:
    """Run an apply or undo that is killed before its n-th call that changes the disk."""
    run = subprocess.run(
        [
            *("strace", "-f", "-qq", "-o", "/dev/null"),
            *("-e", f"trace={SWEPT}"),
            *("-e", f"inject={SWEPT}:signal=SIGKILL:when={call_number}"),
            *(sys.executable, "-c", textwrap.dedent(MOVER), library.path, out, action),
        ],
        check=False,
        capture_output=True,
    )
    return run.returncode


def can_trace() -> bool:
    try:
        traced = subprocess.run(
            ["strace", "-qq", "-o", "/dev/null", "true"], check=False, capture_output=True
        )
    except FileNotFoundError:
        return False
    return traced.returncode == 0


needs_strace = pytest.mark.skipif(not can_trace(), reason="strace cannot trace here")
KILLED = -signal.SIGKILL


@needs_strace
@pytest.mark.parametrize("action", ["apply", "undo"])
@pytest.mark.parametrize("disk", ["same disk", "other disk"])
def test_a_kill_at_any_moment_loses_nothing(
    library, source, put, tmp_path, other_disk, action, disk
):
    """A short sweep: one file, killed before every fifth of the calls that change the disk."""
    put("a", tmp_path / "in/a.mp4")
    library.index([tmp_path / "in"], source=source)
    library.cluster(1)
    content = (tmp_path / "in/a.mp4").read_bytes()
    before = stats_below(tmp_path / "in")
    out = (tmp_path if disk == "same disk" else other_disk) / "out"
    kills = 0
    for call_number in range(1, 400, 5):
        if action == "undo":
            library.apply(out)
        returncode = killed_at(call_number, library, out, action)
        assert returncode in (0, KILLED, 128 + signal.SIGKILL)
        kills += returncode != 0
        found = [
            path
            for path in [*(tmp_path / "in").rglob("*"), *out.rglob("*")]
            if path.is_file() and path.read_bytes() == content
        ]
        assert found, f"lost at call {call_number}"
        library.check()
        library.apply(out)
        assert places(library) == {out / "cluster_0/a.mp4"}
        library.undo()
        assert stats_below(tmp_path / "in") == before
        assert places(library) == {tmp_path / "in/a.mp4"}
        assert not out.exists()
        if returncode == 0:
            break
    else:
        pytest.fail("the sweep never came to its end")
    assert kills >= 5
