"""No key and no text ever comes into the log or the metrics, whatever is sent and whatever fails."""

import gzip
import hashlib
import itertools
import json

import pytest

import program
from embeddings import NAME

# Each carries the same marks, which are looked for everywhere in the end; so are parts of them.
KEY = "sk-Zq7KEYMARKvw3" + "x9" * 14
LIMITED = "sk-Zq7KEYMARKfew" + "y8" * 14
EXPIRED = "sk-Zq7KEYMARKold" + "z7" * 14
WRONG = "sk-Zq7KEYMARKbad" + "w6" * 14
TEXT = "Hy5TEXTMARK of a letter"
MARKS = ["KEYMARK", "TEXTMARK", "keymark", "textmark", "Zq7", "Hy5"]

PATHS = ["/v1/embeddings", "/embeddings", "/tokenize", "/v1/models", "/health", "/health/live",
         "/health/ready", "/metrics", "/nowhere", f"/v1/models/{WRONG}", f"/{TEXT.split()[0]}",
         "/v1/embeddings/" + WRONG, "/%1b" + WRONG]


def line(key, rest):
    return f"{hashlib.sha256(key.encode()).hexdigest()} {rest}\n"


def found(text):
    """The marks that are in a text, also as digests or as base64."""
    digests = [hashlib.sha256(key.encode()).hexdigest() for key in (KEY, LIMITED, EXPIRED, WRONG)]
    return [mark for mark in MARKS + digests + [digest[:16] for digest in digests] if mark in text]


def bodies():
    """What goes to the routes that take content: good, and bad in every way."""
    good = {"model": NAME, "input": TEXT}
    yield json.dumps(good).encode()
    for change in [
        {"input": [TEXT] * 3, "user": KEY}, {"model": WRONG}, {"model": TEXT}, {"input": []},
        {"input": [TEXT, 5]}, {"input": {TEXT: TEXT}}, {"dimensions": TEXT}, {"dimensions": 5000},
        {"encoding_format": TEXT}, {"truncate": TEXT}, {"prompt_name": TEXT}, {"prompt": TEXT},
        {"input_type": TEXT}, {TEXT: KEY}, {"inputs": TEXT}, {"inputs": [TEXT, 5]},
        {"inputs": TEXT, "add_special_tokens": TEXT}, {"input": TEXT * 2000, "truncate": False},
        {"input": [TEXT] * 3000}, {"input": TEXT + "\x1b[31m\n\r\u2028"},
    ]:
        yield json.dumps(good | change).encode()
    yield json.dumps(good).encode()[:-5]
    yield b'{"input": "' + TEXT.encode() + b'\xff"}'
    yield TEXT.encode()
    yield b"[" * 2000 + TEXT.encode()


def credentials():
    for key in (KEY, LIMITED, EXPIRED, WRONG, WRONG + "\x7f", f"two {WRONG}", WRONG * 20):
        yield "authorization", f"Bearer {key}"
        yield "x-api-key", key
    yield "authorization", f"Basic {WRONG}"
    yield "authorization", WRONG
    yield "cookie", WRONG


def raw_requests():
    """Requests that fail before, or beside, any route."""
    fields = f"Host: a\r\nAuthorization: Bearer {KEY}\r\n".encode()
    mark = f"{WRONG} {TEXT}".encode()
    post = b"POST /v1/embeddings HTTP/1.1\r\n" + fields + b"Content-Type: application/json\r\n"
    yield mark + b"\r\n\r\n"
    yield b"GET " + mark + b" HTTP/1.1\r\n" + fields + b"\r\n"
    yield WRONG.encode() + b" / HTTP/1.1\r\n" + fields + b"\r\n"
    yield b"GET / HTTP/1.1\r\n" + fields + mark + b" : x\r\n\r\n"
    yield b"GET / HTTP/1.1\r\n" + fields + b"x: " + mark + b"\x00\r\n\r\n"
    yield b"GET / HTTP/1.1\r\nHost: " + mark + b"\r\n\r\n"
    yield b"GET /?" + WRONG.encode() + b" HTTP/1.1\r\n" + fields + b"\r\n"
    yield b"GET http://" + WRONG.encode() + b"@a/ HTTP/1.1\r\n" + fields + b"\r\n"
    yield b"GET / HTTP/9.9\r\n" + fields + mark + b"\r\n\r\n"
    yield b"GET / HTTP/1.1\r\n" + fields + (b"x: " + mark + b"\r\n") * 200 + b"\r\n"
    yield b"GET / HTTP/1.1\r\n" + fields + fields + b"\r\n"
    yield b"GET / HTTP/1.1\r\n" + fields + b"Expect: " + mark + b"\r\n\r\n"
    yield post + b"Content-Length: " + mark + b"\r\n\r\n"
    yield post + b"Content-Type: " + mark + b"\r\nContent-Length: 1\r\n\r\nx"
    yield post + b"Content-Encoding: " + WRONG.encode() + b"\r\nContent-Length: 1\r\n\r\nx"
    yield post + b"Transfer-Encoding: " + WRONG.encode() + b"\r\n\r\n"
    yield post + b"Transfer-Encoding: chunked\r\n\r\n" + mark + b"\r\n"
    yield post + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n" + mark + b"\r\n\r\n"
    packed = gzip.compress(json.dumps({"model": NAME, "input": TEXT}).encode())
    for content in (packed, packed[:-9], packed + mark):
        yield (post + b"Content-Encoding: gzip\r\nConnection: close\r\nContent-Length: "
               + str(len(content)).encode() + b"\r\n\r\n" + content)


def test_nothing_of_it_is_in_the_log_or_the_metrics(start, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(line(KEY, "alice") + line(LIMITED, "bob tokens-per-minute=10")
                    + line(EXPIRED, "carol expires=2020-01-01"))
    server = start("--log-level", "debug", "--api-key-file", keys, "--metrics-listen",
                   "127.0.0.1:0", "--cors-origin", "https://a").wait_until_ready()
    operations = server.wait_for_log("listening for metrics")["url"]
    own = {"user-agent": TEXT, "referer": TEXT, "cookie": WRONG, "origin": "https://" + WRONG,
           "x-request-id": f"{TEXT} {WRONG}", "traceparent": WRONG}
    with server.client(headers=own) as client:
        for path, (name, value) in itertools.product(PATHS, credentials()):
            client.request("POST" if "em" in path or "tok" in path else "GET", path,
                           params={"key": WRONG, "q": TEXT}, headers={name: value},
                           json={"model": NAME, "input": TEXT, "inputs": TEXT})
        for path, body in itertools.product(PATHS[:3], bodies()):
            for kind in ("application/json", "text/plain", TEXT):
                client.post(path, content=body, headers={
                    "authorization": f"Bearer {KEY}", "content-type": kind})
        metrics = client.get(operations + "/metrics").text
        for path in PATHS:
            client.get(operations + path)
    for raw in raw_requests():
        server.exchange(raw, end_of_input=True)
    # And while it runs, a key file with a key in it.
    keys.write_text(f"dave {WRONG}\n{TEXT}\n")
    server.wait_for_log("the keys could not be loaded again; the old ones stay")
    with server.client() as client:
        metrics += client.get(operations + "/metrics").text
    assert server.stop() == 0
    log = "".join(text for text in server.lines if text)
    assert len(server.log) > 300 and metrics.count("quiver_auth_failures_total") > 2
    assert found(log) == []
    assert found(metrics) == []
    # What the log does have is the names.
    assert {"alice", "bob"} == {entry["client"] for entry in server.log if "client" in entry}


@pytest.mark.parametrize("key_file, flags, variables, settings", [
    (f"alice {KEY}\n", [], {}, ""),
    (f"{KEY}\n", [], {}, ""),
    (line(KEY, f"alice {WRONG}=5"), [], {}, ""),
    (line(KEY, "alice") + line(KEY, "bob"), [], {}, ""),
    (None, ["--api-key-file", KEY], {}, ""),
    (None, [], {"QUIVER_API_KEY_FILE": KEY}, ""),
    (None, [], {"QUIVER_API_KEY": KEY}, ""),
    (None, [], {}, f"api-key: {KEY}\n"),
    (None, [], {}, f"api-key-file: [{KEY}, {WRONG}]\n"),
])
def test_a_failed_start_repeats_no_key(
        binary, model, tmp_path, key_file, flags, variables, settings):
    if key_file is not None:
        path = tmp_path / "keys"
        path.write_text(key_file)
        flags = ["--api-key-file", path]
    config = tmp_path / "quiver.yaml"
    config.write_text(settings)
    finished = program.run(binary, "serve", "--model", model, "--config", config, *flags,
                           environment=program.clean_environment(**variables))
    output = (finished.stdout + finished.stderr).decode()
    assert finished.returncode == 2
    assert len(output.splitlines()) == 1
    assert found(output) == [], output
