"""System calls of the real program that fail, by strace's injection, under a client that knows the answers.

    python3 Tests/EndToEnd/faults.py --binary .build/release/quiver --model FOLDER

Each of twelve calls fails with each of five errors, every seventh time. Whatever happens, an answer
must be the right one or the connection must end; afterwards the program must live, answer, and hold
no more descriptors than before. EINTR and EAGAIN on the calls of a connection must not be seen at all.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import program
from prober import Connection, request_bytes

CALLS = ["accept4", "recvfrom", "sendto", "sendmsg", "epoll_wait", "epoll_ctl", "close", "write",
         "setsockopt", "shutdown", "openat", "read"]
ERRORS = ["EINTR", "EAGAIN", "ECONNRESET", "EMFILE", "ENOMEM"]
# Clients must not notice these.
UNSEEN = {(call, error) for call in ("recvfrom", "sendto", "sendmsg", "epoll_wait", "write")
          for error in ("EINTR", "EAGAIN")} | {("accept4", "EINTR"), ("epoll_wait", "ENOMEM")}
TIMEOUT = 15
GET = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
METRICS = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"


class Faults:
    """`with Faults(pid, call, error): ...`: the call fails every seventh time, in all threads."""

    def __init__(self, pid, call, error):
        self._command = [
            "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
            "-e", f"inject={call}:error={error}:when=3+7", "-p", str(pid)]
        self._pid = pid

    def __enter__(self):
        self._strace = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        end = time.monotonic() + TIMEOUT
        while not is_traced(self._pid):
            if self._strace.poll() is not None or time.monotonic() > end:
                raise RuntimeError(self._strace.stderr.read().decode().strip())
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self._strace.send_signal(signal.SIGINT)
        self._strace.wait(TIMEOUT)


def is_traced(pid):
    """Whether every thread of the process has a tracer."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status") as status:
            if "TracerPid:\t0\n" in status.read():
                return False
    return True


class Client:
    """Asks for what it knows the answer to, on kept and on new connections."""

    def __init__(self, address):
        self._address = address
        self._request = request_bytes(["river bank", "a money bank"])
        self._large = request_bytes(["river bank"] * 300)
        self.vectors = self._vectors(Connection(address).ask(self._request))
        self.broken = 0
        self.wrong = []

    @staticmethod
    def _vectors(answer):
        return [item["embedding"] for item in json.loads(answer[2])["data"]]

    def run(self, rounds):
        connection = None
        for number in range(rounds):
            try:
                connection = connection or Connection(self._address, TIMEOUT)
                self._check(connection, number)
            except ConnectionError:
                self.broken += 1
                connection = None
            except OSError as error:  # Nobody answers in time: nothing may be left hanging.
                self.wrong.append(repr(error))
                connection = None
            if number % 5 == 4 and connection:
                connection.close()
                connection = None
        if connection:
            connection.close()

    def _check(self, connection, number):
        if number % 4 == 0:
            status, _, body = connection.ask(GET)
            right = status == 200 and json.loads(body)["status"] == "ok"
        elif number % 8 == 3:
            status, _, body = connection.ask(self._large)
            right = status == 200 and len(json.loads(body)["data"]) == 300
        elif number % 8 == 7:
            status, _, body = connection.ask(METRICS)
            right = status == 200 and body.startswith(b"# HELP") and body.endswith(b"\n")
        else:
            answer = connection.ask(self._request)
            status, body = answer[0], answer[2]
            right = status == 200 and self._vectors(answer) == self.vectors
        # At its limits it may say that it cannot, but nothing else.
        if not right and status != 503:
            self.wrong.append(f"{status} {body[:100]!r}")


def descriptors(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def try_one(server, address, call, error, rounds):
    """What is wrong after one kind of fault."""
    before = descriptors(server)
    client = Client(address)
    with Faults(server.pid, call, error):
        client.run(rounds)
    problems = list(client.wrong)
    if not server.is_running:
        return problems + ["it is dead"], client
    if client.broken and (call, error) in UNSEEN:
        problems.append(f"{client.broken} connections broke")
    after = Client(address)
    after.run(4)
    if after.wrong or after.broken or after.vectors != client.vectors:
        problems.append(f"not well afterwards: {after.wrong}")
    # A close that is made to fail does not happen: what stays open then is the tool's doing.
    end = time.monotonic() + TIMEOUT
    while call != "close" and descriptors(server) > before:
        if time.monotonic() > end:
            problems.append(f"{descriptors(server) - before} descriptors more than before")
            break
        time.sleep(0.1)
    return problems, client


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--rounds", type=int, default=40, help="requests for each kind of fault")
    arguments = parser.parse_args()
    if not shutil.which("strace"):
        print("no strace here: nothing is made to fail")
        return
    server = program.Server(
        arguments.binary, "--model", arguments.model).wait_until_ready()
    address = (server.host, server.port)
    failed = False
    try:
        for call in CALLS:
            for error in ERRORS:
                try:
                    problems, client = try_one(server, address, call, error, arguments.rounds)
                except RuntimeError as reason:
                    print(f"strace cannot trace here: {reason}")
                    return
                print(f"{call} {error}: {client.broken} of {arguments.rounds} connections broke"
                      + "".join(f"; FAILED: {problem}" for problem in problems), flush=True)
                failed = failed or bool(problems)
                if not server.is_running:
                    sys.exit(1)
        failed = server.stop() != 0 or failed
    finally:
        server.kill()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
