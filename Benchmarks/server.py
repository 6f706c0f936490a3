#!/usr/bin/env python3
"""Measures the server as its clients see it; needs the release binary and Python alone.

    Benchmarks/server.py --model FOLDER [--binary .build/release/quiver] [--out FOLDER]
        [--only latency,capacity,loads,closed,fairness] [--seconds 12] [--url URL --name NAME]

Open loop: requests are sent at the times of a Poisson process, whether or not earlier ones have been
answered, and a latency counts from the time at which its request was due, so that a server that
stalls cannot hide it (no coordinated omission). 79 % queries (8 to 24 tokens), 20 % documents (65 to
195), 1 % bulk requests of 32 documents; 64 clients, each with an address of its own (127.0.1.N).
With --url an OpenAI-compatible server that runs already is measured in the same way.
"""

import argparse
import collections
import json
import math
import os
import pathlib
import random
import selectors
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
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
    __slots__ = ("socket", "client", "request", "due", "sent", "received", "missing", "pending",
                 "status")


class Load:
    """Sends requests on as many connections as they need, and notes what becomes of them."""

    def __init__(self, address):
        self.address = address
        self.selector = selectors.DefaultSelector()
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
        self.selector.register(connection.socket, selectors.EVENT_READ, connection)
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
        connection.received, connection.missing, connection.status = b"", None, 0
        self.busy += 1
        connection.pending = memoryview(request.data)
        self.write(connection)

    def write(self, connection):
        try:
            sent = connection.socket.send(connection.pending)
        except BlockingIOError:
            sent = 0
        connection.pending = connection.pending[sent:]
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.pending else 0)
        if connection.pending or self.selector.get_key(connection.socket).events != events:
            self.selector.modify(connection.socket, events, connection)

    def wait(self, until):
        """Handles what comes in; returns at `until`, or earlier when something came."""
        timeout = until - time.monotonic()
        for key, events in self.selector.select(max(timeout, 0)):
            if events & selectors.EVENT_WRITE:
                self.write(key.data)
            if events & selectors.EVENT_READ:
                self.read(key.data)

    def read(self, connection):
        data = connection.socket.recv(1 << 20)
        now = time.monotonic()
        if not data:
            self.selector.unregister(connection.socket)
            connection.socket.close()
            if connection.request is not None:
                self.end(connection, 0, now)
            elif connection in self.idle[connection.client]:
                self.idle[connection.client].remove(connection)
            return
        if connection.missing is None:
            connection.received += data
            head, found, rest = connection.received.partition(b"\r\n\r\n")
            if not found:
                return
            connection.status = int(head[9:12])
            place = head.lower().find(b"content-length:") + len("content-length:")
            length = int(head[place:head.find(b"\r", place) if b"\r" in head[place:] else None])
            connection.missing = length - len(rest)
        else:
            connection.missing -= len(data)
        if connection.missing <= 0:
            status, client = connection.status, connection.client
            self.idle[client].append(connection)
            self.end(connection, status, now)

    def end(self, connection, status, now):
        request, connection.request = connection.request, None
        self.busy -= 1
        self.results.append((request.kind, status, request.tokens, now - connection.due, now))
        if self.on_end:
            self.on_end(connection)

    def finish(self, seconds=60):
        end = time.monotonic() + seconds
        while self.busy and time.monotonic() < end:
            self.wait(time.monotonic() + 0.1)

    def close(self):
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()


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
    arrivals, chance = [], random.Random(seed)
    at = 0.0
    while at < seconds:
        at += chance.expovariate(rate)
        arrivals.append((at, chance.randrange(CLIENTS), texts.mixed()))
    load = Load(address)
    load.open(CLIENTS, 1)
    start = time.monotonic() + 0.1
    late = 0.0
    for at, client, request in arrivals:
        due = start + at
        while time.monotonic() < due:
            load.wait(due)
        late = max(late, time.monotonic() - due)
        load.send(request, client, due)
    end = start + seconds
    load.finish()
    goodput = sum(r[2] for r in load.results if r[1] == 200 and r[4] <= end) / seconds
    offered = sum(request.tokens for _, _, request in arrivals) / seconds
    rows = summary(load.results)
    load.close()
    return {"rate": rate, "goodput": goodput, "offered": offered, "kinds": rows,
            "generator_late_ms": 1000 * late}


def closed(address, make, connections, seconds, clients=CLIENTS, warm=1.0):
    """Closed loop: each connection sends its next request when it has its answer."""
    load = Load(address)
    start = time.monotonic()
    end = start + warm + seconds
    ready = [make() for _ in range(connections * 64)]

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
    load = Load(address)
    for _ in range(count):
        load.send(make(), 0, time.monotonic())
        load.finish()
        time.sleep(0.005)
    results = load.results[count // 10:]
    load.close()
    return summary(results)


def fairness(address, texts, seconds):
    """One client has 32 bulk requests in flight all the time; another sends single queries."""
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


class Server:
    """A `quiver serve` of our own, or one that runs already."""

    def __init__(self, arguments):
        self.process = None
        if arguments.url:
            self.name = arguments.name
            host, port = arguments.url.split("//")[1].rstrip("/").rsplit(":", 1)
            self.address = (host, int(port))
            return
        command = [
            arguments.binary, "serve", "--model", arguments.model, "--port", "0",
            "--served-model-name", "bench", "--dtype", arguments.dtype, "--log-format", "json",
            "--log-level", "info", *arguments.serve_option]
        self.name = "bench"
        self.log = open(arguments.out / "server.log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(command, stderr=self.log)
        for line in self.lines():
            entry = json.loads(line)
            if entry["message"] == "listening":
                host, port = entry["url"].split("//")[1].rsplit(":", 1)
                self.address = (host, int(port))
            if entry["message"] == "ready":
                self.ready = entry
                return

    def lines(self):
        with open(self.log.name, encoding="utf-8") as log:
            while self.process.poll() is None:
                line = log.readline()
                if line.endswith("\n"):
                    yield line
                else:
                    time.sleep(0.05)
        sys.exit("the server ended: " + pathlib.Path(self.log.name).read_text(encoding="utf-8"))

    def processor_seconds(self):
        """User and system time of our own server so far; None of another's."""
        if not self.process:
            return None
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")")[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(60)


# ---- plots -------------------------------------------------------------------------------------

COLOURS = {"query": "#1769aa", "document": "#2e7d32", "bulk": "#b3541e"}


class Plot:
    """A chart with a logarithmic axis of milliseconds, as SVG text."""

    WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 70, 190, 40, 50

    def __init__(self, title, x_label, low, high):
        self.low, self.high, self.parts = low, high, []
        self.add(f'<text x="{self.LEFT}" y="22" font-size="15">{title}</text>')
        self.add(f'<text x="{(self.LEFT + self.WIDTH - self.RIGHT) / 2}" y="{self.HEIGHT - 10}" '
                 f'text-anchor="middle">{x_label}</text>')
        self.log = math.log10
        decade = low
        while decade <= high * 1.001:
            y = self.y(decade)
            self.add(f'<line x1="{self.LEFT}" x2="{self.WIDTH - self.RIGHT}" y1="{y}" y2="{y}" '
                     'stroke="#ddd"/>')
            self.add(f'<text x="{self.LEFT - 8}" y="{y + 4}" text-anchor="end">{decade:g} ms</text>')
            decade *= 10
        self.legends = 0

    def add(self, text):
        self.parts.append(text)

    def y(self, value):
        span = self.log(self.high) - self.log(self.low)
        part = (self.log(min(max(value, self.low), self.high)) - self.log(self.low)) / span
        return round(self.HEIGHT - self.BOTTOM - part * (self.HEIGHT - self.BOTTOM - self.TOP), 1)

    def x(self, part):
        return round(self.LEFT + part * (self.WIDTH - self.RIGHT - self.LEFT), 1)

    def tick(self, part, label):
        self.add(f'<text x="{self.x(part)}" y="{self.HEIGHT - self.BOTTOM + 18}" '
                 f'text-anchor="middle">{label}</text>')

    def line(self, points, colour, label, dash="", dots=True):
        points = [(self.x(part), self.y(value)) for part, value in points if value is not None]
        path = " ".join(f"{x},{y}" for x, y in points)
        self.add(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" '
                 f'stroke-dasharray="{dash}"/>')
        if dots:
            for x, y in points:
                self.add(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>')
        y = self.TOP + 10 + 18 * self.legends
        x = self.WIDTH - self.RIGHT + 12
        self.add(f'<line x1="{x}" x2="{x + 26}" y1="{y}" y2="{y}" stroke="{colour}" '
                 f'stroke-width="2" stroke-dasharray="{dash}"/>')
        self.add(f'<text x="{x + 32}" y="{y + 4}">{label}</text>')
        self.legends += 1

    def write(self, path):
        path.write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.WIDTH}" height="{self.HEIGHT}" '
            'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" '
            'fill="white"/>\n' + "\n".join(self.parts) + "\n</svg>\n", encoding="utf-8")


def plot_loads(report, path):
    """Percentiles by load."""
    loads = report["loads"]
    plot = Plot("Latency by load, open loop (solid: p50, dashed: p99)",
                "load, % of the measured capacity", 1, 100_000)
    for index, load in enumerate(loads):
        plot.tick(index / max(len(loads) - 1, 1), f"{100 * load['load']:.0f}")
    for kind in KINDS:
        for part, dash in (("p50", ""), ("p99", "6 4")):
            points = [(index / max(len(loads) - 1, 1), load["kinds"].get(kind, {}).get(part))
                      for index, load in enumerate(loads)]
            plot.line(points, COLOURS[kind], f"{kind} {part}", dash)
    plot.write(path)


def plot_distribution(report, path, load):
    """The whole distribution at one load."""
    plot = Plot(f"Latency at {100 * load['load']:.0f} % of the capacity", "percentile", 1, 10_000)
    marks = (0, 0.5, 0.9, 0.99, 0.999)
    for mark in marks:
        # The tail gets half of the width: an axis of nines.
        plot.tick(nines(mark), f"{100 * mark:g}")
    for kind in KINDS:
        values = load["kinds"].get(kind, {}).get("latencies", [])
        steps = [step / 200 for step in range(201)]
        points = [(step, percentile(values, 1 - 10 ** (-3 * step))) for step in steps]
        plot.line(points, COLOURS[kind], kind, dots=False)
    plot.write(path)


def nines(part):
    return -math.log10(1 - part) / 3


# ---- the run -----------------------------------------------------------------------------------


def print_kinds(title, rows):
    print(title)
    for kind, row in rows.items():
        def ms(value):
            return "-" if value is None else f"{value:.1f}"
        print(f"  {kind:9} p50 {ms(row['p50']):>8} p95 {ms(row['p95']):>8} p99 {ms(row['p99']):>8} "
              f"ms   {row['answered']} answered, {row['refused']} refused "
              f"(their p99 {ms(row['refused_p99'])} ms)", flush=True)


def without_latencies(value):
    if isinstance(value, dict):
        return {key: without_latencies(part) for key, part in value.items() if key != "latencies"}
    if isinstance(value, list):
        return [without_latencies(part) for part in value]
    return value


def measure(arguments, server):
    host = f"{server.address[0]}:{server.address[1]}"
    texts = Texts(server.name, host, arguments.seed)
    only = set(arguments.only.split(","))
    report = {}
    if "latency" in only:
        report["alone"] = alone(server.address, lambda: texts.query(16, 16), 300)
        report["alone"].update(alone(server.address, texts.document, 100))
        report["alone"].update(alone(server.address, texts.bulk, 6))
        print_kinds("one at a time", report["alone"])
        for length in (8, 16):
            rows = alone(server.address, lambda: texts.query(length, length), 300)
            print_kinds(f"one at a time, {length} tokens", rows)
    if "closed" in only:
        for connections in (1, 32):
            used = server.processor_seconds()
            result = closed(
                server.address, lambda: texts.query(16, 16), connections, arguments.seconds)
            title = (f"closed loop, {connections} connections of one text: "
                     f"{result['requests_per_second']:.0f} requests/s, "
                     f"{result['tokens_per_second']:.0f} tokens/s")
            if used is not None:
                used = server.processor_seconds() - used
                title += f", {used / (arguments.seconds + 1):.2f} processors"
            print_kinds(title, result["kinds"])
            report[f"closed_{connections}"] = result
    if "capacity" in only or "loads" in only:
        result = closed(server.address, texts.mixed, 64, arguments.seconds)
        report["capacity"] = result
        print_kinds(f"capacity: {result['requests_per_second']:.1f} requests/s, "
                    f"{result['tokens_per_second']:.0f} tokens/s", result["kinds"])
    if "loads" in only:
        # Tokens, not requests: how many bulk requests chance brought does not matter then.
        mean = 0.79 * 16 + 0.2 * 130 + 0.01 * 32 * 130
        peak = report["capacity"]["tokens_per_second"] / mean
        report["loads"] = []
        for load in map(float, arguments.loads.split(",")):
            result = poisson(
                server.address, texts, load * peak, arguments.seconds, arguments.seed)
            result["load"] = load
            report["loads"].append(result)
            print_kinds(
                f"load {100 * load:.0f} %: {result['rate']:.0f} requests/s, offered "
                f"{result['offered']:.0f} tokens/s, answered in time {result['goodput']:.0f} "
                f"(generator at most {result['generator_late_ms']:.1f} ms late)", result["kinds"])
    if "fairness" in only:
        report["fairness"] = fairness(server.address, texts, arguments.seconds)
        print_kinds("one client with 32 bulk requests in flight, one with single queries",
                    report["fairness"]["kinds"])
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--binary", default=str(HERE.parent / ".build/release/quiver"))
    parser.add_argument("--model")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("server-benchmark"))
    parser.add_argument("--only", default="latency,closed,capacity,loads,fairness")
    parser.add_argument("--loads", default="0.6,0.85,1.0,1.5")
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--serve-option", action="append", default=[])
    parser.add_argument("--url", help="measure this server instead of starting one")
    parser.add_argument("--name", default="bench", help="the model's name there")
    arguments = parser.parse_args()
    if not arguments.url and not arguments.model:
        parser.error("--model or --url is needed")
    arguments.out.mkdir(parents=True, exist_ok=True)
    server = Server(arguments)
    try:
        report = measure(arguments, server)
    finally:
        server.stop()
    (arguments.out / "server.json").write_text(
        json.dumps(without_latencies(report), indent=1), encoding="utf-8")
    if report.get("loads"):
        plot_loads(report, arguments.out / "server-loads.svg")
        for load in report["loads"]:
            name = f"server-latency-{100 * load['load']:.0f}.svg"
            plot_distribution(report, arguments.out / name, load)


if __name__ == "__main__":
    main()
