"""Writes tokenizer.json files as the classes of transformers make them, over the fixtures' small vocabularies.

    pip install tokenizers==0.23.3 transformers==5.23.0
    python scripts/golden/tokenizer_families.py OUT_FOLDER

For tokenizer_torture.py: the components and their order are those of the files which these classes save.
"""

import json
import pathlib
import sys

import transformers

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "Tests/Fixtures/tokenizers"


def model(name):
    return json.loads((FIXTURES / name / "tokenizer.json").read_text())["model"]


def main():
    out = pathlib.Path(sys.argv[1])
    unigram = [(token, score) for token, score in model("xlm-roberta")["vocab"]]
    pairs = lambda name: [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in model(name)["merges"]]
    gemma = dict(model("llama2")["vocab"])
    for name in ("XLMRoberta", "Camembert", "Albert", "T5", "DebertaV2", "BigBird", "MBart", "Barthez", "Pegasus", "XGLM", "RemBert", "XLNet"):
        make(out, name, lambda cls: cls(vocab=list(unigram)))
    for name in ("Gemma", "Llama", "CodeLlama", "Nllb"):
        make(out, name, lambda cls: cls(vocab=dict(gemma), merges=pairs("llama2")))
    make(out, "Llama", lambda cls: cls(vocab=dict(gemma), merges=pairs("llama2"), legacy=False), "LlamaNew")
    make(out, "Llama", lambda cls: cls(vocab=dict(gemma), merges=pairs("llama2"), add_prefix_space=False), "LlamaNoPrefix")
    for name in ("Roberta", "Qwen2", "Qwen3_5", "GPTNeoX", "GPT2", "Deberta", "Longformer", "Bart", "Cohere", "Whisper", "LED"):
        make(out, name, lambda cls: cls(vocab=dict(model("roberta")["vocab"]), merges=pairs("roberta")))
    for name in ("Bert", "DistilBert", "MPNet", "Electra", "Funnel", "MobileBert", "Splinter", "LayoutLM"):
        make(out, name, lambda cls: cls(vocab=dict(model("bert")["vocab"])))
    patterned(out)


LEAD, CAPITALS, SMALL = r"[^\r\n\p{L}\p{N}]?", r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = f"{LEAD}{CAPITALS}*{SMALL}+{CONTRACTIONS}?|{LEAD}{CAPITALS}+{SMALL}*{CONTRACTIONS}?|" + r"\p{N}{1,3}|" + REST
TEKKEN = f"{LEAD}{CAPITALS}*{SMALL}+|{LEAD}{CAPITALS}+{SMALL}*|" + r"\p{N}|" + REST


def patterned(out):
    """Files of models that no class makes: gpt-oss and Mistral NeMo by their patterns, DeBERTa-v3 as converted from SentencePiece, scripts."""
    split = lambda pattern: {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    sequence = lambda *steps: {"type": "Sequence", "pretokenizers": list(steps)}
    metaspace = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
    charsmap = json.loads((FIXTURES / "t5/tokenizer.json").read_text())["normalizer"]
    spaces = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
    strip = {"type": "Strip", "strip_left": True, "strip_right": True}
    changed(out, "qwen2", "o200k", normalizer=None, pre_tokenizer=sequence(split(O200K), level))
    changed(out, "qwen2", "tekken", normalizer=None, pre_tokenizer=sequence(split(TEKKEN), level))
    changed(out, "roberta", "scripts", pre_tokenizer=sequence({"type": "UnicodeScripts"}, {**level, "use_regex": True}))
    changed(out, "t5", "scripts-unigram", normalizer=None, pre_tokenizer=sequence({"type": "UnicodeScripts"}, metaspace))
    changed(out, "t5", "deberta-v3", normalizer={"type": "Sequence", "normalizers": [strip, charsmap, spaces]}, pre_tokenizer=sequence(metaspace))
    # Every piece an unknown word, so that ranges show just where the text is cut.
    words = {"type": "WordLevel", "vocab": {"<unk>": 0}, "unk_token": "<unk>"}
    pretokenizers = [json.loads((FIXTURES / name / "tokenizer.json").read_text())["pre_tokenizer"] for name in ("llama3", "qwen2", "qwen3.5", "deepseek")]
    patterns = [step["pattern"]["Regex"] for sequences in pretokenizers for step in sequences["pretokenizers"] if step["type"] == "Split"]
    for number, pattern in enumerate([*patterns, O200K, TEKKEN]):
        changed(out, "t5", f"cuts-{number}", added_tokens=[], normalizer=None, post_processor=None, model=words, pre_tokenizer=split(pattern))
    for number, step in enumerate([{"type": "UnicodeScripts"}, {**level, "use_regex": True}, {"type": "Whitespace"}, {"type": "BertPreTokenizer"}]):
        changed(out, "t5", f"cuts-plain-{number}", added_tokens=[], normalizer=None, post_processor=None, model=words, pre_tokenizer=step)
    changed(out, "t5", "metaspace-never", pre_tokenizer={**metaspace, "prepend_scheme": "never"})
    changed(out, "t5", "metaspace-first", pre_tokenizer={**metaspace, "prepend_scheme": "first"})


def changed(out, fixture, name, **sections):
    file = json.loads((FIXTURES / fixture / "tokenizer.json").read_text()) | sections
    (out / name).mkdir(parents=True, exist_ok=True)
    (out / name / "tokenizer.json").write_text(json.dumps(file, ensure_ascii=False))


def make(out, name, build, folder=None):
    cls = getattr(transformers, name + "Tokenizer", None)
    try:
        text = build(cls).backend_tokenizer.to_str()
    except Exception as error:
        print(name, "cannot be made:", str(error)[:120])
        return
    folder = out / (folder or name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(text)
    file = json.loads(text)
    shown = {k: file[k] for k in ("normalizer", "pre_tokenizer")}
    print(name, json.dumps(shown, ensure_ascii=False)[:700])


main()
