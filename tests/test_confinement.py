"""What a decoder process may not do, and what its parent need not load."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import children
from vidindex.confinement import SLACK_BYTES
from vidindex.decoders import Decoders, DecodingLimits
from vidindex.embedding import Sampling

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def decoders() -> Iterator[Decoders]:
    with Decoders() as decoders:
        yield decoders


def test_a_decoder_may_do_nothing_but_decode(decoders: Decoders, clip_pool: Path) -> None:
    list(decoders(clip_pool / "a.mp4", Sampling()).frames)
    (child,) = children()
    about = Path(f"/proc/{child}")

    told = (about / "limits").read_text().splitlines()
    limits = {line[:25].strip(): line[25:].split()[0] for line in told}
    told = (about / "status").read_text().splitlines()
    status = dict(line.split(":\t", 1) for line in told if ":\t" in line)
    variables = {each.split(b"=")[0] for each in (about / "environ").read_bytes().split(b"\0")}

    assert limits["Max address space"] == str(DecodingLimits().memory_bytes + SLACK_BYTES)
    assert [limits[f"Max {of}"] for of in ("file size", "core file size", "open files")] == [
        *("0", "0", "64")
    ]
    assert status["NoNewPrivs"].strip() == "1"
    assert (about / "oom_score_adj").read_text().strip() == "1000"
    assert os.getsid(child) == child
    assert (about / "cwd").readlink() == Path("/")
    assert [(about / f"fd/{number}").readlink() for number in range(3)] == [Path("/dev/null")] * 3
    assert variables - {b"", b"LD_LIBRARY_PATH", b"PYTHONHOME"} == {
        *(b"LANG", b"OMP_NUM_THREADS", b"OPENBLAS_NUM_THREADS", b"PYTHONPATH")
    }


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="others may not be allowed to give up the network")
def test_a_decoder_has_no_network(decoders: Decoders, clip_pool: Path) -> None:
    list(decoders(clip_pool / "a.mp4", Sampling()).frames)
    (child,) = children()

    theirs = Path(f"/proc/{child}/net/dev").read_text().splitlines()[2:]

    assert [line.split(":")[0].strip() for line in theirs] in ([], ["lo"])
    assert Path(f"/proc/{child}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()


ONLY_DECODERS = """
import sys
from pathlib import Path
from vidindex.decoders import Decoders
from vidindex.embedding import Sampling

with Decoders() as decoders:
    assert len(list(decoders(Path(sys.argv[1]), Sampling()).frames)) == 1
print(*{"av", "cv2"} & set(sys.modules))
"""


def test_the_parent_loads_no_decoder(clip_pool: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ONLY_DECODERS, clip_pool / "a.mp4"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
