"""What the tests share: the program, its model, and servers."""

import json
import pathlib

import numpy
import pytest

import program


def pytest_addoption(parser):
    release = program.REPOSITORY / ".build/release/quiver"
    model = pathlib.Path.home() / ".cache/quiver/models/all-MiniLM-L6-v2"
    parser.addoption("--binary", default=str(release), help="the program under test")
    parser.addoption("--model", default=str(model), help="folder of all-MiniLM-L6-v2")
    parser.addoption("--promtool", default="promtool", help="Prometheus' checker")


@pytest.fixture(scope="session")
def binary(request):
    return request.config.getoption("--binary")


@pytest.fixture(scope="session")
def model(request):
    return request.config.getoption("--model")


@pytest.fixture(scope="session")
def promtool(request):
    return request.config.getoption("--promtool")


@pytest.fixture
def start(binary, model):
    """Starts a server with the model and more flags; ends it with the test."""
    servers = []

    def start(*arguments, **options):
        server = program.Server(binary, "--model", model, *arguments, **options)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.kill()


@pytest.fixture(scope="session")
def shared_servers(binary, model):
    """Servers by their flags, each started when first asked for and kept for the session."""
    servers = {}

    def get(*arguments):
        if arguments not in servers:
            server = program.Server(binary, "--model", model, *arguments)
            servers[arguments] = server.wait_until_ready()
        return servers[arguments]

    yield get
    for server in servers.values():
        assert server.stop() == 0
        assert [entry for entry in server.log if entry["level"] == "error"] == []


@pytest.fixture
def server(shared_servers):
    """The shared server with default settings; must survive the test."""
    server = shared_servers()
    yield server
    assert server.is_running


@pytest.fixture
def exact_server(shared_servers):
    """The shared server in float32."""
    server = shared_servers("--dtype", "float32")
    yield server
    assert server.is_running


@pytest.fixture
def client(server):
    with server.client() as client:
        yield client


@pytest.fixture(scope="session")
def texts():
    return json.loads((program.FIXTURES / "texts.json").read_text())


@pytest.fixture(scope="session")
def vectors():
    """The reference's vectors of `texts`."""
    return numpy.load(program.FIXTURES / "vectors.npy")
