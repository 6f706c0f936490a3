#!/usr/bin/env python3
"""Writes tiny models without layers under Tests/Fixtures/models, beside those of models.py and with its versions.

    /tmp/venv/bin/python scripts/golden/models.py Tests/Fixtures/models
    /tmp/venv/bin/python scripts/golden/models_static.py Tests/Fixtures/models [CASE...]

Tables of static embeddings, as sentence-transformers and model2vec write them, and of words. A line of
`golden.jsonl` has the text, too, so that the ids are checked from the text on.
"""
import json
import shutil
import sys
from pathlib import Path

import numpy
import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Normalize, Pooling, StaticEmbedding, WordEmbeddings, WordWeights)
from sentence_transformers.sentence_transformer.modules.tokenizer import WhitespaceTokenizer
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from models import PIECES, TEXTS, WORDS, dense, golden_prompts, write_json

MORE_TEXTS = ["The  River\tBANK!", "d\u00e9p\u00f4t unknownword \U0001f30a bank", "   "]


def tokenizer(truncation=None):
    """Words as BERT splits them; the special tokens and the padding of the file must not be used."""
    vocabulary = {piece: i for i, piece in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + PIECES)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.enable_padding()
    if truncation:
        tokenizer.enable_truncation(truncation)
    return tokenizer


def random_table(rows, width, seed):
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))


def static(folder):
    """A StaticEmbedding with a cut in its tokenizer, a Dense module and prompts."""
    table = StaticEmbedding(tokenizer(truncation=12), embedding_weights=random_table(4 + len(PIECES), 24, 71))
    SentenceTransformer(modules=[table], prompts={"query": "the old ", "document": ""}).save(str(folder))
    modules = json.loads((folder / "modules.json").read_text())
    for name in ["Dense", "Normalize"]:
        kind = f"sentence_transformers.models.{name}"
        modules.append({"idx": len(modules), "name": str(len(modules)), "path": f"{len(modules)}_{name}", "type": kind})
    write_json(folder / "modules.json", modules)
    dense(folder, "1_Dense", 24, 16, "activation.Tanh", seed=72)
    settings = json.loads((folder / "config_sentence_transformers.json").read_text())
    write_json(folder / "config_sentence_transformers.json", settings | {"truncate_dim": 10})


def static_half(folder):
    """The first releases' names, the folder itself as the module's path, and half the precision."""
    folder.mkdir()
    weights = random_table(4 + len(PIECES), 24, 73).half()
    save_file({"embedding.weight": weights}, folder / "model.safetensors")
    tokenizer().save(str(folder / "tokenizer.json"))
    kind = "sentence_transformers.models.StaticEmbedding"
    write_json(folder / "modules.json", [{"idx": 0, "name": "0", "path": ".", "type": kind}])


def model2vec(folder):
    """Vectors in eight bits, fewer than ids, with weights: the folder of vocabulary quantization."""
    folder.mkdir()
    count = 4 + len(PIECES)
    generator = torch.Generator().manual_seed(74)
    tensors = {
        "embeddings": torch.randint(-128, 128, (40, 16), generator=generator, dtype=torch.int8),
        "mapping": torch.randint(0, 40, (count,), generator=generator, dtype=torch.int64),
        "weights": torch.rand(count, generator=generator, dtype=torch.float64)}
    save_file(tensors, folder / "model.safetensors")
    tokenizer(truncation=20).save(str(folder / "tokenizer.json"))
    write_json(folder / "config.json", {"model_type": "model2vec", "normalize": True, "seq_length": 1000000})


def words(folder, **changes):
    """Words with vectors: stop words, cases, punctuation, a cut; pooled by everything but a position."""
    vocabulary = ["PADDING_TOKEN", *WORDS, "River", "BANK", "d\u00e9p\u00f4t", "old-bridge", "\u03bf\u03b4\u03cc\u03c2"]
    split = WhitespaceTokenizer(vocabulary, stop_words=["the", "of", '"'], **changes)
    table = WordEmbeddings(split, random_table(len(vocabulary), 20, 75).numpy(), max_seq_length=14)
    modes = ["max", "mean"] if changes else ["mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]
    steps = [table, Pooling(20, pooling_mode=modes), Normalize()]
    if not changes:
        weights = {word: 0.25 + 0.1 * len(word) for word in WORDS[::2]}
        steps.insert(1, WordWeights(vocabulary, weights, unknown_word_weight=1.5))
    SentenceTransformer(modules=steps).save(str(folder))


def words_lower(folder):
    words(folder, do_lower_case=True)


WORD_TEXTS = [
    'The "old-bridge," (River) of the BANK!!', "un der ... \u2014 d\u00c9P\u00d4T\u00a0d\u00e9p\u00f4t.", "\u039f\u0394\u038c\u03a3 \u0130\x1fmoney\x85bank",
    "nothing known", "-_-money-_- the\u3000bridge"]


def load(folder):
    """The reference's model; it has no loader for a folder of model2vec by itself."""
    if (folder / "modules.json").exists():
        return SentenceTransformer(str(folder), device="cpu").float()
    steps = [StaticEmbedding.load(str(folder))]
    if json.loads((folder / "config.json").read_text())["normalize"]:
        steps.append(Normalize())
    return SentenceTransformer(modules=steps, device="cpu")


def golden(root, name):
    model = load(root / name)
    is_static = isinstance(model[0], StaticEmbedding)
    texts = TEXTS + MORE_TEXTS + ([] if is_static else WORD_TEXTS)
    if name == "words-lower":
        # The reference's largest of no components is -1e9; nobody needs that.
        texts = [text for text in texts if model[0].tokenizer.tokenize(text)]
    lines = []
    for text, vector in zip(texts, model.encode(texts, prompt="").astype(numpy.float64)):
        if is_static:
            ids = model[0].tokenizer.encode(text, add_special_tokens=False).ids
        else:
            ids = model[0].tokenizer.tokenize(text)[: model[0].max_seq_length]
        lines.append(json.dumps({"text": text, "ids": ids, "vector": [float(f"{x:.8g}") for x in vector]}))
    (root / name / "golden.jsonl").write_text("\n".join(lines) + "\n")
    for extra in ["README.md", ".gitattributes"]:
        (root / name / extra).unlink(missing_ok=True)
    print(f"{name}: {len(vector)} components, {len(texts)} texts")


CASES = {
    "static": static, "static-half": static_half, "model2vec": model2vec, "words": words, "words-lower": words_lower}


def main():
    torch.set_num_threads(1)
    root = Path(sys.argv[1]) / "tiny"
    for name in sys.argv[2:] or CASES:
        shutil.rmtree(root / name, ignore_errors=True)
        CASES[name](root / name)
        write_json(root / name / "case.json", {"base": None, "removed": []})
        golden(root, name)
        if name == "static":
            golden_prompts(root, name)


if __name__ == "__main__":
    main()
