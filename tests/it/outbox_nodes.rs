//! Several nodes with one database and one number, and a Cloud API that counts: one pace, no call twice, and replies that
//! do not feel the notices.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use jiff::SignedDuration;
use puisano::channels::whatsapp::{Client, Connection};
use puisano::model::{
    Class, ContactId, ConversationId, Filling, Notice, OnUnknown, Origin, OutboxId, OutgoingContent,
};
use puisano::outbound::worker::{self, Outbox, Pace};
use puisano::rulesets::{Folders, LiveRules, compile};
use puisano::security::Secret;
use puisano::settings::{Access, Channel, Live};
use puisano::store::Topic;
use puisano::store::notifications::NewNotice;
use puisano::tasks::Tasks;
use puisano_engine::{Consent, Filled, Language};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::ingest::OUR_NUMBER;
use crate::road::Road;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const PER_SECOND: u32 = 80;

/// What a Cloud API was asked: when, and what it was about.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<(Instant, String)>>>);

impl Calls {
    fn all(&self) -> Vec<(Instant, String)> {
        self.0.lock().unwrap().clone()
    }

    async fn wait_for(&self, count: usize) {
        let begun = Instant::now();
        while self.all().len() < count {
            assert!(
                begun.elapsed() < PATIENCE,
                "only {} of {count} calls",
                self.all().len()
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

async fn cloud_api() -> (SocketAddr, Calls) {
    async fn messages(State(calls): State<Calls>, Json(body): Json<Value>) -> Json<Value> {
        let opaque = body["biz_opaque_callback_data"]
            .as_str()
            .unwrap()
            .to_owned();
        let mut calls = calls.0.lock().unwrap();
        calls.push((Instant::now(), opaque));
        Json(json!({ "messages": [{ "id": format!("wamid.{}", calls.len()) }] }))
    }
    let calls = Calls::default();
    let router = axum::Router::new()
        .route("/{version}/{id}/messages", axum::routing::post(messages))
        .with_state(calls.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "a server that ends with the test"
    )]
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, calls)
}

/// A node's senders.
fn start_node(road: &Road, api: SocketAddr, tasks: &Tasks) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = Folders {
        rules: root.join("tests/it/world"),
        lexicons: root.join("lexicons"),
    };
    let client = Client::new(Connection {
        api_url: format!("http://{api}"),
        api_version: "v24.0".to_owned(),
        access_token: Secret::new("test"),
    });
    let outbox = Outbox {
        store: road.database.store.clone(),
        live: Live::new(Channel {
            access: Access {
                app_secrets: Vec::new(),
                verify_tokens: Vec::new(),
                phone_number_id: OUR_NUMBER.into(),
                origin: Origin::Live,
            },
            client: client.unwrap(),
            business_account_id: "1".to_owned(),
        }),
        rules: LiveRules::new(compile(folders.load().unwrap()).live.unwrap()),
        pace: Pace {
            number_per_second: PER_SECOND,
            unknown_window_ms: 30_000,
            notices_per_day: 1_000,
        },
        clock: road.database.clock.clone(),
    };
    worker::start(&outbox, tasks);
}

/// People who have written just now: their conversations and contacts.
async fn people(road: &Road, count: i32) -> Vec<(Uuid, Uuid)> {
    sqlx::query(
        "WITH person AS (
             INSERT INTO contacts (id, origin, created_at)
             SELECT gen_random_uuid(), 'live', puisano_now() FROM generate_series(1, $1) RETURNING id),
         phone AS (
             INSERT INTO contact_identifiers (kind, value, contact_id, linked_at)
             SELECT 'phone', '+2762' || lpad(row_number() OVER ()::text, 7, '0'), id, puisano_now() FROM person),
         talk AS (
             INSERT INTO conversations (id, phone_number_id, contact_id, origin, created_at)
             SELECT gen_random_uuid(), $2, id, 'live', puisano_now() FROM person RETURNING id, contact_id)
         INSERT INTO messages (conversation_id, id, contact_id, phone_number_id, origin, direction, author, sender, recipient,
                               message_type, content, sent_at, received_at, status)
         SELECT id, ('ffff' || right(gen_random_uuid()::text, 32))::uuid, contact_id, $2, 'live', 'inbound', 'contact', '',
                $2, 'text', 'hello', puisano_now(), puisano_now(), 'received'
         FROM talk",
    )
    .bind(count)
    .bind(OUR_NUMBER)
    .execute(&road.database.pool)
    .await
    .unwrap();
    sqlx::query_as("SELECT id, contact_id FROM conversations ORDER BY id")
        .fetch_all(&road.database.pool)
        .await
        .unwrap()
}

/// One notice for each of `people`.
async fn notices(road: &Road, people: &[(Uuid, Uuid)]) {
    for people in people.chunks(500) {
        let batch: Vec<NewNotice> = people
            .iter()
            .map(|(conversation, contact)| NewNotice {
                id: OutboxId(road.database.clock.new_id()),
                tag: 7,
                conversation: ConversationId(*conversation),
                contact: ContactId(*contact),
                class: Class::Bulk,
                category: Consent::Service,
                critical: true,
                on_unknown: OnUnknown::Hold,
                notification: None,
                template: None,
                account: None,
                content: OutgoingContent::Notice(Notice {
                    template: "service_interruption".to_owned(),
                    fillings: vec![Filling {
                        language: Language::EN,
                        text: "No water tomorrow.".to_owned(),
                        filled: Filled::default(),
                    }],
                }),
                message_type: "template",
                text: "No water tomorrow.".to_owned(),
                reply_to: None,
                due_at: road.now(),
                expires_at: road.now() + SignedDuration::from_hours(24),
            })
            .collect();
        road.database.store.put_notices(&batch).await.unwrap();
    }
}

/// The most calls in any second.
fn busiest_second(calls: &[(Instant, String)]) -> usize {
    let times: Vec<Instant> = calls.iter().map(|(at, _)| *at).collect();
    let within = |from: usize| {
        let later = times[from..].iter();
        later
            .take_while(|at| at.duration_since(times[from]) < Duration::from_secs(1))
            .count()
    };
    (0..times.len()).map(within).max().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_keep_one_pace_and_make_no_call_twice() {
    const NOTICES: usize = 240;
    let road = Road::new().await;
    let (api, calls) = cloud_api().await;
    notices(&road, &people(&road, 240).await).await;
    let nodes = [Tasks::default(), Tasks::default()];
    for node in &nodes {
        start_node(&road, api, node);
    }
    calls.wait_for(NOTICES).await;
    for node in &nodes {
        assert!(node.stop(PATIENCE).await);
    }
    let calls = calls.all();
    let different: BTreeSet<_> = calls.iter().map(|(_, about)| about).collect();
    assert_eq!((calls.len(), different.len()), (NOTICES, NOTICES));
    // Calls overtake each other on their way: a few more may arrive in a second than were let go in it.
    let busiest = busiest_second(&calls);
    assert!(busiest <= 80 + 8, "{busiest} calls in a second");
    assert!(busiest >= 40, "{busiest} calls in a second");
    let sent = "SELECT count(*) FROM outbox WHERE state = 'sent'";
    assert_eq!(road.database.number(sent).await, 240);
}

/// Puts 25 replies a second into lanes for `seconds`: how long each took to the Cloud API, in order of length.
async fn replies(
    road: &Road,
    calls: &Calls,
    people: &[(Uuid, Uuid)],
    seconds: usize,
) -> Vec<Duration> {
    const PER_SECOND: usize = 25;
    let mut asked = Vec::new();
    let begun = Instant::now();
    for number in 0..seconds * PER_SECOND {
        let due =
            begun + Duration::from_millis(u64::try_from(number * 1_000 / PER_SECOND).unwrap());
        tokio::time::sleep_until(due.into()).await;
        let (conversation, contact) = people[number % people.len()];
        let id = road.database.clock.new_id();
        sqlx::query(
            "WITH queued AS (
                 INSERT INTO outbox (conversation_id, id, seq, tag, contact_id, phone_number_id, author, epoch, content,
                                     state, due_at, expires_at, created_at)
                 VALUES ($1, $2, $5, 7, $3, $4, 'bot', 0, '{\"type\": \"text\", \"text\": \"hi\"}', 'pending',
                         puisano_now(), puisano_now() + interval '1 day', puisano_now()))
             INSERT INTO lanes AS l (conversation_id, epoch, ready_at) VALUES ($1, 0, puisano_now())
             ON CONFLICT (conversation_id) DO UPDATE SET ready_at = least(l.ready_at, excluded.ready_at)",
        )
        .bind(conversation)
        .bind(id)
        .bind(contact)
        .bind(OUR_NUMBER)
        .bind(i64::try_from(number + 1).unwrap())
        .execute(&road.database.pool)
        .await
        .unwrap();
        asked.push((id.simple().to_string(), Instant::now()));
        road.database.store.wake(Topic::Outbox);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let calls = calls.all();
    let mut took: Vec<Duration> = asked
        .iter()
        .map(|(id, asked)| {
            let call = calls.iter().find(|(_, about)| about.contains(id.as_str()));
            call.expect("a reply was not sent").0.duration_since(*asked)
        })
        .collect();
    took.sort();
    took
}

fn percentile(took: &[Duration], percent: usize) -> Duration {
    took[(took.len() * percent / 100).min(took.len() - 1)]
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_do_not_feel_the_notices_that_are_queued() {
    const SECONDS: usize = 4;
    let road = Road::new().await;
    let (api, calls) = cloud_api().await;
    let people = people(&road, 3_000).await;
    let node = Tasks::default();
    start_node(&road, api, &node);
    let (writers, others) = people.split_at(200);
    let alone = replies(&road, &calls, &writers[..100], SECONDS).await;
    notices(&road, others).await;
    let among = replies(&road, &calls, &writers[100..], SECONDS).await;
    let all = calls.all().len();
    assert!(all > 2 * SECONDS * 25 + 100, "notices go on: {all} calls");
    assert!(all < 2_900, "notices were queued all the time: {all} calls");
    for (percent, more) in [(50, 15), (95, 60)] {
        let (alone, among) = (percentile(&alone, percent), percentile(&among, percent));
        // Twice and a little: a busy machine is no reason to fail. The benchmark measures.
        assert!(
            among <= 2 * alone + Duration::from_millis(more),
            "p{percent}: {alone:?} alone, {among:?} among notices"
        );
    }
    assert!(node.stop(PATIENCE).await);
}
