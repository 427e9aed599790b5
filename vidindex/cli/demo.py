"""`vidindex demo`: a tour on sample videos, made of the very commands that it shows."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from vidindex.cli.command import (
    SIGPIPE_EXIT,
    Answer,
    Invocation,
    OutputLost,
    add_command,
    print_out,
)
from vidindex.cli.escaping import json_path, printable
from vidindex.cli.signals import SIGNAL_EXIT, Interrupted
from vidindex.cli.tables import counted
from vidindex.errors import Refused, SystemStopped, WeightsError
from vidindex.paths import resolve

KINDS = 5


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, demo, example="vidindex demo --keep ~/vidindex-demo")


def demo(
    call: Invocation,
    keep: Annotated[
        str | None,
        typer.Option("--keep", metavar="DIR", help="Work in this new folder, and leave it."),
    ] = None,
) -> Answer:
    """Make sample videos, and index, cluster, sort and unsort them, each step with its command."""
    with _workplace(keep) as folder, _own_environment(), contextlib.chdir(folder):
        tour = _Tour(call.is_json)
        tour.make_videos()
        tour.choose_weights()
        tour.step(
            "Index the videos: each is read once, and described by one vector.", "index videos"
        )
        tour.step("Again: nothing changed, so nothing is read.", "index videos")
        tour.step("Group the stored vectors, with any K, at once.", "cluster -k 3")
        tour.step("Another K takes an instant too.", f"cluster -k {KINDS}")
        tour.compare_with_kinds()
        tour.step("Which video is in which cluster?", "labels")
        tour.step("What would sorting do? A dry run tells.", "apply sorted --dry-run")
        tour.step(
            "Sort the videos into folders. Nothing is ever overwritten.", "apply sorted --yes"
        )
        tour.step("And put every one back where it was.", "undo --yes")
        tour.step("The library at a glance.", "status")
        if keep:
            tour.step("Sorted once more, for you to look at.", "apply sorted --yes")
            tour.tell(f"\nLook around in {printable(folder)}; vidindex undo puts the videos back.")
    return Answer({"commands": tour.commands} | (json_path(folder, "folder") if keep else {}), "")


@contextlib.contextmanager
def _workplace(keep: str | None) -> Iterator[Path]:
    """Make the folder to work in: one that goes away again, or a new or empty one that stays."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="vidindex-demo-") as folder:
            yield Path(folder)
        return
    folder_to_keep = resolve(keep)
    try:
        folder_to_keep.mkdir(parents=True, exist_ok=True)
        is_empty = not any(folder_to_keep.iterdir())
    except OSError as error:
        raise Refused(f"cannot use {folder_to_keep}: {error.strerror}", "name another") from error
    if not is_empty:
        raise Refused(f"{folder_to_keep} is not empty", "name a new or an empty folder")
    yield folder_to_keep


@contextlib.contextmanager
def _own_environment() -> Iterator[None]:
    """Keep the user's library and settings out of the demo."""
    before = dict(os.environ)
    for name in before:
        if name.startswith("VIDINDEX_"):
            del os.environ[name]
    os.environ |= {"VIDINDEX_CONFIG": os.devnull, "VIDINDEX_DB": "library.db"}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


class _Tour:
    """Tells and takes the steps in the current folder."""

    def __init__(self, is_json: bool) -> None:
        self.commands: list[str] = []
        # In a JSON answer, stdout is for the one object.
        self._out = sys.stderr if is_json else sys.stdout
        self._number = 0

    def tell(self, text: str) -> None:
        """Print a text."""
        print_out(text, self._out)

    def step(self, title: str, command: str) -> None:
        """Run a command as a user would."""
        from vidindex.cli.app import app

        self._head(title)
        self._show(f"vidindex {command}")
        with contextlib.redirect_stdout(self._out):
            code = app(shlex.split(command), standalone_mode=False)
        if code == SIGPIPE_EXIT:
            raise OutputLost(BrokenPipeError())
        if code and code > SIGNAL_EXIT:
            raise Interrupted(code - SIGNAL_EXIT)
        if code:
            raise SystemStopped(f"the demo stopped: vidindex {command} ended with {code}")

    def make_videos(self) -> None:
        """Draw the sample videos."""
        from vidindex.frames import read_picture, write_video
        from vidindex.samples import render_samples

        self._head(
            "Some videos to try on, drawn now: named like a camera names them, of all kinds."
        )
        videos = render_samples(Path("videos"), write=write_video, read_picture=read_picture)
        self.tell(f"{counted(len(videos), 'video')} in videos: {videos[0].name} …")

    def choose_weights(self) -> None:
        """Use the published weights where they can be had, and say so where they cannot."""
        from vidindex.weights import fetch_imagenet_weights, locate_weights

        self._head("A library to put the results in; any file will do.")
        self._show("export VIDINDEX_DB=library.db")
        try:
            locate_weights("imagenet", fetch=fetch_imagenet_weights)
        except WeightsError:
            self.tell(
                "The ImageNet weights cannot be had here (no network), so the demo uses the "
                "untrained network, which sees colour and texture only."
            )
            os.environ["VIDINDEX_WEIGHTS"] = "untrained"
            self._show("export VIDINDEX_WEIGHTS=untrained")

    def compare_with_kinds(self) -> None:
        """Show which kinds of sample videos, known to the demo alone, each cluster holds."""
        from vidindex.library import Library
        from vidindex.samples import sample_videos

        kinds = {sample.name: sample.kind for sample in sample_videos()}
        answer = Library("library.db").labels()
        self.tell("\nThe demo knows what it drew, vidindex does not:")
        for cluster in answer.clusters:
            found = Counter(
                kinds[row.stat.path.name] for row in answer.rows if row.label == cluster.label
            )
            self.tell(
                f"  cluster {cluster.label}: "
                + ", ".join(f"{count} x {kind}" for kind, count in found.most_common())
            )

    def _head(self, title: str) -> None:
        self._number += 1
        self.tell(f"\n{self._number}. {title}")

    def _show(self, command: str) -> None:
        self.commands.append(command)
        self.tell(f"$ {command}")
