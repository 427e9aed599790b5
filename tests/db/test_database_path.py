"""Which file the value of --db means."""

from pathlib import Path

import pytest

from vidindex.db.engine import database_path
from vidindex.errors import Refused, UsageError


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("videos.db", "{here}/videos.db"),
        ("deep/../videos.db", "{here}/videos.db"),
        ("/data/videos.db", "/data/videos.db"),
        ("~/videos.db", "{home}/videos.db"),
        ("sqlite:///videos.db", "{here}/videos.db"),
        ("sqlite:////data/videos.db", "/data/videos.db"),
        ("sqlite:///~/videos.db", "{home}/videos.db"),
        ("odd?name#1%41.db", "{here}/odd?name#1%41.db"),
    ],
)
def test_the_database_is_named_by_a_file_or_a_url(given, meant, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    assert database_path(given) == Path(meant.format(here=tmp_path, home=tmp_path / "home"))


def test_a_database_named_by_a_link_is_the_one_it_points_to(path, tmp_path):
    (tmp_path / "link.db").symlink_to(path)

    assert database_path(str(tmp_path / "link.db")) == path


@pytest.mark.parametrize(
    "given",
    ["sqlite://", "sqlite:///", "sqlite://host/videos.db", "postgresql://host/videos", "mysql://x"],
)
def test_a_database_that_is_not_supported_is_a_usage_error(given):
    with pytest.raises(UsageError, match="cannot use the database") as refusal:
        database_path(given)

    assert "sqlite:///FILE" in refusal.value.hint


def test_a_database_named_by_links_that_lead_in_a_circle_is_refused(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)

    with pytest.raises(Refused, match="circle"):
        database_path(str(loop))
