"""Every failure that a client can cause from outside: its status, its fields, OpenAI's body."""

import dataclasses
import gzip
import http.client
import json
import threading

import pytest

import program
from contract_document import check_response
from embeddings import NAME, documents, embed

INVALID = "invalid_request_error"
JSON_TYPE = {"content-type": "application/json"}


@dataclasses.dataclass
class Failure:
    """A request, and the failure that it must meet."""

    name: str
    status: int
    code: str
    parameter: str | None = None
    type: str = INVALID
    body: object = None
    method: str = "POST"
    path: str = "/v1/embeddings"
    fields: dict = dataclasses.field(default_factory=dict)

    def __str__(self):
        return self.name


def bad_value(name, parameter, **fields):
    return Failure(name, 400, "invalid_value", parameter,
                   body={"model": NAME, "input": "a"} | fields)


def bad_type(name, parameter, **fields):
    return Failure(name, 400, "invalid_type", parameter,
                   body={"model": NAME, "input": "a"} | fields)


def bad_json(name, body):
    return Failure(name, 400, "invalid_json", body=body)


def bad_tokenize(name, code, parameter, body):
    return Failure(name, 400, code, parameter, path="/tokenize", body=body)


def bad_method(method, path):
    return Failure(f"{method} {path}", 405, "method_not_allowed", method=method, path=path)


def bad_path(method, path):
    return Failure(f"{method} {path}", 404, "not_found", method=method, path=path)


FAILURES = [
    bad_json("no body", b""),
    bad_json("broken JSON", b'{"model": "' + NAME.encode() + b'", "input": "a"'),
    bad_json("text after the object", b'{"model": "m", "input": "a"} x'),
    bad_json("not UTF-8", b'{"model": "m", "input": "\xff"}'),
    bad_json("a control character in a string", b'{"model": "m", "input": "a\nb"}'),
    bad_json("a trailing comma", b'{"model": "m", "input": ["a",]}'),
    bad_json("nested too deep", b'{"model": "m", "x": ' + b"[" * 100_000),
    Failure("an array", 400, "invalid_type", body=[]),
    Failure("a number", 400, "invalid_type", body=5),
    Failure("null", 400, "invalid_type", body=b"null"),
    Failure("no model", 400, "missing_required_parameter", "model", body={"input": "a"}),
    Failure("no input", 400, "missing_required_parameter", "input", body={"model": NAME}),
    Failure("an unknown model", 404, "model_not_found", "model",
            body={"model": "ada", "input": "a"}),
    Failure("an empty model", 404, "model_not_found", "model", body={"model": "", "input": "a"}),
    bad_type("a model that is a number", "model", model=1),
    bad_type("a model that is null", "model", model=None),
    bad_value("an empty string", "input", input=""),
    bad_value("an empty array", "input", input=[]),
    bad_value("an empty string among others", "input[1]", input=["a", ""]),
    bad_value("an empty array of ids", "input[0]", input=[[]]),
    bad_value("2049 inputs", "input", input=["a"] * 2049),
    bad_value("2049 inputs of ids", "input", input=[[1]] * 2049),
    bad_type("null as input", "input", input=None),
    bad_type("an object as input", "input", input={}),
    bad_type("a number as input", "input", input=1),
    bad_type("true as input", "input", input=True),
    bad_type("null among texts", "input[1]", input=["a", None]),
    bad_type("null first", "input[0]", input=[None]),
    bad_type("an id among texts", "input[1]", input=["a", 1]),
    bad_type("a text among ids", "input[1]", input=[1, "a"]),
    bad_type("an array among texts", "input[1]", input=["a", [1]]),
    bad_type("a text among arrays", "input[1]", input=[[1], "a"]),
    bad_type("a text in an array of ids", "input[0][1]", input=[[1, "a"]]),
    bad_value("a negative id", "input[0]", input=[-1]),
    bad_value("an id beyond the vocabulary", "input[1]", input=[1, 30522]),
    bad_value("an id beyond 32 bits", "input[0][1]", input=[[1, 1 << 40]]),
    bad_value("an id beyond 64 bits", "input[0]", input=[1 << 70]),
    bad_value("a fraction as id", "input[0]", input=[1.5]),
    bad_value("an unknown encoding", "encoding_format", encoding_format="hex"),
    bad_type("an encoding that is a number", "encoding_format", encoding_format=1),
    bad_value("no dimensions", "dimensions", dimensions=0),
    bad_value("negative dimensions", "dimensions", dimensions=-1),
    bad_value("more dimensions than there are", "dimensions", dimensions=385),
    bad_value("a fraction of dimensions", "dimensions", dimensions=1.5),
    bad_type("dimensions that are a text", "dimensions", dimensions="64"),
    bad_type("a user that is a number", "user", user=1),
    bad_type("truncate that is a text", "truncate", truncate="yes"),
    Failure("a field twice", 400, "invalid_value", "input",
            body=b'{"model": "m", "input": "a", "input": "b"}'),
    Failure("a body that is said to be text", 415, "unsupported_media_type", body=b"{}",
            fields={"content-type": "text/plain"}),
    Failure("a body that is a form", 415, "unsupported_media_type", body=b"input=a",
            fields={"content-type": "application/x-www-form-urlencoded"}),
    Failure("a coding that is not known", 415, "unsupported_media_type", body=b"{}",
            fields={"content-encoding": "br"}),
    Failure("broken gzip", 400, "bad_request", body=b"no gzip at all",
            fields={"content-encoding": "gzip"}),
    bad_tokenize("tokenize: no inputs", "missing_required_parameter", "inputs", {}),
    bad_tokenize("tokenize: null", "invalid_type", "inputs", {"inputs": None}),
    bad_tokenize("tokenize: a number", "invalid_type", "inputs", {"inputs": 5}),
    bad_tokenize("tokenize: a number among texts", "invalid_type", "inputs[1]",
                 {"inputs": ["a", 5]}),
    bad_tokenize("tokenize: an empty array", "invalid_value", "inputs", {"inputs": []}),
    bad_tokenize("tokenize: specials that are a text", "invalid_type", "add_special_tokens",
                 {"inputs": "a", "add_special_tokens": "yes"}),
    bad_tokenize("tokenize: broken JSON", "invalid_json", None, b"{"),
    *(bad_path(method, path) for method in ("GET", "POST", "DELETE")
      for path in ("/", "/v1", "/v1/embeddings/", "/v1/completions", "/V1/embeddings",
                   "/v1/embeddings%2f", "//v1/embeddings", "/v1/../v1/embeddings")),
    *(bad_method(method, path) for method in ("GET", "PUT", "DELETE", "PATCH", "HEAD")
      for path in ("/v1/embeddings", "/embeddings", "/tokenize")),
    *(bad_method(method, path) for method in ("POST", "PUT", "DELETE", "PATCH")
      for path in ("/v1/models", "/health", "/health/live", "/health/ready", "/metrics")),
]


def send(server, failure):
    body = failure.body
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    connection = http.client.HTTPConnection(
        server.host, server.port, timeout=program.PATIENCE)
    fields = (JSON_TYPE if body is not None else {}) | failure.fields
    connection.request(failure.method, failure.path, body, fields)
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    return response.status, {key.lower(): value for key, value in response.getheaders()}, answer


def check_error(status, fields, body, failure):
    """The failure is as it was foretold, and as openapi.yaml documents it."""
    assert status == failure.status, body
    assert fields["x-request-id"]
    assert fields["content-type"] == "application/json"
    if failure.method == "HEAD":
        assert body == b""
        return
    error = json.loads(body)["error"]
    assert list(error) == ["message", "type", "param", "code"]
    assert error["message"]
    assert error["type"] == failure.type
    assert error["param"] == failure.parameter, error
    assert error["code"] == failure.code, error
    check_response(failure.path, failure.method, status, fields, body)


@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_failures(server, failure):
    status, fields, body = send(server, failure)
    check_error(status, fields, body, failure)
    if status == 415:
        # What would be taken instead (RFC 9110, 15.5.16).
        if "content-encoding" in failure.fields:
            assert fields["accept-encoding"] == "gzip, deflate"
        else:
            assert fields["accept"] == "application/json"
    if status == 405:
        allowed = fields["allow"].split(", ")
        assert failure.method not in allowed
        assert ("POST" in allowed) == (failure.path in ("/v1/embeddings", "/embeddings",
                                                        "/tokenize"))


RAW_FAILURES = [
    (b"GET / HTTP/1.1\r\n\r\n", 400, "bad_request", INVALID),
    (b"GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n", 400, "bad_request", INVALID),
    (b"POST /tokenize HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n",
     400, "bad_request", INVALID),
    (b"POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
     b"Content-Length: 40000000\r\n\r\n", 413, "content_too_large", INVALID),
    (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "uri_too_long", INVALID),
    (b"POST /tokenize HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: tea\r\n\r\n",
     417, "expectation_failed", INVALID),
    (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"x: y\r\n" * 200 + b"\r\n",
     431, "headers_too_large", INVALID),
    (b"GET / HTTP/1.1\r\nHost: a\r\nx: " + b"y" * 40000 + b"\r\n\r\n",
     431, "headers_too_large", INVALID),
    (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501, "not_implemented", "server_error"),
    (b"POST /tokenize HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: zip, chunked\r\n\r\n",
     501, "not_implemented", "server_error"),
    (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "http_version_not_supported", "server_error"),
]


@pytest.mark.parametrize("raw, status, code, type", RAW_FAILURES)
def test_failures_of_http(server, raw, status, code, type):
    got, fields, body = program.parse_response(server.exchange(raw))
    check_error(got, fields, body, Failure("", status, code, type=type, path="/health",
                                           method="GET"))


def test_a_body_that_grows_beyond_the_limit_when_inflated(start):
    server = start("--max-body-bytes", 1 << 20).wait_until_ready()
    bomb = gzip.compress(b" " * (8 << 20))
    failure = Failure("", 413, "content_too_large", body=bomb,
                      fields={"content-encoding": "gzip"})
    check_error(*send(server, failure), failure)


def test_a_chunked_body_beyond_the_limit_can_read_its_413(start):
    """The client goes on sending for a while, as most do, and still finds the answer."""
    server = start("--max-body-bytes", 1 << 20).wait_until_ready()
    raw = (b"POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
           b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b" " * 65536 + b"\r\n") * 40)
    status, fields, body = program.parse_response(server.exchange(raw))
    check_error(status, fields, body, Failure("", 413, "content_too_large"))


def test_a_request_without_enough_time(start):
    server = start("--threads", 1).wait_until_ready()
    with server.client() as client:
        # So long a text takes longer than a millisecond on any machine, whatever else is there.
        body = {"model": NAME, "input": documents(8, 250)}
        response = client.post("/v1/embeddings", json=body, headers={"x-request-timeout-ms": "1"})
        failure = Failure("", 503, "deadline_exceeded", type="overloaded_error")
        check_error(503, response.headers, response.content, failure)
        assert int(response.headers["retry-after"]) >= 1
        fields = {"x-request-timeout-ms": "60000", "x-request-priority": "bulk"}
        assert client.post("/v1/embeddings", json=body, headers=fields).status_code == 200


def test_an_operator_bounds_every_request(start):
    server = start("--request-timeout", 0.001, "--max-request-timeout", 0.001).wait_until_ready()
    with server.client() as client:
        body = {"model": NAME, "input": documents(8, 250)}
        for fields in ({}, {"x-request-timeout-ms": "60000"}):
            response = client.post("/v1/embeddings", json=body, headers=fields)
            failure = Failure("", 503, "deadline_exceeded", type="overloaded_error")
            check_error(503, response.headers, response.content, failure)


@pytest.mark.parametrize("name, value", [
    ("x-request-timeout-ms", "0"), ("x-request-timeout-ms", "soon"),
    ("x-request-timeout-ms", "-5"), ("x-request-timeout-ms", "1e3"),
    ("x-request-priority", "urgent"), ("x-request-priority", ""),
])
def test_urgency_that_means_nothing(server, name, value):
    with server.client() as client:
        response = client.post(
            "/v1/embeddings", json={"model": NAME, "input": "a"}, headers={name: value})
    failure = Failure("", 400, "invalid_value", name)
    check_error(400, response.headers, response.content, failure)


def test_a_request_that_does_not_arrive(start):
    server = start("--header-timeout", 1, "--body-timeout", 0.3).wait_until_ready()
    head = b"POST /tokenize HTTP/1.1\r\nHost: a\r\n"
    for raw in (head, head + b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"):
        status, fields, body = program.parse_response(server.exchange(raw))
        check_error(status, fields, body, Failure("", 408, "request_timeout"))
        assert fields["connection"] == "close"


def test_a_full_queue_refuses_at_once_and_whole(start):
    server = start("--threads", 1, "--queue-tokens", 4096).wait_until_ready()
    outcomes = []

    def call(number):
        # All texts are different: equal ones would be computed once and take no more room.
        inputs = [f"{number} {place} " + "word " * 100 for place in range(8)]
        with server.client() as client:
            outcomes.append(client.post("/v1/embeddings", json={"model": NAME, "input": inputs}))

    threads = [threading.Thread(target=call, args=[number]) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {response.status_code for response in outcomes} == {200, 503}
    for response in outcomes:
        if response.status_code == 503:
            failure = Failure("", 503, "queue_full", type="overloaded_error")
            check_error(503, response.headers, response.content, failure)
            assert int(response.headers["retry-after"]) >= 1
        else:
            assert len(response.json()["data"]) == 8
    with server.client() as client:
        embed(client, "and then it is well again")


def test_a_request_that_can_never_fit_the_queue(start):
    server = start("--queue-tokens", 1024).wait_until_ready()
    failure = Failure("", 400, "invalid_value", "input",
                      body={"model": NAME, "input": ["word " * 200] * 8})
    check_error(*send(server, failure), failure)
