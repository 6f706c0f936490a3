"""The end: after SIGTERM what was admitted is finished, and then the program is gone."""

import contextlib
import http.client
import json
import signal
import socket
import threading
import time

import program
from embeddings import NAME, documents
from program import wait_for
from test_metrics import scrape


class Worker(threading.Thread):
    """A client that asks on until the server says that it ends, as HTTP/1.1 wants it.

    It keeps its connection until a response says that it will be closed. Then it makes one more, as
    balancers hear late of an end, asks once, and goes elsewhere. Whatever is not a vector is noted.
    """

    def __init__(self, server, number):
        super().__init__(daemon=True)
        self.server = server
        self.body = json.dumps(
            {"model": NAME, "input": [f"text {number} {place}" for place in range(1 + number % 8)]})
        self.answered = 0
        self.failures = []

    def run(self):
        try:
            for _ in range(2):
                connection = http.client.HTTPConnection(
                    self.server.host, self.server.port, timeout=program.PATIENCE)
                with contextlib.closing(connection):
                    while self.ask(connection):
                        pass
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(repr(error))

    def ask(self, connection):
        """One request; whether the connection can have another one."""
        connection.request(
            "POST", "/v1/embeddings", self.body, {"content-type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        if response.status == 200:
            self.answered += 1
        else:
            self.failures.append(answer)
        return response.getheader("connection") != "close"


def status_of(server, path):
    raw = f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
    return program.parse_response(server.exchange(raw))[0]


def large_request(texts=2048):
    """A request that takes some seconds, as bytes."""
    body = json.dumps({"model": NAME, "input": documents(texts)}).encode()
    return (b"POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)) + body


def wait_for_work(server):
    """Returns when the server has something in its queue or on its threads."""
    with server.client() as client:
        wait_for(lambda: "quiver_running_batches 0\n" not in client.get("/metrics").text)


def test_no_request_is_lost_under_load(start):
    # Longer than the slowest machine needs until all workers have heard of the end.
    server = start(
        "--drain-delay", program.PATIENCE, "--shutdown-grace", program.PATIENCE).wait_until_ready()
    workers = [Worker(server, number) for number in range(16)]
    for worker in workers:
        worker.start()
    wait_for(lambda: all(worker.answered > 1 for worker in workers))
    server.signal(signal.SIGTERM)
    server.wait_for_log("draining")
    assert status_of(server, "/health/ready") == 503
    assert status_of(server, "/health/live") == 200
    for worker in workers:
        worker.join(program.PATIENCE)
        assert not worker.is_alive()
    assert [failure for worker in workers for failure in worker.failures] == []
    assert server.is_running


def test_it_ends_after_the_delay(start):
    server = start("--drain-delay", 1).wait_until_ready()
    begin = time.monotonic()
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert time.monotonic() - begin >= 1


def test_what_was_admitted_is_answered_without_a_delay_too(start):
    server = start().wait_until_ready()
    answers = []

    def ask():
        answers.append(program.parse_response(server.exchange(large_request(8))))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    with server.client() as client:
        wait_for(lambda: scrape(client)["quiver_texts_total"] == 64)
    server.signal()
    for thread in threads:
        thread.join()
    assert server.wait() == 0
    assert [status for status, _, _ in answers] == [200] * 8
    assert all(len(json.loads(body)["data"]) == 8 for _, _, body in answers)


def test_idle_connections_do_not_hold_the_end_up(start):
    server = start().wait_until_ready()
    with socket.create_connection((server.host, server.port), timeout=program.PATIENCE) as idle:
        idle.sendall(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
        assert idle.recv(65536).startswith(b"HTTP/1.1 200")
        server.signal(signal.SIGINT)
        assert server.wait() == 0
        assert idle.recv(65536) == b""


def test_a_second_signal_ends_it_now(start):
    server = start("--threads", 1).wait_until_ready()
    with socket.create_connection((server.host, server.port), timeout=program.PATIENCE) as client:
        client.sendall(large_request())
        wait_for_work(server)
        server.signal()
        server.wait_for_log("draining")
        assert server.is_running
        server.signal()
        assert server.wait() == 128 + signal.SIGTERM


def test_the_grace_is_the_longest_that_it_takes(start):
    server = start("--threads", 1, "--shutdown-grace", 0.2).wait_until_ready()
    with socket.create_connection((server.host, server.port), timeout=program.PATIENCE) as client:
        client.sendall(large_request())
        wait_for_work(server)
        server.signal()
        assert server.wait() == 0
    server_log = [entry["message"] for entry in server.log]
    assert "the grace is over" in server_log
