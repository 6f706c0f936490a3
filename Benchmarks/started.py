"""Starts a server for a measurement."""

import json
import subprocess
import sys


def serve(binary, model, dtype, *options):
    """A server that is ready, with its model named `m`, and its address."""
    process = subprocess.Popen(
        [binary, "serve", "--model", model, "--port", "0", "--dtype", dtype,
         "--served-model-name", "m", *options],
        stderr=subprocess.PIPE, text=True)
    address = None
    for line in process.stderr:
        entry = json.loads(line)
        if entry["message"] == "listening":
            host, port = entry["url"].split("//")[1].rsplit(":", 1)
            address = (host, int(port))
        if entry["message"] == "ready":
            return process, address
    sys.exit("the server ended")
