#!/usr/bin/env python3
"""What the narrower dtypes cost in quality: cosines to float32, and Spearman on the STS benchmark.

Needs the release binary, a model folder and numpy:

    Benchmarks/quality.py --binary .build/release/quiver --model DIR [--texts FILE.json]

float32 is the measure here; the tests hold it to sentence-transformers. FILE.json is an object of
lists of texts, measured besides, a row for each list.
"""

import argparse
import io
import json
import pathlib
import subprocess

import numpy

STS = pathlib.Path(__file__).parent.parent / "Tests" / "Fixtures" / "sts" / "test.tsv"
DTYPES = ("bfloat16", "int8")


def vectors(options, dtype, texts):
    """The vectors that `quiver embed` gives, `[texts, dimensions]`."""
    lines = "\n".join(" ".join(text.split()) for text in texts) + "\n"
    done = subprocess.run(
        [options.binary, "embed", "--model", options.model, "--dtype", dtype, "--output", "npy"],
        input=lines.encode(), capture_output=True, check=True)
    return numpy.load(io.BytesIO(done.stdout)).astype(numpy.float64)


def spearman(values, others):
    """Pearson's correlation of the ranks, equal values sharing their mean rank."""
    def ranks(numbers):
        _, inverse, counts = numpy.unique(numbers, return_inverse=True, return_counts=True)
        ends = numpy.cumsum(counts)
        return (ends - (counts - 1) / 2)[inverse]
    return numpy.corrcoef(ranks(numpy.asarray(values)), ranks(numpy.asarray(others)))[0, 1]


def cosines(rows, others):
    products = (rows * others).sum(axis=1)
    return products / numpy.linalg.norm(rows, axis=1) / numpy.linalg.norm(others, axis=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--texts", help="a JSON object of lists of texts")
    options = parser.parse_args()

    rows = [line.split("\t") for line in STS.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if is_number(row[0])]
    scores = [float(row[0]) for row in rows]
    sets = {"sts": [row[1] for row in rows] + [row[2] for row in rows]}
    if options.texts:
        for name, value in json.loads(pathlib.Path(options.texts).read_text()).items():
            if isinstance(value, list) and all(isinstance(text, str) for text in value):
                sets[name] = value

    print("| texts | dtype | cosine, mean | cosine, least | Spearman |")
    print("|---|---|---|---|---|")
    for name, texts in sets.items():
        exact = vectors(options, "float32", texts)
        for dtype in ("float32", *DTYPES):
            found = exact if dtype == "float32" else vectors(options, dtype, texts)
            near = cosines(found, exact)
            rank = ""
            if name == "sts":
                half = len(found) // 2
                rank = f"{spearman(cosines(found[:half], found[half:]), scores):.4f}"
            print(f"| {name}, {len(texts)} | {dtype} | {near.mean():.6f} | {near.min():.5f} | {rank} |",
                  flush=True)


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


if __name__ == "__main__":
    main()
