"""Names made safe for a terminal and for JSON. A file name may hold any byte but NUL and "/"."""

from __future__ import annotations

import base64
import os
import unicodedata
from pathlib import Path

# Control characters move the cursor or run commands of the terminal, format characters turn
# text around (bidi) or hide it; surrogates are the bytes of a name that is not UTF-8.
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_FIRST_BYTE_SURROGATE = 0xDC00
# A spreadsheet takes a text that begins so for a formula, and runs it; some take the wide forms of
# these signs too. A tab or a carriage return in front does not hide them: it is escaped.
_FORMULA_STARTS = tuple("=+-@＝＋－＠")  # noqa: RUF001


def printable(text: object) -> str:
    r"""Return a text in one line with every unsafe character as \xNN, \uNNNN or \UNNNNNNNN."""
    shown = str(text)
    if shown.isprintable():  # then no character of it is in one of those categories
        return shown
    return "".join(
        _escaped(character) if unicodedata.category(character) in _UNSAFE_CATEGORIES else character
        for character in shown
    )


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may take a printable text for a formula; a ' in front prevents it."""
    return text.startswith(_FORMULA_STARTS)


def json_path(path: Path, key: str = "path") -> dict[str, str]:
    """Return a path for JSON: readable under its key, and exact under key_b64 if it is no UTF-8."""
    raw = os.fsencode(path)
    try:
        return {key: raw.decode()}
    except UnicodeDecodeError:
        return {key: printable(path), f"{key}_b64": base64.b64encode(raw).decode()}


def _escaped(character: str) -> str:
    code = ord(character)
    if unicodedata.category(character) == "Cs" and code >= _FIRST_BYTE_SURROGATE:
        return f"\\x{code & 0xFF:02x}"
    if code <= 0xFF:  # noqa: PLR2004 - what \xNN can say
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004
