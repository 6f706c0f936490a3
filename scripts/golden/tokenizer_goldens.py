"""Makes Tests/Fixtures/tokenizers: tiny tokenizers, and what the reference library does with them.

    pip install tokenizers==0.23.3
    python scripts/golden/tokenizer_goldens.py [folder of all-MiniLM-L6-v2]

For each tokenizer `golden.txt` holds one CRC-32 per line of the corpus and per page of scalars
(see `line_hash`; folded to 24 bits), so a failing test names the text and the file stays small.
"""

import collections
import itertools
import json
import pathlib
import struct
import sys
import zlib

import tokenizers
import torture_corpus
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

assert tokenizers.__version__ == "0.23.3"
HERE = pathlib.Path(__file__).resolve().parents[2] / "Tests/Fixtures/tokenizers"
LINES = torture_corpus.lines()
PAGES = torture_corpus.scalar_pages()


def checksum(numbers, value=0):
    return zlib.crc32(struct.pack(f"<{len(numbers)}i", *numbers), value)


def numbers(texts, encoding):
    """Per token: id, type id, and UTF-8 range in its text, or -1 -1 for an added token."""
    maps = []
    for text in texts:
        maps.append([0, *itertools.accumulate(len(character.encode()) for character in text)])
    out = []
    columns = zip(
        encoding.ids, encoding.type_ids, encoding.special_tokens_mask, encoding.offsets,
        encoding.sequence_ids if len(texts) > 1 else itertools.repeat(0))
    for id, type_id, special, (start, end), sequence in columns:
        positions = maps[sequence or 0]
        out += [id, type_id, -1, -1] if special else [id, type_id, positions[start], positions[end]]
    return out


def encode(tokenizer, text, limit):
    if limit is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(limit)
    return tokenizer.encode(text)


def line_hash(tokenizer, text, index):
    """The whole encoding's, and for every eighth text that of the encoding cut to 6 tokens."""
    value = checksum(numbers([text], encode(tokenizer, text, None)))
    return value if index % 8 else checksum(numbers([text], encode(tokenizer, text, 6)), value)


def pair_hash(tokenizer, first, second):
    tokenizer.enable_truncation(16)
    return checksum(numbers([first, second], tokenizer.encode(first, second)))


def golden(tokenizer):
    tokenizer.no_padding()
    pairs = [pair_hash(tokenizer, LINES[i], LINES[-1 - i]) for i in range(0, 600)]
    parts = {
        "lines": [line_hash(tokenizer, text, i) for i, text in enumerate(LINES)],
        "pages": [line_hash(tokenizer, text, i) for i, text in enumerate(PAGES)],
        "pairs": pairs,
    }
    out = []
    for name, values in parts.items():
        out.append(f"{name} {len(values)}")
        out += ["".join(f"{(v ^ v >> 24) & 0xFFFFFF:06x}" for v in values[i : i + 16]) for i in range(0, len(values), 16)]
    return "\n".join(out) + "\n"


def save(name, tokenizer, config=None, compact=None):
    folder = HERE / name
    folder.mkdir(parents=True, exist_ok=True)
    if compact is None:
        text = json.loads(tokenizer.to_str())
        (folder / "tokenizer.json").write_text(
            json.dumps(text, ensure_ascii=False, separators=(",", ":")) + "\n"
        )
    if config is not None:
        (folder / "tokenizer_config.json").write_text(json.dumps(config) + "\n")
    (folder / "golden.txt").write_text(golden(tokenizer))
    print(name, tokenizer.get_vocab_size(), sum(f.stat().st_size for f in folder.iterdir()), "bytes")


def with_normalizer(tokenizer, normalizer):
    other = Tokenizer.from_str(tokenizer.to_str())
    other.normalizer = normalizer
    return other


def bert():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(
        LINES,
        trainers.WordPieceTrainer(vocab_size=2600, limit_alphabet=900, special_tokens=special, show_progress=False),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer.decoder = decoders.WordPiece()
    save("bert", tokenizer, {"tokenizer_class": "BertTokenizer", "model_max_length": 512})
    # The same file, its normalizer changed by tokenizer_config.json as transformers does.
    variants = {
        "bert-cased": dict(lowercase=False, strip_accents=None, handle_chinese_chars=True),
        "bert-cased-stripped": dict(lowercase=False, strip_accents=True, handle_chinese_chars=False),
        "bert-lower-accents": dict(lowercase=True, strip_accents=False, handle_chinese_chars=True),
    }
    for name, flags in variants.items():
        config = {
            "tokenizer_class": "BertTokenizer", "do_lower_case": flags["lowercase"],
            "strip_accents": flags["strip_accents"], "tokenize_chinese_chars": flags["handle_chinese_chars"],
        }
        save(name, with_normalizer(tokenizer, normalizers.BertNormalizer(**flags)), config, compact="bert")
    # No cleaning, BertProcessing, and added tokens of every kind.
    odd = with_normalizer(tokenizer, normalizers.BertNormalizer(clean_text=False))
    odd.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    odd.add_tokens([
        tokenizers.AddedToken("human", single_word=True), tokenizers.AddedToken("IGHT", normalized=True),
        tokenizers.AddedToken("<mask>", lstrip=True, normalized=False),
        tokenizers.AddedToken("<s>", rstrip=True, normalized=False),
        tokenizers.AddedToken("</s>", lstrip=True, rstrip=True, normalized=False),
        tokenizers.AddedToken("free and", normalized=False), tokenizers.AddedToken("free", normalized=False),
        tokenizers.AddedToken("é", normalized=False), tokenizers.AddedToken("Würde", normalized=True),
        tokenizers.AddedToken("а", single_word=True, normalized=False),
    ])
    save("bert-added", odd)


LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace("{1,3}", "")
QWEN35 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
DEEPSEEK = [
    r"\p{N}{1,3}",
    "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
    "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
]


def byte_level_bpe():
    def trained(pre, normalizer=None, special=(), size=900, **model):
        tokenizer = Tokenizer(models.BPE(**model))
        if normalizer is not None:
            tokenizer.normalizer = normalizer
        tokenizer.pre_tokenizer = pre
        tokenizer.train_from_iterator(LINES, trainers.BpeTrainer(
            vocab_size=size, special_tokens=list(special), show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
        return tokenizer

    def split(pattern):
        return pre_tokenizers.Split(Regex(pattern), "isolated")

    roberta = trained(
        pre_tokenizers.ByteLevel(add_prefix_space=False), special=["<s>", "<pad>", "</s>", "<unk>"], size=1000)
    roberta.add_special_tokens([tokenizers.AddedToken("<mask>", lstrip=True)])
    roberta.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    save("roberta", roberta)
    prefixed = Tokenizer.from_str(roberta.to_str())
    prefixed.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    prefixed.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=True)
    save("roberta-prefix", prefixed)

    raw = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    llama = trained(
        pre_tokenizers.Sequence([split(LLAMA3), raw]), special=["<|endoftext|>", "<|im_start|>"], ignore_merges=True)
    llama.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(
            single="<|im_start|> $A", pair="<|im_start|> $A <|im_start|> $B:1", special_tokens=[("<|im_start|>", 1)]),
    ])
    save("llama3", llama)
    qwen = trained(
        pre_tokenizers.Sequence([split(QWEN2), raw]), normalizers.NFC(), ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    qwen.post_processor = processors.ByteLevel(trim_offsets=False)
    save("qwen2", qwen)
    qwen35 = Tokenizer.from_str(qwen.to_str())
    qwen35.pre_tokenizer = pre_tokenizers.Sequence([split(QWEN35), raw])
    qwen35.normalizer = normalizers.NFKC()
    save("qwen3.5", qwen35)
    deepseek = Tokenizer.from_str(qwen.to_str())
    deepseek.normalizer = normalizers.Sequence([])
    deepseek.pre_tokenizer = pre_tokenizers.Sequence([split(p) for p in DEEPSEEK] + [raw])
    deepseek.post_processor = processors.ByteLevel(trim_offsets=True, add_prefix_space=False)
    save("deepseek", deepseek)


def charsmap(rules):
    """A sentencepiece character map (darts-clone double array and pool) for {text: replacement}."""
    pool, offsets = b"", {}
    for new in sorted(set(rules.values())):
        offsets[new] = len(pool)
        pool += new.encode() + b"\0"
    trie = {}
    for old, new in rules.items():
        node = trie
        for byte in old.encode():
            node = node.setdefault(byte, {})
        node[None] = offsets[new]
    units, used = {0: 0}, {0}

    def place(node, position):
        labels = [0 if b is None else b for b in node]
        base = 1
        while True:
            relative = position ^ base
            fits = relative < 1 << 21 or (relative & 0xFF == 0 and relative < 1 << 29)
            if fits and base not in used and all(base ^ b not in used for b in labels):
                break
            base += 1
        used.add(base)
        units.setdefault(base, 0)
        for b in labels:
            used.add(base ^ b)
        units[position] |= (relative << 10 if relative < 1 << 21 else relative << 2 | 0x200) | (None in node) << 8
        if None in node:
            units[base] = 0x80000000 | node[None]
        for b, child in node.items():
            if b is not None:
                units[base ^ b] = b
                place(child, base ^ b)

    place(trie, 0)
    array = b"".join(units.get(i, 0).to_bytes(4, "little") for i in range(max(units) + 1))
    return len(array).to_bytes(4, "little") + array + pool


NMT_NFKC = {
    "\u2122": "TM", "\u2460": "1", "\u2461": "2", "\uff21": "A", "\uff42": "b", "\uff43": "c", "e\u0301": "\u00e9", "E\u0301": "\u00c9",
    "\u00bd": "1\u20442", "\ufb01": "fi", "\ufdfa": "\u0635\u0644\u0649 \u0627\u0644\u0644\u0647 \u0639\u0644\u064a\u0647", "\u200b": "", "\u200d": " ", "\u00ad": "",
    "\u00a0": " ", "\u3000": " ", "\t": " ", "\n": " ", "\r": " ", "\ufeff": "", "\u0001": "", "\u337f": "\u682a\u5f0f\u4f1a\u793e", "\uff76\uff9e": "\u30ac",
    "\uff76": "\u30ab", "\u0958": "\u0915\u093c", "\u1e9b\u0323": "\u1e69", "\u2026": "...", "a\u0323": "\u1ea1", "\u2167": "VIII", "\u033f": "",
}


def unigram():
    space = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")

    def trained(normalizer, pre, special, size=1600):
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.normalizer = normalizer
        tokenizer.pre_tokenizer = pre
        counts = collections.Counter(c for line in LINES for c in set(line))
        frequent = ["".join(c for c in line if counts[c] > 24) for line in LINES]
        tokenizer.train_from_iterator(frequent, trainers.UnigramTrainer(
            vocab_size=size, special_tokens=special, unk_token="<unk>", show_progress=False))
        # The trainer's scores depend on its threads: round them, so that the file can be made again.
        state = json.loads(tokenizer.to_str())
        state["model"]["vocab"] = [[piece, round(score, 3)] for piece, score in state["model"]["vocab"]]
        return Tokenizer.from_str(json.dumps(state))

    precompiled = normalizers.Precompiled(charsmap(NMT_NFKC))
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    xlmr = trained(
        normalizers.Sequence([precompiled, normalizers.Replace(Regex(" {2,}"), " ")]),
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), space]), special)
    xlmr.add_special_tokens([tokenizers.AddedToken("<mask>", lstrip=True)])
    xlmr.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    save("xlm-roberta", xlmr)
    t5 = Tokenizer.from_str(xlmr.to_str())
    t5.normalizer = precompiled
    t5.pre_tokenizer = space
    t5.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 2)])
    save("t5", t5)
    albert = Tokenizer.from_str(xlmr.to_str())
    albert.normalizer = normalizers.Sequence([
        normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(), normalizers.StripAccents(),
        normalizers.Lowercase(), normalizers.Nmt(), normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " "),
    ])
    albert.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    save("albert", albert)


def sentencepiece_bpe():
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    base = Tokenizer(models.BPE(unk_token="<unk>"))
    base.pre_tokenizer = pre_tokenizers.Metaspace()
    base.train_from_iterator(LINES, trainers.BpeTrainer(
        vocab_size=1500, limit_alphabet=600, special_tokens=tokens, show_progress=False))
    state = json.loads(base.to_str())
    state["model"].update(byte_fallback=True, fuse_unk=True)
    state["added_tokens"] = [t for t in state["added_tokens"] if t["id"] < 3]
    state["pre_tokenizer"] = None
    llama = Tokenizer.from_str(json.dumps(state))
    llama.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    llama.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    save("llama2", llama)
    gemma = Tokenizer.from_str(llama.to_str())
    gemma.normalizer = normalizers.Replace(" ", "\u2581")
    gemma.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    save("gemma", gemma)
    # Byte tokens missing and unknowns unfused: the reference emits the unknown late.
    for token in list(state["model"]["vocab"]):
        if token.startswith("<0x") and token[3] in "CDE":
            state["model"]["vocab"]["gone" + token] = state["model"]["vocab"].pop(token)
    state["model"]["fuse_unk"] = False
    odd = Tokenizer.from_str(json.dumps(state))
    odd.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=False),
        pre_tokenizers.Punctuation("merged_with_next"), pre_tokenizers.Metaspace(prepend_scheme="never")])
    save("bpe-odd", odd)


LEAD, CAPITALS, SMALL = r"[^\r\n\p{L}\p{N}]?", r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = f"{LEAD}{CAPITALS}*{SMALL}+{CONTRACTIONS}?|{LEAD}{CAPITALS}+{SMALL}*{CONTRACTIONS}?|" + r"\p{N}{1,3}|" + REST
TEKKEN = f"{LEAD}{CAPITALS}*{SMALL}+|{LEAD}{CAPITALS}+{SMALL}*|" + r"\p{N}|" + REST


def cuts():
    """Every piece an unknown word, so that ranges show just where the text is cut."""
    steps = {
        "cuts-o200k": pre_tokenizers.Split(Regex(O200K), "isolated"), "cuts-tekken": pre_tokenizers.Split(Regex(TEKKEN), "isolated"),
        "cuts-scripts": pre_tokenizers.UnicodeScripts(),
    }
    for name, step in steps.items():
        tokenizer = Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>"))
        tokenizer.pre_tokenizer = step
        if name == "cuts-o200k":
            tokenizer.normalizer = normalizers.Replace(Regex(r"\s{2,}|[\n\r\t]"), " ")
        save(name, tokenizer)


def minilm(folder):
    tokenizer = Tokenizer.from_file(str(pathlib.Path(folder) / "tokenizer.json"))
    save("all-MiniLM-L6-v2", tokenizer, compact="the model's own")


def main():
    HERE.mkdir(parents=True, exist_ok=True)
    with open(HERE / "corpus.jsonl", "w") as f:
        for line in LINES:
            f.write(json.dumps(line, ensure_ascii=False) + "\n")
    bert()
    byte_level_bpe()
    unigram()
    sentencepiece_bpe()
    cuts()
    if len(sys.argv) > 1:
        minilm(sys.argv[1])


if __name__ == "__main__":
    main()
