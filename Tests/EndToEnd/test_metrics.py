"""GET /metrics: a format that Prometheus takes, complete from the start, and true."""

import collections
import re
import subprocess

import program
from embeddings import NAME, embed

SERIES = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")


# Of the one model that most tests have; their series are known without it.
ONE_MODEL = re.compile(r'model="all-MiniLM-L6-v2",?')


def scrape(client):
    """The value of each series, by its name with labels."""
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in response.text.splitlines() if not line.startswith("#")]
    values = {}
    for line in lines:
        name, labels, value = SERIES.fullmatch(line).groups()
        if name != "quiver_model_info":
            labels = ONE_MODEL.sub("", labels or "")
        key = f"{name}{{{labels}}}" if labels else name
        assert key not in values, f"{key} is there twice"
        values[key] = float(value)
    return values


def various_requests(client):
    """Every route, and failures of several kinds."""
    embed(client, ["river bank", "river"])
    embed(client, "river " * 400)
    client.post("/tokenize", json={"inputs": "river bank"})
    for path in ("/v1/models", "/health", "/health/live", "/health/ready", "/nowhere"):
        client.get(path)
    client.post("/v1/embeddings", json={"model": "ada", "input": "a"})
    client.post("/v1/embeddings", json={"model": NAME})
    client.post("/v1/embeddings", content=b"{", headers={"content-type": "text/plain"})
    client.delete("/v1/models")
    client.options("/v1/models")


def test_promtool_has_nothing_to_say(start, promtool):
    with start().wait_until_ready().client() as client:
        for _ in range(2):
            text = client.get("/metrics").content
            checked = subprocess.run(
                [promtool, "check", "metrics"], input=text, capture_output=True,
                timeout=program.PATIENCE)
            assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
            various_requests(client)


def test_every_series_is_there_at_zero_before_the_first_request(start):
    server = start().wait_until_ready()
    with server.client() as client:
        before = scrape(client)
        various_requests(client)
        server.exchange(b"nonsense\r\n\r\n")
        after = scrape(client)
    assert set(before) == set(after)
    # What is not zero tells of the process or of this scrape's own connection.
    about_the_process = re.compile(
        r"process_|quiver_(build_info|model_info|ready|http_connections|http_requests_in_flight)")
    busy = {name for name, value in before.items()
            if value and not about_the_process.match(name)}
    assert busy == set()


def test_what_must_be_measured_is_measured(client):
    names = {name.split("{")[0] for name in scrape(client)}
    for name in [
        "quiver_http_requests_total", "quiver_http_request_duration_seconds_bucket",
        "quiver_tokenization_duration_seconds_bucket", "quiver_queue_duration_seconds_bucket",
        "quiver_inference_duration_seconds_bucket", "quiver_batch_texts_bucket",
        "quiver_batch_tokens_bucket", "quiver_queue_requests", "quiver_queue_tokens",
        "quiver_input_tokens_bucket", "quiver_tokens_total", "quiver_truncated_texts_total",
        "quiver_rejected_requests_total", "quiver_http_requests_in_flight",
        "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds",
        "quiver_build_info", "quiver_model_info",
    ]:
        assert name in names
    bounds = {name for name in scrape(client)
              if name.startswith("quiver_inference_duration_seconds_bucket")}
    assert 'quiver_inference_duration_seconds_bucket{le="0.0005"}' in bounds


def test_the_counts_are_the_truth(start):
    with start().wait_until_ready().client() as client:
        before = scrape(client)
        various_requests(client)
        after = scrape(client)
    grown = collections.Counter({
        name: after[name] - before[name] for name in after
        if after[name] != before[name] and "_bucket" not in name and "_sum" not in name})

    def requests(route, status):
        return grown.pop(f'quiver_http_requests_total{{route="{route}",status="{status}"}}', 0)

    assert requests("/v1/embeddings", 200) == 2
    assert requests("/v1/embeddings", 400) == 1
    assert requests("/v1/embeddings", 404) == 1
    assert requests("/v1/embeddings", 415) == 1
    assert requests("/tokenize", 200) == 1
    assert requests("/v1/models", 200) == 1
    assert requests("/v1/models", 204) == 1
    assert requests("/v1/models", 405) == 1
    assert requests("/health", 200) == 1
    assert requests("/health/live", 200) == 1
    assert requests("/health/ready", 200) == 1
    assert requests("/metrics", 200) == 1
    assert requests("unmatched", 404) == 1
    assert not any(name.startswith("quiver_http_requests_total") for name in grown)
    assert grown["quiver_texts_total"] == 3
    assert grown["quiver_tokens_total"] == 4 + 3 + 256
    assert grown["quiver_truncated_texts_total"] == 1
    assert grown["quiver_input_tokens_count"] == 3
    assert grown["quiver_tokenization_duration_seconds_count"] == 2
    assert grown["quiver_queue_duration_seconds_count"] == 2
    assert grown['quiver_admitted_requests_total{outcome="completed"}'] == 2
    assert after["quiver_queue_tokens"] == after["quiver_queue_requests"] == 0


def test_the_process_and_the_model_are_described(server, client):
    values = scrape(client)
    [model] = [name for name in values if name.startswith("quiver_model_info")]
    assert f'model="{NAME}"' in model and 'dimensions="384"' in model
    assert values["process_resident_memory_bytes"] > 1 << 20
    with open(f"/proc/{server.pid}/limits") as limits:
        [line] = [line for line in limits if line.startswith("Max open files")]
    assert values["process_max_fds"] == int(line.split()[3])
