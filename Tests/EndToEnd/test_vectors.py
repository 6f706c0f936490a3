"""The vectors are the reference's, and a text's vector is its own whatever else is computed."""

import random

import numpy
import pytest

from embeddings import cosines, embed, vectors_of


def test_float32_vectors_are_the_references(exact_server, texts, vectors):
    with exact_server.client() as client:
        got = vectors_of(embed(client, texts))
    assert numpy.abs(got.astype(numpy.float64) - vectors).max() <= 2e-6
    assert cosines(got, vectors).min() >= 0.9999995


def test_default_vectors_are_close_to_the_references(client, texts, vectors):
    got = cosines(vectors_of(embed(client, texts)), vectors)
    assert got.min() >= 0.9999
    assert got.mean() >= 0.99998


def test_vectors_have_length_one(client, texts):
    lengths = numpy.linalg.norm(vectors_of(embed(client, texts)).astype(numpy.float64), axis=1)
    assert numpy.abs(lengths - 1).max() < 1e-6


def test_a_vector_is_the_same_alone_and_in_any_batch_and_order(client, texts):
    together = vectors_of(embed(client, texts, encoding_format="base64"))
    order = list(range(len(texts)))
    random.Random(7).shuffle(order)
    shuffled = vectors_of(
        embed(client, [texts[place] for place in order], encoding_format="base64"))
    assert (shuffled == together[order]).all()
    for place in order[:48]:
        alone = vectors_of(embed(client, texts[place], encoding_format="base64"))
        assert (alone[0] == together[place]).all()


@pytest.mark.parametrize("threads", [1, 3])
def test_a_vector_is_the_same_with_any_number_of_threads(start, client, texts, threads):
    expected = vectors_of(embed(client, texts, encoding_format="base64"))
    server = start("--threads", threads).wait_until_ready()
    with server.client() as other:
        assert (vectors_of(embed(other, texts, encoding_format="base64")) == expected).all()


def test_context_tells_the_banks_apart(client):
    river, account, shore, loan = vectors_of(embed(client, [
        "We sat on the river bank and watched the boats.",
        "She opened a bank account to save her wages.",
        "The shore of the stream was muddy.",
        "He deposited cash at the branch in town.",
    ]))
    assert river @ shore > river @ account + 0.1
    assert account @ loan > account @ shore + 0.1
