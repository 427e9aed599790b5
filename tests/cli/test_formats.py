"""Lists for programs: what each format holds, and that none but paths0 can harm a terminal."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli import asked_library as known
from tests.cli.running import assert_explained, command_line, environment_in, run_here

pytestmark = pytest.mark.usefixtures("asked")

LISTS = ["ls", "labels", "failures", "runs"]
SELECT = "SELECT path_bytes, failure FROM v_videos"


def asked_as(output, *words):
    done = run_here(*words, "--format", output)
    assert done.code == 0, done.err
    return done


def read_csv(done):
    return list(csv.DictReader(io.StringIO(done.out, newline="")))


@pytest.mark.parametrize("command", LISTS)
def test_format_json_is_what_json_prints(command):
    assert asked_as("json", command).answer == run_here(command, "--json").answer


@pytest.mark.parametrize("command", LISTS)
def test_jsonl_holds_the_rows_of_the_json_one_a_line(command):
    data = run_here(command, "--json").data
    lines = asked_as("jsonl", command).out.splitlines()

    assert [json.loads(line) for line in lines] == data["runs" if command == "runs" else "rows"]
    assert lines


@pytest.mark.parametrize("command", LISTS)
def test_csv_holds_the_rows_of_the_json_under_a_header(command):
    data = run_here(command, "--json").data
    rows = read_csv(asked_as("csv", command))

    assert len(rows) == len(data["runs" if command == "runs" else "rows"])
    assert set(rows[0]) == set(data["runs" if command == "runs" else "rows"][0]) - {"path_b64"}


def test_csv_is_as_rfc_4180_has_it():
    done = asked_as(
        "csv", "sql", "SELECT 'a,b' x, 'say \"hi\"' y, NULL z, 1.5 n UNION SELECT 1,2,3,4"
    )

    assert done.stdout == b'"x","y","z","n"\r\n1,2,3,4\r\n"a,b","say ""hi""","",1.5\r\n'


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\uff1d"])
def test_a_text_that_a_spreadsheet_would_run_is_made_inert_and_that_is_said(start):
    done = asked_as("csv", "sql", f"SELECT '{start}1+1' AS text, -5 AS number")

    cell, number = done.out.splitlines()[1].split(",")
    assert cell[:2] in ("\"'", '"\\')
    assert number == "-5"  # a number is one
    assert ("1 cell that a spreadsheet would run" in done.err) == (start[0] not in "\t\r")


def test_a_cluster_named_like_a_formula_is_no_formula_in_csv():
    names = [row["name"] for row in read_csv(asked_as("csv", "labels"))]

    assert names == ["Holidays", "Holidays", f"'{known.FORMULA}"]


def test_quiet_says_nothing_of_formulas():
    assert run_here("labels", "--format", "csv", "--quiet").err == ""


def test_paths0_is_what_xargs_reads(home):
    """The names that are not UTF-8, and hold a newline or an escape sequence, come through."""
    program = "import os, sys; print(*(os.fsencode(word).hex() for word in sys.argv[1:]))"
    xargs = shutil.which("xargs")
    assert xargs is not None

    with subprocess.Popen(
        command_line("ls", "--format", "paths0"), env=environment_in(home), stdout=subprocess.PIPE
    ) as listing:
        words = [xargs, "-0", command_line()[0], "-c", program]
        done = subprocess.run(words, stdin=listing.stdout, capture_output=True, check=True)

    assert [bytes.fromhex(word) for word in done.stdout.decode().split()] == [
        os.fsencode(path) for path in known.THERE
    ]


def test_paths0_of_failures_names_each_file_once():
    paths = asked_as("paths0", "failures").stdout

    assert paths == b"".join(os.fsencode(path) + b"\0" for path in (known.BROKEN, known.LOCKED))


@pytest.mark.parametrize("output", ["table", "json", "jsonl", "csv"])
@pytest.mark.parametrize(
    "words", [["ls"], ["labels"], ["failures"], ["sql", SELECT]], ids=lambda words: words[0]
)
def test_no_format_for_people_or_programs_holds_a_byte_that_a_terminal_obeys(output, words):
    raw = asked_as(output, *words).stdout
    text = raw.decode()

    assert "\\u202e" in text or words[0] in ("labels", "failures")
    for sign in text.replace("\r\n", "\n"):
        assert sign == "\n" or sign.isprintable(), repr(sign)


def test_a_list_without_paths_has_no_paths0():
    assert_explained(
        run_here("runs", "--format", "paths0"), 2, says="no paths", hint="another format"
    )


def test_two_formats_at_once_are_refused():
    done = run_here("ls", "--json", "--format", "csv")

    assert done.code == 2
    assert done.answer["errors"][0]["message"] == "--json and --format csv cannot both hold"


def test_an_error_is_json_where_json_is_the_format():
    done = run_here("ls", "--run", "7", "--format", "json")

    assert done.code == 3
    assert done.answer["errors"][0]["message"] == "there is no run 7"


def test_an_unknown_format_is_explained():
    assert_explained(run_here("ls", "--format", "xml"), 2, says="'xml'", hint="ls --help")


@pytest.mark.parametrize("output", ["csv", "paths0"])
def test_a_disk_that_is_full_is_told(process, output):
    with Path("/dev/full").open("wb") as full:
        done = process("ls", "--format", output, stdout=full)

    assert done.code == 5
    assert "cannot be written" in done.err
