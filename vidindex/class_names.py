"""The names of a classifier's classes: read from a file, fetched with the weights, searched."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from vidindex.errors import Refused, WeightsError
from vidindex.weights import OfficialFile, cache_folder, fetch_imagenet_weights

# Source of the address and the MD5 sum: keras.applications.imagenet_utils.
CLASS_INDEX: Final = OfficialFile(
    name="imagenet_class_index.json",
    md5="c2c37ea517e94d9795004a39431a14cb",
    folder_url="https://storage.googleapis.com/download.tensorflow.org/data/",
)
MAX_FILE_BYTES: Final = 1 << 24
MAX_NAME_LENGTH: Final = 100

_FORMATS_HINT: Final = (
    "give a text file with one class name a line, or Keras's imagenet_class_index.json: "
    '{"0": ["n01440764", "tench"], …}'
)
_LEAST_STEM: Final = 3  # "bus" is no plural
_CUTOFF: Final = 0.6


def read_class_names(path: Path) -> tuple[str, ...]:
    """Read class names in their order, from JSON as Keras has it or from lines of text.

    Raises:
        Refused: the file is missing, unreadable or neither of the two.
    """
    try:
        if not path.is_file():  # reading a pipe or a device would never end
            raise Refused(f"there is no file of class names {path}", _FORMATS_HINT)
        if path.stat().st_size > MAX_FILE_BYTES:
            raise Refused(f"{path} is too large for a file of class names", _FORMATS_HINT)
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"cannot read the class names {path}: {error}", _FORMATS_HINT) from error
    names = _parse_json(text, path) if text.lstrip().startswith("{") else _parse_lines(text)
    for number, name in enumerate(names):
        if not (name and name.isprintable() and len(name) <= MAX_NAME_LENGTH):
            raise Refused(f"class {number} in {path} has no usable name", _FORMATS_HINT)
    if not names:
        raise Refused(f"{path} holds no class names", _FORMATS_HINT)
    return tuple(names)


def find_published() -> Path | None:
    """Return Keras's own file of ImageNet's class names, if it was fetched before."""
    path = cache_folder() / CLASS_INDEX.name
    return path if path.is_file() else None


def fetch_with_weights() -> Path:
    """Download the published weights and, beside them, the class names; return the weights' path.

    Without the class names the weights are as good; they can be given later.

    Raises:
        WeightsError: the weights cannot be fetched.
    """
    path = fetch_imagenet_weights()
    if find_published() is None:
        with contextlib.suppress(WeightsError):
            fetch_imagenet_weights(CLASS_INDEX)
    return path


def match_classes(words: Iterable[str], class_names: Sequence[str]) -> list[int]:
    """Return the classes whose names hold every word, whatever their case, and plurals too.

    Words are whole ones: "car" is in "sports_car" and not in "carpet".
    """
    wanted = [_forms(word) for phrase in words for word in split_words(phrase)]
    if not wanted:
        return []
    return [
        place
        for place, name in enumerate(class_names)
        if all(any(forms & _forms(word) for word in split_words(name)) for forms in wanted)
    ]


def near_names(words: Iterable[str], class_names: Sequence[str], limit: int = 5) -> list[str]:
    """Return class names that are spelt like the words, or hold a word spelt so."""
    asked = [word for phrase in words for word in split_words(phrase)]
    spelt = {" ".join(split_words(name)): name for name in class_names}
    near = get_close_matches(" ".join(asked), spelt, limit, _CUTOFF)
    vocabulary = {part for name in spelt for part in name.split()}
    for word in asked:
        for close in get_close_matches(word, sorted(vocabulary), limit, _CUTOFF):
            near += [name for name in spelt if close in name.split()]
    return [spelt[name] for name in dict.fromkeys(near)][:limit]


def split_words(text: str) -> list[str]:
    """Split a name into its words, in lower case; underscores and signs separate them."""
    return re.findall(r"[^\W_]+", text.casefold())


def _forms(word: str) -> set[str]:
    """Return a word and what it may be the plural of."""
    forms = {word}
    if word.endswith("s"):
        forms.add(word[:-1])
    if re.search(r"(s|x|z|ch|sh|o)es$", word):
        forms.add(word[:-2])
    if word.endswith("ies"):
        forms.add(word[:-3] + "y")
    if word.endswith("ves"):
        forms |= {word[:-3] + "f", word[:-3] + "fe"}
    return {form for form in forms if form == word or len(form) >= _LEAST_STEM}


def _parse_lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().split("\n")] if text.strip() else []


def _parse_json(text: str, path: Path) -> list[str]:
    try:
        index = json.loads(text)
        names = [index[str(number)][-1] for number in range(len(index))]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise Refused(f"{path} is no index of classes", _FORMATS_HINT) from error
    if not all(isinstance(name, str) for name in names):
        raise Refused(f"{path} is no index of classes", _FORMATS_HINT)
    return [name.strip() for name in names]
