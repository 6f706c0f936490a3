"""A well-behaved client in a process of its own, and what a server holds; for the pressure scripts."""

import json
import multiprocessing
import os
import pathlib
import re
import socket
import time

from embeddings import NAME

INTERVAL = 0.1


def request_bytes(texts, close=False):
    """`POST /v1/embeddings` as bytes."""
    body = json.dumps({"model": NAME, "input": texts}).encode()
    return (b"POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"%sContent-Length: %d\r\n\r\n" % (b"Connection: close\r\n" * close, len(body))) + body


class Connection:
    """A kept connection that asks and reads whole responses."""

    def __init__(self, address, timeout=30):
        self.socket = socket.create_connection(address, timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def ask(self, raw):
        """The status, the fields (names in lower case) and the body of the answer."""
        self.socket.sendall(raw)
        while b"\r\n\r\n" not in self.rest:
            self._read()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines[1:])
        length = int(fields.get("content-length", 0))
        while len(self.rest) < length:
            self._read()
        body, self.rest = self.rest[:length], self.rest[length:]
        return int(lines[0].split(" ")[1]), fields, body

    def _read(self):
        chunk = self.socket.recv(1 << 18)
        if not chunk:
            raise ConnectionError("closed within a response")
        self.rest += chunk

    def close(self):
        self.socket.close()


def probe(address, ended, reports):
    """One real text every `INTERVAL` seconds; every second one on a new connection."""
    kept = Connection(address)
    times, failures, number = [], [], 0
    while not ended.is_set():
        number += 1
        begin = time.perf_counter()
        try:
            connection = kept if number % 2 else Connection(address)
            status, _, body = connection.ask(request_bytes(f"river bank number {number}"))
            if status != 200 or len(json.loads(body)["data"][0]["embedding"]) != 384:
                failures.append(f"{status} {body[:200]!r}")
            if connection is not kept:
                connection.close()
        except (OSError, ValueError) as error:
            failures.append(repr(error))
            kept = Connection(address)
        taken = time.perf_counter() - begin
        times.append(taken)
        ended.wait(max(0, INTERVAL - taken))
    reports.put((times, failures))


class Prober:
    """`with Prober(address) as prober: ...`; afterwards `times` in seconds and `failures`."""

    def __init__(self, address):
        context = multiprocessing.get_context("fork")
        self._ended, self._reports = context.Event(), context.Queue()
        self._process = context.Process(
            target=probe, args=(address, self._ended, self._reports), daemon=True)

    def __enter__(self):
        self._process.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self.times, self.failures = self._reports.get(timeout=60)
        self._process.join()


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


class Holdings:
    """What a server's process has: descriptors, threads, resident bytes, connections by its gauge."""

    def __init__(self, pid, address):
        process = pathlib.Path(f"/proc/{pid}")
        self.descriptors = len(os.listdir(process / "fd"))
        self.threads = len(os.listdir(process / "task"))
        pages = int((process / "statm").read_text().split()[1])
        self.resident = pages * os.sysconf("SC_PAGESIZE")
        connection = Connection(address)
        _, _, body = connection.ask(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.close()
        self.connections = int(re.search(rb"^quiver_http_connections (\d+)", body, re.M)[1])

    def __str__(self):
        return (f"{self.descriptors} descriptors, {self.threads} threads, "
                f"{self.resident / 1e6:.1f} MB resident, {self.connections} connections")
