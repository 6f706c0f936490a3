#!/usr/bin/env python3
"""Writes the tiny models under Tests/Fixtures/models, with the vectors that the reference gives them.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install \
        sentence-transformers==6.2.0 transformers==5.23.0 torch==2.15.0
    /tmp/venv/bin/python scripts/golden/models.py Tests/Fixtures/models

Weights are random with fixed seeds, and matter everywhere: norms are not 1, biases are not 0. A case is a folder of
files that are laid over the folder that its `case.json` names as base, with `golden.json`: token ids and vectors.
All computation is float32 on one thread, whatever the weights are stored in.
"""
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig, BertModel, BertTokenizer, CamembertConfig, DistilBertConfig, DistilBertModel,
    ElectraConfig, ElectraModel, MPNetConfig, MPNetModel,
    PreTrainedTokenizerFast, RobertaConfig, RobertaModel, XLMRobertaConfig)

TEXTS = [
    "the river bank",
    "a bank account holds money",
    "",
    "deep water runs under the old bridge and the river floods its bank",
    "money money money",
    "one two three four five six seven eight nine ten " * 4,
    "under a bridge",
    "the old account of the deep river was two hundred years older than its bridge",
]
WORDS = sorted(set(" ".join(TEXTS).split()))
LETTERS = [letter for letter in "abcdefghijklmnopqrstuvwxyz"]
PIECES = WORDS + LETTERS + ["##" + l for l in LETTERS]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + PIECES
# A padding token in a text keeps its position, and those behind it move up.
PADDED_TEXTS = ["money <pad> the old bank <pad> bridge", "<pad>", "<pad><pad> river"]


def randomize(module, seed):
    """Gives every parameter a value that changes the result: also norms and biases."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(module.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        is_norm = "norm" in name.lower() and name.endswith("weight")
        scale = 0.2 if parameter.dim() == 1 else 1.0 / parameter.shape[-1] ** 0.5
        with torch.no_grad():
            parameter.copy_(1 + 0.2 * noise if is_norm else scale * noise)


def bert_tokenizer(folder):
    path = Path(folder) / "vocab.txt"
    path.write_text("\n".join(VOCABULARY) + "\n")
    BertTokenizer(vocab=str(path), model_max_length=40).save_pretrained(folder)
    path.unlink()


def roberta_tokenizer(folder, length=40):
    """Words as BERT splits them, between RoBERTa's special tokens: its numbering is what the encoder sees."""
    vocabulary = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] + PIECES
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(vocabulary)}, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", cls_token="<s>", eos_token="</s>", sep_token="</s>",
        pad_token="<pad>", unk_token="<unk>", mask_token=AddedToken("<mask>", lstrip=True),
        model_max_length=length, model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(folder)


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")


def modules(*names, transformer=""):
    paths = [transformer] + [f"{i}_{name}" for i, name in enumerate(names, 1)]
    kinds = ["Transformer", *names]
    return [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(zip(paths, kinds))
    ]


def pooling(mode, width=32):
    """The old spelling, as the folders of the field have it."""
    keys = ["cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"]
    config = {"word_embedding_dimension": width}
    return config | {f"pooling_mode_{key}": key in mode for key in keys}


def base_bert(folder):
    folder.mkdir(parents=True)
    config = BertConfig(
        vocab_size=len(VOCABULARY), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=72, max_position_embeddings=48, type_vocab_size=2)
    model = BertModel(config)
    randomize(model, seed=1)
    model.save_pretrained(folder)
    bert_tokenizer(folder)
    write_json(folder / "modules.json", modules("Pooling", "Normalize"))
    write_json(folder / "1_Pooling/config.json", pooling(["mean_tokens"]))
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": 32, "do_lower_case": False})
    write_json(folder / "case.json", {"base": None, "removed": []})


def base_family(folder, model, tokenizer, seed):
    folder.mkdir(parents=True)
    randomize(model, seed)
    model.save_pretrained(folder)
    tokenizer(folder)
    write_json(folder / "modules.json", modules("Pooling", "Normalize"))
    write_json(folder / "1_Pooling/config.json", pooling(["mean_tokens"], model.config.hidden_size))
    write_json(folder / "case.json", {"base": None, "removed": []})


def family_cases(root):
    sizes = {
        "vocab_size": 5 + len(PIECES), "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3,
        "intermediate_size": 40, "max_position_embeddings": 40}
    # Two positions fewer are usable than the table has rows: the padding row and those before it.
    roberta = sizes | {"type_vocab_size": 1, "layer_norm_eps": 1e-5, "max_position_embeddings": 42}
    base_family(root / "roberta", RobertaModel(RobertaConfig(**roberta)), roberta_tokenizer, seed=11)
    # Only the files that differ from RoBERTa's: the weights and their names are the same.
    for name, kind in {"xlm-roberta": XLMRobertaConfig, "camembert": CamembertConfig}.items():
        folder = overlay(root, name, base="roberta")
        kind(**roberta, architectures=["AnyModel"]).save_pretrained(folder)
    distil = {
        "vocab_size": sizes["vocab_size"], "dim": 24, "n_layers": 2, "n_heads": 2, "hidden_dim": 56,
        "max_position_embeddings": 40}
    # Long enough for distances beyond the last bucket.
    mpnet = sizes | {"max_position_embeddings": 162, "layer_norm_eps": 1e-5}
    base_family(
        root / "mpnet", MPNetModel(MPNetConfig(**mpnet)), lambda folder: roberta_tokenizer(folder, 160), seed=17)
    base_family(root / "distilbert", DistilBertModel(DistilBertConfig(**distil)), bert_tokenizer, seed=13)


def electra_case(root):
    config = ElectraConfig(
        vocab_size=len(VOCABULARY), embedding_size=24, hidden_size=24, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=40, max_position_embeddings=40)
    base_family(root / "electra", ElectraModel(config), bert_tokenizer, seed=19)


def overlay(root, name, base="bert", removed=()):
    folder = root / name
    folder.mkdir()
    write_json(folder / "case.json", {"base": base, "removed": list(removed)})
    return folder


def pooling_cases(root):
    for mode in ["cls_token", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"]:
        folder = overlay(root, "pooling-" + mode.replace("_tokens", "").replace("_token", ""))
        write_json(folder / "modules.json", modules("Pooling"))
        write_json(folder / "1_Pooling/config.json", pooling([mode]))
    folder = overlay(root, "pooling-old-concatenation")
    write_json(folder / "modules.json", modules("Pooling"))
    write_json(folder / "1_Pooling/config.json", pooling(["mean_tokens", "cls_token", "max_tokens"]))
    folder = overlay(root, "pooling-new-concatenation")
    config = {"embedding_dimension": 32, "pooling_mode": ["lasttoken", "mean"], "include_prompt": True}
    write_json(folder / "1_Pooling/config.json", config)
    overlay(root, "pooling-unstated", removed=["modules.json"])


def dense(folder, path, inputs, outputs, activation, seed, bias=True, residual=False):
    layer = torch.nn.Linear(inputs, outputs, bias=bias)
    randomize(layer, seed)
    tensors = {"linear." + name: value.detach().contiguous() for name, value in layer.named_parameters()}
    config = {
        "in_features": inputs, "out_features": outputs, "bias": bias,
        "activation_function": f"torch.nn.modules.{activation}"}
    if residual:
        config["use_residual"] = True
        if inputs != outputs:
            projection = torch.nn.Linear(inputs, outputs, bias=False)
            randomize(projection, seed + 1)
            tensors["residual.weight"] = projection.weight.detach().contiguous()
    write_json(folder / path / "config.json", config)
    save_file(tensors, folder / path / "model.safetensors")


def module_cases(root):
    folder = overlay(root, "dense-tanh")
    write_json(folder / "modules.json", modules("Pooling", "Dense", "Normalize"))
    dense(folder, "2_Dense", 32, 24, "activation.Tanh", seed=2)
    folder = overlay(root, "dense-residual")
    write_json(folder / "modules.json", modules("Pooling", "Dense", "Dense", "LayerNorm", "Dropout"))
    dense(folder, "2_Dense", 32, 20, "activation.GELU", seed=3, residual=True)
    dense(folder, "3_Dense", 20, 20, "linear.Identity", seed=5, bias=False, residual=True)
    norm = torch.nn.LayerNorm(20)
    randomize(norm, seed=7)
    write_json(folder / "4_LayerNorm/config.json", {"dimension": 20})
    tensors = {"norm.weight": 1 + norm.weight.detach(), "norm.bias": norm.bias.detach()}
    save_file(tensors, folder / "4_LayerNorm/model.safetensors")
    write_json(folder / "5_Dropout/config.json", {"dropout": 0.1})
    # Functions that no kernel has: of single numbers, with and without residual, and of the whole vector.
    folder = overlay(root, "dense-activations")
    write_json(folder / "modules.json", modules("Pooling", "Dense", "Dense", "Dense"))
    dense(folder, "2_Dense", 32, 20, "activation.Mish", seed=23, residual=True)
    dense(folder, "3_Dense", 20, 20, "activation.ELU", seed=29, residual=True)
    dense(folder, "4_Dense", 20, 12, "activation.LogSoftmax", seed=31)
    folder = overlay(root, "truncated-width")
    prompts = {"query": "the old ", "passage": "a bridge "}
    settings = {"prompts": prompts, "default_prompt_name": "passage", "truncate_dim": 12}
    write_json(folder / "config_sentence_transformers.json", settings | {"similarity_fn_name": "dot"})
    folder = overlay(root, "prompt-excluded")
    write_json(folder / "modules.json", modules("Pooling"))
    modes = ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]
    config = {"embedding_dimension": 32, "pooling_mode": modes, "include_prompt": False}
    write_json(folder / "1_Pooling/config.json", config)
    write_json(folder / "config_sentence_transformers.json", {"prompts": prompts | {"long": "the old " * 12}})


def activations(path):
    """What every class of torch.nn makes of one vector, of those that Dense modules take."""
    values = torch.cat([torch.linspace(-6, 6, 25), torch.tensor([-40, -1e-3, 1e-3, 40])])
    names = [
        "Identity", "Tanh", "ReLU", "GELU", "SiLU", "Sigmoid", "ELU", "CELU", "SELU", "LeakyReLU", "RReLU", "ReLU6", "Hardtanh",
        "Hardsigmoid", "Hardswish", "Hardshrink", "Softshrink", "Tanhshrink", "Softplus", "Softsign", "LogSigmoid", "Mish",
        "Softmax", "Softmin", "LogSoftmax"]
    lines = []
    for name in names:
        function = getattr(torch.nn, name)().eval()
        outputs = function(values[None])[0].tolist()
        lines.append(json.dumps({"name": name, "inputs": values.tolist(), "outputs": [float(f"{x:.8g}") for x in outputs]}))
    path.write_text("\n".join(lines) + "\n")


def weight_cases(root):
    weights = load_file(root / "bert/model.safetensors")
    folder = overlay(root, "float16")
    save_file({name: value.half() for name, value in weights.items()}, folder / "model.safetensors")
    # A checkpoint of an old pre-training run: prefix, gamma and beta, heads and position ids beside the encoder.
    folder = overlay(root, "legacy-names-bfloat16")
    legacy = {"cls.predictions.bias": torch.zeros(3), "bert.embeddings.position_ids": torch.arange(48)}
    for name, value in weights.items():
        name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        legacy["bert." + name] = value.bfloat16()
    save_file(legacy, folder / "model.safetensors")
    folder = overlay(root, "sharded", removed=["model.safetensors"])
    names = sorted(weights)
    shards = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for shard, shard_names in shards.items():
        save_file({name: weights[name].bfloat16() for name in shard_names}, folder / shard, {"format": "pt"})
    weight_map = {name: shard for shard, shard_names in shards.items() for name in shard_names}
    write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": 1}, "weight_map": weight_map})


def config_cases(root):
    config = json.loads((root / "bert/config.json").read_text())
    for name, changes in {
        "gelu-tanh": {"hidden_act": "gelu_new"},
        "relu": {"hidden_act": "relu", "layer_norm_eps": 1e-5},
    }.items():
        write_json(overlay(root, name) / "config.json", config | changes)


def assemble(root, name, target):
    """Lays the case's files over those of its base."""
    case = json.loads((root / name / "case.json").read_text())
    if case["base"]:
        assemble(root, case["base"], target)
    shutil.copytree(root / name, target, dirs_exist_ok=True)
    for removed in case["removed"]:
        (target / removed).unlink()


def golden(root, name):
    texts = TEXTS
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / name
        assemble(root, name, target)
        model = SentenceTransformer(str(target), model_kwargs={"dtype": torch.float32}, device="cpu")
        model.eval()
        if model[1].__class__.__name__ == "Pooling" and not (target / "modules.json").exists():
            assert model[1].pooling_mode == "mean"
        if model.tokenizer.pad_token == "<pad>":
            texts = TEXTS + PADDED_TEXTS + ([TEXTS[5] * 4] if name == "mpnet" else [])
        features = [model.tokenize([text])["input_ids"][0].tolist() for text in texts]
        vectors = model.encode(texts, prompt="", batch_size=len(texts), convert_to_numpy=True)
    lines = [
        json.dumps({"ids": ids, "vector": [float(f"{x:.8g}") for x in vector]})
        for ids, vector in zip(features, vectors.astype(numpy.float64))
    ]
    (root / name / "golden.jsonl").write_text("\n".join(lines) + "\n")
    print(f"{name}: {vectors.shape}, largest |component| {abs(vectors).max():.3f}")


PROMPTED_CALLS = [
    {}, {"input_type": "query"}, {"input_type": "document"}, {"prompt_name": "passage"}, {"prompt": "under a "},
    {"prompt": ""}, {"prompt": "money ", "input_type": "query"}, {"prompt_name": "long"}]


def golden_prompts(root, name):
    """Vectors under every way to choose a prompt."""
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / name
        assemble(root, name, target)
        model = SentenceTransformer(str(target), model_kwargs={"dtype": torch.float32}, device="cpu")
        for call in PROMPTED_CALLS:
            if call.get("prompt_name", "") not in {"", *model.prompts}:
                continue
            chosen = {key: value for key, value in call.items() if key != "input_type"}
            encode = {"query": model.encode_query, "document": model.encode_document}.get(
                call.get("input_type"), model.encode)
            texts = TEXTS[:2] + TEXTS[5:7]
            for text, vector in zip(texts, encode(texts, convert_to_numpy=True, **chosen).astype(numpy.float64)):
                lines.append(json.dumps(call | {"text": text, "vector": [float(f"{x:.8g}") for x in vector]}))
    (root / name / "golden-prompts.jsonl").write_text("\n".join(lines) + "\n")


def main():
    torch.set_num_threads(1)
    root = Path(sys.argv[1]) / "tiny"
    shutil.rmtree(root, ignore_errors=True)
    base_bert(root / "bert")
    pooling_cases(root)
    module_cases(root)
    activations(root.parent / "dense_activations.jsonl")
    weight_cases(root)
    config_cases(root)
    family_cases(root)
    electra_case(root)
    for case in sorted(path.parent.name for path in root.glob("*/case.json")):
        golden(root, case)
    for case in ["truncated-width", "prompt-excluded"]:
        golden_prompts(root, case)


if __name__ == "__main__":
    main()
