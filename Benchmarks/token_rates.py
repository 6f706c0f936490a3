"""How fast a tokenizer makes ids, and how long 1 MB of hostile text takes it.

    swift build -c release --product tokenizer-trace
    python Benchmarks/token_rates.py TEXT FOLDER...      # TEXT: a file of English, a text a line

Each folder has a tokenizer.json. Lines go in one by one, on one core; the first figure is tokens a second
over all of them, best of five. With the package tokenizers installed its figure is beside it.
"""

import pathlib
import struct
import subprocess
import sys
import time

TRACE = pathlib.Path(__file__).resolve().parents[1] / ".build/release/tokenizer-trace"
SIZE = 1 << 20
HOSTILE = {
    "a": "a", "capital": "A", "joiners": "👨\u200d", "marks": "\u0301\u0323", "spaces": " ", "breaks": "\n", "digits": "7", "CJK": "中", "Thai": "ท",
    "signs": "!",
}


def measure(folder, texts):
    """What tokenizer-trace prints: a line for each of few texts, and one over all."""
    content = b"".join(struct.pack("<I", len(raw)) + raw for raw in (text.encode() for text in texts))
    run = subprocess.run([TRACE, folder, "--time"], input=content, stdout=subprocess.PIPE, check=True)
    return run.stdout.decode().strip().split("\n")


def reference_rate(folder, lines):
    """Tokens a second of the reference library, in millions; nothing where it is not installed."""
    try:
        from tokenizers import Tokenizer
    except ImportError:
        return ""
    tokenizer = Tokenizer.from_file(str(pathlib.Path(folder) / "tokenizer.json"))
    tokenizer.no_truncation()
    start = time.thread_time()
    tokens = sum(len(tokenizer.encode(line).ids) for line in lines)
    return f", tokenizers {tokens / (time.thread_time() - start) / 1e6:.2f}"


def main():
    lines = [line for line in pathlib.Path(sys.argv[1]).read_text().split("\n") if line.strip()]
    repeats = max(1, 100_000 // len(lines) // 20)
    for folder in sys.argv[2:]:
        best = max(float(measure(folder, lines * repeats)[-1].split()[-3]) for _ in range(5))
        print(f"{folder}: {best:.2f} M tokens/s{reference_rate(folder, lines)}", flush=True)
        texts = [unit * (SIZE // len(unit.encode())) for unit in HOSTILE.values()]
        seconds = [float(line.split(": ")[1].split()[0]) for line in measure(folder, texts)[: len(texts)]]
        print("  1 MB: " + ", ".join(f"{name} {value:.2f} s" for name, value in zip(HOSTILE, seconds)), flush=True)


if __name__ == "__main__":
    main()
