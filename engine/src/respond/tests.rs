//! What is said, in which language, and how texts are joined.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::source::Location;
use crate::turn::Contact;

fn speech(text: &str) -> Speech {
    let text = if text.contains("{{") {
        Text::Template(Arc::new(Template::parse(text, &|_| Known::Maybe).unwrap()))
    } else {
        Text::Plain(text.to_owned())
    };
    Speech {
        text,
        header: None,
        footer: None,
        form: Form::Text,
    }
}

fn response(languages: &[(Language, &[&str])]) -> Response {
    let languages = languages
        .iter()
        .map(|(language, texts)| (*language, texts.iter().map(|text| speech(text)).collect()));
    Response {
        name: "greet".to_owned(),
        at: Location::default(),
        languages: languages.collect(),
    }
}

fn said(
    response: &Response,
    language: Language,
    seed: u64,
    contact: &Contact,
) -> (Language, String) {
    let conversation = BTreeMap::new();
    let values = Values {
        pack: "town",
        language,
        entities: &[],
        contact,
        conversation: &conversation,
        notification: None,
    };
    let spoken = say(response, &[Language::EN, Language::ST], seed, &values).unwrap();
    (spoken.language, spoken.reply.text().to_owned())
}

#[test]
fn the_seed_chooses_a_variant_and_the_pack_a_missing_language() {
    let contact = Contact::default();
    let both = response(&[(Language::EN, &["a", "b", "c"]), (Language::ST, &["d"])]);
    assert_eq!(
        said(&both, Language::EN, 0, &contact),
        (Language::EN, "a".to_owned())
    );
    assert_eq!(
        said(&both, Language::EN, 5, &contact),
        (Language::EN, "c".to_owned())
    );
    assert_eq!(
        said(&both, Language::ST, 5, &contact),
        (Language::ST, "d".to_owned())
    );
    assert_eq!(
        said(&both, Language::XH, 1, &contact),
        (Language::EN, "b".to_owned())
    );
    let only_af = response(&[(Language::AF, &["e"])]);
    assert_eq!(
        said(&only_af, Language::XH, 1, &contact),
        (Language::AF, "e".to_owned())
    );
}

#[test]
fn customer_text_is_never_rendered_again_and_cannot_break_the_limit() {
    let greeting = response(&[(
        Language::EN,
        &["Hi{{#if contact.name}} {{contact.name}}{{/if}}!"],
    )]);
    let name = |name: &str| Contact {
        name: Some(name.to_owned()),
        ..Contact::default()
    };
    assert_eq!(
        said(&greeting, Language::EN, 0, &name("{{contact.fields}} *x*")).1,
        "Hi {{contact.fields}} ∗x∗!"
    );
    assert_eq!(said(&greeting, Language::EN, 0, &name("")).1, "Hi!");
    let long = said(&greeting, Language::EN, 0, &name(&"é".repeat(5000))).1;
    assert_eq!(long.chars().count(), OUTPUT_UNITS_MAX);
}

#[test]
fn text_above_buttons_is_cut_to_their_limit() {
    assert_eq!(cut("abc".to_owned(), 3), "abc");
    assert_eq!(cut("ééé".to_owned(), 3), "ééé");
    assert_eq!(cut("abcd".to_owned(), 3), "ab…");
    assert_eq!(cut("a💧b".to_owned(), 4), "a💧b");
    assert_eq!(cut("a💧bc".to_owned(), 4), "a💧…");
    assert_eq!(cut("ab💧c".to_owned(), 4), "ab…");
}

#[test]
fn texts_are_joined_where_they_fit() {
    let spoken = |name: &str, reply: Reply| Spoken {
        responses: vec![name.to_owned()],
        language: Language::EN,
        reply,
    };
    let text = |text: &str| Reply::Text {
        text: text.to_owned(),
    };
    let buttons = |header: Option<&str>, text: &str| Reply::Buttons {
        header: header.map(str::to_owned),
        text: text.to_owned(),
        footer: None,
        buttons: Vec::new(),
    };
    let check = |replies: &[Reply], expected: &[Reply]| {
        let spoken = replies
            .iter()
            .map(|reply| spoken("r", reply.clone()))
            .collect();
        let joined: Vec<Reply> = join(spoken)
            .into_iter()
            .map(|spoken| spoken.reply)
            .collect();
        assert_eq!(joined, expected);
    };
    check(&[text("a"), text("b"), text("c")], &[text("a\n\nb\n\nc")]);
    check(&[text("a"), text("a")], &[text("a")]);
    check(&[text("a"), text(" "), text("b")], &[text("a\n\nb")]);
    check(
        &[text("a"), buttons(None, "b"), text("c")],
        &[buttons(None, "a\n\nb"), text("c")],
    );
    check(
        &[text("a"), buttons(Some("h"), "b")],
        &[text("a"), buttons(Some("h"), "b")],
    );
    let fits = "x".repeat(OUTPUT_UNITS_MAX - 3);
    check(&[text("a"), text(&fits)], &[text(&format!("a\n\n{fits}"))]);
    let too_long = "x".repeat(OUTPUT_UNITS_MAX - 2);
    check(&[text("a"), text(&too_long)], &[text("a"), text(&too_long)]);
    let above = "x".repeat(CHOICE_TEXT_UNITS_MAX - 2);
    check(
        &[text("a"), buttons(None, &above)],
        &[text("a"), buttons(None, &above)],
    );
    let names = join(vec![spoken("one", text("a")), spoken("two", text("b"))]);
    assert_eq!(names[0].responses, ["one", "two"]);
}
