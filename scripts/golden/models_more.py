#!/usr/bin/env python3
"""Writes more tiny models under Tests/Fixtures/models, beside those of models.py and with its versions.

    /tmp/venv/bin/python scripts/golden/models.py Tests/Fixtures/models
    /tmp/venv/bin/python scripts/golden/models_more.py Tests/Fixtures/models [CASE...]

Every case is a whole folder with a tokenizer of the family's own class over a small vocabulary. A line of its
`golden.jsonl` has the text, too, so that the ids are checked from the text on.
"""
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy
import torch
from sentence_transformers import SentenceTransformer
from transformers import (
    AlbertConfig, AlbertModel, AlbertTokenizer, DebertaV2Config, DebertaV2Model, DebertaV2Tokenizer, ElectraConfig,
    ElectraModel, MT5Config, MT5EncoderModel, T5Config, T5EncoderModel, T5ForConditionalGeneration, T5Tokenizer,
    UMT5Config, UMT5EncoderModel)
from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

from models import (
    LETTERS, TEXTS, VOCABULARY, WORDS, assemble, bert_tokenizer, dense, golden_prompts, modules, overlay, pooling, randomize,
    write_json)

# What only a tokenizer of SentencePiece's kind sees: case, accents, runs of spaces, quotes, unknown letters.
MORE_TEXTS = ["The  River\tBANK ", "d\u00e9p\u00f4t ``old'' \ufb01ve \u2460", "unknownword \u0142\u00f3d\u017a \U0001f30a bank"]


def unigram(specials, letters=LETTERS):
    """Pieces with scores: whole words are the best, then halves of words, then letters."""
    pieces = {}
    for word in WORDS:
        pieces["\u2581" + word] = -3.0 - 0.01 * len(pieces)
        for cut in range(2, len(word) - 1):
            pieces.setdefault(word[cut:], -6.0 - 0.01 * len(pieces))
    for letter in letters:
        pieces.setdefault(letter, -9.0)
        pieces.setdefault("\u2581" + letter, -9.5)
    pieces["\u2581"] = -8.0
    return [(special, 0.0) for special in specials] + list(pieces.items())


def save(folder, model, tokenizer, seed, steps=("Pooling", "Normalize"), mode="mean_tokens"):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    randomize(model, seed)
    model.save_pretrained(folder)
    if callable(tokenizer) and not hasattr(tokenizer, "save_pretrained"):
        tokenizer(folder)
    else:
        tokenizer.save_pretrained(folder)
    write_json(folder / "modules.json", modules(*steps))
    write_json(folder / "1_Pooling/config.json", pooling([mode], model.config.hidden_size))
    write_json(folder / "case.json", {"base": None, "removed": []})


def electra_small(folder):
    config = ElectraConfig(
        vocab_size=len(VOCABULARY), embedding_size=12, hidden_size=24, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=40, max_position_embeddings=40)
    save(folder, ElectraModel(config), bert_tokenizer, seed=23)


def albert_tokenizer():
    vocabulary = unigram(["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"])
    return AlbertTokenizer(vocab=vocabulary, model_max_length=40), len(vocabulary)


def albert(folder):
    tokenizer, size = albert_tokenizer()
    config = AlbertConfig(
        vocab_size=size, embedding_size=12, hidden_size=24, num_hidden_layers=4, num_attention_heads=3,
        intermediate_size=40, max_position_embeddings=40)
    save(folder, AlbertModel(config, add_pooling_layer=False), tokenizer, seed=29)


def albert_groups(folder):
    """Three groups of two layers, run as five: the groups' spans are not whole."""
    tokenizer, size = albert_tokenizer()
    config = AlbertConfig(
        vocab_size=size, embedding_size=16, hidden_size=16, num_hidden_layers=5, num_hidden_groups=3,
        inner_group_num=2, num_attention_heads=2, intermediate_size=24, max_position_embeddings=40, hidden_act="gelu")
    save(folder, AlbertModel(config, add_pooling_layer=False), tokenizer, seed=31, mode="cls_token")


def deberta(folder, seed, length, **changes):
    vocabulary = unigram(["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"])
    tokenizer = DebertaV2Tokenizer(vocab=vocabulary, model_max_length=length)
    config = DebertaV2Config(**{
        "vocab_size": len(vocabulary), "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3,
        "intermediate_size": 40, "relative_attention": True, "pos_att_type": "p2c|c2p"} | changes)
    save(folder, DebertaV2Model(config), tokenizer, seed)


def deberta_v3(folder):
    """As microsoft/deberta-v3: the texts are longer than the buckets and than the positions reach."""
    deberta(
        folder, 37, 160, max_position_embeddings=96, position_buckets=16, max_relative_positions=-1,
        share_att_key=True, norm_rel_ebd="layer_norm", position_biased_input=False)
    settings = {"max_seq_length": 150, "do_lower_case": True}
    write_json(folder / "sentence_bert_config.json", settings)


def deberta_v2_convolution(folder):
    """As microsoft/deberta-v2-xlarge, with types and absolute positions added."""
    deberta(
        folder, 41, 80, max_position_embeddings=80, position_buckets=12, share_att_key=True,
        norm_rel_ebd="layer_norm", position_biased_input=True, type_vocab_size=2, conv_kernel_size=3, conv_act="gelu")


def deberta_v2_unshared(folder):
    """Own projections, no buckets, no norm of the distances, narrower embeddings."""
    deberta(
        folder, 43, 60, hidden_size=20, num_attention_heads=2, max_position_embeddings=60, max_relative_positions=24,
        share_att_key=False, position_biased_input=False, embedding_size=12)


def deberta_v2_one_way(folder):
    deberta(
        folder, 47, 60, num_hidden_layers=1, max_position_embeddings=60, position_buckets=10, pos_att_type=["p2c"],
        share_att_key=True, position_biased_input=False, conv_kernel_size=5)


def t5(folder, kind, config, seed, **changes):
    vocabulary = unigram(["<pad>", "</s>", "<unk>"]) + [("<extra_id_1>", 0.0), ("<extra_id_0>", 0.0)]
    tokenizer = T5Tokenizer(vocab=vocabulary, extra_ids=2, model_max_length=200)
    model = kind(config(**{
        "vocab_size": len(vocabulary) + 3, "d_model": 24, "d_kv": 8, "num_heads": 3, "d_ff": 40, "num_layers": 2,
        "num_decoder_layers": 1} | changes))
    save(folder, model, tokenizer, seed, steps=("Pooling", "Dense", "Normalize"))
    dense(folder, "2_Dense", 24, 20, "linear.Identity", seed + 1, bias=False)


def t5_gated(folder):
    """As mT5 and T5 1.1: gated, and the heads together are wider than the model."""
    t5(folder, MT5EncoderModel, MT5Config, 59, num_heads=4, feed_forward_proj="gated-gelu", relative_attention_num_buckets=16,
       relative_attention_max_distance=40)


def umt5(folder):
    """A table of biases in every layer."""
    t5(folder, UMT5EncoderModel, UMT5Config, 67, num_heads=4, relative_attention_num_buckets=16,
       relative_attention_max_distance=40)


def instructor(folder):
    """As hkunlp/instructor: prompts are read and not pooled."""
    t5(folder, T5EncoderModel, T5Config, 61)
    config = pooling(["mean_tokens"], 24) | {"include_prompt": False}
    write_json(folder / "1_Pooling/config.json", config)
    prompts = {"query": "the river question under the old bridge: ", "passage": "a ", "document": "money "}
    write_json(folder / "config_sentence_transformers.json", {"prompts": prompts, "default_prompt_name": None})


def converted(base, *normalizers):
    """The tokenizer's file as it has been converted from SentencePiece since 2021; the reference makes its class's steps all the same."""
    def make(folder):
        shutil.rmtree(folder, ignore_errors=True)
        overlay(folder.parent, folder.name, base)
        tokenizer = json.loads((folder.parent / base / "tokenizer.json").read_text())
        spaces = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
        tokenizer["normalizer"] = {"type": "Sequence", "normalizers": [*normalizers, spaces]}
        tokenizer["pre_tokenizer"] = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    return make


CASES = {
    "t5": lambda folder: t5(folder, T5ForConditionalGeneration, T5Config, 53), "t5-gated": t5_gated,
    "instructor": instructor, "instructor-converted": converted("instructor"), "umt5": umt5,
    "electra-small": electra_small, "albert": albert, "albert-groups": albert_groups, "deberta-v3": deberta_v3,
    "deberta-v2-convolution": deberta_v2_convolution, "deberta-v2-unshared": deberta_v2_unshared,
    "deberta-v2-one-way": deberta_v2_one_way, "deberta-v3-converted": converted("deberta-v3", {"type": "NFKC"}),
    "albert-converted": converted("albert", {"type": "NFC"}),
}
# Texts beside the common ones, for the cases that need them.
LONG_TEXTS = {"t5": [TEXTS[5] * 5], "t5-gated": [TEXTS[5] * 5], "umt5": [TEXTS[5] * 5], "deberta-v3": [TEXTS[5] * 5, "".join(TEXTS) * 2]}


def deberta_buckets(path):
    """Buckets of the distances 0, 1, ... with the settings of real models and of the tiny ones."""
    lines = []
    for buckets, maximum in [(256, 512), (256, 1024), (32, 128), (16, 96)]:
        found = make_log_bucket_position(torch.arange(0, 1100), buckets, maximum).long()
        back = make_log_bucket_position(-torch.arange(0, 1100), buckets, maximum).long()
        assert (found == -back).all()
        lines.append(json.dumps({"buckets": buckets, "maximum": maximum, "found": found.tolist()}))
    path.write_text("\n".join(lines) + "\n")


def golden(root, name):
    with tempfile.TemporaryDirectory() as scratch:
        assemble(root, name, Path(scratch) / name)
        model = SentenceTransformer(str(Path(scratch) / name), model_kwargs={"dtype": torch.float32}, device="cpu")
    model.eval()
    texts = TEXTS + MORE_TEXTS + LONG_TEXTS.get(name, [])
    features = [model.tokenize([text])["input_ids"][0].tolist() for text in texts]
    # One text at a time: in a batch, some families' vectors depend on the padding.
    vectors = model.encode(texts, prompt="", batch_size=1, convert_to_numpy=True).astype(numpy.float64)
    lines = [
        json.dumps({"text": text, "ids": ids, "vector": [float(f"{x:.8g}") for x in vector]})
        for text, ids, vector in zip(texts, features, vectors)
    ]
    (root / name / "golden.jsonl").write_text("\n".join(lines) + "\n")
    size = sum(path.stat().st_size for path in (root / name).rglob("*") if path.is_file())
    tokens = [len(ids) for ids in features]
    print(f"{name}: {vectors.shape}, {size // 1000} kB, {min(tokens)} to {max(tokens)} tokens")


def main():
    torch.set_num_threads(1)
    root = Path(sys.argv[1]) / "tiny"
    deberta_buckets(root.parent / "deberta_buckets.jsonl")
    for name in sys.argv[2:] or CASES:
        CASES[name](root / name)
        golden(root, name)
    for name in ["instructor", "instructor-converted"]:
        if name in (sys.argv[2:] or CASES):
            golden_prompts(root, name)


if __name__ == "__main__":
    main()
