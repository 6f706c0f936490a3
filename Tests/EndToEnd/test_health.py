"""Health: it answers from the first moment, and says when work is welcome."""

import os
import pathlib
import shutil

import pytest

import program
from embeddings import NAME
from contract_document import check_response


@pytest.fixture
def slow_model(model, tmp_path):
    """A copy of the model's folder whose loading waits at its tokenizer.json, which is a pipe."""
    folder = tmp_path / NAME
    folder.mkdir()
    for item in pathlib.Path(model).iterdir():
        if item.name != "tokenizer.json":
            (folder / item.name).symlink_to(item.resolve())
    os.mkfifo(folder / "tokenizer.json")
    return folder


def test_it_listens_while_the_model_is_loaded(binary, model, slow_model):
    server = program.Server(binary, "--model", slow_model)
    try:
        with server.client() as client:
            for path in ("/health", "/health/ready"):
                response = client.get(path)
                assert response.status_code == 503
                assert response.json()["error"]["code"] == "model_loading"
                check_response(path, "GET", 503, response.headers, response.content)
            assert client.get("/health/live").status_code == 200
            assert client.get("/metrics").status_code == 200
            for path, body in (("/v1/embeddings", {"model": NAME, "input": "a"}),
                               ("/tokenize", {"inputs": "a"})):
                response = client.post(path, json=body)
                assert response.status_code == 503
                assert int(response.headers["retry-after"]) >= 1
                assert response.json()["error"]["type"] == "service_unavailable_error"
            with open(slow_model / "tokenizer.json", "wb") as pipe:
                with open(pathlib.Path(model) / "tokenizer.json", "rb") as source:
                    shutil.copyfileobj(source, pipe)
            server.wait_until_ready()
            assert client.get("/health/ready").status_code == 200
            response = client.post("/v1/embeddings", json={"model": NAME, "input": "a"})
            assert response.status_code == 200
    finally:
        server.kill()


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
