//! What packs compile to, seen through the rule set.

#![expect(clippy::panic, reason = "tests stop at the first surprise")]

mod responses;
mod rules;
mod templates;

use jiff::civil::{Time, date};
use proptest::prelude::*;

use super::*;
use crate::language::Language;
use crate::ruleset::{Action, Holidays, Speech, Text};

const PACK: &str = "pack: test\nlanguages: [en, st]\nteams: [frontdesk, technical]\n";
const FALLBACK: &str =
    "rules: [ { name: not understood, when: { not_understood: true }, then: silence } ]\n";

fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.to_owned(),
        text: text.to_owned(),
    }
}

fn compiled(text: &str) -> Compiled {
    let sources = [
        source("pack.yaml", &format!("{PACK}{FALLBACK}")),
        source("rules.yaml", text),
    ];
    compile(&sources, &Lexicons::default())
}

/// Compiles a pack that has no errors.
fn ruleset(text: &str) -> Ruleset {
    let compiled = compiled(text);
    let errors: Vec<_> = compiled
        .diagnostics
        .iter()
        .map(|d| d.message.clone())
        .collect();
    compiled.ruleset.unwrap_or_else(|| panic!("{errors:?}"))
}

fn codes(text: &str) -> Vec<&'static str> {
    compiled(text).diagnostics.iter().map(|d| d.code).collect()
}

fn rule<'r>(ruleset: &'r Ruleset, name: &str) -> &'r crate::ruleset::Rule {
    ruleset.rules.iter().find(|rule| rule.name == name).unwrap()
}

fn plain(text: &Text) -> &str {
    match text {
        Text::Plain(text) => text,
        Text::Template(_) => panic!("a template"),
    }
}

fn said<'r>(ruleset: &'r Ruleset, rule_name: &str, language: Language) -> &'r Speech {
    let Some(Action::Reply(id)) = rule(ruleset, rule_name).then.first() else {
        panic!("no reply")
    };
    &ruleset.responses[id.at()].languages[&language][0]
}

#[test]
fn the_built_in_rules_need_nothing_of_a_pack() {
    for languages in ["en", "st", "xh, af", "zu, en", "pt"] {
        let pack = format!("pack: test\nlanguages: [{languages}]\n{FALLBACK}");
        let compiled = compile(&[source("pack.yaml", &pack)], &Lexicons::default());
        assert_eq!(
            compiled
                .diagnostics
                .iter()
                .map(|d| &d.message)
                .collect::<Vec<_>>(),
            [""; 0],
            "{languages}"
        );
        let ruleset = compiled.ruleset.unwrap();
        for response in &ruleset.responses {
            assert!(
                !response.languages.is_empty(),
                "{} in {languages}",
                response.name
            );
            assert!(
                response
                    .languages
                    .keys()
                    .all(|language| ruleset.languages().contains(language))
            );
        }
        assert_eq!(
            ruleset.counts(),
            crate::ruleset::Counts {
                rules: 1,
                ..Default::default()
            }
        );
    }
}

#[test]
fn packs_reword_and_extend_what_is_built_in() {
    let ruleset = ruleset(
        "intents:\n  person: { phrases: { en: [mayor please] } }\n\
         responses:\n  stop_confirmed: { en: Bye. }\n",
    );
    let stop = &rule(&ruleset, "built in: stop").then;
    let [Action::OptOut(_), Action::Reply(id)] = stop[..] else {
        panic!("opts out, then confirms: {stop:?}")
    };
    let languages = &ruleset.responses[id.at()].languages;
    assert_eq!(plain(&languages[&Language::EN][0].text), "Bye.");
    assert!(
        plain(&languages[&Language::ST][0].text).contains("START"),
        "built in where the pack says nothing"
    );
    assert_eq!(
        ruleset
            .intents
            .iter()
            .filter(|intent| intent.name == "person")
            .count(),
        1
    );
    assert_eq!(ruleset.counts().phrases, 1);
}

#[test]
fn pack_keys_and_their_defaults() {
    let read = |text: &str| {
        let pack = format!("pack: Mohokare\nlanguages: [en, st]\n{FALLBACK}{text}");
        compile(&[source("pack.yaml", &pack)], &Lexicons::default())
            .ruleset
            .unwrap()
    };
    let ruleset = read("");
    assert_eq!(
        (
            ruleset.name(),
            ruleset.stale_after_minutes(),
            ruleset.replies_per_minute()
        ),
        ("Mohokare", 10, 20)
    );
    assert_eq!(
        (ruleset.teams(), ruleset.languages().len()),
        (&["staff".to_owned()][..], 2)
    );
    assert_eq!(ruleset.timezone().iana_name(), Some("Africa/Johannesburg"));
    assert!(ruleset.pack.hours.week.is_none());

    let ruleset = read(
        "timezone: Africa/Nairobi\nmatching: { accept: 0.725, margin: 0, typos: false }\n\
         session: { idle: 1h30m, stale_after: 5m }\nlimits: { replies_per_minute: 3 }\nteams: [a, b]\n\
         hours:\n  mon-thu: [\"07:30-13:00\", \"13:45-16:30\"]\n  fri: \"07:30-13:00\"\n  sat: closed\n  holidays: south_africa\n  \
         exceptions: { 2026-12-24: [\"08:00-12:00\"], 2026-12-25: closed }\n",
    );
    let pack = &ruleset.pack;
    assert_eq!(
        (
            pack.matching.accept,
            pack.matching.margin,
            pack.matching.typos
        ),
        (725, 0, false)
    );
    assert_eq!(
        (
            pack.idle_minutes,
            pack.stale_after_minutes,
            pack.replies_per_minute
        ),
        (90, 5, 3)
    );
    assert_eq!(pack.timezone.iana_name(), Some("Africa/Nairobi"));
    let at = |hour, minute| Time::new(hour, minute, 0, 0).unwrap();
    let week = pack.hours.week.as_ref().unwrap();
    assert_eq!(week[3], [(at(7, 30), at(13, 0)), (at(13, 45), at(16, 30))]);
    assert_eq!((week[4].len(), week[5].len(), week[6].len()), (1, 0, 0));
    assert_eq!(pack.hours.holidays, Holidays::SouthAfrica);
    assert_eq!(pack.hours.exceptions[&date(2026, 12, 24)].len(), 1);
    assert!(pack.hours.exceptions[&date(2026, 12, 25)].is_empty());
}

#[test]
fn all_problems_of_all_files_are_said_at_once() {
    let sources = [
        source("z.yaml", "intents: { a: { phrases: [a], frases: [b] } }"),
        source("pack.yaml", "pack: t\nlanguages: [en]\n"),
        source("a.yaml", "intents: [\n"),
        source(
            "b.yaml",
            "rules: [ { name: x, when: { intent: perhaps_in_a, hours: opn }, then: end } ]",
        ),
    ];
    let compiled = compile(&sources, &Lexicons::default());
    let found: Vec<(u32, &str)> = compiled
        .diagnostics
        .iter()
        .map(|d| (d.at.0.source.0, d.code))
        .collect();
    // Nothing about names that the unreadable file may hold, nor about what it may leave unused.
    assert_eq!(
        found,
        [(2, "yaml-syntax"), (3, "invalid-value"), (0, "unknown-key")]
    );
    assert!(compiled.ruleset.is_none());
}

#[test]
fn a_pack_of_warnings_compiles() {
    assert_eq!(
        codes("responses: { never: { en: x, st: y } }"),
        ["unused-response"]
    );
    ruleset("responses: { never: { en: x, st: y } }");
}

#[test]
fn counts_have_limits() {
    let languages = |n: u8| {
        let codes: Vec<String> = (0..n)
            .map(|n| format!("a{}", char::from(b'a' + n)))
            .collect();
        let pack = format!("pack: t\nlanguages: [{}]\n{FALLBACK}", codes.join(", "));
        compile(&[source("pack.yaml", &pack)], &Lexicons::default())
            .ruleset
            .is_some()
    };
    assert!(languages(16) && !languages(17));
    let intents = |n: usize| {
        let half = |from: usize, to: usize| {
            let intents: Vec<String> = (from..to)
                .map(|n| format!("  i{n}: {{ then: end }}\n"))
                .collect();
            intents.concat()
        };
        let sources = [
            source("pack.yaml", &format!("{PACK}{FALLBACK}")),
            source("a.yaml", &format!("intents:\n{}", half(0, n / 2))),
            source("b.yaml", &format!("intents:\n{}", half(n / 2, n))),
        ];
        compile(&sources, &Lexicons::default())
            .diagnostics
            .iter()
            .map(|d| d.code)
            .collect::<Vec<_>>()
    };
    // Five are built in.
    assert_eq!(intents(INTENTS_MAX - 5), [""; 0]);
    assert_eq!(intents(INTENTS_MAX - 4), ["too-many"]);
}

/// Makes a pack with so many of something.
type Make<'m> = &'m dyn Fn(usize) -> String;

#[test]
fn parts_have_limits_too() {
    let items = |count: usize, item: fn(usize) -> String| {
        (0..count).map(item).collect::<Vec<_>>().join(", ")
    };
    let teams: Make<'_> = &|n| format!("teams: [{}]", items(n, |n| format!("t{n}")));
    let blocks: Make<'_> = &|n| {
        format!(
            "hours: {{ mon: [{}] }}",
            items(n, |n| format!("'{n:02}:00-{n:02}:30'"))
        )
    };
    let date = |n: usize| {
        format!(
            "{}-{:02}-{:02}",
            2020 + n / 336,
            1 + n % 12,
            1 + n / 12 % 28
        )
    };
    let holidays: Make<'_> = &|n| format!("hours: {{ holidays: [{}] }}", items(n, date));
    let exceptions: Make<'_> = &|n| {
        let dates: Vec<String> = (0..n).map(|n| format!("{}: closed", date(n))).collect();
        format!("hours: {{ exceptions: {{ {} }} }}", dates.join(", "))
    };
    let variants: Make<'_> = &|n| {
        format!(
            "intents: {{ a: {{ reply: [{}] }} }}",
            items(n, |n| format!("Text {n}"))
        )
    };
    let values: Make<'_> = &|n| {
        format!(
            "entities: {{ a: {{ values: {{ {} }} }} }}",
            items(n, |n| format!("v{n}: [w{n}]"))
        )
    };
    for (max, make) in [
        (200, teams),
        (12, blocks),
        (1_000, holidays),
        (1_000, exceptions),
        (100, variants),
        (10_000, values),
    ] {
        let too_many = |count: usize| {
            let pack = format!("pack: t\nlanguages: [en]\n{FALLBACK}{}\n", make(count));
            let compiled = compile(&[source("pack.yaml", &pack)], &Lexicons::default());
            let errors = compiled
                .diagnostics
                .iter()
                .filter(|d| d.severity == crate::diagnostic::Severity::Error);
            errors.map(|d| d.code).collect::<Vec<_>>()
        };
        assert_eq!(too_many(max), [""; 0], "{max}");
        assert_eq!(too_many(max + 1), ["too-many"], "{max}");
    }
}

/// Pieces of packs, right and wrong, in any order and indentation.
fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop::sample::select(vec![
        "intents:",
        "rules:",
        "responses:",
        "entities:",
        "lists:",
        "tests:",
        "hours:",
        "pack: x",
        "languages: [en, st]",
        "a:",
        "en:",
        "st:",
        "- ",
        "phrases: [a, '{b}', '@c']",
        "reply: a",
        "reply: { en: '{{a}}' }",
        "when: { intent: a }",
        "then: [ { reply: a }, end ]",
        "name: n",
        "values: { z: [z] }",
        "values: '@a'",
        "regex: '('",
        "buttons: [ { id: a, title: b } ]",
        "text: { en: t }",
        "not: { any: [ { hours: open } ] }",
        "mon-thu: ['07:30-13:00']",
        "priority: 1",
        "[",
        "}",
        "💧",
        "? x",
        "<<: a",
    ]);
    prop::collection::vec((0..4_usize, scrap), 0..24).prop_map(|lines| {
        let lines: Vec<String> = lines
            .iter()
            .map(|(depth, line)| format!("{}{line}\n", "  ".repeat(*depth)))
            .collect();
        lines.concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn any_files_compile_without_panic_and_always_alike(a in scraps(), b in any::<String>(), name in "pack.yaml|a.yaml") {
        let sources = [source(&name, &a), source("b.yaml", &b)];
        let first = compile(&sources, &Lexicons::default());
        let second = compile(&sources, &Lexicons::default());
        prop_assert_eq!(&first.diagnostics, &second.diagnostics);
        for diagnostic in &first.diagnostics {
            crate::diagnostic::render(diagnostic, &sources, crate::diagnostic::Color::Always);
            crate::diagnostic::concise(diagnostic, &sources);
        }
        let shown = |ruleset: Option<Ruleset>| ruleset.map(|ruleset| format!("{:?}{:?}", ruleset.rules, ruleset.responses));
        prop_assert_eq!(shown(first.ruleset), shown(second.ruleset));
    }
}

#[test]
fn entries_of_a_list_by_language_tell_the_language() {
    let language = |list: &str, text: &str| {
        let rules = ruleset(&format!(
            "lists: {{ hello: {list} }}\nintents: {{ hi: {{ phrases: [\"^@hello$\"], reply: silence it }} }}\n"
        ));
        let mut words = crate::text::Words::default();
        rules.vocabulary.read(text, &mut words);
        rules
            .identifier
            .identify(text, &words, &rules.vocabulary)
            .language
    };
    let by_language = "{ en: [zzhello], st: [zzdumela] }";
    assert_eq!(language(by_language, "zzhello"), Some(Language::EN));
    assert_eq!(language(by_language, "zzdumela"), Some(Language::ST));
    // A plain list may be mixed: that it stands in a phrase of one language says nothing.
    let mixed = "[zzhello, zzdumela]";
    assert_eq!(language(mixed, "zzhello"), language(mixed, "zzdumela"));
}
