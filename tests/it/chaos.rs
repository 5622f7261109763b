//! Plugs are pulled while people write: nothing is lost, nothing is said twice, nothing out of order.

use std::time::Duration;

use serde_json::json;

use crate::world::Town;

const PEOPLE: usize = 40;
const MESSAGES_EACH: usize = 25;

fn person(n: usize) -> String {
    format!("+2760000{n:04}")
}

/// Everybody writes their numbers, one after another; a message that may not have left the phone is written again, with
/// another number, so that each message that did leave it is told from all others.
async fn everybody_writes(town: &Town, numbers: std::ops::Range<usize>) -> usize {
    let mut sent = 0;
    for number in numbers {
        for n in 0..PEOPLE {
            sent += usize::from(
                town.writes(&person(n), &format!("number {}", number * 100 + n))
                    .await,
            );
        }
    }
    sent
}

/// A webhook that could not be handed over comes again, whatever came meanwhile: then only the order of arrival can be kept.
async fn everybody_is_answered_in_some_order(town: &Town) {
    for n in 0..PEOPLE {
        let person = person(n);
        let answered =
            async || town.received(&person).await.len() >= town.written(&person).await.len();
        town.wait(&format!("answers for {person}"), answered).await;
        let (mut owed, mut received) = (
            owed(&town.written(&person).await),
            town.received(&person).await,
        );
        owed.sort();
        received.sort();
        assert_eq!(received, owed, "{person}");
    }
}

/// What the bot owes a person for what they wrote.
fn owed(written: &[String]) -> Vec<String> {
    written
        .iter()
        .map(|text| format!("You said {}.", text.trim_start_matches("number ")))
        .collect()
}

async fn everybody_is_answered(town: &Town) {
    for n in 0..PEOPLE {
        let person = person(n);
        let answered =
            async || town.received(&person).await.len() >= town.written(&person).await.len();
        town.wait(&format!("answers for {person}"), answered).await;
        let (written, received) = (town.written(&person).await, town.received(&person).await);
        assert!(!written.is_empty());
        assert_eq!(received, owed(&written), "{person}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_program_loses_nothing_doubles_nothing_and_keeps_the_order() {
    let mut town = Town::open("kill").await;
    let third = MESSAGES_EACH / 3;
    let mut sent = everybody_writes(&town, 0..third).await;
    town.kill();
    town.start().await;
    sent += everybody_writes(&town, third..2 * third).await;
    town.kill();
    town.start().await;
    sent += everybody_writes(&town, 2 * third..MESSAGES_EACH).await;
    assert!(
        sent > PEOPLE * MESSAGES_EACH * 9 / 10,
        "only {sent} messages were written"
    );
    everybody_is_answered(&town).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_database_loses_nothing_and_doubles_nothing() {
    let mut town = Town::open("database").await;
    let half = MESSAGES_EACH / 2;
    everybody_writes(&town, 0..half).await;
    town.kill_database();
    everybody_writes(&town, half..MESSAGES_EACH).await;
    town.kill();
    town.start().await;
    everybody_is_answered_in_some_order(&town).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_whatsapp_loses_nothing_and_doubles_nothing() {
    let town = Town::open("faults").await;
    for (seed, fault) in [
        "error_after_accept",
        "error_before_accept",
        "ok_without_id",
        "truncated_answer",
        "rate_limited",
    ]
    .into_iter()
    .enumerate()
    {
        town.fault(&json!({ "fault": fault, "probability": 0.04, "seed": seed }))
            .await;
    }
    town.fault(&json!({ "fault": "duplicate_webhooks", "probability": 0.2, "seed": 7 }))
        .await;
    town.fault(
        &json!({ "fault": "reorder_webhooks", "probability": 0.2, "seed": 8, "delay_ms": 20 }),
    )
    .await;
    everybody_writes(&town, 0..5).await;
    town.heal().await;
    everybody_is_answered_in_some_order(&town).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_rule_is_live_within_a_second_and_a_broken_one_changes_nothing() {
    let town = Town::open("rules").await;
    let pack = std::fs::read_to_string(town.rules()).unwrap();
    assert!(town.writes(&person(1), "number 1").await);
    town.wait("the old answer", async || {
        town.received(&person(1)).await == ["You said 1."]
    })
    .await;
    std::fs::write(town.rules(), pack.replace("You said", "You wrote")).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(town.writes(&person(1), "number 2").await);
    town.wait("the new answer", async || {
        town.received(&person(1)).await.len() == 2
    })
    .await;
    assert_eq!(town.received(&person(1)).await[1], "You wrote 2.");
    std::fs::write(town.rules(), pack.replace("reply:", "rely:")).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(town.writes(&person(1), "number 3").await);
    town.wait("an answer by the old rules", async || {
        town.received(&person(1)).await.len() == 3
    })
    .await;
    assert_eq!(town.received(&person(1)).await[2], "You wrote 3.");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_hand_over_the_bot_is_silent_until_staff_give_the_conversation_back() {
    let town = Town::open("handoff").await;
    let person = person(3);
    assert!(town.writes(&person, "i need a person now").await);
    town.wait("the hand-over", async || {
        town.received(&person).await == ["A colleague answers you."]
    })
    .await;
    assert!(town.writes(&person, "number 5").await);
    let list = town.command(&["conversations", "--json"]);
    let waiting: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!(waiting["team"], "desk");
    let id = waiting["conversation"].as_str().unwrap();
    let reply = town.command(&["reply", id, "Good day, this is Thabo."]);
    assert!(
        reply.status.success(),
        "{}",
        String::from_utf8_lossy(&reply.stderr)
    );
    town.wait("the reply", async || {
        town.received(&person).await.len() == 2
    })
    .await;
    assert!(town.command(&["resolve", id]).status.success());
    assert!(town.writes(&person, "number 6").await);
    town.wait("the bot", async || town.received(&person).await.len() == 3)
        .await;
    assert_eq!(
        town.received(&person).await,
        [
            "A colleague answers you.",
            "Good day, this is Thabo.",
            "You said 6."
        ]
    );
}
