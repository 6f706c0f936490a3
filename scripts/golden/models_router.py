#!/usr/bin/env python3
"""Writes tiny models with a Router under Tests/Fixtures/models, beside those of models.py and with its versions.

    /tmp/venv/bin/python scripts/golden/models_router.py Tests/Fixtures/models

Queries go through a table, documents through a transformer. `golden.jsonl` has the ids of the first route, that of queries, and
`golden-prompts.jsonl` texts for each use.
"""
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Router
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, StaticEmbedding, Transformer
from transformers import BertConfig, BertModel

from models import TEXTS, VOCABULARY, bert_tokenizer, randomize, write_json
from models_static import PIECES, random_table, tokenizer


def transformer(folder):
    config = BertConfig(
        vocab_size=len(VOCABULARY), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=40, type_vocab_size=1)
    model = BertModel(config)
    randomize(model, seed=91)
    model.save_pretrained(folder)
    bert_tokenizer(folder)
    return Transformer(str(folder), max_seq_length=24)


def modules(scratch):
    table = StaticEmbedding(tokenizer(), embedding_weights=random_table(4 + len(PIECES), 12, 92))
    dense = Dense(16, 12, activation_function=torch.nn.Tanh())
    randomize(dense, seed=93)
    return [table], [transformer(scratch), Pooling(16, pooling_mode="cls"), dense]


def save(folder, router, *behind, **prompts):
    shutil.rmtree(folder, ignore_errors=True)
    SentenceTransformer(modules=[router, *behind], **prompts).save(str(folder))
    for extra in [folder / "README.md", folder / ".gitattributes"]:
        extra.unlink(missing_ok=True)
    write_json(folder / "case.json", {"base": None, "removed": []})


def golden(folder, calls):
    model = SentenceTransformer(str(folder), device="cpu")
    digits = lambda vector: [float(f"{x:.8g}") for x in vector.astype(numpy.float64)]
    first = next(iter(model[0].sub_modules.values()))[0]
    lines = []
    for text in TEXTS:
        vector = model.encode(text, prompt="", task="query")
        lines.append({"ids": first.tokenizer.encode(text, add_special_tokens=False).ids, "vector": digits(vector)})
    (folder / "golden.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    lines = []
    for call in calls:
        encode = {"query": model.encode_query, "document": model.encode_document}.get(
            call.get("input_type"), model.encode)
        chosen = {key: value for key, value in call.items() if key != "input_type"}
        for text in TEXTS[:2] + TEXTS[3:]:
            lines.append(call | {"text": text, "vector": digits(encode(text, **chosen))})
    (folder / "golden-prompts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    print(f"{folder.name}: {len(lines)} texts")


def legacy(folder, source):
    """The spelling of Asym: other names, and the Router in a folder of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    write_json(folder / "case.json", {"base": None, "removed": []})
    config = json.loads((source / "router_config.json").read_text())
    config["types"] = {id: "sentence_transformers.models." + kind.rsplit(".", 1)[1] for id, kind in config["types"].items()}
    config["parameters"] = {"allow_empty_key": True}
    for id in config["types"]:
        shutil.copytree(source / id, folder / "0_Asym" / id)
    write_json(folder / "0_Asym/config.json", config)
    write_json(folder / "modules.json", [
        {"idx": 0, "name": "0", "path": "0_Asym", "type": "sentence_transformers.models.Asym"},
        {"idx": 1, "name": "1", "path": "1_Normalize", "type": "sentence_transformers.models.Normalize"}])


def main():
    torch.set_num_threads(1)
    root = Path(sys.argv[1]) / "tiny"
    uses = [{"input_type": "query"}, {"input_type": "document"}]
    with tempfile.TemporaryDirectory() as scratch:
        query, document = modules(Path(scratch))
        save(
            root / "router", Router.for_query_document(query, document), Normalize(),
            prompts={"query": "the old ", "document": "money "})
        golden(root / "router", [{}, *uses, {"prompt": "under a "}, {"prompt": "under a ", "input_type": "query"}])
        mapped = Router(
            {"fast": query, "slow": document}, route_mappings={("query", "text"): "fast", (None, None): "slow"})
        save(root / "router-mapped", mapped)
        golden(root / "router-mapped", [{}, *uses])
    legacy(root / "asym", root / "router")
    golden(root / "asym", [{}, *uses])


if __name__ == "__main__":
    main()
