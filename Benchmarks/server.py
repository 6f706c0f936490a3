#!/usr/bin/env python3
"""Measures the server as its clients see it; needs the release binary and Python alone.

    Benchmarks/server.py --model FOLDER [--binary .build/release/quiver] [--out FOLDER]
        [--only latency,closed,capacity,loads,fairness,cache] [--seconds 12] [--url URL --name NAME]
        [--loads 0.6,0.85 | --rates 240,340]

Open loop: requests are sent at the times of a Poisson process, whether or not earlier ones have been
answered, and a latency counts from the time at which its request was due, so that a server that
stalls cannot hide it (no coordinated omission). Where the system allows it (as root, or with
CAP_SYS_NICE) this script goes before the server's threads, as clients elsewhere would; what it takes of
the processors is printed, and what other processes take. 79 % queries (8 to 24 tokens), 20 % documents (65 to
195), 1 % bulk requests of 32 documents; 64 clients, each with an address of its own (127.0.1.N).
With --url an OpenAI-compatible server that runs already is measured in the same way.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

from latency_plots import plot_distribution, plot_loads
from open_loop import Texts, alone, closed, fairness, hits, poisson, take_precedence

HERE = pathlib.Path(__file__).resolve().parent


class Server:
    """A `quiver serve` of our own, or one that runs already."""

    def __init__(self, arguments, *options):
        self.process = None
        if arguments.url:
            self.name = arguments.name
            host, port = arguments.url.split("//")[1].rstrip("/").rsplit(":", 1)
            self.address = (host, int(port))
            return
        command = [
            arguments.binary, "serve", "--model", arguments.model, "--port", "0",
            "--served-model-name", "bench", "--dtype", arguments.dtype, "--log-format", "json",
            "--log-level", "info", *arguments.serve_option, *options]
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

    def others_seconds(self):
        """Processor time so far of all but this script and our own server; None with another's."""
        if not self.process:
            return None
        with open("/proc/stat", encoding="ascii") as stat:
            fields = [int(field) for field in stat.readline().split()[1:]]
        # User, nice, system, interrupts, and what the hypervisor gave to others.
        busy = sum(fields[place] for place in (0, 1, 2, 5, 6, 7)) / os.sysconf("SC_CLK_TCK")
        return busy - self.processor_seconds() - time.process_time()

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(60)


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


def measure_load(arguments, server, texts, rate, load):
    others, start = server.others_seconds(), time.monotonic()
    result = poisson(server.address, texts, rate, arguments.seconds, arguments.seed)
    result["load"] = load
    share = f"load {100 * load:.0f} %" if load is not None else "load"
    title = (f"{share}: {result['rate']:.0f} requests/s, offered "
             f"{result['offered']:.0f} tokens/s, answered in time {result['goodput']:.0f}\n"
             f"  generator: p99 {result['generator_late_p99_ms']:.2f} ms late, at most "
             f"{result['generator_late_ms']:.1f}; {result['generator_processors']:.3f} processors")
    if others is not None:
        others = (server.others_seconds() - others) / (time.monotonic() - start)
        result["others_processors"] = others
        title += f"; others {others:.3f}"
    print_kinds(title, result["kinds"])
    return result


def print_multiples(kinds, alone):
    """Percentiles as multiples of the median of such a request alone."""
    parts = []
    for kind, row in kinds.items():
        median = alone[kind]["p50"]
        parts += [f"{kind} {mark} {row[mark] / median:.1f}" for mark in ("p50", "p99")
                  if row[mark] is not None]
    print("  times its own: " + ", ".join(parts), flush=True)


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
                server.address, lambda: texts.query(16, 16), connections, arguments.seconds,
                rate=1500)
            title = (f"closed loop, {connections} connections of one text: "
                     f"{result['requests_per_second']:.0f} requests/s, "
                     f"{result['tokens_per_second']:.0f} tokens/s")
            if used is not None:
                used = server.processor_seconds() - used
                title += f", {used / (arguments.seconds + 1):.2f} processors"
            print_kinds(title, result["kinds"])
            report[f"closed_{connections}"] = result
    rates = [float(rate) for rate in arguments.rates.split(",") if rate]
    if "capacity" in only or "loads" in only and not rates:
        result = closed(server.address, texts.mixed, 64, arguments.seconds)
        report["capacity"] = result
        print_kinds(f"capacity: {result['requests_per_second']:.1f} requests/s, "
                    f"{result['tokens_per_second']:.0f} tokens/s", result["kinds"])
    if "loads" in only:
        # Tokens, not requests: how many bulk requests chance brought does not matter then.
        mean = 0.79 * 16 + 0.2 * 130 + 0.01 * 32 * 130
        peak = report["capacity"]["tokens_per_second"] / mean if "capacity" in report else None
        if not rates:
            rates = [float(load) * peak for load in arguments.loads.split(",")]
        report["loads"] = []
        for rate in rates:
            load = round(rate / peak, 3) if peak else None
            report["loads"].append(measure_load(arguments, server, texts, rate, load))
            if "alone" in report:
                print_multiples(report["loads"][-1]["kinds"], report["alone"])
    if "fairness" in only:
        report["fairness"] = fairness(server.address, texts, arguments.seconds)
        print_kinds("one client with 32 bulk requests in flight, one with single queries",
                    report["fairness"]["kinds"])
    return report


def measure_cache(arguments):
    """A server of its own, for the cache is off by default."""
    server = Server(arguments, "--cache-bytes", str(64 << 20))
    try:
        host = f"{server.address[0]}:{server.address[1]}"
        result = hits(server.address, Texts(server.name, host, arguments.seed))
    finally:
        server.stop()
    print(f"texts of 16 tokens with kept vectors: a request with one {result['medians_us'][1]:.0f} us, "
          f"with 64 {result['medians_us'][64]:.0f} us, so {result['text_us']:.1f} us for a text")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--binary", default=str(HERE.parent / ".build/release/quiver"))
    parser.add_argument("--model")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("server-benchmark"))
    parser.add_argument("--only", default="latency,closed,capacity,loads,fairness,cache")
    parser.add_argument("--loads", default="0.6,0.85,1.0,1.5")
    parser.add_argument(
        "--rates", default="",
        help="requests/s instead of loads, for comparing two binaries: a capacity differs by run")
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
    if not take_precedence():
        print("the generator may not go before the server's threads: latencies have its waits in them")
    try:
        report = measure(arguments, server)
    finally:
        server.stop()
    if "cache" in arguments.only.split(",") and not arguments.url:
        report["cache"] = measure_cache(arguments)
    (arguments.out / "server.json").write_text(
        json.dumps(without_latencies(report), indent=1), encoding="utf-8")
    if report.get("loads") and "capacity" in report:
        plot_loads(report, arguments.out / "server-loads.svg")
        for load in report["loads"]:
            name = f"server-latency-{100 * load['load']:.0f}.svg"
            plot_distribution(report, arguments.out / name, load)


if __name__ == "__main__":
    main()
