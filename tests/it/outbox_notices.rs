//! Notices beside the lanes: as text or template, nothing after a refusal, nothing twice, and never in the way of replies.

use jiff::{SignedDuration, Timestamp};
use puisano::model::{
    Class, ConversationId, DeliveryStatus, Filling, Notice, OnUnknown, OutboxId, OutboxState,
    OutgoingContent,
};
use puisano::store::notifications::NewNotice;
use puisano::store::outbox::{
    Dead, Docket, NoticeAct, NoticeCandidate, NoticeExchange, NoticeSend, NoticeTerms, Number,
    Replayed, Send, SendResult, Verdict,
};
use puisano_engine::{Consent, Filled, Language};

use crate::ingest::status;
use crate::road::{PALESA, Road, number, result, sent, texts_of, unknown};

/// A notice to the customer of `conversation`, due now.
async fn notice(road: &Road, conversation: ConversationId) -> NewNotice {
    let contact: uuid::Uuid =
        sqlx::query_scalar("SELECT contact_id FROM conversations WHERE id = $1")
            .bind(conversation)
            .fetch_one(&road.database.pool)
            .await
            .unwrap();
    let filling = |language, text: &str| Filling {
        language,
        text: text.to_owned(),
        filled: Filled {
            body: vec!["Palesa".to_owned(), "R 120.00".to_owned()],
            ..Filled::default()
        },
    };
    let content = OutgoingContent::Notice(Notice {
        template: "payment_reminder".to_owned(),
        fillings: vec![
            filling(Language::ST, "O lokela ho lefa."),
            filling(Language::EN, "Please pay."),
        ],
    });
    NewNotice {
        id: OutboxId(road.database.clock.new_id()),
        tag: 7,
        conversation,
        contact: puisano::model::ContactId(contact),
        class: Class::Notification,
        category: Consent::Account,
        critical: true,
        on_unknown: OnUnknown::Hold,
        notification: None,
        template: Some("payment_reminder".to_owned()),
        account: None,
        content,
        message_type: "template",
        text: "Please pay.".to_owned(),
        reply_to: None,
        due_at: road.now(),
        expires_at: road.now() + SignedDuration::from_hours(72),
    }
}

async fn put(road: &Road, notice: NewNotice) -> OutboxId {
    let id = notice.id;
    road.database.store.put_notices(&[notice]).await.unwrap();
    id
}

async fn approve(road: &Road, language: &str) {
    sqlx::query(
        "INSERT INTO template_links (template, language, state, meta_name, meta_language, updated_at)
         VALUES ('payment_reminder', $1, 'approved', 'payment_reminder_' || $1, 'en_ZA', puisano_now())",
    )
    .bind(language)
    .execute(&road.database.pool)
    .await
    .unwrap();
}

/// Lets everything through that the facts of the store allow: what the judge says is tested beside him.
fn as_template(_: Docket, candidates: &[NoticeCandidate]) -> Vec<NoticeAct> {
    candidates
        .iter()
        .map(|candidate| {
            NoticeAct::Send(Box::new(NoticeSend {
                content: candidate.content.clone().unwrap(),
                language: None,
                initiates: true,
                pair_tat: candidate.pair_tat,
            }))
        })
        .collect()
}

async fn exchange(
    road: &Road,
    results: &[SendResult],
    judge: impl FnOnce(Docket, &[NoticeCandidate]) -> Vec<NoticeAct>,
) -> NoticeExchange {
    let terms = NoticeTerms {
        number: &number(),
        sends_max: 100,
        window_ms: 30_000,
    };
    road.database
        .store
        .exchange_notices(results, terms, judge)
        .await
        .unwrap()
}

async fn sends(road: &Road, results: &[SendResult]) -> Vec<Send> {
    exchange(road, results, as_template).await.sends
}

async fn item(road: &Road, id: OutboxId) -> String {
    let (letter, _) = road.database.store.outbox_item(id).await.unwrap().unwrap();
    let state = format!("{:?}", letter.state).to_lowercase();
    letter
        .waits_for
        .map_or(state.clone(), |waits| format!("{state} {waits}"))
}

fn refused(code: i64) -> Verdict {
    Verdict::Rejected {
        code: Some(code),
        failure: "no".to_owned(),
    }
}

#[tokio::test]
async fn a_notice_waits_for_no_lane_and_keeps_none_waiting() {
    let road = Road::new().await;
    let conversation = road.exchange_words(PALESA, &["one", "two"]).await;
    let first = road.sends(&[]).await;
    let id = put(&road, notice(&road, conversation).await).await;
    let notices = sends(&road, &[]).await;
    assert_eq!(notices.len(), 1, "although a reply is being sent");
    assert_eq!(
        texts_of(&road.sends(&[sent(&first[0])]).await),
        ["two"],
        "although a notice is being sent"
    );
    assert!(sends(&road, &[sent(&notices[0])]).await.is_empty());
    assert_eq!(item(&road, id).await, "sent");
    let record =
        "SELECT concat_ws(' ', author, status, message_type) FROM messages WHERE author = 'system'";
    assert_eq!(
        road.database.texts(record).await,
        ["system accepted template"]
    );
}

#[tokio::test]
async fn the_judge_is_told_what_counts() {
    let road = Road::new().await;
    let conversation = road.exchange_words(PALESA, &["hi"]).await;
    approve(&road, "en").await;
    let due = notice(&road, conversation).await;
    let again = NewNotice {
        id: OutboxId(road.database.clock.new_id()),
        ..due.clone()
    };
    put(&road, due).await;
    let first = exchange(&road, &[], |docket, candidates| {
        assert_eq!(docket.tier_left, None);
        let candidate = &candidates[0];
        assert!(candidate.last_inbound_at.is_some() && !candidate.initiated);
        assert_eq!((candidate.sent_today, candidate.first_today), (0, None));
        assert_eq!(candidate.links[0].meta_name, "payment_reminder_en");
        as_template(docket, candidates)
    })
    .await;
    sqlx::query(
        "UPDATE contacts SET denied = '{marketing}', granted = '{service}', time_zone = 'Africa/Cairo'",
    )
    .execute(&road.database.pool)
    .await
    .unwrap();
    road.advance(26 * 3_600).await;
    put(&road, again).await;
    let results = [sent(&first.sends[0])];
    sqlx::query("UPDATE number_states SET tier_limit = 250")
        .execute(&road.database.pool)
        .await
        .unwrap();
    exchange(&road, &results, |docket, candidates| {
        assert_eq!(docket.tier_left, Some(250));
        let candidate = &candidates[0];
        assert!(candidate.last_inbound_at.is_none() && !candidate.initiated);
        assert_eq!(candidate.sent_today, 0, "yesterday's");
        assert_eq!(candidate.denied, [Consent::Marketing]);
        assert_eq!(candidate.granted, [Consent::Service]);
        assert_eq!(candidate.time_zone.as_deref(), Some("Africa/Cairo"));
        vec![NoticeAct::Leave]
    })
    .await;
}

#[tokio::test]
async fn nobody_is_written_to_while_their_consent_is_being_changed() {
    let road = Road::new().await;
    let conversation = road.exchange_words(PALESA, &["hi"]).await;
    let id = put(&road, notice(&road, conversation).await).await;
    let mut stop = road.database.pool.begin().await.unwrap();
    sqlx::query("UPDATE contacts SET opted_out = true")
        .execute(&mut *stop)
        .await
        .unwrap();
    assert!(sends(&road, &[]).await.is_empty());
    stop.commit().await.unwrap();
    exchange(&road, &[], |_, candidates| {
        assert!(candidates[0].opted_out);
        vec![NoticeAct::Cancel { why: "STOP" }]
    })
    .await;
    assert_eq!(item(&road, id).await, "cancelled");
    let record = "SELECT status FROM messages WHERE author = 'system'";
    assert_eq!(road.database.texts(record).await, ["cancelled"]);
}

#[tokio::test]
async fn a_window_that_turns_out_closed_makes_a_template_of_the_same_item() {
    for by_status in [false, true] {
        let road = Road::new().await;
        let conversation = road.exchange_words(PALESA, &["hi"]).await;
        let id = put(&road, notice(&road, conversation).await).await;
        let first = sends(&road, &[]).await;
        if by_status {
            sends(&road, &[sent(&first[0])]).await;
            let wamid = format!("out.{}.1", id.0.simple());
            let mut failed = status(&wamid, DeliveryStatus::Failed, road.now(), None);
            if let puisano::model::Event::Status(update) = &mut failed {
                update.errors.push(puisano::model::StatusError {
                    code: 131_047,
                    title: "Re-engagement message".to_owned(),
                    details: String::new(),
                });
            }
            road.webhook(vec![failed.clone()]).await;
            assert_eq!(item(&road, id).await, "pending");
            // The same webhook once more is about a message that is nobody's now.
            road.webhook(vec![failed]).await;
        } else {
            exchange(
                &road,
                &[result(&first[0], refused(131_047))],
                |_, candidates| candidates.iter().map(|_| NoticeAct::Leave).collect(),
            )
            .await;
        }
        let second = exchange(&road, &[], |docket, candidates| {
            assert!(candidates[0].template_only);
            as_template(docket, candidates)
        })
        .await;
        assert_eq!(second.sends[0].attempt, 2);
        assert_eq!(
            second.sends[0].opaque.tag == first[0].opaque.tag,
            !by_status
        );
        sends(&road, &[sent(&second.sends[0])]).await;
        assert_eq!(item(&road, id).await, "sent", "{by_status}");
        let record =
            "SELECT concat_ws(' ', status, right(wamid, 2)) FROM messages WHERE author = 'system'";
        assert_eq!(road.database.texts(record).await, ["accepted .2"]);
    }
}

#[tokio::test]
async fn a_notice_that_could_not_be_delivered_is_shown_and_can_be_sent_again() {
    let road = Road::new().await;
    let conversation = road.exchange_words(PALESA, &["hi"]).await;
    let id = put(&road, notice(&road, conversation).await).await;
    let first = sends(&road, &[]).await;
    assert_eq!(
        road.database.store.replay(id).await.unwrap(),
        Replayed::NotDead(OutboxState::Sending)
    );
    sends(&road, &[sent(&first[0])]).await;
    assert_eq!(
        road.database.store.replay(id).await.unwrap(),
        Replayed::NotDead(OutboxState::Sent)
    );
    let wamid = format!("out.{}.1", id.0.simple());
    let failed = status(&wamid, DeliveryStatus::Failed, road.now(), None);
    road.webhook(vec![failed.clone()]).await;
    assert_eq!(item(&road, id).await, "rejected");
    let dead = road.database.store.dead_letters(Dead::All, None, 10).await;
    assert_eq!(dead.unwrap()[0].id, id);
    assert_eq!(
        road.database.store.replay(id).await.unwrap(),
        Replayed::Queued
    );
    road.webhook(vec![failed]).await;
    let second = sends(&road, &[]).await;
    sends(&road, &[sent(&second[0])]).await;
    assert_eq!(item(&road, id).await, "sent");
}

#[tokio::test]
async fn an_unknown_notice_is_settled_by_a_status_and_otherwise_as_it_says() {
    let road = Road::new().await;
    let conversation = road.exchange_words(PALESA, &["hi"]).await;
    let id = put(&road, notice(&road, conversation).await).await;
    let first = sends(&road, &[]).await;
    assert!(sends(&road, &[unknown(&first[0])]).await.is_empty());
    assert_eq!(item(&road, id).await, "unknown");
    road.advance(31).await;
    exchange(&road, &[], |_, candidates| {
        assert_eq!(candidates[0].state, OutboxState::Unknown);
        vec![NoticeAct::Hold]
    })
    .await;
    assert_eq!(item(&road, id).await, "held");
    let opaque = Some(first[0].opaque.to_string());
    road.webhook(vec![status("w", DeliveryStatus::Sent, road.now(), opaque)])
        .await;
    assert_eq!(item(&road, id).await, "sent");
    assert_eq!(
        road.database.store.replay(id).await.unwrap(),
        Replayed::NotDead(OutboxState::Sent)
    );
}

#[tokio::test]
async fn a_template_that_meta_does_not_have_is_waited_for() {
    let road = Road::new().await;
    let conversation = road.exchange_words(PALESA, &["hi"]).await;
    let id = put(&road, notice(&road, conversation).await).await;
    let first = sends(&road, &[]).await;
    assert!(
        sends(&road, &[result(&first[0], refused(132_001))])
            .await
            .is_empty()
    );
    assert_eq!(item(&road, id).await, "pending template");
    let templates = ["payment_reminder".to_owned()];
    let store = &road.database.store;
    assert_eq!(store.look_at_templates_again(&templates).await.unwrap(), 1);
    assert_eq!(sends(&road, &[]).await.len(), 1);
    assert_eq!(item(&road, id).await, "sending");
}

#[tokio::test]
async fn who_stopped_marketing_at_whatsapp_has_refused_it_here_with_a_proof() {
    let road = Road::new().await;
    let conversation = road.exchange_words(PALESA, &["hi"]).await;
    let id = put(&road, notice(&road, conversation).await).await;
    let first = sends(&road, &[]).await;
    sends(&road, &[result(&first[0], refused(131_050))]).await;
    assert_eq!(item(&road, id).await, "rejected");
    let told = road
        .database
        .texts(
            "SELECT array_to_string(k.denied, ',') || ' ' || k.opted_out || ' ' || e.category || ' ' || e.granted || ' '
                    || e.source || ' ' || e.proof
             FROM contacts k JOIN consent_events e ON e.contact_id = k.id",
        )
        .await;
    assert_eq!(
        told,
        [format!("marketing false marketing false whatsapp {id}")]
    );
}

#[tokio::test]
async fn two_nodes_share_one_pace_and_never_make_the_same_call() {
    let road = Road::new().await;
    for person in 0..60 {
        let conversation = road
            .exchange_words(&format!("+2760000{person:04}"), &["hi"])
            .await;
        let mut due = notice(&road, conversation).await;
        due.class = Class::Bulk;
        put(&road, due).await;
    }
    let number = Number {
        per_second: 80,
        ..number()
    };
    let terms = NoticeTerms {
        number: &number,
        sends_max: 100,
        window_ms: 30_000,
    };
    let begun: Timestamp = road.database.store.now().await.unwrap();
    let mut calls = Vec::new();
    while calls.len() < 30 {
        let store = &road.database.store;
        let looks = (0..2).map(|_| {
            store.exchange_notices(&[], terms, |docket, candidates| {
                let mut left = docket.sends_max;
                let acts = as_template(docket, candidates).into_iter();
                acts.map(|act| {
                    left -= 1;
                    if left >= 0 { act } else { NoticeAct::Leave }
                })
                .collect()
            })
        });
        for look in futures_util::future::join_all(looks).await {
            calls.extend(look.unwrap().sends.iter().map(|send| send.opaque.outbox));
        }
        let seconds = road
            .database
            .store
            .now()
            .await
            .unwrap()
            .duration_since(begun)
            .as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a few calls")]
        let made = calls.len() as f64;
        assert!(made <= 10.0 + 80.0 * seconds, "{made} in {seconds}");
    }
    let all = calls.len();
    calls.sort();
    calls.dedup();
    assert_eq!(calls.len(), all);
    // The bucket's rest is for replies.
    assert!(!road.sends(&[]).await.is_empty());
}

#[tokio::test]
async fn what_nobody_asks_for_any_more_is_taken_away() {
    let road = Road::new().await;
    road.exchange_words(PALESA, &["hi"]).await;
    let stranger = status("wamid.other", DeliveryStatus::Read, road.now(), None);
    road.webhook(vec![stranger]).await;
    let old =
        "SELECT (SELECT count(*) FROM webhook_envelopes) + (SELECT count(*) FROM parked_statuses)";
    let (store, messages) = (&road.database.store, "SELECT count(*) FROM messages");
    let (before, kept) = (
        road.database.number(old).await,
        road.database.number(messages).await,
    );
    assert_eq!(before, 3);
    road.advance(6 * 86_400).await;
    assert_eq!(store.clean_up(7).await.unwrap(), 0);
    road.advance(2 * 86_400).await;
    assert_eq!(store.clean_up(7).await.unwrap(), 3);
    assert_eq!(road.database.number(old).await, 0);
    assert_eq!(road.database.number(messages).await, kept);
}
