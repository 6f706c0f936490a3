"""Memory has a bound for each connection and in total, and docs/http.md says which."""

import contextlib
import os
import socket

import pytest

import program
from program import wait_for

KIB, MIB = 1 << 10, 1 << 20
# What docs/http.md states.
CONNECTION_MAXIMUM = 168 * KIB
CONTENT_MAXIMUM = 256 * MIB
# Buffers, the allocator's reserves, and what other requests leave behind.
SLACK = 24 * MIB

GET = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"


def resident(server):
    with open(f"/proc/{server.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def send_what_fits(connection, raw):
    """Sends as much as the buffers take, without waiting for anybody to read."""
    connection.setblocking(False)
    with contextlib.suppress(OSError):
        while raw:
            raw = raw[connection.send(raw):]
    connection.settimeout(program.PATIENCE)


@pytest.fixture
def crowd(start):
    """Makes connections, sends each something, and tells how much the server has grown by it."""
    held = []

    def make(count, raw, *flags, answered=False):
        server = start(*flags).wait_until_ready()
        server.exchange(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        before = resident(server)
        for _ in range(count):
            connection = socket.create_connection(
                (server.host, server.port), timeout=program.PATIENCE)
            held.append(connection)
            send_what_fits(connection, raw)
            if answered:
                assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        metric = f"quiver_http_connections {count + 1}\n"
        with server.client() as client:
            wait_for(lambda: metric in client.get("/metrics").text)
        return server, before, resident(server) - before

    yield make
    for connection in held:
        connection.close()


def test_idle_connections(crowd):
    _, _, growth = crowd(400, GET, answered=True)
    assert growth < 400 * 16 * KIB + SLACK


def test_half_a_head(crowd):
    raw = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(
        b"x-%d: %s\r\n" % (number, b"a" * 500) for number in range(60))
    _, _, growth = crowd(400, raw, "--header-timeout", 60)
    assert growth < 400 * CONNECTION_MAXIMUM + SLACK


def test_a_pipeline_behind_a_request(crowd):
    """The client does not read; what it has sent is kept up to a bound, the rest is not read."""
    _, _, growth = crowd(100, GET * 20_000)
    assert growth < 100 * CONNECTION_MAXIMUM + SLACK


def test_large_content(start):
    """Together more than is taken at once: some are told so, and all of it is given back."""
    size = 8 * MIB
    server = start().wait_until_ready()
    before = resident(server)
    head = (b"POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % size)
    content = b" " * (size - 1)
    held, refused = [], 0
    for _ in range(40):
        connection = socket.create_connection((server.host, server.port), timeout=program.PATIENCE)
        held.append(connection)
        connection.sendall(head)
        with contextlib.suppress(OSError):
            connection.sendall(content)
    assert resident(server) - before < CONTENT_MAXIMUM + len(held) * CONNECTION_MAXIMUM + SLACK
    for connection in held:
        connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            refused += connection.recv(65536).startswith(b"HTTP/1.1 503")
        connection.close()
    assert refused == len(held) - CONTENT_MAXIMUM // size
    wait_for(lambda: resident(server) - before < SLACK)
