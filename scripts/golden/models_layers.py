#!/usr/bin/env python3
"""Writes what each layer of the tiny models gives, under Tests/Fixtures/models/layers, with the versions of models.py.

    /tmp/venv/bin/python scripts/golden/models_layers.py Tests/Fixtures/models [CASE...]

A file has the token ids of one of the case's texts (`ids`), and the token vectors before the first layer and after each,
`[layers + 1, tokens, width]` (`states`). The last are behind the final norm, where the family has one.
"""
import json
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer

from models import assemble
from models_rotary import Jina

CASES = [
    "bert", "roberta", "distilbert", "mpnet", "electra", "electra-small", "albert", "albert-groups", "deberta-v3",
    "deberta-v2-convolution", "deberta-v2-unshared", "deberta-v2-one-way", "t5", "t5-gated", "umt5", "modernbert",
    "modernbert-old", "nomic", "gte", "eurobert", "llama", "llama-dynamic", "llama-longrope", "mistral", "qwen2",
    "qwen2-bidirectional", "qwen3", "gemma", "gemma-causal", "longformer", "bigbird", "bigbird-cls", "jina", "jina-code"]
# More tokens than the windows of all cases, and than BigBird's from which on blocks are taken.
TOKENS = {"bigbird": 57, "bigbird-cls": 57, "llama-longrope": 25}
MANY = 17


def text(root, name):
    """The ids of the case's first text that is long enough."""
    rows = [json.loads(line)["ids"] for line in (root / "tiny" / name / "golden.jsonl").read_text().splitlines()]
    return next(row for row in sorted(rows, key=len) if len(row) >= TOKENS.get(name, MANY))


def jina_states(folder, name, ids):
    model = Jina(name == "jina-code")
    state = load_file(folder / "model.safetensors")
    model.load_state_dict({
        "tensors." + key[: key.rindex(".")].replace(".", "|") + key[key.rindex("."):]: value.float() for key, value in state.items()})
    states = []
    model(torch.tensor(ids), states)
    return states


def states(folder, name, ids):
    if name.startswith("jina"):
        return jina_states(folder, name, ids)
    model = SentenceTransformer(str(folder), model_kwargs={"dtype": torch.float32}, device="cpu")[0].model.eval()
    # Some classes put the final norm's output behind the last layer's, some in its place.
    found = model(torch.tensor([ids]), output_hidden_states=True)
    layers = [state[0, : len(ids)] for state in found.hidden_states]
    return layers[:-1] + [found.last_hidden_state[0, : len(ids)]]


def main():
    torch.set_num_threads(1)
    root = Path(sys.argv[1])
    target = root / "layers"
    if not sys.argv[2:]:
        shutil.rmtree(target, ignore_errors=True)
    target.mkdir(exist_ok=True)
    for name in sys.argv[2:] or CASES:
        ids = text(root, name)
        with tempfile.TemporaryDirectory() as scratch, torch.no_grad():
            assemble(root / "tiny", name, Path(scratch) / name)
            layers = torch.stack(states(Path(scratch) / name, name, ids)).contiguous()
        save_file({"ids": torch.tensor(ids, dtype=torch.int32), "states": layers}, target / f"{name}.safetensors")
        print(f"{name}: {tuple(layers.shape)}, largest |component| {layers.abs().max():.2f}")


if __name__ == "__main__":
    main()
