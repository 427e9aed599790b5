"""Index a growing video library once, re-cluster it at will, and sort it into folders safely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidindex.config import Settings
    from vidindex.errors import VidindexError
    from vidindex.library import Library

__all__ = ["Library", "Settings", "VidindexError", "__version__"]
__version__ = "0.1.0"

_PLACES = {"Library": "library", "Settings": "config", "VidindexError": "errors"}


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used, so that a start stays quick."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"vidindex.{_PLACES[name]}"), name)
