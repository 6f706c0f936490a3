"""Makes a tokenizer.json of a tiktoken rank file, for comparisons with the reference library.

    python scripts/golden/tiktoken_ranks.py qwen.tiktoken OUT_FOLDER [--marks]

`--marks` takes Qwen 3.5's pattern, in which marks are letters. Source of the format: openai/tiktoken, `load.py`; the two parts of a
token are what the ranks below its own make of its bytes.
"""

import argparse
import base64
import json
import pathlib

TAIL = r"\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + TAIL
QWEN35 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|" + TAIL


def spellings():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    return {b: chr(b) for b in printable} | {b: chr(256 + i) for i, b in enumerate(others)}


def parts(token, ranks):
    """What the token's bytes are merged to by ranks below its own."""
    pieces = [bytes([b]) for b in token]
    while len(pieces) > 2:
        rank, place = min((ranks.get(pieces[i] + pieces[i + 1], 1 << 30), i) for i in range(len(pieces) - 1))
        if rank >= ranks[token]:
            return None
        pieces[place : place + 2] = [pieces[place] + pieces[place + 1]]
    return pieces


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ranks", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--marks", action="store_true")
    options = parser.parse_args()
    ranks = {}
    for line in options.ranks.read_bytes().splitlines():
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)
    spelled = spellings()
    spell = lambda token: "".join(spelled[b] for b in token)
    merges = [pair for token in sorted(ranks, key=ranks.get) if len(token) > 1 and (pair := parts(token, ranks)) is not None]
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    added = dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
    split = {"type": "Split", "pattern": {"Regex": QWEN35 if options.marks else QWEN2}, "behavior": "Isolated", "invert": False}
    level = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=False, use_regex=False)
    model = dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix="", end_of_word_suffix="", fuse_unk=False,
                 byte_fallback=False, ignore_merges=False, vocab={spell(t): r for t, r in ranks.items()},
                 merges=[[spell(a), spell(b)] for a, b in merges])
    file = dict(version="1.0", added_tokens=[dict(id=len(ranks) + i, content=s, **added) for i, s in enumerate(specials)],
                normalizer={"type": "NFC"}, pre_tokenizer={"type": "Sequence", "pretokenizers": [split, level]},
                post_processor=level, decoder=level, model=model)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "tokenizer.json").write_text(json.dumps(file, ensure_ascii=False))
    print(len(ranks), "tokens,", len(merges), "merges")


main()
