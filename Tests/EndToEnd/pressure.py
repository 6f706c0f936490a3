"""Hostile clients by the thousand against the real program, beside a well-behaved one.

    python3 Tests/EndToEnd/pressure.py --binary .build/release/quiver --model FOLDER [--strict]

Meanwhile one real text is embedded every 100 ms, on a kept connection and on a new one in turn. It
fails when one of these is not answered, or when descriptors, threads, memory or the gauge of
connections are not back 15 s later; with --strict also when the 99th percentile of the well-behaved
client's times is more than five times that of an idle server, which only a quiet machine can tell.
"""

import argparse
import contextlib
import gzip
import resource
import selectors
import socket
import struct
import time

import program
from prober import Holdings, Prober, percentile, request_bytes

AFTERWARDS = 15
RESIDENT_GROWTH_MAXIMUM = 48 << 20
GET = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"


def connect(address, receive_buffer=None):
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(30)
    connection.connect(address)
    return connection


def reset(connection):
    """Ends a connection by RST, which also leaves no port in TIME_WAIT."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Crowd:
    """Many connections that send a piece now and then and see when the server closes them."""

    def __init__(self, address, count, opening, receive_buffer=None):
        self.answers = {}
        self.count = count
        self._received = {}
        self._selector = selectors.DefaultSelector()
        for number in range(count):
            connection = connect(address, receive_buffer)
            connection.setblocking(False)
            self._received[connection] = b""
            with contextlib.suppress(OSError):
                connection.send(opening)
            self._selector.register(connection, selectors.EVENT_READ)
            if number % 200 == 199:
                time.sleep(0.1)

    def drip(self, seconds, piece, interval=1.0, read=True):
        """Sends `piece` on each every `interval` seconds, until all are closed or time is over."""
        end = time.monotonic() + seconds
        due = time.monotonic() + interval
        while self._received and time.monotonic() < end:
            if read:
                self._hear(max(0, min(due, end) - time.monotonic()))
            else:
                time.sleep(max(0, min(due, end) - time.monotonic()))
            if time.monotonic() >= due:
                due += interval
                for connection in list(self._received):
                    with contextlib.suppress(OSError):
                        connection.send(piece)

    def _hear(self, timeout):
        for key, _ in self._selector.select(timeout):
            connection = key.fileobj
            try:
                chunk = connection.recv(65536)
            except BlockingIOError:
                continue
            except OSError:
                chunk = b""
            self._received[connection] = (self._received[connection] + chunk)[:64]
            if not chunk:
                self._end(connection)

    def _end(self, connection):
        answer = self._received.pop(connection)[9:12].decode() or "closed"
        self.answers[answer] = self.answers.get(answer, 0) + 1
        self._selector.unregister(connection)
        connection.close()

    def leave(self):
        """Goes away; how the server had treated the connections, by status."""
        left = len(self._received)
        for connection in list(self._received):
            self._selector.unregister(connection)
            reset(connection)
        self._selector.close()
        return ", ".join(f"{count} {answer}" for answer, count in sorted(self.answers.items())) + (
            f", {left} still open" if left else "")


def slow_heads(address, scale):
    crowd = Crowd(address, int(1000 * scale), b"GET /health HTTP/1.1\r\nHost: a\r\n")
    crowd.drip(14, b"x-a: b\r\n")
    return crowd.leave()


def slow_content(address, scale):
    crowd = Crowd(address, int(1000 * scale), POST + b"Content-Length: 65536\r\n\r\n{")
    crowd.drip(14, b" ")
    return crowd.leave()


def slow_reading(address, scale):
    """Asks for more than the sockets' buffers take, and does not read it."""
    crowd = Crowd(
        address, int(1000 * scale), b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 100,
        receive_buffer=1024)
    crowd.drip(9, b"", read=False)
    crowd.drip(1, b"")
    return crowd.leave()


def half_open(address, scale):
    crowd = Crowd(address, int(2000 * scale), b"")
    crowd.drip(14, b"")
    return crowd.leave()


POINTS = [
    b"",
    POST[:30],
    request_bytes("river bank")[:-10],
    request_bytes("river bank"),
    request_bytes(["word " * 20] * 4),
    GET * 20,
]


def resets(address, scale):
    """RST at six points of a request's life."""
    count = int(10_000 * scale)
    for number in range(count):
        connection = connect(address)
        with contextlib.suppress(OSError):
            connection.sendall(POINTS[number % len(POINTS)])
            if number % 8 == 0:
                time.sleep(0.001)
        reset(connection)
    return f"{count} connections"


def exchange(address, raw):
    """The status of the first answer."""
    connection = connect(address)
    received = b""
    with contextlib.suppress(OSError):
        connection.sendall(raw)
    with contextlib.suppress(OSError):
        received = connection.recv(65536)
    reset(connection)
    return received[9:12].decode() or "closed"


def counted(answers):
    return ", ".join(f"{answers.count(answer)} {answer}" for answer in sorted(set(answers)))


def gzip_bombs(address, scale):
    """256 MiB of blanks in 256 KiB, with and without their length."""
    bomb = gzip.compress(b" " * (256 << 20), 9)
    whole = POST + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb
    chunked = (POST + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
               + b"%x\r\n" % len(bomb) + bomb + b"\r\n0\r\n\r\n")
    return counted([
        exchange(address, (whole, chunked)[number % 2]) for number in range(int(100 * scale))])


MALFORMED = [
    b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/3.0\r\nHost: a\r\n\r\n",
]


def parse_errors(address, scale):
    return counted([
        exchange(address, MALFORMED[number % len(MALFORMED)])
        for number in range(int(100_000 * scale))])


PHASES = [
    slow_heads, slow_content, slow_reading, half_open, resets, gzip_bombs, parse_errors]


def is_back(before, now):
    return (now.descriptors <= before.descriptors and now.connections <= before.connections
            and now.threads <= before.threads + 2
            and now.resident <= before.resident + RESIDENT_GROWTH_MAXIMUM)


def wait_until_back(server, address, before):
    """The holdings once they are what they were, or 15 s later."""
    end = time.monotonic() + AFTERWARDS
    while True:
        now = Holdings(server.pid, address)
        if is_back(before, now) or time.monotonic() > end:
            return now
        time.sleep(0.5)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--scale", type=float, default=1, help="share of the numbers")
    parser.add_argument("--phase", action="append", help="one of the phases, by name")
    parser.add_argument("--strict", action="store_true", help="times matter, too")
    arguments = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit, 16384), limit))

    server = program.Server(arguments.binary, "--model", arguments.model).wait_until_ready()
    address = (server.host, server.port)
    problems = []
    try:
        with Prober(address):  # Warms up.
            time.sleep(2)
        with Prober(address) as idle:
            time.sleep(8)
        limit = 5 * percentile(idle.times, 0.99)
        before = Holdings(server.pid, address)
        print(f"idle: {describe(idle)}; {before}", flush=True)
        for phase in PHASES:
            name = phase.__name__.replace("_", " ")
            if arguments.phase and phase.__name__ not in arguments.phase:
                continue
            begin = time.monotonic()
            with Prober(address) as beside:
                outcome = phase(address, arguments.scale)
            print(f"{name}: {outcome}; {time.monotonic() - begin:.0f} s; {describe(beside)}",
                  flush=True)
            problems += [f"{name}: {failure}" for failure in beside.failures]
            if arguments.strict and percentile(beside.times, 0.99) > limit:
                problems.append(f"{name}: the 99th percentile is more than 5 times the idle one")
        after = wait_until_back(server, address, before)
        print(f"afterwards: {after}", flush=True)
        if not is_back(before, after):
            problems.append("what the server holds is not what it held before")
        problems += program.ending(server)
    finally:
        server.kill()
    program.tell(problems)


def describe(prober):
    return (f"{len(prober.times)} texts, {len(prober.failures)} failed, "
            f"p50 {percentile(prober.times, 0.5) * 1e3:.1f} ms, "
            f"p99 {percentile(prober.times, 0.99) * 1e3:.1f} ms, "
            f"at most {max(prober.times) * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
