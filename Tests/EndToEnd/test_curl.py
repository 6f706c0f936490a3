"""curl, as the README shows it and as shell scripts use it."""

import json
import subprocess

import pytest

import program
from embeddings import NAME, vectors_of


def curl(*arguments):
    finished = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", *arguments], capture_output=True,
        timeout=program.PATIENCE)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_embeddings(server):
    body = json.loads(curl(
        server.url + "/v1/embeddings", "-H", "Content-Type: application/json",
        "-d", json.dumps({"model": NAME, "input": "The boat drifted to the river bank."})))
    assert vectors_of(body).shape == (1, 384)


def test_a_large_body_from_a_file_with_expect(server, tmp_path):
    """Over a megabyte curl asks with 'Expect: 100-continue' before it sends."""
    request = tmp_path / "request.json"
    request.write_text(json.dumps({"model": NAME, "input": ["word " * 60_000] * 4}))
    assert request.stat().st_size > 1 << 20
    output = curl(
        server.url + "/v1/embeddings", "-H", "Content-Type: application/json", "-v", "--stderr", "-",
        "-o", str(tmp_path / "answer.json"), "--data-binary", f"@{request}").decode()
    assert "Expect: 100-continue" in output
    assert "HTTP/1.1 100 Continue" in output
    assert vectors_of(json.loads((tmp_path / "answer.json").read_text())).shape == (4, 384)


def test_a_chunked_body(server, tmp_path):
    request = tmp_path / "request.json"
    request.write_text(json.dumps({"model": NAME, "input": ["word"] * 3}))
    body = curl(
        server.url + "/v1/embeddings", "-H", "Content-Type: application/json",
        "-H", "Transfer-Encoding: chunked", "--data-binary", f"@{request}")
    assert vectors_of(json.loads(body)).shape == (3, 384)


@pytest.mark.parametrize("flags", [[], ["--http1.0"], ["--compressed"], ["--http2"]])
def test_flags(server, flags):
    assert json.loads(curl(*flags, server.url + "/v1/models"))["object"] == "list"


def test_several_requests_on_one_connection(server):
    urls = [server.url + path for path in ("/health", "/v1/models", "/health/live")]
    output = curl("-w", "%{http_code} %{num_connects}\\n", *(
        part for url in urls for part in ("-o", "/dev/null", url))).decode()
    assert output.splitlines() == ["200 1", "200 0", "200 0"]
