#!/usr/bin/env python3
"""Time and memory of one long text on models of real sizes with random weights.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy safetensors
    /tmp/venv/bin/python Benchmarks/long_texts.py .build/release/quiver TOKENIZER_FOLDER [MODEL...]

TOKENIZER_FOLDER is any BERT folder: its tokenizer.json is used. For each shape a folder is written to a temporary
directory; `quiver embed` computes one text of the length from a cold start, and the time of the shortest text,
which is all loading, is taken off. Memory is the process's peak resident set, of which the weights are a part.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy
from safetensors.numpy import save_file

LENGTHS = [2, 512, 2048, 8192]
MODERNBERT = {
    "model_type": "modernbert", "vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": 22,
    "num_attention_heads": 12, "intermediate_size": 1152, "max_position_embeddings": 8192, "local_attention": 128,
    "global_attn_every_n_layers": 3, "global_rope_theta": 160000.0, "local_rope_theta": 10000.0, "norm_eps": 1e-5,
    "hidden_activation": "gelu", "architectures": ["ModernBertModel"]}
GTE = {
    "model_type": "gte", "vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
    "intermediate_size": 3072, "max_position_embeddings": 8192, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
    "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0}, "type_vocab_size": 0,
    "architectures": ["GteModel"]}
LONGFORMER = {
    "model_type": "longformer", "vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": 12,
    "num_attention_heads": 12, "intermediate_size": 3072, "max_position_embeddings": 8194, "attention_window": 512,
    "hidden_act": "gelu", "layer_norm_eps": 1e-5, "type_vocab_size": 1, "pad_token_id": 1,
    "architectures": ["LongformerModel"]}
BIGBIRD = LONGFORMER | {
    "model_type": "big_bird", "block_size": 64, "num_random_blocks": 3, "attention_type": "block_sparse",
    "architectures": ["BigBirdModel"]}


def modernbert(layers):
    tensors = {"embeddings.tok_embeddings.weight": (30522, 768), "embeddings.norm.weight": 768, "final_norm.weight": 768}
    for index in range(layers):
        layer = f"layers.{index}."
        tensors |= {
            layer + "attn.Wqkv.weight": (3 * 768, 768), layer + "attn.Wo.weight": (768, 768),
            layer + "mlp.Wi.weight": (2 * 1152, 768), layer + "mlp.Wo.weight": (768, 1152),
            layer + "mlp_norm.weight": 768} | ({layer + "attn_norm.weight": 768} if index else {})
    return tensors


def gte(layers):
    tensors = {"embeddings.word_embeddings.weight": (30522, 768)}
    norms = ["embeddings.LayerNorm"]
    for index in range(layers):
        layer = f"layers.{index}."
        for part in ["q_proj", "k_proj", "v_proj", "o_proj"]:
            tensors |= {layer + f"self_attn.{part}.weight": (768, 768), layer + f"self_attn.{part}.bias": 768}
        tensors |= {
            layer + "mlp.up_proj.weight": (3072, 768), layer + "mlp.gate_proj.weight": (3072, 768),
            layer + "mlp.down_proj.weight": (768, 3072), layer + "mlp.down_proj.bias": 768}
        norms += [layer + "post_attention_layernorm", layer + "post_mlp_layernorm"]
    return tensors | {norm + "." + part: 768 for norm in norms for part in ["weight", "bias"]}


def bert(layers):
    words, positions = {"embeddings.word_embeddings.weight": (30522, 768)}, {"embeddings.position_embeddings.weight": (8194, 768)}
    tensors = words | positions | {"embeddings.token_type_embeddings.weight": (1, 768)}
    norms = ["embeddings.LayerNorm"]
    for index in range(layers):
        layer = f"encoder.layer.{index}."
        for part in ["self.query", "self.key", "self.value", "output.dense"]:
            tensors |= {layer + f"attention.{part}.weight": (768, 768), layer + f"attention.{part}.bias": 768}
        tensors |= {
            layer + "intermediate.dense.weight": (3072, 768), layer + "intermediate.dense.bias": 3072,
            layer + "output.dense.weight": (768, 3072), layer + "output.dense.bias": 768}
        norms += [layer + "attention.output.LayerNorm", layer + "output.LayerNorm"]
    return tensors | {norm + "." + part: 768 for norm in norms for part in ["weight", "bias"]}


def write(folder, config, shapes, tokenizer):
    folder.mkdir()
    generator = numpy.random.default_rng(1)
    tensors = {}
    for name, shape in shapes.items():
        noise = generator.standard_normal(shape, dtype=numpy.float32)
        is_gain = "norm" in name.lower() and name.endswith("weight")
        tensors[name] = 1 + 0.1 * noise if is_gain else noise / 28
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    shutil.copy(Path(tokenizer) / "tokenizer.json", folder)
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 8192}))


def run(binary, folder, length, dtype):
    """Seconds and peak MB of one `quiver embed` of a text of `length` tokens, the special ones among them."""
    text = " ".join(["river", "bank"][i % 2] for i in range(length - 2))
    start = time.monotonic()
    process = subprocess.Popen(
        [binary, "embed", "--model", folder, "--dtype", dtype], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    process.stdin.write(text.encode() + b"\n")
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"quiver embed ended with {status}")
    return time.monotonic() - start, usage.ru_maxrss / 1024


def main():
    binary, tokenizer = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as root:
        for name, config, shapes in [
            ("modernbert-base", MODERNBERT, modernbert(22)), ("gte-base", GTE, gte(12)),
            ("longformer-base", LONGFORMER, bert(12)), ("bigbird-base", BIGBIRD, bert(12)),
        ]:
            if len(sys.argv) > 3 and name not in sys.argv[3:]:
                continue
            folder = Path(root) / name
            write(folder, config, shapes, tokenizer)
            for dtype in ["float32", "bfloat16"]:
                base = None
                for length in LENGTHS:
                    seconds, memory = run(binary, folder, length, dtype)
                    base = base or (seconds, memory)
                    print(
                        f"{name} {dtype}, {length} tokens: {seconds - base[0]:.2f} s, peak {memory:.0f} MB,"
                        f" {memory - base[1]:+.0f} MB to the shortest text's", flush=True)
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
