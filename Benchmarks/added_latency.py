#!/usr/bin/env python3
"""Measures what the server adds to one short request, over the encoder alone in the same process.

    Benchmarks/added_latency.py --model FOLDER [--binary .build/release/quiver] [--dtype auto]

One client, one kept connection, one text of 8 tokens at a time (each another one), with a pause
before each request or without; it sleeps until the response comes, or spins. The encoder alone is
`quiver bench`'s time of one such text, on one thread and on all of them, measured before and after;
the server takes all that are idle (`--serve-option=--threads=1` for one). The client's own share is
measured, too: GET /health/live goes the same way without JSON, tokenizer, queue and
encoder.
"""

import argparse
import json
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import time

from started import serve

WORDS = ["river", "bank", "money", "water", "house", "green", "table", "paper", "music", "light"]


def post(number):
    """A request for a text of six words, which BERT's vocabulary makes 8 tokens of."""
    words = " ".join(WORDS[number // 10 ** place % 10] for place in range(6))
    body = json.dumps({"model": "m", "input": words, "encoding_format": "base64"}).encode()
    return (b"POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)) + body


def get(_):
    return b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"


def receive(connection, spins):
    """The response; who spins has no share in the time by being woken."""
    while spins:
        try:
            return connection.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            continue
    return connection.recv(65536)


def ask(connection, raw, spins):
    """The time of one exchange in microseconds, and its response."""
    begin = time.perf_counter_ns()
    connection.send(raw)
    response = receive(connection, spins)
    taken = (time.perf_counter_ns() - begin) / 1000
    if not response.startswith(b"HTTP/1.1 200"):
        sys.exit(response.decode("latin-1"))
    return taken, response


def timing(response, name):
    """One span of Server-Timing in microseconds."""
    return float(re.search(name + rb";dur=([0-9.]+)", response)[1]) * 1000


def exchanges(address, make, count, pause, spins=False):
    """The times of exchanges, and where the server says that they went."""
    connection = socket.create_connection(address)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    times, spans = [], {name: [] for name in ("tokenize", "queue", "infer")}
    for number in range(count):
        if pause:
            time.sleep(pause)
        taken, response = ask(connection, make(number * 7919), spins)
        times.append(taken)
        if b"infer;" in response:
            for name, values in spans.items():
                values.append(timing(response, name.encode()))
    connection.close()
    return times, {name: statistics.median(values) for name, values in spans.items() if values}


def encoder_alone(arguments):
    """Microseconds of one text of 8 tokens in process: on one thread, and on all."""
    output = subprocess.run(
        [arguments.binary, "bench", "--model", arguments.model, "--dtype", arguments.dtype,
         "--seconds", "0.2", "--json"], check=True, capture_output=True, text=True).stdout
    rows = [json.loads(line) for line in output.splitlines()]
    row = next(row for row in rows if row.get("length") == 8)
    return [row[key] * 1000 for key in ("single_ms", "all_threads_ms") if row.get(key)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--binary", default=".build/release/quiver", type=pathlib.Path)
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--serve-option", action="append", default=[], help="for quiver serve")
    arguments = parser.parse_args()
    arguments.binary = arguments.binary.resolve()

    alone = [encoder_alone(arguments)]
    process, address = serve(
        arguments.binary, arguments.model, arguments.dtype, *arguments.serve_option)
    try:
        exchanges(address, post, 300, 0)
        rows = [(name, how, *exchanges(address, make, arguments.count, pause, spins))
                for name, make in (("health", get), ("embedding", post))
                for how, pause, spins in (("no pause", 0, False), ("no pause, spinning", 0, True),
                                          ("2 ms pause", 0.002, False))]
    finally:
        process.terminate()
        process.wait(60)
    alone.append(encoder_alone(arguments))
    threads = ["one thread", "all threads"]
    for number, times in enumerate(zip(*alone)):
        print(f"encoder alone, {threads[number]}: {times[0]:.0f} us before, {times[1]:.0f} us after")
    least = [min(times) for times in zip(*alone)]
    for name, how, times, spans in rows:
        middle = statistics.median(times)
        added = "".join(f", {middle - time:.0f} us over {threads[number]}"
                        for number, time in enumerate(least)) if spans else ""
        added += f", {middle - spans['infer']:.0f} us outside the encoder" if spans else ""
        where = ", ".join(f"{span} {value:.0f}" for span, value in spans.items())
        print(f"{name}, {how}: p50 {middle:.0f} us, p90 "
              f"{sorted(times)[len(times) * 9 // 10]:.0f} us{added}{'; ' + where if where else ''}")


if __name__ == "__main__":
    main()
