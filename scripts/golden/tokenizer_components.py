"""Makes Tests/Fixtures/tokenizers/components.jsonl: every component alone, and what the reference does.

    pip install tokenizers==0.23.3
    python scripts/golden/tokenizer_components.py

The first line has the texts of rows that have none of their own. A row is the name of a component
with its options, a `tokenizer.json` around it, and for each text the hash of tokenizer_goldens.py
over ids, type ids and byte ranges. The vocabularies hold the scalars or words which the reference
makes of the texts, so that each of them has an id of its own.
"""

import itertools
import json
import pathlib

import tokenizers
from tokenizer_goldens import checksum, numbers
from tokenizers import Tokenizer

assert tokenizers.__version__ == "0.23.3"
FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "Tests/Fixtures/tokenizers"
TEXTS = [
    "", " ", "Hello, world!", "  two  spaces\tand a tab \n", "Ärger ﬁnd e\u0301t\u00e9 \u1e9b\u0323 \u00bd", "12a345 \u0663\u00b2",
    "日本語 カタカナ 한국어 \u1112\u1161\u11ab", "don't-stop (now)...", "a\u200bb\u00a0c\u3000d\u0001", "👨\u200d👩\u200d👧 ok", "ΑΣ İI", "the cat: #1 100%",
    "the  cat", "``x'' A1b2", "end ",
]
PAIRS = [("a b c d", "e f g"), ("a", "e f g h i"), ("a b c d e f", ""), ("", "")]


def tokenizer_json(model, **sections):
    base = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": None,
            "post_processor": None, "decoder": None}
    return base | sections | {"model": model}


def bpe(vocab, merges=(), **options):
    base = {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None,
            "fuse_unk": False, "byte_fallback": False, "ignore_merges": False}
    return base | options | {"vocab": {token: id for id, token in enumerate(vocab)}, "merges": [list(merge) for merge in merges]}


def word_level(vocab):
    return {"type": "WordLevel", "unk_token": "<unk>", "vocab": {token: id for id, token in enumerate(["<unk>", *vocab])}}


def unique(items):
    return list(dict.fromkeys(items))


def case_hash(tokenizer, text, pair=None, limit=None, side="right"):
    tokenizer.no_truncation() if limit is None else tokenizer.enable_truncation(limit, direction=side)
    texts = [text] if pair is None else [text, pair]
    value = checksum(numbers(texts, tokenizer.encode(*texts)))
    return f"{(value ^ value >> 24) & 0xFFFFFF:06x}"


def row(name, contents, cases=None):
    """Cases are a text, and perhaps a second, a limit and the side that is cut; without any, TEXTS."""
    text = json.dumps(contents, ensure_ascii=False)
    tokenizer = Tokenizer.from_str(text)
    golden = "".join(case_hash(tokenizer, *arguments) for arguments in cases or [(text,) for text in TEXTS])
    return {"name": name, "tokenizer": text, "golden": golden} | ({"cases": cases} if cases else {})


def normalizer_row(name, **options):
    section = {"type": name} | options
    made = Tokenizer.from_str(json.dumps(tokenizer_json(word_level([]), normalizer=section)))
    scalars = unique("".join(made.normalizer.normalize_str(text) for text in TEXTS))
    shown = {key: value for key, value in options.items() if key != "precompiled_charsmap"}
    return row(f"{name} {json.dumps(shown)}", tokenizer_json(bpe(["<unk>", *scalars]), normalizer=section))


def pre_tokenizer_row(name, **options):
    section = {"type": name} | options
    made = Tokenizer.from_str(json.dumps(tokenizer_json(word_level([]), pre_tokenizer=section)))
    words = unique(word for text in TEXTS for word, _ in made.pre_tokenizer.pre_tokenize_str(text))
    return row(f"{name} {json.dumps(options)}", tokenizer_json(word_level(words), pre_tokenizer=section))


def normalizers():
    for name in ["Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Nmt", "StripAccents", "ByteLevel"]:
        yield normalizer_row(name)
    for left, right in [(True, True), (True, False), (False, True)]:
        yield normalizer_row("Strip", strip_left=left, strip_right=right)
    yield normalizer_row("Prepend", prepend="▁")
    yield normalizer_row("Replace", pattern={"String": "a"}, content="<é>")
    yield normalizer_row("Replace", pattern={"String": " "}, content="")
    yield normalizer_row("Replace", pattern={"Regex": " {2,}"}, content="▁")
    for values in [
            (True, True, None, True), (False, False, None, False), (True, False, True, False), (False, True, False, True),
            (True, True, False, False), (False, False, True, True)]:
        names = ["clean_text", "handle_chinese_chars", "strip_accents", "lowercase"]
        yield normalizer_row("BertNormalizer", **dict(zip(names, values)))
    albert = json.loads((FIXTURES / "t5/tokenizer.json").read_text())["normalizer"]
    yield normalizer_row("Precompiled", precompiled_charsmap=albert["precompiled_charsmap"])
    steps = [{"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}, {"type": "Strip", "strip_left": True, "strip_right": True}]
    yield normalizer_row("Sequence", normalizers=steps)


def pre_tokenizers():
    behaviors = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
    for name in ["BertPreTokenizer", "Whitespace", "WhitespaceSplit", "UnicodeScripts"]:
        yield pre_tokenizer_row(name)
    for behavior in behaviors:
        yield pre_tokenizer_row("Punctuation", behavior=behavior)
        for invert in [False, True]:
            yield pre_tokenizer_row("Split", pattern={"String": "a"}, behavior=behavior, invert=invert)
            yield pre_tokenizer_row("Split", pattern={"Regex": r"\s+"}, behavior=behavior, invert=invert)
    for individual in [False, True]:
        yield pre_tokenizer_row("Digits", individual_digits=individual)
    yield pre_tokenizer_row("CharDelimiterSplit", delimiter="-")
    yield pre_tokenizer_row("FixedLength", length=3)
    for prefix, regex in itertools.product([False, True], [False, True]):
        yield pre_tokenizer_row("ByteLevel", add_prefix_space=prefix, trim_offsets=True, use_regex=regex)
    for scheme, split in itertools.product(["always", "first", "never"], [False, True]):
        yield pre_tokenizer_row("Metaspace", replacement="▁", prepend_scheme=scheme, split=split)
    yield pre_tokenizer_row("Sequence", pretokenizers=[
        {"type": "WhitespaceSplit"}, {"type": "Digits", "individual_digits": True}, {"type": "Punctuation", "behavior": "Isolated"}])


def models():
    letters = ["<unk>", "a", "b", "c", "ab", "abc", "bc", "é", "▁", "a▁", "▁a", "▁▁"]
    merges = [("b", "c"), ("a", "b"), ("ab", "c"), ("▁", "a"), ("▁", "▁")]
    texts = [(t,) for t in ["", "abc", "abcab", "xabcy", "zz", "aéb", "日a日日b", "a▁▁a▁abc", "▁▁▁a", "ab ab", "x▁y▁▁z", "c" * 40 + "ab" * 30, "▁a" * 20]]
    some = ["<0xE6>", "<0x97>", "<0xA5>"]
    every = [f"<0x{byte:02X}>" for byte in range(256)]
    for fuse in [False, True]:
        yield row(f"BPE fuse_unk {fuse}", tokenizer_json(bpe(letters, merges, fuse_unk=fuse)), texts)
        yield row(f"BPE byte_fallback fuse_unk {fuse}", tokenizer_json(bpe(letters + every, merges, byte_fallback=True, fuse_unk=fuse)), texts)
        yield row(
            f"BPE byte_fallback to some bytes, fuse_unk {fuse}",
            tokenizer_json(bpe(letters + some, merges, byte_fallback=True, fuse_unk=fuse)), texts)
    yield row("BPE no unk_token", tokenizer_json(bpe(letters, merges, unk_token=None)), texts)
    yield row("BPE ignore_merges", tokenizer_json(bpe(letters + ["abcab", "x▁y▁▁z"], merges, ignore_merges=True)), texts)
    yield row(
        "BPE continuing_subword_prefix end_of_word_suffix",
        tokenizer_json(bpe(
            ["<unk>", "a", "##b", "##c", "##b</w>", "##c</w>", "ab", "abc</w>", "a</w>"], [("a", "##b"), ("ab", "##c</w>")],
            continuing_subword_prefix="##", end_of_word_suffix="</w>")), texts)
    scored = [["<unk>", 0.0], ["a", -2.0], ["b", -2.0], ["ab", -3.0], ["abc", -5.5], ["c", -2.5], ["▁", -1.0], ["▁a", -2.5], ["日日", -4.0]]
    for fallback in [False, True]:
        vocab = scored + ([[token, -9.0] for token in every] if fallback else [])
        yield row(
            f"Unigram byte_fallback {fallback}",
            tokenizer_json({"type": "Unigram", "unk_id": 0, "byte_fallback": fallback, "vocab": vocab}), texts)
    pieces = {token: id for id, token in enumerate(["[UNK]", "a", "ab", "##b", "##c", "##bc", "日", "##a"])}
    for limit in [3, 100]:
        yield row(
            f"WordPiece max_input_chars_per_word {limit}",
            tokenizer_json({
                "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": limit,
                "vocab": pieces}, pre_tokenizer={"type": "Whitespace"}), texts)
    yield row("WordLevel", tokenizer_json(word_level(["abc", "zz"])), texts)


ADDED_TO = ["<unk>", *"abxs<m>, é\n\u3000"]


def added_tokens():
    texts = ["a<m>b", "a <m> b", "  <m>  <m>", "<m>s<m>", "<M> <m>", "x<m>", "é<m>é", "<m> ,<m>", "", "<m>", "ab<m>\n<m>\u3000b"]
    for values in itertools.product([False, True], repeat=4):
        options = dict(zip(["lstrip", "rstrip", "single_word", "normalized"], values))
        token = {"id": len(ADDED_TO), "content": "<m>", "special": False} | options
        names = " ".join(name for name, value in options.items() if value)
        contents = tokenizer_json(
            bpe(ADDED_TO), normalizer={"type": "Lowercase"}, added_tokens=[token])
        yield row(f"added token {names}", contents, [(text,) for text in texts])
    tokens = [{"id": len(ADDED_TO) + n, "content": c, "special": False, "lstrip": False, "rstrip": False, "single_word": False, "normalized": n > 1}
              for n, c in enumerate(["<m>", "<m><m>", "<M", "É", "ab"])]
    contents = tokenizer_json(bpe(ADDED_TO), normalizer={"type": "Lowercase"}, added_tokens=tokens)
    yield row("added tokens that overlap", contents, [(t,) for t in texts + ["<m><m><m>", "<M>É", "<m", "abab"]])


def post_processors():
    letters = word_level("abcdefghi")
    special = {"id": "[S]", "ids": [20, 21], "tokens": ["[S]", "[T]"]}
    template = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "[S]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 1}}],
        "pair": [{"Sequence": {"id": "B", "type_id": 2}}, {"SpecialToken": {"id": "[S]", "type_id": 3}}, {"Sequence": {"id": "A", "type_id": 1}}],
        "special_tokens": {"[S]": special}}
    sections = [
        None, {"type": "BertProcessing", "sep": ["[SEP]", 31], "cls": ["[CLS]", 30]},
        {"type": "RobertaProcessing", "sep": ["</s>", 31], "cls": ["<s>", 30], "trim_offsets": True, "add_prefix_space": False},
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}, template,
        {"type": "Sequence", "processors": [{"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}, template]}]
    for section in sections:
        cases = [(first, second) for first, second in PAIRS] + [(first,) for first, _ in PAIRS]
        cases += [(a, b, limit, side) for (a, b), limit, side in itertools.product(PAIRS, [5, 6, 7, 8, 9], ["right", "left"])]
        cases += [(a, None, limit, side) for (a, _), limit, side in itertools.product(PAIRS, [3, 4, 5], ["right", "left"])]
        name = "no post-processor" if section is None else section["type"]
        yield row(name, tokenizer_json(letters, pre_tokenizer={"type": "WhitespaceSplit"}, post_processor=section), cases)
    for kind, prefix, trim in itertools.product(["ByteLevel", "RobertaProcessing"], [False, True], [False, True]):
        section = {"type": kind, "add_prefix_space": prefix, "trim_offsets": trim}
        section |= {"use_regex": True} if kind == "ByteLevel" else {"sep": ["</s>", 31], "cls": ["<s>", 30]}
        pre = {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": True}
        made = Tokenizer.from_str(json.dumps(tokenizer_json(word_level([]), pre_tokenizer=pre)))
        words = unique(word for text in TEXTS for word, _ in made.pre_tokenizer.pre_tokenize_str(text))
        yield row(
            f"{kind} add_prefix_space {prefix} trim_offsets {trim}",
            tokenizer_json(word_level(words), pre_tokenizer=pre, post_processor=section))


def main():
    rows = [*normalizers(), *pre_tokenizers(), *models(), *added_tokens(), *post_processors()]
    lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in [{"texts": TEXTS}, *rows]]
    (FIXTURES / "components.jsonl").write_text("\n".join(lines) + "\n")
    print(len(rows), "rows,", sum(len(row["golden"]) // 6 for row in rows), "cases")


if __name__ == "__main__":
    main()
