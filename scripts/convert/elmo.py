#!/usr/bin/env python3
"""Converts ELMo's public weights (allennlp's options.json and HDF5) into a folder that quiver loads.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install h5py numpy safetensors
    /tmp/venv/bin/python scripts/convert/elmo.py OPTIONS.json WEIGHTS.hdf5 FOLDER [--split-punctuation]
    quiver inspect FOLDER

A text is expected as the model was trained on: words and punctuation with spaces between. With
`--split-punctuation` punctuation is split off by BERT's rule instead. The layers' mean is a token's vector;
for the weights of a trained mix, write them into `layer_weights` (before the softmax) and `gamma` of config.json.
"""
import argparse
import json
from pathlib import Path

import h5py
import numpy
from safetensors.numpy import save_file


def matrices(file, options):
    """The tensors under quiver's names; matrices as [outputs, inputs]."""
    tensors = {"characters.weight": file["char_embed"][...]}
    cnn = options["char_cnn"]
    for index, (width, count) in enumerate(cnn["filters"]):
        kernel = file[f"CNN/W_cnn_{index}"][...]
        tensors[f"convolution.{index}.weight"] = kernel.reshape(width * cnn["embedding"]["dim"], count).T
        tensors[f"convolution.{index}.bias"] = file[f"CNN/b_cnn_{index}"][...]
    for index in range(cnn["n_highway"]):
        group = file[f"CNN_high_{index}"]
        for kind in ["transform", "carry"]:
            tensors[f"highway.{index}.{kind}.weight"] = group[f"W_{kind}"][...].T
            tensors[f"highway.{index}.{kind}.bias"] = group[f"b_{kind}"][...]
    tensors["projection.weight"] = file["CNN_proj/W_proj"][...].T
    tensors["projection.bias"] = file["CNN_proj/b_proj"][...]
    size = options["lstm"]["projection_dim"]
    for direction, name in enumerate(["forward", "backward"]):
        for layer in range(options["lstm"]["n_layers"]):
            cell = file[f"RNN_{direction}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"]
            # TensorFlow has the gates in the order input, cell, forget, output and adds 1 to the forget gate's bias.
            gates = lambda array: numpy.concatenate([numpy.split(array, 4, axis=-1)[i] for i in (0, 2, 1, 3)], axis=-1)
            weights, bias = gates(cell["W_0"][...]), gates(cell["B"][...]).copy()
            cells = bias.shape[0] // 4
            bias[cells:2 * cells] += 1
            tensors[f"{name}.{layer}.input.weight"] = weights[:size].T
            tensors[f"{name}.{layer}.input.bias"] = bias
            tensors[f"{name}.{layer}.state.weight"] = weights[size:].T
            tensors[f"{name}.{layer}.projection.weight"] = cell["W_P_0"][...].T
    return {name: numpy.ascontiguousarray(array, dtype=numpy.float32) for name, array in tensors.items()}


def configuration(options):
    lstm, cnn = options["lstm"], options["char_cnn"]
    assert cnn["n_characters"] in (261, 262), "another alphabet than allennlp's"
    return {
        "model_type": "elmo", "hidden_size": lstm["projection_dim"], "cell_size": lstm["dim"],
        "num_hidden_layers": lstm["n_layers"], "cell_clip": lstm["cell_clip"], "projection_clip": lstm["proj_clip"],
        "skip_connections": lstm["use_skip_connections"], "character_size": cnn["embedding"]["dim"],
        "filters": cnn["filters"], "highways": cnn["n_highway"], "activation": cnn["activation"],
        "max_characters_per_token": cnn["max_characters_per_token"],
        "layer_weights": [0.0] * (lstm["n_layers"] + 1), "gamma": 1.0}


def tokenizer(splits_punctuation, characters):
    """Words as their bytes, each word ended by 259."""
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": {"type": "BertPreTokenizer" if splits_punctuation else "WhitespaceSplit"},
        "post_processor": None, "decoder": None,
        "model": {"type": "WordBytes", "end_id": 259, "max_word_bytes": characters - 2}}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("options", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split-punctuation", action="store_true")
    arguments = parser.parse_args()
    options = json.loads(arguments.options.read_text())
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(arguments.weights) as file:
        save_file(matrices(file, options), arguments.folder / "model.safetensors")
    config = configuration(options)
    (arguments.folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    words = tokenizer(arguments.split_punctuation, config["max_characters_per_token"])
    (arguments.folder / "tokenizer.json").write_text(json.dumps(words, indent=1) + "\n")


if __name__ == "__main__":
    main()
