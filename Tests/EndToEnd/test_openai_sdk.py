"""OpenAI's own Python client, in its default settings: it asks for base64 unasked."""

import asyncio
import concurrent.futures

import httpx
import numpy
import openai
import pytest

import program
from embeddings import NAME, embed, vectors_of


def make_client(server, kind=openai.OpenAI, http=httpx.Client, **options):
    # No retries: a test must see what went wrong. No proxies: the server is on this machine.
    return kind(
        base_url=server.url + "/v1", api_key="none", max_retries=0,
        http_client=http(trust_env=False, timeout=program.PATIENCE), **options)


@pytest.fixture
def sdk(server):
    with make_client(server) as client:
        yield client


def numbered_texts(texts, count):
    """Texts that are all different."""
    return [f"{number}. {texts[number % len(texts)]}" for number in range(count)]


@pytest.fixture(scope="module")
def alone(shared_servers, texts):
    """64 texts, each with its vector as computed in a request of its own."""
    distinct = numbered_texts(texts, 64)
    with shared_servers().client() as client:
        return [
            (text, vectors_of(embed(client, text, encoding_format="base64"))[0])
            for text in distinct]


def test_one_text(sdk, client):
    response = sdk.embeddings.create(model=NAME, input="river bank")
    assert response.model == NAME
    assert response.usage.prompt_tokens == 4
    expected = vectors_of(embed(client, "river bank"))[0]
    assert (numpy.array(response.data[0].embedding, numpy.float32) == expected).all()


def test_every_kind_of_input_and_option(sdk):
    assert len(sdk.embeddings.create(model=NAME, input=["a", "b"]).data) == 2
    assert len(sdk.embeddings.create(model=NAME, input=[2314, 2924]).data) == 1
    assert len(sdk.embeddings.create(model=NAME, input=[[2314], [2924]]).data) == 2
    short = sdk.embeddings.create(model=NAME, input="a", dimensions=64, encoding_format="float")
    assert len(short.data[0].embedding) == 64
    coded = sdk.embeddings.create(model=NAME, input="a", encoding_format="base64")
    assert isinstance(coded.data[0].embedding, str)


def test_64_calls_at_once_each_get_their_own_vector(sdk, alone):
    def call(text):
        return sdk.embeddings.create(model=NAME, input=text).data[0].embedding

    with concurrent.futures.ThreadPoolExecutor(64) as threads:
        answers = list(threads.map(call, [text for text, _ in alone]))
    for answer, (_, expected) in zip(answers, alone, strict=True):
        assert (numpy.array(answer, numpy.float32) == expected).all()


def test_64_asynchronous_calls_at_once_each_get_their_own_vector(server, alone):
    async def call_all():
        async with make_client(server, openai.AsyncOpenAI, httpx.AsyncClient) as client:
            return await asyncio.gather(*(
                client.embeddings.create(model=NAME, input=text) for text, _ in alone))

    for answer, (_, expected) in zip(asyncio.run(call_all()), alone, strict=True):
        assert (numpy.array(answer.data[0].embedding, numpy.float32) == expected).all()


def test_64_calls_of_many_texts_at_once_are_not_mixed_up(sdk, alone):
    """Each call has the texts from its own place on, so that all sizes meet in the queue."""
    def call(first):
        texts = [text for text, _ in alone[first:first + 1 + first % 16]]
        return [item.embedding for item in sdk.embeddings.create(model=NAME, input=texts).data]

    with concurrent.futures.ThreadPoolExecutor(64) as threads:
        answers = list(threads.map(call, range(64)))
    for first, answer in enumerate(answers):
        expected = [vector for _, vector in alone[first:first + 1 + first % 16]]
        assert (numpy.array(answer, numpy.float32) == numpy.stack(expected)).all()


def test_models(sdk):
    assert [model.id for model in sdk.models.list()] == [NAME]


def test_failures_are_the_clients_own_errors(sdk):
    with pytest.raises(openai.NotFoundError) as unknown:
        sdk.embeddings.create(model="text-embedding-ada-002", input="a")
    assert unknown.value.code == "model_not_found"
    assert unknown.value.param == "model"
    assert unknown.value.request_id.startswith("req-")
    with pytest.raises(openai.BadRequestError) as empty:
        sdk.embeddings.create(model=NAME, input="")
    assert empty.value.type == "invalid_request_error"
    assert empty.value.param == "input"


def test_the_request_id_is_the_clients(sdk):
    raw = sdk.embeddings.with_raw_response.create(
        model=NAME, input="a", extra_headers={"x-request-id": "mine-1"})
    assert raw.request_id == "mine-1"
    assert raw.parse()._request_id == "mine-1"
