#!/usr/bin/env python3
"""Writes the tiny models of the rotary and ALiBi families under Tests/Fixtures/models, with the versions of models.py.

    /tmp/venv/bin/python scripts/golden/models_rotary.py Tests/Fixtures/models [CASE...]

Families whose published folders need foreign code are made twice: with the native class of transformers, and with the
file names of that code (`nomic-old`, `gte-new`), whose vectors are the native class's for the same weights. JinaBERT has
no native class: `jina` and `jina-code` are computed by the few lines of torch below.
"""
import json
import math
import shutil
import sys
from pathlib import Path

import numpy
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from torch.nn.functional import gelu, layer_norm, normalize
from transformers import (
    EuroBertConfig, EuroBertModel, Gemma3TextConfig, Gemma3TextModel, GteConfig, GteModel, LlamaConfig, LlamaModel,
    MistralConfig, MistralModel, ModernBertConfig, ModernBertModel, NomicBertConfig, NomicBertModel, Qwen2Config,
    Qwen2Model, Qwen3Config, Qwen3Model)

from models import PIECES, TEXTS, assemble, dense, modules, overlay, pooling, randomize, roberta_tokenizer, write_json

LENGTH = 160
VOCABULARY = 5 + len(PIECES)
ALL_TEXTS = TEXTS + [TEXTS[5] * 4]
SIZES = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 40, "max_position_embeddings": LENGTH, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
GROUPED = SIZES | {"num_key_value_heads": 2}


def save(folder, model, seed, mode="mean_tokens", steps=("Pooling", "Normalize")):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    randomize(model, seed)
    model.save_pretrained(folder)
    # Under the names of the class, and not of the foreign code, which saving puts back.
    tensors = load_file(folder / "model.safetensors") if isinstance(model, Jina) else model.state_dict()
    save_file({name: value.half().contiguous() for name, value in tensors.items()}, folder / "model.safetensors")
    roberta_tokenizer(folder, LENGTH)
    write_json(folder / "modules.json", modules(*steps))
    write_json(folder / "1_Pooling/config.json", pooling([mode], model.config.hidden_size))
    write_json(folder / "case.json", {"base": None, "removed": []})


def changed(root, name, base, **changes):
    """The case `base` with another configuration."""
    shutil.rmtree(root / name, ignore_errors=True)
    folder = overlay(root, name, base)
    config = json.loads((root / base / "config.json").read_text()) | changes
    write_json(folder / "config.json", {key: value for key, value in config.items() if value != "absent"})
    return folder


def modernbert(root):
    config = ModernBertConfig(**SIZES | {"num_hidden_layers": 4, "local_attention": 8, "cls_token_id": 0, "sep_token_id": 2})
    save(root / "modernbert", ModernBertModel(config), seed=101)


def modernbert_old(root):
    changed(
        root, "modernbert-old", "modernbert", layer_types="absent", rope_parameters="absent",
        global_attn_every_n_layers=2, global_rope_theta=160000.0, local_rope_theta=10000.0, local_attention=12)


def nomic(root):
    # The foreign code rounds the inner width up to 256.
    config = NomicBertConfig(**SIZES | {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 256})
    save(root / "nomic", NomicBertModel(config, add_pooling_layer=False), seed=103)


def nomic_old(root):
    names = {
        "embeddings.LayerNorm": "emb_ln", "self_attn.o_proj": "attn.out_proj", "mlp.up_proj": "mlp.fc11",
        "mlp.gate_proj": "mlp.fc12", "mlp.down_proj": "mlp.fc2", "post_attention_layernorm": "norm1",
        "post_mlp_layernorm": "norm2"}
    rename(root, "nomic-old", "nomic", names, lambda name: "encoder." + name if name.startswith("layers") else name, "attn.Wqkv")
    write_json(root / "nomic-old/config.json", {
        "model_type": "nomic_bert", "architectures": ["NomicBertModel"], "activation_function": "swiglu", "n_embd": 16,
        "n_head": 2, "n_inner": 256, "n_layer": 2, "n_positions": LENGTH, "layer_norm_epsilon": 1e-12, "prenorm": False,
        "qkv_proj_bias": False, "mlp_fc1_bias": False, "mlp_fc2_bias": False, "rotary_emb_base": 1000,
        "rotary_emb_fraction": 1.0, "rotary_emb_interleaved": False, "rotary_emb_scale_base": None,
        "rotary_scaling_factor": None, "type_vocab_size": 2, "use_rms_norm": False, "vocab_size": VOCABULARY})


def nomic_mixed(root):
    """The foreign code's tensors with the class's configuration."""
    shutil.rmtree(root / "nomic-mixed", ignore_errors=True)
    folder = overlay(root, "nomic-mixed", "nomic-old")
    shutil.copy(root / "nomic/config.json", folder)


def rename(root, name, base, names, prefix, packed):
    """The weights of `base` under other names, with query, key and value in one."""
    shutil.rmtree(root / name, ignore_errors=True)
    folder = overlay(root, name, base)
    tensors = {}
    packs = {}
    for key, value in load_file(root / base / "model.safetensors").items():
        for new, old in names.items():
            key = key.replace(new, old)
        for part in "qkv":
            if f"self_attn.{part}_proj" in key:
                packs.setdefault(prefix(key.replace(f"self_attn.{part}_proj", packed)), {})[part] = value
                break
        else:
            tensors[prefix(key)] = value
    for key, parts in packs.items():
        tensors[key] = torch.cat([parts[part] for part in "qkv"])
    save_file(tensors, folder / "model.safetensors")


def gte(root):
    # The static stretching of `gte-new` below, as this class spells it.
    factor = 8.0
    rope = {"rope_type": "linear", "rope_theta": 20000.0 * factor, "factor": factor ** (2 / 8)}
    config = GteConfig(**SIZES | {"rope_parameters": rope, "type_vocab_size": 1})
    save(root / "gte", GteModel(config, add_pooling_layer=False), seed=107, mode="cls_token")


def gte_new(root):
    names = {
        "self_attn.o_proj": "attention.o_proj", "post_attention_layernorm": "attn_ln", "post_mlp_layernorm": "mlp_ln"}

    def prefix(name):
        return "new." + ("encoder." + name.replace("layers.", "layer.") if name.startswith("layers") else name)

    rename(root, "gte-new", "gte", names, prefix, "attention.qkv_proj")
    path = root / "gte-new/model.safetensors"
    tensors = load_file(path)
    for index in range(2):
        layer = f"new.encoder.layer.{index}.mlp."
        parts = [tensors.pop(layer + half + "_proj.weight") for half in ["up", "gate"]]
        tensors[layer + "up_gate_proj.weight"] = torch.cat(parts)
    save_file(tensors, path)
    config = SIZES | {
        "model_type": "new", "architectures": ["NewModel"], "hidden_act": "gelu", "layer_norm_type": "layer_norm",
        "layer_norm_eps": 1e-12, "logn_attention_clip1": False, "logn_attention_scale": False, "pack_qkv": True,
        "position_embedding_type": "rope", "rope_theta": 20000, "rope_scaling": {"type": "ntk", "factor": 8.0},
        "type_vocab_size": 1, "unpad_inputs": False, "use_memory_efficient_attention": False}
    write_json(root / "gte-new/config.json", config)


def eurobert(root):
    config = EuroBertConfig(**GROUPED | {"rope_parameters": {"rope_type": "default", "rope_theta": 250000.0}, "mask_token_id": 4})
    save(root / "eurobert", EuroBertModel(config), seed=109)


def llama(root):
    rope = {
        "rope_type": "llama3", "rope_theta": 500.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 32}
    config = LlamaConfig(**GROUPED | {"rope_parameters": rope, "attention_bias": True, "mlp_bias": True})
    save(root / "llama", LlamaModel(config), seed=113, mode="lasttoken")


def llama_scaled(kind, **scaling):
    def make(root):
        changed(
            root, f"llama-{kind}", "llama", rope_parameters="absent", rope_theta=500.0,
            rope_scaling={"type": kind, "factor": 4.0} | scaling, max_position_embeddings=40)
        write_json(root / f"llama-{kind}/sentence_bert_config.json", {"max_seq_length": LENGTH, "do_lower_case": False})
    return make


def llama_longrope(root):
    """Factors of the pairs for texts up to 24 tokens, and others for longer ones."""
    changed(
        root, "llama-longrope", "llama", rope_parameters="absent", rope_theta=500.0, rope_scaling={
            "rope_type": "longrope", "short_factor": [1.0, 1.1, 1.25, 1.5], "long_factor": [1.0, 2.0, 5.5, 16.0],
            "original_max_position_embeddings": 24}, max_position_embeddings=LENGTH)


def mistral(root):
    config = MistralConfig(**GROUPED | {"sliding_window": 8, "head_dim": 16})
    save(root / "mistral", MistralModel(config), seed=127, mode="lasttoken")


def qwen2(root):
    config = Qwen2Config(**GROUPED | {
        "num_hidden_layers": 3, "use_sliding_window": True, "sliding_window": 10, "max_window_layers": 1})
    save(root / "qwen2", Qwen2Model(config), seed=131, mode="lasttoken")


def qwen2_bidirectional(root):
    folder = changed(root, "qwen2-bidirectional", "qwen2", is_causal=False, use_sliding_window=False, layer_types="absent")
    write_json(folder / "1_Pooling/config.json", pooling(["mean_tokens"], 32))


def qwen2_unlisted(root):
    """A language model that sees both ways, and no modules.json: the mean."""
    shutil.rmtree(root / "qwen2-unlisted", ignore_errors=True)
    folder = overlay(root, "qwen2-unlisted", "qwen2-bidirectional", removed=["modules.json"])
    config = json.loads((root / "qwen2-bidirectional/config.json").read_text())
    write_json(folder / "config.json", config | {"architectures": ["Qwen2ForCausalLM"]})


def qwen3(root):
    config = Qwen3Config(**GROUPED | {"head_dim": 16, "num_attention_heads": 4})
    save(root / "qwen3", Qwen3Model(config), seed=137, mode="lasttoken")


def gemma(root):
    config = Gemma3TextConfig(**GROUPED | {
        "num_hidden_layers": 3, "head_dim": 16, "query_pre_attn_scalar": 24, "sliding_window": 12,
        "layer_types": ["sliding_attention", "sliding_attention", "full_attention"], "use_bidirectional_attention": True,
        "rope_parameters": {
            "full_attention": {"rope_type": "linear", "factor": 2.0, "rope_theta": 100000.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 1000.0}}})
    model = Gemma3TextModel(config)
    save(root / "gemma", model, seed=139, steps=("Pooling", "Dense", "Dense", "Normalize"))
    dense(root / "gemma", "2_Dense", 32, 48, "linear.Identity", seed=3, bias=False)
    dense(root / "gemma", "3_Dense", 48, 32, "linear.Identity", seed=5, bias=False)


def gemma_causal(root):
    config = json.loads((root / "gemma/config.json").read_text())
    folder = changed(
        root, "gemma-causal", "gemma", use_bidirectional_attention=False, rope_parameters="absent", layer_types="absent",
        sliding_window_pattern=2, rope_theta=100000.0, rope_local_base_freq=1000.0, sliding_window=7,
        rope_scaling={"rope_type": "linear", "factor": 2.0})
    assert config["model_type"] == "gemma3_text"
    write_json(folder / "modules.json", modules("Pooling"))


# ---- JinaBERT (jinaai/jina-bert-implementation and jina-bert-v2-qk-post-norm).

JINA = SIZES | {"num_attention_heads": 6, "hidden_size": 36, "intermediate_size": 44}


def slopes(heads):
    def of_power(count):
        return [2 ** (-8 * k / count) for k in range(1, count + 1)]

    power = 2 ** int(math.log2(heads))
    return of_power(power) + of_power(2 * power)[::2][: heads - power]


class Jina(torch.nn.Module):
    """`is_code`: norms of queries and keys, and two more behind the feed-forward block."""

    def __init__(self, is_code):
        super().__init__()
        width, inner = JINA["hidden_size"], JINA["intermediate_size"]
        self.is_code = is_code
        linear, norm = torch.nn.Linear, lambda: torch.nn.LayerNorm(width)
        self.config = type("Config", (), {"hidden_size": width})
        self.tensors = torch.nn.ModuleDict()
        self.add("embeddings.word_embeddings", torch.nn.Embedding(VOCABULARY, width))
        self.add("embeddings.token_type_embeddings", torch.nn.Embedding(2, width))
        self.add("embeddings.LayerNorm", norm())
        for index in range(JINA["num_hidden_layers"]):
            layer = f"encoder.layer.{index}."
            for part in ["query", "key", "value"]:
                self.add(layer + "attention.self." + part, linear(width, width))
            self.add(layer + "attention.output.dense", linear(width, width))
            self.add(layer + "attention.output.LayerNorm", norm())
            if is_code:
                for part in ["attention.self.layer_norm_q", "attention.self.layer_norm_k", "layer_norm_1", "layer_norm_2"]:
                    self.add(layer + part, norm())
            else:
                self.add(layer + "mlp.layernorm", norm())
            self.add(layer + ("mlp.up_gated_layer" if is_code else "mlp.gated_layers"), linear(width, 2 * inner, bias=False))
            self.add(layer + ("mlp.down_layer" if is_code else "mlp.wo"), linear(inner, width))

    def add(self, name, module):
        self.tensors[name.replace(".", "|")] = module

    def __getitem__(self, name):
        return self.tensors[name.replace(".", "|")]

    def save_pretrained(self, folder):
        tensors = {name.removeprefix("tensors.").replace("|", "."): value for name, value in self.state_dict().items()}
        save_file({name: value.contiguous() for name, value in tensors.items()}, folder / "model.safetensors")
        code = "jinaai/jina-bert-v2-qk-post-norm" if self.is_code else "jinaai/jina-bert-implementation"
        write_json(folder / "config.json", JINA | {
            "model_type": "bert", "architectures": ["JinaBertModel"], "auto_map": {"AutoModel": code + "--modeling_bert.JinaBertModel"},
            "position_embedding_type": "alibi", "feed_forward_type": "geglu", "hidden_act": "gelu", "emb_pooler": "mean",
            "layer_norm_eps": 1e-12, "type_vocab_size": 2, "attn_implementation": "torch"})

    def norm(self, name, x):
        return layer_norm(x, x.shape[-1:], self[name].weight, self[name].bias, 1e-12)

    def forward(self, ids, states=None):
        """Token vectors; `states` collects those before the first layer and after each."""
        states = [] if states is None else states
        heads, count = JINA["num_attention_heads"], len(ids)
        x = self["embeddings.word_embeddings"].weight[ids] + self["embeddings.token_type_embeddings"].weight[0]
        x = self.norm("embeddings.LayerNorm", x)
        distance = (torch.arange(count)[:, None] - torch.arange(count)[None]).abs()
        bias = -torch.tensor(slopes(heads))[:, None, None] * distance
        states.append(x)
        for index in range(JINA["num_hidden_layers"]):
            layer = f"encoder.layer.{index}."
            parts = [self[layer + "attention.self." + part](x) for part in ["query", "key", "value"]]
            if self.is_code:
                for at, part in enumerate("qk"):
                    parts[at] = self.norm(layer + "attention.self.layer_norm_" + part, parts[at])
            q, k, v = [part.view(count, heads, -1).transpose(0, 1) for part in parts]
            weights = (q @ k.transpose(1, 2) / math.sqrt(q.shape[-1]) + bias).softmax(-1)
            a = self[layer + "attention.output.dense"]((weights @ v).transpose(0, 1).reshape(count, -1))
            a = self.norm(layer + "attention.output.LayerNorm", a + x)
            if self.is_code:
                r = self.norm(layer + "layer_norm_1", x + a)
                up, gate = self[layer + "mlp.up_gated_layer"](r).chunk(2, -1)
                x = self.norm(layer + "layer_norm_2", r + self[layer + "mlp.down_layer"](up * gelu(gate)))
            else:
                gate, up = self[layer + "mlp.gated_layers"](a).chunk(2, -1)
                x = self.norm(layer + "mlp.layernorm", a + self[layer + "mlp.wo"](up * gelu(gate)))
            states.append(x)
        return x


def jina(root):
    save(root / "jina", Jina(False), seed=149)


def jina_code(root):
    save(root / "jina-code", Jina(True), seed=151)


def jina_vectors(root, name, ids):
    model = Jina(name == "jina-code")
    state = load_file(root / name / "model.safetensors")
    model.load_state_dict({"tensors." + key[: key.rindex(".")].replace(".", "|") + key[key.rindex("."):]: value.float() for key, value in state.items()})
    with torch.no_grad():
        return [normalize(model(torch.tensor(row)).mean(0), dim=0).numpy() for row in ids]


CASES = {
    "modernbert": modernbert, "modernbert-old": modernbert_old, "nomic": nomic, "nomic-old": nomic_old, "nomic-mixed": nomic_mixed, "gte": gte,
    "gte-new": gte_new, "eurobert": eurobert, "llama": llama, "llama-linear": llama_scaled("linear"),
    "llama-dynamic": llama_scaled("dynamic"), "llama-yarn": llama_scaled("yarn", original_max_position_embeddings=40),
    "llama-longrope": llama_longrope,
    "mistral": mistral, "qwen2": qwen2, "qwen2-bidirectional": qwen2_bidirectional,
    "qwen2-unlisted": qwen2_unlisted, "qwen3": qwen3, "gemma": gemma,
    "gemma-causal": gemma_causal, "jina": jina, "jina-code": jina_code}
# Cases whose vectors are those of another one, and of which only the files differ.
SAME = {"nomic-old": "nomic", "gte-new": "gte"}


def golden(root, name):
    if name in SAME:
        shutil.copy(root / SAME[name] / "golden.jsonl", root / name)
        return
    target = Path("/tmp/quiver-golden") / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    assemble(root, name, target)
    if name.startswith("jina"):
        ids = [json.loads(line)["ids"] for line in (root / "modernbert/golden.jsonl").read_text().splitlines()]
        vectors = jina_vectors(root, name, ids)
    else:
        model = SentenceTransformer(str(target), model_kwargs={"dtype": torch.float32}, device="cpu")
        model.eval()
        ids = [model.tokenize([text])["input_ids"][0].tolist() for text in ALL_TEXTS]
        vectors = []
        for text in ALL_TEXTS:
            model.encode(["the"])  # a short text ends what a long one did to angles that depend on the length
            vectors.append(model.encode([text], prompt="", convert_to_numpy=True)[0])
    lines = []
    for text, row, vector in zip(ALL_TEXTS, ids, vectors):
        # The reference lays Qwen2's own pre-tokenizer over the file's, so those ids are not the file's.
        line = {} if name.startswith("qwen2") else {"text": text}
        lines.append(json.dumps(line | {"ids": row, "vector": [float(f"{x:.8g}") for x in vector.astype(numpy.float64)]}))
    (root / name / "golden.jsonl").write_text("\n".join(lines) + "\n")
    size = sum(path.stat().st_size for path in (root / name).rglob("*") if path.is_file())
    print(f"{name}: {len(vectors[0])} components, {size // 1000} kB, to {max(map(len, ids))} tokens")


def main():
    torch.set_num_threads(1)
    root = Path(sys.argv[1]) / "tiny"
    for name in sys.argv[2:] or CASES:
        CASES[name](root)
        golden(root, name)


if __name__ == "__main__":
    main()
