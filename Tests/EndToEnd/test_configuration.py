"""Flags over environment over file over defaults; what cannot be is said in one line."""

import json
import os
import pathlib
import re
import shutil
import socket

import pytest
import yaml

import program
from embeddings import NAME

FILE = program.REPOSITORY / "config/quiver.yaml"


def inputs_maximum(server):
    """The setting max-inputs as the server keeps it."""
    server.wait_until_ready()
    with server.client() as client:
        response = client.post("/v1/embeddings", json={"model": NAME, "input": ["a"] * 100})
        assert response.status_code == 400
        return int(re.search(r"more than (\d+) ", response.json()["error"]["message"])[1])


def test_a_flag_wins_over_a_variable_over_the_file(start, tmp_path):
    file = tmp_path / "quiver.yaml"
    file.write_text("max-inputs: 2\n")
    from_file = ["--config", file]
    variable = program.clean_environment(QUIVER_MAX_INPUTS="3")
    assert inputs_maximum(start(*from_file)) == 2
    assert inputs_maximum(start(*from_file, environment=variable)) == 3
    assert inputs_maximum(start(*from_file, "--max-inputs", 4, environment=variable)) == 4


def test_the_file_can_be_named_by_a_variable(start, tmp_path):
    file = tmp_path / "quiver.yaml"
    file.write_text("max-inputs: 7\nserved-model-name:\n  - " + NAME + "\n  - other\n")
    server = start(environment=program.clean_environment(QUIVER_CONFIG=str(file)))
    assert inputs_maximum(server) == 7
    with server.client() as client:
        listed = [item["id"] for item in client.get("/v1/models").json()["data"]]
    assert listed == [NAME, "other"]


def test_a_variable_can_hold_a_list(start):
    names = program.clean_environment(QUIVER_SERVED_MODEL_NAME="one,two")
    with start(environment=names).client() as client:
        assert [item["id"] for item in client.get("/v1/models").json()["data"]] == ["one", "two"]


def flags_of(binary):
    help = program.run(binary, "serve", "--help").stdout.decode()
    return set(re.findall(r"--([a-z0-9-]+)", help)) - {"help", "version", "config"}


def test_the_example_file_has_every_setting(binary):
    text = FILE.read_text()
    keys = set(re.findall(r"^(?:# )?([a-z0-9-]+): ", text, re.MULTILINE))
    # The long text of the command names two flags in passing, which are settings too.
    assert keys == flags_of(binary)


def test_the_example_file_is_good_as_it_is_and_with_everything_uncommented(start, tmp_path):
    start("--config", FILE).wait_until_ready()
    settings = yaml.safe_load(FILE.read_text())
    file = tmp_path / "quiver.yaml"
    file.write_text(re.sub(r"^# (served-model-name: )", r"\1", FILE.read_text(), flags=re.M))
    assert "served-model-name" in yaml.safe_load(file.read_text())
    assert settings["port"] == 8080
    start("--config", file).wait_until_ready()


def refused(binary, *arguments, **options):
    """The one line with which the program refuses to start."""
    finished = program.run(binary, "serve", *arguments, **options)
    output = finished.stderr.decode()
    assert finished.returncode == 2, output
    assert finished.stdout == b""
    # The log before it may have said that it listens; that is no complaint.
    lines = [line for line in output.splitlines() if not line.startswith("{")]
    assert len(lines) == 1, output
    return lines[0]


@pytest.mark.parametrize("flags, words", [
    (["--port", "x"], ["port", "'x'", "65535"]),
    (["--port", "70000"], ["port", "70000", "65535"]),
    (["--dtype", "float64"], ["dtype", "float64", "bfloat16"]),
    (["--kernels", "sse"], ["kernels", "sse", "avx2"]),
    (["--threads", "0"], ["threads", "0", "1024"]),
    (["--max-body-bytes=-1"], ["max-body-bytes", "-1"]),
    (["--idle-timeout", "soon"], ["idle-timeout", "soon", "seconds"]),
    (["--truncate", "maybe"], ["truncate", "maybe", "true"]),
    (["--log-level", "loud"], ["log-level", "loud", "debug"]),
    (["--tls-cert", "/nowhere.pem"], ["tls-key"]),
    (["--queue-tokens", "10", "--batch-tokens", "128"], ["queue-tokens", "batch-tokens"]),
    (["--drain-delay", "60"], ["drain-delay", "shutdown-grace"]),
    (["--host", "not an address"], ["not an address"]),
    (["--host", "192.0.2.1"], ["192.0.2.1"]),
    (["--config", "/nowhere.yaml"], ["/nowhere.yaml"]),
])
def test_a_bad_flag_is_named(binary, model, flags, words):
    line = refused(binary, "--model", model, *flags)
    assert all(word in line for word in words), line


@pytest.mark.parametrize("text, words", [
    ("max-imputs: 5\n", [":1", "max-imputs", "max-inputs"]),
    ("port: 8080\nnonsense: 1\n", [":2", "nonsense"]),
    ("port: many\n", [":1", "port", "many"]),
    ("port: [1, 2]\n", [":1", "port"]),
    ("port: 1\nport: 2\n", [":2", "port", "twice"]),
    ("model: {folder: x}\n", [":1", "model"]),
    ("- port\n", [":1"]),
    ("port: 'open\n", ["quiver.yaml:"]),
])
def test_a_bad_file_is_named_with_its_line(binary, model, tmp_path, text, words):
    file = tmp_path / "quiver.yaml"
    file.write_text(text)
    line = refused(binary, "--model", model, "--config", file)
    assert str(file) in line
    assert all(word in line for word in words), line


@pytest.mark.parametrize("name, value, words", [
    ("QUIVER_PORT", "x", ["QUIVER_PORT", "'x'"]),
    ("QUIVER_PROT", "8080", ["QUIVER_PROT"]),
    ("QUIVER_TRUNCATE", "1", ["QUIVER_TRUNCATE", "true"]),
])
def test_a_bad_variable_is_named(binary, model, name, value, words):
    environment = program.clean_environment(**{name: value})
    line = refused(binary, "--model", model, environment=environment)
    assert all(word in line for word in words), line


def test_an_unknown_flag_is_named(binary, model):
    finished = program.run(binary, "serve", "--model", model, "--prot", "1")
    assert finished.returncode == 2
    assert "--prot" in finished.stderr.decode().splitlines()[0]


def test_no_model_is_said(binary):
    assert "--model" in refused(binary)


def test_a_port_in_use_is_said(binary, model):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert port in refused(binary, "--model", model, "--port", port)


@pytest.fixture
def folder(model, tmp_path):
    """A copy of the model's folder, to be spoilt."""
    copy = tmp_path / NAME
    shutil.copytree(model, copy, symlinks=False)
    return copy


def spoil_json(name, **changes):
    def spoil(folder):
        path = folder / name
        content = json.loads(path.read_text())
        path.write_text(json.dumps(content | changes))
    return spoil


def remove(*names):
    def spoil(folder):
        for name in names:
            (folder / name).unlink()
    return spoil


def cut(name, size):
    return lambda folder: os.truncate(folder / name, size)


def write(name, text):
    return lambda folder: (folder / name).write_text(text)


@pytest.mark.parametrize("spoil, words", [
    (remove("config.json"), ["config.json"]),
    (remove("tokenizer.json", "vocab.txt"), ["tokenizer.json"]),
    (remove("model.safetensors"), ["model.safetensors"]),
    (remove("1_Pooling/config.json"), ["1_Pooling"]),
    (cut("model.safetensors", 0), ["model.safetensors"]),
    (cut("model.safetensors", 4), ["model.safetensors"]),
    (cut("model.safetensors", 5000), ["model.safetensors"]),
    (cut("model.safetensors", 1 << 20), ["model.safetensors"]),
    (cut("tokenizer.json", 1000), ["tokenizer.json"]),
    (write("config.json", ""), ["config.json"]),
    (write("config.json", "{]"), ["config.json"]),
    (write("modules.json", "{}"), ["modules.json"]),
    (spoil_json("config.json", hidden_size=385), ["config.json", "hidden_size"]),
    (spoil_json("config.json", hidden_size="wide"), ["config.json", "hidden_size"]),
    (spoil_json("config.json", num_hidden_layers=7), ["model.safetensors"]),
    (spoil_json("config.json", model_type="gpt2"), ["config.json", "model_type", "gpt2", "bert"]),
    (spoil_json("config.json", hidden_act="swish7"), ["config.json", "hidden_act", "swish7"]),
], ids=lambda value: None if callable(value) else "-".join(value))
def test_a_bad_model_folder_is_named(binary, folder, spoil, words):
    spoil(folder)
    line = refused(binary, "--model", folder, "--port", "0")
    assert all(word in line for word in words), line


def test_a_missing_folder_is_said(binary, tmp_path):
    missing = tmp_path / "nowhere"
    assert str(missing) in refused(binary, "--model", missing, "--port", "0")
    file = pathlib.Path(__file__)
    assert str(file) in refused(binary, "--model", file, "--port", "0")
