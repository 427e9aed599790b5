"""What happens below a folder, as the system tells it, or by looking again and again.

The only importer of watchdog.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from threading import Event

from watchdog.events import (
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import BaseObserver
from watchdog.observers.inotify import InotifyEmitter
from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchCallback,
    WatchDescriptor,
)
from watchdog.observers.polling import PollingObserverVFS

FALLBACK_POLL_S = 30.0
# What opens or only reads a file is left out: an index run does both, and would be told of it.
_FILE_CHANGES = (
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
)
# Of a folder that is new, each file is told of; of one that is gone, not always.
_FOLDER_CHANGES = (DirDeletedEvent, DirMovedEvent)
_LIMITS = {
    errno.ENOSPC: "fs.inotify.max_user_watches",
    errno.EMFILE: "fs.inotify.max_user_instances",
}


class FolderObserver:
    """Tells of what changes below one folder, and survives its going and coming back.

    note: called from other threads, often more than once: with each path that a file had or has,
        and False; with each path that a folder had, and True.
    poll_s: look through the folder so often instead of being told by the system, which knows
        nothing of what other machines do on a network share.
    notice: called with what the user should know, from the thread that calls `renew`.
    """

    def __init__(
        self,
        folder: Path,
        note: Callable[[Path, bool], None],
        *,
        poll_s: float | None,
        notice: Callable[[str], None],
    ) -> None:
        self.folder = folder
        self.poll_s = poll_s
        self._note = note
        self._notice = notice
        self._identity: tuple[int, int] | None = None
        self._observer: BaseObserver | None = None
        self._inotify: _Inotify | None = None
        self._root_lost = Event()

    @property
    def is_present(self) -> bool:
        """Whether the folder was there when it was last looked at."""
        return self._identity is not None

    def renew(self) -> bool:
        """Observe the folder that is there now; return whether changes may have been missed.

        They may at the first call; when another folder is at the path, as when a disk is mounted
        or unmounted; and when the system had too much to tell.
        """
        identity = _identify(self.folder)
        if identity == self._identity and (identity is None or self._is_sound()):
            return False
        if self._inotify is not None and self._inotify.exhausted is not None:
            self._fall_back(self._inotify.exhausted)
        self.close()
        try:
            if identity is not None:
                self._start()
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            self.close()  # gone since it was looked at, or closed to us
            return False
        self._identity = identity
        return identity is not None

    def close(self) -> None:
        """Observe no longer."""
        observer, self._observer = self._observer, None
        inotify, self._inotify = self._inotify, None
        self._identity = None
        if observer is not None and observer.is_alive():
            observer.stop()
            observer.join()
        if inotify is not None:
            inotify.stop()
            inotify.join()

    def _is_sound(self) -> bool:
        """Whether all changes since the last renewal were told of."""
        if self._root_lost.is_set() or self._observer is None:
            return False
        inotify = self._inotify
        if inotify is not None and (inotify.has_lost or inotify.exhausted is not None):
            return False
        threads = [self._observer, *self._observer.emitters, *([inotify] if inotify else [])]
        return all(thread.is_alive() for thread in threads)

    def _start(self) -> None:
        self._root_lost.clear()
        if self.poll_s is None:
            try:
                self._inotify = _Inotify()
                self._inotify.start()
                self._observe(BaseObserver(InotifyEmitter, inotify_fd=self._inotify))
            except OSError as error:
                if error.errno not in _LIMITS:
                    raise
                self.close()
                self._fall_back(error.errno)
        if self.poll_s is not None:
            # lstat: else links to folders would be followed.
            self._observe(PollingObserverVFS(os.lstat, os.scandir, polling_interval=self.poll_s))

    def _observe(self, observer: BaseObserver) -> None:
        self._observer = observer
        observer.schedule(
            _Handler(self._hear),
            str(self.folder),
            recursive=True,
            event_filter=[*_FILE_CHANGES, *_FOLDER_CHANGES],
        )
        observer.start()

    def _fall_back(self, limit: int) -> None:
        self.poll_s = FALLBACK_POLL_S
        self._notice(
            f"the system cannot tell of all changes in {self.folder}, as its limit "
            f"{_LIMITS[limit]} is reached; it is looked through every {self.poll_s:.0f} s instead "
            f"(raise the limit with sysctl, or set the pace with --poll-s)"
        )

    def _hear(self, event: FileSystemEvent) -> None:
        source = Path(os.fsdecode(event.src_path))
        if source == self.folder:
            self._root_lost.set()
            return
        self._note(source, event.is_directory)
        if isinstance(event, FileMovedEvent):
            self._note(Path(os.fsdecode(event.dest_path)), False)


class _Handler(FileSystemEventHandler):
    def __init__(self, hear: Callable[[FileSystemEvent], None]) -> None:
        self._hear = hear

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._hear(event)


class _Inotify(InotifyFD):
    """The system's messages; remembers what watchdog keeps to itself.

    has_lost: more happened than was told. exhausted: the limit on folders to be told of, if one
    below the root could not be added for it.
    """

    def __init__(self) -> None:
        self.has_lost = False
        self.exhausted: int | None = None
        super().__init__()

    def handle_event(self, event: InotifyEvent) -> None:
        if event.is_queue_overflow:  # watchdog would log it, and go on as if nothing were missing
            self.has_lost = True
            return
        super().handle_event(event)

    def add_callback(
        self, path: bytes, mask: Mask, callback: WatchCallback, id_: CallbackId
    ) -> WatchDescriptor:
        if not os.access(path, os.R_OK):  # which watchdog takes for a success
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fsdecode(path))
        try:
            return super().add_callback(path, mask, callback, id_)
        except OSError as error:
            if error.errno in _LIMITS:
                self.exhausted = error.errno
            raise


def _identify(folder: Path) -> tuple[int, int] | None:
    """Return what changes when a disk is mounted or unmounted here; None if there is no folder."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None
