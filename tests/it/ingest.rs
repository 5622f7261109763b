//! The way in: everything at most once, whole or not at all, one bad element never harming the rest.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use puisano::conversations::ingest::{Envelope, IngestError, Intake};
use puisano::model::{
    AccountEvent, DeliveryStatus, Echo, Event, Identity, InboundMessage, MessageContent,
    MessageType, Origin, PhoneNumber, StatusError, StatusUpdate, SystemChange, Unreadable, UserId,
};
use puisano::tasks::Tasks;
use serde_json::json;

use crate::database::Database;

pub(crate) const OUR_NUMBER: &str = "106540352242922";
const PALESA: &str = "+27600000001";

pub(crate) fn phone(number: &str) -> Identity {
    Identity {
        phone: PhoneNumber::parse(number),
        ..Identity::default()
    }
}

fn user(id: &str) -> Identity {
    Identity {
        user_id: UserId::parse(id),
        ..Identity::default()
    }
}

fn both(number: &str, id: &str) -> Identity {
    Identity {
        user_id: UserId::parse(id),
        ..phone(number)
    }
}

pub(crate) fn content(message_type: MessageType, text: &str) -> MessageContent {
    MessageContent {
        message_type,
        text: text.to_owned(),
        button: None,
        about: None,
        media_id: None,
        quiet: false,
    }
}

pub(crate) fn message(
    from: Identity,
    wamid: &str,
    text: &str,
    sent_at: Timestamp,
) -> InboundMessage {
    InboundMessage {
        phone_number_id: OUR_NUMBER.into(),
        wamid: wamid.into(),
        from,
        sent_at,
        content: content(MessageType::Text, text),
        reply_to: None,
        group_id: None,
        raw: json!({"id": wamid, "text": {"body": text}}),
    }
}

pub(crate) fn says(from: Identity, wamid: &str, text: &str, sent_at: Timestamp) -> Event {
    Event::Message(Box::new(message(from, wamid, text, sent_at)))
}

pub(crate) fn status(
    wamid: &str,
    status: DeliveryStatus,
    at: Timestamp,
    opaque: Option<String>,
) -> Event {
    Event::Status(StatusUpdate {
        phone_number_id: OUR_NUMBER.into(),
        wamid: wamid.into(),
        status,
        at,
        opaque,
        recipient: Identity::default(),
        errors: Vec::new(),
        raw: json!({"id": wamid}),
    })
}

pub(crate) fn envelope(database: &Database, events: Vec<Event>) -> Envelope {
    Envelope {
        received_at: database.clock.now(),
        body: Bytes::from_static(b"{}"),
        events,
        origin: Origin::Live,
    }
}

/// A database with an intake in front of it.
struct Door {
    database: Database,
    intake: Intake,
    tasks: Tasks,
}

impl Door {
    async fn open() -> Self {
        let database = Database::new().await;
        let tasks = Tasks::default();
        let intake = Intake::start(database.store.clone(), database.clock.clone(), &tasks);
        Self {
            database,
            intake,
            tasks,
        }
    }

    async fn takes(&self, events: Vec<Event>) {
        self.intake
            .accept(envelope(&self.database, events))
            .await
            .unwrap();
    }

    fn now(&self) -> Timestamp {
        self.database.clock.now()
    }
}

#[tokio::test]
async fn a_message_is_in_the_record_and_due_when_it_was_accepted() {
    let door = Door::open().await;
    let from = Identity {
        name: Some("Palesa".to_owned()),
        ..phone(PALESA)
    };
    door.takes(vec![says(from, "wamid.1", "Ha ho metsi", door.now())])
        .await;
    let messages = door
        .database
        .store
        .messages_of(&PhoneNumber::parse(PALESA).unwrap())
        .await
        .unwrap();
    let [message] = messages.as_slice() else {
        panic!("{messages:?}")
    };
    assert_eq!(
        (message.content.as_str(), message.status.as_str()),
        ("Ha ho metsi", "received")
    );
    let counts = door.database.store.counts().await.unwrap();
    assert_eq!(
        (counts.envelopes, counts.contacts, counts.pending_turns),
        (1, 1, 1)
    );
    let record = "SELECT concat_ws('|', type, sender, recipient, content, status, message_id, message_type, is_template)
                  FROM whatsapp_messages";
    let expected = format!("inbound|{PALESA}|{OUR_NUMBER}|Ha ho metsi|received|wamid.1|text|f");
    assert_eq!(door.database.texts(record).await, [expected]);
}

#[tokio::test]
async fn fifty_deliveries_at_once_have_one_effect() {
    let door = Arc::new(Door::open().await);
    // Two writers stand for two nodes.
    let other = Intake::start(
        door.database.store.clone(),
        door.database.clock.clone(),
        &door.tasks,
    );
    let now = door.now();
    let deliveries = (0..50).map(|at| {
        let intake = if at % 2 == 0 {
            door.intake.clone()
        } else {
            other.clone()
        };
        let envelope = envelope(
            &door.database,
            vec![says(phone(PALESA), "wamid.1", "hello", now)],
        );
        async move { intake.accept(envelope).await }
    });
    for result in futures_util::future::join_all(deliveries).await {
        result.unwrap();
    }
    let counts = door.database.store.counts().await.unwrap();
    assert_eq!(
        (counts.envelopes, counts.inbound, counts.pending_turns),
        (50, 1, 1)
    );
    assert_eq!((counts.contacts, counts.conversations), (1, 1));
}

#[tokio::test]
async fn the_same_id_with_another_body_is_noted_and_the_first_stands() {
    let door = Door::open().await;
    door.takes(vec![says(phone(PALESA), "wamid.1", "first", door.now())])
        .await;
    let mismatches = "SELECT count(*) FROM inbound_keys WHERE mismatched_at IS NOT NULL";
    door.takes(vec![says(phone(PALESA), "wamid.1", "first", door.now())])
        .await;
    assert_eq!(door.database.number(mismatches).await, 0);
    door.takes(vec![says(phone(PALESA), "wamid.1", "second", door.now())])
        .await;
    assert_eq!(door.database.number(mismatches).await, 1);
    assert_eq!(
        door.database.texts("SELECT content FROM messages").await,
        ["first"]
    );
}

#[tokio::test]
async fn a_bad_element_is_set_aside_and_the_rest_lives() {
    let door = Door::open().await;
    let events = vec![
        says(phone(PALESA), "wamid.1", "good", door.now()),
        says(
            phone(PALESA),
            &"x".repeat(600),
            "an id longer than ids are",
            door.now(),
        ),
        says(
            phone(PALESA),
            "wamid.\0",
            "an id no database can hold",
            door.now(),
        ),
        says(Identity::default(), "wamid.2", "from nobody", door.now()),
        says(phone(PALESA), "wamid.3", "zero \0 in the text", door.now()),
        Event::Unreadable(Unreadable {
            reason: "too deep".to_owned(),
            raw: json!([[[0]]]),
        }),
        Event::Account(AccountEvent {
            field: "account_alerts".to_owned(),
            raw: json!({"a": "\0"}),
            update: None,
        }),
        status(
            "wamid.9",
            DeliveryStatus::Sent,
            door.now(),
            Some("not ours".to_owned()),
        ),
    ];
    // Another webhook shares the transaction; its fate is its own.
    let other = door.intake.accept(envelope(
        &door.database,
        vec![says(phone("+27600000002"), "wamid.4", "hi", door.now())],
    ));
    let (bad, other) = tokio::join!(door.intake.accept(envelope(&door.database, events)), other);
    bad.unwrap();
    other.unwrap();
    let counts = door.database.store.counts().await.unwrap();
    assert_eq!(
        (
            counts.inbound,
            counts.unreadable,
            counts.account_events,
            counts.parked_statuses
        ),
        (3, 4, 1, 1)
    );
    let contents = door
        .database
        .texts("SELECT content FROM messages ORDER BY content")
        .await;
    assert_eq!(contents, ["good", "hi", "zero \u{fffd} in the text"]);
}

#[tokio::test]
async fn nothing_is_accepted_while_the_database_is_away() {
    let store = puisano::store::Store::connect("postgres://nobody@localhost:1/none").unwrap();
    let tasks = Tasks::default();
    let intake = Intake::start(store, puisano::clock::Clock::default(), &tasks);
    let envelope = Envelope {
        received_at: Timestamp::UNIX_EPOCH,
        body: Bytes::new(),
        events: Vec::new(),
        origin: Origin::Live,
    };
    assert_eq!(intake.accept(envelope).await, Err(IngestError::Unavailable));
}

#[tokio::test]
async fn what_waits_when_the_service_stops_is_still_written() {
    let door = Door::open().await;
    let waiting = (0..20).map(|at| {
        door.intake.accept(envelope(
            &door.database,
            vec![says(
                phone(PALESA),
                &format!("wamid.{at}"),
                "hi",
                door.now(),
            )],
        ))
    });
    let waiting = futures_util::future::join_all(waiting);
    let stop = async {
        tokio::task::yield_now().await;
        door.tasks.stop(std::time::Duration::from_secs(5)).await
    };
    let (results, stopped) = tokio::join!(waiting, stop);
    assert!(stopped);
    let accepted = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(
        door.database.store.counts().await.unwrap().inbound,
        i64::try_from(accepted).unwrap()
    );
    assert_eq!(accepted, 20);
}

#[tokio::test]
async fn only_turns_are_due() {
    let door = Door::open().await;
    let now = door.now();
    let kinds = [
        MessageType::Text,
        MessageType::Voice,
        MessageType::ButtonReply,
        MessageType::Unsupported,
        MessageType::Reaction,
        MessageType::Edit,
        MessageType::Revoke,
        MessageType::CallPermission,
    ];
    let mut events: Vec<Event> = kinds
        .into_iter()
        .enumerate()
        .map(|(at, kind)| {
            let mut message = message(phone(PALESA), &format!("wamid.{at}"), "", now);
            message.content.message_type = kind;
            Event::Message(Box::new(message))
        })
        .collect();
    let mut in_a_group = message(phone(PALESA), "wamid.g", "hello all", now);
    in_a_group.group_id = Some("group".to_owned());
    events.push(Event::Message(Box::new(in_a_group)));
    events.push(Event::Echo(Box::new(Echo {
        phone_number_id: OUR_NUMBER.into(),
        wamid: "wamid.e".into(),
        to: phone(PALESA),
        sent_at: now,
        content: content(MessageType::Text, "from the phone"),
        raw: json!({}),
    })));
    door.takes(events).await;
    let due =
        "SELECT message_type FROM messages JOIN pending_turns p ON p.message_id = id ORDER BY id";
    assert_eq!(
        door.database.texts(due).await,
        ["text", "voice", "button_reply", "unsupported"]
    );
    assert_eq!(
        door.database.number("SELECT count(*) FROM messages").await,
        10
    );
    assert_eq!(
        door.database
            .texts("SELECT author FROM messages WHERE direction = 'outbound'")
            .await,
        ["phone_app"]
    );
}

#[tokio::test]
async fn a_message_that_was_taken_back_is_hidden_whichever_came_first() {
    for revoke_first in [false, true] {
        let door = Door::open().await;
        let mut revoke = message(phone(PALESA), "wamid.2", "", door.now());
        revoke.content = MessageContent {
            about: Some("wamid.1".into()),
            ..content(MessageType::Revoke, "")
        };
        let mut edit = message(phone(PALESA), "wamid.3", "", door.now());
        edit.content = MessageContent {
            about: Some("wamid.1".into()),
            ..content(MessageType::Edit, "changed")
        };
        let original = says(phone(PALESA), "wamid.1", "secret", door.now());
        let revoke = Event::Message(Box::new(revoke));
        let edit = Event::Message(Box::new(edit));
        let order = if revoke_first {
            vec![revoke, original, edit]
        } else {
            vec![original, edit, revoke]
        };
        for event in order {
            door.takes(vec![event]).await;
        }
        let messages = door
            .database
            .store
            .messages_of(&PhoneNumber::parse(PALESA).unwrap())
            .await
            .unwrap();
        let original = messages
            .iter()
            .find(|message| message.wamid == Some("wamid.1".into()))
            .unwrap();
        assert!(original.revoked);
        assert_eq!(original.content, "", "revoke first: {revoke_first}");
        let edited = door
            .database
            .texts("SELECT edited_content FROM messages WHERE edited_at IS NOT NULL")
            .await;
        assert_eq!(edited, ["changed"]);
    }
}

/// Who holds which identifier after `events`, and how many contacts there are.
async fn identifiers_after(webhooks: Vec<Vec<Event>>) -> (Vec<String>, i64) {
    let door = Door::open().await;
    for events in webhooks {
        door.takes(events).await;
    }
    let held = "SELECT concat_ws(' ', dense_rank() OVER (ORDER BY c.created_at, c.id), i.value)
                FROM contact_identifiers i JOIN contacts c ON c.id = i.contact_id ORDER BY c.created_at, c.id, i.value";
    (
        door.database.texts(held).await,
        door.database.store.counts().await.unwrap().contacts,
    )
}

fn changed(old: &Identity, new: &Identity) -> Event {
    Event::System(SystemChange {
        phone_number_id: OUR_NUMBER.into(),
        wamid: "wamid.s".into(),
        sent_at: Timestamp::UNIX_EPOCH,
        old_phone: old.phone.clone(),
        old_user_id: old.user_id.clone(),
        new_phone: new.phone.clone(),
        new_user_id: new.user_id.clone(),
        text: "changed".to_owned(),
        raw: json!({}),
    })
}

#[tokio::test]
async fn a_user_id_beats_a_phone_number() {
    let (a, b) = ("+27600000001", "+27600000002");
    let at = Timestamp::UNIX_EPOCH;
    let said = |wamid: &str, from: Identity| vec![says(from, wamid, "hi", at)];
    let cases = [
        (
            "both link",
            vec![
                said("1", phone(a)),
                said("2", both(a, "ZA.1")),
                said("3", user("ZA.1")),
            ],
            vec!["1 +27600000001", "1 ZA.1"],
            1,
        ),
        (
            "phone only, then user only, then both",
            vec![
                said("1", phone(a)),
                said("2", user("ZA.1")),
                said("3", both(a, "ZA.1")),
            ],
            vec!["2 +27600000001", "2 ZA.1"],
            2,
        ),
        (
            "number went to another person",
            vec![said("1", both(a, "ZA.1")), said("2", both(a, "ZA.2"))],
            vec!["1 ZA.1", "2 +27600000001", "2 ZA.2"],
            2,
        ),
        (
            "the same person with a new number",
            vec![said("1", both(a, "ZA.1")), said("2", both(b, "ZA.1"))],
            vec!["1 +27600000002", "1 ZA.1"],
            1,
        ),
        (
            "number change",
            vec![
                said("1", both(a, "ZA.1")),
                vec![changed(&phone(a), &phone(b))],
                said("2", both(b, "ZA.2")),
            ],
            vec!["1 +27600000002", "1 ZA.2"],
            1,
        ),
        (
            "user id change",
            vec![
                said("1", both(a, "ZA.1")),
                vec![changed(&user("ZA.1"), &user("ZA.2"))],
                said("2", user("ZA.2")),
            ],
            vec!["1 +27600000001", "1 ZA.2"],
            1,
        ),
        (
            "change and message in one webhook",
            vec![
                said("1", phone(a)),
                vec![changed(&phone(a), &phone(b)), says(phone(b), "2", "hi", at)],
            ],
            vec!["1 +27600000002"],
            1,
        ),
        (
            "change of somebody unknown",
            vec![vec![changed(&phone(a), &phone(b))]],
            vec!["1 +27600000002"],
            1,
        ),
    ];
    for (name, webhooks, held, contacts) in cases {
        let (now_held, count) = identifiers_after(webhooks).await;
        // A contact without identifiers has no rank in the list.
        let ranks = |texts: &[String]| {
            texts
                .iter()
                .map(|text| text.split_once(' ').unwrap().1.to_owned())
                .collect::<Vec<_>>()
        };
        let expected: Vec<String> = held.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(ranks(&now_held), ranks(&expected), "{name}");
        let groups = |texts: &[String]| {
            texts
                .iter()
                .filter_map(|text| text.split(' ').next().map(str::to_owned))
                .collect::<std::collections::BTreeSet<_>>()
                .len()
        };
        assert_eq!(groups(&now_held), groups(&expected), "{name}");
        assert_eq!(count, contacts, "{name}");
    }
}

#[tokio::test]
async fn a_number_that_moves_loses_what_was_verified() {
    let door = Door::open().await;
    door.takes(vec![says(
        both("+27600000001", "ZA.1"),
        "1",
        "hi",
        door.now(),
    )])
    .await;
    sqlx::query("UPDATE contact_identifiers SET verified_at = now()")
        .execute(&door.database.pool)
        .await
        .unwrap();
    door.takes(vec![says(
        both("+27600000001", "ZA.2"),
        "2",
        "hi",
        door.now(),
    )])
    .await;
    let verified = "SELECT value FROM contact_identifiers WHERE verified_at IS NOT NULL";
    assert_eq!(door.database.texts(verified).await, ["ZA.1"]);
}

#[tokio::test]
async fn statuses_end_the_same_in_every_order() {
    let door = Door::open().await;
    let kinds = [
        DeliveryStatus::Sent,
        DeliveryStatus::Delivered,
        DeliveryStatus::Read,
        DeliveryStatus::Failed,
    ];
    let mut number = 0;
    for order in permutations(&kinds) {
        number += 1;
        let wamid = format!("wamid.{number}");
        door.takes(vec![Event::Echo(Box::new(Echo {
            phone_number_id: OUR_NUMBER.into(),
            wamid: wamid.as_str().into(),
            to: phone(PALESA),
            sent_at: door.now(),
            content: content(MessageType::Text, "hello"),
            raw: json!({}),
        }))])
        .await;
        for (at, kind) in order.iter().enumerate() {
            let at = Timestamp::from_second(1_000 + i64::try_from(at).unwrap()).unwrap();
            // Each twice; together and apart.
            door.takes(vec![
                status(&wamid, *kind, at, None),
                status(&wamid, *kind, at, None),
            ])
            .await;
        }
    }
    assert_eq!(number, 24);
    assert_eq!(
        door.database
            .texts("SELECT DISTINCT status FROM messages")
            .await,
        ["read"]
    );
    assert_eq!(
        door.database
            .number("SELECT count(*) FROM status_events")
            .await,
        24 * 4
    );
}

#[tokio::test]
async fn a_failure_shows_its_reason_until_something_better_comes() {
    let door = Door::open().await;
    door.takes(vec![Event::Echo(Box::new(Echo {
        phone_number_id: OUR_NUMBER.into(),
        wamid: "wamid.1".into(),
        to: phone(PALESA),
        sent_at: door.now(),
        content: content(MessageType::Text, "hello"),
        raw: json!({}),
    }))])
    .await;
    let Event::Status(mut failed) = status("wamid.1", DeliveryStatus::Failed, door.now(), None)
    else {
        unreachable!()
    };
    failed.errors = vec![StatusError {
        code: 131_026,
        title: "Undeliverable".to_owned(),
        details: "\0".to_owned(),
    }];
    door.takes(vec![Event::Status(failed)]).await;
    let errors = "SELECT concat(status, ' ', errors->0->>'code') FROM messages";
    assert_eq!(door.database.texts(errors).await, ["failed 131026"]);
    door.takes(vec![status(
        "wamid.1",
        DeliveryStatus::Delivered,
        door.now(),
        None,
    )])
    .await;
    assert_eq!(door.database.texts(errors).await, ["delivered "]);
}

#[tokio::test]
async fn a_status_that_comes_before_its_message_is_parked_and_joined() {
    let door = Door::open().await;
    door.takes(vec![status(
        "wamid.1",
        DeliveryStatus::Delivered,
        door.now(),
        None,
    )])
    .await;
    assert_eq!(
        door.database.store.counts().await.unwrap().parked_statuses,
        1
    );
    door.takes(vec![Event::Echo(Box::new(Echo {
        phone_number_id: OUR_NUMBER.into(),
        wamid: "wamid.1".into(),
        to: phone(PALESA),
        sent_at: door.now(),
        content: content(MessageType::Text, "hello"),
        raw: json!({}),
    }))])
    .await;
    assert_eq!(door.database.store.join_parked_statuses().await.unwrap(), 1);
    assert_eq!(
        door.database.texts("SELECT status FROM messages").await,
        ["delivered"]
    );
    assert_eq!(
        door.database.store.counts().await.unwrap().parked_statuses,
        0
    );
}

fn permutations<T: Copy>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for at in 0..items.len() {
        let mut rest = items.to_vec();
        let first = rest.remove(at);
        for mut tail in permutations(&rest) {
            tail.insert(0, first);
            all.push(tail);
        }
    }
    all
}
