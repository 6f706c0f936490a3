"""Health: it answers from the first moment, and says when work is welcome."""

import json
import pathlib
import shutil
import struct

import pytest

import program
from embeddings import NAME
from contract_document import check_response


LAYERS = 40


@pytest.fixture
def slow_model(model, tmp_path):
    """A folder like the model's but with many more layers, all zeros, so that loading takes time."""
    folder = tmp_path / NAME
    shutil.copytree(model, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    with open(pathlib.Path(model) / "model.safetensors", "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    header.pop("__metadata__", None)
    first = "encoder.layer.0."
    tensors = {name: tensor for name, tensor in header.items() if "encoder.layer." not in name}
    for layer in range(LAYERS):
        for name, tensor in header.items():
            if first in name:
                tensors[name.replace(first, f"encoder.layer.{layer}.")] = dict(tensor)
    end = 0
    for tensor in tensors.values():
        begin, end = end, end + tensor["data_offsets"][1] - tensor["data_offsets"][0]
        tensor["data_offsets"] = [begin, end]
    text = json.dumps(tensors).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        # A hole in the file reads as zeros and takes no room.
        file.truncate(8 + len(text) + end)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"num_hidden_layers": LAYERS}))
    return folder


def ask(server, method, path, body=None):
    """One request on a connection of its own, faster than a client library's first one."""
    content = json.dumps(body).encode() if body else b""
    head = (f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n")
    status, fields, answer = program.parse_response(server.exchange(head.encode() + content))
    check_response(path, method, status, fields, answer)
    return status, fields, answer


def test_it_listens_while_the_model_is_loaded(binary, slow_model):
    server = program.Server(binary, "--model", slow_model)
    try:
        for method, path, body in (("GET", "/health", None), ("GET", "/health/ready", None),
                                   ("POST", "/v1/embeddings", {"model": NAME, "input": "a"}),
                                   ("POST", "/tokenize", {"inputs": "a"})):
            status, fields, answer = ask(server, method, path, body)
            assert status == 503
            assert json.loads(answer)["error"]["code"] == "model_loading"
            assert json.loads(answer)["error"]["type"] == "service_unavailable_error"
            assert int(fields["retry-after"]) >= 1
        for path in ("/health/live", "/metrics", "/v1/models"):
            assert ask(server, "GET", path)[0] == 200
        assert "ready" not in [entry["message"] for entry in server.log]
    finally:
        server.kill()


def test_it_is_ready_when_it_says_so(start):
    server = start()
    while ask(server, "GET", "/health/ready")[0] == 503:
        pass
    assert ask(server, "POST", "/v1/embeddings", {"model": NAME, "input": "a"})[0] == 200


def test_it_can_be_ended_while_the_model_is_loaded(binary, slow_model):
    server = program.Server(binary, "--model", slow_model)
    try:
        assert server.stop() == 0
    finally:
        server.kill()


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_health_says_ok(client, path):
    response = client.get(path)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    check_response(path, "GET", 200, response.headers, response.content)


def test_the_port_and_address_are_those_asked_for(start):
    server = start("--host", "::1").wait_until_ready()
    assert server.host == "[::1]"
    with server.client() as client:
        assert client.get("/health").status_code == 200
