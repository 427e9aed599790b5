"""What a weights setting means: which file or seed, found without TensorFlow.

Weights are only ever read as numbers. Loading a serialized model can run code that it carries,
and an HDF5 file can point at other files; both are refused before a value is read.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from blake3 import blake3

from vidindex.errors import UsageError, WeightsError

if TYPE_CHECKING:
    import h5py

WeightsKind = Literal["imagenet", "file", "untrained"]

MAX_FILE_BYTES: Final = 1 << 30  # the official file has 96 MB; as float64 it would have 192 MB

# What h5py raises where a file's structure is broken, by what is broken.
BROKEN_HDF5_ERRORS: Final = (KeyError, OSError, OverflowError, RuntimeError, TypeError, ValueError)

_HDF5_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
_ZIP_SIGNATURE: Final = b"PK"
_MAX_SEED: Final = 2**32 - 1  # the range of numpy.random.RandomState
_CHUNK_BYTES: Final = 1 << 20
_TIMEOUT_S: Final = 30

_CHOICES_HINT: Final = (
    "give a .h5 or .weights.h5 file, 'imagenet' (the published weights), "
    "or 'untrained[:SEED]' to try the program without them"
)
_WEIGHTS_ONLY_HINT: Final = (
    "a whole model can run code when it is loaded; "
    "save its weights alone with model.save_weights('NAME.weights.h5')"
)
_LINK_HINT: Final = "vidindex reads no other file on a weights file's word; save the weights anew"


@dataclass(frozen=True)
class OfficialFile:
    """One of the published files of ImageNet weights.

    Source of names and MD5 sums: keras.applications.inception_v3.
    """

    name: str
    md5: str
    folder_url: str = "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/"

    @property
    def url(self) -> str:
        """Where the file is published."""
        return self.folder_url + self.name


WITH_TOP: Final = OfficialFile(
    name="inception_v3_weights_tf_dim_ordering_tf_kernels.h5",
    md5="9a0d58056eeedaa3f26cb7ebd46da564",
)
WITHOUT_TOP: Final = OfficialFile(
    name="inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
    md5="bcbd6486424b2319ff4ef7d526e38f63",
)


@dataclass(frozen=True)
class WeightsSource:
    """Where the weight values come from.

    path: the file, None for "untrained". seed: of "untrained", None for a file. has_classifier:
    whether there is one on top. key: two equal keys always mean equal values: "untrained:<seed>"
    or "blake3:<hex of the file's bytes>".
    """

    kind: WeightsKind
    path: Path | None
    seed: int | None
    key: str
    has_classifier: bool = False


def locate_weights(spec: str, *, fetch: Callable[[], Path] | None = None) -> WeightsSource:
    """Find out what a weights setting means.

    spec: "imagenet", "untrained", "untrained:SEED" (0 to 2**32 - 1; without one it is 0),
        or the path of a weights file.
    fetch: called when spec is "imagenet" and Keras's cache does not hold the file; brings it and
        returns its path. `fetch_imagenet_weights` is made for it.

    Raises:
        UsageError: the seed is no number in its range.
        WeightsError: the file is missing, unreadable, no HDF5 or more than weights; or the
            published file is not in Keras's cache and `fetch` is None.
    """
    if spec == "imagenet":
        return _imagenet_source(fetch)
    if spec == "untrained" or spec.startswith("untrained:"):
        seed = _seed(spec)
        return WeightsSource("untrained", None, seed, f"untrained:{seed}")
    path = Path(spec).expanduser()
    content = read_weights_file(path)
    with opened_weights(content, path) as file:
        return WeightsSource("file", path, None, weights_key(content), _has_classifier(file))


def fetch_imagenet_weights(official: OfficialFile = WITH_TOP) -> Path:
    """Download the published weights into Keras's cache folder, and return the file's path.

    The file gets its name only when it is complete and its MD5 is right.

    Raises:
        WeightsError: no network, a wrong answer, or the folder cannot be written.
    """
    target = cache_folder() / official.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".vidindex-") as folder:
            part = Path(folder) / official.name
            md5 = _download(official.url, part)
            if md5 != official.md5:
                message = f"{official.name} arrived damaged: its MD5 is {md5}"
                raise WeightsError(message, _by_hand_hint(official))
            part.replace(target)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it is the server's answer too, and keeps its connection
        message = f"cannot fetch the ImageNet weights {official.name}: {error}"
        raise WeightsError(message, _by_hand_hint(official)) from error
    return target


def check_weights_file(path: Path) -> None:
    """Check that a file can be read as weights, and as nothing else.

    Whether they are InceptionV3's is seen when they are read.

    Raises:
        WeightsError: it is missing, no regular file, too large, no HDF5, cut short or damaged, a
            serialized model, or points at other files.
    """
    with opened_weights(read_weights_file(path), path):
        pass


def cache_folder() -> Path:
    """Where Keras keeps published weights: in `models` under $KERAS_HOME or ~/.keras."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "models"


def weights_key(content: bytes) -> str:
    """The key of a weights file with these bytes."""
    return f"blake3:{blake3(content, max_threads=blake3.AUTO).hexdigest()}"


def read_weights_file(path: Path) -> bytes:
    """Read a whole weights file.

    Raises:
        WeightsError: it is missing, no regular file, unreadable or larger than 1 GiB.
    """
    try:
        if path.is_dir():
            raise WeightsError(f"{path} is a folder, not a weights file", _WEIGHTS_ONLY_HINT)
        if not path.exists():
            raise WeightsError(f"there is no weights file {path}", _CHOICES_HINT)
        if not path.is_file():  # reading a pipe or a device would never end
            raise WeightsError(f"{path} is not a regular file", _CHOICES_HINT)
        if path.stat().st_size > MAX_FILE_BYTES:
            raise WeightsError(f"{path} is too large for InceptionV3 weights", _CHOICES_HINT)
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"cannot read the weights file {path}: {error}", _CHOICES_HINT
        ) from error


@contextmanager
def opened_weights(content: bytes, path: Path) -> Iterator[h5py.File]:
    """Open a weights file's bytes as HDF5, after checking that it holds weights and no more.

    path: names the file in errors; it is not read, so that what was hashed is what is used.

    Raises:
        WeightsError: as in `check_weights_file`; also for damage met while the block reads.
    """
    import h5py

    if content.startswith(_ZIP_SIGNATURE):
        message = f"{path} is an archive, as a .keras model is, not weights only"
        raise WeightsError(message, _WEIGHTS_ONLY_HINT)
    if not content.startswith(_HDF5_SIGNATURE):
        raise WeightsError(f"{path} is not an HDF5 weights file", _CHOICES_HINT)
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            _check_holds_weights_only(file, path)
            yield file
    except (OSError, OverflowError) as error:
        raise _damaged(path) from error


def _check_holds_weights_only(file: h5py.File, path: Path) -> None:
    import h5py

    try:
        if "model_config" in file.attrs:
            message = f"{path} is a serialized model, not weights only"
            raise WeightsError(message, _WEIGHTS_ONLY_HINT)
        for name, link, member in _members(file):
            if not isinstance(link, h5py.HardLink):
                raise WeightsError(f"{path} holds a link to elsewhere ({name!r})", _LINK_HINT)
            if isinstance(member, h5py.Dataset) and (member.is_virtual or member.external):
                raise WeightsError(f"{path} keeps values in other files ({name!r})", _LINK_HINT)
    except BROKEN_HDF5_ERRORS as error:
        raise _damaged(path) from error


def _members(file: h5py.File) -> Iterator[tuple[str, object, object]]:
    """Yield the name, the link and the member of every group; no link but a hard one is opened."""
    import h5py

    groups, seen = [file["/"]], set()
    while groups:
        group = groups.pop()
        address = h5py.h5o.get_info(group.id).addr
        if address in seen:  # a group may be linked into itself
            continue
        seen.add(address)
        for name in group:
            link = group.get(name, getlink=True)
            member = group[name] if isinstance(link, h5py.HardLink) else None
            yield name, link, member
            if isinstance(member, h5py.Group):
                groups.append(member)


def _damaged(path: Path) -> WeightsError:
    message = f"the weights file {path} is cut short or damaged"
    return WeightsError(message, "fetch or save it anew")


def _imagenet_source(fetch: Callable[[], Path] | None) -> WeightsSource:
    cached = [cache_folder() / official.name for official in (WITH_TOP, WITHOUT_TOP)]
    path = next((path for path in cached if path.is_file()), None)
    if path is None and fetch is not None:
        path = fetch()
    if path is None:
        message = f"the ImageNet weights are not in {cache_folder()}"
        raise WeightsError(message, _by_hand_hint(WITH_TOP))
    key = weights_key(read_weights_file(path))
    return WeightsSource("imagenet", path, None, key, path.name == WITH_TOP.name)


def _has_classifier(file: h5py.File) -> bool:
    from vidindex.classifier import find_classifier

    with suppress(*BROKEN_HDF5_ERRORS):  # what is broken is told when the values are read
        return find_classifier(file) is not None
    return False


def _seed(spec: str) -> int:
    digits = spec.partition(":")[2] if ":" in spec else "0"
    if not (digits.isascii() and digits.isdecimal() and int(digits) <= _MAX_SEED):
        message = f"the seed in {spec!r} is not a whole number from 0 to {_MAX_SEED}"
        raise UsageError(message, "write untrained, or for example untrained:7")
    return int(digits)


def _download(url: str, target: Path) -> str:
    """Write what `url` answers to `target`, and return its MD5."""
    md5 = hashlib.md5(usedforsecurity=False)
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer, target.open("wb") as file:  # noqa: S310
        while chunk := answer.read(_CHUNK_BYTES):
            md5.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())  # the name must never stand for a file that a power cut shortens
    return md5.hexdigest()


def _by_hand_hint(official: OfficialFile) -> str:
    return (
        f"fetch {official.url} (MD5 {official.md5}) and put it into {cache_folder()} "
        "or name it with --weights FILE; --weights untrained tries the program without it"
    )
