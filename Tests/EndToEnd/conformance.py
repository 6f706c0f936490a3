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

import program


def json_failures(server, cases):
    """The ids of JSON texts that the service takes for something else than they are.

    Each is sent as the whole body, which may only ever be refused, and as an unknown field's value in an
    otherwise good request, which is taken if and only if the text is JSON.
    """
    failures = []
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
            failures.append((case["id"], case["expect"], statuses))
    connection.close()
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--tables", required=True, type=pathlib.Path)
    arguments = parser.parse_args()

    server = program.Server(
        arguments.binary, "--model", arguments.model, "--served-model-name", "*")
    failed = False
    try:
        server.wait_until_ready()
        cases = (arguments.tables / "json_cases.jsonl").read_text().splitlines()
        for failure in json_failures(server, map(json.loads, cases)):
            print("JSON:", *failure)
            failed = True
        for split in ([], ["--split", "1"]):
            failed |= subprocess.run([
                sys.executable, arguments.tables / "run_http_cases.py", server.host,
                str(server.port), "--strict", *split]).returncode != 0
        failed |= server.stop() != 0
    finally:
        server.kill()
    sys.exit(failed)


if __name__ == "__main__":
    main()
