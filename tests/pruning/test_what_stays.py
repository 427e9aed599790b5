"""Letting go of files that are gone: what is never dropped by accident."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from tests.db.conftest import without_rights
from tests.pruning.conftest import names
from vidindex import kmeans
from vidindex.db.engine import Database
from vidindex.db.models import File
from vidindex.errors import AnotherAtWork, Refused
from vidindex.planning import plan_apply
from vidindex.store import clusterings, moves


def test_a_file_that_no_index_run_has_missed_stays(library, folder):
    (folder / "a.mp4").unlink()

    assert library.prune().files == ()


def test_a_file_that_is_there_again_stays_and_is_counted(library, put, folder, lose):
    lose("a", "b")
    put("a", folder / "a.mp4")

    result = library.prune()

    assert (names(result), result.returned) == (["b.mp4"], 1)
    assert library.show(folder / "a.mp4").vectors


PRUNE = """
import sys
from vidindex import Library
result = Library(sys.argv[1]).prune(force=True)
print(len(result.files), result.returned)
"""


def test_a_file_where_one_may_not_look_stays(library, index, put, tmp_path, folder):
    hidden = put("a", tmp_path / "in/deep/hidden.mp4").parent
    index(folder)
    (hidden / "hidden.mp4").unlink()
    index(folder)
    hidden.chmod(0)

    run = subprocess.run(
        [*without_rights(), sys.executable, "-c", PRUNE, library.path],
        check=True,
        capture_output=True,
    )

    hidden.chmod(0o755)
    assert run.stdout == b"0 1\n"


def set_device(library, change):
    with Database(library.path) as database, database.writing() as session:
        session.execute(update(File).values(device=File.device + change))


def test_a_file_of_another_disk_than_its_folder_is_on_now_stays_but_by_force(library, lose):
    lose("a", "b")
    set_device(library, 1)

    result = library.prune()

    assert (result.is_done, result.files, result.absent) == (False, (), 2)
    forced = library.prune(force=True)
    assert (names(forced), forced.absent) == (["a.mp4", "b.mp4"], 0)


# Two files of a disk are missed by a run that sees other files of the same root.
ABSENT = """
import os, shutil, subprocess, sys
from pathlib import Path
from tests.stub import STUB, read_frames
from vidindex import Library
home = Path(sys.argv[1])
disk = home / "in/disk"
disk.mkdir(parents=True)
subprocess.run(["mount", "-t", "tmpfs", "none", disk], check=True)
for number, folder in enumerate([disk, disk, *[home / "in"] * 3]):
    (folder / f"{number}.mp4").write_bytes(b"video %d" % number)
library = Library(home / "library.db")
library.index(home / "in", source=STUB, read_frames=read_frames)
subprocess.run(["umount", disk], check=True)
if sys.argv[2] == "no folder":
    disk.rmdir()
library.index(home / "in", source=STUB, read_frames=read_frames)
assert library.status().missing == 2
result = library.prune()
print(len(result.files), result.absent)
"""


@pytest.mark.root
@pytest.mark.parametrize("mount_point", ["empty folder", "no folder"])
def test_an_absent_disk_is_not_pruned(tmp_path, mount_point):
    own_mounts = ["unshare", "--mount"]
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("only root can mount a disk")
    if subprocess.run([*own_mounts, "true"], check=False).returncode:
        pytest.skip("no disk can be mounted here")

    run = subprocess.run(
        [*own_mounts, sys.executable, "-c", ABSENT, tmp_path, mount_point],
        check=True,
        capture_output=True,
    )

    assert run.stdout == b"0 2\n"


def test_half_of_the_files_may_go(library, lose):
    lose("a", "b", "c")

    assert len(library.prune().files) == 3


def test_more_than_half_of_the_files_are_refused_but_by_force(library, lose):
    lose("a", "b", "c", "d")
    before = library.path.read_bytes()

    with pytest.raises(Refused, match="4 of the 6 known files of the library are gone") as caught:
        library.prune()
    with pytest.raises(Refused):
        library.prune(dry_run=True)

    assert "is a disk absent?" in caught.value.hint
    assert library.path.read_bytes() == before
    assert len(library.prune(force=True).files) == 4


def test_most_files_of_a_path_that_is_named_are_refused(library, index, put, folder, tmp_path):
    for clip in "ab":
        put(clip, folder / f"deep/{clip}.mp4")
    index(folder)
    shutil.rmtree(folder / "deep")
    index(folder)

    with pytest.raises(Refused, match=r"2 of the 2 known files in .*/deep are gone"):
        library.prune([folder / "f.mp4", folder / "deep"])

    assert len(library.prune(folder / "deep", force=True).files) == 2


def test_a_path_that_the_library_does_not_know_is_refused(library, folder, tmp_path):
    with pytest.raises(Refused, match=r"knows no file at or below .*/elsewhere"):
        library.prune([folder, tmp_path / "elsewhere"])


def test_a_file_that_a_killed_apply_has_moved_is_found_first(library, folder, index, tmp_path):
    library.cluster(1)
    with Database(library.path) as database, database.writing() as session:
        plan = plan_apply(clusterings.list_labelled_files(session, 1), tmp_path / "out")
        batch = moves.put_batch(
            session, "apply", tmp_path / "out", run=1, undoes_batch=None, now=datetime.now(UTC)
        )
        moves.put_moves(session, batch, plan.moves[:1], state="started")
    target = plan.moves[0].target
    target.parent.mkdir(parents=True)
    plan.moves[0].stat.path.rename(target)
    index(folder)
    assert library.status().missing == 1

    result = library.prune()

    assert (result.files, result.returned) == ((), 1)
    assert library.show(target).vectors


def test_nothing_goes_while_its_vectors_are_clustered(library, lose, monkeypatch):
    """Else the labels would be of videos that are no longer there."""
    lose("a")
    group, tried = kmeans.group, []

    def prune_meanwhile(*arguments, **keywords):
        with pytest.raises(AnotherAtWork):
            library.prune()
        tried.append(True)
        return group(*arguments, **keywords)

    monkeypatch.setattr(kmeans, "group", prune_meanwhile)

    assert library.cluster(2).videos == 5
    assert tried
