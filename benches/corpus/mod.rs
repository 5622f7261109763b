//! Intents and messages for benches, made from a seed: the same on every machine, and made up entirely.

pub mod baseline;

/// Phrases of one intent.
pub const PHRASES: usize = 5;
/// Messages of a corpus.
pub const MESSAGES: usize = 10_000;

/// What one intent is recognised by.
#[derive(Clone, Debug)]
pub struct Intent {
    /// Words with `~`, `*`, `[…]` and `(…|…)` among them; one in five has a wildcard.
    pub phrases: Vec<String>,
    pub regex: String,
}

/// xorshift64*: small, and good enough to scatter words.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next()).unwrap_or(0) % limit.max(1)
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words.get(self.below(words.len())).copied().unwrap_or("")
    }
}

const THINGS: [&str; 48] = [
    "water",
    "electricity",
    "power",
    "refuse",
    "rubbish",
    "sewage",
    "toilet",
    "drain",
    "pothole",
    "street",
    "road",
    "light",
    "meter",
    "reading",
    "account",
    "balance",
    "bill",
    "payment",
    "receipt",
    "statement",
    "rates",
    "clinic",
    "library",
    "office",
    "permit",
    "licence",
    "tariff",
    "deposit",
    "refund",
    "pipe",
    "tap",
    "leak",
    "pressure",
    "geyser",
    "tank",
    "pump",
    "bridge",
    "pavement",
    "traffic",
    "robot",
    "cemetery",
    "park",
    "hall",
    "stadium",
    "tender",
    "vacancy",
    "indigent",
    "subsidy",
];
const STATES: [&str; 32] = [
    "off",
    "out",
    "broken",
    "burst",
    "blocked",
    "dry",
    "dirty",
    "late",
    "missing",
    "wrong",
    "high",
    "low",
    "leaking",
    "flooded",
    "stolen",
    "dark",
    "open",
    "closed",
    "overdue",
    "paid",
    "cut",
    "gone",
    "damaged",
    "dangerous",
    "full",
    "empty",
    "smelling",
    "collected",
    "estimated",
    "disconnected",
    "restored",
    "delayed",
];
const SMALL: [&str; 28] = [
    "the", "is", "in", "my", "our", "at", "of", "and", "we", "have", "no", "not", "since", "there",
    "please", "for", "a", "to", "it", "has", "been", "with", "on", "they", "i", "this", "why",
    "when",
];
const SYLLABLES: [&str; 24] = [
    "ma", "ka", "the", "lo", "ngo", "ra", "si", "vu", "be", "za", "kho", "tla", "mo", "le", "ni",
    "wa", "ro", "ste", "berg", "dal", "fon", "tein", "pu", "ho",
];

/// A made-up name of a place or person; names below a bound recur.
fn name(place: usize) -> String {
    let mut random = Random::new(place as u64 * 7919 + 17);
    (0..2 + random.below(3))
        .map(|_| random.of(&SYLLABLES))
        .collect()
}

/// `count` intents. The words of each thing, state and place are shared by many; together they are one intent's own.
pub fn intents(count: usize) -> Vec<Intent> {
    let mut random = Random::new(42);
    let places = count / 3 + 10;
    (0..count)
        .map(|place| {
            let phrases = (0..PHRASES)
                .map(|number| phrase(&mut random, place, number, places))
                .collect();
            let (thing, own) = (random.of(&THINGS), name(random.below(places)));
            let regex = match place % 4 {
                0 => format!(r"\b{own}\s+\d{{2,4}}\b"),
                1 => format!(r"\b{thing}s?\W+{own}\b"),
                2 => format!(r"\b(?:{own}|{own}s) (?:{thing}|line)\b"),
                _ => format!(r"(?:no|any)\s+{thing}.{{1,20}}\b{own}\b"),
            };
            Intent { phrases, regex }
        })
        .collect()
}

fn phrase(random: &mut Random, intent: usize, number: usize, places: usize) -> String {
    let (thing, state, own) = (
        random.of(&THINGS),
        random.of(&STATES),
        name(random.below(places)),
    );
    if number == 0 && intent.is_multiple_of(5) {
        return format!("{thing} * {own}");
    }
    match random.below(8) {
        0 => format!("{own} {thing}"),
        1 => format!("{thing} [is] {state} in {own}"),
        2 => format!("{own}~ {thing}"),
        3 => format!("({thing}|{thing}s) {state} {own}"),
        4 => format!("no {thing} {own}"),
        5 => format!("{state} {thing} {own}"),
        6 => format!("why is {own} {state}"),
        _ => format!("{own} {state} {thing}"),
    }
}

/// Messages of about nine words: half speak of one of `intents` in so many words, half of nothing it knows.
pub fn messages(intents: &[Intent], matched: bool) -> Vec<String> {
    let mut random = Random::new(if matched { 7 } else { 8 });
    (0..MESSAGES)
        .map(|_| message(&mut random, intents, matched))
        .collect()
}

fn message(random: &mut Random, intents: &[Intent], matched: bool) -> String {
    let mut words: Vec<String> = Vec::new();
    let before = random.below(5);
    filler(random, before, &mut words);
    if matched {
        let intent = &intents[random.below(intents.len())];
        let phrase = &intent.phrases[random.below(PHRASES)];
        for word in phrase.split(' ') {
            match word {
                "*" => filler(random, 2, &mut words),
                "[is]" => words.push("is".to_owned()),
                _ => words.push(plain(word)),
            }
        }
        let last = words.len() - 1;
        if random.below(10) == 0 && words[last].len() > 5 {
            words[last].remove(3);
        }
    }
    let rest = 9usize.saturating_sub(words.len());
    filler(random, rest, &mut words);
    let mut text = words.join(" ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text.push(if random.below(3) == 0 { '!' } else { '.' });
    text
}

fn plain(word: &str) -> String {
    let inside = word
        .trim_start_matches('(')
        .split('|')
        .next()
        .unwrap_or(word);
    inside.trim_end_matches('~').to_owned()
}

/// Small words, things and states of the domain, and now and then a word no pack knows.
fn filler(random: &mut Random, count: usize, words: &mut Vec<String>) {
    for _ in 0..count {
        words.push(match random.below(10) {
            0..=4 => random.of(&SMALL).to_owned(),
            5 | 6 => random.of(&THINGS).to_owned(),
            7 => random.of(&STATES).to_owned(),
            8 => (random.below(900) + 1).to_string(),
            _ => name(1_000_000 + random.below(20_000)),
        });
    }
}
