"""What a command loads: a start is quick, and only what needs a heavy library imports it."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import shown
from vidindex import Library, Settings

PROJECT = Path(__file__).parents[1]
VIDEO = {"tensorflow", "keras", "cv2", "av"}
LEARNING = {"sklearn", "scipy"}
DATABASE = {"sqlalchemy", "alembic"}
HELP_MAY_TAKE_S = 0.5  # 0.15 s on a quiet machine
ATTEMPTS = 15

RUN_AND_LIST = """
import json, sys
from vidindex.cli.app import main
try:
    main()
except SystemExit as ended:
    code = ended.code or 0
loaded = sorted({name.partition(".")[0] for name in sys.modules})
json.dump({"code": code, "loaded": loaded}, open(REPORT, "w"))
"""


def loaded_by(folder, *arguments):
    """Run a command in a fresh process; return the top-level modules that it loaded."""
    report = folder / "loaded.json"
    program = f"REPORT = {str(report)!r}\n{RUN_AND_LIST}"
    subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env=os.environ | {"VIDINDEX_DB": str(folder / "library.db")},
        cwd=folder,
        capture_output=True,
        timeout=60,
        check=True,
    )
    result = json.loads(report.read_text())
    assert result["code"] == 0
    return set(result["loaded"])


@pytest.fixture
def clustered(tmp_path, put, source, monkeypatch):
    """A folder with in/a.mp4 and in/b.mp4, indexed and clustered in library.db."""
    monkeypatch.setenv("VIDINDEX_WEIGHTS", "untrained")
    put("a", tmp_path / "in/a.mp4")
    put("b", tmp_path / "in/b.mp4")
    library = Library(tmp_path / "library.db", Settings(weights="untrained"))
    library.index([tmp_path / "in"], source=source)
    library.cluster(2)
    return tmp_path


@pytest.mark.parametrize("command", [["--help"], ["index", "--help"], ["--version"]], ids=" ".join)
def test_help_loads_nothing_heavy(tmp_path, command):
    heavy = VIDEO | LEARNING | DATABASE | {"numpy", "h5py"}

    assert loaded_by(tmp_path, *command) & heavy == set()


@pytest.mark.parametrize("command", [["--help"], ["index", "--help"]], ids=" ".join)
def test_help_is_there_at_once(command):
    """The median of a few: of more, as long as a busy machine makes it too slow."""
    times_s = []
    while len(times_s) < ATTEMPTS:
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "vidindex", *command], stdout=subprocess.DEVNULL, check=True
        )
        times_s.append(time.perf_counter() - begun)
        if len(times_s) >= 3 and statistics.median(times_s) < HELP_MAY_TAKE_S:
            return
    pytest.fail(f"the median of {ATTEMPTS} is {statistics.median(times_s):.2f} s")


@pytest.mark.parametrize(
    "command",
    [
        ["labels"],
        ["ls", "--format", "csv"],
        ["sql", "SELECT * FROM v_labels"],
        ["runs"],
        ["use", "1"],
        ["diff", "1", "1"],
        ["name"],
        ["name", "0", "Holidays"],
        ["assign"],
        ["show", "in/a.mp4"],
        ["status"],
        ["apply", "out", "--dry-run"],
        ["apply", "out"],
        ["db", "current"],
    ],
    ids=" ".join,
)
def test_asking_and_moving_load_no_video_and_no_learning_library(clustered, command):
    loaded = loaded_by(clustered, *command)

    assert loaded & (VIDEO | LEARNING | {"alembic"}) == set()
    assert "sqlalchemy" in loaded  # the list is really that of the command


@pytest.mark.parametrize(
    "command",
    [
        ["search", "seashore"],
        ["explain", "/videos/cat-1.mp4"],
        ["outliers"],
        ["representatives"],
        ["borderline"],
        ["similar", "/videos/cat-1.mp4"],
        ["duplicates"],
        ["distinct", "/videos/cat-1.mp4", "/videos/cat-2.mp4"],
        ["name", "--auto"],
    ],
    ids=" ".join,
)
def test_names_and_explanations_load_no_video_and_no_learning_library(tmp_path, command):
    shown.make(tmp_path / "library.db", stored=shown.head())
    shown.cluster_by_scene(tmp_path / "library.db")

    loaded = loaded_by(tmp_path, *command)

    assert loaded & (VIDEO | LEARNING | {"alembic", "h5py"}) == set()
    assert "sqlalchemy" in loaded


def test_undo_loads_no_video_and_no_learning_library(clustered):
    Library(clustered / "library.db").apply(clustered / "out")

    assert loaded_by(clustered, "undo") & (VIDEO | LEARNING | {"alembic"}) == set()


def test_clustering_loads_no_video_library(clustered):
    loaded = loaded_by(clustered, "cluster", "-k", "2")

    assert loaded & VIDEO == set()
    assert "sklearn" in loaded


def test_an_index_run_with_nothing_new_loads_no_video_and_no_learning_library(clustered):
    assert loaded_by(clustered, "index", "in") & (VIDEO | LEARNING) == set()


def test_an_index_run_that_only_finds_copies_loads_no_network(clustered):
    shutil.copy(clustered / "in/a.mp4", clustered / "in/copy.mp4")

    assert loaded_by(clustered, "index", "in") & {"tensorflow", "keras"} == set()


def test_an_index_run_decodes_nothing_in_its_own_process(clustered, put):
    put("b", clustered / "in/new.mp4")

    assert "av" not in loaded_by(clustered, "index", "in")


def test_the_layers_hold():
    linter = Path(sys.executable).with_name("lint-imports")
    if not linter.exists():
        pytest.skip("import-linter is not installed")

    done = subprocess.run(
        [linter, "--no-cache", "--config", "pyproject.toml"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert " 0 broken" in done.stdout
