"""POST /tokenize: text-embeddings-inference's request and response."""

import json

import pytest

from contract_document import check_response


def tokenize(client, inputs, **fields):
    response = client.post("/tokenize", json={"inputs": inputs} | fields)
    assert response.status_code == 200, response.text
    check_response("/tokenize", "POST", 200, response.headers, response.content)
    return response.json()


def test_tokens_have_ids_texts_and_places(client):
    assert tokenize(client, "river Banks") == [[
        {"id": 101, "text": "[CLS]", "special": True, "start": None, "stop": None},
        {"id": 2314, "text": "river", "special": False, "start": 0, "stop": 5},
        {"id": 5085, "text": "Banks", "special": False, "start": 6, "stop": 11},
        {"id": 102, "text": "[SEP]", "special": True, "start": None, "stop": None},
    ]]


def test_several_texts_without_special_tokens(client):
    lists = tokenize(client, ["river bank", "", "river"], add_special_tokens=False)
    assert [[token["id"] for token in tokens] for tokens in lists] == [[2314, 2924], [], [2314]]


def test_an_empty_text_has_the_special_tokens(client):
    assert [token["id"] for token in tokenize(client, "")[0]] == [101, 102]


@pytest.mark.parametrize("text", [
    "plain words, and punctuation!", "Ünïcödé accents", "日本語 と 漢字", "emoji 👩‍👩‍👧 family",
    "e\u0301 combining", "tabs\tand\nlines", "\u00a0spaces\u2003", "unaffable pneumonoultra",
])
def test_places_are_bytes_of_the_input(client, text):
    data = text.encode()
    end = 0
    for token in tokenize(client, text, add_special_tokens=False)[0]:
        assert end <= token["start"] <= token["stop"] <= len(data)
        assert data[token["start"]:token["stop"]].decode() == token["text"]
        end = token["stop"]


def test_nothing_is_cut(client):
    assert len(tokenize(client, "river " * 5000)[0]) == 5002


def test_lone_surrogates_are_taken_as_a_replacement(client):
    """JSON can spell what no UTF-8 text can hold; it must not break the answer."""
    response = client.post(
        "/tokenize", content=b'{"inputs": "a \\ud800 b"}',
        headers={"content-type": "application/json"})
    assert response.status_code in (200, 400)
    json.loads(response.content)
