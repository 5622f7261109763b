//! Turns: in order, under lease and fence, taking exactly the messages they name.

use std::collections::{BTreeMap, BTreeSet};

use puisano::conversations::handoff;
use puisano::conversations::worker::Worker;
use puisano::model::{Identity, Owner, PhoneNumber};
use puisano::rulesets::{Folders, LiveRules};
use puisano::store::consents::Word;
use puisano::store::turns::{ConsentChange, ContactChange, SessionSpan, Which};

use crate::ingest::phone;
use crate::road::{PALESA, Road};

#[tokio::test]
async fn messages_are_decided_in_the_order_they_were_sent_then_arrived() {
    let road = Road::new().await;
    let now = road.now();
    for (text, seconds) in [("second", 2), ("first", 1), ("second too", 2), ("third", 3)] {
        road.says_as(
            phone(PALESA),
            text,
            now + jiff::SignedDuration::from_secs(seconds),
        )
        .await;
    }
    let due = road.due().await;
    let texts: Vec<&str> = due[0]
        .messages
        .iter()
        .map(|message| message.text.as_str())
        .collect();
    assert_eq!(texts, ["first", "second", "second too", "third"]);
}

#[tokio::test]
async fn a_claim_writes_message_decision_state_reply_and_outbox_together() {
    let road = Road::new().await;
    road.says(PALESA, &["Ha ho metsi"]).await;
    road.answers(&["Re utlwile", "Kea leboha"]).await;
    let messages = road
        .database
        .store
        .messages_of(&PhoneNumber::parse(PALESA).unwrap())
        .await
        .unwrap();
    let shown: Vec<String> = messages
        .iter()
        .map(|message| {
            format!(
                "{} {} {} {:?}",
                message.direction, message.status, message.content, message.intent
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "inbound received Ha ho metsi Some(\"water_outage\")",
            "outbound queued Re utlwile None",
            "outbound queued Kea leboha None"
        ]
    );
    assert_eq!(messages[1].reply_to, messages[0].wamid);
    assert_eq!(
        (messages[0].sentiment, messages[0].language.as_deref()),
        (Some(-0.6), Some("st"))
    );
    let decision = road
        .database
        .store
        .decision_of(messages[0].conversation, messages[0].id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((decision.seed, decision.owner.as_str()), (7, "bot"));
    assert_eq!(
        road.database
            .texts("SELECT state::text FROM conversations")
            .await,
        ["{\"version\": 1}"]
    );
    let items = road
        .database
        .store
        .outbox_of(messages[0].conversation)
        .await
        .unwrap();
    assert_eq!(
        items.iter().map(|item| item.seq).collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(
        items.iter().map(|item| item.id.0).collect::<Vec<_>>(),
        [messages[1].id.0, messages[2].id.0]
    );
    assert!(road.due().await.is_empty());
}

#[tokio::test]
async fn a_message_that_arrives_while_others_are_decided_stays_due() {
    let road = Road::new().await;
    road.says(PALESA, &["one"]).await;
    let due = road.due().await;
    road.says(PALESA, &["two"]).await;
    assert!(road.due().await.is_empty(), "the conversation is claimed");
    assert_eq!(
        road.finish(&[road.decided(&due[0], &["answer"])])
            .await
            .len(),
        1
    );
    let next = road.due().await;
    assert_eq!(
        next[0]
            .messages
            .iter()
            .map(|message| message.text.as_str())
            .collect::<Vec<_>>(),
        ["two"]
    );
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_writes_nothing() {
    let road = Road::new().await;
    road.says(PALESA, &["one"]).await;
    let zombie = road.due().await;
    assert!(
        road.claims(Which::Suspect).await.is_empty(),
        "the lease holds"
    );
    road.advance(9).await;
    let claims = road.claims(Which::Suspect).await;
    assert_eq!(
        (claims[0].fence, claims[0].attempts),
        (zombie[0].claim.fence + 1, 2)
    );
    let heir = road.database.store.load_turns(&claims, 100).await.unwrap();

    assert!(
        road.finish(&[road.decided(&zombie[0], &["from the dead"])])
            .await
            .is_empty()
    );
    let counts = road.database.store.counts().await.unwrap();
    assert_eq!(
        (counts.pending_turns, counts.decisions, counts.outbound),
        (1, 0, 0)
    );

    assert_eq!(
        road.finish(&[road.decided(&heir[0], &["from the living"])])
            .await
            .len(),
        1
    );
    assert!(
        road.finish(&[road.decided(&zombie[0], &["from the dead"])])
            .await
            .is_empty()
    );
    let said = road
        .database
        .texts("SELECT content FROM messages WHERE direction = 'outbound'")
        .await;
    assert_eq!(said, ["from the living"]);
}

#[tokio::test]
async fn two_workers_never_hold_the_same_conversation() {
    let road = Road::new().await;
    for number in 0..40 {
        road.says(&format!("+276000001{number:02}"), &["hello"])
            .await;
    }
    let claims = futures_util::future::join_all(
        (0..8).map(|_| road.database.store.claim_turns(Which::Fresh, 20)),
    )
    .await;
    let claimed: Vec<_> = claims
        .into_iter()
        .flat_map(Result::unwrap)
        .map(|claim| claim.conversation)
        .collect();
    assert_eq!(claimed.len(), claimed.iter().collect::<BTreeSet<_>>().len());
    assert_eq!(claimed.len(), 40);
}

#[tokio::test]
async fn what_was_decided_before_a_person_took_over_is_not_written() {
    let road = Road::new().await;
    let conversation = road.exchange_words(PALESA, &["hi"]).await;
    road.says(PALESA, &["no water"]).await;
    let due = road.due().await;
    handoff::reply(
        &road.database.store,
        &road.database.clock,
        conversation,
        "I am here",
    )
    .await
    .unwrap();
    assert!(
        road.finish(&[road.decided(&due[0], &["bot speaking"])])
            .await
            .is_empty()
    );
    road.database
        .store
        .release_turns(&[due[0].claim], 0.0)
        .await
        .unwrap();
    let again = road.due().await;
    assert_eq!(
        (
            again[0].owner,
            again[0].messages.len(),
            again[0].claim.attempts
        ),
        (Owner::Person, 1, 1)
    );
}

#[tokio::test]
async fn a_claim_that_is_given_back_costs_no_attempt_and_can_rest() {
    let road = Road::new().await;
    road.says(PALESA, &["one"]).await;
    let claims = road.claims(Which::Fresh).await;
    road.database
        .store
        .release_turns(&claims, 1.0)
        .await
        .unwrap();
    assert!(road.claims(Which::Fresh).await.is_empty());
    road.advance(2).await;
    assert_eq!(road.claims(Which::Fresh).await[0].attempts, 1);
}

#[tokio::test]
async fn a_message_that_brings_workers_down_is_counted_and_set_aside_alone() {
    let road = Road::new().await;
    road.says(PALESA, &["poison", "harmless"]).await;
    road.claims(Which::Fresh).await;
    for attempts in 2..=4 {
        road.advance(9).await;
        assert!(
            road.claims(Which::Fresh).await.is_empty(),
            "suspects are not mixed with others"
        );
        let claims = road.claims(Which::Suspect).await;
        assert_eq!(claims[0].attempts, attempts);
        if attempts == 4 {
            let due = road.database.store.load_turns(&claims, 1).await.unwrap();
            let poison = due[0].messages[0].id;
            let (store, clock) = (&road.database.store, &road.database.clock);
            assert!(
                store
                    .quarantine_turn(clock, claims[0], poison, "test")
                    .await
                    .unwrap()
            );
            assert!(
                !store
                    .quarantine_turn(
                        clock,
                        puisano::store::turns::Claim {
                            fence: 1,
                            ..claims[0]
                        },
                        poison,
                        "test"
                    )
                    .await
                    .unwrap()
            );
        }
    }
    let due = road.due().await;
    assert_eq!(
        due[0]
            .messages
            .iter()
            .map(|message| message.text.as_str())
            .collect::<Vec<_>>(),
        ["harmless"]
    );
    assert_eq!((due[0].owner, due[0].epoch), (Owner::Waiting, 1));
    assert_eq!(
        handoff::waiting(&road.database.store).await.unwrap().len(),
        1
    );
    assert_eq!(road.database.store.counts().await.unwrap().quarantined, 1);
}

#[tokio::test]
async fn what_turns_change_about_a_contact_leaves_the_rest_alone() {
    let road = Road::new().await;
    road.says(PALESA, &["hello"]).await;
    let due = road.due().await;
    assert!(due[0].contact.is_new);
    sqlx::query("UPDATE contacts SET tags = '{staff, old}', fields = '{\"account\": \"1\", \"area\": \"x\"}'")
        .execute(&road.database.pool)
        .await
        .unwrap();
    let mut finished = road.decided(&due[0], &[]);
    finished.contact = ContactChange {
        name: Some("Palesa \0".to_owned()),
        consents: puisano_engine::Consent::ALL
            .iter()
            .map(|category| ConsentChange {
                id: road.database.clock.new_id(),
                category: *category,
                word: Word::Denied,
                message: due[0].messages[0].id,
            })
            .collect(),
        set: BTreeMap::from([("area".to_owned(), "Zastron".to_owned())]),
        forget: BTreeSet::from(["account".to_owned()]),
        tag: BTreeSet::from(["new".to_owned(), "staff".to_owned()]),
        untag: BTreeSet::from(["old".to_owned()]),
        first: true,
        cancels: Vec::new(),
    };
    let (started_at, ended_at) = (road.long_ago(5), Some(road.now()));
    finished.sessions = vec![SessionSpan {
        id: road.database.clock.new_id(),
        started_at,
        ended_at,
    }];
    road.finish(&[finished]).await;
    let contact = "SELECT concat_ws('|', name, opted_out, opted_out_at IS NOT NULL, tags, fields, first_turn_at IS NOT NULL)
                   FROM contacts";
    assert_eq!(
        road.database.texts(contact).await,
        ["Palesa \u{fffd}|t|t|{new,staff}|{\"area\": \"Zastron\"}|t"]
    );
    road.says(PALESA, &["again"]).await;
    let due = road.due().await;
    assert!(!due[0].contact.is_new && due[0].contact.opted_out);
    assert_eq!(
        road.database
            .number("SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL")
            .await,
        1
    );
}

#[tokio::test]
async fn two_conversations_of_one_contact_are_both_written() {
    let road = Road::new().await;
    let now = road.now();
    for ours in ["1", "2"] {
        let mut message = crate::ingest::message(phone(PALESA), ours, "hello", now);
        message.phone_number_id = ours.into();
        road.webhook(vec![puisano::model::Event::Message(Box::new(message))])
            .await;
    }
    let due = road.due().await;
    let finished: Vec<_> = due
        .iter()
        .map(|due| {
            let mut finished = road.decided(due, &["hi"]);
            finished
                .contact
                .tag
                .insert(due.phone_number_id.as_str().to_owned());
            finished
        })
        .collect();
    assert_eq!(road.finish(&finished).await.len(), 2);
    assert_eq!(
        road.database
            .texts("SELECT array_to_string(tags, ' ') FROM contacts")
            .await,
        ["1 2"]
    );
}

#[tokio::test]
async fn staff_sees_who_waits_answers_and_gives_back() {
    let road = Road::new().await;
    let from = Identity {
        name: Some("Palesa".to_owned()),
        ..phone(PALESA)
    };
    road.says_as(from, "a person please", road.now()).await;
    let due = road.due().await;
    road.finish(&[road.handed_over(&due[0], &["Somebody will be with you."])])
        .await;
    let (store, clock) = (&road.database.store, &road.database.clock);
    let waiting = handoff::waiting(store).await.unwrap();
    let one = &waiting[0];
    assert_eq!(
        (
            one.team.as_str(),
            one.priority.as_str(),
            one.contact.as_str(),
            one.reason.as_str(),
            one.last_message.as_str()
        ),
        (
            "water",
            "high",
            "Palesa (+27600000001)",
            "asked for a person",
            "a person please"
        )
    );
    handoff::reply(store, clock, one.conversation, "Good day, Palesa")
        .await
        .unwrap();
    road.says(PALESA, &["thank you"]).await;
    let due = road.due().await;
    assert_eq!((due[0].owner, due[0].returned), (Owner::Person, false));
    road.finish(&[road.decided(&due[0], &[])]).await;

    handoff::resolve(store, clock, one.conversation)
        .await
        .unwrap();
    assert!(
        handoff::resolve(store, clock, one.conversation)
            .await
            .is_err()
    );
    assert!(handoff::waiting(store).await.unwrap().is_empty());
    for returned in [true, false] {
        road.says(PALESA, &["hello again"]).await;
        let due = road.due().await;
        assert_eq!((due[0].owner, due[0].returned), (Owner::Bot, returned));
        road.finish(&[road.decided(&due[0], &[])]).await;
    }
}

#[tokio::test]
async fn staff_is_told_when_whatsapp_would_not_take_the_reply() {
    let road = Road::new().await;
    road.says_as(phone(PALESA), "long ago", road.long_ago(25))
        .await;
    let conversation = road.conversation_of(PALESA).await;
    let (store, clock) = (&road.database.store, &road.database.clock);
    let error = handoff::reply(store, clock, conversation, "hello?")
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("more than 24 hours ago"), "{error}");
    let nobody = puisano::model::ConversationId(clock.new_id());
    let error = handoff::reply(store, clock, nobody, "hello?")
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("there is no conversation"), "{error}");
    assert!(
        handoff::reply(store, clock, conversation, " ")
            .await
            .is_err()
    );
    assert_eq!(road.database.store.counts().await.unwrap().outbound, 0);
    road.says(PALESA, &["here I am"]).await;
    handoff::reply(store, clock, conversation, "hello")
        .await
        .unwrap();
}

/// A worker with the engine and the shipped pack.
fn worker(road: &Road) -> Worker {
    let folders = Folders {
        rules: "rules".into(),
        lexicons: "lexicons".into(),
    };
    let live = puisano::rulesets::compile(folders.load().unwrap())
        .live
        .expect("the shipped pack compiles");
    Worker::new(
        road.database.store.clone(),
        LiveRules::new(live),
        road.database.clock.clone(),
    )
}

#[tokio::test]
async fn the_engine_answers_hands_over_and_is_silent_from_then_on() {
    let road = Road::new().await;
    let worker = worker(&road);
    road.says(
        PALESA,
        &["no water in Zastron", "I want to talk to a person", "hello"],
    )
    .await;
    road.says("+27600000002", &["Ha ho metsi"]).await;
    assert_eq!(worker.round().await.unwrap(), 2);
    assert_eq!(worker.round().await.unwrap(), 0);
    let outcome = "SELECT concat_ws(' ', m.content, m.language, d.owner, c.owner, c.epoch) FROM messages m
                   JOIN decisions d ON d.message_id = m.id JOIN conversations c ON c.id = m.conversation_id ORDER BY m.id";
    assert_eq!(
        road.database.texts(outcome).await,
        [
            "no water in Zastron en bot waiting 1",
            "I want to talk to a person en bot waiting 1",
            "hello en waiting waiting 1",
            "Ha ho metsi st bot bot 0",
        ]
    );
    let conversation = road.conversation_of(PALESA).await;
    let epochs = "SELECT concat_ws(' ', o.seq, o.epoch) FROM outbox o JOIN conversations c ON c.id = o.conversation_id
                  WHERE c.owner = 'waiting' ORDER BY o.seq";
    assert_eq!(road.database.texts(epochs).await, ["1 0", "2 1"]);
    road.sends(&[]).await;
    assert_eq!(road.states(conversation).await, ["cancelled", "sending"]);
    assert_eq!(
        road.database.number("SELECT count(*) FROM sessions").await,
        2
    );
    assert_eq!(
        handoff::waiting(&road.database.store).await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_state_of_a_newer_program_is_left_to_it() {
    let road = Road::new().await;
    let worker = worker(&road);
    road.exchange_words(PALESA, &["hi"]).await;
    sqlx::query("UPDATE conversations SET state = '{\"version\": 999}'")
        .execute(&road.database.pool)
        .await
        .unwrap();
    road.says(PALESA, &["no water"]).await;
    worker.round().await.unwrap();
    let counts = road.database.store.counts().await.unwrap();
    assert_eq!((counts.pending_turns, counts.decisions), (1, 1));
    road.advance(2).await;
    assert_eq!(
        road.claims(Which::Fresh).await[0].attempts,
        1,
        "it costs no attempt"
    );
}

#[tokio::test]
async fn a_worker_gives_up_a_message_that_took_it_down_three_times() {
    let road = Road::new().await;
    let worker = worker(&road);
    road.says(PALESA, &["poison"]).await;
    road.claims(Which::Fresh).await;
    for _ in 0..2 {
        road.advance(9).await;
        road.claims(Which::Suspect).await;
    }
    road.advance(9).await;
    assert_eq!(worker.round().await.unwrap(), 1);
    let counts = road.database.store.counts().await.unwrap();
    assert_eq!(
        (counts.quarantined, counts.pending_turns, counts.decisions),
        (1, 0, 0)
    );
    assert_eq!(
        handoff::waiting(&road.database.store).await.unwrap().len(),
        1
    );
}
