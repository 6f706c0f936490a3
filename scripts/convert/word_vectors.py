#!/usr/bin/env python3
"""Converts word vectors into a sentence-transformers folder (WordEmbeddings and Pooling) that quiver loads.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy safetensors
    /tmp/venv/bin/python scripts/convert/word_vectors.py VECTORS FOLDER [--lowercase]
    quiver inspect FOLDER

VECTORS is GloVe's text ("word v1 ... vn"), word2vec's text or binary (a line "count width" first), or an array
of NumPy (.npy) with its words, one a line, in a file beside it (.txt); text may be compressed (.gz). Words are
split and looked up as sentence-transformers' `WordEmbeddings.from_text_file` does; a text's vector is the mean.
With `--lowercase` texts are lowercased first, as for vectors of lower-case words only.
"""
import argparse
import gzip
import json
from pathlib import Path

import numpy
from safetensors.numpy import save_file


def is_binary(path):
    """Whether the vectors behind the first line and word are numbers in binary."""
    with open(path, "rb") as file:
        header = file.readline().split()
        if len(header) != 2 or not all(part.isdigit() for part in header):
            return False
        behind = file.read(4096).partition(b" ")[2][: 4 * int(header[1])]
    return any(byte not in b"0123456789+-.eE \n" for byte in behind)


def read_binary(path):
    with open(path, "rb") as file:
        count, width = map(int, file.readline().split())
        data = file.read()
    words, vectors, position = [], numpy.empty((count, width), dtype="<f4"), 0
    for row in range(count):
        end = data.index(b" ", position)
        # The published files end vectors with a line break, others do not.
        words.append(data[position:end].lstrip(b"\n").decode("utf-8", "replace"))
        vectors[row] = numpy.frombuffer(data, "<f4", width, end + 1)
        position = end + 1 + 4 * width
    return words, vectors


def read_text(path):
    words, vectors, width = [], [], None
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8", newline="\n") as file:
        for line in file:
            parts = line.rstrip().split(" ")
            if not words and len(parts) == 2:
                continue
            width = width or len(parts) - 1
            if len(parts) - 1 != width:
                print(f"left out a line of {len(parts) - 1} numbers: {line[:40]!r}")
                continue
            words.append(parts[0])
            vectors.append(numpy.array(parts[1:], dtype=numpy.float64).astype("<f4"))
    return words, numpy.stack(vectors)


def read(path):
    if path.suffix == ".npy":
        return path.with_suffix(".txt").read_text(encoding="utf-8").split("\n"), numpy.load(path).astype("<f4")
    return read_binary(path) if is_binary(path) else read_text(path)


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("vectors", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lowercase", action="store_true")
    arguments = parser.parse_args()
    words, vectors = read(arguments.vectors)
    words = words[: len(vectors)]
    # Row 0 is padding, which no word has; of equal words the last counts.
    table = numpy.concatenate([numpy.zeros((1, vectors.shape[1]), "<f4"), vectors])
    folder, module = arguments.folder, arguments.folder / "0_WordEmbeddings"
    write_json(module / "whitespacetokenizer_config.json", {
        "vocab": ["PADDING_TOKEN", *words], "stop_words": ['"'], "do_lower_case": arguments.lowercase})
    write_json(module / "wordembedding_config.json", {
        "tokenizer_class":
            "sentence_transformers.sentence_transformer.modules.tokenizer.whitespace.WhitespaceTokenizer",
        "update_embeddings": False, "max_seq_length": 1000000})
    save_file({"emb_layer.weight": table}, module / "model.safetensors", {"format": "pt"})
    write_json(folder / "1_Pooling/config.json", {"embedding_dimension": table.shape[1], "pooling_mode": "mean"})
    write_json(folder / "modules.json", [
        {"idx": index, "name": str(index), "path": f"{index}_{name}", "type": f"sentence_transformers.models.{name}"}
        for index, name in enumerate(["WordEmbeddings", "Pooling"])])
    print(f"{len(words)} words, {table.shape[1]} components")


if __name__ == "__main__":
    main()
