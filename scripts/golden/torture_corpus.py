"""The torture corpus: lines of text in many scripts on which every tokenizer is checked.

Deterministic: made of the sentences below and a seeded generator, nothing else.
"""

import random

# Article 1 of the Universal Declaration of Human Rights (public domain), in 26 scripts and spellings.
SENTENCES = {
    "latin": "All human beings are born free and equal in dignity and rights.",
    "german": "Alle Menschen sind frei und gleich an Würde und Rechten geboren; größer, Straße, Übermut.",
    "french": "Tous les êtres humains naissent libres et égaux en dignité et en droits, l'été, où ça?",
    "vietnamese": "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi.",
    "turkish": "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. İstanbul ISPARTA ıi",
    "polish": "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Łódź",
    "greek": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια. ΣΊΣΥΦΟΣ Ὀδυσσεύς",
    "cyrillic": "Все люди рождаются свободными и равными в своём достоинстве и правах. Йод, їжак",
    "armenian": "Բոլոր մարդիկ ծնվում են ազատ ու հավասար իրենց արժանապատվությամբ ու իրավունքներով։",
    "georgian": "ყველა ადამიანი იბადება თავისუფალი და თანასწორი თავისი ღირსებითა და უფლებებით. ᲐᲑᲒ",
    "hebrew": "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם. שָׁלוֹם עֲלֵיכֶם",
    "arabic": "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق. بِسْمِ اللَّهِ ١٢٣",
    "devanagari": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता प्राप्त है। क़िला",
    "bengali": "সমস্ত মানুষ স্বাধীনভাবে সমান মর্যাদা এবং অধিকার নিয়ে জন্মগ্রহণ করে। ড়ঢ়য়",
    "tamil": "மனிதப் பிறவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர்; கொடு",
    "telugu": "ప్రతిపత్తిస్వత్వముల విషయమున మానవులెల్లరును జన్మతః స్వతంత్రులును",
    "thai": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ น้ำ",
    "lao": "ມະນຸດທຸກຄົນເກີດມາມີສິດເສລີພາບ ແລະ ສະເໝີໜ້າກັນ",
    "tibetan": "འགྲོ་བ་མིའི་རིགས་རྒྱུད་ཡོངས་ལ་སྐྱེས་ཙམ་ཉིད་ནས་ཆེ་མཐོངས་དང༌།",
    "burmese": "လူတိုင်းသည် တူညီ လွတ်လပ်သော ဂုဏ်သိက္ခာဖြင့် မွေးဖွားလာသူများ ဖြစ်သည်။",
    "khmer": "មនុស្សទាំងអស់កើតមកមានសេរីភាពនិងសមភាព",
    "ethiopic": "የሰው፡ልጅ፡ሁሉ፡ሲወለድ፡ነጻና፡በክብርና፡በመብትም፡እኩልነት፡ያለው፡ነው።",
    "hangul": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 값없이 닭",
    "jamo": "\u1112\u1161\u11ab\u1100\u1173\u11af \u1100\u1161\u11a8 \uac00\u11a8 ㄱㄴㄷ",
    "japanese": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。ｶﾞギガ",
    "chinese": "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心 豈更車 𠀀𪜀𫠠𫤠",
    "cherokee": "ᏂᎦᏓ ᎠᏂᏴᏫ ᏂᎨᎫᏓᎸᎾ ᎠᎴ ᎤᏂᏠᏱ ꭰꭱꭲ",
    "symbols": "€5 £3.20 ½ ² ™ © ≠ ≤ → ∑ ① ㍻ ㎏ ﷺ Ⅷ ℃ № ﬁ ﬃ … ‥ « » “ ” ‘ ’ – —",
    "emoji": "👨‍👩‍👧‍👦 👍🏽 🇩🇪🇫🇷 ❤️‍🔥 🏴󠁧󠁢󠁥󠁮󠁧󠁿 1️⃣ 🤷🏾‍♀️ 😀😃",
    "math": "𝔸𝕓𝓬 𝟘𝟙𝟚 𝑒 ∫ ∂ ℵ ℝ ẛ̣ ſ ﬅ Å K Ω",
    "code": "for (int i = 0; i < n; ++i) { a[i] += 0x1F; } // done\n\treturn a->b != NULL;\r\n",
    "english": "I'm sure we'll see that they've won; it's 1,234.56 or 2024-11-23T20:00:00Z, don't you'd?",
}

SPECIALS = [
    "[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]", "[mask]", "<s>", "</s>", "<unk>", "<pad>", "<mask>",
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<bos>", "<eos>", "  <mask> ", " [MASK]\n", "▁", "##", "@@", "<0x0A>",
]

ODD = [
    "\u0000", "\u0001", "\u0009", "\u000b", "\u000c", "\u000d", "\u001c", "\u007f", "\u0085", "\u00a0", "\u00ad",
    "\u034f", "\u0345", "\u061c", "\u06dd", "\u0890", "\u1680", "\u180e", "\u2000", "\u2001", "\u200b", "\u200c",
    "\u200d", "\u200e", "\u2028", "\u2029", "\u202e", "\u202f", "\u205f", "\u2060", "\u2061", "\u3000", "\ufeff",
    "\ufff9", "\ufffc", "\ufffd", "\uffff", "\ue000", "\U000e0001", "\U000e0100", "\U000f0000", "\U0010ffff",
    "\u0378", "\u0301", "\u0323", "\u0315", "\u0316", "\u0334", "\u0327", "\u0f71\u0f72", "\u0f73", "\u302e", "\u3099",
    "\U0001d165", "\U0001d15e", "\u0340", "\u0344", "\u037e", "\u1fef", "\u212b", "\u2126", "\u0958", "\ufb1d", "\ufb2c",
    "\u1e9b\u0323", "\u0130", "\u0131", "\u017f", "\u1e9e", "\u03f4", "\u10a0", "\u13a0", "\u2c2f", "\ua64a", "\u1c89",
    "\u16ff0", "\u11938", "\u32ff", "\u16d6c", "\u1885", "\ua9bd", "\U000111c9", "\u1734", "\u166d", "\u2e52",
]

EDGES = [
    "", " ", "  ", "\n", "\t \r\n", "a", "A", ".", "...", "\u0301", "\u0301\u0323", "a\u0323\u0301", "a\u0301\u0323",
    "é", "e\u0301", "E\u0301", "naïve nai\u0308ve", "Ａｂｃ１２３", "x" * 99, "x" * 100, "x" * 101, "é" * 100,
    "e\u0301" * 100, "y" * 400, "中" * 50, "[CLS][SEP]", "a[SEP]b", " [MASK]", "[ MASK ]", "don't", "''''", "##ing",
    "U.S.A.", "a_b-c", "1.5e-10", "C++", "e.g.", "http://example.org/?q=%20a&b=c#d", "me@example.org", "\ud7ff\ue000",
    " leading", "trailing ", "two  spaces", "three   spaces", "\u3000wide\u3000", "line\nbreak", "line\r\nbreak\n\n\nx",
    "\n\n a", " \n a", "a \n", "   \n   b", "x\u200by", "x\u00ady", "\ufeffbom", "I'LL I'll i'Ll '\u017f '\u212a 'S",
    "123456789", "12 345", "1٢３४", "²³½Ⅷ", "ab12cd", "a1b2", "\u1112\u1161\u11ab", "각", "가\u11a8", "㎏㍿", "ǅǆǄ", "ßẞ", "ŉ", "ΐ",
]


def lines(count=5200, seed=20240917):
    rng = random.Random(seed)
    out = list(EDGES) + list(SENTENCES.values()) + SPECIALS + ["a" + o + "b" for o in ODD] + ODD
    out += [s + " " + t for s, t in zip(SPECIALS, reversed(SPECIALS))]
    names = list(SENTENCES)
    while len(out) < count:
        name = names[len(out) % len(names)]
        words = SENTENCES[name].split(" ")
        other = SENTENCES[rng.choice(names)].split(" ")
        line = []
        for _ in range(rng.choice([1, 1, 2, 3, 4])):
            word = rng.choice(words if rng.random() < 0.8 else other)
            kind = rng.randrange(14)
            if kind == 0:
                word = word.upper()
            elif kind == 1:
                letters = list(word)
                rng.shuffle(letters)
                word = "".join(letters)
            elif kind == 2:
                place = rng.randrange(len(word) + 1)
                word = word[:place] + rng.choice(ODD) + word[place:]
            elif kind == 3:
                word += rng.choice(SPECIALS)
            elif kind == 4:
                word += str(rng.randrange(10 ** rng.randrange(1, 9)))
            elif kind == 5:
                word = word[: rng.randrange(len(word) + 1)] * rng.randrange(1, 4)
            elif kind == 6:
                word = rng.choice("'\"(-.,!?") + word + rng.choice("'\").,!?…。")
            elif kind == 7:
                word = "".join(c + rng.choice(["", "", "\u0301", "\u0327", "\u0323"]) for c in word)
            elif kind == 8:
                word = chr(rng.choice([rng.randrange(0x20, 0xD800), rng.randrange(0xE000, 0x20000)]))
            line.append(word)
        text = ""
        for word in line:
            text += word + rng.choice([" "] * 10 + ["", "  ", "\n", "\t", " \n", "\u3000", "\u00a0"])
        out.append(text if rng.random() < 0.3 else text.rstrip(" "))
    return out


def scalar_pages():
    """Texts of 256 scalars each: every page but those whose scalars are all alike, of which one each."""
    spans = [(0x00, 0x35), (0x4D, 0x4F), (0x9F, 0xA0), (0xA4, 0xAD), (0xD7, 0xD8), (0xE0, 0xE1), (0xF9, 0x11A)]
    spans += [(0x16A, 0x170), (0x1BC, 0x1BD), (0x1CC, 0x1DB), (0x1DF, 0x1FC), (0x2A6, 0x2A7), (0x2B8, 0x2BA)]
    spans += [(0x2F8, 0x2FB), (0xE00, 0xE02), (0xF00, 0xF01), (0x10FF, 0x1100)]
    pages = [page for first, end in spans for page in range(first, end)]
    out = []
    for page in pages:
        scalars = [c for c in range(page << 8, (page + 1) << 8) if not 0xD800 <= c < 0xE000]
        out.append(" ".join("ab" + chr(c) + "e" for c in scalars))
    return out
