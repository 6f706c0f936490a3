"""Vectors that are kept: the same bits, counted, and only for the same tokens."""

from embeddings import NAME, embed
from test_metrics import scrape


def counts(client):
    series = scrape(client)
    return (series["quiver_cache_hits_total"], series["quiver_cache_misses_total"],
            series["quiver_cache_vectors"])


def test_a_text_that_comes_again_is_not_computed_again(start):
    server = start("--cache-bytes", 1 << 20).wait_until_ready()
    with server.client() as client:
        first = embed(client, ["river bank", "river"], encoding_format="base64")
        assert counts(client) == (0, 2, 2)
        again = embed(client, ["river", "open a bank account", "river bank"],
                      encoding_format="base64")
        assert counts(client) == (2, 3, 3)
        assert again["data"][0]["embedding"] == first["data"][1]["embedding"]
        assert again["data"][2]["embedding"] == first["data"][0]["embedding"]
        response = client.post(
            "/v1/embeddings", json={"model": NAME, "input": "river", "encoding_format": "base64"})
        assert response.json()["data"][0]["embedding"] == first["data"][1]["embedding"]
        assert response.json()["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
        assert "infer;dur=0.0" in response.headers["server-timing"]
        shorter = embed(client, "river", dimensions=8)
        assert len(shorter["data"][0]["embedding"]) == 8
        assert counts(client) == (4, 3, 3)
        assert scrape(client)["quiver_batch_texts_sum"] == 3


def test_nothing_is_kept_unless_there_is_room(start):
    with start().wait_until_ready().client() as client:
        for _ in range(2):
            embed(client, "river bank")
        assert counts(client) == (0, 0, 0)
