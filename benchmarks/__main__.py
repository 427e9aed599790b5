"""``python -m benchmarks``: measures, prints one table, and writes all figures as JSON."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine
from benchmarks.bench import Bench, Findings
from benchmarks.material import Material
from benchmarks.parts import (
    clustering,
    duplicates,
    first,
    long,
    memory,
    quality,
    queries,
    scaling,
    short,
    unchanged,
)
from benchmarks.table import draw

RESULTS = Path(__file__).parent / "results"
PARTS: dict[str, Callable[[Bench], Findings]] = {
    "short": short.measure,
    "long": long.measure,
    "unchanged": unchanged.measure,
    "first": first.measure,
    "memory": memory.measure,
    "scaling": scaling.measure,
    "quality": quality.measure,
    "clustering": clustering.measure,
    "queries": queries.measure,
    "duplicates": duplicates.measure,
    "million": clustering.measure_million,
}
BY_NAME_ONLY = ("million",)  # takes minutes and 10 GB of disk


def main() -> None:
    """Measure the parts that were asked for."""
    options = _parse()
    described = machine.describe()
    begun = datetime.now(UTC)
    with _work_folder(options.work) as work:
        repeats = options.repeats or (1 if options.quick else 3)
        bench = Bench(
            *(work, Material(work, _tell), options.quick, repeats, _tell),
            labelled=tuple(options.labelled),
        )
        findings = {part: PARTS[part](bench) for part in options.only}
    print(f"{machine.summary(described)}\n")
    print(draw([row for found in findings.values() for row in found.rows]))
    if options.quick:
        print("\nquick: sizes so small prove nothing, whatever the last column says")
    options.results.mkdir(parents=True, exist_ok=True)
    kind = "quick" if options.quick else "full"
    path = options.results / f"{begun:%Y-%m-%dT%H%M%SZ}-{kind}.json"
    report = {
        "begun": begun.isoformat(timespec="seconds"),
        "machine": described,
        "is_quick": options.quick,
        "repeats": repeats,
        "parts": {
            part: {"rows": [vars(row) for row in found.rows], "raw": found.raw}
            for part, found in findings.items()
        },
    }
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    _tell(f"all figures: {path}")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        type=_known_parts,
        default=[part for part in PARTS if part not in BY_NAME_ONLY],
        metavar="PARTS",
        help=f"some of {','.join(PARTS)}",
    )
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, to see that all runs; proves nothing"
    )
    parser.add_argument(
        "--repeats", type=int, help="of each measurement, whose median counts (3; quick: 1)"
    )
    parser.add_argument(
        "--work", type=Path, help="keep the videos that are drawn here, for the next run"
    )
    parser.add_argument(
        "--labelled",
        type=Path,
        nargs="+",
        default=(),
        metavar="FOLDER",
        help="folders of clips that belong together, for the part clustering",
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes")
    return parser.parse_args()


def _known_parts(text: str) -> list[str]:
    parts = text.split(",")
    for part in parts:
        if part not in PARTS:
            raise argparse.ArgumentTypeError(f"{part} is none of {', '.join(PARTS)}")
    return parts


@contextlib.contextmanager
def _work_folder(wanted: Path | None) -> Iterator[Path]:
    """Give the folder that was named, or one that is removed afterwards."""
    if wanted is not None:
        wanted.mkdir(parents=True, exist_ok=True)
        yield wanted.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="vidindex-bench-") as folder:
        yield Path(folder).resolve()


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
