"""What a user installs: the wheel holds all that is needed, and nothing of the tests."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import vidindex
from vidindex.db import schema

REPOSITORY = Path(__file__).parents[1]

USE = """
import sys
from pathlib import Path
import vidindex
from vidindex.db import schema
assert Path(vidindex.__file__).is_relative_to(sys.argv[1]), vidindex.__file__
with schema.open_for_writing(Path(sys.argv[2]), print):
    print(schema.migrations_folder())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built without a network by the tools that are installed here."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder]
    subprocess.run([*build, REPOSITORY], check=True, capture_output=True, timeout=120)
    (wheel,) = folder.iterdir()
    return wheel


@pytest.fixture(scope="module")
def held(wheel):
    """The names of the files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The wheel, installed into a folder of its own."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    options = ["--quiet", "--no-deps", "--no-index", "--target", folder]
    subprocess.run([*pip, *options, wheel], check=True, capture_output=True, timeout=120)
    return folder


def run_installed(folder, *command, cwd):
    """Run Python where the installed package comes before the sources of this repository."""
    return subprocess.run(
        [sys.executable, *command],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(folder)},
    )


def test_the_wheel_is_named_for_its_version(wheel):
    assert wheel.name == f"vidindex-{vidindex.__version__}-py3-none-any.whl"


def test_the_wheel_holds_every_module_and_page_and_says_that_they_are_typed(held):
    sources = {
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "vidindex").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }

    assert {"vidindex/py.typed", "vidindex/web/templates/page.html"} <= sources
    assert {
        name for name in held if name.startswith("vidindex/") and "/_mig" not in name
    } == sources


def test_the_wheel_holds_every_migration(held):
    migrations = REPOSITORY / "migrations"
    sources = {str(path.relative_to(migrations)) for path in modules(migrations)}

    assert {"0001_first_schema.py", "env.py"} <= {Path(name).name for name in sources}
    assert {f"vidindex/_migrations/{name}" for name in sources} == {
        name for name in held if name.startswith("vidindex/_migrations/") and name.endswith(".py")
    }


def modules(folder):
    return folder.rglob("*.py")


def test_the_wheel_holds_nothing_else(held):
    tops = {name.split("/")[0] for name in held}

    assert tops == {"vidindex", f"vidindex-{vidindex.__version__}.dist-info"}
    assert f"vidindex-{vidindex.__version__}.dist-info/licenses/LICENSE" in held
    assert [name for name in held if name.endswith(".pyc")] == []


def test_the_installed_program_makes_a_library_with_its_own_migrations(installed, tmp_path):
    library = tmp_path / "library.db"

    run = run_installed(installed, "-c", USE, installed, library, cwd=tmp_path)

    assert (run.stdout, run.stderr) == (f"{installed / 'vidindex/_migrations'}\n", "")
    assert schema.recognise(library) == schema.HEAD
    schema.check(library)


def test_the_installed_program_answers(installed, tmp_path):
    run = run_installed(installed, "-m", "vidindex", "--version", cwd=tmp_path)

    assert (run.returncode, run.stdout) == (0, f"vidindex {vidindex.__version__}\n")


def test_the_installed_command_is_vidindex(installed, tmp_path):
    run = run_installed(installed, installed / "bin/vidindex", "--version", cwd=tmp_path)

    assert (run.returncode, run.stdout) == (0, f"vidindex {vidindex.__version__}\n")
