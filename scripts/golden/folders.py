"""A folder under construction, for field_folders.py: configurations, tensors and tokenizers in the manner of published models."""
import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file

from models import assemble, pooling, randomize, write_json

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests/Fixtures/tokenizers"
# Fields that no computation reads, as the files of 2021 to 2024 have them.
NOISE = {
    "_name_or_path": "somewhere/else", "gradient_checkpointing": False, "id2label": {"0": "LABEL_0"},
    "label2id": {"LABEL_0": 0}, "initializer_range": 0.02, "attention_probs_dropout_prob": 0.1, "hidden_dropout_prob": 0.1,
    "torch_dtype": "float32", "transformers_version": "4.30.0", "use_cache": True}
SIZES = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40}
OLD_NAMES = "sentence_transformers.models."


class Folder:
    """A folder under construction."""

    def __init__(self, path, minilm):
        self.path, self.minilm = path, minilm
        path.mkdir(parents=True)

    def write(self, name, value):
        write_json(self.path / name, value)

    def modules(self, *names, paths=None, first="", types=OLD_NAMES):
        listed = [("Transformer", first)] + [(name, f"{i}_{name}") for i, name in enumerate(names, 1)]
        self.write("modules.json", [
            {"idx": i, "name": str(i), "path": path, "type": types + kind} for i, (kind, path) in enumerate(listed)])

    def pool(self, mode, width=24, **more):
        self.write("1_Pooling/config.json", pooling([mode], width) | more)

    def settings(self, **more):
        self.write("config_sentence_transformers.json", {
            "__version__": {"sentence_transformers": "2.2.2", "transformers": "4.30.0", "pytorch": "2.0.1"}} | more)

    def weights(self, config, model_class, seed, rename=lambda name: name, dtype=torch.float32, extra=None, inside="", drop=()):
        """`config.json`, and the tensors of a random model of that configuration under other names."""
        target = self.path / inside
        target.mkdir(exist_ok=True)
        self.write(f"{inside}/config.json" if inside else "config.json", config)
        made = transformers.AutoConfig.from_pretrained(target)
        model = model_class(made)
        randomize(model, seed)
        tensors = {
            rename(name): value.to(dtype).contiguous().clone() for name, value in model.state_dict().items()
            if not any(part in name for part in drop)}
        save_file(tensors | (extra or {}), target / "model.safetensors", {"format": "pt"})

    def tokenizer(self, fixture, cls, inside="", tokens=None, first=(), **config):
        """The fixture's tokenizer.json with a tokenizer_config.json, and special tokens by their use.

        `first` are the tokens that models of the kind have before all others.
        """
        target = self.path / inside
        target.mkdir(exist_ok=True)
        source = self.minilm if fixture == "minilm" else FIXTURES / fixture
        file = json.loads((source / "tokenizer.json").read_text())
        if first:
            reorder(file, first)
        (target / "tokenizer.json").write_text(json.dumps(file, ensure_ascii=False))
        tokens = tokens or {}
        write_json(target / "tokenizer_config.json", {"tokenizer_class": cls} | tokens | config)
        write_json(target / "special_tokens_map.json", tokens)

    def beside(self):
        """What lies in folders and is not the model."""
        (self.path / "onnx").mkdir()
        (self.path / "onnx/model.onnx").write_bytes(b"\x08\x07")
        (self.path / "pytorch_model.bin").write_bytes(b"PK\x03\x04")
        (self.path / "README.md").write_text("---\ntags: [mteb]\n---\n")
        (self.path / ".gitattributes").write_text("*.safetensors filter=lfs\n")


def reorder(file, first):
    """Gives the tokens `first` of a Unigram file the first ids, in that order."""
    vocabulary = file["model"]["vocab"]
    scores = dict(map(tuple, vocabulary)) | dict.fromkeys(first, 0.0)
    tokens = list(first) + [token for token, _ in vocabulary if token not in first]
    file["model"]["vocab"] = [[token, scores[token]] for token in tokens]
    places = {token: index for index, token in enumerate(tokens)}
    file["model"]["unk_id"] = places["<unk>"]
    for token in file["added_tokens"]:
        token["id"] = places[token["content"]]
    file["added_tokens"].sort(key=lambda token: token["id"])
    for token in file["post_processor"]["special_tokens"].values():
        token["ids"] = [places[name] for name in token["tokens"]]


BERT_TOKENS = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]"}
ROBERTA_TOKENS = {
    "bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>",
    "mask_token": "<mask>"}
POSITIONS = {"embeddings.position_ids": torch.arange(64)[None]}


def decoder_tokens(f, fixture, cls, eos, **more):
    f.tokenizer(fixture, cls, tokens={"eos_token": eos, "pad_token": eos}, padding_side="left", model_max_length=32768, **more)


def appended(f, token, index, start=None):
    """A tokenizer.json whose post-processor ends each text with a token, and may begin it with one."""
    path = f.path / "tokenizer.json"
    file = json.loads(path.read_text())
    single = [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": token, "type_id": 0}}]
    ids = {token: index}
    if start:
        single.insert(0, {"SpecialToken": {"id": start, "type_id": 0}})
        ids[start] = next(added["id"] for added in file["added_tokens"] if added["content"] == start)
    template = {
        "type": "TemplateProcessing", "single": single, "pair": single[:-1] + [{"Sequence": {"id": "B", "type_id": 1}}, single[-1]],
        "special_tokens": {name: {"id": name, "ids": [number], "tokens": [name]} for name, number in ids.items()}}
    isolated = file["post_processor"] and not start
    file["post_processor"] = {"type": "Sequence", "processors": [file["post_processor"], template]} if isolated else template
    path.write_text(json.dumps(file))


# Where each class expects the unknown token.
FIRST = {"T5Tokenizer": ["<pad>", "</s>", "<unk>"], "AlbertTokenizer": ["<pad>", "<unk>", "<s>", "</s>"]}


def converted(f, name, cls, steps, pretokenizer, **flags):
    """A tiny model's folder with a tokenizer file as it was once converted, whose steps the class makes anew."""
    f.path.rmdir()
    assemble(ROOT / "Tests/Fixtures/models/tiny", name, f.path)
    fixture = "t5" if cls == "T5Tokenizer" else "xlm-roberta"
    first = FIRST.get(cls, ["<s>", "<pad>", "</s>", "<unk>"])
    f.tokenizer(fixture, cls, tokens=ROBERTA_TOKENS, first=first, model_max_length=40, **flags)
    file = json.loads((f.path / "tokenizer.json").read_text())
    charsmap = json.loads((FIXTURES / "t5/tokenizer.json").read_text())["normalizer"]
    spaces = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
    file["normalizer"] = {"type": "Sequence", "normalizers": [*steps, charsmap, spaces]}
    file["pre_tokenizer"] = pretokenizer
    (f.path / "tokenizer.json").write_text(json.dumps(file, ensure_ascii=False))
    config = json.loads((f.path / "config.json").read_text())
    kind = transformers.AutoModel
    f.weights(config | {"vocab_size": 1600, "pad_token_id": 1}, lambda made: kind.from_config(made), 51)


METASPACE = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
STRIP = {"type": "Strip", "strip_left": True, "strip_right": True}
REPLACED = [{"type": "Replace", "pattern": {"String": mark}, "content": '"'} for mark in ["``", "''"]]


def headed(base, cls, **changes):
    """A checkpoint with a head, as its class saves it, over the files of one of the tiny models; no modules.json."""
    def make(f):
        f.path.rmdir()
        assemble(ROOT / "Tests/Fixtures/models/tiny", base, f.path)
        for name in ["modules.json", "config_sentence_transformers.json", "golden.jsonl", "golden-prompts.jsonl", "case.json"]:
            (f.path / name).unlink(missing_ok=True)
        config = transformers.AutoConfig.from_pretrained(f.path, **changes)
        model = getattr(transformers, cls)(config)
        randomize(model, 41)
        model.save_pretrained(f.path)
    return make
