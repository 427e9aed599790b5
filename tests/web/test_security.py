"""Nobody but the browser that was given the link gets an answer, and no page but ours a change."""

import http.client
import json
import re

import pytest

from vidindex.errors import UsageError
from vidindex.web.server import Address

PATHS = ("/", "/api/library", "/static/app.js", "/thumbnails/1/0", "/media/1", "/nothing")


def head(visitor, *headers, path="/api/library", method="GET"):
    return [f"{method} {path} HTTP/1.1", *headers, "Connection: close"]


@pytest.mark.parametrize(
    "host", ["evil.com", "evil.com:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.com:{port}"]
)
@pytest.mark.parametrize("path", ["/", "/api/library", "/media/1"])
def test_another_host_than_ours_is_misdirected(visitor, host, path):
    wrong = f"Host: {host.format(port=visitor.port)}"

    status, answer = visitor.raw(head(visitor, wrong, f"Cookie: {visitor.cookie}", path=path))

    assert status == 421
    assert "library.db" not in answer


def test_a_request_without_a_host_is_refused(visitor):
    cookie = f"Cookie: {visitor.cookie}"

    assert visitor.raw(head(visitor, cookie))[0] == 400
    assert visitor.raw(["GET /api/library HTTP/1.0", cookie])[0] == 421


def test_two_hosts_are_refused(visitor):
    ours = f"Host: 127.0.0.1:{visitor.port}"

    status, _ = visitor.raw(head(visitor, ours, "Host: evil.com", f"Cookie: {visitor.cookie}"))

    assert status in (400, 421)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_each_name_of_this_machine_is_answered(visitor, name):
    ours = f"Host: {name}:{visitor.port}"

    assert visitor.raw(head(visitor, ours, f"Cookie: {visitor.cookie}"))[0] == 200


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_answered_without_the_cookie(visitor, path):
    ours = f"Host: 127.0.0.1:{visitor.port}"
    stale = f"Cookie: vidindex-{visitor.port}={'A' * 43}"

    for given in ([], [stale], ["Cookie: ;;;=\x7f"]):
        status, answer = visitor.raw(head(visitor, ours, *given, path=path))
        assert status == 403
        assert visitor.token not in answer
        assert "open the link that vidindex serve printed" in answer


@pytest.mark.parametrize("query", ["?token=", "?token=wrong", "?tok=1", "?token=a&token=b", "?%00"])
def test_a_wrong_link_lets_nobody_in(visitor, query):
    answer = http_get(visitor, f"/{query}")

    assert answer.status == 403
    assert answer.headers["set-cookie"] is None


def http_get(visitor, path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", visitor.port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.body = answer.read()
    connection.close()
    return answer


def test_the_link_sets_a_strict_cookie_and_leaves_the_address_without_its_token(visitor):
    answer = http_get(visitor, visitor.link.removeprefix(visitor.base))

    assert (answer.status, answer.headers["location"]) == (303, "/")
    name, _, rest = answer.headers["set-cookie"].partition("=")
    assert name == f"vidindex-{visitor.port}"
    assert rest.split("; ")[1:] == ["HttpOnly", "SameSite=Strict", "Path=/"]


def test_a_link_that_another_page_shows_leads_in_by_a_page_of_ours(visitor):
    link = visitor.link.removeprefix(visitor.base)

    answer = http_get(visitor, link, **{"sec-fetch-site": "cross-site"})

    assert answer.status == 200
    assert answer.headers["set-cookie"].startswith(f"vidindex-{visitor.port}=")
    assert answer.body == b'<!doctype html><meta http-equiv="refresh" content="0;url=/">'


def test_link_cookie_and_page_have_secrets_of_their_own_of_32_bytes(visitor):
    secrets = [visitor.link.partition("token=")[2], visitor.cookie.partition("=")[2], visitor.token]

    assert len(set(secrets)) == 3
    assert [len(secret) for secret in secrets] == [43, 43, 43]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.com"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": "https://127.0.0.1:{port}"}, 403),
        ({"origin": "http://localhost:{port}"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"x-vidindex-token": ""}, 403),
        ({"x-vidindex-token": "\xe9"}, 403),
        ({"x-vidindex-token": "{link}"}, 403),
        ({"content-type": "text/plain"}, 400),
        ({"content-type": "application/x-www-form-urlencoded"}, 400),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/api/runs/1/clusters/0/name", "/api/undo", "/api/nothing"])
def test_a_change_that_our_page_did_not_ask_for_is_refused(visitor, headers, status, path):
    link = visitor.link.partition("token=")[2]
    given = {
        name: value.format(port=visitor.port, link=link).encode("latin-1")
        for name, value in headers.items()
    }

    assert visitor.post(path, {"name": "Evil"}, **given).status_code == status
    assert "Evil" not in visitor.get("/api/runs/1").text


def test_a_change_without_origin_or_token_is_refused(visitor):
    path, body = "/api/runs/1/clusters/0/name", b'{"name": "Evil"}'
    usual = [f"Content-Length: {len(body)}", "Content-Type: application/json"]
    origin, token = f"Origin: {visitor.base}", f"X-Vidindex-Token: {visitor.token}"

    for given in ([origin], [token]):
        assert visitor.ask(path, *usual, *given, method="POST") == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_can_embed_nothing_of_ours(visitor, site):
    for path in ("/media/1", "/thumbnails/1/0", "/api/library", "/static/app.js"):
        assert visitor.get(path, **{"sec-fetch-site": site}).status_code == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT", "X"])
def test_other_methods_are_refused(visitor, method):
    assert visitor.ask("/api/library", method=method) == 405


def test_a_change_by_get_is_refused(visitor):
    assert visitor.get("/api/undo").status_code in (404, 405)


@pytest.mark.parametrize("path", [*PATHS, "/api/runs/99"])
def test_every_answer_is_hardened(visitor, path):
    headers = visitor.get(path).headers

    policy = headers["content-security-policy"]
    assert policy == (
        "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'self'; "
        "script-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers
    assert headers["cache-control"] in ("no-store", "private, max-age=60")


def test_a_refusal_is_hardened_too(visitor):
    answer = http_get(visitor, "/api/library", Host="evil.com")

    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert json.loads(answer.body)["error"]["message"]


def test_the_page_has_no_script_or_style_of_its_own(visitor):
    page = visitor.get("/").text

    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\son\w+=|style=", page) == []


@pytest.mark.parametrize(
    "address",
    [
        Address(host="0.0.0.0"),
        Address(host="192.168.1.5"),
        Address(host="::"),
        Address(host=""),
        Address(host="0.0.0.0", token="short"),
        Address(token="1234567890123456789"),
        Address(token="x" * 30 + "&a=b"),
    ],
    ids=str,
)
def test_an_address_that_others_reach_demands_a_long_token(address):
    with pytest.raises(UsageError, match="--token"):
        address.check()


def test_with_a_token_of_the_users_own_others_may_come_by_that_address(pool, visit):
    token = "a1" * 20

    visitor = visit(pool, Address("127.0.0.2", 0, token))

    assert visitor.link == f"http://127.0.0.2:{visitor.port}/?token={token}"
    assert visitor.get("/api/library").status_code == 200
    evil = visitor.client.get("/api/library", headers={"host": f"evil.com:{visitor.port}"})
    assert evil.status_code == 421
