"""Runs tables of hostile requests against the service: raw HTTP, and JSON bodies.

The tables are not a part of the project; .ci/run calls this where they are at hand.
"""

import argparse
import base64
import http.client
import json
import pathlib
import subprocess
import sys
import tempfile

import program
from certificates import make_certificate, trusting
from tls_forwarder import TLSForwarder


def json_failures(server, cases):
    """The ids of JSON texts that the service takes for something else than they are.

    Each is sent as the whole body, which may only ever be refused, and as an unknown field's value in an
    otherwise good request, which is taken if and only if the text is JSON.
    """
    connection = http.client.HTTPConnection(server.host, server.port, timeout=program.PATIENCE)
    for case in cases:
        text = base64.b64decode(case["raw_base64"])
        wrapped = b'{"model": "m", "input": "a", "x": ' + text + b"}"
        statuses = []
        for body in (text, wrapped):
            connection.request(
                "POST", "/v1/embeddings", body, {"content-type": "application/json"})
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
        expected = {"accept": {200}, "reject": {400}, "either": {200, 400}}[case["expect"]]
        if statuses[0] != 400 or statuses[1] not in expected:
            yield case["id"], case["expect"], statuses
    connection.close()


# A target of the form https://... is wrong in cleartext only.
NOT_FOR_TLS = "t-abs-https-on-cleartext"


def run_http_cases(tables, host, port, *flags):
    """Runs the table at once and byte by byte; whether every row passed."""
    runner = tables / "run_http_cases.py"
    good = True
    for split in ([], ["--split", "1"]):
        command = [sys.executable, runner, host, str(port), "--strict", *split, *flags]
        good &= subprocess.run(command).returncode == 0
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--tables", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    flags = ["--model", arguments.model, "--served-model-name", "*"]
    good = True
    servers = []
    try:
        print("== cleartext", flush=True)
        server = program.Server(arguments.binary, *flags).wait_until_ready()
        servers.append(server)
        cases = (arguments.tables / "json_cases.jsonl").read_text().splitlines()
        for failure in json_failures(server, map(json.loads, cases)):
            print("JSON:", *failure)
            good = False
        good &= run_http_cases(arguments.tables, server.host, server.port)
        print("== TLS", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = make_certificate(pathlib.Path(folder), "server")
            secured = program.Server(
                arguments.binary, *flags, "--tls-cert", certificate, "--tls-key", key)
            servers.append(secured.wait_until_ready())
            forwarder = TLSForwarder(secured.host, secured.port, trusting(certificate))
            good &= run_http_cases(
                arguments.tables, "127.0.0.1", forwarder.port, "--only", f"^(?!{NOT_FOR_TLS} )")
            forwarder.close()
        good &= all([server.stop() == 0 for server in servers])
    finally:
        for server in servers:
            server.kill()
    sys.exit(not good)


if __name__ == "__main__":
    main()
