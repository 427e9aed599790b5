from tests.databases import make
from tests.store.conftest import INFO, put_video
from vidindex.store import embeddings, videos
from vidindex.store.embeddings import NewEmbedding
from vidindex.store.videos import KnownContent, StoredVideo

LATER = make.NOON.replace(year=2027)


def test_a_content_is_found_as_it_was_put(session):
    number = videos.put_video(session, b"\x0a" * 32, 123, INFO, now=make.NOON)

    assert videos.find_videos(session, "0a" * 32) == [
        StoredVideo(number, b"\x0a" * 32, 123, INFO, make.NOON)
    ]


def test_a_content_is_put_once(session):
    first = videos.put_video(session, b"\x0a" * 32, 123, INFO, now=make.NOON)
    again = videos.put_video(session, b"\x0a" * 32, 123, INFO, now=LATER)

    assert again == first
    assert [video.added_at for video in videos.find_videos(session, "")] == [make.NOON]


def test_what_a_header_says_joins_later(session):
    videos.put_video(session, b"\x0a" * 32, 123, None, now=make.NOON)
    assert videos.find_videos(session, "0a")[0].info is None

    videos.put_video(session, b"\x0a" * 32, 123, INFO, now=LATER)

    assert videos.find_videos(session, "0a")[0].info == INFO


def test_what_a_header_said_is_not_forgotten(session):
    videos.put_video(session, b"\x0a" * 32, 123, INFO, now=make.NOON)
    videos.put_video(session, b"\x0a" * 32, 123, None, now=LATER)

    assert videos.find_videos(session, "0a")[0].info == INFO


def test_a_length_that_is_not_known_stays_unknown(session):
    info = type(INFO)(None, 640, 480, "vp9")
    videos.put_video(session, b"\x0a" * 32, 123, info, now=make.NOON)

    assert videos.find_videos(session, "0a")[0].info == info


def test_contents_are_found_by_the_start_of_their_hash(session):
    for number in (0x0A, 0xAA, 0xAB, 0xFF):
        put_video(session, number)

    def found(prefix):
        return [video.blake3[0] for video in videos.find_videos(session, prefix)]

    assert found("a") == [0xAA, 0xAB]
    assert found("aaa") == [0xAA]
    assert found("ff" * 32) == [0xFF]
    assert found("0b") == []
    assert found("") == [0x0A, 0xAA, 0xAB, 0xFF]


def test_each_content_tells_what_one_recipe_made_of_it(session, recipe):
    embedded, failed, untried = (put_video(session, number) for number in (1, 2, 3))
    embedding = NewEmbedding(make.VECTORS[0], 1, "fp32", "tensorflow")
    embeddings.put_embedding(session, recipe, embedded, embedding, now=make.NOON)
    embeddings.put_failure(session, recipe, failed, "no picture", now=make.NOON)

    assert videos.list_contents(session, recipe) == {
        b"\x01" * 32: KnownContent(embedded, has_vector=True),
        b"\x02" * 32: KnownContent(failed, failure="no picture"),
        b"\x03" * 32: KnownContent(untried),
    }


def test_a_recipe_that_is_not_known_has_made_nothing(session, recipe):
    embedded = put_video(session, 1)
    embedding = NewEmbedding(make.VECTORS[0], 1, "fp32", "tensorflow")
    embeddings.put_embedding(session, recipe, embedded, embedding, now=make.NOON)

    assert videos.list_contents(session, None) == {b"\x01" * 32: KnownContent(embedded)}
    assert videos.list_contents(session, recipe + 1) == {b"\x01" * 32: KnownContent(embedded)}
