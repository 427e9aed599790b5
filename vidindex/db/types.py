"""Column types: paths as bytes, vectors as float32, times as UTC, texts for people."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import DateTime, Dialect, LargeBinary, String
from sqlalchemy.types import TypeDecorator


class PathBytes(TypeDecorator[Path]):
    """A path as the bytes that the file system knows, so that no name is unstorable."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Path | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        """Encode as the operating system does."""
        return None if value is None else os.fsencode(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Path | None:  # noqa: ARG002
        """Decode as the operating system does; bytes that are not UTF-8 become surrogates."""
        return None if value is None else Path(os.fsdecode(value))


class ReadableText(TypeDecorator[str]):
    r"""A text for people. It may quote a name that is not UTF-8: such bytes become \xNN."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Replace what no Unicode text can hold."""
        if value is None:
            return None
        return value.encode(errors="surrogateescape").decode(errors="backslashreplace")


class VectorBytes(TypeDecorator[NDArray[np.float32]]):
    """A float32 vector as little-endian bytes, read back bit-equal on any machine."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(
        self,
        value: NDArray[np.float32] | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> bytes | None:
        """Store in little-endian order whatever this machine's is."""
        return None if value is None else value.astype("<f4", copy=False).tobytes()

    def process_result_value(
        self,
        value: bytes | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> NDArray[np.float32] | None:
        """Return a float32 array of this machine's byte order."""
        if value is None:
            return None
        return np.frombuffer(value, dtype="<f4").astype(np.float32, copy=False)


class UtcTime(TypeDecorator[datetime]):
    """A moment, stored without a zone as UTC, read back with the zone UTC."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Turn any zone into UTC; a time without a zone is a mistake of the caller."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the zone back."""
        return None if value is None else value.replace(tzinfo=UTC)
