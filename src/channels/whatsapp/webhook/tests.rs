//! Every type and status by fixture (`tests/it/webhooks/`), and any JSON in any place by chance.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::*;
use crate::model::AccountUpdate;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/webhooks")
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(folder().join(format!("{name}.json"))).unwrap()
}

fn who(person: &crate::model::Identity) -> String {
    let parts = [
        person.phone.as_ref().map(|phone| phone.as_str().to_owned()),
        person.user_id.as_ref().map(|id| id.as_str().to_owned()),
        person
            .parent_user_id
            .as_ref()
            .map(|id| id.as_str().to_owned()),
        person.username.as_ref().map(|name| format!("@{name}")),
        person.name.clone(),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("/")
}

fn word<T: serde::Serialize>(value: T) -> String {
    serde_json::to_value(value)
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

/// A content in one line: type, text, and what else is there.
fn line(content: &crate::model::MessageContent) -> String {
    let mut line = format!("{} {:?}", word(content.message_type), content.text);
    let button = content.button.as_ref().map(|id| format!(" button={id}"));
    let about = content.about.as_ref().map(|id| format!(" about={id}"));
    let media = content.media_id.as_ref().map(|id| format!(" media={id}"));
    let quiet = content.quiet.then(|| " quiet".to_owned());
    line.extend([button, about, media, quiet].into_iter().flatten());
    line
}

fn news(update: &AccountUpdate) -> String {
    let template = |template: &crate::model::TemplateRef| {
        format!(
            "{} {} {}",
            template.name, template.language, template.meta_id
        )
    };
    match update {
        AccountUpdate::TemplateStatus {
            template: of,
            status,
            reason,
        } => {
            format!(" | {} {status} {reason:?}", template(of))
        }
        AccountUpdate::TemplateQuality {
            template: of,
            quality,
        } => {
            format!(" | {} {quality}", template(of))
        }
        AccountUpdate::TemplateCategory {
            template: of,
            category,
            coming,
        } => {
            format!(" | {} {category} {coming:?}", template(of))
        }
        AccountUpdate::TemplateComponents {
            template: of, body, ..
        } => {
            format!(" | {} {body:?}", template(of))
        }
        AccountUpdate::Preference {
            phone_number_id,
            identity,
            wish,
            ..
        } => {
            format!(" | {phone_number_id} {wish:?} | {}", who(identity))
        }
        AccountUpdate::Account { event, standing } => format!(" | {event} {standing:?}"),
        number => format!(" | {number:?}"),
    }
}

fn summary(event: &Event) -> String {
    match event {
        Event::Message(message) => {
            let quoted = message
                .reply_to
                .as_ref()
                .map(|id| format!(" re={id}"))
                .unwrap_or_default();
            let group = message
                .group_id
                .as_ref()
                .map(|_| " in a group")
                .unwrap_or_default();
            format!(
                "message {}{quoted}{group} | {}",
                line(&message.content),
                who(&message.from)
            )
        }
        Event::Echo(echo) => format!("echo {} | {}", line(&echo.content), who(&echo.to)),
        Event::Status(status) => {
            let errors: Vec<_> = status
                .errors
                .iter()
                .map(|e| format!(" {} {:?} {:?}", e.code, e.title, e.details))
                .collect();
            let opaque = status
                .opaque
                .as_ref()
                .map(|text| format!(" opaque={}", text.len()))
                .unwrap_or_default();
            format!(
                "status {}{opaque}{} | {}",
                word(status.status),
                errors.concat(),
                who(&status.recipient)
            )
        }
        Event::System(change) => {
            let phone = |p: &Option<crate::model::PhoneNumber>| {
                p.as_ref().map_or("-".to_owned(), |p| p.as_str().to_owned())
            };
            let user = |p: &Option<crate::model::UserId>| {
                p.as_ref().map_or("-".to_owned(), |p| p.as_str().to_owned())
            };
            format!(
                "system {}/{} to {}/{} {:?}",
                phone(&change.old_phone),
                user(&change.old_user_id),
                phone(&change.new_phone),
                user(&change.new_user_id),
                change.text
            )
        }
        Event::Account(account) => {
            let news = account.update.as_ref().map(news).unwrap_or_default();
            format!("account {:?}{news}", account.field)
        }
        Event::Unreadable(unreadable) => format!("unreadable {}", unreadable.reason),
    }
}

/// What each fixture holds. `Palesa` stands for her number, user id and name.
const FIXTURES: &[(&str, &[&str])] = &[
    ("account_account_alerts", &[r#"account "account_alerts""#]),
    (
        "account_account_review",
        &[r#"account "account_review_update" | ACCOUNT_REVIEW_APPROVED Good"#],
    ),
    (
        "account_account_update",
        &[
            r#"account "account_update" | ACCOUNT_RESTRICTION Restricted { until: Some(2026-10-14T17:46:40Z) }"#,
        ],
    ),
    ("account_app_state", &[r#"account "smb_app_state_sync""#]),
    ("account_calls", &[r#"account "calls""#]),
    (
        "account_capability",
        &[
            r#"account "business_capability_update" | NumberTier { number: None, limit: Recipients(2000) }"#,
        ],
    ),
    ("account_field_missing", &[r#"account """#]),
    ("account_flows", &[r#"account "flows""#]),
    ("account_history", &[r#"account "history""#]),
    ("account_history_declined", &[r#"account "history""#]),
    (
        "account_number_name",
        &[r#"account "phone_number_name_update""#],
    ),
    (
        "account_number_quality",
        &[
            r#"account "phone_number_quality_update" | NumberThroughput { number: Some(+275…234), per_second: 1000, limit: None }"#,
        ],
    ),
    ("account_of_the_future", &[r#"account "weather_update""#]),
    (
        "account_preferences",
        &[r#"account "user_preferences" | 109988776655443 Stop | Palesa"#],
    ),
    ("account_security", &[r#"account "security""#]),
    (
        "account_template_category",
        &[r#"account "template_category_update" | outage en 1 UTILITY Some("MARKETING")"#],
    ),
    (
        "account_template_components",
        &[
            r#"account "message_template_components_update" | outage en 64244916695 "No water in {{1}}""#,
        ],
    ),
    (
        "account_template_quality",
        &[r#"account "message_template_quality_update" | outage en_US 64244916695 YELLOW"#],
    ),
    (
        "account_template_status",
        &[r#"account "message_template_status_update" | outage en_US 64244916695 APPROVED None"#],
    ),
    (
        "account_username",
        &[r#"account "business_username_update""#],
    ),
    ("another_object", &[r#"account """#]),
    (
        "audio_file",
        &[r#"message audio "" media=770011220033 | Palesa"#],
    ),
    (
        "batch_with_bad_elements",
        &[
            "unreadable an element that is not an object",
            r#"message text "one" | Palesa"#,
            "unreadable an element that is not an object",
            "unreadable an element without a usable id",
            r#"message text "" | Palesa"#,
            r#"message text "plain" | Palesa"#,
            r#"message text "two" | Palesa"#,
            r#"account "messages""#,
            "unreadable a change that is not an object",
            "unreadable an element without a usable id",
            "status read | +27820001111/ZA.4821",
            "unreadable an element that is not an object",
            "unreadable an entry that is not an object",
            r#"account "account_update" | ACCOUNT_DELETED Disabled"#,
            r#"message text "three" | Palesa"#,
            r#"account """#,
        ],
    ),
    (
        "button_reply",
        &[r#"message button_reply "Yes, no water" button=water_yes re=wamid.OURS== | Palesa"#],
    ),
    (
        "call_permission",
        &[r#"message call_permission "accept" re=wamid.OURS== | Palesa"#],
    ),
    ("contacts", &[r#"message contacts "" | Palesa"#]),
    (
        "contacts_number_shared",
        &[r#"message contacts "" re=wamid.OURS== | Palesa"#],
    ),
    (
        "dashboard_sample",
        &[r#"message text "this is a text message" | +16315551181/test user name"#],
    ),
    (
        "document",
        &[r#"message document "my account" media=770011220033 | Palesa"#],
    ),
    (
        "echo_revoke",
        &[r#"echo revoke "" about=wamid.ECHO1== | +27820001111"#],
    ),
    (
        "echo_text",
        &[r#"echo text "Your meter was read today." | +27820001111/ZA.4821"#],
    ),
    (
        "echo_under_messages",
        &[r#"echo text "from the phone" | +27820001111"#],
    ),
    (
        "edit_of_image",
        &[r#"message edit "better photo" about=wamid.FIRST== media=770011220033 | Palesa"#],
    ),
    (
        "edit_of_text",
        &[r#"message edit "no water since 8, not 9" about=wamid.FIRST== | Palesa"#],
    ),
    ("empty", &[]),
    ("errors_instead_of_messages", &[r#"account "messages""#]),
    ("field_missing", &[r#"message text "no field" | Palesa"#]),
    (
        "form_reply",
        &[r#"message form "Sent" re=wamid.OURS== | Palesa"#],
    ),
    (
        "form_reply_odd_json",
        &[r#"message form "Sent" re=wamid.OURS== | Palesa"#],
    ),
    (
        "identity_contacts_in_another_order",
        &[
            r#"message text "first" | Palesa"#,
            r#"message text "second" | +27830002222/ZA.2/Thabo"#,
        ],
    ),
    (
        "identity_empty_phone",
        &[r#"message text "hello" | ZA.4821/@palesa.m/Palesa"#],
    ),
    (
        "identity_from_differs_from_wa_id",
        &[r#"message text "oi" | +5511988887777/Ana"#],
    ),
    (
        "identity_no_contacts",
        &[r#"message text "hello" | +27820001111/ZA.4821"#],
    ),
    ("identity_nothing_known", &[r#"message text "who am I" | "#]),
    (
        "identity_user_id_as_phone",
        &[r#"message text "hello" | ZA.4821/Palesa"#],
    ),
    (
        "identity_username_only",
        &[r#"message text "hello" | ZA.4821/ZA.ENT.7001/@palesa.m/Palesa"#],
    ),
    (
        "image",
        &[r#"message image "pothole in Voortrekker Street" media=770011220033 | Palesa"#],
    ),
    (
        "image_without_caption",
        &[r#"message image "" media=770011220033 | Palesa"#],
    ),
    (
        "interactive_missing",
        &[
            r#"message interactive "" re=wamid.OURS== | Palesa"#,
            r#"account "messages""#,
        ],
    ),
    (
        "interactive_of_a_new_kind",
        &[r#"message interactive "" re=wamid.OURS== | Palesa"#],
    ),
    (
        "list_reply",
        &[r#"message list_reply "Refuse" button=refuse re=wamid.OURS== | Palesa"#],
    ),
    ("location", &[r#"message location "" | Palesa"#]),
    (
        "location_of_a_place",
        &[r#"message location "Zastron Library" re=wamid.OURS== | Palesa"#],
    ),
    (
        "metadata_missing",
        &[r#"message text "no metadata" | +27820001111/ZA.4821"#],
    ),
    ("order", &[r#"message order "please deliver" | Palesa"#]),
    (
        "reaction",
        &[r#"message reaction "👍" about=wamid.OURS== | Palesa"#],
    ),
    (
        "reaction_taken_away",
        &[r#"message reaction "" about=wamid.OURS== | Palesa"#],
    ),
    (
        "reaction_taken_away_old_form",
        &[r#"message reaction "" about=wamid.OURS== | Palesa"#],
    ),
    ("request_welcome", &[r#"message unknown "" quiet | Palesa"#]),
    (
        "revoke",
        &[r#"message revoke "" about=wamid.FIRST== | Palesa"#],
    ),
    (
        "status_and_message_together",
        &[
            r#"message text "both" | Palesa"#,
            "status delivered | Palesa",
        ],
    ),
    (
        "status_deleted_old_form",
        &["status deleted | +27820001111"],
    ),
    (
        "status_delivered",
        &["status delivered opaque=82 | +27820001111/ZA.4821"],
    ),
    (
        "status_failed",
        &[
            r#"status failed opaque=8 131026 "Message undeliverable" "Message Undeliverable." | +27820001111/ZA.4821"#,
        ],
    ),
    (
        "status_failed_old_form",
        &[r#"status failed 470 "Re-engagement message" "More than 24 hours" | +27820001111"#],
    ),
    ("status_in_a_group", &["status delivered | +27830002222"]),
    (
        "status_of_an_unknown_kind",
        &[
            "unreadable a status of an unknown kind",
            "status sent | +27820001111/ZA.4821",
        ],
    ),
    ("status_played", &["status played | +27820001111/ZA.4821"]),
    (
        "status_read",
        &["status read opaque=82 | +27820001111/ZA.4821"],
    ),
    ("status_sent", &["status sent opaque=82 | Palesa"]),
    ("status_without_phone", &["status read opaque=82 | ZA.4821"]),
    (
        "sticker",
        &[r#"message sticker "" media=770011220033 | Palesa"#],
    ),
    (
        "system_identity_changed",
        &[r#"system +27820001111/ZA.4821 to -/- "User identity changed""#],
    ),
    (
        "system_number_changed",
        &[
            r#"system +27820001111/- to +27820009999/- "Palesa changed from 27820001111 to 27820009999""#,
        ],
    ),
    (
        "system_number_changed_old_form",
        &[r#"system +27820001111/- to +27820009999/- "Palesa changed number""#],
    ),
    (
        "system_user_id_changed",
        &[r#"system -/ZA.4821 to -/ZA.900 "User Palesa changed from ZA.4821 to ZA.900""#],
    ),
    (
        "template_button",
        &[r#"message button "Stop" button=STOP_NEWS re=wamid.OURS== | Palesa"#],
    ),
    (
        "template_button_without_context",
        &[r#"message button "Stop" button=Stop | Palesa"#],
    ),
    (
        "text",
        &[r#"message text "Ha ho metsi 💧 toropong, le kajeno!" | Palesa"#],
    ),
    (
        "text_about_a_product",
        &[r#"message text "How much?" re=wamid.OURS== | Palesa"#],
    ),
    (
        "text_forwarded",
        &[r#"message text "PASS THIS ON" | Palesa"#],
    ),
    ("text_from_an_advert", &[r#"message text "Hello" | Palesa"#]),
    (
        "text_in_a_group",
        &[r#"message text "hi all" in a group | Palesa"#],
    ),
    (
        "text_quoting",
        &[r#"message text "yes, that one" re=wamid.OURS== | Palesa"#],
    ),
    (
        "text_with_a_number_as_time",
        &[r#"message text "now" | Palesa"#],
    ),
    ("type_left_out", &[r#"message text "no type" | Palesa"#]),
    ("type_of_the_future", &[r#"message unknown "" | Palesa"#]),
    ("unknown_old_form", &[r#"message unknown "" | Palesa"#]),
    ("unsupported", &[r#"message unsupported "" | Palesa"#]),
    (
        "unsupported_pin",
        &[r#"message unsupported "" quiet | Palesa"#],
    ),
    (
        "video",
        &[r#"message video "look" media=770011220033 | Palesa"#],
    ),
    (
        "voice_note",
        &[r#"message voice "" media=770011220033 | Palesa"#],
    ),
    (
        "voice_old_form",
        &[r#"message voice "" media=770011220034 | Palesa"#],
    ),
];

const PALESA: &str = "+27820001111/ZA.48213377019265510043/Palesa Mokoena";

fn summaries(body: &[u8]) -> Vec<String> {
    let short = |event: &Event| {
        summary(event)
            .replace(PALESA, "Palesa")
            .replace("ZA.48213377019265510043", "ZA.4821")
    };
    parse(body).unwrap().iter().map(short).collect()
}

/// One message with these fields, in its webhook.
fn webhook_of(message: &Value) -> Vec<u8> {
    let mut full = json!({ "id": "wamid.1", "timestamp": "1791800000" });
    for (key, value) in message.as_object().unwrap() {
        full[key] = value.clone();
    }
    let value = json!({ "metadata": { "phone_number_id": "1" }, "messages": [full] });
    json!({ "entry": [{ "changes": [{ "field": "messages", "value": value }] }] })
        .to_string()
        .into_bytes()
}

#[test]
fn the_end_of_the_sentence_names_the_old_user_id_where_no_field_does() {
    let old = |body: &str| {
        let system = json!({ "body": body, "user_id": "ZA.2", "type": "user_changed_user_id" });
        let message = json!({ "type": "system", "system": system });
        let events = parse(&webhook_of(&message)).unwrap();
        let [Event::System(change)] = events.as_slice() else {
            panic!("one change")
        };
        change.old_user_id.as_ref().map(|id| id.as_str().to_owned())
    };
    for (body, expected) in [
        ("User Palesa changed from ZA.1 to ZA.2", Some("ZA.1")),
        // What a customer calls himself moves nobody.
        (
            "User x changed from ZA.9 to ZA.2 changed from ZA.1 to ZA.2",
            Some("ZA.1"),
        ),
        ("User x changed from ZA.9 to ZA.2 changed", None),
        ("User Palesa changed from ZA.1 to ZA.3", None),
        ("User Palesa changed from 27820001111 to ZA.2", None),
        ("User Palesa changed from ZA.2 to ZA.2", None),
        ("", None),
    ] {
        assert_eq!(old(body).as_deref(), expected, "{body}");
    }
}

#[test]
fn every_fixture_is_read_as_it_should_be() {
    for (name, expected) in FIXTURES {
        assert_eq!(summaries(&fixture(name)), *expected, "{name}");
    }
    let files = fs::read_dir(folder()).unwrap().count();
    assert_eq!(
        files,
        FIXTURES.len(),
        "every file in tests/it/webhooks has its row here"
    );
}

/// As WhatsApp writes it: nothing but ASCII, slashes and at signs escaped.
fn escaped(body: &[u8]) -> Vec<u8> {
    let value: Value = serde_json::from_slice(body).unwrap();
    let mut out = String::new();
    for c in value.to_string().chars() {
        match c {
            '/' => out.push_str("\\/"),
            '@' => out.push_str("\\u0040"),
            c if c.is_ascii() => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").unwrap();
                }
            }
        }
    }
    out.into_bytes()
}

#[test]
fn escapes_change_nothing() {
    for (name, _) in FIXTURES {
        assert_eq!(
            parse(&escaped(&fixture(name))),
            parse(&fixture(name)),
            "{name}"
        );
    }
}

fn only_message(body: &[u8]) -> crate::model::InboundMessage {
    match parse(body).unwrap().remove(0) {
        Event::Message(message) => *message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn number_time_and_raw_are_kept() {
    let message = only_message(&fixture("text"));
    assert_eq!(message.phone_number_id.as_str(), "109988776655443");
    assert_eq!(
        message.wamid.as_str(),
        "wamid.HBgLMjc4MjAwMDExMTEVAgASGB01="
    );
    assert_eq!(
        message.sent_at,
        Timestamp::from_second(1_791_800_001).unwrap()
    );
    assert_eq!(
        message.raw["text"]["body"],
        "Ha ho metsi 💧 toropong, le kajeno!"
    );
    assert_eq!(
        only_message(&fixture("text_with_a_number_as_time"))
            .sent_at
            .as_second(),
        1_791_800_500
    );
    assert_eq!(
        only_message(&fixture("metadata_missing"))
            .phone_number_id
            .as_str(),
        ""
    );
}

#[test]
fn our_own_words_coming_back_are_not_answered() {
    let body = |from: &str| {
        let text = String::from_utf8(fixture("text")).unwrap();
        text.replace(
            "\"from\": \"27820001111\"",
            &format!("\"from\": \"{from}\""),
        )
    };
    assert!(!only_message(body("27820001111").as_bytes()).content.quiet);
    assert!(only_message(body("27510001234").as_bytes()).content.quiet);
}

#[test]
fn times_come_in_many_forms() {
    for (timestamp, expected) in [
        (json!("1791800001"), 1_791_800_001),
        (json!(1_791_800_001), 1_791_800_001),
        (json!(1_791_800_001_500_i64), 1_791_800_001),
        (json!(1_791_800_001.25), 1_791_800_001),
        (json!(" 1791800001 "), 1_791_800_001),
        (json!("soon"), 0),
        (json!(""), 0),
        (json!(-5), 0),
        (json!("99999999999999999999"), 0),
        (json!(i64::MAX), 0),
        (json!({ "a": 1 }), 0),
        (Value::Null, 0),
    ] {
        assert_eq!(
            time(&json!({ "timestamp": timestamp })).as_second(),
            expected,
            "{timestamp}"
        );
    }
}

#[test]
fn an_account_event_keeps_the_entry_it_came_in() {
    let Event::Account(event) = parse(&fixture("account_account_update")).unwrap().remove(0) else {
        panic!()
    };
    let body: Value = serde_json::from_slice(&fixture("account_account_update")).unwrap();
    assert_eq!(event.raw, body["entry"][0]);
}

#[test]
fn half_a_surrogate_pair_loses_nobody_elses_message() {
    let body = String::from_utf8(fixture("identity_contacts_in_another_order")).unwrap();
    let odd = body.replace("\"first\"", "\"bad \\ud83d half \\u0000\"");
    assert_eq!(
        summaries(odd.as_bytes()),
        [
            "message text \"bad \u{fffd} half \u{fffd}\" | Palesa".to_owned(),
            "message text \"second\" | +27830002222/ZA.2/Thabo".to_owned(),
        ]
    );
}

#[test]
fn only_what_is_not_json_is_an_error() {
    for body in ["", "hello", "{", "[1,]", "\u{feff}{}"] {
        assert_eq!(parse(body.as_bytes()), Err(ParseError::NotJson), "{body}");
    }
    for body in [
        "null",
        "[]",
        "5",
        "\"x\"",
        "{}",
        r#"{"object":5}"#,
        r#"{"object":"instagram"}"#,
    ] {
        assert_eq!(parse(body.as_bytes()).unwrap().len(), 1, "{body}");
    }
    for body in [
        r#"{"entry":[]}"#,
        r#"{"entry":null}"#,
        r#"{"entry":[{"changes":null}]}"#,
    ] {
        assert_eq!(parse(body.as_bytes()), Ok(Vec::new()), "{body}");
    }
}

/// A text message with `levels` levels of nesting, its own included.
fn nested(levels: usize) -> Value {
    let deep = (2..levels).fold(json!([]), |inner, _| json!([inner]));
    json!({ "id": "wamid.DEEP", "from": "27820001111", "type": "text", "text": { "body": "deep" }, "more": deep })
}

#[test]
fn an_element_may_be_nested_so_deep_and_no_deeper() {
    let check = |levels, kind: &str| {
        let value = json!({ "messages": [nested(levels), { "id": "wamid.NEXT", "type": "text" }] });
        let body = json!({ "entry": [{ "changes": [{ "field": "messages", "value": value }] }] });
        let summaries = summaries(body.to_string().as_bytes());
        assert_eq!(summaries.len(), 2);
        assert!(summaries[0].starts_with(kind), "{levels}: {}", summaries[0]);
        assert!(summaries[1].starts_with("message"));
    };
    check(ELEMENT_DEPTH_MAX, "message");
    check(ELEMENT_DEPTH_MAX + 1, "unreadable");
    check(100, "unreadable");
}

#[test]
fn a_body_nested_without_end_is_one_unreadable_event() {
    let body = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(summaries(body.as_bytes())[0].starts_with("unreadable"));
}

#[test]
fn more_elements_than_a_portion_all_come_through() {
    let messages: Vec<_> = (0..=ELEMENTS_PER_PORTION_MAX)
        .map(|n| json!({ "id": format!("wamid.{n}"), "from": "27820001111", "type": "text", "text": { "body": "x" } }))
        .collect();
    let body = json!({ "entry": [{ "changes": [{ "field": "messages", "value": { "messages": messages } }] }] });
    let events = parse(body.to_string().as_bytes()).unwrap();
    assert_eq!(events.len(), ELEMENTS_PER_PORTION_MAX + 1);
    assert!(
        events
            .iter()
            .all(|event| matches!(event, Event::Message(_)))
    );
}

#[test]
fn an_id_may_be_long_but_not_endless() {
    let check = |length: usize, kind: &str| {
        let body = json!({ "messages": [{ "id": "w".repeat(length), "type": "text" }] });
        assert!(
            summaries(body.to_string().as_bytes())[0].starts_with(kind),
            "{length}"
        );
    };
    check(WAMID_BYTES_MAX, "message");
    check(WAMID_BYTES_MAX + 1, "unreadable");
    check(0, "unreadable");
}

mod any_json {
    use super::*;
    use proptest::prelude::*;

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        let key = prop_oneof![
            "[a-z]{0,6}",
            prop::sample::select(vec![
                "entry",
                "changes",
                "value",
                "field",
                "messages",
                "statuses",
                "errors",
                "message_echoes",
                "contacts",
                "text",
                "type",
                "id",
                "interactive",
                "button_reply",
                "system",
                "edit",
                "message",
                "context",
                "object",
            ])
            .prop_map(str::to_owned),
        ];
        leaf.prop_recursive(5, 40, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((key.clone(), inner), 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    fn places(value: &Value, here: &str, all: &mut Vec<String>) {
        all.push(here.to_owned());
        match value {
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(n, item)| places(item, &format!("{here}/{n}"), all));
            }
            Value::Object(fields) => {
                fields
                    .iter()
                    .for_each(|(key, item)| places(item, &format!("{here}/{key}"), all));
            }
            _ => {}
        }
    }

    /// The elements of a body of the usual frame, counted the plain way.
    fn count(body: &Value) -> usize {
        let list = |value: &Value, key: &str| {
            value
                .get(key)
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        if body
            .get("object")
            .is_some_and(|object| !object.is_null() && object != OBJECT)
        {
            return 1;
        }
        let changes = list(body, "entry")
            .into_iter()
            .flat_map(|entry| list(&entry, "changes"));
        let of_value = |change: Value| {
            let arrays = ["messages", "statuses", "message_echoes", "errors"];
            let inside = arrays
                .iter()
                .map(|key| list(&change["value"], key).len())
                .sum::<usize>();
            let read = matches!(change["field"].as_str(), Some("messages" | ECHO_FIELD));
            if read { inside.max(1) } else { 1 }
        };
        changes.map(of_value).sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn in_any_place_harms_nothing(which in 0..FIXTURES.len(), place in any::<prop::sample::Index>(), value in json_value()) {
            let mut body: Value = serde_json::from_slice(&fixture(FIXTURES[which].0)).unwrap();
            let mut all = Vec::new();
            places(&body, "", &mut all);
            *body.pointer_mut(&all[place.index(all.len())]).unwrap() = value;
            let events = parse(body.to_string().as_bytes()).unwrap();
            prop_assert!(events.len() >= count(&body), "{} events of {body}", events.len());
        }

        #[test]
        fn on_its_own_is_read_or_unreadable(value in json_value()) {
            prop_assert!(parse(value.to_string().as_bytes()).is_ok());
        }

        #[test]
        fn one_bad_message_leaves_its_neighbours(value in json_value()) {
            let good = |id: &str| json!({ "id": id, "from": "27820001111", "type": "text", "text": { "body": id } });
            let value = json!({ "messages": [good("a"), value, good("b")], "statuses": [{ "id": "c", "status": "read" }] });
            let body = json!({ "entry": [{ "changes": [{ "field": "messages", "value": value }] }] });
            let summaries = summaries(body.to_string().as_bytes());
            prop_assert_eq!(summaries.len(), 4);
            prop_assert_eq!(&summaries[0], "message text \"a\" | +27820001111");
            prop_assert_eq!(&summaries[2], "message text \"b\" | +27820001111");
            prop_assert_eq!(&summaries[3], "status read | ");
        }
    }
}
