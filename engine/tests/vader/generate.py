#!/usr/bin/env python3
"""Makes the vectors of VADER with the Python package, which is the definition of the figures.

    python3.11 -m venv venv && venv/bin/pip install vaderSentiment==3.3.2
    venv/bin/python generate.py vectors          # writes vectors.tsv and python-cases.tsv beside this file
    venv/bin/python generate.py texts 60000 7    # prints that many texts, one JSON string a line, from seed 7
    venv/bin/python generate.py score            # reads such lines, prints "neg neu pos compound" for each

CPython 3.11 is asked for because sum() adds floats differently from 3.12 on, and because its Unicode tables (14.0) say
what a capital is.
"""
import itertools
import json
import pathlib
import random
import string
import sys
import unicodedata

import vaderSentiment.vaderSentiment as vader

HERE = pathlib.Path(__file__).parent
VECTORS = 3200
ANALYZER = vader.SentimentIntensityAnalyzer()
LEXICON = list(ANALYZER.lexicon)
EMOJI = list(ANALYZER.emojis)
SINGLE = [e for e in EMOJI if len(e) == 1]
BOOSTERS = list(vader.BOOSTER_DICT)
NEGATIONS = vader.NEGATE
IDIOMS = list(vader.SPECIAL_CASES)
SMALL_WORDS = ("no or nor kind of least at very never so this without doubt but just enough sort the bus stop yeah right "
               "bad ass badass bomb shit kiss death to die for beating heart").split()
NEUTRAL = ("i you the a water tap meter account house street we they our your municipality today week month is was "
           "are have been it that and with from on in about metsi ke haholo dankie manzi ok re 12 R450 x").split()
BLANKS = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2003\u200a\u2028\u2029\u202f\u205f\u3000"
ODD = "\u212a\u0130\u0131\u01c5\u01c4\u00aa\u24b6\u24d0\u2160\u2170\u00df\u1e9e\u03a3\u03c2\u0345\u200d\ufe0f\u20e3\x00\x7f\u2019\u201c\ufffd"
OWN = [
    "VADER is smart, handsome, and funny.", "VADER is smart, handsome, and funny!",
    "VADER is very smart, handsome, and funny.", "VADER is VERY SMART, handsome, and FUNNY.",
    "VADER is VERY SMART, handsome, and FUNNY!!!", "VADER is VERY SMART, uber handsome, and FRIGGIN FUNNY!!!",
    "VADER is not smart, handsome, nor funny.", "The book was good.", "At least it isn't a horrible book.",
    "The book was only kind of good.",
    "The plot was good, but the characters are uncompelling and the dialog is not great.", "Today SUX!",
    "Today only kinda sux! But I'll get by, lol", "Make sure you :) or :D today!",
    "Catch utf-8 emoji such as 💘 and 💋 and 😁", "Not bad at all", "Sentiment analysis has never been good.",
    "Sentiment analysis has never been this good!", "Most automated sentiment analysis tools are shit.",
    "With VADER, sentiment analysis is the shit!", "Other sentiment analysis tools can be quite bad.",
    "On the other hand, VADER is quite bad ass", "VADER is such a badass!", "Without a doubt, excellent idea.",
    "Roger Dodger is one of the most compelling variations on this theme.",
    "Roger Dodger is at least compelling as a variation on the theme.",
    "Roger Dodger is one of the least compelling variations on this theme.", "Not such a badass after all.",
    "Without a doubt, an excellent idea.",
    "It was one of the worst movies I've seen, despite good reviews. Unbelievably bad acting!! Poor direction. VERY poor "
    "production. The movie was bad. Very bad movie. VERY BAD movie!",
    "", " ", "!", "!!!", "???", "no", "NO!", "no.", "Hello!", "Dankie!", "Ke leboha haholo!!", "ok!", "good good but good",
    "SORRY BUT SIPHO IS VERY TO DIE FOR!!!!!", "😀good", "good😀", "😀😀 👍🏽", "🔛🆙", "❤️", "💩\u200d💩",
]


def capitals(rng, word):
    roll = rng.random()
    if roll < 0.70:
        return word
    if roll < 0.85:
        return word.upper()
    if roll < 0.93:
        return word.capitalize()
    return "".join(rng.choice((c.upper(), c.lower())) for c in word)


def marks(rng, word):
    roll = rng.random()
    if roll < 0.75:
        return word
    if roll < 0.93:
        return word + rng.choice([".", ",", "!", "?", "!!", "??", "???", "????", "!!!!!", "...", ";", ":", ")", "'s", '"'])
    return rng.choice(['"', "(", "'", "*", "#", "@", "[", "..."]) + word + rng.choice(['"', ")", "'", "*", "]", ""])


def any_char(rng):
    while True:
        c = rng.choice((rng.randrange(0x80), rng.randrange(0x800), rng.randrange(0x3000), rng.randrange(0x20000),
                        rng.randrange(0x110000)))
        if not 0xD800 <= c <= 0xDFFF:
            return chr(c)


def pick(rng):
    roll = rng.random()
    if roll < 0.32:
        return rng.choice(LEXICON)
    if roll < 0.44:
        return rng.choice(BOOSTERS)
    if roll < 0.54:
        return rng.choice(NEGATIONS)
    if roll < 0.70:
        return rng.choice(SMALL_WORDS)
    if roll < 0.76:
        return rng.choice(IDIOMS)
    if roll < 0.79:
        return rng.choice(EMOJI)
    return rng.choice(NEUTRAL)


def words(rng):
    few = [rng.choice(LEXICON) for _ in range(2)]
    count = rng.choice((1, 2, 3, 4, 5, 6, 8, 12, 20))
    list_ = []
    for _ in range(count):
        word = rng.choice(few) if rng.random() < 0.08 else pick(rng)
        list_.append(marks(rng, capitals(rng, word)))
    return " ".join(list_)


def rules(rng):
    """Only the words the rules name, close together."""
    pool = SMALL_WORDS + ["good", "bad", "great", "terrible", "no", "but", "not", "don't", "VERY", "GOOD", "BAD", "least"]
    return " ".join(capitals(rng, rng.choice(pool)) for _ in range(rng.randrange(2, 9)))


def emoji(rng):
    parts = []
    for _ in range(rng.randrange(1, 7)):
        parts.append(rng.choice((rng.choice(EMOJI), rng.choice(SINGLE), rng.choice(LEXICON), "🏽", "\ufe0f", "\u200d")))
        parts.append(rng.choice(("", " ", "", "\n", "  ")))
    return "".join(parts)


def blanks(rng):
    return "".join(pick(rng) + "".join(rng.choice(BLANKS) for _ in range(rng.randrange(1, 3)))
                   for _ in range(rng.randrange(1, 8)))


def odd(rng):
    word = pick(rng)
    list_ = list(word)
    for _ in range(rng.randrange(1, 3)):
        list_.insert(rng.randrange(len(list_) + 1), rng.choice(ODD))
    word = "".join(list_)
    if rng.random() < 0.3:
        word = pick(rng).replace("k", "\u212a").replace("K", "\u212a")
    return " ".join((pick(rng), marks(rng, capitals(rng, word)), rng.choice(("good", "BAD", "very", "GOOD!")), pick(rng)))


def fuzz(rng):
    kind = rng.random()
    length = rng.randrange(1, 30)
    if kind < 0.4:
        return "".join(any_char(rng) for _ in range(length))
    if kind < 0.7:
        return "".join(rng.choice(string.printable) for _ in range(length))
    return "".join(rng.choice((any_char(rng), " ", rng.choice(LEXICON), rng.choice(string.punctuation))) for _ in range(length))


def cut(rng):
    text = words(rng)
    return text[rng.randrange(len(text)):] + rng.choice((" ", "", "\n")) + text[: rng.randrange(len(text) + 1)]


def long(rng):
    return " ".join(words(rng) for _ in range(rng.choice((20, 60, 150))))


def repeated(rng):
    """Equal values around a "but", many of them."""
    pool = [rng.choice(LEXICON) for _ in range(3)] + ["but", "x"]
    return " ".join(rng.choice(pool) for _ in range(rng.choice((5, 10, 30, 400))))


KINDS = ((words, 38), (rules, 25), (emoji, 7), (blanks, 6), (odd, 7), (fuzz, 8), (cut, 5), (long, 1), (repeated, 3))


def texts(count, seed):
    rng = random.Random(seed)
    makers, weights = zip(*KINDS)
    for maker in rng.choices(makers, weights, k=count):
        yield maker(rng)


def fixed():
    yield from OWN
    for word in LEXICON:
        yield word
        yield f"I was not {word.upper()} about it!"
    for e in EMOJI:
        yield e
        yield f"so{e}good {e}!"
    for c in BLANKS + ODD:
        yield f"very{c}good"
        yield f"GOOD{c} bad"


def score(text):
    found = ANALYZER.polarity_scores(text)
    return tuple(found[key] for key in ("neg", "neu", "pos", "compound"))


def vectors():
    rng = random.Random(332)
    chosen = dict.fromkeys(OWN)
    chosen.update(dict.fromkeys(f"very{c}good" for c in BLANKS))
    chosen.update(dict.fromkeys(f"GOOD{c} bad" for c in ODD))
    chosen.update(dict.fromkeys(rng.sample(SINGLE, 100)))
    chosen.update(dict.fromkeys(rng.sample(LEXICON, 300)))
    for text in texts(20000, 332):
        if len(chosen) >= VECTORS:
            break
        if len(text) <= 600:
            chosen[text] = None
    # Longer than the stretch in which equal values around a "but" are looked for one by one.
    long_ones = (text for text in texts(20000, 333) if " but " in text.lower() and text.count(" ") > 300)
    chosen.update(dict.fromkeys(itertools.islice(long_ones, 12)))
    with open(HERE / "vectors.tsv", "w", encoding="utf-8", newline="\n") as out:
        out.write("# Written by generate.py with vaderSentiment 3.3.2 on CPython 3.11: neg, neu, pos, compound, JSON string.\n")
        for text in chosen:
            out.write("\t".join(repr(figure) for figure in score(text)) + "\t" + json.dumps(text, ensure_ascii=False) + "\n")
    cases()


def cases():
    def case(c):
        if c.isupper():
            return "U"
        return "L" if c.islower() or unicodedata.category(c) == "Lt" else ""

    runs = []
    for number in range(0x110000):
        kind = case(chr(number))
        if kind and runs and runs[-1][1] == number - 1 and runs[-1][2] == kind:
            runs[-1][1] = number
        elif kind:
            runs.append([number, number, kind])
    with open(HERE / "python-cases.tsv", "w", encoding="utf-8", newline="\n") as out:
        out.write(f"# Written by generate.py: first, last, U for capital or L for small or title-case; Unicode {unicodedata.unidata_version}.\n")
        for first, last, kind in runs:
            out.write(f"{first:X}\t{last:X}\t{kind}\n")


def main():
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    if what == "vectors":
        vectors()
    elif what == "texts":
        for text in texts(int(sys.argv[2]), int(sys.argv[3])):
            print(json.dumps(text))
    elif what == "fixed":
        for text in fixed():
            print(json.dumps(text))
    elif what == "score":
        for line in sys.stdin:
            print(*score(json.loads(line)))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
