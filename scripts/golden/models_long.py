#!/usr/bin/env python3
"""Writes the tiny models with sparse attention under Tests/Fixtures/models, with the versions of models.py.

    /tmp/venv/bin/python scripts/golden/models_long.py Tests/Fixtures/models [CASE...]

Texts are much longer than the windows and blocks, of lengths that are and are not whole blocks.
"""
import json
import random
import sys
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from transformers import BigBirdConfig, BigBirdModel, LongformerConfig, LongformerModel

from models import TEXTS, WORDS, assemble, pooling, write_json
from models_rotary import LENGTH, SIZES, changed, save


def texts():
    """The common texts, and words at random that make 56, 57, 101, 145 and 160 tokens with the special ones."""
    words = random.Random(5)
    return TEXTS + [" ".join(words.choices(WORDS, k=count - 2)) for count in [56, 57, 101, 145, 160]]


def longformer(root):
    # One window a layer; two positions fewer are usable than the table has rows.
    config = LongformerConfig(**SIZES | {
        "num_hidden_layers": 3, "attention_window": [8, 24, 4], "max_position_embeddings": LENGTH + 2, "type_vocab_size": 1,
        "layer_norm_eps": 1e-5})
    save(root / "longformer", LongformerModel(config, add_pooling_layer=False), seed=157)


def longformer_even(root):
    changed(root, "longformer-even", "longformer", attention_window=16)


def bigbird(root):
    # Full attention up to (5 + 2 * 1) * 8 = 56 tokens.
    config = BigBirdConfig(**SIZES | {
        "block_size": 8, "num_random_blocks": 1, "attention_type": "block_sparse", "hidden_act": "gelu_new"})
    save(root / "bigbird", BigBirdModel(config, add_pooling_layer=False), seed=163)


def bigbird_cls(root):
    """Pooled at the first token, with narrower blocks, more random ones and words that are scaled."""
    folder = changed(root, "bigbird-cls", "bigbird", block_size=4, num_random_blocks=3, rescale_embeddings=True)
    write_json(folder / "1_Pooling/config.json", pooling(["cls_token"], 32))


def bigbird_last(root):
    folder = changed(root, "bigbird-last", "bigbird")
    write_json(folder / "1_Pooling/config.json", pooling(["lasttoken"], 32))


def bigbird_full(root):
    changed(root, "bigbird-full", "bigbird", attention_type="original_full")


CASES = {
    "longformer": longformer, "longformer-even": longformer_even, "bigbird": bigbird, "bigbird-cls": bigbird_cls,
    "bigbird-last": bigbird_last, "bigbird-full": bigbird_full}


def golden(root, name):
    target = Path("/tmp/quiver-golden") / name
    target.mkdir(parents=True, exist_ok=True)
    assemble(root, name, target)
    model = SentenceTransformer(str(target), model_kwargs={"dtype": torch.float32}, device="cpu")
    model.eval()
    lines = []
    for text in texts():
        bird = next((part for part in model.modules() if isinstance(part, BigBirdModel)), None)
        if bird is not None:
            # A short text turns the blocks off for all that come later.
            bird.set_attention_type(bird.config.attention_type if name != "bigbird-full" else "original_full")
        ids = model.tokenize([text])["input_ids"][0].tolist()
        vector = model.encode([text], prompt="", convert_to_numpy=True)[0].astype(float)
        lines.append(json.dumps({"text": text, "ids": ids, "vector": [float(f"{x:.8g}") for x in vector]}))
        print(name, len(ids), bird.attention_type if bird else "")
    (root / name / "golden.jsonl").write_text("\n".join(lines) + "\n")
    print(f"{name}: {sum(path.stat().st_size for path in (root / name).rglob('*') if path.is_file()) // 1000} kB")


def main():
    torch.set_num_threads(1)
    root = Path(sys.argv[1]) / "tiny"
    for name in sys.argv[2:] or CASES:
        CASES[name](root)
        golden(root, name)


if __name__ == "__main__":
    main()
