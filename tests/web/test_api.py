"""What the page asks and changes; each answer is that of the library."""

import errno
import json
import os
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import read_tree
from tests.generated import add_videos, around, centers, put_copy
from tests.web.conftest import EACH, JPEGS, KINDS
from vidindex import Library
from vidindex.db import schema
from vidindex.db.lock import writer_lock
from vidindex.errors import SystemStopped

HOSTILE = (
    "<img src=x onerror=alert(1)>.mp4",
    '"><svg onload=alert(1)>.mp4',
    "</script><script>alert(1)</script>.mp4".replace("/", "\N{FRACTION SLASH}"),
    "javascript:alert(1).mp4",
    "{{7*7}}.mp4",
    os.fsdecode(b"caf\xe9.mp4"),
    "up\u202edown\x1b[31m.mp4",
    "line\nbreak\u2028.mp4",
)


def finished(visitor, job):
    """Wait for a job, and return what became of it."""
    for _ in range(600):
        found = visitor.json(f"/api/jobs/{job}")
        if found["state"] != "running":
            return found
        time.sleep(0.05)
    pytest.fail("the job does not end")


def posted(visitor, path, sent=None):
    answer = visitor.post(path, sent)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_library_is_told_at_a_glance(visitor, pool):
    found = visitor.json("/api/library")

    assert (found["name"], found["videos"], found["in_use"]) == ("library.db", 12, 1)
    assert (found["missing"], found["failures"], found["unplaced"]) == (0, 0, 0)
    assert (found["busy"], found["undo"], found["destination"]) == (None, None, "")
    assert [run["k"] for run in found["runs"]] == [3]
    assert found["k_most"] == 11


def test_a_run_is_told_with_its_clusters_and_their_most_and_least_typical_videos(visitor, pool):
    found = visitor.json("/api/runs/1")

    assert found["run"]["in_use"] is True
    assert [cluster["size"] for cluster in found["clusters"]] == [EACH] * len(KINDS)
    for cluster in found["clusters"]:
        videos = cluster["videos"]
        assert [video["distance"] for video in videos] == sorted(
            video["distance"] for video in videos
        )
        assert len({video["name"][:4] for video in videos}) == 1
        assert cluster["least"] == []  # the few that there are have all been shown
    assert found["unsorted"] == {"size": 0, "videos": []}
    video = found["clusters"][0]["videos"][0]
    assert Path(video["path"]).name == video["name"]
    assert (video["pinned"], video["placed_later"]) == (False, False)
    counts = [video["thumbnails"] for each in found["clusters"] for video in each["videos"]]
    assert sorted(counts) == [0] + [len(JPEGS)] * 11


def test_a_cluster_is_told_page_by_page(visitor):
    whole = visitor.json("/api/runs/1/clusters/0")["videos"]

    pages = [visitor.json(f"/api/runs/1/clusters/0?offset={at}&limit=3") for at in (0, 3, 6)]

    assert [page["total"] for page in pages] == [EACH] * 3
    assert [video for page in pages for video in page["videos"]] == whole
    assert visitor.json("/api/runs/1/clusters/unsorted") == {"videos": [], "total": 0}


@pytest.mark.parametrize("query", ["offset=-1", "limit=x", "offset=1e3", "limit=", "offset=%00"])
def test_a_page_that_is_no_number_is_refused(visitor, query):
    assert visitor.get(f"/api/runs/1/clusters/0?{query}").status_code == 400


def test_a_video_is_told_in_detail(visitor, pool):
    found = visitor.json("/api/videos/1")

    shown = pool.show(found["hash"])
    assert found["files"] == [{"file": 1, "path": str(shown.files[0].stat.path), "missing": False}]
    assert [label["run"] for label in found["labels"]] == [1]
    assert found["pinned_to"] is None


def test_a_cluster_is_named_and_its_name_taken_away(own, visit):
    visitor = visit(own)
    path = "/api/runs/1/clusters/1/name"

    assert posted(visitor, path, {"name": "Sand"})["name"] == "Sand"
    assert own.clusters().clusters[1].name == "Sand"
    assert posted(visitor, path, {"name": None})["name"] is None
    assert own.clusters().clusters[1].name is None

    answer = visitor.post(path, {"name": "x" * 200})
    assert answer.status_code == 400
    assert answer.json()["error"]["hint"]
    assert visitor.post(path, {"name": 5}).status_code == 400
    assert visitor.post("/api/runs/1/clusters/9/name", {"name": "A"}).status_code == 409


def test_the_number_of_clusters_is_chosen_and_an_equal_run_is_used_again(own, visit):
    visitor = visit(own)

    first = posted(visitor, "/api/cluster", {"k": 2})["run"]
    again = posted(visitor, "/api/cluster", {"k": 3})["run"]
    third = posted(visitor, "/api/cluster", {"k": 2})["run"]

    assert (first, again, third) == (2, 1, 2)
    assert visitor.json("/api/library")["in_use"] == 2
    assert posted(visitor, "/api/runs/1/use")["run"] == 1
    refused = visitor.post("/api/cluster", {"k": 99})
    assert refused.status_code == 409
    assert "cannot make 99 clusters" in refused.json()["error"]["message"]
    for nonsense in (0, -1, "2", 2.5, True, None):
        assert visitor.post("/api/cluster", {"k": nonsense}).status_code == 400


def test_a_video_is_pinned_and_unpinned(own, visit):
    visitor = visit(own)
    video = visitor.json("/api/runs/1")["clusters"][0]["videos"][0]["id"]

    pinned = posted(visitor, f"/api/videos/{video}/pin", {"label": 1, "run": 1})

    assert pinned == {"run": 1, "label": 1, "state": "moved"}
    moved = visitor.json("/api/runs/1/clusters/1")["videos"]
    assert [each["pinned"] for each in moved if each["id"] == video] == [True]
    posted(visitor, f"/api/videos/{video}/unpin")
    assert own.wishes().pins == ()
    assert visitor.post(f"/api/videos/{video}/unpin").status_code == 409
    assert visitor.post("/api/videos/99/pin", {"label": 1}).status_code == 409


def test_a_pin_in_a_run_that_is_not_in_use_is_refused(own, visit):
    visitor = visit(own)
    posted(visitor, "/api/cluster", {"k": 2})

    answer = visitor.post("/api/videos/1/pin", {"label": 1, "run": 1})

    assert answer.status_code == 409
    assert answer.json()["error"]["message"] == "run 1 is not the one in use"
    assert own.wishes().pins == ()


def test_duplicates_are_told_and_marked_distinct(own, visit):
    one = visit(own).json("/api/runs/1")["clusters"][0]["videos"][0]
    put_copy(own.path, Path(one["path"]), Path(one["path"]).with_name("copy.mp4"))
    visitor = visit(own)

    (group,) = visitor.json("/api/duplicates")["groups"]

    assert group["kind"] == "exact"
    assert {video["name"] for video in group["videos"]} == {one["name"], "copy.mp4"}
    assert {video["id"] for video in group["videos"]} == {one["id"]}
    assert [video["best"] for video in group["videos"]] == [True, False]
    posted(visitor, "/api/distinct", {"one": 1, "other": 2})
    assert len(own.wishes().distinct) == 1
    posted(visitor, "/api/distinct/undo", {"one": 1, "other": 2})
    assert own.wishes().distinct == ()
    assert visitor.post("/api/distinct/undo", {"one": 1, "other": 2}).status_code == 409


def test_two_runs_are_compared(own, visit):
    visitor = visit(own)
    assert visitor.get("/api/diff").status_code == 404
    posted(visitor, "/api/cluster", {"k": 2})

    found = visitor.json("/api/diff?before=1&after=2")

    assert (found["before"], found["after"]) == (1, 2)
    assert found["stay"] + found["move"] == 12
    assert len(found["moved"]) == found["move"] == 4
    for moved in found["moved"]:
        assert moved["from"] != moved["to"] == moved["video"]["label"]
    assert any(change.startswith("merged: ") for change in found["changes"])


def test_the_map_is_told_and_kept(own, visit):
    visitor = visit(own)

    points = visitor.json("/api/map")["points"]

    assert len(points) == 12
    assert all(0 <= point["x"] <= 1 and 0 <= point["y"] <= 1 for point in points)
    assert {point["label"] for point in points} == {0, 1, 2}
    assert visitor.json("/api/map?run=1")["points"] == points


def test_a_library_without_a_run_says_what_to_do(tmp_path, visit):
    library = Library(tmp_path / "library.db")
    schema.create(library.path)
    visitor = visit(library)

    found = visitor.json("/api/library")

    assert (found["runs"], found["in_use"], found["videos"]) == ([], None, 0)
    assert visitor.get("/api/map").json()["error"]["hint"]
    refused = visitor.post("/api/cluster", {"k": 2})
    assert (refused.status_code, bool(refused.json()["error"]["hint"])) == (409, True)


def test_files_are_planned_moved_and_put_back(own, visit):
    visitor, folder = visit(own), own.path.parent
    before = read_tree(folder / "in")

    plan = posted(visitor, "/api/plan", {"destination": str(folder / "out")})

    assert plan["counts"] == {"move": 12, "in_place": 0, "same": 0, "problems": 0}
    assert (plan["root"], plan["tree"]["count"]) == (str(folder / "out"), 12)
    assert [each["name"] for each in plan["tree"]["folders"]] == [f"cluster_{n}" for n in range(3)]
    assert [len(each["files"]) for each in plan["tree"]["folders"]] == [EACH] * 3
    assert plan["tree"]["bytes"] == sum(len(content) for content in before.values() if content)
    assert read_tree(folder / "in") == before

    done = finished(visitor, posted(visitor, "/api/apply", {"plan": plan["plan"]})["job"])

    assert (done["state"], done["done"], done["total"]) == ("done", 12, 12)
    assert done["result"]["moved"] == 12
    assert len(list((folder / "out").rglob("*.mp4"))) == 12
    found = visitor.json("/api/library")
    assert found["undo"] == {"batch": done["result"]["batch"], "moves": 12}
    assert found["destination"] == str(folder / "out")

    back = finished(visitor, posted(visitor, "/api/undo", {"batch": None})["job"])

    assert (back["state"], back["result"]["restored"]) == ("done", 12)
    assert read_tree(folder / "in") == before
    assert visitor.json("/api/library")["undo"] is None


def test_a_plan_that_has_become_another_is_not_carried_out(own, visit):
    visitor, folder = visit(own), own.path.parent
    plan = posted(visitor, "/api/plan", {"destination": str(folder / "out")})
    own.pin(own.labels(label=0).rows[0].stat.path, 1)
    before = read_tree(folder / "in")

    done = finished(visitor, posted(visitor, "/api/apply", {"plan": plan["plan"]})["job"])

    assert done["state"] == "failed"
    assert "have changed since the plan was shown" in done["error"]["message"]
    assert read_tree(folder / "in") == before
    assert visitor.post("/api/apply", {"plan": 99}).status_code == 409


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"destination": ""},
        {"destination": 5},
        {"destination": "out"},
        {"destination": "/out\0"},
        {"destination": "/out", "mode": "burn"},
        {"destination": "/out", "tree_depth": 99},
        {"destination": "/out", "template": "{nothing}"},
        {"destination": "/out", "run": "1"},
        [],
        "text",
    ],
    ids=str,
)
def test_a_plan_that_makes_no_sense_is_refused(visitor, sent):
    answer = visitor.client.post(
        "/api/plan",
        content=json.dumps(sent),
        headers={
            "origin": visitor.base,
            "x-vidindex-token": visitor.token,
            "content-type": "application/json",
        },
    )

    assert answer.status_code in (400, 409), answer.text
    assert answer.json()["error"]["message"]


def test_a_job_is_stopped_and_gone_on_with_and_nothing_else_is_changed_meanwhile(
    own, visit, monkeypatch
):
    visitor, folder = visit(own), own.path.parent
    from vidindex.transferring import Transfer

    move = Transfer.move
    monkeypatch.setattr(Transfer, "move", lambda *given: (time.sleep(0.3), move(*given))[1])
    plan = posted(visitor, "/api/plan", {"destination": str(folder / "out")})

    job = posted(visitor, "/api/apply", {"plan": plan["plan"]})["job"]

    assert visitor.json("/api/library")["busy"] == job
    for path, sent in (("/api/undo", {}), ("/api/cluster", {"k": 2}), ("/api/runs/1/use", {})):
        answer = visitor.post(path, sent)
        assert answer.status_code == 409
        assert "the apply that is running" in answer.json()["error"]["message"]
    while visitor.json(f"/api/jobs/{job}")["done"] == 0:
        time.sleep(0.05)
    posted(visitor, f"/api/jobs/{job}/stop")
    stopped = finished(visitor, job)
    assert stopped["result"]["stopped"] is True
    assert 0 < stopped["result"]["moved"] < 12
    plan = posted(visitor, "/api/plan", {"destination": str(folder / "out")})
    rest = finished(visitor, posted(visitor, "/api/apply", {"plan": plan["plan"]})["job"])
    assert rest["state"] == "done"
    assert len(list((folder / "out").rglob("*.mp4"))) == 12


def test_what_another_vidindex_is_changing_is_only_read(own, visit):
    visitor = visit(own)

    with writer_lock(own.path):
        answer = visitor.post("/api/runs/1/clusters/0/name", {"name": "Sand"})
        job = finished(visitor, posted(visitor, "/api/undo")["job"])
        assert visitor.json("/api/library")["videos"] == 12
        assert visitor.json("/api/runs/1")["clusters"]

    assert answer.status_code == 409
    assert "another vidindex" in answer.json()["error"]["message"]
    assert "another vidindex" in job["error"]["message"]
    assert posted(visitor, "/api/runs/1/clusters/0/name", {"name": "Sand"})["name"] == "Sand"


def test_hostile_names_are_printable_text_in_json(tmp_path, visit):
    library = Library(tmp_path / "library.db")
    vectors = around(centers(1)[0], len(HOSTILE))
    add_videos(
        library.path, dict(zip(HOSTILE, vectors, strict=True)), tmp_path / "<b>", writes=True
    )
    library.cluster(1)
    library.name(0, "<b>bold</b>")
    visitor = visit(library)
    plan = posted(visitor, "/api/plan", {"destination": str(tmp_path / "<i>out")})

    texts = [json.dumps(plan, ensure_ascii=False)]
    for path in ("/api/library", "/api/runs/1", "/api/videos/1", "/api/map", "/api/failures"):
        answer = visitor.get(path)
        assert answer.headers["content-type"] == "application/json"
        texts.append(json.dumps(answer.json(), ensure_ascii=False))

    names = {video["name"] for video in visitor.json("/api/runs/1")["clusters"][0]["videos"]}
    assert {"caf\\xe9.mp4", "up\\u202edown\\x1b[31m.mp4", "{{7*7}}.mp4"} < names
    for text in texts:
        assert all(each.isprintable() for each in text), text
    assert "49" not in visitor.get("/").text.partition("<body>")[0].replace(visitor.token, "")


def test_an_error_of_the_system_and_a_bug_are_told_and_end_nothing(own, monkeypatch):
    from tests.web.conftest import Visitor
    from vidindex.web.server import Address, serving

    told = []

    def fail(error):
        def failing(*_):
            raise error

        monkeypatch.setattr("vidindex.overviews.get_overview", failing)

    with serving(own, Address(), told.append) as (link, _):
        visitor = Visitor(link, told)
        with closing(visitor.client):
            fail(OSError(errno.EIO, "Input/output error"))
            broken = visitor.get("/api/library")
            fail(SystemStopped("the disk is full", "make room"))
            full = visitor.get("/api/library")
            assert told == []
            fail(ZeroDivisionError())
            bug = visitor.get("/api/library")
            monkeypatch.undo()
            assert visitor.get("/api/library").status_code == 200

    assert (broken.status_code, full.status_code, bug.status_code) == (500, 503, 500)
    assert full.json() == {"error": {"message": "the disk is full", "hint": "make room"}}
    assert "bug in vidindex: ZeroDivisionError" in bug.json()["error"]["message"]
    assert "default-src 'none'" in bug.headers["content-security-policy"]
    assert told[-1] == "ZeroDivisionError"
