"""--json: one object on stdout, whatever happens, with keys that other programs rely on."""

import json
import sqlite3
from contextlib import closing

import pytest

from vidindex.cli.app import app

COUNTS = {
    "indexed",
    "unchanged",
    "relinked",
    "failed",
    "failed_before",
    "incomplete",
    "missing",
    "pictured",
    "placed",
    "unsorted",
    "frames",
    "recipe",
}


def test_index_tells_what_it_did(vidindex, videos):
    answer = vidindex("index", videos, "--json").answer

    assert answer["command"] == "index"
    assert set(answer["data"]) == COUNTS | {"seconds"}
    assert (answer["data"]["indexed"], answer["data"]["frames"]) == (4, 4)
    assert answer["errors"] == []


def test_an_error_of_one_file_names_it(vidindex, videos):
    (videos / "x.mp4").write_bytes(b"")

    outcome = vidindex("index", videos, "--json")

    assert outcome.code == 4
    assert outcome.answer["errors"] == [
        {
            "code": "undecodable",
            "message": "empty file",
            "hint": "copy or download it again",
            "path": str(videos / "x.mp4"),
        }
    ]


def test_cluster_tells_the_sizes_of_its_clusters(vidindex, videos):
    vidindex("index", videos)

    answer = vidindex("cluster", "-k", "2", "--json").answer

    data = answer["data"]
    assert answer["command"] == "cluster"
    assert (data["run"], data["k"], data["videos"], data["left_out"]) == (1, 2, 4, 0)
    assert data["inertia"] > 0
    assert [set(each) for each in data["clusters"]] == [{"label", "name", "size"}] * 2
    assert sum(each["size"] for each in data["clusters"]) == 4


def test_labels_are_the_rows_of_a_run(vidindex, clustered):
    data = vidindex("labels", "--json").data

    assert data["run"] == 1
    assert [set(row) for row in data["rows"]] == [
        {"path", "label", "name", "distance", "placed_later"}
    ] * 4
    assert {row["path"] for row in data["rows"]} == {
        str(clustered / name) for name in ("a.mp4", "b.mp4", "c.mp4", "deep/d.mp4")
    }
    only = vidindex("labels", "--label", "1", "--json").data
    assert only["rows"] == [row for row in data["rows"] if row["label"] == 1]


def test_apply_and_undo_tell_each_move(vidindex, home, clustered):
    foretold = vidindex("apply", "out", "--dry-run", "--json").data
    applied = vidindex("apply", "out", "--json").data
    undone = vidindex("undo", "--json").data

    assert (foretold["batch"], foretold["moved"], foretold["planned"]) == (None, 0, 4)
    assert {move["state"] for move in foretold["moves"]} == {"planned"}
    assert (applied["batch"], applied["moved"], applied["skipped"], applied["failed"]) == (
        1,
        4,
        0,
        0,
    )
    assert [move | {"state": "planned"} for move in applied["moves"]] == foretold["moves"]
    assert {move["state"] for move in applied["moves"]} == {"done"}
    assert all(move["target"].startswith(f"{home}/out/cluster_") for move in applied["moves"])
    assert (undone["batch"], undone["restored"], undone["failed"]) == (2, 4, 0)


def test_a_skipped_file_counts_as_skipped_and_is_among_the_errors(vidindex, clustered):
    (clustered / "a.mp4").write_bytes(b"edited")

    outcome = vidindex("apply", "out", "--json")

    assert outcome.code == 4
    assert (outcome.data["moved"], outcome.data["skipped"], outcome.data["failed"]) == (3, 1, 0)
    assert [(error["code"], error["path"]) for error in outcome.answer["errors"]] == [
        ("changed", str(clustered / "a.mp4"))
    ]


def test_organize_holds_the_answers_of_its_three_parts(vidindex, videos):
    answer = vidindex("organize", videos, "out", "-k", "2", "--json").answer

    assert answer["command"] == "organize"
    assert answer["data"]["index"]["indexed"] == 4
    assert answer["data"]["cluster"]["videos"] == 4
    assert answer["data"]["apply"]["moved"] == 4


def test_runs_show_and_status_tell_the_rest(vidindex, home, clustered):
    vidindex("apply", "out")

    (run,) = vidindex("runs", "--json").data["runs"]
    shown = vidindex("show", vidindex("labels", "--json").data["rows"][0]["path"], "--json").data
    status = vidindex("status", "--json").data

    assert (run["id"], run["k"], run["seed"], run["normalize"], run["scope"]) == (
        1,
        2,
        42,
        "l2",
        None,
    )
    assert len(shown["hash"]) == 64
    assert shown["labels"][0]["run"] == 1
    assert shown["info"]["codec"] == "h264"
    assert status["library"] == str(home / "library.db")
    assert status["files"] == {"present": 4, "missing": 0, "unreadable": 0}
    assert (status["batch"]["kind"], status["batch"]["moves"]) == ("apply", {"done": 4})


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["db", "current"], {"revision", "head", "path"}),
        (["db", "check"], {"path", "ok"}),
        (["db", "backup", "x.db"], {"path"}),
        (["db", "upgrade"], {"before", "revision"}),
        (["config", "show"], {"settings"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_commands_of_a_group_answer_under_their_whole_name(vidindex, clustered, arguments, keys):
    answer = vidindex(*arguments, "--json").answer

    assert answer["command"] == " ".join(arguments[:2])
    assert set(answer["data"]) == keys


@pytest.mark.parametrize(
    ("arguments", "code", "command", "kind"),
    [
        (["labels"], 3, "labels", "refused"),
        (["index", "nowhere"], 3, "index", "refused"),
        (["index", "in", "--weights", "no.h5"], 3, "index", "weights"),
        (["db", "check"], 3, "db check", "refused"),
        (["cluster", "-k", "0"], 2, "cluster", "usage"),
        (["cluster", "-k", "x"], 2, "cluster", "usage"),
        (["labels", "--nope"], 2, "labels", "usage"),
        (["db", "backup"], 2, "db backup", "usage"),
        (["nope"], 2, "", "usage"),
        (["labels", "--db", "in/text"], 6, "labels", "database"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_error_is_the_one_object_too(vidindex, videos, arguments, code, command, kind):
    (videos / "text").write_text("no database")

    outcome = vidindex(*arguments, "--json")

    assert outcome.code == code
    assert outcome.stderr == b""
    answer = outcome.answer
    assert (answer["command"], answer["data"]) == (command, {})
    (error,) = answer["errors"]
    assert (error["code"], error["path"]) == (kind, None)
    assert error["message"]
    assert error["hint"]


def test_progress_stays_away_from_stdout(vidindex, videos):
    outcome = vidindex("index", videos, "--json")

    assert outcome.err.startswith("indexing: 4 to do")
    assert json.loads(outcome.stdout)


def test_a_bug_is_an_object_with_exit_code_1(vidindex, home, clustered):
    with closing(sqlite3.connect(home / "library.db")) as raw:
        raw.execute("DROP TABLE assignments")  # nothing that vidindex can explain

    outcome = vidindex("labels", "--json")

    assert outcome.code == 1
    (error,) = outcome.answer["errors"]
    assert error["code"] == "bug"
    assert "report it" in error["hint"]


def test_no_command_lacks_json():
    from typer.main import get_command

    def commands(group):
        for command in group.commands.values():
            yield from commands(command) if hasattr(command, "commands") else [command]

    for command in commands(get_command(app)):
        assert "--json" in {flag for option in command.params for flag in option.opts}
