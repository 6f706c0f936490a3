#!/usr/bin/env python3
"""Writes Tests/Fixtures/models/tiny/elmo from allennlp's small public weights, checked against its expected outputs.

    /tmp/venv/bin/pip install h5py numpy safetensors
    /tmp/venv/bin/python scripts/golden/elmo.py FIXTURES Tests/Fixtures/models

FIXTURES is allennlp's test_fixtures/elmo. The vectors are those of the plain NumPy below, which gives the
fixture's forward and backward top layer for the first sentence of each stream. (Later ones there depend on
those before them, for the published code carries its state on; quiver does not.)
"""
import json
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy
from safetensors.numpy import load_file, save_file

BEGIN, END, WORD_BEGIN, WORD_END, PADDING = 256, 257, 258, 259, 260


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


def characters(word, limit):
    ids = [word] if isinstance(word, int) else list(word.encode("utf-8"))[: limit - 2]
    ids = [WORD_BEGIN, *ids, WORD_END]
    return ids + [PADDING] * (limit - len(ids))


def word_vector(word, config, tensors):
    table = tensors["characters.weight"][characters(word, config["max_characters_per_token"])]
    parts = []
    for index, (width, _) in enumerate(config["filters"]):
        windows = numpy.stack([table[i:i + width].ravel() for i in range(len(table) - width + 1)])
        found = windows @ tensors[f"convolution.{index}.weight"].T + tensors[f"convolution.{index}.bias"]
        parts.append(found.max(axis=0))
    activation = {"relu": lambda x: numpy.maximum(x, 0), "tanh": numpy.tanh}[config["activation"]]
    x = activation(numpy.concatenate(parts))
    for index in range(config["highways"]):
        name = f"highway.{index}"
        new = numpy.maximum(tensors[f"{name}.transform.weight"] @ x + tensors[f"{name}.transform.bias"], 0)
        # What the files call carry is the share of what is new.
        share = sigmoid(tensors[f"{name}.carry.weight"] @ x + tensors[f"{name}.carry.bias"])
        x = share * new + (1 - share) * x
    return tensors["projection.weight"] @ x + tensors["projection.bias"]


def lstm(inputs, name, config, tensors):
    state, cell, outputs = numpy.zeros(config["hidden_size"]), numpy.zeros(config["cell_size"]), []
    clip, projection_clip = config["cell_clip"], config["projection_clip"]
    for x in inputs:
        gates = tensors[f"{name}.input.weight"] @ x + tensors[f"{name}.input.bias"]
        i, f, g, o = numpy.split(gates + tensors[f"{name}.state.weight"] @ state, 4)
        cell = numpy.clip(sigmoid(i) * numpy.tanh(g) + sigmoid(f) * cell, -clip, clip)
        state = tensors[f"{name}.projection.weight"] @ (sigmoid(o) * numpy.tanh(cell))
        state = numpy.clip(state, -projection_clip, projection_clip)
        outputs.append(state)
    return numpy.stack(outputs)


def layers(words, config, tensors):
    """All layers' outputs for the words, sentence boundaries left out: [layers + 1, words, 2 * size]."""
    first = numpy.stack([word_vector(word, config, tensors) for word in [BEGIN, *words, END]])
    results, streams = [numpy.concatenate([first, first], axis=1)], [first, first[::-1]]
    for layer in range(config["num_hidden_layers"]):
        for direction, name in enumerate(["forward", "backward"]):
            outputs = lstm(streams[direction], f"{name}.{layer}", config, tensors)
            skips = config["skip_connections"] and layer > 0
            streams[direction] = outputs + streams[direction] if skips else outputs
        results.append(numpy.concatenate([streams[0], streams[1][::-1]], axis=1))
    return numpy.stack(results)[:, 1:-1]


def mixed(words, config, tensors):
    if not words:
        return numpy.zeros((1, 2 * config["hidden_size"]))
    weights = numpy.exp(config["layer_weights"])
    return config["gamma"] * numpy.tensordot(weights / weights.sum(), layers(words, config, tensors), 1)


def check(fixtures, streams, config, tensors):
    for stream, sentences in enumerate(streams):
        with h5py.File(fixtures / f"lm_embeddings_{stream}.hdf5") as file:
            expected = numpy.concatenate(list(file["0"][...]), axis=1)
        top = layers(sentences[0].split(), config, tensors)[-1]
        assert top.shape == expected.shape, (top.shape, expected.shape)
        print(f"stream {stream}: largest difference {abs(top - expected).max():.2g}")
        assert abs(top - expected).max() < 1e-5


def main():
    fixtures, root = Path(sys.argv[1]), Path(sys.argv[2]) / "tiny/elmo"
    shutil.rmtree(root, ignore_errors=True)
    convert = Path(__file__).parent.parent / "convert/elmo.py"
    subprocess.run(
        [sys.executable, convert, fixtures / "options.json", fixtures / "lm_weights.hdf5", root], check=True)
    config = json.loads((root / "config.json").read_text())
    tensors = load_file(root / "model.safetensors")
    streams = json.loads((fixtures / "sentences.json").read_text())
    check(fixtures, streams, config, tensors)
    # Half as many bytes in the repository; the vectors are of the rounded weights.
    save_file({name: array.astype(numpy.float16) for name, array in tensors.items()}, root / "model.safetensors")
    tensors = {name: array.astype(numpy.float16).astype(numpy.float64) for name, array in tensors.items()}
    config |= {"layer_weights": [0.5, -0.25, 1.0], "gamma": 1.5}
    (root / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    (root / "case.json").write_text('{"base": null, "removed": []}\n')
    texts = [stream[0] for stream in streams] + [
        "the river bank", "a bank", "x", "", "d\u00e9p\u00f4t \U0001f30a " + "longword" * 8 + " " + "\u00e9" * 30 + " end"]
    lines = []
    for text in texts:
        vector = mixed(text.split(), config, tensors).mean(axis=0)
        words = [list(word.encode("utf-8"))[:48] + [WORD_END] for word in text.split()]
        ids = [character for word in words for character in word]
        lines.append(json.dumps({"text": text, "ids": ids, "vector": [float(f"{x:.8g}") for x in vector]}))
    (root / "golden.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
