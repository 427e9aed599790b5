"""What the database tests share: libraries to work on, children, and a newer vidindex."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.databases import make
from vidindex.db import schema

KILLED = -signal.SIGKILL


@pytest.fixture(scope="session")
def filled_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of the newest revision with a row of everything; not to be changed."""
    return make.make(tmp_path_factory.mktemp("filled") / "library.db")


@pytest.fixture
def path(filled_library: Path, tmp_path: Path) -> Path:
    """A library of one's own, alone in its folder."""
    folder = tmp_path / "state"
    folder.mkdir()
    return shutil.copyfile(filled_library, folder / "library.db")


def names(folder: Path) -> list[str]:
    """Return what lies in a folder."""
    return sorted(entry.name for entry in folder.iterdir())


def python(code: str, *arguments: object, under: Sequence[str] = ()) -> list[str]:
    """Build the command that runs code in a fresh process, under strace for example."""
    return [*under, sys.executable, "-c", textwrap.dedent(code), *map(os.fsdecode, arguments)]


def run_python(
    code: str, *arguments: object, under: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh process and wait for it."""
    return subprocess.run(
        python(code, *arguments, under=under),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def without_rights() -> list[str]:
    """Build what makes a child obey file rights, which root does not."""
    if os.geteuid() != 0:
        return []
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    if shutil.which("setpriv") is None or subprocess.run([*drop, "true"], check=False).returncode:
        pytest.skip("root cannot give up its rights here")
    return drop


def killed_before(call: str, number: int, on: Path | None = None) -> list[str]:
    """Build what kills a child right before its n-th system call of a name, or that on a file."""
    strace = ["strace", "-qq", "-o", os.devnull, f"--trace={call}"]
    probe = [*strace, "true"]
    if shutil.which("strace") is None or subprocess.run(probe, check=False).returncode:
        pytest.skip("strace is missing, or may not trace here")
    files = [] if on is None else [f"--trace-path={on}"]
    return [*strace, *files, f"--inject={call}:signal=SIGKILL:when={number}"]


# Revisions: of this vidindex, and of a newer one.
HEAD = schema.HEAD
NEXT, AFTER_NEXT = (f"{int(HEAD) + step:04}" for step in (1, 2))

NEXT_REVISION = '''
"""A migration for tests."""
import os
import signal

import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{HEAD}"


def upgrade() -> None:
    # SQLite can only copy the table, and its clusters would go with the old one by cascade.
    with op.batch_alter_table("clusterings") as table:
        table.add_column(sa.Column("note", sa.String(), nullable=True))
    {ending}
'''


def newer_migrations(folder: Path, ending: str = "pass") -> Path:
    """Make a folder of migrations that knows a revision more, with a last line of its own."""
    migrations = shutil.copytree(schema.migrations_folder(), folder / "migrations")
    revision = NEXT_REVISION.format(NEXT=NEXT, HEAD=HEAD, ending=ending)
    (migrations / f"versions/{NEXT}_next.py").write_text(revision)
    return migrations


# What a newer vidindex does in a child: HEAD and migrations are the second and third argument.
NEWER = f"""
import sys
from pathlib import Path
from vidindex.db import schema
schema.HEAD = "{NEXT}"
schema.migrations_folder = lambda: Path(sys.argv[2])
with schema.open_for_writing(Path(sys.argv[1]), print):
    pass
"""
