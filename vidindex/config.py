"""The settings: defaults < configuration file < environment < flags. An unknown key is an error.

Each setting has one name everywhere: ``interval_s`` in the file, ``VIDINDEX_INTERVAL_S`` in the
environment, ``--interval-s`` as a flag.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args

from vidindex.embedding import MOST_THUMBNAILS, Sampling, SamplingMode
from vidindex.errors import UsageError

PrecisionChoice = Literal["fp32", "bf16", "auto"]
Algorithm = Literal["kmeans", "bisecting", "agglomerative", "hdbscan"]
Normalize = Literal["l2", "none", "standard"]
Symlinks = Literal["skip", "follow"]

_CONTAINERS = (
    "3g2 3gp asf avi divx dv f4v flv gif ivf m1v m2ts m2v m4v mkv mov mp4 mpe mpeg mpg mts mxf "
    "ogm ogv qt rm rmvb ts vob webm wmv"
)
VIDEO_SUFFIXES = tuple(f".{container}" for container in _CONTAINERS.split())
# What is written about one video and named after it: subtitles; what media centres, downloaders
# (.json, .description) and photo programs (.xmp, .aae) tell of it; stills; a camera's previews.
# The stem must agree, so that texts and tables of any other kind stay.
SIDECAR_SUFFIXES = (
    *(".aae", ".ass", ".description", ".idx", ".jpeg", ".jpg", ".json", ".lrf", ".lrv", ".nfo"),
    *(".png", ".smi", ".srt", ".ssa", ".sub", ".sup", ".tbn", ".thm", ".ttml", ".txt", ".vtt"),
    *(".webp", ".xml", ".xmp"),
)
ENVIRONMENT_PREFIX = "VIDINDEX_"
MAX_SEED = 2**32 - 1  # NumPy's
_SUFFIX_LIST = 'must be a list of suffixes with their dot, such as [".mp4", ".mkv"]'
_VALUES_HINT = "vidindex config show lists all settings with their values"


@dataclass(frozen=True)
class Settings:
    """Everything that can be set, with its default; config.example.toml explains each."""

    db: str = ""
    suffixes: tuple[str, ...] = VIDEO_SUFFIXES
    symlinks: Symlinks = "skip"
    sidecars: tuple[str, ...] = SIDECAR_SUFFIXES
    weights: str = "imagenet"
    class_index: str = ""
    interval_s: float = 30.0
    min_frames: int = 1
    sampling: SamplingMode = "exact"
    skip_blank: bool = True
    precision: PrecisionChoice = "fp32"
    batch_size: int = 0
    workers: int = 0
    decode_limit_s: float = 120.0
    decode_memory_mb: int = 2048
    thumbnails: int = MOST_THUMBNAILS
    algorithm: Algorithm = "kmeans"
    seed: int = 42
    normalize: Normalize = "l2"
    n_init: int = 10
    wait: bool = False

    def to_sidecars(self) -> tuple[str, ...]:
        """Return the suffixes of files that go along with a video, and are none themselves."""
        return tuple(suffix for suffix in self.sidecars if suffix not in self.suffixes)

    def to_sampling(self) -> Sampling:
        """Return the part that says which frames are looked at."""
        return Sampling(self.interval_s, self.min_frames, self.sampling, self.skip_blank)


@dataclass(frozen=True)
class Configuration:
    """Settings, and for each where its value came from: "default", a file, a variable, a flag."""

    settings: Settings
    origins: Mapping[str, str]


def load(
    flags: Mapping[str, Any], environment: Mapping[str, str], file: Path | None = None
) -> Configuration:
    """Bring the four sources together.

    flags: setting name -> value; None means not given.
    file: a configuration file that must exist; by default VIDINDEX_CONFIG, or config.toml in the
        user's configuration folder if there is one.

    Raises:
        UsageError: an unknown key, a value of the wrong kind, an unreadable file.
    """
    values: dict[str, Any] = {}
    origins = {field.name: "default" for field in fields(Settings)}
    path = file or configuration_file(environment)
    for name, value in (read_file(path) if path else {}).items():
        values[name] = checked(name, value, f"in {path}")
        origins[name] = str(path)
    for variable, text in environment.items():
        name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
        if variable.startswith(ENVIRONMENT_PREFIX) and name != "config":
            require_known(name, f"the environment variable {variable}", upper=True)
            values[name] = checked(name, parse(name, text, variable), f"in {variable}")
            origins[name] = variable
    for name, value in flags.items():
        if value is not None:
            flag = "--" + name.replace("_", "-")
            values[name] = checked(name, value, f"of {flag}")
            origins[name] = flag
    values["db"] = values.get("db") or str(default_database())
    return Configuration(Settings(**values), origins)


def configuration_file(environment: Mapping[str, str]) -> Path | None:
    """Return the file to read when no flag names one."""
    named = environment.get(ENVIRONMENT_PREFIX + "CONFIG")
    if named:
        return Path(named)
    from platformdirs import user_config_path

    usual = user_config_path("vidindex", appauthor=False) / "config.toml"
    return usual if usual.is_file() else None


def default_database() -> Path:
    """Return where the library lies when nothing names it."""
    from platformdirs import user_data_path

    return user_data_path("vidindex", appauthor=False) / "library.db"


def read_file(path: Path) -> dict[str, Any]:
    """Parse a TOML file and check its keys."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"cannot read the configuration {path}: {error.strerror}",
            "--config or VIDINDEX_CONFIG names another",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"the configuration {path} is not valid TOML: {error}", "see config.example.toml"
        ) from error
    for name in content:
        require_known(name, f"the key {name} in {path}")
    return content


def require_known(name: str, what: str, *, upper: bool = False) -> None:
    """Refuse a name that is no setting, and say which one may be meant."""
    known = [field.name for field in fields(Settings)]
    if name in known:
        return
    close = get_close_matches(name, known, n=1)
    shown = [ENVIRONMENT_PREFIX + near.upper() if upper else near for near in close or known]
    hint = f"did you mean {shown[0]}?" if close else f"the settings are: {', '.join(shown)}"
    raise UsageError(f"{what} is no setting of vidindex", hint)


def parse(name: str, text: str, variable: str) -> Any:
    """Read an environment variable as TOML would; plain words need no quotes."""
    if name in ("suffixes", "sidecars"):
        return text.replace(",", " ").split()
    default = getattr(Settings, name)
    if isinstance(default, str):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"the value {text!r} in {variable} is not understood", _VALUES_HINT
        ) from error


def one_of(choices: Any) -> Callable[[Any], str | None]:
    """Build the rule that a value is one of a Literal's."""
    allowed = get_args(choices)
    return lambda value: None if value in allowed else f"must be one of {', '.join(allowed)}"


def whole(least: int, most: int | None = None) -> Callable[[Any], str | None]:
    """Build the rule that a value is a whole number within bounds, both inclusive."""
    bounds = f">= {least}" if most is None else f">= {least} and <= {most}"

    def complaint(value: Any) -> str | None:
        is_number = type(value) is int and value >= least and (most is None or value <= most)
        return None if is_number else f"must be a whole number {bounds}"

    return complaint


def positive(value: Any) -> str | None:
    """Check for a number of seconds above zero."""
    is_number = type(value) in (int, float) and 0 < value < float("inf")
    return None if is_number else "must be a number of seconds > 0"


def text(value: Any) -> str | None:
    """Check for a text without a NUL."""
    return None if isinstance(value, str) and "\0" not in value else "must be a text"


def flag(value: Any) -> str | None:
    """Check for true or false."""
    return None if isinstance(value, bool) else "must be true or false"


def suffix_list(value: Any) -> str | None:
    """Check for a list of file suffixes that names at least one."""
    return optional_suffix_list(value) if value else _SUFFIX_LIST


def optional_suffix_list(value: Any) -> str | None:
    """Check for a list of file suffixes; none is one, too."""
    is_list = isinstance(value, list | tuple)
    if is_list and all(isinstance(item, str) and item.startswith(".") for item in value):
        return None
    return _SUFFIX_LIST


RULES: Mapping[str, Callable[[Any], str | None]] = {
    "db": text,
    "suffixes": suffix_list,
    "symlinks": one_of(Symlinks),
    "sidecars": optional_suffix_list,
    "weights": text,
    "class_index": text,
    "interval_s": positive,
    "min_frames": whole(1),
    "sampling": one_of(SamplingMode),
    "skip_blank": flag,
    "precision": one_of(PrecisionChoice),
    "batch_size": whole(0),
    "workers": whole(0),
    "decode_limit_s": positive,
    "decode_memory_mb": whole(512),
    "thumbnails": whole(0, MOST_THUMBNAILS),
    "algorithm": one_of(Algorithm),
    "seed": whole(0, MAX_SEED),
    "normalize": one_of(Normalize),
    "n_init": whole(1),
    "wait": flag,
}


def checked(name: str, value: Any, where: str) -> Any:
    """Return a value in its setting's type, or say what is wrong with it."""
    complaint = RULES[name](value)
    if complaint:
        raise UsageError(f"{name} {where} {complaint}, not {value!r}", _VALUES_HINT)
    if name in ("suffixes", "sidecars"):
        return tuple(sorted({suffix.lower() for suffix in value}))
    return float(value) if name == "interval_s" else value


def from_process(flags: Mapping[str, Any], file: Path | None = None) -> Configuration:
    """Load the configuration with this process's environment."""
    return load(flags, os.environ, file)
