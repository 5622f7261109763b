//! The matcher at 10, 100, 1,000 and 10,000 intents, beside Aho-Corasick with regular expressions.
//!
//! Absolute figures depend on the machine and on who else uses it; compare the ratios inside one run. One iteration is
//! one message.

#![expect(unreachable_pub, reason = "nobody imports a bench")]

mod corpus;

use std::hint::black_box;
use std::time::Duration;

use corpus::baseline::Baseline;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, measurement::WallTime};
use puisano_engine::bench::{Intent, Patterns, Reader};

const COUNTS: [usize; 4] = [10, 100, 1_000, 10_000];

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    for count in COUNTS {
        let intents = corpus::intents(count);
        let patterns = Patterns::new(&engine_intents(&intents));
        let baseline = Baseline::new(&intents);
        for (kind, matched) in [("matched", true), ("unmatched", false)] {
            let messages = corpus::messages(&intents, matched);
            let mut group = criterion.benchmark_group(kind);
            let (mut reader, mut hits) = (Reader::default(), Vec::new());
            each(&mut group, "read", count, &messages, |text| {
                patterns.read(text, &mut reader)
            });
            each(&mut group, "matcher", count, &messages, |text| {
                patterns.hits(text, &mut reader).count()
            });
            each(&mut group, "baseline", count, &messages, |text| {
                baseline.hits(text, &mut hits);
                hits.len()
            });
            group.finish();
        }
    }
    compile(&mut criterion);
    criterion.final_summary();
}

/// Measures `one` on one message after another.
fn each(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    count: usize,
    messages: &[String],
    mut one: impl FnMut(&str) -> usize,
) {
    group.bench_function(BenchmarkId::new(name, count), |bencher| {
        let mut next = messages.iter().cycle();
        bencher.iter(|| next.next().map(|text| one(black_box(text))));
    });
}

fn compile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compile");
    group.sample_size(10);
    for count in COUNTS {
        let intents = engine_intents(&corpus::intents(count));
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| Patterns::new(black_box(&intents)));
        });
    }
    group.finish();
}

fn engine_intents(intents: &[corpus::Intent]) -> Vec<Intent> {
    let own = |intent: &corpus::Intent| Intent {
        phrases: intent.phrases.clone(),
        regex: intent.regex.clone(),
    };
    intents.iter().map(own).collect()
}
