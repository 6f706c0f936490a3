#!/usr/bin/env python3
"""Writes Tests/Fixtures/context: token vectors and late chunks of tiny models, by the reference.

    /tmp/venv/bin/python scripts/golden/context.py Tests/Fixtures      (environment: see models.py)

Token vectors are sentence-transformers' `output_value="token_embeddings"`. Late chunks are what its own modules give for
the mean of those vectors over a span: the definition in docs/context.md, computed with torch.
"""
import json
import sys
import tempfile
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer

from models import assemble

TEXTS = ["the river bank", "a bank account holds money", "Deep water! runs under the bridge. The river, old"]


def rounded(vector):
    return [float(f"{x:.8g}") for x in vector.double().tolist()]


def late(model, states, spans):
    """Means of token vectors through the modules behind the pooling."""
    features = {"sentence_embedding": torch.stack([states[start:stop].mean(0) for start, stop in spans])}
    for module in list(model)[2:]:
        features = module(features)
    return [rounded(row) for row in features["sentence_embedding"]]


def main():
    root = Path(sys.argv[1])
    torch.set_num_threads(1)
    lines = []
    for case in ["bert", "dense-tanh", "mpnet"]:
        with tempfile.TemporaryDirectory() as scratch:
            assemble(root / "models/tiny", case, Path(scratch) / case)
            model = SentenceTransformer(
                str(Path(scratch) / case), model_kwargs={"dtype": torch.float32}, device="cpu").eval()
            for text in TEXTS:
                states = model.encode(text, prompt="", output_value="token_embeddings", convert_to_numpy=False)
                ids = model.tokenize([text])["input_ids"][0].tolist()
                count = len(ids) - 2
                spans = [[1, 2], [2, 1 + count]] if count > 1 else [[1, 2]]
                with torch.no_grad():
                    chunks = late(model, states, spans)
                lines.append(json.dumps({
                    "case": case, "text": text, "ids": ids, "tokens": [rounded(row) for row in states],
                    "spans": spans, "chunks": chunks}))
    target = root / "context"
    target.mkdir(exist_ok=True)
    (target / "golden.jsonl").write_text("\n".join(lines) + "\n")


main()
