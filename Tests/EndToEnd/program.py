"""Starts the program under test and hears what it says."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
FIXTURES = REPOSITORY / "Tests/Fixtures/EndToEnd"

# Long enough for the slowest machine; nothing waits so long unless something is wrong.
PATIENCE = 60


def clean_environment(**changes):
    """This process's environment without settings of the program, but with `changes`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QUIVER_")}
    return kept | changes


def run(binary, *arguments, input=None, environment=None, cwd=None):
    """Runs a command of the program to its end; outputs are bytes."""
    return subprocess.run(
        [binary, *map(str, arguments)], input=input, capture_output=True, timeout=PATIENCE,
        env=environment or clean_environment(), cwd=cwd)


def wait_for(condition):
    """Returns when the condition holds; fails when it does not in a long time."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


class Server:
    """A `quiver serve` on a free port of the loopback interface."""

    def __init__(self, binary, *arguments, environment=None):
        self.lines = []
        self._heard = threading.Condition()
        self._process = subprocess.Popen(
            [binary, "serve", "--port", "0", *map(str, arguments)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env=environment or clean_environment())
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self.wait_for_log("listening")["url"]
        self.host, port = self.url.split("//")[1].rsplit(":", 1)
        self.port = int(port)

    def _read(self):
        for line in self._process.stderr:
            with self._heard:
                self.lines.append(line.decode())
                self._heard.notify_all()
        with self._heard:
            self.lines.append(None)
            self._heard.notify_all()

    @property
    def pid(self):
        return self._process.pid

    @property
    def is_running(self):
        return self._process.poll() is None

    @property
    def log(self):
        """The log's entries so far."""
        return [json.loads(line) for line in list(self.lines) if line is not None]

    def wait_for_log(self, message, **fields):
        """The first entry with this message and these fields, as soon as it is there."""
        end = time.monotonic() + PATIENCE
        seen = 0
        with self._heard:
            while True:
                for line in self.lines[seen:]:
                    assert line is not None, f"it ended: {self.lines}"
                    try:
                        entry = json.loads(line)
                    except ValueError:
                        continue
                    if entry["message"] == message and fields.items() <= entry.items():
                        return entry
                seen = len(self.lines)
                left = end - time.monotonic()
                assert left > 0, f"no '{message}' in {self.lines}"
                self._heard.wait(left)

    def wait_until_ready(self):
        self.wait_for_log("ready")
        return self

    def client(self, **options):
        """An HTTP client that keeps its connections and trusts no environment."""
        return httpx.Client(
            base_url=self.url, timeout=PATIENCE, trust_env=False, **options)

    def signal(self, number=signal.SIGTERM):
        self._process.send_signal(number)

    def wait(self):
        """The exit code, once it ends; the log is complete then."""
        code = self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def stop(self):
        self.signal()
        return self.wait()

    def kill(self):
        """Ends it whatever it does, for clean-up."""
        if self.is_running:
            self._process.kill()
        self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)

    def exchange(self, raw, end_of_input=False):
        """Sends bytes on a connection of their own; all bytes that come back until it closes."""
        with socket.create_connection((self.host, self.port), timeout=PATIENCE) as connection:
            try:
                connection.sendall(raw)
                if end_of_input:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # It may answer and close before everything was sent.
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
            return received


def ending(server):
    """Ends the server; what is wrong with how it ends."""
    return [] if server.stop() == 0 else ["the server did not end as it should"]


def tell(problems):
    """Ends a script: prints what is wrong and exits with 1, or with 0 when nothing is."""
    for problem in problems:
        print(f"FAILED: {problem}")
    sys.exit(1 if problems else 0)


def parse_response(raw):
    """The status, the fields (names in lower case) and the body of the first response."""
    head, _, rest = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip()
    return int(lines[0].split(" ")[1]), fields, rest[: int(fields.get("content-length", len(rest)))]
