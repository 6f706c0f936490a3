"""openapi.yaml is valid, and says what the router and the error table of the program say."""

import json

import openapi_spec_validator
import pytest

import program
from contract_document import check_response, document, resolve
from embeddings import embed

METHODS = {"get", "head", "options", "post", "put", "delete", "patch", "trace"}


@pytest.fixture(scope="module")
def table(binary):
    """What the program itself says that it serves."""
    return json.loads(program.run(binary, "routes").stdout)


def test_the_document_is_valid():
    openapi_spec_validator.validate(document())


def test_the_paths_and_methods_are_the_routers(table):
    documented = {path: METHODS & set(item) for path, item in document()["paths"].items()}
    served = {}
    for route in table["routes"]:
        more = {"head"} if route["method"] == "GET" else set()
        served[route["path"]] = {route["method"].lower(), "options"} | more
    assert documented == served


def test_the_statuses_are_the_routers(table):
    for route in table["routes"]:
        item = document()["paths"][route["path"]]
        documented = {int(status) for method in METHODS & set(item)
                      for status in item[method]["responses"]}
        assert documented == set(route["statuses"]) | set(table["protocolStatuses"]), route


def test_the_errors_are_the_tables(table):
    schemas = document()["components"]["schemas"]
    assert set(schemas["ErrorType"]["enum"]) == set(table["types"])
    assert set(schemas["ErrorCode"]["enum"]) == set(table["codes"])


def test_every_response_promises_a_request_id():
    for item in document()["paths"].values():
        for method in METHODS & set(item):
            for response in item[method]["responses"].values():
                header = resolve(resolve(response)["headers"]["x-request-id"])
                assert header["required"]


@pytest.mark.parametrize("name", ["OneText", "SeveralTexts", "TokenIDs"])
def test_the_example_requests_work(client, name):
    example = document()["components"]["examples"][name]["value"]
    response = client.post("/v1/embeddings", json=example)
    check_response("/v1/embeddings", "POST", 200, response.headers, response.content)
    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/v1/models", "/health", "/health/live", "/health/ready",
                                  "/metrics"])
def test_the_responses_to_get_are_as_documented(client, path):
    response = client.get(path)
    check_response(path, "GET", 200, response.headers, response.content)


def test_options_names_the_methods(client, table):
    for route in table["routes"]:
        response = client.options(route["path"])
        assert (response.status_code, response.content) == (204, b"")
        assert route["method"] in response.headers["allow"].split(", ")
        assert response.headers["x-request-id"]
    assert client.request("OPTIONS", "*").status_code in (204, 404)


def test_both_encodings_are_as_documented(client):
    for encoding in ("float", "base64"):
        body = embed(client, ["a", "b"], encoding_format=encoding)
        check_response("/v1/embeddings", "POST", 200,
                       {"x-request-id": "a", "content-type": "application/json"},
                       json.dumps(body))
