"""The command `vidindex`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

import vidindex
from vidindex.cli import (
    apply,
    assign,
    can,
    cannot,
    cluster,
    config,
    db,
    demo,
    diff,
    distinct,
    duplicates,
    explain,
    export,
    failures,
    history,
    import_,
    index,
    labels,
    learn,
    ls,
    merge,
    name,
    organize,
    pin,
    prune,
    report,
    rm_run,
    runs,
    search,
    serve,
    show,
    similar,
    sort,
    sql,
    status,
    surveys,
    undo,
    unpin,
    use,
    watch,
    wishes,
)
from vidindex.cli.command import (
    OutputLost,
    discard_lost_output,
    print_out,
    tell_lost_output,
    tell_usage,
)
from vidindex.cli.signals import Interrupted, interrupts
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
        print_out(f"vidindex {vidindex.__version__}")
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
    watch,
    cluster,
    labels,
    ls,
    name,
    assign,
    pin,
    unpin,
    cannot,
    can,
    wishes,
    learn,
    apply,
    sort,
    undo,
    history,
    organize,
    runs,
    use,
    diff,
    rm_run,
    serve,
    show,
    explain,
    search,
    similar,
    duplicates,
    distinct,
    surveys,
    sql,
    report,
    status,
    failures,
    prune,
    export,
    import_,
    merge,
    db,
    config,
    demo,
):
    _module.add_to(app)


def main() -> None:
    """Run the command line and exit with its code."""
    _open_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8
    try:
        with interrupts():
            code = app(prog_name="vidindex", standalone_mode=False)
    except TyperException as error:
        code = _tell_misuse(error)
    except Interrupted as interruption:  # before or after the command itself
        code = interruption.exit_code
    except OutputLost as lost:
        code = tell_lost_output(lost.error)
    except OSError as error:  # met by typer when it prints the help
        code = tell_lost_output(error)
    discard_lost_output()
    sys.exit(code)


def _open_standard_streams() -> None:
    """Open streams that are closed: else the next file opened would get their messages."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def _tell_misuse(error: TyperException) -> int:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "vidindex"
    message = error.format_message()
    if message:  # without a command the help was printed, and that is all
        tell_usage(
            message.replace(": Value error, ", ": "),  # pydantic's way to begin
            f"see: {path} --help",
            is_json="--json" in sys.argv,
            command=path.removeprefix("vidindex").strip(),
        )
    return ExitCode.USAGE
