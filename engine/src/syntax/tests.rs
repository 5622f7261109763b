//! What files read as: texts, positions, refusals, limits.

#![expect(clippy::string_slice, reason = "a wrong position should stop the test")]

use proptest::prelude::*;

use super::read::{DEPTH_MAX, FILE_BYTES_MAX, FILE_NODES_MAX};
use super::*;
use crate::diagnostic::Diagnostics;
use crate::source::{Source, SourceId, Span};

fn tree(text: &str) -> (Option<Node>, Vec<&'static str>) {
    let source = Source {
        name: "a.yaml".to_owned(),
        text: text.to_owned(),
    };
    let mut diagnostics = Diagnostics::default();
    let node = read(SourceId(0), &source, &mut diagnostics);
    (node, diagnostics.iter().map(|d| d.code).collect())
}

/// The tree as one line: texts in quotes, with their bytes in the file where every byte stands as it is.
fn shown(node: &Node, file: &str) -> String {
    match &node.value {
        Value::Empty => "-".to_owned(),
        Value::Text { text, exact } => {
            let span = node.span_within(0..text.len());
            let slice = &file[span.start as usize..span.end as usize];
            if exact.is_some() {
                assert_eq!(slice, &**text, "an exact text stands in the file");
            }
            format!("{text:?}{}", if exact.is_some() { "" } else { "~" })
        }
        Value::List(items) => {
            format!(
                "[{}]",
                items
                    .iter()
                    .map(|item| shown(item, file))
                    .collect::<Vec<_>>()
                    .join(" ")
            )
        }
        Value::Map(entries) => {
            for entry in entries {
                let key = &file[entry.key_span.start as usize..entry.key_span.end as usize];
                // Quotes may be marks of YAML or, inside a plain key, part of it.
                let bare = |key: &str| key.trim_matches(['"', '\'']).to_owned();
                assert_eq!(bare(key), bare(&entry.key));
            }
            let shown = |entry: &Entry| format!("{}={}", entry.key, shown(&entry.value, file));
            format!(
                "{{{}}}",
                entries.iter().map(shown).collect::<Vec<_>>().join(" ")
            )
        }
    }
}

fn check(text: &str, expected: &str) {
    let (node, codes) = tree(text);
    assert_eq!(codes, [""; 0], "{text}");
    assert_eq!(shown(&node.unwrap(), text), expected, "{text}");
}

fn refused(text: &str, expected: &[&str]) {
    assert_eq!(tree(text).1, expected, "{text}");
}

#[test]
fn everything_is_text() {
    check(
        "a: no\nb: 012\nc: 12:30\nd: 1_000\ne: on\nf: 1e3\n",
        r#"{a="no" b="012" c="12:30" d="1_000" e="on" f="1e3"}"#,
    );
    check(
        "a:\nb: ~\nc: null\nd: ''\ne: 'null'\n",
        r#"{a=- b=- c=- d="" e="null"}"#,
    );
    check("true: x\n12: y\n", r#"{true="x" 12="y"}"#);
}

#[test]
fn positions_are_those_of_the_file() {
    check("a: plain words # note\n", r#"{a="plain words"}"#);
    check(
        "a: \"môre 💧\"\nb: 'it''s'\nc: \"a\\tb\"\n",
        "{a=\"môre 💧\" b=\"it's\"~ c=\"a\\tb\"~}",
    );
    check(
        "a: |\n  one\n  two\nb: >-\n  one\n  two\n",
        "{a=\"one\\ntwo\\n\"~ b=\"one two\"~}",
    );
    check(
        "- a\n- [b, \"c d\"]\n- {e: f}\n",
        r#"["a" ["b" "c d"] {e="f"}]"#,
    );
    check("a: one\n  two\n", r#"{a="one two"~}"#);
}

#[test]
fn only_plain_data_is_taken() {
    refused("a: &x b\n", &["anchor"]);
    refused("a: &x b\nc: *x\n", &["anchor", "alias"]);
    refused("c: *missing\n", &["alias"]);
    refused("a: !!int 3\n", &["tag"]);
    refused("a: !mine {b: c}\n", &["tag"]);
    refused("<<: {a: b}\n", &["merge-key"]);
    refused("a: b\n---\nc: d\n", &["several-documents"]);
    refused("a: b\na: c\n", &["duplicate-key"]);
    refused(
        "[a]: b\n{c: d}: e\n: f\n",
        &["key-not-text", "key-not-text", "key-not-text"],
    );
    refused("a: [b\n", &["yaml-syntax"]);
    refused("a: b: c\n", &["yaml-syntax"]);
}

#[test]
fn a_repeated_key_is_found_in_small_and_large_maps() {
    for size in [2, 16, 17, 18, 40] {
        let lines: Vec<String> = (0..size).map(|n| format!("k{n}: v\n")).collect();
        let mut text = lines.concat();
        refused(&text, &[]);
        text.push_str("k1: again\nk0: again\n");
        refused(&text, &["duplicate-key", "duplicate-key"]);
    }
}

#[test]
fn limits_hold_to_the_unit() {
    let comment = |bytes: usize| format!("#{}", "x".repeat(bytes - 1));
    refused(&comment(FILE_BYTES_MAX), &[]);
    refused(&comment(FILE_BYTES_MAX + 1), &["file-too-large"]);
    let nested = |depth: usize| format!("{}x{}", "[".repeat(depth), "]".repeat(depth));
    refused(&nested(DEPTH_MAX), &[]);
    refused(&nested(DEPTH_MAX + 1), &["too-deep"]);
    refused(&"[".repeat(FILE_BYTES_MAX), &["too-deep"]);
    refused(&"- ".repeat(FILE_BYTES_MAX / 2), &["too-deep"]);
    // The list itself is a node too.
    let many = |nodes: usize| "- a\n".repeat(nodes - 1);
    refused(&many(FILE_NODES_MAX), &[]);
    refused(&many(FILE_NODES_MAX + 1), &["too-many-nodes"]);
}

#[test]
fn spans_of_lists_and_maps_end_with_their_last_part() {
    let text = "a:\n  - b\n  - c\n\n# note\nd: e\n";
    let (node, _) = tree(text);
    let list = node.as_ref().and_then(|node| node.get("a")).unwrap().span;
    assert_eq!(&text[list.start as usize..list.end as usize], "- b\n  - c");
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in any::<String>()) {
        tree(&text);
    }

    #[test]
    fn any_marks_are_read_without_panic(text in r#"([-:?,\[\]{}#&*!|>'"%@` \n\t]|[a-c]|é|💧|- |: |<<: |\n  ){0,60}"#) {
        let (node, codes) = tree(&text);
        if let (Some(node), true) = (&node, codes.is_empty()) {
            shown(node, &text);
        }
    }
}

#[test]
fn a_mark_is_reported_where_it_stands() {
    let places = |text: &str| -> Vec<String> {
        let source = Source {
            name: "a.yaml".to_owned(),
            text: text.to_owned(),
        };
        let mut diagnostics = Diagnostics::default();
        read(SourceId(0), &source, &mut diagnostics);
        let place = |span: Span| text[span.start as usize..span.end as usize].to_owned();
        diagnostics.iter().map(|d| place(d.at.0)).collect()
    };
    for (text, expected) in [
        ("a: &m\n  b: c\n", "&m"),
        ("é: &m x\n", "&m"),
        ("a: [&m x]\n", "&m"),
        ("a: !!str x\n", "!!str"),
        ("a: !t\n  - x\n", "!t"),
    ] {
        assert_eq!(places(text), [expected], "{text}");
    }
}
