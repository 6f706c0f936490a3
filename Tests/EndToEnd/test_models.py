"""Several models in one process, and a change of them while requests run."""

import json
import os
import shutil
import signal
import threading

import numpy
import pytest

import program
from embeddings import cosines, vectors_of
from test_memory import resident
from test_metrics import scrape

TEXTS = ["river bank", "open a bank account"]


def ask(client, model, input=TEXTS, **fields):
    return client.post(
        "/v1/embeddings", json={"model": model, "input": input} | fields)


def names(client):
    return [entry["id"] for entry in client.get("/v1/models").json()["data"]]


class Configured:
    """A server with a configuration file that the test writes anew."""

    def __init__(self, binary, path, model):
        self._path, self._model = path, model
        self._binary = binary
        self.server = None

    def write(self, *entries, **settings):
        """Lists models by name, each with more fields; None as path is all-MiniLM-L6-v2."""
        models = [{"path": fields.pop("path", None) or self._model, "name": name} | fields
                  for name, fields in entries]
        # YAML is a superset of JSON.
        self._path.write_text(json.dumps(settings | {"models": models}))

    def start(self):
        self.server = program.Server(self._binary, "--config", self._path)
        return self.server.wait_until_ready()

    def reload(self, message="configuration loaded"):
        """Has the file read again; returns the log's entry about it."""
        before = sum(entry["message"] == message for entry in self.server.log)
        self.server.signal(signal.SIGHUP)
        program.wait_for(
            lambda: sum(entry["message"] == message for entry in self.server.log) > before)
        return [entry for entry in self.server.log if entry["message"] == message][-1]


@pytest.fixture
def configured(binary, model, tmp_path):
    configured = Configured(binary, tmp_path / "quiver.yaml", model)
    yield configured
    if configured.server:
        configured.server.kill()


def test_each_name_has_its_model(configured, vectors, texts):
    configured.write(
        (["exact", "precise"], {"dtype": "float32"}), ("small", {"dtype": "int8"}),
        **{"cache-bytes": 1 << 20})
    with configured.start().client() as client:
        assert names(client) == ["exact", "precise", "small"]
        exact = vectors_of(ask(client, "exact", texts[:4]).json())
        small = vectors_of(ask(client, "small", texts[:4]).json())
        assert (vectors_of(ask(client, "precise", texts[:4]).json()) == exact).all()
        assert numpy.abs(exact - vectors[:4]).max() < 1e-5
        # Not the other's from the cache.
        assert (small != exact).any() and cosines(small, exact).min() > 0.9
        assert (vectors_of(ask(client, "small", texts[:4]).json()) == small).all()
        series = scrape(client)
        assert series["quiver_cache_hits_total"] == 8 and series["quiver_cache_vectors"] == 8
        assert series['quiver_texts_total{model="exact"}'] == 8
        assert series['quiver_texts_total{model="small"}'] == 8
        assert series['quiver_admitted_requests_total{model="small",outcome="completed"}'] == 1

        error = ask(client, "ada")
        assert error.status_code == 404
        assert error.json()["error"] == {
            "message": "The model 'ada' does not exist here. "
                       "This server has: 'exact', 'precise', 'small'.",
            "type": "invalid_request_error", "param": "model", "code": "model_not_found"}

        tokenized = client.post("/tokenize", json={"inputs": "bank", "model": "small"})
        assert tokenized.status_code == 200
        unnamed = client.post("/tokenize", json={"inputs": "bank"})
        assert (unnamed.status_code, unnamed.json()["error"]["param"]) == (400, "model")
        assert client.post("/tokenize", json={"inputs": "a", "model": "b"}).status_code == 404


def test_models_by_flags(binary, model, tmp_path):
    other = tmp_path / "other"
    other.symlink_to(model)
    server = program.Server(binary, "--model", model, "--model", other)
    try:
        with server.wait_until_ready().client() as client:
            assert names(client) == ["all-MiniLM-L6-v2", "other"]
            assert ask(client, "other").status_code == 200
    finally:
        server.kill()


def test_two_models_of_one_name_are_refused(binary, model):
    ended = program.run(binary, "serve", "--model", model, "--model", model)
    assert ended.returncode == 2
    assert b"'all-MiniLM-L6-v2' is the name of two models" in ended.stderr
    assert ended.stderr.count(b"\n") == 1


class Asker(threading.Thread):
    """Asks for one model again and again until it is told to stop; every answer must be right."""

    def __init__(self, server, model, expected):
        super().__init__(daemon=True)
        self.answers, self.problems = 0, []
        self._server, self._model, self._expected = server, model, expected
        self._ended = threading.Event()

    def run(self):
        with self._server.client() as client:
            while not self._ended.is_set() and not self.problems:
                try:
                    answer = ask(client, self._model, TEXTS * 8)
                    if answer.status_code != 200:
                        self.problems.append(answer.text)
                    elif cosines(vectors_of(answer.json())[:2], self._expected).min() < 0.999:
                        self.problems.append("the vectors of another model")
                    self.answers += 1
                except Exception as error:
                    self.problems.append(repr(error))

    def end(self):
        self._ended.set()
        self.join(program.PATIENCE)
        assert self.problems == [] and self.answers > 0


def test_no_request_is_lost_while_models_change(configured):
    """One model stays, another is loaded in turn as three kinds of arithmetic, a third comes and goes."""
    stays = ("stays", {"dtype": "float32"})
    configured.write(stays, ("changes", {"dtype": "bfloat16"}))
    server = configured.start()
    with server.client() as client:
        expected = vectors_of(ask(client, "stays").json())
        askers = [Asker(server, name, expected) for name in ["stays", "changes"] * 2]
        for asker in askers:
            asker.start()
        loaded = []
        for dtype in ["float32", "bfloat16", "float32"]:
            configured.write(stays, ("changes", {"dtype": dtype}), ("comes", {}))
            loaded.append(configured.reload()["loaded"])
            assert ask(client, "comes").status_code == 200
            configured.write(stays, ("changes", {"dtype": dtype}))
            loaded.append(configured.reload()["loaded"])
            assert ask(client, "comes").status_code == 404
        for asker in askers:
            asker.end()
        assert loaded == [2, 0] * 3
        assert names(client) == ["stays", "changes"]
        # What was counted under a name goes on; what has gone is not shown.
        answers = sum(asker.answers for asker in askers[1::2])
        completed = 'quiver_admitted_requests_total{model="changes",outcome="completed"}'
        # An answer leaves before its thread counts it.
        program.wait_for(lambda: scrape(client)[completed] >= answers)
        series = scrape(client)
        assert series[completed] == answers
        assert not any("comes" in name for name in series)
        # The one that was there all the time was loaded once.
        entries = [entry for entry in server.log if entry["message"] == "model loaded"]
        assert [entry["model"] for entry in entries].count("stays") == 1
    assert server.stop() == 0
    assert [entry for entry in server.log if entry["level"] == "error"] == []


def test_what_cannot_be_loaded_changes_nothing(configured, tmp_path):
    failed = "the models could not be loaded again; the old ones stay"
    configured.write(("a", {}))
    server = configured.start()
    with server.client() as client:
        before = ask(client, "a").json()["data"]
        for text, reason in [
            ("models: [", "quiver.yaml:"), ("prot: 1", "unknown key 'prot'"), ("{}", "no model")
        ]:
            (tmp_path / "quiver.yaml").write_text(text)
            assert reason in configured.reload(failed)["reason"]
        configured.write(("b", {}), ("c", {"path": str(tmp_path / "nowhere")}))
        assert "nowhere" in configured.reload(failed)["reason"]
        assert names(client) == ["a"]
        assert ask(client, "a").json()["data"] == before
        assert scrape(client)["quiver_model_reload_failures_total"] == 4
        # Other settings need a new start, and the log says so.
        configured.write(("b", {}), **{"max-inputs": 5})
        assert configured.reload()["kept"] == 1
        server.wait_for_log("these settings change at the next start only", settings="max-inputs")
        assert names(client) == ["b"]
    assert server.stop() == 0


def test_a_folder_that_was_written_anew_is_loaded_again(configured, model, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    configured.write(("a", {"path": str(folder)}))
    server = configured.start()
    assert configured.reload()["loaded"] == 0
    other = tmp_path / "next"
    shutil.copytree(model, other)
    os.rename(folder, tmp_path / "old")
    os.rename(other, folder)
    assert configured.reload()["loaded"] == 1
    server.wait_for_log("model unloaded", model="a")


def test_an_unloaded_model_gives_its_memory_back(configured):
    """After six rounds of loading and unloading there is no more than after the first."""
    with_it = (("a", {"dtype": "bfloat16"}), ("b", {"dtype": "float32"}))
    configured.write(with_it[0])
    server = configured.start()
    sizes = []
    with server.client() as client:
        assert ask(client, "a").status_code == 200
        for _ in range(6):
            configured.write(*with_it)
            configured.reload()
            assert ask(client, "b").status_code == 200
            loaded = resident(server)
            configured.write(with_it[0])
            configured.reload("model unloaded")
            sizes.append((loaded, resident(server)))
    # The encoder's float32 weights alone are 43 MB.
    assert all(loaded - left > 40 << 20 for loaded, left in sizes), sizes
    # The system counts pages of a mapped file for one who reads near them: some more or less.
    assert sizes[-1][1] - sizes[0][1] < 30 << 20, sizes
    assert server.stop() == 0
