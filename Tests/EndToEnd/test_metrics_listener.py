"""Metrics on an address of their own: alive when the service's listener is not."""

import contextlib
import socket

import httpx
import pytest

import program
from embeddings import NAME
from program import wait_for


@pytest.fixture
def begin(start):
    def begin(*flags):
        server = start("--metrics-listen", "127.0.0.1:0", *flags)
        url = server.wait_for_log("listening for metrics")["url"]
        return server, httpx.Client(base_url=url, timeout=program.PATIENCE, trust_env=False)

    return begin


def test_metrics_and_health_and_nothing_else(begin):
    server, operations = begin()
    server.wait_until_ready()
    with server.client() as client, operations:
        client.post("/v1/embeddings", json={"model": NAME, "input": "river"})
        text = operations.get("/metrics").text
        assert 'quiver_http_requests_total{route="/v1/embeddings",status="200"} 1' in text
        assert operations.head("/metrics").status_code == 200
        for path in ("/health", "/health/live", "/health/ready"):
            assert operations.get(path).status_code == 200
        for path in ("/v1/models", "/", "/v1/embeddings", "/tokenize"):
            response = operations.get(path)
            assert response.status_code == 404
            assert response.json()["error"]["code"] == "not_found"
        assert operations.post("/metrics", content=b"x").status_code == 405
        assert operations.post("/v1/embeddings", json={}).status_code == 404
        # They have left the service's own listener.
        assert client.get("/metrics").status_code == 404
        assert client.get("/health").status_code == 200


def test_they_stay_by_choice(begin):
    server, operations = begin("--metrics-access", "open")
    with server.client() as client, operations:
        assert client.get("/metrics").status_code == 200
        assert operations.get("/metrics").status_code == 200


def test_alive_at_the_connection_cap(begin):
    server, operations = begin("--max-connections", "4")
    server.wait_until_ready()
    with contextlib.ExitStack() as held, operations:
        for _ in range(4):
            held.enter_context(socket.create_connection((server.host, server.port)))
        def is_full():
            return "\nquiver_http_connections 4\n" in operations.get("/metrics").text
        wait_for(is_full)
        assert b" 503 " in server.exchange(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        assert operations.get("/health/ready").status_code == 200


def test_it_has_bounds_of_its_own(begin):
    """Whoever fills it does not take the service's descriptors."""
    server, operations = begin()
    server.wait_until_ready()
    address = (operations.base_url.host, operations.base_url.port)
    with contextlib.ExitStack() as held, server.client() as client:
        for _ in range(100):
            held.enter_context(socket.create_connection(address))
        assert client.post("/v1/embeddings", json={"model": NAME, "input": "a"}).is_success


def test_the_end_is_told_there_too(begin):
    server, operations = begin("--drain-delay", "60", "--shutdown-grace", "60")
    server.wait_until_ready()
    with operations:
        server.signal()
        wait_for(lambda: operations.get("/health/ready").status_code == 503)
        assert operations.get("/metrics").status_code == 200


def test_an_address_in_use_is_said(binary, model):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        finished = program.run(binary, "serve", "--model", model, "--port", "0",
                               "--metrics-listen", address)
    assert finished.returncode == 2
    assert address.split(":")[1] in finished.stderr.decode().splitlines()[-1]
