//! Templates, and what WhatsApp would not approve in them.

use super::codes;

/// The codes for a template with `parts` beside its category.
fn found(parts: &str) -> Vec<&'static str> {
    codes(&format!(
        "templates:\n  notice:\n    category: utility\n{parts}"
    ))
}

const BODY: &str = "    body: { en: We wrote., st: Re ngotse. }\n";

fn buttons(buttons: &[&str]) -> Vec<&'static str> {
    found(&format!("{BODY}    buttons: [{}]\n", buttons.join(", ")))
}

#[test]
fn buttons_have_limits_by_kind() {
    let reply = |n: usize| format!("{{ id: i{n}, title: T{n} }}");
    let replies: Vec<String> = (0..11).map(reply).collect();
    let replies: Vec<&str> = replies.iter().map(String::as_str).collect();
    assert_eq!(buttons(&replies[..10]), [""; 0]);
    assert_eq!(buttons(&replies), ["too-many"]);
    let url = r#"{ url: "https://example.org/", title: A }"#;
    let other = r#"{ url: "https://example.org/", title: B }"#;
    let third = r#"{ url: "https://example.org/", title: C }"#;
    let phone = r#"{ phone: "+27510000000", title: D }"#;
    let second = r#"{ phone: "+27510000001", title: E }"#;
    assert_eq!(buttons(&[replies[0], url, other, phone]), [""; 0]);
    assert_eq!(buttons(&[url, other, third]), ["too-many"]);
    assert_eq!(buttons(&[phone, second]), ["too-many"]);
    assert_eq!(buttons(&[url, replies[0], phone]), [""; 0]);
    assert_eq!(buttons(&[replies[0], url, replies[1]]), ["template-button"]);
    assert_eq!(buttons(&[url, url]), ["template-button"]);
}

#[test]
fn texts_have_limits_with_their_longest_values() {
    let body = |text: &str, fields: &str| {
        found(&format!(
            "    fields: {{ {fields} }}\n    body: {{ en: \"{text}\", st: \"{text}\" }}\n"
        ))
    };
    assert_eq!(body(&"x".repeat(1024), ""), [""; 0]);
    assert_eq!(body(&"x".repeat(1025), ""), ["text-too-long"; 2]);
    // A text is taken to have 40 characters, or as many as its sample.
    let with = |letters: usize| format!("a {{{{name}}}} b{}", "x".repeat(letters));
    assert_eq!(body(&with(1024 - 44), "name: A"), [""; 0]);
    assert_eq!(body(&with(1024 - 43), "name: A"), ["text-too-long"; 2]);
    let long = format!("name: {}", "y".repeat(100));
    assert_eq!(body(&with(1024 - 104), &long), [""; 0]);
    assert_eq!(body(&with(1024 - 103), &long), ["text-too-long"; 2]);
    let edges = |header: usize, footer: usize| {
        let (header, footer) = ("h".repeat(header), "f".repeat(footer));
        found(&format!(
            "{BODY}    header: {header}\n    footer: {footer}\n"
        ))
    };
    assert_eq!(edges(60, 60), [""; 0]);
    assert_eq!(edges(61, 60), ["text-too-long"; 2]);
    assert_eq!(edges(60, 61), ["text-too-long"; 2]);
}

#[test]
fn heads_are_checked() {
    let check = |head: &str, expected: &[&str]| {
        assert_eq!(found(&format!("{BODY}    {head}\n")), expected, "{head}");
    };
    check("valid_for: 1m", &[]);
    check("valid_for: 30d", &[]);
    check("valid_for: 0m", &["invalid-value"]);
    check("valid_for: 30d1m", &["invalid-value"]);
    check("consent: service", &[]);
    check("approved: [en, zu]", &["unknown-language"]);
    check("bodies: x", &["unknown-key"]);
    check("fields: { Name: x }", &["invalid-name"]);
    check(
        "fields: { name: { kind: text, sample: x } }",
        &["unused-field", "unknown-key"],
    );
    check("fields: [name]", &["wrong-shape"]);
    assert_eq!(
        codes("templates:\n  Notice: { category: utility, body: x }\n"),
        ["invalid-name"]
    );
    assert_eq!(codes("templates:\n  notice: text\n"), ["wrong-shape"]);
}
