"""Three times what the program can do, for a minute: what of it is done, and how the rest is told.

    python3 Tests/EndToEnd/overload.py --binary .build/release/quiver --model FOLDER [--strict]

First the peak is measured, then an open loop sends at three times that rate. It fails when something
other than 200, 429 and 503 comes, or a refusal without Retry-After; with --strict, which only a quiet
machine can tell, also when goodput falls below 90 % of the peak, the 99th percentile of what was
admitted is longer than twice the target, a refusal takes 50 ms, all are told to return at the same
time, or a lone request is not as fast as before 5 s after the end.
"""

import argparse
import multiprocessing
import time

import program
from prober import Connection, percentile, request_bytes

# The queue refuses what it would have to let wait for longer than this (docs/batching.md).
TARGET = 5.0
TEXTS = 8
WORDS = 60


def request(number):
    """Enough work that a client costs little beside it; every text is another one."""
    filler = " ".join(["river", "money"] * (WORDS // 2))
    return request_bytes([f"{number} {place} {filler}" for place in range(TEXTS)])


def ask(address, seed, count, begin, interval, end, results):
    """Asks one request after the other, each not before its time; reports every outcome."""
    connection, outcomes = None, []
    for turn in range(count):
        due = begin + turn * interval
        if (wait := due - time.monotonic()) > 0:
            time.sleep(wait)
        start = time.monotonic()
        if start >= end:
            break
        try:
            connection = connection or Connection(address, 60)
            status, fields, _ = connection.ask(request(f"{seed} {turn}"))
            if fields.get("connection") == "close":
                connection = None
        except OSError as error:
            status, fields, connection = repr(error), {}, None
        outcomes.append((status, start, time.monotonic(), fields.get("retry-after")))
    results.put(outcomes)


def play(address, clients, seconds, rate=None):
    """All outcomes of so many clients; without a rate each asks again as soon as it has its answer."""
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    begin = time.monotonic() + 0.2
    interval = clients / rate if rate else 0
    processes = [
        context.Process(target=ask, daemon=True, args=(
            address, number, 1 << 30, begin + (number * interval / clients), interval,
            begin + seconds, results))
        for number in range(clients)]
    for process in processes:
        process.start()
    outcomes = [outcome for _ in processes for outcome in results.get(timeout=seconds + 120)]
    for process in processes:
        process.join()
    return begin, outcomes


def goodput(begin, outcomes, seconds):
    """Answers a second that came within the time, the first fifth left out."""
    first, last = begin + seconds / 5, begin + seconds
    return sum(status == 200 and first <= done <= last for status, _, done, _ in outcomes) / (
        last - first)


def lone(address):
    times = []
    connection = Connection(address)
    for number in range(5):
        start = time.monotonic()
        connection.ask(request(f"alone {number}"))
        times.append(time.monotonic() - start)
    connection.close()
    return percentile(times, 0.5)


def judge(arguments, peak, begin, outcomes):
    """What came of the overload, and what is wrong with it."""
    strict, problems = [], []
    admitted = [done - start for status, start, done, _ in outcomes if status == 200]
    refused = [(done - start, after) for status, start, done, after in outcomes
               if status in (429, 503)]
    others = [status for status, *_ in outcomes if status not in (200, 429, 503)]
    good = goodput(begin, outcomes, arguments.seconds)
    returns = sorted({int(after) for _, after in refused if after})
    print(f"goodput {good:.1f} requests/s, {good / peak:.0%} of the peak; "
          f"{len(admitted)} admitted, p50 {percentile(admitted, 0.5):.2f} s, "
          f"p99 {percentile(admitted, 0.99):.2f} s; {len(refused)} refused", flush=True)
    if refused:
        times = [taken for taken, _ in refused]
        print(f"refusals: p50 {percentile(times, 0.5) * 1e3:.1f} ms, "
              f"p99 {percentile(times, 0.99) * 1e3:.1f} ms, at most {max(times) * 1e3:.1f} ms; "
              f"Retry-After {returns} s", flush=True)
        if not all(after for _, after in refused):
            problems.append("a refusal without Retry-After")
        if percentile(times, 0.99) > 0.05:
            strict.append("refusals take more than 50 ms")
        if len(returns) < 2:
            strict.append("all refused are told to return at the same time")
    else:
        problems.append("nothing was refused: this was no overload")
    if others:
        problems.append(f"{len(others)} other outcomes, such as {others[0]}")
    if good < 0.9 * peak:
        strict.append("goodput is below 90 % of the peak")
    if percentile(admitted, 0.99) > 2 * TARGET:
        strict.append("the 99th percentile of the admitted is beyond twice the target")
    return problems + (strict if arguments.strict else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=400)
    parser.add_argument("--strict", action="store_true", help="times matter, too")
    arguments = parser.parse_args()
    server = program.Server(
        arguments.binary, "--model", arguments.model).wait_until_ready()
    address = (server.host, server.port)
    try:
        alone = lone(address)
        begin, outcomes = play(address, 8, arguments.seconds / 4)
        peak = goodput(begin, outcomes, arguments.seconds / 4)
        print(f"alone {alone * 1e3:.1f} ms; peak {peak:.1f} requests/s of {TEXTS} texts with about "
              f"{WORDS} words", flush=True)
        begin, outcomes = play(address, arguments.clients, arguments.seconds, 3 * peak)
        problems = judge(arguments, peak, begin, outcomes)
        recovered = time.monotonic()
        while lone(address) > 2 * alone and time.monotonic() < recovered + 60:
            pass
        taken = time.monotonic() - recovered
        print(f"as fast as before after {taken:.1f} s")
        if arguments.strict and taken > 5:
            problems.append("recovery takes more than 5 s")
        problems += program.ending(server)
    finally:
        server.kill()
    program.tell(problems)


if __name__ == "__main__":
    main()
