"""Vectors of tokens, and of texts longer than the model."""

import base64

import numpy

from contract_document import validate
from embeddings import embed, vectors_of

RESPONSE = {"$ref": "#/components/schemas/EmbeddingsResponse"}


def answer(client, texts, **fields):
    body = embed(client, texts, **fields)
    validate(body, RESPONSE)
    return body


def token_vector(item, word):
    [token] = [token for token in item["tokens"] if token["text"] == word]
    return numpy.array(token["embedding"])


def cosine(first, second):
    return first @ second / numpy.linalg.norm(first) / numpy.linalg.norm(second)


def test_a_word_has_a_vector_in_each_context(client):
    texts = ["We had a picnic on the river bank.", "I deposited money at the bank."]
    picnic, deposit = answer(client, texts, level="token")["data"]
    river_bank, money_bank = token_vector(picnic, "bank"), token_vector(deposit, "bank")
    money = token_vector(deposit, "money")
    assert cosine(river_bank, money_bank) < 0.85
    assert cosine(money_bank, money) > cosine(river_bank, money) + 0.2


def test_the_mean_of_the_tokens_is_the_text(client):
    text = "We had a picnic on the river bank."
    tokens = answer(client, text, level="token")["data"][0]["tokens"]
    mean = numpy.mean([token["embedding"] for token in tokens], axis=0)
    expected = vectors_of(answer(client, text))[0]
    assert numpy.abs(mean / numpy.linalg.norm(mean) - expected).max() < 1e-5
    assert [text.encode()[t["start"]:t["stop"]].decode() for t in tokens[1:-1]] == [
        t["text"] for t in tokens[1:-1]]
    [encoded] = answer(client, text, level="token", encoding_format="base64")["data"]
    assert numpy.frombuffer(base64.b64decode(encoded["tokens"][3]["embedding"]), "<f4").tolist() == [
        numpy.float32(number) for number in tokens[3]["embedding"]]


def test_long_texts(client, texts):
    document = " ".join(text if text[-1] in ".!?" else text + "." for text in texts[:80])
    chunks = answer(client, document, long_text="chunks")
    parts = chunks["data"][0]["chunks"]
    assert len(parts) > 2 and parts[-1]["stop"] == len(document.encode())
    pieces = [document.encode()[part["start"]:part["stop"]].decode() for part in parts]
    alone = answer(client, pieces)
    assert (numpy.array([part["embedding"] for part in parts], numpy.float32) == vectors_of(alone)).all()
    assert chunks["usage"] == alone["usage"]
    [mean] = vectors_of(answer(client, document, long_text="mean"))
    weights = [answer(client, piece)["usage"]["prompt_tokens"] - 2 for piece in pieces]
    expected = numpy.average(vectors_of(alone).astype(float), axis=0, weights=weights)
    assert numpy.abs(mean - expected / numpy.linalg.norm(expected)).max() < 1e-6
    [short] = vectors_of(answer(client, document, long_text="mean", dimensions=64))
    assert short.shape == (64,)
    late = answer(client, pieces[0], long_text="late", chunk_tokens=40)
    assert len(late["data"][0]["chunks"]) >= 6
    assert late["usage"]["prompt_tokens"] == weights[0] + 2
