//! Learns the table by which the engine tells languages apart: `learn_languages DIR OUT [--evaluate]`.
//!
//! DIR holds one text file a language (`en.txt`, `st.txt` …), one sentence a line; OUT is the table. Every tenth
//! sentence is kept apart and only measured; with `--evaluate` an existing table is measured and nothing is learned.
//! The same files give the same table. Neither the build nor the service needs this command, only whoever changes the
//! languages.
//!
//! What is learned is a multinomial logistic regression over hashed character n-grams, by stochastic descent with a
//! step per weight (`AdaGrad`), on pieces of sentences as short as messages are: that, and not the text of whole
//! sentences, is what has to be told apart. Weights are averaged over the second half and rounded to eight bits.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a broken file should stop the command where it is"
)]
#![expect(clippy::print_stdout, reason = "it reports to the terminal")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "learning is in floats; the counts are far from their limits"
)]

#[path = "../src/text/identify/grams.rs"]
mod grams;
#[path = "../src/text/identify/table.rs"]
mod table;
#[path = "../src/text/identify/verdict.rs"]
#[expect(
    dead_code,
    reason = "known words and excluded languages come from a pack"
)]
mod verdict;

use std::path::Path;
use std::time::Instant;

use grams::{READ_CHARS_MAX, SLOT_BITS, Sign, Trail};
use table::{LANES, LANGUAGES, Scores, TABLE_BYTES, Table, UNITS_PER_NAT};
use verdict::{Known, SIDES_MAX, Side, Tally};

/// The first of [`LANGUAGES`] are those of the shipped pack; the rest must be recognised as none of them.
const OURS: usize = 4;
/// One sentence in this many is kept apart.
const HELD_OUT_PART: usize = 10;

/// Times that about as many characters are learned from as the corpus holds.
const ROUNDS: usize = 24;
/// Size of a weight's first step, and its pull towards zero.
const RATE: f32 = 0.05;
const DECAY: f32 = 1e-4;
/// Lengths of the pieces learned from, in characters, each as often as it stands here.
const PIECES: [usize; 7] = [8, 15, 15, 15, 25, 40, 80];
/// The English file is mostly short questions of bank customers. Sentences above this length are mostly of government
/// text, as in the other languages, and make up half of what is learned as English.
const FORMAL_CHARS_MIN: usize = 150;

/// What a piece must have for its language to count as certain, in thousandths; the engine's own threshold.
const CERTAIN: u16 = 800;

/// The quickest of so many passes is reported: the machine may be busy.
const TIMED_PASSES: usize = 10;

/// One row a slot of the table, one weight a language.
type Weights = Vec<[f32; LANES]>;

/// Sentences of each of [`LANGUAGES`].
struct Corpus {
    learned: Vec<Vec<String>>,
    held_out: Vec<Vec<String>>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (corpus, out, evaluate_only) =
        match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [dir, out] => (read(Path::new(dir)), out, false),
            [dir, out, "--evaluate"] => (read(Path::new(dir)), out, true),
            _ => {
                println!("usage: learn_languages DIR OUT [--evaluate]");
                std::process::exit(2);
            }
        };
    if !evaluate_only {
        std::fs::write(out, rounded(&learn(&corpus))).unwrap();
    }
    let bytes = std::fs::read(out).unwrap();
    let table = Table::new(&bytes);
    for length in [usize::MAX, 60, 30, 15] {
        evaluate(table, &corpus, length);
    }
    reliability(table, &corpus);
    time(table, &corpus);
}

fn read(dir: &Path) -> Corpus {
    let mut corpus = Corpus {
        learned: Vec::new(),
        held_out: Vec::new(),
    };
    for language in LANGUAGES {
        let text = std::fs::read_to_string(dir.join(format!("{language}.txt"))).unwrap();
        let lines = |held_out: bool| {
            let kept = move |n: usize| n.is_multiple_of(HELD_OUT_PART) == held_out;
            text.lines()
                .enumerate()
                .filter(|(n, _)| kept(*n))
                .map(|(_, line)| line.to_owned())
                .collect()
        };
        corpus.learned.push(lines(false));
        corpus.held_out.push(lines(true));
    }
    corpus
}

/// Numbers in an order that is the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % limit as u64) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// A sentence of `language` to learn from.
    fn sentence<'a>(&mut self, corpus: &'a Corpus, language: usize) -> &'a str {
        let sentences = &corpus.learned[language];
        let formal = LANGUAGES[language] == "en" && self.below(2) == 0;
        loop {
            let sentence = self.pick(sentences);
            if !formal || sentence.len() >= FORMAL_CHARS_MIN {
                return sentence;
            }
        }
    }
}

fn learn(corpus: &Corpus) -> Weights {
    let mut dice = Dice(0x5075_6973_616E_6F21);
    let mut descent = Descent::new();
    let mut average: Weights = vec![[0.0; LANES]; 1 << SLOT_BITS];
    let chars_a_round: usize = corpus.learned.iter().flatten().map(String::len).sum();
    for round in 0..ROUNDS {
        let mut read = 0;
        while read < chars_a_round {
            let language = dice.below(LANGUAGES.len());
            let length = *dice.pick(&PIECES);
            let sentence: Vec<char> = dice.sentence(corpus, language).chars().collect();
            for _ in 0..=sentence.len() / PIECES[PIECES.len() - 1] {
                let start = dice.below(sentence.len().saturating_sub(length) + 1);
                let piece = &sentence[start..sentence.len().min(start + length)];
                read += piece.len();
                descent.step(&slots(piece), language);
            }
        }
        if round >= ROUNDS / 2 {
            for (sum, weight) in average
                .iter_mut()
                .flatten()
                .zip(descent.weights.iter().flatten())
            {
                *sum += weight / (ROUNDS - ROUNDS / 2) as f32;
            }
        }
    }
    average
}

/// The slots of a piece, as [`Table::words`] looks them up.
fn slots(piece: &[char]) -> Vec<usize> {
    let mut slots = Vec::new();
    let mut trail = Trail::default();
    let mut in_word = false;
    for sign in piece.iter().map(|c| Sign::of(*c)).chain([Sign::Edge]) {
        match sign {
            Sign::Letter(letter) => trail = trail.then(letter),
            Sign::Edge if in_word => trail = trail.then(0),
            Sign::Foreign => trail = Trail::default(),
            Sign::Apostrophe | Sign::Edge => {}
        }
        if matches!(sign, Sign::Letter(_)) || sign == Sign::Edge && in_word {
            slots.extend(trail.slots());
        }
        in_word = match sign {
            Sign::Apostrophe => in_word,
            Sign::Edge => false,
            Sign::Letter(_) | Sign::Foreign => true,
        };
    }
    slots
}

struct Descent {
    weights: Weights,
    /// Sum of squared slopes of each weight: the larger, the smaller its steps.
    squares: Weights,
}

impl Descent {
    fn new() -> Self {
        Self {
            weights: vec![[0.0; LANES]; 1 << SLOT_BITS],
            squares: vec![[1e-3; LANES]; 1 << SLOT_BITS],
        }
    }

    /// Makes `language` likelier for a text with these slots, and the others less likely.
    fn step(&mut self, slots: &[usize], language: usize) {
        let mut scores = [0.0_f32; LANES];
        for slot in slots {
            for (score, weight) in scores.iter_mut().zip(self.weights[*slot]) {
                *score += weight;
            }
        }
        let top = scores[..LANGUAGES.len()]
            .iter()
            .fold(f32::MIN, |top, score| top.max(*score));
        let mut slopes = [0.0_f32; LANES];
        for (slope, score) in slopes.iter_mut().zip(scores).take(LANGUAGES.len()) {
            *slope = (score - top).exp();
        }
        let sum: f32 = slopes.iter().sum();
        slopes = slopes.map(|slope| slope / sum);
        slopes[language] -= 1.0;
        for slot in slots {
            let row = self.weights[*slot].iter_mut().zip(&mut self.squares[*slot]);
            for ((weight, square), slope) in row.zip(slopes) {
                let slope = slope + DECAY * *weight;
                *square += slope * slope;
                *weight -= RATE * slope / square.sqrt();
            }
        }
    }
}

/// The table as the engine reads it: each slot's weights around their mean, in units of a nat.
fn rounded(weights: &Weights) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(TABLE_BYTES);
    for slot in weights {
        let mean = slot[..LANGUAGES.len()].iter().sum::<f32>() / LANGUAGES.len() as f32;
        for (lane, weight) in slot.iter().enumerate() {
            let units = if lane < LANGUAGES.len() {
                (weight - mean) * UNITS_PER_NAT as f32
            } else {
                0.0
            };
            bytes.push((units.round().clamp(-127.0, 127.0) as i8).cast_unsigned());
        }
    }
    bytes
}

/// The likeliest of the four by its score alone, and the verdict as a pack of the four would have it.
fn judge(table: Table<'_>, text: &str) -> (usize, Side, u16) {
    let mut total = Scores::default();
    let mut tally = Tally::new(OURS, LANGUAGES.len() - OURS);
    for word in table.words(text) {
        let mut evidence = [0; SIDES_MAX];
        evidence[..LANES].copy_from_slice(&word.scores);
        tally.add(&evidence, word.letters, Known::No);
        total
            .iter_mut()
            .zip(word.scores)
            .for_each(|(total, score)| *total += score);
    }
    let best = (0..OURS).max_by_key(|side| total[*side]).unwrap_or(0);
    let (side, certainty) = tally.verdict();
    (best, side, certainty)
}

/// Sentences cut into pieces of `length` characters; what is left over at the end is not used unless it is all there is.
fn pieces(sentences: &[String], length: usize) -> Vec<String> {
    let cut = |sentence: &String| {
        let chars: Vec<char> = sentence.chars().collect();
        chars
            .chunks_exact(length.min(chars.len()))
            .map(|piece| piece.iter().collect())
            .collect::<Vec<String>>()
    };
    sentences.iter().flat_map(cut).collect()
}

fn evaluate(table: Table<'_>, corpus: &Corpus, length: usize) {
    match length {
        usize::MAX => println!("\nwhole sentences"),
        length => println!("\npieces of {length} characters"),
    }
    println!(
        "          texts  best of four  certain+right  certain+wrong  none of four   (per cent)"
    );
    for (language, name) in LANGUAGES.iter().enumerate() {
        let pieces = pieces(&corpus.held_out[language], length);
        let verdicts: Vec<_> = pieces.iter().map(|piece| judge(table, piece)).collect();
        let right = |side: Side| {
            side == if language < OURS {
                Side::Ours(language)
            } else {
                Side::Foreign
            }
        };
        let share = |test: &dyn Fn(&(usize, Side, u16)) -> bool| {
            100.0 * verdicts.iter().filter(|verdict| test(verdict)).count() as f64
                / verdicts.len() as f64
        };
        println!(
            "{name:>5} {:9} {:13.2} {:14.2} {:14.2} {:13.2}",
            verdicts.len(),
            share(&|(best, ..)| *best == language),
            share(&|(_, side, certainty)| *certainty >= CERTAIN && right(*side)),
            share(&|(_, side, certainty)| *certainty >= CERTAIN && !right(*side)),
            share(&|(_, side, _)| *side == Side::Foreign),
        );
    }
}

/// How often the language was right, by the certainty that was given: the two should agree.
fn reliability(table: Table<'_>, corpus: &Corpus) {
    let mut tenths = [(0_u32, 0_u32); 10];
    for length in [8, 15, 25] {
        for language in 0..OURS {
            for piece in pieces(&corpus.held_out[language], length) {
                let (_, side, certainty) = judge(table, &piece);
                let (all, right) = &mut tenths[usize::from(certainty / 100)];
                *all += 1;
                *right += u32::from(side == Side::Ours(language));
            }
        }
    }
    println!("\ncertainty of pieces of 8, 15 and 25 characters, and how often it was right");
    for (tenth, (all, right)) in tenths.iter().enumerate().filter(|(_, (all, _))| *all > 0) {
        println!(
            "  0.{tenth}  {all:7} texts  {:6.2} per cent",
            100.0 * f64::from(*right) / f64::from(*all)
        );
    }
}

fn time(table: Table<'_>, corpus: &Corpus) {
    let text = corpus.held_out.concat().join(" ");
    println!("\ntime of a message");
    for length in [60, READ_CHARS_MAX, 2 * READ_CHARS_MAX] {
        let texts: Vec<String> = text
            .chars()
            .collect::<Vec<_>>()
            .chunks_exact(length)
            .map(|t| t.iter().collect())
            .collect();
        let mut certain = 0;
        let mut micros = f64::INFINITY;
        for _ in 0..TIMED_PASSES {
            let started = Instant::now();
            certain = texts
                .iter()
                .filter(|text| judge(table, text).2 >= CERTAIN)
                .count();
            micros = micros.min(started.elapsed().as_secs_f64() * 1e6 / texts.len() as f64);
        }
        println!(
            "  {length:4} characters  {micros:5.2} µs  ({certain} of {} certain)",
            texts.len()
        );
    }
}
