from sqlalchemy import func, select

from tests.databases import make
from vidindex.db.base import Base
from vidindex.db.models import File, Video
from vidindex.store import files, pruning
from vidindex.store.pruning import StoredResults


def count_rows(session):
    return {
        name: session.scalar(select(func.count()).select_from(table))
        for name, table in Base.metadata.tables.items()
    }


def test_what_is_stored_of_each_content_is_counted(filled):
    results = pruning.count_results(filled)

    vectors, failure = StoredResults(vectors=1, failures=0), StoredResults(vectors=0, failures=1)
    assert list(results.values()) == [vectors, vectors, vectors, failure]


def test_a_dropped_file_leaves_its_content(filled):
    before = count_rows(filled)

    pruning.drop_files(filled, [files.find_file(filled, make.BROKEN).id])

    assert count_rows(filled) == before | {"files": before["files"] - 1}
    assert files.find_file(filled, make.BROKEN) is None


def test_a_dropped_content_takes_along_all_that_is_stored_of_it_and_nothing_else(filled):
    before = count_rows(filled)

    pruning.drop_files(filled, filled.scalars(select(File.id)).all())
    pruning.drop_videos(filled, filled.scalars(select(Video.id)).all())

    gone = (
        *("files", "videos", "embeddings", "embedding_failures", "assignments"),
        *("pins", "separations", "distinctions", "thumbnails", "map_points"),
    )
    assert all(before[name] for name in gone)
    assert count_rows(filled) == before | dict.fromkeys(gone, 0)


def test_dropping_nothing_changes_nothing(filled):
    before = count_rows(filled)

    pruning.drop_files(filled, [])
    pruning.drop_videos(filled, [])

    assert count_rows(filled) == before
