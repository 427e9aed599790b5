"""The command `vidindex`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

import vidindex
from vidindex.cli import (
    apply,
    cluster,
    config,
    db,
    demo,
    index,
    labels,
    organize,
    runs,
    show,
    status,
    undo,
)
from vidindex.cli.command import tell_usage
from vidindex.errors import ExitCode

app = typer.Typer(
    name="vidindex",
    help=vidindex.__doc__,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"vidindex {vidindex.__version__}\n")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


for _module in (
    index,
    cluster,
    labels,
    apply,
    undo,
    organize,
    runs,
    show,
    status,
    db,
    config,
    demo,
):
    _module.add_to(app)


def main() -> None:
    """Run the command line and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8
    try:
        code = app(prog_name="vidindex", standalone_mode=False)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "vidindex"
        if error.format_message():  # without a command the help was printed, and that is all
            tell_usage(
                error.format_message(),
                f"see: {path} --help",
                is_json="--json" in sys.argv,
                command=path.removeprefix("vidindex").strip(),
            )
        code = ExitCode.USAGE
    sys.exit(code)
