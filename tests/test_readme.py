"""Every command of the README is run, in order, and its output compared."""

import re
import shlex
from contextlib import chdir
from pathlib import Path

import pytest

from vidindex.cli.app import app
from vidindex.frames import read_picture, write_video
from vidindex.samples import render_samples

README = Path(__file__).parents[1] / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(), flags=re.S | re.M)


def steps() -> list[tuple[str, list[str]]]:
    """Return the commands of the console blocks with their expected lines."""
    found: list[tuple[str, list[str]]] = []
    for line in "".join(blocks("console")).splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def pattern(lines: list[str]) -> str:
    """Return a regular expression: times and dates may differ, … stands for anything."""
    text = re.escape("\n".join(lines))
    text = text.replace("…", ".*")
    text = re.sub(r"in\\ [\d.\\]+\\ s", r"in [\\d.]+ s", text)
    text = re.sub(r"[0-9a-f]{64}", "[0-9a-f]{64}", text)  # libx264 may encode otherwise elsewhere
    text = re.sub(r"size(\\ )+[\d.\\]+\\ kB", r"size +[\\d.]+ kB", text)
    text = re.sub(r"(tensorflow|numpy)\\ [\d.\\]+", r"\1 [\\d.]+", text)
    text = re.sub(r"\d{4}\\-\d\d\\-\d\d\\ \d\d:\d\d", r"[\\d-]+ [\\d:]+", text)
    return re.sub(r"0\\\.\d{3,}", r"0[.]\\d+", text)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder that the README calls /home/me, with the sample videos in it."""
    folder = tmp_path / "me"
    render_samples(folder / "videos", write=write_video, read_picture=read_picture)
    monkeypatch.setenv("HOME", str(folder))
    with chdir(folder):
        yield folder


def test_the_readme_tells_the_truth(home, monkeypatch, capsys):
    assert len(steps()) > 10
    for command, expected in steps():
        words = shlex.split(command)
        if words[0] == "export":
            for assignment in words[1:]:
                monkeypatch.setenv(*assignment.split("=", 1))
            continue
        assert words[0] == "vidindex", command
        assert app(words[1:], standalone_mode=False) == 0, command
        shown = capsys.readouterr().out.rstrip("\n").replace(str(home), "/home/me")
        assert re.fullmatch(pattern(expected), shown, flags=re.S), f"{command}\n{shown}"


def test_the_python_example_runs(home, capsys):
    (example,) = blocks("python")

    exec(compile(example, "README.md", "exec"), {})

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "16 new, 0 failed"
    assert len(lines) == 17


def test_the_readme_names_every_command(capsys):
    assert app(["--help"], standalone_mode=False) == 0
    listed = re.findall(r"^│ (\w+) ", capsys.readouterr().out, flags=re.M)
    text = README.read_text()

    assert len(listed) > 10
    assert [
        name for name in listed if f"`{name}" not in text and f"vidindex {name}" not in text
    ] == []


def test_the_two_commands_stand_at_the_top():
    assert [line.split(" ")[:2] for line in blocks("sh")[0].splitlines()] == [
        ["make", "demo"],
        ["make", "test"],
    ]


def test_the_table_of_exit_codes_is_complete():
    from vidindex.errors import ExitCode

    rows = re.findall(r"^\| (\d) \|", README.read_text(), flags=re.M)

    assert [int(row) for row in rows] == sorted(ExitCode)
