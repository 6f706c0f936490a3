"""Connections, good and bad: pipelining, half-closes, resets, slow clients, too many of them."""

import contextlib
import gzip
import json
import os
import socket
import struct
import threading
import time
import zlib

import pytest

import program
from embeddings import NAME, documents, embed, vectors_of
from program import wait_for
from test_metrics import scrape

GET = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"


def post(body, *fields):
    lines = [b"POST /v1/embeddings HTTP/1.1", b"Host: a", b"Content-Type: application/json",
             b"Content-Length: %d" % len(body), *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def embeddings_request(input, *fields):
    return post(json.dumps({"model": NAME, "input": input}).encode(), *fields)


def connect(server):
    return socket.create_connection((server.host, server.port), timeout=program.PATIENCE)


def reset(connection):
    """Ends a connection by RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def metric(server, series):
    with server.client() as client:
        return scrape(client)[series]


class Prober(threading.Thread):
    """A well-behaved client beside the bad ones: one text again and again, all of which must work."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self._server = server
        self._ended = threading.Event()
        self.problems = []
        self.answers = 0

    def run(self):
        with self._server.client() as client:
            while not self._ended.is_set():
                try:
                    embed(client, "river bank")
                    self.answers += 1
                except Exception as problem:  # Whatever it is, it is the finding.
                    self.problems.append(problem)
                self._ended.wait(0.02)

    def __enter__(self):
        self.start()
        # The bad clients come when this one has its connection.
        wait_for(lambda: self.answers > 0 or self.problems)
        return self

    def __exit__(self, *_):
        self._ended.set()
        self.join()
        assert self.problems == []
        assert self.answers > 0


def test_pipelined_requests_are_answered_in_order(server):
    ids = [f"pipe-{number}" for number in range(40)]
    raw = b"".join(
        b"GET /health/live HTTP/1.1\r\nHost: a\r\nx-request-id: %s\r\n\r\n" % name.encode()
        if place % 2 else
        embeddings_request(f"text {place}", b"x-request-id: " + name.encode())
        for place, name in enumerate(ids))
    with connect(server) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    names = [line.split(b": ")[1].decode() for line in received.split(b"\r\n")
             if line.lower().startswith(b"x-request-id: ")]
    assert names == ids
    assert received.count(b"HTTP/1.1 200") == 40


def test_a_half_closed_connection_is_still_answered(server):
    answer = server.exchange(embeddings_request(documents(50)), end_of_input=True)
    status, _, body = program.parse_response(answer)
    assert status == 200
    assert len(json.loads(body)["data"]) == 50


def test_requests_may_come_in_any_pieces(server):
    raw = embeddings_request("river bank")
    for size in (1, 7, 64):
        with connect(server) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for start in range(0, len(raw), size):
                connection.sendall(raw[start:start + size])
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("name, compress", [
    ("gzip", gzip.compress), ("deflate", zlib.compress), ("x-gzip", gzip.compress)])
def test_compressed_bodies_are_read(client, name, compress):
    body = json.dumps({"model": NAME, "input": ["river bank"] * 100}).encode()
    response = client.post("/v1/embeddings", content=compress(body), headers={
        "content-type": "application/json", "content-encoding": name})
    assert response.status_code == 200, response.text
    assert (vectors_of(response.json())[99] == vectors_of(embed(client, "river bank"))[0]).all()


POINTS = {
    "before anything": b"",
    "in the header": b"POST /v1/embeddings HTTP/1.1\r\nHo",
    "after the header": embeddings_request("river bank")[:-10],
    "after the request": embeddings_request("river bank"),
    "with work in the queue": embeddings_request(documents(20, 200)),
    "in a pipeline": GET * 20,
}


def test_resets_leave_nothing_behind(start):
    server = start().wait_until_ready()
    descriptors = f"/proc/{server.pid}/fd"
    threads = f"/proc/{server.pid}/task"
    with server.client() as client:
        embed(client, ["warm"] * 50)
    before = len(os.listdir(descriptors)), len(os.listdir(threads))
    with Prober(server):
        for number in range(300):
            connection = connect(server)
            with contextlib.suppress(OSError):
                connection.sendall(list(POINTS.values())[number % len(POINTS)])
                if number % 3 == 0:
                    time.sleep(0.002)
            reset(connection)
    wait_for(lambda: metric(server, "quiver_http_connections") == 1)
    wait_for(lambda: metric(server, "quiver_http_requests_in_flight") <= 1)
    wait_for(lambda: metric(server, "quiver_queue_tokens") == 0)
    wait_for(lambda: len(os.listdir(descriptors)) <= before[0])
    assert len(os.listdir(threads)) <= before[1] + 4
    assert server.stop() == 0


def test_work_of_a_client_that_is_gone_is_dropped(start):
    server = start("--threads", 1, "--batch-tokens", 256).wait_until_ready()
    gone = 'quiver_admitted_requests_total{outcome="cancelled"}'
    connections = [connect(server) for _ in range(8)]
    for number, connection in enumerate(connections):
        connection.sendall(embeddings_request(documents(100, 200 + number)))
    wait_for(lambda: metric(server, "quiver_texts_total") == 800)
    for connection in connections:
        reset(connection)
    wait_for(lambda: metric(server, "quiver_queue_tokens") == 0)
    assert metric(server, gone) >= 6
    assert metric(server, "quiver_batch_texts_sum") < 800


def test_slow_headers_are_cut_off_and_hurt_nobody(start):
    server = start("--header-timeout", 1).wait_until_ready()
    with Prober(server):
        slow = [connect(server) for _ in range(200)]
        for _ in range(4):
            for connection in slow:
                with contextlib.suppress(OSError):
                    connection.sendall(b"GET / HTTP/1.1\r\n"[:3])
            time.sleep(0.1)
        for connection in slow:
            received = b""
            with contextlib.suppress(ConnectionResetError):
                while chunk := connection.recv(65536):
                    received += chunk
            connection.close()
    wait_for(lambda: metric(server, "quiver_http_connections") == 1)


def test_clients_that_do_not_read_hurt_nobody(start):
    server = start().wait_until_ready()
    with Prober(server):
        lazy = [connect(server) for _ in range(20)]
        for connection in lazy:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(embeddings_request(documents(500, 1)))
        wait_for(lambda: metric(server, "quiver_texts_total") >= 20 * 500)
        time.sleep(0.3)
        for connection in lazy:
            reset(connection)
    wait_for(lambda: metric(server, "quiver_http_connections") == 1)


def test_idle_connections_are_closed(start):
    server = start("--idle-timeout", 0.3).wait_until_ready()
    with connect(server) as connection:
        connection.sendall(GET)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        assert connection.recv(65536) == b""


def test_silent_connections_are_closed(start):
    server = start("--header-timeout", 0.3).wait_until_ready()
    with connect(server) as silent:
        assert silent.recv(65536) == b""


def test_a_used_connection_has_the_idle_time(start):
    """Not that of a header which never comes: that is for connections that say nothing at all."""
    server = start("--header-timeout", 0.5).wait_until_ready()

    def used():
        """A connection that has been used, or nothing when this machine took too long for it."""
        connection = connect(server)
        with contextlib.suppress(OSError):
            connection.sendall(GET)
            if connection.recv(65536).startswith(b"HTTP/1.1 200"):
                return connection
        connection.close()

    attempts = []
    wait_for(lambda: attempts.append(used()) or attempts[-1])
    with attempts[-1] as connection:
        time.sleep(1.2)
        connection.sendall(GET)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_more_connections_than_allowed(start):
    server = start("--max-connections", 10).wait_until_ready()
    held = []
    for _ in range(10):
        connection = connect(server)
        connection.sendall(GET)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        held.append(connection)
    # One more is told so, or closed, but never left waiting for an answer that does not come.
    with connect(server) as more:
        received = b""
        with contextlib.suppress(ConnectionResetError):
            more.sendall(GET)
            received = more.recv(65536)
        assert received == b"" or received.startswith(b"HTTP/1.1 503")
    for connection in held:
        connection.close()

    def is_well_again():
        with contextlib.suppress(OSError), connect(server) as connection:
            connection.sendall(GET)
            return connection.recv(65536).startswith(b"HTTP/1.1 200")

    wait_for(is_well_again)
