//! Notices in a town with the real program: plugs are pulled, tokens revoked, customers say STOP.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use puisano::clock::Clock;
use puisano::model::{
    Class, ContactId, ConversationId, Filling, Notice, OnUnknown, OutboxId, OutgoingContent,
};
use puisano::store::Store;
use puisano::store::notifications::NewNotice;
use puisano_engine::{Consent, Filled, Language};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::world::Town;

const PEOPLE: usize = 25;
/// Fewer than what one person may be sent at once.
const NOTICES_EACH: usize = 40;

fn person(n: usize) -> String {
    format!("+2761000{n:04}")
}

/// Everybody has written and been answered, so that notices go out as words.
async fn everybody_has_written(town: &Town) {
    for n in 0..PEOPLE {
        assert!(town.writes(&person(n), &format!("number {n}")).await);
    }
    for n in 0..PEOPLE {
        town.wait("an answer", async || {
            town.received(&person(n)).await.len() == 1
        })
        .await;
    }
}

async fn pool(town: &Town) -> PgPool {
    PgPool::connect(&town.store_url()).await.unwrap()
}

/// Puts `each` notices for everybody into the outbox, critical ones, so that neither the night nor a cap counts.
async fn notices(town: &Town, each: usize) {
    let pool = pool(town).await;
    let people: Vec<(Uuid, Uuid)> = sqlx::query_as("SELECT id, contact_id FROM conversations")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(people.len(), PEOPLE);
    let (store, clock) = (Store::connect(&town.store_url()).unwrap(), Clock::default());
    for number in 0..each {
        let batch: Vec<NewNotice> = people
            .iter()
            .map(|(conversation, contact)| {
                let text = format!("Notice {number}");
                let filling = Filling {
                    language: Language::EN,
                    text: text.clone(),
                    filled: Filled::default(),
                };
                NewNotice {
                    id: OutboxId(clock.new_id()),
                    tag: puisano::outbound::enqueue::random_tag(),
                    conversation: ConversationId(*conversation),
                    contact: ContactId(*contact),
                    class: if number % 2 == 0 {
                        Class::Bulk
                    } else {
                        Class::Notification
                    },
                    category: Consent::Account,
                    critical: true,
                    on_unknown: if number % 3 == 0 {
                        OnUnknown::Resend
                    } else {
                        OnUnknown::Hold
                    },
                    notification: None,
                    template: Some("payment_reminder".to_owned()),
                    account: None,
                    content: OutgoingContent::Notice(Notice {
                        template: "payment_reminder".to_owned(),
                        fillings: vec![filling],
                    }),
                    message_type: "template",
                    text,
                    reply_to: None,
                    due_at: clock.now(),
                    expires_at: clock.now() + SignedDuration::from_hours(24),
                }
            })
            .collect();
        store.put_notices(&batch).await.unwrap();
    }
    store.close().await;
}

/// How many notices are in each state.
async fn states(pool: &PgPool) -> BTreeMap<String, i64> {
    let counted: Result<Vec<(String, i64)>, _> = sqlx::query_as(
        "SELECT state, count(*) FROM outbox WHERE class IN ('notification', 'bulk') GROUP BY state",
    )
    .fetch_all(pool)
    .await;
    counted.unwrap_or_default().into_iter().collect()
}

async fn all_are_finished(town: &Town) {
    let pool = pool(town).await;
    town.wait("all notices", async || {
        let states = states(&pool).await;
        !states.is_empty()
            && ["pending", "sending", "unknown"]
                .iter()
                .all(|unfinished| !states.contains_key(*unfinished))
    })
    .await;
}

/// Of everybody: what came, all of it different.
async fn received(town: &Town) -> usize {
    let mut all = 0;
    for n in 0..PEOPLE {
        let came = town.received(&person(n)).await;
        let mut notices: Vec<_> = came
            .iter()
            .filter(|text| text.starts_with("Notice"))
            .collect();
        let count = notices.len();
        notices.sort();
        notices.dedup();
        assert_eq!(notices.len(), count, "{}: {came:?}", person(n));
        all += count;
    }
    all
}

fn words(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_notices_come_once_or_are_shown_as_unknown_whatever_is_killed() {
    let mut town = Town::open("notices").await;
    everybody_has_written(&town).await;
    notices(&town, NOTICES_EACH).await;
    let some = async |town: &Town, wanted: usize| {
        town.wait("some notices", async || received(town).await >= wanted)
            .await;
    };
    some(&town, 100).await;
    town.kill();
    town.start().await;
    some(&town, 300).await;
    town.kill_database();
    some(&town, 500).await;
    town.kill();
    town.start().await;
    all_are_finished(&town).await;
    let states = states(&pool(&town).await).await;
    let of = |state: &str| states.get(state).copied().unwrap_or(0);
    assert_eq!(of("sent") + of("held"), 1_000, "{states:?}");
    let came = i64::try_from(received(&town).await).unwrap();
    // What is held may have come or not; nobody knows, and that is shown.
    assert!(
        (of("sent")..=of("sent") + of("held")).contains(&came),
        "{came} came, {states:?}"
    );
    assert!(of("held") <= 200, "{states:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_after_stop() {
    let town = Town::open("stop").await;
    everybody_has_written(&town).await;
    notices(&town, NOTICES_EACH).await;
    town.wait("some notices", async || received(&town).await >= 100)
        .await;
    let pool = pool(&town).await;
    let mut stop = pool.begin().await.unwrap();
    sqlx::query("SELECT FROM contacts ORDER BY id FOR UPDATE")
        .execute(&mut *stop)
        .await
        .unwrap();
    sqlx::query(
        "UPDATE contacts SET opted_out = true, opted_out_at = puisano_now(), denied = '{account}'",
    )
    .execute(&mut *stop)
    .await
    .unwrap();
    stop.commit().await.unwrap();
    all_are_finished(&town).await;
    let after: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM outbox o JOIN contacts k ON k.id = o.contact_id
         WHERE o.class IN ('notification', 'bulk') AND o.sending_at > k.opted_out_at",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(after, 0);
    let states = states(&pool).await;
    assert!(states["cancelled"] > 500, "{states:?}");
    let sent = usize::try_from(states["sent"]).unwrap();
    town.wait("the last ones", async || received(&town).await == sent)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_pauses_with_a_reason_and_costs_and_doubles_nothing() {
    let mut town = Town::open("token").await;
    everybody_has_written(&town).await;
    notices(&town, 10).await;
    town.wait("some notices", async || received(&town).await >= 30)
        .await;
    town.fault(&json!({ "fault": "refuse", "code": 190 })).await;
    let paused = async || words(&town.command(&["outbox"])).contains("paused since");
    town.wait("the pause", paused).await;
    let told = words(&town.command(&["outbox"]));
    assert!(told.contains("(error 190)"), "{told}");
    assert!(told.contains("WHATSAPP_ACCESS_TOKEN"), "{told}");
    let doctor = town.command(&["doctor"]);
    assert!(
        words(&doctor).contains("paused since"),
        "{}",
        words(&doctor)
    );
    let waiting = town.command(&["outbox", "list", "--state", "waiting", "--json"]);
    assert!(words(&waiting).contains("pending"), "{}", words(&waiting));
    let calls = pool(&town).await;
    town.wait("the answers to be written down", async || {
        !states(&calls).await.contains_key("sending")
    })
    .await;
    // The pause outlives the program; the simulator's fault does not.
    town.kill();
    town.start().await;
    assert!(words(&town.command(&["outbox"])).contains("paused since"));
    assert!(town.command(&["outbox", "resume"]).status.success());
    all_are_finished(&town).await;
    let states = states(&pool(&town).await).await;
    assert_eq!(states, BTreeMap::from([("sent".to_owned(), 250)]));
    assert_eq!(received(&town).await, PEOPLE * 10);
    let told = words(&town.command(&["outbox"]));
    assert!(told.contains("sending"), "{told}");
    assert!(!told.contains("paused"), "{told}");
}
