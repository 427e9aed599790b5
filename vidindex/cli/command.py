"""What all commands share: their common options, their answer, and the one error boundary."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TextIO, get_type_hints

import typer

from vidindex.cli.escaping import json_path, printable
from vidindex.cli.options import COMMON, SETTINGS
from vidindex.cli.progress import reporter_for, say
from vidindex.cli.signals import Interrupted, interrupts
from vidindex.config import Configuration, Settings, from_process
from vidindex.errors import ExitCode, Refused, SystemStopped, UsageError, VidindexError
from vidindex.reporting import Problem, Reporter

TRACEBACK_VERBOSITY = 2
SIGPIPE_EXIT = 141  # what a shell reports of a program whose reader went away


@dataclass(frozen=True)
class Answer:
    """What a command found out.

    data: for --json; its keys are stable. text: for people, may be empty. raw: bytes that are
    written as they are, in place of the text.
    """

    data: Mapping[str, Any]
    text: str
    problems: Sequence[Problem] = ()
    exit_code: int = ExitCode.DONE
    raw: bytes | None = None


@dataclass(frozen=True)
class Invocation:
    """One call of a command: its settings, and where its progress goes.

    tell: prints an answer before the last one, which the command returns. verbosity: how often -v
    was given.
    """

    configuration: Configuration
    reporter: Reporter
    is_json: bool
    tell: Callable[[Answer], None]
    verbosity: int = 0

    @property
    def settings(self) -> Settings:
        """The settings that hold for this call."""
        return self.configuration.settings


@dataclass(frozen=True)
class Manners:
    """How a call wants to be answered."""

    command: str
    is_json: bool
    verbosity: int = 0


def add_command(
    app: typer.Typer,
    function: Callable[..., Answer],
    *,
    example: str,
    notes: str = "",
    name: str | None = None,
    group: str = "",
    settings: Iterable[str] = (),
) -> None:
    """Make a command of a function that takes an Invocation and its own parameters.

    It gets the options of the settings named, and the common ones. Its docstring is its help.
    notes: what else the help says, after the example. group: the words before its name.
    """
    flags = tuple(settings)
    title = name or function.__name__
    own = list(inspect.signature(function).parameters.values())[1:]
    hints = get_type_hints(function, include_extras=True)

    def run(**values: Any) -> None:
        common = {key: values.pop(key) for key in COMMON}
        chosen = {key: values.pop(key) for key in flags} | {"db": common["db"]}
        is_json = common["json"] or values.get("output") == "json"
        manners = Manners(f"{group} {title}".strip(), is_json, common["verbose"])

        def call() -> Answer:
            configuration = from_process(chosen, common["config"])
            reporter = reporter_for(quiet=common["quiet"])
            tell = partial(_print_answer, manners=manners)
            invocation = Invocation(
                configuration, reporter, manners.is_json, tell, manners.verbosity
            )
            return function(invocation, **values)

        raise typer.Exit(_answer(call, manners))

    parameters = [parameter.replace(annotation=hints[parameter.name]) for parameter in own]
    parameters += [_keyword(key, SETTINGS[key], None) for key in flags]
    parameters += [_keyword(key, kind, default) for key, (kind, default) in COMMON.items()]
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    )
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    app.command(title, help=f"{inspect.getdoc(function)}\n\nExample: {example}{notes}")(run)


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
    )


def _answer(call: Callable[[], Answer], manners: Manners) -> int:
    """Call a command and tell its answer or its error: the one place where exceptions end."""
    try:
        with interrupts():
            answer = call()
            _print_answer(answer, manners)
        return answer.exit_code
    except VidindexError as error:
        _tell(error, manners)
        return error.exit_code
    except Interrupted as interruption:
        _tell(_interruption(interruption), manners)
        return interruption.exit_code
    except OutputLost as lost:
        return tell_lost_output(lost.error)
    except OSError as error:
        stopped = SystemStopped(f"the system ended the work: {error}", "run it again")
        _tell(stopped, manners)
        return stopped.exit_code
    except Exception as error:
        # What is left is a bug of ours, of any type. Who asked for JSON must get one object even
        # then, and who did not a line and no traceback (-vv shows it); it ends with code 1.
        _tell_bug(error, manners)
        return ExitCode.BUG


def require_consent(question: str, refusal: Refused) -> bool:
    """Ask on the terminal; returns True.

    Raises:
        Refused: as given, if the answer is no, or the input has ended.
    """
    try:
        is_agreed = typer.confirm(question, err=True)
    except typer.Abort:
        is_agreed = False
    if not is_agreed:
        raise refusal
    return True


class OutputLost(Exception):
    """Stdout cannot be written any more."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error = error


def tell_lost_output(error: OSError) -> int:
    """Say on stderr that stdout cannot be written, and return the exit code.

    A reader that went away, as `head` does, has read enough: there is nothing to say.
    """
    discard_output()
    if isinstance(error, BrokenPipeError):
        return SIGPIPE_EXIT
    _tell(
        SystemStopped(f"the output cannot be written: {error.strerror}", "mend that, run it again"),
        Manners("", is_json=False),
    )
    return ExitCode.STOPPED


def tell_usage(message: str, hint: str, *, is_json: bool, command: str = "") -> None:
    """Say that a command line is not understood."""
    _tell(UsageError(message, hint), Manners(command, is_json))


def _tell(error: VidindexError, manners: Manners) -> None:
    if manners.verbosity >= TRACEBACK_VERBOSITY:
        for line in traceback.format_exc().splitlines():
            say(printable(line))
    if manners.is_json:
        entry = _entry(error.code, error.message, error.hint) | {"path": None}
        with contextlib.suppress(OutputLost):
            print_out(_to_json(manners.command, {}, [entry]))
            return
    say(f"error: {printable(error.message)}")
    if error.hint:
        say(f"hint: {printable(error.hint)}")


def _interruption(interruption: Interrupted) -> VidindexError:
    error = VidindexError(
        f"stopped by {interruption.signal_name}; what was finished is stored",
        "run it again to go on",
    )
    error.code = "interrupted"
    return error


def _tell_bug(error: Exception, manners: Manners) -> None:
    bug = VidindexError(
        f"this is a bug in vidindex: {type(error).__name__}: {error}",
        "please report it with what -vv prints; what was finished is stored",
    )
    bug.code = "bug"
    _tell(bug, manners)


def _print_answer(answer: Answer, manners: Manners) -> None:
    if answer.raw is not None and not manners.is_json:
        _print_raw(answer.raw)
    else:
        print_out(_envelope(answer, manners) if manners.is_json else answer.text)


def _envelope(answer: Answer, manners: Manners) -> str:
    errors = [
        _entry(problem.code, problem.message, problem.hint) | json_path(problem.path)
        for problem in answer.problems
    ]
    return _to_json(manners.command, answer.data, errors)


def _entry(code: str, message: str, hint: str) -> dict[str, str]:
    return {"code": code, "message": printable(message), "hint": printable(hint)}


def _to_json(command: str, data: Mapping[str, Any], errors: Sequence[Mapping[str, Any]]) -> str:
    envelope = {"vidindex": 1, "command": command, "data": data, "errors": errors}
    return json.dumps(envelope, indent=2)


def print_out(text: str, stream: TextIO | None = None) -> None:
    """Print now, on stdout by default: an error must be met here, not at the program's very end.

    Raises:
        OutputLost: it cannot be written.
    """
    if text:
        out = stream or sys.stdout
        with _losing_output():
            out.write(text + "\n")
            out.flush()


def _print_raw(raw: bytes) -> None:
    """Write bytes on stdout now, as `print_out` does a text."""
    with _losing_output():
        sys.stdout.buffer.write(raw)
        sys.stdout.flush()


@contextlib.contextmanager
def _losing_output() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        discard_output()
        raise OutputLost(error) from error
    except BaseException:  # a signal: what is left would be written at the end, and wait again
        discard_output()
        raise


def discard_output(number: int = 1) -> None:
    """Let nothing more be written to a stdout (or to another stream) that cannot take it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


def discard_lost_output() -> None:
    """Give up what a closed window did not take; Python would end with exit code 120 for it."""
    for number, stream in enumerate((sys.stdout, sys.stderr), start=1):
        try:
            stream.flush()
        except OSError:
            discard_output(number)
