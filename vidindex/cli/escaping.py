"""Names made safe for a terminal and for JSON: see `vidindex.escaping`."""

from vidindex.escaping import json_path, printable

__all__ = ["json_path", "printable"]
