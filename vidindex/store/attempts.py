"""Which contents are being decoded: those that are listed at the start of a run ended the last."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from vidindex.db.models import DecodingAttempt


def list_attempts(session: Session) -> dict[bytes, int]:
    """Return how many times the decoding of each listed content was begun."""
    rows = session.execute(select(DecodingAttempt.blake3, DecodingAttempt.attempts))
    return {row.blake3: row.attempts for row in rows}


def count_attempt(session: Session, blake3: bytes, *, now: datetime) -> None:
    """Note that the decoding of a content begins."""
    counted = session.execute(
        update(DecodingAttempt)
        .where(DecodingAttempt.blake3 == blake3)
        .values(attempts=DecodingAttempt.attempts + 1, begun_at=now)
        .returning(DecodingAttempt.blake3)
    )
    if counted.first() is None:
        session.execute(insert(DecodingAttempt).values(blake3=blake3, attempts=1, begun_at=now))


def forget_attempts(session: Session, contents: Iterable[bytes]) -> None:
    """Note that the decoding of contents came to an end, whichever."""
    for blake3 in contents:
        session.execute(delete(DecodingAttempt).where(DecodingAttempt.blake3 == blake3))


def take_back_attempts(session: Session, contents: Iterable[bytes]) -> None:
    """Note that the decoding of contents was ended on purpose, which does not count."""
    for blake3 in contents:
        this = DecodingAttempt.blake3 == blake3
        session.execute(delete(DecodingAttempt).where(this, DecodingAttempt.attempts == 1))
        session.execute(
            update(DecodingAttempt).where(this).values(attempts=DecodingAttempt.attempts - 1)
        )
