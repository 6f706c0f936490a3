"""The log: one line a request, made for programs or for people, without anything secret in it."""

import json
import os
import pty
import re
import subprocess

import program
from embeddings import NAME


def requests_of(server):
    return [entry for entry in server.log if entry["message"] == "request"]


def test_one_json_line_a_request(start):
    server = start().wait_until_ready()
    with server.client() as client:
        for number in range(5):
            client.post("/v1/embeddings", json={"model": NAME, "input": "a"},
                        headers={"x-request-id": f"id-{number}"})
        client.get("/nowhere", headers={"x-request-id": "id-5"})
    server.stop()
    entries = requests_of(server)
    assert [entry["request_id"] for entry in entries] == [f"id-{n}" for n in range(6)]
    for entry in entries[:5]:
        assert (entry["method"], entry["path"], entry["status"]) == ("POST", "/v1/embeddings", 200)
        assert entry["duration_ms"] > 0
        assert entry["bytes_out"] > 384
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["time"])
    assert entries[5]["status"] == 404


def test_probes_that_succeed_are_not_logged(start):
    server = start().wait_until_ready()
    with server.client() as client:
        for path in ("/health", "/health/live", "/health/ready", "/metrics"):
            client.get(path)
    server.stop()
    assert requests_of(server) == []
    loud = start("--log-level", "debug").wait_until_ready()
    with loud.client() as client:
        client.get("/health")
    loud.stop()
    assert len(requests_of(loud)) == 1


def test_no_text_and_no_key_is_ever_logged(start):
    server = start("--log-level", "debug").wait_until_ready()
    secret = "xyzzy-plugh"
    fields = {"authorization": f"Bearer sk-{secret}", "x-api-key": secret, "cookie": secret,
              "user-agent": secret}
    with server.client(headers=fields) as client:
        client.post("/v1/embeddings", json={"model": NAME, "input": secret, "user": secret})
        client.post("/v1/embeddings", json={"model": NAME, "input": [secret, 5]})
        client.post("/v1/embeddings", json={"model": secret, "input": "a"})
        client.post("/v1/embeddings", json={"model": NAME, "input": "a", "dimensions": secret})
        client.post("/v1/embeddings", content=f'{{"input": "{secret}'.encode(),
                    headers={"content-type": "application/json"})
        client.post("/tokenize", json={"inputs": secret})
        client.get("/v1/models", params={"api-key": secret})
    server.exchange(f"GET / HTTP/1.1\r\nHost: a\r\n{secret} : x\r\n\r\n".encode())
    server.stop()
    assert len(requests_of(server)) >= 7
    assert secret not in "".join(line for line in server.lines if line)


def test_nobody_can_forge_a_line(start):
    server = start().wait_until_ready()
    hostile = b'/"quoted"%0a%1b[31m/\\'
    server.exchange(b"GET " + hostile + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                    b"x-request-id: a\"b\r\n\r\n")
    server.exchange(b"GET /\x1b[31m HTTP/1.1\r\nHost: a\r\n\r\n")
    server.exchange(b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n")
    server.stop()
    text = "".join(line for line in server.lines if line)
    assert "\x1b" not in text
    for line in text.splitlines():
        json.loads(line)


def test_text_for_people(binary, model):
    server = subprocess.Popen(
        [binary, "serve", "--model", model, "--port", "0", "--log-format", "text"],
        stderr=subprocess.PIPE, env=program.clean_environment())
    line = server.stderr.readline().decode()
    server.terminate()
    server.communicate(timeout=program.PATIENCE)
    assert re.match(r"\S+Z info +listening url=http://127\.0\.0\.1:\d+$", line)


def test_a_terminal_gets_text(binary, model):
    leader, follower = pty.openpty()
    server = subprocess.Popen(
        [binary, "serve", "--model", model, "--port", "0"], stderr=follower,
        env=program.clean_environment())
    line = os.read(leader, 4096).decode()
    server.terminate()
    server.wait(program.PATIENCE)
    os.close(follower)
    os.close(leader)
    assert " info " in line and "listening" in line and not line.startswith("{")
