//! VADER: ours beside the crate `vader_sentiment` and beside the least any scorer must do: split, fold, one look-up a
//! word. Each figure is for the whole corpus; divide by its number of messages.
//!
//! The corpora come from a seeded generator, so that runs can be compared.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use puisano_engine::{Language, Lexicons, Source, sentiment};

const MESSAGES: usize = 2_000;

const OPENINGS: [&str; 8] = [
    "Hi",
    "Hello,",
    "Good morning",
    "Please",
    "Dear sir",
    "I want to report that",
    "WHY is it that",
    "Just to say",
];
const SUBJECTS: [&str; 10] = [
    "the water in my street",
    "our refuse",
    "the street light",
    "my account",
    "the electricity in Zastron",
    "the pothole near the school",
    "the meter reading",
    "your staff",
    "the sewage in my yard",
    "the payment",
];
const VERBS: [&str; 8] = [
    "has not been",
    "is still not",
    "was",
    "is very",
    "will never be",
    "has been",
    "is so",
    "isn't",
];
const ENDS: [&str; 12] = [
    "fixed!",
    "good",
    "a terrible mess",
    "working, but thank you",
    "collected this week.",
    "paid on 12 May",
    "helpful :)",
    "bad!!! I am ANGRY",
    "there since 08:30",
    "right for three months now, please help",
    "great 👍",
    "explained to me?",
];

/// Messages such as residents write, nine words on average.
fn municipal() -> Vec<String> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut pick = |list: &[&'static str]| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        list[usize::try_from(state >> 33).expect("31 bits") % list.len()]
    };
    (0..MESSAGES)
        .map(|_| {
            format!(
                "{} {} {} {}",
                pick(&OPENINGS),
                pick(&SUBJECTS),
                pick(&VERBS),
                pick(&ENDS)
            )
        })
        .collect()
}

fn lexicons() -> (Lexicons, String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("lexicons");
    let read = |name: &str| Source {
        name: name.to_owned(),
        text: std::fs::read_to_string(folder.join(name)).expect("a shipped lexicon"),
    };
    let sources = ["vader.tsv", "vader-emoji.tsv", "vader-modifiers.tsv"].map(read);
    let words = sources[0].text.clone();
    (Lexicons::parse(&sources).0, words)
}

/// A hash as quick as any; the default one would make the floor too easy to reach.
#[derive(Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut part = [0; 8];
            part[..chunk.len()].copy_from_slice(chunk);
            self.0 = (self.0.rotate_left(5) ^ u64::from_le_bytes(part))
                .wrapping_mul(0x517C_C1B7_2722_0A95);
        }
    }
}

type Floor = HashMap<Vec<u8>, f64, BuildHasherDefault<Quick>>;

fn floor(words: &Floor, folded: &mut Vec<u8>, text: &str) -> f64 {
    let mut sum = 0.0;
    for token in text.split_ascii_whitespace() {
        folded.clear();
        folded.extend_from_slice(
            token
                .trim_matches(|c: char| c.is_ascii_punctuation())
                .as_bytes(),
        );
        folded.make_ascii_lowercase();
        sum += words.get(folded.as_slice()).copied().unwrap_or(0.0);
    }
    sum
}

fn benches(criterion: &mut Criterion) {
    let corpus = municipal();
    let (lexicons, words) = lexicons();
    let words: Floor = words
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(word, weight)| (word.as_bytes().to_vec(), weight.parse().expect("a weight")))
        .collect();
    let published = vader_sentiment::SentimentIntensityAnalyzer::new();

    let mut group = criterion.benchmark_group("sentiment");
    group.throughput(Throughput::Elements(MESSAGES as u64));
    group.bench_function("floor", |bencher| {
        let mut folded = Vec::new();
        bencher.iter(|| {
            corpus
                .iter()
                .map(|text| floor(&words, &mut folded, black_box(text)))
                .sum::<f64>()
        });
    });
    group.bench_function("vader", |bencher| {
        bencher.iter(|| {
            corpus
                .iter()
                .map(|text| lexicons.vader(black_box(text)).compound)
                .sum::<f64>()
        });
    });
    group.bench_function("mood with reasons", |bencher| {
        bencher.iter(|| {
            corpus
                .iter()
                .filter_map(|text| sentiment(&lexicons, black_box(text), Language::EN).score)
                .sum::<f64>()
        });
    });
    group.sample_size(10);
    group.bench_function("crate vader_sentiment", |bencher| {
        bencher.iter(|| {
            corpus
                .iter()
                .map(|text| published.polarity_scores(black_box(text))["compound"])
                .sum::<f64>()
        });
    });
    group.finish();
}

criterion_group!(sentiment_benches, benches);
criterion_main!(sentiment_benches);
