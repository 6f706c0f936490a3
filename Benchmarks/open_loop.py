"""Sends requests to an embedding server, open loop and closed loop, and sums up the latencies."""

import collections
import gc
import json
import os
import random
import select
import socket
import time

CLIENTS = 64
KINDS = ("query", "document", "bulk")
WORDS = (
    "time year people way day man thing woman life child world school state family student group "
    "country problem hand part place case week company system program question work government "
    "number night point home water room mother area money story fact month lot right study book "
    "eye job word business issue side kind head house service friend father power hour game line "
    "end member law car city community name president team minute idea body information back "
    "parent face others level office door health person art war history party result change "
    "morning reason research girl guy moment air teacher force education"
).split()


# No request here is ever part of a cycle.
gc.disable()


def take_precedence(first=True):
    """Lets this process go before all others when it has something to do; False when the system
    does not let it.

    The clients of a server are on other machines. Here they share the server's processors: what they
    use of them is the server's loss, and is measured; but that they wait until its threads let them is
    nothing that a client would see. Not for closed loops: there the answers a second count, and a
    generator that goes first handles each answer alone, for which it takes more of the processors.
    """
    try:
        if first:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        else:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    except OSError:
        return False
    return True


class Request:
    """One request as bytes, and what is known of it."""

    __slots__ = ("kind", "tokens", "data")

    def __init__(self, kind, texts, model, host):
        self.kind = kind
        # Each word is one token, and there are two special tokens.
        self.tokens = sum(len(text.split()) + 2 for text in texts)
        body = json.dumps(
            {"model": model, "input": texts, "encoding_format": "base64"}).encode()
        self.data = (
            f"POST /v1/embeddings HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


class Texts:
    """Requests with random words, from one seed; no text comes twice."""

    def __init__(self, model, host, seed):
        self.model, self.host, self.random = model, host, random.Random(seed)

    def text(self, low, high):
        return " ".join(self.random.choices(WORDS, k=self.random.randint(low, high) - 2))

    def query(self, low=8, high=24):
        return Request("query", [self.text(low, high)], self.model, self.host)

    def document(self):
        return Request("document", [self.text(65, 195)], self.model, self.host)

    def bulk(self):
        return Request(
            "bulk", [self.text(65, 195) for _ in range(32)], self.model, self.host)

    def mixed(self):
        chance = self.random.random()
        if chance < 0.79:
            return self.query()
        return self.document() if chance < 0.99 else self.bulk()


class Connection:
    __slots__ = ("socket", "client", "request", "due", "received", "missing", "pending", "status",
                 "is_last")


class Load:
    """Sends requests on as many connections as they need, and notes what becomes of them."""

    def __init__(self, address):
        self.address = address
        self.poll = select.epoll()
        self.connections = {}
        self.idle = collections.defaultdict(list)
        self.busy = 0
        # (kind, status, tokens, seconds from when it was due, when it ended)
        self.results = []
        self.on_end = None

    def connect(self, client):
        connection = Connection()
        connection.client, connection.request = client, None
        connection.socket = socket.socket()
        # The address says which client this is.
        connection.socket.bind((f"127.0.1.{client + 1}", 0))
        connection.socket.connect(self.address)
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.socket.setblocking(False)
        self.connections[connection.socket.fileno()] = connection
        self.poll.register(connection.socket, select.EPOLLIN)
        return connection

    def open(self, clients, each):
        """Opens connections ahead of time."""
        for client in range(clients):
            for _ in range(each):
                self.idle[client].append(self.connect(client))

    def send(self, request, client, due):
        idle = self.idle[client]
        connection = idle.pop() if idle else self.connect(client)
        connection.request, connection.due = request, due
        connection.received, connection.missing = b"", None
        self.busy += 1
        connection.pending = request.data
        self.write(connection)
        if connection.pending:
            self.poll.modify(connection.socket, select.EPOLLIN | select.EPOLLOUT)

    def write(self, connection):
        try:
            sent = connection.socket.send(connection.pending)
        except BlockingIOError:
            sent = 0
        connection.pending = connection.pending[sent:]

    def wait(self, until):
        """Handles what comes in; returns at `until`, or earlier when something came."""
        left = until - time.monotonic()
        if left < 0.01:
            # epoll waits for whole milliseconds, and select for microseconds.
            select.select([self.poll], [], [], max(left, 0))
            left = 0
        for number, events in self.poll.poll(max(left - 0.005, 0)):
            connection = self.connections[number]
            if events & select.EPOLLOUT:
                self.write(connection)
                if not connection.pending:
                    self.poll.modify(connection.socket, select.EPOLLIN)
            if events & ~select.EPOLLOUT:
                self.read(connection)

    def read(self, connection):
        data = connection.socket.recv(1 << 16)
        now = time.monotonic()
        if not data:
            self.closed(connection, now)
            return
        if connection.missing is None:
            connection.received += data
            head, found, rest = connection.received.partition(b"\r\n\r\n")
            if not found:
                return
            connection.status = int(head[9:12])
            head = head.lower()
            connection.is_last = b"\r\nconnection: close" in head
            _, _, length = head.partition(b"content-length:")
            connection.missing = int(length.partition(b"\r")[0]) - len(rest)
        else:
            connection.missing -= len(data)
        if connection.missing <= 0:
            if connection.is_last:
                self.forget(connection)
            else:
                self.idle[connection.client].append(connection)
            self.end(connection, connection.status, now)

    def forget(self, connection):
        del self.connections[connection.socket.fileno()]
        connection.socket.close()

    def closed(self, connection, now):
        """The server closed the connection: between two requests, or without an answer."""
        self.forget(connection)
        if connection.request is not None:
            self.end(connection, 0, now)
        else:
            self.idle[connection.client].remove(connection)

    def end(self, connection, status, now):
        request, connection.request = connection.request, None
        self.busy -= 1
        self.results.append((request.kind, status, request.tokens, now - connection.due, now))
        if self.on_end:
            self.on_end(connection)

    def finish(self, seconds=60):
        end = time.monotonic() + seconds
        while self.busy and time.monotonic() < end:
            self.wait(min(time.monotonic() + 0.1, end))

    def close(self):
        for connection in self.connections.values():
            connection.socket.close()
        self.poll.close()


def percentile(values, part):
    """The nearest rank; None of nothing."""
    if not values:
        return None
    values = sorted(values)
    return values[min(len(values) - 1, int(part * len(values)))]


def summary(results):
    """Percentiles in ms by kind, and counts."""
    rows = {}
    for kind in KINDS:
        answered = [1000 * r[3] for r in results if r[0] == kind and r[1] == 200]
        refused = [1000 * r[3] for r in results if r[0] == kind and r[1] != 200]
        if answered or refused:
            rows[kind] = {
                "answered": len(answered), "refused": len(refused),
                "p50": percentile(answered, 0.5), "p95": percentile(answered, 0.95),
                "p99": percentile(answered, 0.99),
                "refused_p99": percentile(refused, 0.99),
                "latencies": sorted(answered),
            }
    return rows


def poisson(address, texts, rate, seconds, seed):
    """Open loop at `rate` requests a second."""
    take_precedence()
    arrivals, chance = [], random.Random(seed)
    at = 0.0
    while at < seconds:
        at += chance.expovariate(rate)
        arrivals.append((at, chance.randrange(CLIENTS), texts.mixed()))
    load = Load(address)
    load.open(CLIENTS, 1)
    start = time.monotonic() + 0.1
    late = []
    used = time.process_time()
    for at, client, request in arrivals:
        due = start + at
        while time.monotonic() < due:
            load.wait(due)
        late.append(time.monotonic() - due)
        load.send(request, client, due)
    used = time.process_time() - used
    end = start + seconds
    load.finish()
    # Not from the start: until answers come as requests do, an overloaded server builds its queue.
    steady = start + seconds / 3
    answered = sum(r[2] for r in load.results if r[1] == 200 and steady <= r[4] <= end)
    goodput = answered / (end - steady)
    offered = sum(request.tokens for _, _, request in arrivals) / seconds
    rows = summary(load.results)
    load.close()
    return {"rate": rate, "goodput": goodput, "offered": offered, "kinds": rows,
            "generator_late_p99_ms": 1000 * percentile(late, 0.99),
            "generator_late_ms": 1000 * max(late), "generator_processors": used / seconds}


def closed(address, make, connections, seconds, clients=CLIENTS, warm=1.0, rate=0):
    """Closed loop: each connection sends its next request when it has its answer.

    Requests for `rate` a second are made before the clock starts: making them takes time from the
    same processors that the server has.
    """
    take_precedence(False)
    load = Load(address)
    ready = [make() for _ in range(max(connections * 64, int(rate * (warm + seconds))))]
    start = time.monotonic()
    end = start + warm + seconds

    def again(connection):
        if time.monotonic() < end:
            request = ready.pop() if ready else make()
            load.send(request, connection.client, time.monotonic())

    load.on_end = again
    for number in range(connections):
        load.send(make(), number % clients, time.monotonic())
    while time.monotonic() < end:
        load.wait(end)
    load.on_end = None
    load.finish()
    counted = [r for r in load.results if start + warm <= r[4] <= end]
    answered = [r for r in counted if r[1] == 200]
    load.close()
    return {"connections": connections, "tokens_per_second": sum(r[2] for r in answered) / seconds,
            "requests_per_second": len(answered) / seconds, "kinds": summary(counted)}


def alone(address, make, count):
    """One request at a time, with pauses: the latency of an idle server."""
    take_precedence()
    load = Load(address)
    for _ in range(count):
        load.send(make(), 0, time.monotonic())
        load.finish()
        time.sleep(0.005)
    results = load.results[count // 10:]
    load.close()
    return summary(results)


def hits(address, texts, rounds=300):
    """What a text costs whose vector the server has kept: the median latency of requests with 1 and
    with 64 such texts, and the difference for one text, in microseconds."""
    load = Load(address)
    medians = {}
    for count in (1, 64):
        request = Request(
            "query", [texts.text(16, 16) for _ in range(count)], texts.model, texts.host)
        load.results = []
        for _ in range(rounds):
            load.send(request, 0, time.monotonic())
            load.finish()
        # The first ones are computed, and warm the caches of the processor.
        latencies = [1e6 * r[3] for r in load.results[rounds // 10:] if r[1] == 200]
        medians[count] = percentile(latencies, 0.5)
    load.close()
    return {"medians_us": medians, "text_us": (medians[64] - medians[1]) / 63}


def fairness(address, texts, seconds):
    """One client has 32 bulk requests in flight all the time; another sends single queries."""
    take_precedence()
    load = Load(address)
    end = time.monotonic() + seconds + 2
    count_from = time.monotonic() + 2
    due = collections.deque()

    def again(connection):
        if time.monotonic() >= end:
            return
        if connection.client == 0:
            load.send(texts.bulk(), 0, time.monotonic())
        else:
            due.append(time.monotonic() + 0.005)

    load.on_end = again
    for _ in range(32):
        load.send(texts.bulk(), 0, time.monotonic())
    load.send(texts.query(16, 16), 1, time.monotonic())
    while time.monotonic() < end:
        load.wait(min(due[0] if due else end, end))
        while due and due[0] <= time.monotonic():
            load.send(texts.query(16, 16), 1, due.popleft())
    results = [r for r in load.results if r[4] >= count_from]
    load.close()
    return {"kinds": summary(results)}
