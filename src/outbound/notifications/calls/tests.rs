//! The five calls, value by value.

use puisano_engine::Language;
use serde_json::{Value, json};

use super::*;
use crate::model::Address;

fn reminder(changes: Value) -> Result<NoticeRequest, Vec<String>> {
    let call = json!({
        "to": "+27600000001", "name": "Thandi", "account": "10012345", "amount": "1250.50", "due_date": "2026-12-07",
    });
    read::<PaymentReminder>(call, changes)
}

fn interruption(changes: Value) -> Result<NoticeRequest, Vec<String>> {
    let call = json!({
        "area": "zastron", "service": "Water", "start": "2026-12-07T08:00:00+02:00", "end": "2026-12-07T16:00:00+02:00",
        "reason": "repairs",
    });
    read::<ServiceInterruption>(call, changes)
}

/// `call` with `changes`, and the fields that are wrong.
fn read<T>(mut call: Value, changes: Value) -> Result<NoticeRequest, Vec<String>>
where
    T: serde::de::DeserializeOwned,
    for<'a> NoticeRequest: TryFrom<&'a T, Error = Vec<FieldProblem>>,
{
    let Value::Object(changes) = changes else {
        panic!("an object")
    };
    for (field, value) in changes {
        call[field] = value;
    }
    let call: T = serde_json::from_value(call).expect("known fields");
    NoticeRequest::try_from(&call)
        .map_err(|problems| problems.into_iter().map(|problem| problem.field).collect())
}

#[test]
fn a_reminder_becomes_a_notice() {
    let request =
        reminder(json!({ "language": "st", "send_at": "2026-12-01T08:00:00+02:00" })).unwrap();
    assert_eq!(request.template, "payment_reminder");
    assert_eq!(request.account.as_deref(), Some("10012345"));
    assert_eq!(request.fields["balance"], "1250.50");
    assert_eq!(request.fields["due"], "2026-12-07");
    assert_eq!(request.language, Some(Language::ST));
    assert_eq!(request.send_at.unwrap().to_string(), "2026-12-01T06:00:00Z");
    assert!(matches!(
        request.to,
        Audience::Person(Address::Phone(phone)) if phone.as_str() == "+27600000001"
    ));
}

#[test]
fn values_are_read_strictly() {
    for (field, good, bad) in [
        (
            "to",
            vec![
                json!("+27600000001"),
                json!("+16315551234"),
                json!("0193f0c2-7f1e-7c3a-9d52-0d3f6f1b2a77"),
            ],
            vec![
                json!("+2760000000"),
                json!("+276000000011"),
                json!("27600000001"),
                json!("0600000001"),
                json!("+27 60 000 0001"),
                json!(27_600_000_001_u64),
                json!(null),
                json!(""),
            ],
        ),
        (
            "amount",
            vec![
                json!("1250.50"),
                json!(1250.5),
                json!(7),
                json!("0"),
                json!("0.05"),
            ],
            vec![
                json!("R1.234,50"),
                json!("-5"),
                json!(-5),
                json!("1.234"),
                json!("1,250.50"),
                json!("R5"),
                json!(""),
                json!("1e3"),
                json!(".5"),
                json!("5."),
                json!(null),
                json!(true),
                json!("1234567890123"),
            ],
        ),
        (
            "due_date",
            vec![json!("2026-12-07"), json!("2028-02-29")],
            vec![
                json!("2026-02-30"),
                json!("2026-02-29"),
                json!("2026-13-01"),
                json!("07/12/2026"),
                json!("20261207"),
                json!("2026-12-07T08:00"),
                json!(20_261_207),
                json!(null),
            ],
        ),
        (
            "name",
            vec![json!("Thandi"), json!("Ω".repeat(200))],
            vec![
                json!(""),
                json!("  "),
                json!("x".repeat(201)),
                json!(["x"]),
                json!(null),
            ],
        ),
        (
            "account",
            vec![json!("A-10/2"), json!(10_012_345)],
            vec![json!(""), json!("1".repeat(65)), json!(1.5)],
        ),
        (
            "language",
            vec![json!("en"), json!("nso"), json!(null)],
            vec![json!("English"), json!("en_ZA"), json!(1)],
        ),
        (
            "send_at",
            vec![
                json!("2026-12-01T08:00:00Z"),
                json!("2026-12-01T08:00+02:00"),
            ],
            vec![
                json!("2026-12-01T08:00:00"),
                json!("tomorrow"),
                json!("2026-02-30T08:00:00Z"),
                json!(1),
            ],
        ),
    ] {
        for value in good {
            assert!(
                reminder(json!({ field: value })).is_ok(),
                "{field}: {value}"
            );
        }
        for value in bad {
            assert_eq!(
                reminder(json!({ field: value })).unwrap_err(),
                [field],
                "{field}: {value}"
            );
        }
    }
}

#[test]
fn all_problems_come_at_once_and_in_order() {
    let all = json!({ "to": "1", "name": "", "account": null, "amount": "R1.234,50", "due_date": "2026-02-30", "language": "?" });
    assert_eq!(
        reminder(all).unwrap_err(),
        ["to", "name", "account", "amount", "due_date", "language"]
    );
}

#[test]
fn a_statement_has_a_link() {
    let call = json!({
        "to": "+27600000001", "name": "Thandi", "account": "1", "statement_date": "2026-11-30",
        "statement_url": "https://portal.example.org/s/1",
    });
    let request = read::<Statement>(call.clone(), json!({})).unwrap();
    assert_eq!(request.fields["link"], "https://portal.example.org/s/1");
    assert_eq!(request.fields["date"], "2026-11-30");
    for link in [
        "http://portal.example.org",
        "portal.example.org",
        "https://",
        "https://localhost",
        "https://a.b@evil.example",
        "https://a b.org",
        "javascript:alert(1)",
    ] {
        assert_eq!(
            read::<Statement>(call.clone(), json!({ "statement_url": link })).unwrap_err(),
            ["statement_url"],
            "{link}"
        );
    }
}

#[test]
fn a_confirmation_and_a_response_carry_their_numbers() {
    let call = json!({
        "to": "+27600000001", "name": "Thandi", "amount": 500, "account": 1, "payment_date": "2026-11-30", "receipt": "R-7",
    });
    let request =
        read::<PaymentConfirmation>(call.clone(), json!({ "keep_reminders": true })).unwrap();
    assert!(request.keep_reminders);
    assert_eq!(
        (
            request.fields["amount"].as_str(),
            request.fields["receipt"].as_str()
        ),
        ("500", "R-7")
    );
    assert_eq!(
        read::<PaymentConfirmation>(call, json!({ "keep_reminders": "yes" })).unwrap_err(),
        ["keep_reminders"]
    );
    let call = json!({ "to": "+27600000001", "name": "Thandi", "reference": "Q-1" });
    assert_eq!(
        read::<QueryResponse>(call, json!({})).unwrap().fields["reference"],
        "Q-1"
    );
}

#[test]
fn an_interruption_goes_to_an_area_or_a_person() {
    let request = interruption(json!({ "critical": true })).unwrap();
    assert!(request.critical);
    assert_eq!(
        request.to,
        Audience::Area {
            area: "zastron".to_owned(),
            to: None
        }
    );
    let request = interruption(json!({ "area": null, "to": "+27600000001" })).unwrap();
    assert!(matches!(request.to, Audience::Person(_)));
    let request = interruption(json!({ "to": "+27600000001" })).unwrap();
    assert!(matches!(request.to, Audience::Area { to: Some(_), .. }));
    for (changes, expected) in [
        (json!({ "area": null }), &["area"][..]),
        (json!({ "area": null, "to": "0600" }), &["to"]),
        (json!({ "start": "8:00" }), &["start"]),
        (json!({ "start": "2026-02-30T08:00:00+02:00" }), &["start"]),
        (json!({ "end": "2026-12-07T08:00:00+02:00" }), &["end"]),
        (json!({ "end": "2026-12-07T07:00:00+02:00" }), &["end"]),
        (
            json!({ "critical": "yes", "reason": "" }),
            &["reason", "critical"],
        ),
    ] {
        assert_eq!(
            interruption(changes.clone()).unwrap_err(),
            expected,
            "{changes}"
        );
    }
}

#[test]
fn unknown_fields_are_named() {
    let call = json!({ "to": "+27600000001", "ammount": 5 });
    let error = serde_json::from_value::<PaymentReminder>(call).unwrap_err();
    assert!(
        error.to_string().contains("unknown field `ammount`"),
        "{error}"
    );
}
