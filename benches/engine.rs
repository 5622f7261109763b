//! Whole decisions and whole compilations at 10, 100, 1,000 and 10,000 intents, through the engine's own interface.
//!
//! The pack is the generated one of `corpus`, in YAML, with entities, four languages and the shipped lexicons around it:
//! a decision is language, entities, sentiment, matching, rules, reply and trace. One iteration of `decide` is one message,
//! every other one of which speaks of an intent. Compare ratios inside one run; absolute figures belong to the machine.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a bench that cannot be set up has nothing to measure"
)]

#[expect(dead_code, unreachable_pub, reason = "a module of all benches")]
mod corpus;

use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion};
use jiff::Timestamp;
use puisano_engine::{
    Color, Compiled, Contact, Lexicons, MessageKind, Owner, Ruleset, Severity, Source, State, Turn,
    compile, decide, render,
};

const COUNTS: [usize; 4] = [10, 100, 1_000, 10_000];
/// Intents in one file of the pack.
const FILE_INTENTS: usize = 1_000;

const PACK: &str = r#"pack: bench
languages: [en, st, af, xh]
timezone: Africa/Johannesburg
hours: { mon-fri: ["07:30-16:30"], holidays: south_africa }
matching: { accept: 0.60, margin: 0.08, typos: true }
session: { idle: 4h, stale_after: 10m }
teams: [desk, complaints]

entities:
  area: { values: { zastron: [zastron, matlakeng], rouxville: [rouxville], smithfield: [smithfield, mofulatshepe] } }
  account: { regex: '\b\d{8}\b' }

rules:
  - { name: angry, priority: 10, when: { sentiment: angry }, then: [{ reply: { en: Sorry., st: Tshwarelo., af: Jammer., xh: Uxolo. } }, { escalate: complaints }] }
  - { name: nothing, when: { not_understood: true }, then: [{ reply: { en: How?, st: Jwang?, af: Hoe?, xh: Njani? } }] }
"#;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let lexicons = lexicons();
    let packs = COUNTS.map(|count| (count, pack(&corpus::intents(count))));
    decisions(&mut criterion, &packs, &lexicons);
    compilations(&mut criterion, &packs, &lexicons);
    criterion.final_summary();
}

fn decisions(criterion: &mut Criterion, packs: &[(usize, Vec<Source>)], lexicons: &Lexicons) {
    let mut group = criterion.benchmark_group("decide");
    let contact = Contact::default();
    for (count, sources) in packs {
        let rules = ruleset(sources, lexicons);
        let intents = corpus::intents(*count);
        let matched = corpus::messages(&intents, true);
        let unmatched = corpus::messages(&intents, false);
        let messages: Vec<&String> = matched
            .iter()
            .zip(&unmatched)
            .flat_map(|(one, other)| [one, other])
            .collect();
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            let mut next = messages.iter().cycle();
            let state = State::default();
            bencher.iter(|| {
                let text = next.next().map_or("", |text| text.as_str());
                decide(&rules, &state, black_box(&turn(text, &contact)))
            });
        });
    }
    group.finish();
}

fn compilations(criterion: &mut Criterion, packs: &[(usize, Vec<Source>)], lexicons: &Lexicons) {
    let mut group = criterion.benchmark_group("compile");
    group.sample_size(10);
    for (count, sources) in packs {
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter_with_large_drop(|| compile(black_box(sources), lexicons));
        });
    }
    group.finish();
}

fn turn<'a>(text: &'a str, contact: &'a Contact) -> Turn<'a> {
    Turn {
        text,
        kind: MessageKind::Text,
        button: None,
        sent_at: Timestamp::UNIX_EPOCH,
        received_at: Timestamp::UNIX_EPOCH,
        now: Timestamp::UNIX_EPOCH,
        seed: 0,
        owner: Owner::Bot,
        contact,
        events: &[],
        notification: None,
    }
}

fn ruleset(sources: &[Source], lexicons: &Lexicons) -> Ruleset {
    let Compiled {
        ruleset,
        diagnostics,
    } = compile(sources, lexicons);
    ruleset.unwrap_or_else(|| {
        let mut errors = diagnostics
            .iter()
            .filter(|found| found.severity == Severity::Error);
        let first = errors.next();
        panic!(
            "{}",
            first.map_or_else(String::new, |found| render(found, sources, Color::Never))
        )
    })
}

/// `intents` as somebody would write them, in several files.
fn pack(intents: &[corpus::Intent]) -> Vec<Source> {
    let mut sources = vec![source("pack.yaml", PACK.to_owned())];
    for (file, part) in intents.chunks(FILE_INTENTS).enumerate() {
        let mut text = "intents:\n".to_owned();
        for (place, intent) in part.iter().enumerate() {
            let number = file * FILE_INTENTS + place;
            let phrases: Vec<String> = intent.phrases.iter().map(|phrase| quoted(phrase)).collect();
            writeln!(
                text,
                "  i{number}:\n    phrases: [{}]\n    regex: {}\n    reply: {{ en: Answer {number}., st: Karabo {number}., af: Antwoord {number}., xh: Impendulo {number}. }}",
                phrases.join(", "),
                quoted(&intent.regex)
            )
            .expect("writing to a text");
        }
        sources.push(source(&format!("intents-{file}.yaml"), text));
    }
    sources
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn source(name: &str, text: String) -> Source {
    Source {
        name: name.to_owned(),
        text,
    }
}

fn lexicons() -> Lexicons {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("lexicons");
    let mut sources: Vec<Source> = std::fs::read_dir(&folder)
        .expect("the shipped lexicons")
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_str()?.to_owned();
            Some(source(&name, std::fs::read_to_string(&path).ok()?))
        })
        .collect();
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    Lexicons::parse(&sources).0
}
