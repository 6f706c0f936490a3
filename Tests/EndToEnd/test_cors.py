"""Web pages: none may read an answer unless its origin is on the list, and then with its key."""

import hashlib

import pytest

import program
from embeddings import NAME

PAGE = "https://app.example.com"
KEY = "sk-" + "e5F6" * 10


@pytest.fixture(scope="module")
def web(binary, model, tmp_path_factory):
    keys = tmp_path_factory.mktemp("keys") / "keys"
    keys.write_text(hashlib.sha256(KEY.encode()).hexdigest() + " page\n")
    server = program.Server(
        binary, "--model", model, "--api-key-file", keys, "--cors-origin", PAGE,
        "--cors-origin", "http://localhost:3000")
    yield server.wait_until_ready()
    assert server.stop() == 0


def preflight(client, path, origin=PAGE, method="POST", names="authorization,content-type"):
    return client.options(path, headers={
        "origin": origin, "access-control-request-method": method,
        "access-control-request-headers": names})


def sharing_fields(response):
    return {name for name in response.headers if name.startswith("access-control-")}


@pytest.mark.parametrize("path", ["/v1/embeddings", "/embeddings", "/tokenize", "/v1/models"])
def test_a_page_on_the_list_may_send_its_key(web, path):
    with web.client() as client:
        response = preflight(client, path, names="authorization, X-Stainless-OS,x-api-key")
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["access-control-allow-origin"] == PAGE
        allowed = response.headers["access-control-allow-headers"].split(", ")
        assert {"authorization", "content-type", "x-api-key", "x-stainless-os"} <= set(allowed)
        assert "POST" in response.headers["access-control-allow-methods"] or path == "/v1/models"
        assert "origin" in response.headers["vary"]
        assert "access-control-allow-credentials" not in response.headers


def test_a_page_reads_answers_and_errors(web):
    body = {"model": NAME, "input": "river"}
    with web.client(headers={"origin": PAGE}) as client:
        refused = client.post("/v1/embeddings", json=body)
        client.headers["authorization"] = f"Bearer {KEY}"
        answers = [refused, client.post("/v1/embeddings", json=body), client.get("/nowhere"),
                   client.post("/v1/embeddings", json={}), client.get("/v1/models")]
    assert [answer.status_code for answer in answers] == [401, 200, 404, 400, 200]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "x-request-id" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", [
    "https://evil.example", "null", "*", PAGE.upper(), PAGE + "/", PAGE + ".evil.example",
    "http://app.example.com", "http://localhost", "https://app.example.com:443", ""])
def test_other_pages_get_nothing(web, origin):
    with web.client() as client:
        asked = preflight(client, "/v1/embeddings", origin)
        sent = client.get("/v1/models", headers={
            "origin": origin, "authorization": f"Bearer {KEY}"})
    for response in (asked, sent):
        assert sharing_fields(response) == set()
        # Or a cache would hand one page's answer to another.
        assert "origin" in response.headers["vary"]


def test_names_are_not_echoed_unless_they_are_names(web):
    with web.client() as client:
        response = preflight(client, "/v1/embeddings", names="x-good, *, bad name:, \"x\", ,")
    names = response.headers["access-control-allow-headers"]
    assert "x-good" in names and "*" not in names and '"' not in names and ":" not in names


def test_a_preflight_opens_nothing_else(web):
    with web.client() as client:
        assert client.options("/v1/embeddings").status_code == 401
        assert client.options("/v1/embeddings", headers={"origin": PAGE}).status_code == 401
        assert preflight(client, "/nowhere").status_code == 401


def test_off_by_default(client):
    asked = preflight(client, "/v1/embeddings")
    sent = client.get("/v1/models", headers={"origin": PAGE})
    assert (asked.status_code, sent.status_code) == (204, 200)
    for response in (asked, sent):
        assert sharing_fields(response) == set()
        assert "origin" not in response.headers.get("vary", "")
