"""The benchmark runs, says what it found, and its own arithmetic is right."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.drawing import copy_distinctly
from benchmarks.parts.clustering import purity
from benchmarks.parts.scaling import fitted_exponent
from benchmarks.parts.short import slope
from benchmarks.stocking import fill, write_files
from benchmarks.table import HEADINGS, at_most, draw, share_of_ceiling, times_as_quick
from tests.clips import X264, Style, pictures, write_clip
from vidindex import Library
from vidindex.embedding import Sampling
from vidindex.frames import read_frames
from vidindex.hashing import hash_file

PROJECT = Path(__file__).parents[1]


def run(module: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What a quick run of one part prints, and the one file that it writes."""
    results = tmp_path_factory.mktemp("results")
    done = run("benchmarks", "--quick", "--only", "unchanged", "--results", results)
    (written,) = results.iterdir()
    return done.stdout, written


def test_a_run_prints_one_table_with_a_verdict_in_each_row(quick: tuple[str, Path]) -> None:
    lines = [line for line in quick[0].splitlines() if line.startswith("|")]

    assert [cell.strip() for cell in lines[0].strip("|").split("|")] == list(HEADINGS)
    assert len(lines) == 4
    assert len({len(line) for line in lines}) == 1
    assert all(line.rstrip(" |").endswith((" yes", " NO")) for line in lines[2:])


def test_a_run_writes_all_figures_as_json(quick: tuple[str, Path]) -> None:
    report = json.loads(quick[1].read_text(encoding="utf-8"))

    (times_s,) = [raw["whole_s"] for raw in report["parts"]["unchanged"]["raw"].values()]
    assert all(0 < time_s < 60 for time_s in times_s)
    assert report["machine"]["cores"] >= 1
    assert report["machine"]["packages"]["numpy"]


def test_what_is_written_names_neither_the_machine_nor_a_folder(quick: tuple[str, Path]) -> None:
    text = quick[1].read_text(encoding="utf-8")

    assert socket.gethostname() not in text
    assert str(PROJECT) not in text
    assert "/tmp" not in text


def test_a_part_that_does_not_exist_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--only", "short,shrot"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "shrot is none of short," in done.stderr


@pytest.fixture
def stock(tmp_path: Path) -> tuple[Path, Path]:
    """A library of five files, and their folder."""
    write_files(tmp_path / "videos", 5)
    fill(tmp_path / "library.db", sorted((tmp_path / "videos").rglob("*.mp4")))
    return tmp_path / "library.db", tmp_path / "videos"


def test_a_filled_library_knows_each_file_by_a_vector_of_its_own(stock: tuple[Path, Path]) -> None:
    vectors = Library(stock[0]).vectors()

    assert len(set(vectors.paths)) == len(set(vectors.hashes)) == 5
    assert len({vector.tobytes() for vector in vectors.vectors}) == 5
    assert vectors.hashes[0] == hash_file(vectors.paths[0])[1].hex()
    Library(stock[0]).check()


def observe(library: Path, folder: Path) -> dict[str, object]:
    words = ("index", folder, "--weights", "untrained", "--db", library, "--quiet")
    return dict(json.loads(run("benchmarks.observing", folder, *words).stdout))


def test_a_run_with_nothing_new_is_seen_to_do_nothing(stock: tuple[Path, Path]) -> None:
    assert observe(*stock) == {"loaded": [], "opened": 0}


def test_a_run_that_opens_a_file_is_seen_to_do_so(stock: tuple[Path, Path]) -> None:
    (stock[1] / "0000" / "video_000003.mp4").touch()

    assert observe(*stock) == {"loaded": [], "opened": 1}


def test_a_run_that_loads_the_network_is_seen_to_do_so(stock: tuple[Path, Path], put) -> None:
    put("a", stock[1] / "new.mp4")

    assert "tensorflow" in str(observe(*stock)["loaded"])


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_distinct_copy_shows_the_same_with_another_hash(tmp_path: Path, suffix: str) -> None:
    style = Style(container={"mp4": "mp4", "mkv": "matroska"}[suffix], options=X264)
    source = write_clip(tmp_path / f"clip.{suffix}", pictures(5), style, fps=5)
    copies = [tmp_path / f"copy {number}.{suffix}" for number in range(2)]

    for number, copy in enumerate(copies):
        copy_distinctly(source, copy, number)

    everything = Sampling(interval_s=0.2, skip_blank=False)
    seen = {
        b"".join(frame.tobytes() for frame in read_frames(path, everything).frames)
        for path in (source, *copies)
    }
    assert len(seen) == 1
    assert len({hash_file(path)[1] for path in (source, *copies)}) == 3


def test_purity_is_the_share_of_the_most_frequent_kind_of_each_cluster() -> None:
    assert purity(["a", "a", "b", "b", "b"], [0, 0, 0, 1, 1]) == pytest.approx(0.8)
    assert purity(["a", "b"], [0, 1]) == 1


def test_generated_libraries_can_be_clustered_with_each_step_timed(tmp_path: Path) -> None:
    library = str(tmp_path / "library.db")
    run("benchmarks.generated", "fill", library, "300")

    timed = json.loads(run("benchmarks.generated", "cluster", library, "20").stdout)
    tried = json.loads(run("benchmarks.generated", "range", library, "2", "4").stdout)

    assert [set(steps) for steps in timed["steps"]] == [{"load", "project", "group", "store"}] * 2
    assert all(0 < seconds < 60 for seconds in timed["whole_s"])
    assert tried["k"] in (2, 3, 4)
    assert len(Library(library).runs()) == 5


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_the_exponent_of_growth_is_found(exponent: float) -> None:
    sizes = [10.0, 20.0, 40.0, 80.0]

    assert fitted_exponent(sizes, [3 * size**exponent for size in sizes]) == pytest.approx(exponent)


def test_the_rate_once_running_leaves_out_what_was_decoded_ahead() -> None:
    ahead = [(100.0, number) for number in range(1, 20)]
    running = [(100.0 + number / 5, 19 + number) for number in range(1, 81)]

    assert slope([*ahead, *running]) == pytest.approx(5.0)


def test_a_rate_is_the_same_where_videos_are_stored_in_batches() -> None:
    batches = [(float(second), second * 16 + each) for second in range(20) for each in range(16)]

    assert slope(batches) == pytest.approx(16.0, rel=0.02)


@pytest.mark.parametrize(("own_s", "met"), [(1.0, True), (1.01, False)])
def test_a_demand_is_met_just_when_the_ratio_reaches_it(own_s: float, met: bool) -> None:
    row = times_as_quick("clips", "1", own_s, other_s=10.0, other="recipe", demand=10)

    assert row.met is met


def test_shares_and_limits_are_held_against_their_demand() -> None:
    share = share_of_ceiling("clips", "1", 74.0, ceiling=100.0, unit="frames/s", demand=0.75)
    limit = at_most("nothing changed", "1", 1.5, 1.5, "s")

    assert (share.met, share.ratio, limit.met) == (False, "74%", True)


def test_the_table_is_aligned_and_a_missed_demand_stands_out() -> None:
    missed = times_as_quick("clips", "300 clips", 2.0, other_s=10.0, other="recipe", demand=10)

    drawn = draw([missed]).splitlines()

    assert drawn[2] == "| clips | 300 clips | 2.00 s   | recipe 10.00 s | 5.0x  | >= 10x | NO  |"
    assert len({len(line) for line in drawn}) == 1
