"""Calls of the embeddings route, and what their answers hold."""

import base64

import numpy

NAME = "all-MiniLM-L6-v2"


def documents(count, words=120):
    """So many different texts: equal ones would be computed once."""
    return [f"{number} " + "word " * words for number in range(count)]


def embed(client, input, **fields):
    """The answer's body to a request that must succeed."""
    response = client.post("/v1/embeddings", json={"model": NAME, "input": input} | fields)
    assert response.status_code == 200, response.text
    return response.json()


def vectors_of(body):
    """The vectors of an answer, [inputs, dimensions] float32, whatever their encoding."""
    assert [item["index"] for item in body["data"]] == list(range(len(body["data"])))
    return numpy.stack([vector_of(item["embedding"]) for item in body["data"]])


def vector_of(embedding):
    if isinstance(embedding, str):
        return numpy.frombuffer(base64.b64decode(embedding, validate=True), dtype="<f4")
    return numpy.array(embedding, dtype=numpy.float32)


def cosines(left, right):
    """The cosine of each pair of rows, in double precision."""
    left, right = left.astype(numpy.float64), right.astype(numpy.float64)
    lengths = numpy.linalg.norm(left, axis=-1) * numpy.linalg.norm(right, axis=-1)
    return (left * right).sum(-1) / lengths
