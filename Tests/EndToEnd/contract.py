"""Has schemathesis hold the service to openapi.yaml, with generated requests, valid and not.

Not a part of the tests that pytest finds, as it takes minutes: .ci/run calls it.
"""

import argparse
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile

import yaml

import program
from contract_document import document

# Of all-MiniLM-L6-v2.
VOCABULARY = 30522
DIMENSIONS = 384

SETTINGS = """
# A request that gives itself a millisecond gets a 503, as it should.
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503]
"""

KEY = "sk-contract-contract-contract"


def narrowed_document():
    """The document with the limits that depend on the model filled in.

    Without them a valid request by the document may be refused for the model's sake.
    """
    narrowed = yaml.safe_load(yaml.safe_dump(document()))
    schemas = narrowed["components"]["schemas"]
    schemas["TokenID"]["maximum"] = VOCABULARY - 1
    schemas["EmbeddingsRequest"]["properties"]["dimensions"]["maximum"] = DIMENSIONS
    schemas["EmbeddingsRequest"]["properties"]["prompt_name"]["enum"] = ["query", "document", None]
    # Choices that exclude each other, a prompt for token ids, and one that leaves no room for a text
    # are in the document's words only.
    del schemas["EmbeddingsRequest"]["properties"]["prompt"]
    schemas["EmbeddingsRequest"]["properties"]["level"]["enum"] = ["text", None]
    schemas["EmbeddingsRequest"]["properties"]["long_text"]["enum"] = ["truncate", None]
    schemas["EmbeddingsRequest"]["properties"]["chunk_tokens"] = {"type": "null"}
    return narrowed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--examples", type=int, default=100, help="for each operation")
    parser.add_argument("--seed", type=int, default=1)
    arguments, more = parser.parse_known_args()

    # Keys are asked for, as the document says, so that what is open by mistake is found.
    keys = tempfile.NamedTemporaryFile("w", prefix="keys-")
    keys.write(hashlib.sha256(KEY.encode()).hexdigest() + " contract\n")
    keys.flush()
    server = program.Server(
        arguments.binary, "--model", arguments.model, "--api-key-file", keys.name,
        "--served-model-name", "all-MiniLM-L6-v2", "--served-model-name", "*")
    try:
        server.wait_until_ready()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "openapi.yaml"
            path.write_text(yaml.safe_dump(narrowed_document(), sort_keys=False))
            (path.parent / "schemathesis.toml").write_text(SETTINGS)
            hooks = pathlib.Path(__file__).with_name("contract_hooks.py")
            status = subprocess.run([
                pathlib.Path(sys.executable).parent / "st", "run", path, "--url", server.url,
                "--header", f"Authorization: Bearer {KEY}",
                "--mode", "all", "--max-examples", str(arguments.examples),
                "--seed", str(arguments.seed), "--workers", "2", "--no-color", *more,
            ], cwd=folder, env=os.environ | {"SCHEMATHESIS_HOOKS": str(hooks)}).returncode
        ended_well = server.stop() == 0
    finally:
        server.kill()
    sys.exit(status or not ended_well)


if __name__ == "__main__":
    main()
