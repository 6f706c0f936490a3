"""Compares tokenizers with the reference library on the torture corpus and on fuzzed strings.

    pip install tokenizers==0.23.3
    swift build -c release --product tokenizer-trace
    python scripts/golden/tokenizer_torture.py [--fuzzed 100000] [--seed 1] FOLDER…

Each folder has a tokenizer.json. Ids and byte ranges of every text must be equal; the first texts
that differ are printed, and the counts of all.
"""

import argparse
import itertools
import pathlib
import random
import struct
import subprocess
import sys

import tokenizers
import torture_corpus
from tokenizers import Tokenizer

assert tokenizers.__version__ == "0.23.3"
ROOT = pathlib.Path(__file__).resolve().parents[2]
TRACE = ROOT / ".build/release/tokenizer-trace"

# Blocks with scripts, marks, digits, compatibility forms and emoji; one is chosen, then a scalar in it.
BLOCKS = [
    (0x00, 0x7F), (0x20, 0x7E), (0x20, 0x7E), (0x80, 0x24F), (0x250, 0x36F), (0x300, 0x36F), (0x370, 0x52F), (0x530, 0x6FF),
    (0x900, 0xDFF), (0xE00, 0xFFF), (0x1000, 0x137F), (0x13A0, 0x16FF), (0x1700, 0x1AFF), (0x1C00, 0x1FFF), (0x2000, 0x206F),
    (0x2070, 0x218F), (0x2190, 0x2BFF), (0x2C00, 0x2E7F), (0x2E80, 0x31FF), (0x3040, 0x30FF), (0x3200, 0x33FF), (0x4E00, 0x9FFF),
    (0xA000, 0xABFF), (0xAC00, 0xD7FF), (0xE000, 0xF8FF), (0xF900, 0xFDFF), (0xFE00, 0xFE2F), (0xFE30, 0xFFFF), (0x10000, 0x107FF),
    (0x10800, 0x11FFF), (0x12000, 0x1BFFF), (0x1D000, 0x1D7FF), (0x1E000, 0x1EFFF), (0x1F000, 0x1FAFF), (0x20000, 0x2FFFF), (0x30000, 0x323AF),
]
PIECES = torture_corpus.ODD + torture_corpus.SPECIALS + torture_corpus.EDGES + [
    " ", " ", "  ", "\n", "\r\n", "\t", "'s", "'LL", "'Re", "n't", "\u2019s", "/", "//", "...", "\u2014", "1", "12", "1234", "3.14", "a", "I", "McDonald",
    "HTTPServer", "camelCase", "\u01c5", "\u02b0", "\u00aa", "\u3042\u30a2", "\u30fc", "\u200d", "\ufe0f", "\u0301", "\u0e33", "\u1f468\u200d",
]


def scalar(rng):
    first, last = rng.choice(BLOCKS)
    value = rng.randint(first, last)
    return chr(value) if not 0xD800 <= value < 0xE000 else " "


def fuzzed(rng, lines, own):
    """A text of scalars from anywhere, stretches of the corpus, odd pieces, and a tokenizer's own tokens."""
    out = []
    for _ in range(rng.choice([1, 2, 3, 4, 6, 10])):
        kind = rng.randrange(10)
        if kind < 3:
            line = rng.choice(lines)
            start = rng.randrange(len(line) + 1)
            out.append(line[start : start + rng.randrange(1, 16)])
        elif kind < 5:
            out.append(rng.choice(PIECES))
        elif kind == 5:
            out.append(rng.choice(own) if own else " ")
        elif kind == 6:
            out.append(scalar(rng) * rng.randrange(1, 5))
        elif kind == 7:
            first, last = rng.choice(BLOCKS)
            out += [chr(c) for c in (rng.randint(first, last) for _ in range(rng.randrange(1, 6))) if not 0xD800 <= c < 0xE000]
        else:
            out += [scalar(rng) for _ in range(rng.randrange(1, 4))]
        if rng.random() < 0.3:
            out.append(" ")
    return "".join(out)


def reference_lines(tokenizer, texts):
    tokenizer.no_truncation()
    tokenizer.no_padding()
    for start in range(0, len(texts), 2000):
        part = texts[start : start + 2000]
        for text, encoding in zip(part, tokenizer.encode_batch(part)):
            places = [0, *itertools.accumulate(len(c.encode()) for c in text)]
            yield "".join(
                f"{id}:- " if special else f"{id}:{places[lower]}-{places[upper]} "
                for id, special, (lower, upper) in zip(encoding.ids, encoding.special_tokens_mask, encoding.offsets))


def own_lines(folder, texts):
    content = b"".join(struct.pack("<I", len(raw)) + raw for raw in (text.encode() for text in texts))
    result = subprocess.run([TRACE, folder], input=content, stdout=subprocess.PIPE, check=True)
    return result.stdout.decode().split("\n")[:-1]


def check(folder, count, seed):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    lines = torture_corpus.lines()
    own = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
    rng = random.Random(seed)
    texts = lines + torture_corpus.scalar_pages() + [fuzzed(rng, lines, own) for _ in range(count)]
    got = own_lines(folder, texts)
    if len(got) != len(texts):
        print(f"{folder.name}: {len(got)} answers for {len(texts)} texts")
        return False
    wrong = tokens = 0
    for text, expected, line in zip(texts, reference_lines(tokenizer, texts), got):
        tokens += expected.count(":")
        if expected != line:
            wrong += 1
            if wrong <= 3:
                print(f"  {text[:120]!r}\n    expected {expected[:300]}\n    got      {line[:300]}")
    print(f"{folder.name}: {len(texts)} texts, {tokens} tokens, {wrong} differ", flush=True)
    return wrong == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fuzzed", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    results = [check(folder, options.fuzzed, options.seed) for folder in options.folders]
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
