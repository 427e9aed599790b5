"""The errors of vidindex, and the exit code that each one ends a command with.

::

    VidindexError                 one line: what, which file; and a hint: what to do next
    ├── UsageError            2   the command or a setting is not understood
    ├── Refused               3   nothing was changed, and why
    │   └── WeightsError      3   a weights file is missing, damaged or of another network
    ├── SystemStopped         5   the system ended the work part-way; safe to run again
    ├── DatabaseUnusable      6   damaged, made by a newer vidindex, or not a vidindex library
    ├── AnotherAtWork         7   another vidindex holds the library
    └── ItemError             4   one file could not be handled; the others go on
        ├── MediaError            it cannot be decoded; stored, and not tried again until it changes
        ├── UnreadableError       it cannot be opened or read
        ├── ChangedError          it changed while it was read; the next run picks it up
        ├── CorruptError          its bytes changed, though nothing else says that it was touched
        ├── OfflineError          a folder is empty or gone as a whole, as if not mounted
        └── …                     why one file cannot be moved: see disk_errors.py

A bug (any other exception) exits with 1; a signal with 128 + its number.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit code means."""

    DONE = 0
    BUG = 1
    USAGE = 2
    REFUSED = 3
    INCOMPLETE = 4
    STOPPED = 5
    DATABASE = 6
    BUSY = 7


class VidindexError(Exception):
    """Anything that vidindex can explain.

    message: one line that says what went wrong and with which file.
    hint: what to do next; may be empty where the message says it all.
    """

    exit_code = ExitCode.REFUSED
    code = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(VidindexError):
    """A command line, an environment variable or a configuration file is not understood."""

    exit_code = ExitCode.USAGE
    code = "usage"


class Refused(VidindexError):
    """vidindex will not do it, and nothing was changed."""

    exit_code = ExitCode.REFUSED
    code = "refused"


class WeightsError(Refused):
    """Weights of the network are missing, damaged or of another network."""

    code = "weights"


class SystemStopped(VidindexError):
    """Disk full, an I/O error and the like: what was finished is kept, run it again."""

    exit_code = ExitCode.STOPPED
    code = "stopped"


class DatabaseUnusable(VidindexError):
    """The database is damaged, newer than this program, or not a vidindex library."""

    exit_code = ExitCode.DATABASE
    code = "database"


class AnotherAtWork(VidindexError):
    """Another vidindex is changing this library."""

    exit_code = ExitCode.BUSY
    code = "busy"


class ItemError(VidindexError):
    """One file could not be handled. It is reported, and the run goes on."""

    exit_code = ExitCode.INCOMPLETE
    code = "item"


class MediaError(ItemError):
    """A video cannot be decoded; the message is the reason, in words for a person.

    It does not name the file: several may hold this content, and the reason is stored with it.
    """

    code = "undecodable"


class UnreadableError(ItemError):
    """A file cannot be opened or read."""

    code = "unreadable"


class ChangedError(ItemError):
    """A file changed or vanished while it was read; nothing of it was stored."""

    code = "changed"


class CorruptError(ItemError):
    """A file holds other bytes than when it was indexed, though nobody seems to have touched it."""

    code = "corrupt"


class OfflineError(ItemError):
    """A folder that the library knows holds no video any more, as if its disk were not mounted."""

    code = "offline"
