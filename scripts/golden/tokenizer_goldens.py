"""Makes Tests/Fixtures/tokenizers: tiny tokenizers, and what the reference library does with them.

    pip install tokenizers==0.23.3
    python scripts/golden/tokenizer_goldens.py [folder of all-MiniLM-L6-v2]

For each tokenizer `golden.txt` holds one FNV-1a hash per line of the corpus and per page of scalars
(see `line_hash`; its 32 bits folded to 24), so a failing test names the text and the file stays small.
"""

import copy
import json
import pathlib
import sys

import tokenizers
import torture_corpus
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

assert tokenizers.__version__ == "0.23.3"
HERE = pathlib.Path(__file__).resolve().parents[2] / "Tests/Fixtures/tokenizers"
LINES = torture_corpus.lines()
PAGES = torture_corpus.scalar_pages()


def fnv(numbers, value=0x811C9DC5):
    for number in numbers:
        for byte in (number & 0xFFFFFFFF).to_bytes(4, "little"):
            value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def numbers(texts, encoding):
    """Per token: id, type id, and UTF-8 range in its text, or -1 -1 for an added token."""
    maps = []
    for text in texts:
        positions = [0]
        for character in text:
            positions.append(positions[-1] + len(character.encode()))
        maps.append(positions)
    out = []
    for i, id in enumerate(encoding.ids):
        out += [id, encoding.type_ids[i]]
        if encoding.special_tokens_mask[i]:
            out += [-1, -1]
        else:
            start, end = encoding.offsets[i]
            positions = maps[encoding.sequence_ids[i] or 0]
            out += [positions[start], positions[end]]
    return out


def encode(tokenizer, text, limit):
    if limit is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(limit)
    return tokenizer.encode(text)


def line_hash(tokenizer, text):
    value = fnv(numbers([text], encode(tokenizer, text, None)))
    return fnv(numbers([text], encode(tokenizer, text, 6)), value)


def pair_hash(tokenizer, first, second):
    tokenizer.enable_truncation(16)
    return fnv(numbers([first, second], tokenizer.encode(first, second)))


def golden(tokenizer):
    tokenizer.no_padding()
    pairs = [pair_hash(tokenizer, LINES[i], LINES[-1 - i]) for i in range(0, 600)]
    parts = {
        "lines": [line_hash(tokenizer, text) for text in LINES],
        "pages": [line_hash(tokenizer, text) for text in PAGES],
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


def minilm(folder):
    tokenizer = Tokenizer.from_file(str(pathlib.Path(folder) / "tokenizer.json"))
    save("all-MiniLM-L6-v2", tokenizer, compact="the model's own")


def main():
    HERE.mkdir(parents=True, exist_ok=True)
    with open(HERE / "corpus.jsonl", "w") as f:
        for line in LINES:
            f.write(json.dumps(line, ensure_ascii=False) + "\n")
    bert()
    if len(sys.argv) > 1:
        minilm(sys.argv[1])


main()
