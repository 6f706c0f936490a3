"""What a request may hold, and what its answer says."""

import numpy
import pytest

from embeddings import NAME, documents, embed, vectors_of

CLS, SEP = 101, 102
RIVER_BANK = [2314, 2924]


def test_the_answer_has_the_form_of_openai(client):
    body = embed(client, "river bank", user="someone")
    vector = body["data"][0].pop("embedding")
    assert len(vector) == 384 and all(isinstance(number, float) for number in vector)
    assert body == {
        "object": "list",
        "data": [{"object": "embedding", "index": 0}],
        "model": NAME,
        "usage": {"prompt_tokens": 4, "total_tokens": 4},
    }


def test_the_alias_answers_the_same(client):
    fields = {"model": NAME, "input": "river bank"}
    responses = [client.post(path, json=fields) for path in ("/v1/embeddings", "/embeddings")]
    assert responses[0].status_code == 200
    assert responses[0].content == responses[1].content


def test_base64_holds_the_same_numbers_as_float(client, texts):
    as_float = vectors_of(embed(client, texts[:20], encoding_format="float"))
    as_base64 = vectors_of(embed(client, texts[:20], encoding_format="base64"))
    assert as_float.tobytes() == as_base64.tobytes()


@pytest.mark.parametrize("field", [
    "encoding_format", "dimensions", "truncate", "user", "prompt", "prompt_name", "input_type"])
def test_null_is_as_good_as_nothing(client, field):
    assert embed(client, "river bank", **{field: None}) == embed(client, "river bank")


def test_a_prompt_goes_before_the_text(client):
    expected = embed(client, ["query: river bank", "query: money"])
    assert embed(client, ["river bank", "money"], prompt="query: ") == expected
    # The model's own prompts for both uses are empty.
    for field in ({"input_type": "query"}, {"input_type": "document"}, {"prompt_name": "query"}):
        assert embed(client, "river bank", **field) == embed(client, "river bank")


def test_prompts_that_cannot_be_are_refused(client):
    for fields, parameter in [
            ({"input": "a", "prompt_name": "nobody"}, "prompt_name"),
            ({"input": "a", "input_type": "passage"}, "input_type"),
            ({"input": RIVER_BANK, "prompt": "query: "}, "input"),
            ({"input": "a", "prompt": "river " * 300}, "prompt")]:
        response = client.post("/v1/embeddings", json={"model": NAME, **fields})
        assert response.status_code == 400
        assert response.json()["error"]["param"] == parameter


def test_unknown_fields_are_ignored(client):
    assert embed(client, "river bank", nonsense=[{}]) == embed(client, "river bank")


@pytest.mark.parametrize("encoding", ["float", "base64"])
@pytest.mark.parametrize("dimensions", [1, 2, 100, 383, 384])
def test_dimensions_cut_and_normalise_again(client, texts, dimensions, encoding):
    full = vectors_of(embed(client, texts[:5])).astype(numpy.float64)[:, :dimensions]
    short = vectors_of(
        embed(client, texts[:5], dimensions=dimensions, encoding_format=encoding))
    assert short.shape == (5, dimensions)
    expected = full / numpy.linalg.norm(full, axis=1, keepdims=True)
    assert numpy.abs(short - expected).max() < 1e-6


def test_token_ids_are_texts(client):
    expected = vectors_of(embed(client, "river bank", encoding_format="base64"))[0]
    for ids in (RIVER_BANK, [CLS, *RIVER_BANK, SEP]):
        body = embed(client, ids, encoding_format="base64")
        assert (vectors_of(body)[0] == expected).all()
        assert body["usage"]["prompt_tokens"] == 4
    body = embed(client, [RIVER_BANK, [CLS, SEP], RIVER_BANK[:1]], encoding_format="base64")
    assert (vectors_of(body)[0] == expected).all()
    assert body["usage"]["prompt_tokens"] == 4 + 2 + 3


def test_usage_counts_tokens(client):
    assert embed(client, ["river", "river bank", "a b c"])["usage"] == {
        "prompt_tokens": 3 + 4 + 5, "total_tokens": 12}


def test_order_is_kept_for_2048_inputs_in_one_call(client, texts):
    inputs = [f"{number}: {texts[number % 96]}" for number in range(2048)]
    got = vectors_of(embed(client, inputs, encoding_format="base64"))
    assert got.shape == (2048, 384)
    for place in range(0, 2048, 127):
        alone = vectors_of(embed(client, inputs[place], encoding_format="base64"))
        assert (got[place] == alone[0]).all()


def test_a_late_text_of_a_large_request_is_named_when_it_is_wrong(client):
    inputs = documents(200, 3)
    inputs[150] = "word " * 400
    body = {"model": NAME, "input": inputs, "truncate": False}
    response = client.post("/v1/embeddings", json=body)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "input[150]"
    response = client.post("/v1/embeddings", json=body | {"truncate": True})
    assert response.headers["x-truncated-inputs"] == "1"
    vectors = vectors_of(response.json())
    for place in (0, 63, 64, 150, 199):
        assert (vectors[place] == vectors_of(embed(client, inputs[place]))[0]).all()


def test_a_long_text_is_cut_and_that_is_said(client):
    request = {"model": NAME, "input": ["river bank", "river " * 1000, "bank " * 300]}
    response = client.post("/v1/embeddings", json=request)
    assert response.status_code == 200
    assert response.headers["x-truncated-inputs"] == "2"
    assert response.json()["usage"]["prompt_tokens"] == 4 + 256 + 256
    # What is cut is the end.
    cut, whole = vectors_of(embed(client, ["river " * 1000, "river " * 254]))
    assert (cut == whole).all()


def test_a_text_that_fits_exactly_is_not_cut(client):
    request = {"model": NAME, "input": "river " * 254}
    response = client.post("/v1/embeddings", json=request)
    assert response.json()["usage"]["prompt_tokens"] == 256
    assert "x-truncated-inputs" not in response.headers


def test_long_token_ids_are_cut_too(client):
    for ids in (RIVER_BANK[:1] * 400, [CLS, *RIVER_BANK[:1] * 400, SEP]):
        response = client.post("/v1/embeddings", json={"model": NAME, "input": ids})
        assert response.headers["x-truncated-inputs"] == "1"
        assert response.json()["usage"]["prompt_tokens"] == 256
        assert (vectors_of(response.json())[0]
                == vectors_of(embed(client, "river " * 254))[0]).all()


def test_one_text_may_be_larger_than_a_batch(start):
    server = start("--batch-tokens", 16).wait_until_ready()
    with server.client() as client:
        assert embed(client, "river " * 200)["usage"]["prompt_tokens"] == 202


def test_truncation_can_be_refused(client, start):
    request = {"model": NAME, "input": ["river bank", "river " * 255]}
    refused = client.post("/v1/embeddings", json=request | {"truncate": False})
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert (error["param"], error["code"]) == ("input[1]", "context_length_exceeded")
    assert "257" in error["message"] and "256" in error["message"]

    strict = start("--truncate", "false").wait_until_ready()
    with strict.client() as other:
        assert other.post("/v1/embeddings", json=request).status_code == 400
        allowed = other.post("/v1/embeddings", json=request | {"truncate": True})
        assert allowed.headers["x-truncated-inputs"] == "1"


def test_models_are_listed_and_names_may_be_chosen(client, start):
    body = client.get("/v1/models").json()
    assert body["object"] == "list"
    assert [(item["id"], item["object"]) for item in body["data"]] == [(NAME, "model")]

    names = ["text-embedding-3-small", "mine"]
    flags = [part for name in names for part in ("--served-model-name", name)]
    with start(*flags).wait_until_ready().client() as other:
        assert [item["id"] for item in other.get("/v1/models").json()["data"]] == names
        for name in names:
            response = other.post("/v1/embeddings", json={"model": name, "input": "a"})
            assert response.json()["model"] == name
        refused = other.post("/v1/embeddings", json={"model": NAME, "input": "a"})
        assert refused.status_code == 404
        assert all(name in refused.json()["error"]["message"] for name in names)

    with start("--served-model-name", "*").wait_until_ready().client() as other:
        response = other.post("/v1/embeddings", json={"model": "anything", "input": "a"})
        assert response.json()["model"] == "anything"


def test_request_ids_are_kept_or_made(client):
    given = client.get("/health/live", headers={"x-request-id": "search-4711.a_B"})
    assert given.headers["x-request-id"] == "search-4711.a_B"
    made = {client.get("/health/live").headers["x-request-id"] for _ in range(10)}
    assert len(made) == 10
    for bad in ("", "a b", "x" * 65, "ü".encode("latin-1"), 'a"b'):
        answer = client.get("/health/live", headers={"x-request-id": bad})
        assert answer.status_code == 200
        assert answer.headers["x-request-id"].startswith("req-")


def test_responses_are_compressed_for_clients_that_ask(client, texts):
    request = {"model": NAME, "input": texts[:50]}
    plain = client.post("/v1/embeddings", json=request, headers={"accept-encoding": "identity"})
    packed = client.post("/v1/embeddings", json=request, headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    small = client.get("/health/live", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in small.headers


def test_head_is_get_without_the_body(client):
    for path in ("/health", "/health/live", "/health/ready", "/v1/models"):
        get, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == get.headers["content-length"]
        assert head.headers["content-type"] == get.headers["content-type"]
