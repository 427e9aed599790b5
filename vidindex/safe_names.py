"""Names for files and folders out of any text: legal on every common disk, and short enough."""

from __future__ import annotations

import os
import re
import unicodedata

from vidindex.scanning import PART_PREFIX

NAME_LIMIT_BYTES = 255
LONGEST_END_BYTES = 127  # of a suffix that is kept where a name is shortened
# What Windows and its disks refuse, and what hides in a name or turns it around: control
# characters, the ends of lines and paragraphs, marks of the direction of writing. Of the
# surrogates just those that stand for a byte can be written to a disk.
_UNSAFE = re.compile(
    r'[/\\:*?"<>|\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069'
    r"\ud800-\udc7f\udd00-\udfff]"
)
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file; with any suffix, too.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9¹²³])\s*(?:\.|\Z)", re.I)
_JOINERS = frozenset({"\u200c", "\u200d"})


def safe_part(text: str, suffix: str = "") -> str:
    r"""Return one name of a file or folder that says what text + suffix says.

    suffix: what of the name's end is kept where it is too long; by default it is cut at its end.

    Separators, control characters and the like (also ``: * ? " < > |``) become "_". White space
    around it and dots at its end go. A name of a Windows device, and one like those that vidindex
    gives to unfinished copies, gets "_" in front; nothing, "." and ".." become "_". It is in NFC
    and has at most 255 bytes. Bytes that are no UTF-8 stay. A safe name comes back as it is.
    """
    name = _trimmed(_cleaned(_trimmed(text + suffix)))
    kept = _without_end(_cleaned(_without_end(suffix)))
    name = _trimmed(_fitted(name, kept))
    if _DEVICE.match(name) or name.casefold().startswith(PART_PREFIX):
        name = _trimmed(_fitted(f"_{name}", kept))
    return name or "_"


def fit_name(stem: str, marker: str, suffix: str) -> str:
    """Return stem + marker + suffix, the stem shortened by whole characters to fit in 255 bytes.

    A suffix or a marker of more than 127 bytes is none: it counts as the end of the stem.
    """
    if _size(marker) > LONGEST_END_BYTES:
        stem, marker = stem + marker, ""
    if _size(suffix) > LONGEST_END_BYTES:
        stem, suffix = stem + suffix, ""
    return _cut(stem, NAME_LIMIT_BYTES - _size(marker + suffix)) + marker + suffix


def may_exist(name: str) -> bool:
    """Whether a disk of this system can hold a file of that name, be it safe elsewhere or not."""
    if name in ("", ".", "..") or {"/", "\0"} & {*name}:
        return False
    try:
        return _size(name) <= NAME_LIMIT_BYTES
    except UnicodeEncodeError:  # a surrogate that stands for no byte
        return False


def _cleaned(text: str) -> str:
    safe = _UNSAFE.sub("_", text)
    # Bytes that come from two texts may make a character together, as they will on the disk.
    return _UNSAFE.sub("_", unicodedata.normalize("NFC", os.fsdecode(os.fsencode(safe))))


def _trimmed(text: str) -> str:
    return _without_end(text).lstrip()


def _without_end(text: str) -> str:
    """Drop white space and dots at a text's end."""
    end = len(text)
    while end and (text[end - 1].isspace() or text[end - 1] == "."):
        end -= 1
    return text[:end]


def _fitted(name: str, kept: str) -> str:
    if name.endswith(kept):
        fitted = fit_name(name.removesuffix(kept), "", kept)
        if _cleaned(fitted) == fitted:  # no mark or byte of it joins another letter than before
            return fitted
    return fit_name(name, "", "")


def _cut(text: str, limit_bytes: int) -> str:
    """Drop the end of a text, a letter with its marks as a whole if there is more than one."""
    if _size(text) <= limit_bytes:
        return text
    end = min(len(text), limit_bytes)
    while _size(text[:end]) > limit_bytes:
        end -= 1
    whole = end
    while whole and _belongs_to_its_left(text, whole):
        whole -= 1
    return text[: whole or end]


def _belongs_to_its_left(text: str, place: int) -> bool:
    """Whether a character must not be parted from the one before it (most cases of UAX 29)."""
    character = text[place]
    is_joined = character in _JOINERS or text[place - 1] == "\u200d"
    is_skin_tone = "\U0001f3fb" <= character <= "\U0001f3ff"
    return is_joined or is_skin_tone or unicodedata.category(character).startswith("M")


def _size(text: str) -> int:
    return len(os.fsencode(text))
