#!/usr/bin/env python3
"""Tokens a second of given texts through the server; needs the release binary and Python alone.

    Benchmarks/texts.py --model FOLDER --texts FILE.json [--binary .build/release/quiver]
        [--dtype float32 --dtype bfloat16 --dtype int8]

FILE.json is an object of lists of texts. Each list is sent again and again, in requests of up to 32 texts in the
order of the file, on four connections; the best and the median pass are printed, all of HTTP, JSON and
tokenizing included.
"""

import argparse
import concurrent.futures
import http.client
import json
import pathlib
import statistics
import sys
import time

from started import serve

CONNECTIONS = 4
TEXTS_OF_REQUEST = 32


def work(address, bodies):
    """Sends the requests one after the other; returns their tokens."""
    connection = http.client.HTTPConnection(*address)
    tokens = 0
    for body in bodies:
        connection.request(
            "POST", "/v1/embeddings", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
        if response.status != 200:
            sys.exit(content.decode())
        tokens += json.loads(content[content.rindex(b'"usage":') + 8:-1])["total_tokens"]
    connection.close()
    return tokens


def measure(address, texts, seconds):
    """Tokens a second of each pass over the texts."""
    # At least two requests a connection, so that the last one's wait counts for little; and no text twice at a
    # time, for equal texts in the queue are computed once.
    size = max(1, min(TEXTS_OF_REQUEST, len(texts) // (2 * CONNECTIONS)))
    bodies = [
        json.dumps({"model": "m", "input": texts[first:first + size], "encoding_format": "base64"})
        for first in range(0, len(texts), size)]
    rates, begin = [], time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        while len(rates) < 3 or time.perf_counter() - begin < seconds:
            start = time.perf_counter()
            parts = [bodies[first::CONNECTIONS] for first in range(CONNECTIONS)]
            tokens = sum(pool.map(lambda part: work(address, part), parts))
            rates.append(tokens / (time.perf_counter() - start))
    return rates


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--texts", required=True, type=pathlib.Path)
    parser.add_argument("--binary", default=".build/release/quiver", type=pathlib.Path)
    parser.add_argument("--dtype", action="append")
    parser.add_argument("--seconds", type=float, default=3, help="for each list")
    arguments = parser.parse_args()
    arguments.binary = arguments.binary.resolve()
    lists = json.loads(arguments.texts.read_text(encoding="utf-8"))
    for dtype in arguments.dtype or ("float32", "bfloat16", "int8"):
        process, address = serve(arguments.binary, arguments.model, dtype)
        try:
            for name, texts in lists.items():
                rates = measure(address, texts, arguments.seconds)
                print(f"{dtype:9} {name:6} best {max(rates):7.0f} tokens/s, "
                      f"median {statistics.median(rates):7.0f}", flush=True)
        finally:
            process.terminate()
            process.wait(60)


if __name__ == "__main__":
    main()
