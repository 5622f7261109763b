//! What texts with values may hold, and what comes of them.

use proptest::prelude::*;

use super::*;

fn known(name: &str) -> Known {
    match name {
        "pack.name" => Known::Always,
        "area" | "contact.name" | "conversation.days" => Known::Maybe,
        _ => Known::No,
    }
}

fn render(text: &str, data: serde_json::Value) -> String {
    Template::parse(text, &known)
        .unwrap()
        .render(&Context::from(data))
}

#[test]
fn values_blocks_and_helpers_are_filled_in() {
    let data = serde_json::json!({
        "pack": { "name": "Mohokare" }, "area": "<Zastron> & {{pack.name}}", "contact": {}, "conversation": { "days": "3" }
    });
    let check =
        |text: &str, expected: &str| assert_eq!(render(text, data.clone()), expected, "{text}");
    check("{{pack.name}}!", "Mohokare!");
    check("{{ upper pack.name }}", "MOHOKARE");
    check(
        "{{#if area}}in {{area}}{{/if}}",
        "in <Zastron> & {{pack.name}}",
    );
    check(
        "{{#if contact.name}}Hi {{first_name contact.name}}{{else}}Hello{{/if}}",
        "Hello",
    );
    check(
        "{{#unless contact.name}}A{{else}}{{contact.name}}{{/unless}}",
        "A",
    );
    check(
        "{{#if contact.name}}1{{else if area}}2 {{area}}{{else}}3{{/if}}",
        "2 <Zastron> & {{pack.name}}",
    );
    check(
        "{{#if conversation.days}}{{conversation.days}} {{plural conversation.days \"day\" 'days'}}{{/if}}",
        "3 days",
    );
    check("a{{! a note }}b{{!-- {{x}} --}}c", "abc");
    check("a }} b", "a }} b");
}

/// What is wrong first, and where.
#[track_caller]
fn refused(text: &str, code: &str, at: &str) {
    let problems = Template::parse(text, &known).expect_err(text);
    let first = problems.first().unwrap();
    let found = (first.code, text.get(first.at.clone()).unwrap());
    assert_eq!(found, (code, at), "{text}: {}", first.message);
}

#[test]
fn what_could_harm_is_refused_with_its_place() {
    for tag in [
        "{{> other}}",
        "{{> (lookup this 'p')}}",
        "{{* inline}}",
        "{{&area}}",
        "{{~area}}",
        "{{area ~}}",
        "{{#each area}}",
        "{{#*inline 'a'}}",
        "{{#> layout}}",
        "{{#with pack}}",
    ] {
        refused(&format!("x {tag} y"), "template-not-allowed", tag);
    }
    for (text, at) in [
        ("{{{pack.name}}}", "{{{pack.name}}"),
        ("{{{{raw}}}}x{{{{/raw}}}}", "{{{{raw}}"),
        ("\\{{pack.name}}", "{{pack.name}}"),
    ] {
        refused(text, "template-not-allowed", at);
    }
}

#[test]
fn what_could_fail_is_refused_with_its_place() {
    for (code, tag) in [
        ("unknown-helper", "{{lookup pack name}}"),
        ("template-syntax", "{{upper (lower area)}}"),
        ("template-syntax", "{{../x}}"),
        ("template-syntax", "{{@root.area}}"),
        ("template-syntax", "{{pack.[name]}}"),
        ("template-syntax", "{{}}"),
        ("template-syntax", "{{plural conversation.days}}"),
        ("template-syntax", "{{/if}}"),
        ("template-syntax", "{{else}}"),
        ("template-syntax", "{{#if area}}"),
        ("template-syntax", "{{area"),
        ("unknown-value", "{{outage.until}}"),
        ("unguarded-value", "{{area}}"),
    ] {
        refused(&format!("é {tag}"), code, tag);
    }
    for (text, code, at) in [
        ("{{#if area}}{{/if}}{{area}}", "unguarded-value", "{{area}}"),
        (
            "{{#if area}}{{else}}{{area}}{{/if}}",
            "unguarded-value",
            "{{area}}",
        ),
        (
            "{{#unless area}}{{area}}{{/unless}}",
            "unguarded-value",
            "{{area}}",
        ),
        (
            "{{#if contact.name}}{{upper area}}{{/if}}",
            "unguarded-value",
            "{{upper area}}",
        ),
        (
            "{{#if nothing}}x{{/if}}",
            "unknown-value",
            "{{#if nothing}}",
        ),
        ("{{#if area}}x{{/unless}}", "template-syntax", "{{/unless}}"),
    ] {
        refused(text, code, at);
    }
}

#[test]
fn all_problems_are_found_at_once() {
    let problems = Template::parse("{{a}} {{area}} {{> x}} {{b}}", &known).unwrap_err();
    let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
    assert_eq!(
        codes,
        [
            "unknown-value",
            "unguarded-value",
            "template-not-allowed",
            "unknown-value"
        ]
    );
}

#[test]
fn limits_hold_at_the_limit_and_beyond() {
    assert!(Template::parse(&"a".repeat(TEMPLATE_BYTES_MAX), &known).is_ok());
    let over = Template::parse(&"a".repeat(TEMPLATE_BYTES_MAX + 1), &known).unwrap_err();
    assert_eq!(over[0].code, "template-too-large");
    let nested = |depth: usize| {
        format!(
            "{}x{}",
            "{{#if area}}".repeat(depth),
            "{{/if}}".repeat(depth)
        )
    };
    assert!(Template::parse(&nested(TEMPLATE_DEPTH_MAX), &known).is_ok());
    assert_eq!(
        Template::parse(&nested(TEMPLATE_DEPTH_MAX + 1), &known).unwrap_err()[0].code,
        "template-too-deep"
    );
    let long = render(
        "{{#if area}}{{area}}{{/if}}",
        serde_json::json!({ "area": "é".repeat(OUTPUT_UNITS_MAX + 1) }),
    );
    assert_eq!(long.chars().count(), OUTPUT_UNITS_MAX);
    let emoji = render(
        "{{#if area}}{{area}}{{/if}}",
        serde_json::json!({ "area": "💧".repeat(OUTPUT_UNITS_MAX) }),
    );
    assert_eq!(emoji.chars().count(), OUTPUT_UNITS_MAX / 2);
}

#[test]
fn else_chains_count_towards_the_depth() {
    let chain = |length: usize| {
        format!(
            "{{{{#if area}}}}{}{{{{/if}}}}",
            "{{else if area}}".repeat(length)
        )
    };
    assert!(Template::parse(&chain(TEMPLATE_DEPTH_MAX - 1), &known).is_ok());
    assert_eq!(
        Template::parse(&chain(TEMPLATE_DEPTH_MAX), &known).unwrap_err()[0].code,
        "template-too-deep"
    );
}

#[test]
fn the_longest_text_takes_the_longer_branch() {
    let longest = |text: &str| Template::parse(text, &known).unwrap().longest();
    assert_eq!(longest("{{#if area}}a{{else}}bbb{{/if}}"), "bbb");
    assert_eq!(
        longest("{{#if area}}{{area}}{{else}}b{{/if}}")
            .chars()
            .count(),
        USUAL_VALUE_CHARS
    );
    assert_eq!(longest("{{plural pack.name 'day' 'days'}}"), "days");
}

proptest! {
    /// Whatever is accepted can be rendered with anything or nothing, whole, and is never longer than was promised.
    #[test]
    fn accepted_templates_render(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "{{area}}", "{{#if area}}", "{{#unless area}}", "{{else}}", "{{else if contact.name}}", "{{/if}}", "{{/unless}}",
            "{{contact.name}}", "{{upper area}}", "{{> a}}", "{{{area}}}", "{{!-- {{", "--}}", "}}", "{{", "{", "\\", "^", " ", "\n",
            "{{^}}", "{{pack.name}}", "{{plural pack.name 'a' 'b'}}", "é", "text",
        ]), 0..12),
        area in prop::option::of(".{1,40}"),
    ) {
        let text = pieces.concat();
        if let Ok(template) = Template::parse(&text, &known) {
            let mut data = serde_json::json!({ "pack": { "name": "P" }, "contact": {}, "conversation": {} });
            if let Some(area) = area.filter(|area| area.to_uppercase().chars().count() <= USUAL_VALUE_CHARS) {
                data["area"] = area.into();
            }
            let mut out = Limited::default();
            let data = Context::from(data);
            let mut context = RenderContext::new(None);
            let whole = template.handled.render(&HANDLEBARS, &data, &mut context, &mut out);
            prop_assert!(whole.is_ok(), "{text:?}: {whole:?}");
            prop_assert!(out.text.chars().count() <= template.longest().chars().count(), "{text:?}");
        }
    }

    #[test]
    fn any_text_is_read(text in "[{}#/>*&~!'\" a-cé\\\\\n]{0,60}") {
        let _ = Template::parse(&text, &known);
    }
}
