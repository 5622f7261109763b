//! The outbox: in order, nothing twice that could be known, nothing lost, nothing sent after a hand-over.

use puisano::conversations::handoff;
use puisano::model::DeliveryStatus;
use puisano::store::outbox::Verdict;
use puisano::store::turns::{FinishedTurns, Which};

use crate::ingest::status;
use crate::road::{PALESA, Road, WINDOW_SECONDS, result, retry, sent, texts_of, unknown};

#[tokio::test]
async fn nothing_passes_the_head_of_a_lane() {
    let road = Road::new().await;
    let conversation = road.exchange_words(PALESA, &["one", "two"]).await;
    road.exchange_words("+27600000002", &["other"]).await;
    let first = road.sends(&[]).await;
    assert_eq!(texts_of(&first), ["one", "other"]);
    assert!(road.sends(&[]).await.is_empty(), "two waits for one");
    let second = road.sends(&[sent(&first[0])]).await;
    assert_eq!(texts_of(&second), ["two"]);
    assert!(
        road.sends(&[sent(&second[0]), sent(&first[1])])
            .await
            .is_empty()
    );
    assert_eq!(road.states(conversation).await, ["sent", "sent"]);
    let record = "SELECT concat_ws(' ', status, wamid IS NOT NULL) FROM messages WHERE direction = 'outbound'";
    assert_eq!(road.database.texts(record).await, ["accepted t"; 3]);
    assert_eq!(
        road.database
            .number("SELECT count(*) FROM lanes WHERE ready_at < 'infinity'")
            .await,
        0
    );
}

#[tokio::test]
async fn what_was_not_sent_is_tried_again_and_given_up_in_the_end() {
    let road = Road::new().await;
    let conversation = road.exchange_words(PALESA, &["one", "two"]).await;
    for attempt in 1..=6 {
        let sends = road.sends(&[]).await;
        assert_eq!(
            (texts_of(&sends), sends[0].attempt, sends[0].tries),
            (vec!["one"], attempt, attempt - 1)
        );
        let after = road.sends(&[retry(&sends[0], 1_000, false)]).await;
        if attempt < 6 {
            assert!(after.is_empty());
            road.advance(2).await;
        } else {
            assert_eq!(texts_of(&after), ["two"], "the lane goes on");
        }
    }
    assert_eq!(road.states(conversation).await, ["rejected", "sending"]);
    let shown =
        "SELECT concat_ws(' ', status, errors->0->>'title') FROM messages WHERE content = 'one'";
    assert_eq!(road.database.texts(shown).await, ["failed try again"]);
}

#[tokio::test]
async fn a_recipient_who_gets_too_much_is_left_alone_four_times_longer_each_time() {
    let road = Road::new().await;
    road.exchange_words(PALESA, &["one"]).await;
    for wait in [1, 4, 16, 64] {
        let sends = road.sends(&[]).await;
        assert_eq!(sends.len(), 1, "{wait}");
        road.sends(&[retry(&sends[0], 0, true)]).await;
        if wait > 1 {
            road.advance(wait - 2).await;
            assert!(road.sends(&[]).await.is_empty(), "{wait}");
        }
        road.advance(3).await;
    }
}

#[tokio::test]
async fn a_refusal_is_shown_and_the_lane_goes_on() {
    let road = Road::new().await;
    let conversation = road.exchange_words(PALESA, &["one", "two"]).await;
    let sends = road.sends(&[]).await;
    let refused = Verdict::Rejected {
        code: Some(131_047),
        failure: "More than 24 hours have passed.".to_owned(),
    };
    assert_eq!(
        texts_of(&road.sends(&[result(&sends[0], refused)]).await),
        ["two"]
    );
    let item = &road.database.store.outbox_of(conversation).await.unwrap()[0];
    assert_eq!(item.failure_code, Some(131_047));
    let shown =
        "SELECT concat_ws(' ', status, errors->0->>'code') FROM messages WHERE content = 'one'";
    assert_eq!(road.database.texts(shown).await, ["failed 131047"]);
}

#[tokio::test]
async fn an_unknown_message_is_sent_once_more_then_held() {
    let road = Road::new().await;
    let conversation = road.exchange_words(PALESA, &["one", "two"]).await;
    let first = road.sends(&[]).await;
    assert!(road.sends(&[unknown(&first[0])]).await.is_empty());
    assert_eq!(road.states(conversation).await, ["unknown", "pending"]);
    assert_eq!(
        road.database
            .texts("SELECT status FROM messages WHERE content = 'one'")
            .await,
        ["unknown"]
    );
    road.advance(WINDOW_SECONDS - 5).await;
    assert!(road.sends(&[]).await.is_empty(), "the window is open");
    road.advance(6).await;
    let again = road.sends(&[]).await;
    assert_eq!((texts_of(&again), again[0].attempt), (vec!["one"], 2));
    road.sends(&[unknown(&again[0])]).await;
    road.advance(WINDOW_SECONDS + 1).await;
    assert_eq!(
        texts_of(&road.sends(&[]).await),
        ["two"],
        "held, and the lane goes on"
    );
    assert_eq!(road.states(conversation).await, ["held", "sending"]);
    assert_eq!(
        road.database
            .texts("SELECT status FROM messages WHERE content = 'one'")
            .await,
        ["held"]
    );
}

#[tokio::test]
async fn the_window_begins_anew_after_a_standstill() {
    let road = Road::new().await;
    road.exchange_words(PALESA, &["one"]).await;
    let first = road.sends(&[]).await;
    road.sends(&[unknown(&first[0])]).await;
    road.advance(WINDOW_SECONDS + 1).await;
    let terms = puisano::store::outbox::Terms {
        number: &crate::road::number(),
        sends_max: 10,
        window_ms: 30_000,
        healthy_since: None,
    };
    assert!(
        road.database
            .store
            .exchange_sends(&[], terms)
            .await
            .unwrap()
            .sends
            .is_empty()
    );
    road.advance(WINDOW_SECONDS + 1).await;
    assert_eq!(road.sends(&[]).await.len(), 1);
}

#[tokio::test]
async fn a_status_that_echoes_our_id_settles_an_unknown_message() {
    for lost_by_crash in [false, true] {
        let road = Road::new().await;
        let conversation = road.exchange_words(PALESA, &["one", "two"]).await;
        let first = road.sends(&[]).await;
        if !lost_by_crash {
            road.sends(&[unknown(&first[0])]).await;
        }
        let opaque = first[0].opaque.clone();
        let stranger = puisano::model::OpaqueId {
            tag: opaque.tag ^ 1,
            ..opaque.clone()
        };
        road.webhook(vec![status(
            "wamid.z",
            DeliveryStatus::Sent,
            road.now(),
            Some(stranger.to_string()),
        )])
        .await;
        assert_eq!(
            road.states(conversation).await[0],
            if lost_by_crash { "sending" } else { "unknown" }
        );
        road.webhook(vec![status(
            "wamid.x",
            DeliveryStatus::Delivered,
            road.now(),
            Some(opaque.to_string()),
        )])
        .await;
        assert_eq!(road.states(conversation).await[0], "sent");
        let record = "SELECT concat_ws(' ', status, wamid) FROM messages WHERE content = 'one'";
        assert_eq!(road.database.texts(record).await, ["delivered wamid.x"]);
        assert_eq!(texts_of(&road.sends(&[]).await), ["two"]);
        // The id of the message is known now, so later statuses need no opaque id.
        road.webhook(vec![status(
            "wamid.x",
            DeliveryStatus::Read,
            road.now(),
            None,
        )])
        .await;
        assert_eq!(road.database.texts(record).await, ["read wamid.x"]);
    }
}

#[tokio::test]
async fn statuses_and_the_answer_to_the_call_may_come_in_any_order() {
    for (before, opaque) in [(true, true), (true, false), (false, true), (false, false)] {
        let road = Road::new().await;
        road.exchange_words(PALESA, &["one"]).await;
        let sends = road.sends(&[]).await;
        let answer = sent(&sends[0]);
        let Verdict::Sent { wamid: Some(wamid) } = answer.verdict.clone() else {
            unreachable!()
        };
        let echo = opaque.then(|| sends[0].opaque.to_string());
        let kinds = [
            DeliveryStatus::Read,
            DeliveryStatus::Sent,
            DeliveryStatus::Failed,
        ];
        let statuses = kinds
            .map(|kind| status(wamid.as_str(), kind, road.now(), echo.clone()))
            .to_vec();
        if before {
            road.webhook(statuses).await;
            road.sends(&[answer]).await;
        } else {
            road.sends(&[answer]).await;
            road.webhook(statuses).await;
        }
        let record = "SELECT concat_ws(' ', status, wamid) FROM messages WHERE content = 'one'";
        assert_eq!(
            road.database.texts(record).await,
            [format!("read {wamid}")],
            "{before} {opaque}"
        );
        let counts = road.database.store.counts().await.unwrap();
        assert_eq!((counts.status_events, counts.parked_statuses), (3, 0));
    }
}

#[tokio::test]
async fn a_late_answer_to_an_earlier_call_changes_nothing() {
    let road = Road::new().await;
    let conversation = road.exchange_words(PALESA, &["one"]).await;
    let first = road.sends(&[]).await;
    road.advance(31).await;
    // The call is lost; it may have been made, so it waits for a status like any unknown one.
    let second = road.sends(&[]).await;
    let second = if second.is_empty() {
        road.advance(WINDOW_SECONDS).await;
        road.sends(&[]).await
    } else {
        second
    };
    assert_eq!(second[0].attempt, 2);
    road.sends(&[retry(&first[0], 0, false)]).await;
    assert_eq!(
        road.states(conversation).await,
        ["sending"],
        "the second call is still being made"
    );
    assert!(road.sends(&[]).await.is_empty());
    road.sends(&[sent(&second[0])]).await;
    assert_eq!(road.states(conversation).await, ["sent"]);
}

#[tokio::test]
async fn after_a_restart_everything_goes_on_in_order() {
    let road = Road::new().await;
    let conversation = road.exchange_words(PALESA, &["one", "two", "three"]).await;
    let first = road.sends(&[]).await;
    let second = road.sends(&[sent(&first[0])]).await;
    assert_eq!(texts_of(&second), ["two"]);
    // Down in the middle of the second call; up again, and the status tells that it was made.
    road.advance(31).await;
    assert!(road.sends(&[]).await.is_empty() || texts_of(&second) == ["two"]);
    road.webhook(vec![status(
        "w2",
        DeliveryStatus::Sent,
        road.now(),
        Some(second[0].opaque.to_string()),
    )])
    .await;
    assert_eq!(texts_of(&road.sends(&[]).await), ["three"]);
    assert_eq!(road.states(conversation).await, ["sent", "sent", "sending"]);
}

#[tokio::test]
async fn nothing_is_sent_after_a_hand_over_but_its_own_words() {
    let road = Road::new().await;
    road.says(PALESA, &["hello"]).await;
    road.answers(&["one", "two", "three"]).await;
    let first = road.sends(&[]).await;
    road.says(PALESA, &["a person please"]).await;
    let due = road.due().await;
    road.finish(&[road.handed_over(&due[0], &["somebody will come"])])
        .await;
    let conversation = road.conversation_of(PALESA).await;
    let next = road.sends(&[sent(&first[0])]).await;
    assert_eq!(texts_of(&next), ["somebody will come"]);
    handoff::reply(
        &road.database.store,
        &road.database.clock,
        conversation,
        "good day",
    )
    .await
    .unwrap();
    let last = road.sends(&[sent(&next[0])]).await;
    assert_eq!(texts_of(&last), ["good day"]);
    handoff::resolve(&road.database.store, &road.database.clock, conversation)
        .await
        .unwrap();
    road.sends(&[sent(&last[0])]).await;
    assert_eq!(
        road.states(conversation).await,
        ["sent", "cancelled", "cancelled", "sent", "sent"]
    );
    let cancelled = road
        .database
        .number("SELECT count(*) FROM messages WHERE status = 'cancelled'")
        .await;
    assert_eq!(cancelled, 2);
}

#[tokio::test]
async fn a_hand_over_also_stops_an_item_that_waits_for_its_next_try() {
    let road = Road::new().await;
    road.exchange_words(PALESA, &["one"]).await;
    let first = road.sends(&[]).await;
    road.sends(&[retry(&first[0], 60_000, false)]).await;
    let conversation = road.conversation_of(PALESA).await;
    handoff::reply(
        &road.database.store,
        &road.database.clock,
        conversation,
        "good day",
    )
    .await
    .unwrap();
    assert_eq!(
        texts_of(&road.sends(&[]).await),
        ["good day"],
        "and the person's words do not wait for it"
    );
}

#[tokio::test]
async fn what_cannot_be_sent_in_time_is_not_sent() {
    let road = Road::new().await;
    let conversation = road.exchange_words(PALESA, &["one"]).await;
    road.advance(24 * 3_600 + 1).await;
    assert!(road.sends(&[]).await.is_empty());
    assert_eq!(road.states(conversation).await, ["cancelled"]);
}

#[tokio::test]
async fn one_recipient_gets_45_at_once_and_then_one_in_six_seconds() {
    let road = Road::new().await;
    let texts: Vec<String> = (0..48).map(|at| at.to_string()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    road.exchange_words(PALESA, &texts).await;
    let mut made = 0;
    let mut results = Vec::new();
    loop {
        let sends = road.sends(&results).await;
        if sends.is_empty() {
            break;
        }
        made += sends.len();
        results = sends.iter().map(sent).collect();
    }
    assert!((45..=46).contains(&made), "{made}");
    road.advance(7).await;
    assert_eq!(road.sends(&[]).await.len(), 1);
}

#[tokio::test]
async fn a_reply_that_is_to_wait_waits() {
    let road = Road::new().await;
    road.says(PALESA, &["hello"]).await;
    let due = road.due().await;
    let mut finished: FinishedTurns<'_> = road.decided(&due[0], &["soon", "later"]);
    finished.items[1].due_at = due[0].now + jiff::SignedDuration::from_secs(20);
    finished.reply_tat = Some(due[0].now + jiff::SignedDuration::from_secs(80));
    road.finish(&[finished]).await;
    let first = road.sends(&[]).await;
    assert!(road.sends(&[sent(&first[0])]).await.is_empty());
    road.says(PALESA, &["and?"]).await;
    let due = road.due().await;
    assert!(
        due[0].reply_tat.is_some(),
        "the next turn knows what was used up"
    );
    road.advance(21).await;
    assert_eq!(texts_of(&road.sends(&[]).await), ["later"]);
}

/// A sender looks at an idle lane while a reply is being put into it: whoever comes first, the reply is found.
#[tokio::test]
async fn a_reply_put_into_a_lane_that_is_being_emptied_is_not_overlooked() {
    let road = Road::new().await;
    let conversation = road.exchange_words(PALESA, &["one"]).await;
    let first = road.sends(&[]).await;
    road.says(PALESA, &["more"]).await;
    let due = road.due().await;
    let finished = [road.decided(&due[0], &["two"])];
    let mut sender = road.database.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM lanes FOR UPDATE")
        .execute(&mut *sender)
        .await
        .unwrap();
    let emptying = async {
        sqlx::query("UPDATE lanes SET ready_at = 'infinity'")
            .execute(&mut *sender)
            .await
            .unwrap();
        while road
            .database
            .number("SELECT count(*) FROM pg_locks WHERE NOT granted")
            .await
            == 0
        {
            tokio::task::yield_now().await;
        }
        sender.commit().await.unwrap();
    };
    let (written, ()) = tokio::join!(road.finish(&finished), emptying);
    assert_eq!(written, [conversation]);
    assert_eq!(texts_of(&road.sends(&[sent(&first[0])]).await), ["two"]);
}

#[tokio::test]
async fn two_senders_never_make_the_same_call() {
    let road = Road::new().await;
    for number in 0..30 {
        road.says(&format!("+276000001{number:02}"), &["hello"])
            .await;
    }
    assert_eq!(road.claims(Which::Suspect).await, []);
    road.answers(&["hi"]).await;
    let exchanges = futures_util::future::join_all((0..6).map(|_| road.exchange(&[]))).await;
    let calls: Vec<_> = exchanges
        .iter()
        .flat_map(|exchange| &exchange.sends)
        .map(|send| send.opaque.outbox)
        .collect();
    assert_eq!(calls.len(), 30);
    assert_eq!(
        calls
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        30
    );
}
