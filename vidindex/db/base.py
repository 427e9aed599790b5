"""What all tables share: how columns are typed, and the constraints that many of them have."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Boolean, CheckConstraint, Float, Integer, LargeBinary, MetaData
from sqlalchemy.orm import DeclarativeBase

from vidindex.db.types import PathBytes, ReadableText, UtcTime, VectorBytes

HASH_BYTES = 32


def one_of(column: str, *values: str) -> CheckConstraint:
    """Build the constraint that an enumeration column holds only these values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def sized(column: str, size_bytes: int) -> CheckConstraint:
    """Build the constraint that a binary column has just this many bytes."""
    return CheckConstraint(f"length({column}) = {size_bytes}", name=f"{column}_size")


def at_least(column: str, least: int) -> CheckConstraint:
    """Build the constraint that a number is not below a bound."""
    return CheckConstraint(f"{column} >= {least}", name=f"{column}_at_least_{least}")


class Base(DeclarativeBase):
    """Names every constraint and maps the Python types to columns."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        Path: PathBytes,
        NDArray[np.float32]: VectorBytes,
        datetime: UtcTime,
        bytes: LargeBinary,
        str: ReadableText,
        int: BigInteger().with_variant(Integer, "sqlite"),
        bool: Boolean(create_constraint=True, name="is_boolean"),
        float: Float,
    }
