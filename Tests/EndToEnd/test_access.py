"""API keys: who is let in, what a quota does, and how keys come and go."""

import hashlib
import json
import os
import signal
import time

import openai
import pytest

import program
from contract_document import check_response
from embeddings import NAME, embed
from test_metrics import scrape

KEY = "sk-" + "a1B2" * 10
OTHER = "sk-" + "c3D4" * 10
GUARDED = [("POST", "/v1/embeddings"), ("POST", "/embeddings"), ("POST", "/tokenize"),
           ("GET", "/v1/models"), ("GET", "/metrics"), ("HEAD", "/v1/models"),
           ("HEAD", "/metrics"), ("OPTIONS", "/v1/embeddings"), ("DELETE", "/v1/models"),
           ("PUT", "/v1/embeddings"), ("GET", "/"), ("GET", "/nowhere"), ("GET", "/v1/models/a"),
           ("GET", "//v1/models"), ("GET", "/health/"), ("GET", "/V1/models"),
           ("POST", "/%76%31/embeddings"), ("GET", "/health/../v1/models")]


def line(key, rest=""):
    return f"{hashlib.sha256(key.encode()).hexdigest()} {rest}\n"


def bearer(key):
    return {"authorization": f"Bearer {key}"}


def replace(path, text):
    """Writes a file as editors and Kubernetes do: a new one in the old one's place."""
    new = path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, path)


def wait_for_status(client, status, **options):
    """Asks until the status is the one; a change of the key file takes up to a second."""
    end = time.monotonic() + program.PATIENCE
    while (response := client.get("/v1/models", **options)).status_code != status:
        assert time.monotonic() < end, response.text
        time.sleep(0.05)
    return response


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "keys"
    path.write_text("# clients\n" + line(KEY, "alice # her laptop") + line(OTHER, "bob"))
    return path


@pytest.fixture
def guarded(start, keys):
    return start("--api-key-file", keys).wait_until_ready()


@pytest.mark.parametrize("method, path", GUARDED)
@pytest.mark.parametrize("fields", [
    {}, bearer("sk-wrong"), bearer(KEY[:-1]), bearer(KEY + "x"), {"authorization": "Bearer "},
    {"authorization": KEY}, {"authorization": "Basic " + KEY}, {"x-api-key": "sk-wrong"},
    bearer(hashlib.sha256(KEY.encode()).hexdigest()),
], ids=lambda fields: "-".join(fields) or "none")
def test_nothing_but_health_is_open(shared_guarded, method, path, fields):
    raw = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    status, headers, body = program.parse_response(shared_guarded.exchange(
        f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{raw}\r\n".encode()))
    assert status == 401
    challenge = 'Bearer realm="quiver"' + (', error="invalid_token"' if fields else "")
    assert headers["www-authenticate"] == challenge
    if method != "HEAD":
        error = json.loads(body)["error"]
        assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_api_key")
        check_response("/v1/embeddings", "POST", 401, headers, body)


@pytest.fixture(scope="module")
def shared_guarded(binary, model, tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "keys"
    path.write_text(line(KEY, "alice") + line(OTHER, "bob"))
    server = program.Server(binary, "--model", model, "--api-key-file", path)
    yield server.wait_until_ready()
    assert server.stop() == 0


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_health_is_open(shared_guarded, path):
    with shared_guarded.client() as client:
        assert client.get(path).status_code == 200
        assert client.head(path).status_code == 200
        assert client.options(path).status_code == 204


@pytest.mark.parametrize("fields", [
    bearer(KEY), bearer(OTHER), {"authorization": f"bearer  {KEY}"}, {"x-api-key": KEY},
    {"authorization": "Basic eDp5", "x-api-key": KEY}])
def test_a_key_opens_every_route(shared_guarded, fields):
    with shared_guarded.client(headers=fields) as client:
        assert embed(client, "river")
        assert client.post("/tokenize", json={"inputs": "river"}).status_code == 200
        assert client.get("/v1/models").status_code == 200
        assert client.get("/metrics").status_code == 200
        assert client.options("/v1/models").status_code == 204
        assert client.get("/nowhere").status_code == 404
        assert "'/nowhere'" in client.get("/nowhere").json()["error"]["message"]


def test_the_refusal_does_not_wait_for_the_content(shared_guarded):
    """Neither content that was announced and never comes, nor a 100 (Continue)."""
    for more in (b"", b"Expect: 100-continue\r\n"):
        raw = shared_guarded.exchange(
            b"POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            + more + b"Content-Length: 1000000\r\n\r\n", end_of_input=True)
        assert raw.startswith(b"HTTP/1.1 401 ")


def test_the_official_client_raises_its_own_error(shared_guarded):
    url = shared_guarded.url + "/v1"
    good = openai.OpenAI(api_key=KEY, base_url=url)
    assert good.embeddings.create(model=NAME, input="river").data
    with pytest.raises(openai.AuthenticationError) as raised:
        openai.OpenAI(api_key="sk-wrong", base_url=url).embeddings.create(model=NAME, input="a")
    assert raised.value.code == "invalid_api_key"


def test_metrics_by_choice(start, keys):
    opened = start("--api-key-file", keys, "--metrics-access", "open")
    with opened.client() as client:
        assert client.get("/metrics").status_code == 200
        assert client.get("/v1/models").status_code == 401
    closed = start("--api-key-file", keys, "--metrics-access", "off")
    with closed.client() as client:
        assert client.get("/metrics").status_code == 401
        assert client.get("/metrics", headers=bearer(KEY)).status_code == 404


# Keys come and go


def test_a_key_that_was_taken_back_is_soon_refused(guarded, keys):
    with guarded.client() as client:
        assert client.get("/v1/models", headers=bearer(KEY)).status_code == 200
        replace(keys, line(OTHER, "bob") + line("new-key", "carol"))
        wait_for_status(client, 401, headers=bearer(KEY))
        # The other keys, and this very connection, go on.
        assert client.get("/v1/models", headers=bearer(OTHER)).status_code == 200
        assert client.get("/v1/models", headers=bearer("new-key")).status_code == 200
    guarded.wait_for_log("keys loaded", keys=2)


def test_a_signal_loads_the_keys_at_once(guarded, keys):
    replace(keys, line(KEY, "alice"))
    guarded.signal(signal.SIGHUP)
    guarded.wait_for_log("keys loaded", keys=1)
    with guarded.client() as client:
        assert client.get("/v1/models", headers=bearer(OTHER)).status_code == 401


def test_a_bad_file_keeps_the_old_keys(guarded, keys):
    message = "the keys could not be loaded again; the old ones stay"
    replace(keys, line(OTHER, "bob") + f"carol {KEY}\n")
    entry = guarded.wait_for_log(message)
    assert str(keys) in entry["reason"] and "line 2" in entry["reason"]
    with guarded.client(headers=bearer(KEY)) as client:
        assert client.get("/v1/models").status_code == 200
        values = scrape(client)
        assert values["quiver_key_file_reload_failures_total"] >= 1
        keys.unlink()
        guarded.signal(signal.SIGHUP)
        assert client.get("/v1/models").status_code == 200
        replace(keys, line(OTHER, "bob"))
        wait_for_status(client, 401)
    assert not any(KEY in text for text in guarded.lines if text)


def test_an_expired_key_is_refused(start, tmp_path):
    path = tmp_path / "keys"
    path.write_text(line(KEY, "alice expires=2020-01-01") + line(OTHER, "bob expires=2999-01-01"))
    server = start("--api-key-file", path)
    with server.client() as client:
        wrong = client.get("/v1/models", headers=bearer("sk-wrong"))
        expired = client.get("/v1/models", headers=bearer(KEY))
        assert (expired.status_code, expired.content) == (401, wrong.content)
        assert client.get("/v1/models", headers=bearer(OTHER)).status_code == 200
        values = scrape_as(client, OTHER)
    assert values['quiver_auth_failures_total{reason="expired"}'] == 1
    assert values['quiver_auth_failures_total{reason="invalid"}'] == 1


def scrape_as(client, key):
    client.headers.update(bearer(key))
    return scrape(client)


@pytest.mark.parametrize("text, words", [
    ("", ["no key"]), ("# nothing\n", ["no key"]), (f"alice {KEY}\n", ["line 1"]),
    (line(KEY, "alice") + line(KEY, "bob"), ["line 2", "line 1"]),
    (line(KEY, "alice expires=soon"), ["line 1", "expires"]),
    (None, ["No such file"]),
])
def test_a_bad_file_at_the_start_is_named(binary, model, tmp_path, text, words):
    path = tmp_path / "keys"
    if text is not None:
        path.write_text(text)
    finished = program.run(binary, "serve", "--model", model, "--api-key-file", path)
    output = finished.stderr.decode()
    assert finished.returncode == 2
    assert len(output.splitlines()) == 1 and str(path) in output and KEY not in output
    assert all(word in output for word in words), output


# Quotas


def test_a_quota_is_held_and_told(start, tmp_path):
    path = tmp_path / "keys"
    path.write_text(line(KEY, "alice tokens-per-minute=60") + line(OTHER, "alice "
                    "tokens-per-minute=60") + line("third-key", "bob"))
    server = start("--api-key-file", path).wait_until_ready()
    with server.client(headers=bearer(KEY)) as client:
        body = {"model": NAME, "input": "river " * 18}  # 20 tokens.
        first = client.post("/v1/embeddings", json=body)
        check_response("/v1/embeddings", "POST", 200, first.headers, first.content)
        assert first.headers["x-ratelimit-limit-tokens"] == "60"
        assert first.headers["x-ratelimit-remaining-tokens"] in ("40", "41")
        # Keys of one name share one quota.
        responses = [client.post("/v1/embeddings", json=body, headers=bearer(OTHER))
                     for _ in range(20)]
        granted = [r for r in responses if r.status_code == 200]
        refused = [r for r in responses if r.status_code == 429]
        assert len(granted) + len(refused) == 20 and granted and len(refused) > 5
        for response in refused:
            check_response("/v1/embeddings", "POST", 429, response.headers, response.content)
            error = response.json()["error"]
            assert (error["type"], error["code"]) == ("rate_limit_error", "rate_limit_exceeded")
            assert 1 <= int(response.headers["retry-after"]) <= 20
            assert int(response.headers["x-ratelimit-remaining-tokens"]) < 20
        # What is not paid in tokens goes on, and so do the others.
        assert client.get("/v1/models").status_code == 200
        unlimited = client.post("/v1/embeddings", json=body, headers=bearer("third-key"))
        assert unlimited.status_code == 200
        assert "x-ratelimit-limit-tokens" not in unlimited.headers
        values = scrape(client)
    assert values['quiver_client_quota_refusals_total{client="alice"}'] == len(refused)
    assert values['quiver_client_tokens_total{client="alice"}'] == 20 * (1 + len(granted))
    assert values['quiver_client_tokens_total{client="bob"}'] == 20


def test_what_no_minute_can_grant_is_not_tried_again(start, tmp_path):
    path = tmp_path / "keys"
    path.write_text(line(KEY, "alice tokens-per-minute=10"))
    server = start("--api-key-file", path).wait_until_ready()
    with server.client(headers=bearer(KEY)) as client:
        response = client.post("/v1/embeddings", json={"model": NAME, "input": "river " * 18})
        assert response.status_code == 429
        assert response.headers["x-should-retry"] == "false"
        check_response("/v1/embeddings", "POST", 429, response.headers, response.content)
        assert client.post("/v1/embeddings", json={"model": NAME, "input": "a"}).is_success


# What is told about clients


def test_clients_appear_by_name_alone(shared_guarded):
    with shared_guarded.client(headers=bearer(KEY)) as client:
        before = scrape(client)
        client.post("/v1/embeddings", json={"model": NAME, "input": "river"},
                    headers={"x-request-id": "of-alice"})
        client.get("/v1/models", headers=bearer("sk-wrong"))
        after = scrape(client)
    name = 'quiver_client_requests_total{client="alice"}'
    assert after[name] - before[name] == 2
    reason = 'quiver_auth_failures_total{reason="invalid"}'
    assert after[reason] - before[reason] == 1
    entry = shared_guarded.wait_for_log("request", request_id="of-alice")
    assert entry["client"] == "alice"
    assert not any(KEY in text for text in shared_guarded.lines if text)


def test_a_made_key_works(binary, start, tmp_path):
    path = tmp_path / "keys"
    made = program.run(binary, "key", "alice", "--append", path, "--expires", "2999-01-01")
    assert made.returncode == 0
    [key] = made.stdout.decode().splitlines()
    assert path.stat().st_mode & 0o777 == 0o600
    given = program.run(binary, "key", "bob", "--from-standard-input", input=OTHER.encode())
    assert given.stdout.decode().splitlines() == [OTHER, line(OTHER, "bob").strip()]
    with path.open("a") as file:
        file.write(given.stdout.decode().splitlines()[1])
    server = start("--api-key-file", path)
    with server.client() as client:
        assert client.get("/v1/models", headers=bearer(key)).status_code == 200
        assert client.get("/v1/models", headers=bearer(OTHER)).status_code == 200
    refused = program.run(binary, "key", "alice", "--expires", "soon")
    assert refused.returncode == 2 and b"--expires" in refused.stderr
