//! The service's client and parser against the simulator, over real HTTP.

mod media;
mod templates;

use std::collections::{HashMap, VecDeque};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode};
use jiff::SignedDuration;
use puisano_engine::{Button, Row};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use uuid::Uuid;

use super::*;
use crate::channels::whatsapp::{self, Client, Connection, Deadlines, handshake, signature};
use crate::model::{
    ConversationId, DeliveryStatus, Event, InboundMessage, MessageType, OpaqueId, OutboxId,
    Outgoing, OutgoingContent, PhoneNumber, Recipient, SendOutcome, StatusUpdate, UserId, Wamid,
};

const PALESA: &str = "+27820001111";
const THABO: &str = "+27830002222";
const PATIENCE: Duration = Duration::from_secs(20);

/// Long enough to be accepted, short enough to wait for.
const HANG: Duration = Duration::from_secs(1);

/// A folder that is gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder =
            std::env::temp_dir().join(format!("puisano-simulator-{}", Uuid::from_u128(rand())));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn rand() -> u128 {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    u128::from_le_bytes(bytes)
}

/// A service that only takes webhooks: what it was sent, and what it is to answer.
#[derive(Clone)]
struct Service {
    url: String,
    bodies: watch::Sender<Vec<(String, Bytes)>>,
    answers: Arc<Mutex<VecDeque<StatusCode>>>,
}

impl Service {
    async fn start(tasks: &Tasks) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhook", listener.local_addr().unwrap());
        let service = Self {
            url,
            bodies: watch::Sender::new(Vec::new()),
            answers: Arc::default(),
        };
        let taking = service.clone();
        let take = move |headers: HeaderMap, body: Bytes| async move {
            let status = taking
                .answers
                .lock()
                .unwrap()
                .pop_front()
                .unwrap_or(StatusCode::OK);
            if status == StatusCode::OK {
                let signature = headers["x-hub-signature-256"].to_str().unwrap().to_owned();
                taking
                    .bodies
                    .send_modify(|bodies| bodies.push((signature, body)));
            }
            status
        };
        let router = Router::new().route("/webhook", axum::routing::post(take).get(shake_hands));
        tasks.spawn("service", async move {
            axum::serve(listener, router).await.unwrap();
        });
        service
    }

    /// The next answers; afterwards 200 again.
    fn answers(&self, answers: &[u16]) {
        self.answers.lock().unwrap().extend(
            answers
                .iter()
                .map(|code| StatusCode::from_u16(*code).unwrap()),
        );
    }

    fn events(&self) -> Vec<Event> {
        self.bodies
            .borrow()
            .iter()
            .flat_map(|(_, body)| whatsapp::parse(body).unwrap())
            .collect()
    }

    fn messages(&self) -> Vec<InboundMessage> {
        let message = |event| {
            if let Event::Message(message) = event {
                Some(*message)
            } else {
                None
            }
        };
        self.events().into_iter().filter_map(message).collect()
    }

    fn statuses(&self) -> Vec<StatusUpdate> {
        let status = |event| {
            if let Event::Status(status) = event {
                Some(status)
            } else {
                None
            }
        };
        self.events().into_iter().filter_map(status).collect()
    }

    async fn wait(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let mut changes = self.bodies.subscribe();
        let waiting = changes.wait_for(|_| true);
        drop(waiting.await);
        let all = async {
            while !done(self) {
                changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, all)
            .await
            .unwrap_or_else(|_| panic!("{what} did not come: {:?}", self.events()));
    }
}

async fn shake_hands(Query(query): Query<HashMap<String, String>>) -> (StatusCode, String) {
    let part = |name: &str| query.get(name).map(String::as_str);
    let handshake = handshake::Handshake {
        mode: part("hub.mode"),
        verify_token: part("hub.verify_token"),
        challenge: part("hub.challenge"),
    };
    // Whatever the simulator's token is, this service was given it.
    let token = Secret::new(part("hub.verify_token").unwrap_or_default());
    match handshake::answer(&token, handshake) {
        Some(challenge) => (StatusCode::OK, challenge.to_owned()),
        None => (StatusCode::FORBIDDEN, String::new()),
    }
}

/// A simulator, the service behind it, and a client to it.
struct World {
    simulator: Simulator,
    service: Service,
    clock: Clock,
    /// The simulator's own, so that it can be stopped alone.
    tasks: Tasks,
    http: reqwest::Client,
}

impl World {
    async fn start(folder: &Folder) -> Self {
        let service = Service::start(&Tasks::default()).await;
        Self::restart(folder, service).await
    }

    async fn restart(folder: &Folder, service: Service) -> Self {
        let (clock, tasks) = (Clock::default(), Tasks::default());
        let simulator = Simulator::start(config(&folder.0, &service.url, (&clock, &tasks)))
            .await
            .unwrap();
        Self {
            simulator,
            service,
            clock,
            tasks,
            http: plain_http(),
        }
    }

    /// Stops it and its tasks; its files are free again afterwards.
    async fn stop(self) -> Service {
        assert!(self.tasks.stop(PATIENCE).await, "the simulator stops");
        self.service
    }

    fn client(&self) -> Client {
        self.client_waiting(PATIENCE)
    }

    /// A client that waits so long for answers; a busy machine is no reason for it to hold a message back.
    fn client_waiting(&self, call: Duration) -> Client {
        let deadlines = Deadlines {
            call,
            release: PATIENCE,
            connect: PATIENCE,
        };
        let connection = Connection {
            api_url: self.simulator.api_url.clone(),
            api_version: "v24.0".to_owned(),
            access_token: self.simulator.access_token.clone(),
        };
        Client::with_deadlines(connection, deadlines).unwrap()
    }

    async fn send(&self, content: OutgoingContent) -> SendOutcome {
        self.client().send(&self.outgoing(content)).await
    }

    fn outgoing(&self, content: OutgoingContent) -> Outgoing {
        Outgoing {
            phone_number_id: self.simulator.phone_number_id.clone(),
            to: Recipient::Phone(PhoneNumber::parse(PALESA).unwrap()),
            content,
            reply_to: None,
            opaque: opaque(),
        }
    }

    async fn control(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let url = format!("{}/_simulator/{path}", self.simulator.api_url);
        let mut call = self.http.request(method, url);
        if let Some(body) = body {
            call = call
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answer = call.send().await.unwrap();
        let status = answer.status().as_u16();
        (
            status,
            serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default(),
        )
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.control(reqwest::Method::POST, path, Some(body)).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    async fn get(&self, path: &str) -> Value {
        self.control(reqwest::Method::GET, path, None).await.1
    }

    async fn says(&self, text: &str) -> Value {
        self.post(
            "messages",
            json!({ "from": PALESA, "name": "Palesa", "text": text }),
        )
        .await
    }

    async fn accepted_count(&self) -> usize {
        self.get("journal").await["accepted"]
            .as_array()
            .unwrap()
            .len()
    }

    async fn assert_known(&self, id: &str) {
        let url = format!("{}/v24.0/{id}", self.simulator.api_url);
        let token = self.simulator.access_token.expose();
        let call = self.http.get(url).bearer_auth(token);
        assert_eq!(call.send().await.unwrap().status().as_u16(), 200, "{id}");
    }

    /// The simulator's world has settled: nothing is on its way any more.
    async fn all_delivered(&self) {
        let all = async {
            while self.get("journal").await["webhooks"]["pending"] != 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, all).await.unwrap();
    }
}

fn client_of(account: &Account) -> Client {
    let connection = Connection {
        api_url: account.api_url.clone(),
        api_version: "v24.0".to_owned(),
        access_token: Secret::new(&account.access_token),
    };
    Client::new(connection).unwrap()
}

fn plain_http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap()
}

fn config(data: &Path, webhook_url: &str, (clock, tasks): (&Clock, &Tasks)) -> SimulatorConfig {
    SimulatorConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        data: data.to_owned(),
        webhook_url: webhook_url.to_owned(),
        clock: clock.clone(),
        tasks: tasks.clone(),
    }
}

fn opaque() -> OpaqueId {
    OpaqueId {
        conversation: ConversationId(Uuid::from_u128(1)),
        outbox: OutboxId(Uuid::from_u128(2)),
        tag: 3,
    }
}

fn text(text: &str) -> OutgoingContent {
    OutgoingContent::Text {
        text: text.to_owned(),
    }
}

fn accepted(outcome: SendOutcome) -> Wamid {
    match outcome {
        SendOutcome::Accepted { wamid: Some(wamid) } => wamid,
        other => panic!("{other:?}"),
    }
}

/// Kind and code of an outcome.
fn line(outcome: &SendOutcome) -> String {
    let (kind, failure) = match outcome {
        SendOutcome::Accepted { .. } => return "accepted".to_owned(),
        SendOutcome::NotSent(failure) => ("not sent", failure),
        SendOutcome::Rejected(failure) => ("rejected", failure),
        SendOutcome::Unknown(failure) => ("unknown", failure),
    };
    failure
        .code
        .map_or(kind.to_owned(), |code| format!("{kind} {code}"))
}

#[tokio::test]
async fn the_number_says_who_it_is_and_a_wrong_token_says_what_to_do() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let number = &world.simulator.phone_number_id;
    let described = world.client().describe(number).await;
    assert_eq!(described.unwrap(), "27510000000 (Simulated number)");
    let stranger = Client::new(Connection {
        api_url: world.simulator.api_url.clone(),
        api_version: "v24.0".to_owned(),
        access_token: Secret::new("not the token"),
    });
    let refused = stranger.unwrap().describe(number).await.unwrap_err();
    assert!(refused.ends_with("(190)"), "{refused}");
    let unknown = world.client().describe(&"1".into()).await.unwrap_err();
    assert!(unknown.ends_with("(33)"), "{unknown}");
}

#[tokio::test]
async fn a_message_and_its_answer_make_the_whole_round() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let written = world.says("Ha ho metsi 💧 a@b.co/é").await;
    world
        .service
        .wait("the message", |service| service.messages().len() == 1)
        .await;
    let message = world.service.messages().remove(0);
    assert_eq!(message.wamid.as_str(), written["wamid"]);
    assert_eq!(message.content.text, "Ha ho metsi 💧 a@b.co/é");
    assert_eq!(message.phone_number_id, world.simulator.phone_number_id);
    assert_eq!(
        message.from.phone.as_ref().map(PhoneNumber::as_str),
        Some(PALESA)
    );
    assert_eq!(
        message.from.user_id.as_ref().map(UserId::as_str),
        written["user_id"].as_str()
    );
    assert_eq!(message.from.name.as_deref(), Some("Palesa"));

    let read = OutgoingContent::Read {
        wamid: message.wamid.clone(),
        typing: true,
    };
    assert_eq!(
        world.send(read).await,
        SendOutcome::Accepted { wamid: None }
    );
    assert_eq!(
        world.get(&format!("conversations/{PALESA}")).await["typing"],
        true
    );
    let wamid = accepted(world.send(text("Re a utlwa")).await);
    world
        .service
        .wait("all statuses", |service| service.statuses().len() == 3)
        .await;
    for status in world.service.statuses() {
        assert_eq!(status.wamid, wamid);
        assert_eq!(
            status.opaque.as_deref(),
            Some(opaque().to_string().as_str())
        );
        assert_eq!(
            status.recipient.phone.as_ref().map(PhoneNumber::as_str),
            Some(PALESA)
        );
    }
    let view = world
        .get(&format!(
            "conversations/{PALESA}?after={}",
            written["cursor"]
        ))
        .await;
    assert_eq!(view["messages"].as_array().unwrap().len(), 1);
    let shown = &view["messages"][0];
    assert_eq!(
        (&shown["text"], &shown["by"], &shown["status"]),
        (&json!("Re a utlwa"), &json!("business"), &json!("read"))
    );
    assert_eq!(view["typing"], false);
    let whole = world.get(&format!("conversations/{PALESA}")).await;
    assert_eq!(whole["messages"][0]["status"], "read");
    assert_eq!(view["cursor"], shown["n"]);
}

#[tokio::test]
async fn webhooks_are_signed_and_escaped_as_whatsapp_does() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    world.says("é 💧 a/b c@d").await;
    world
        .service
        .wait("the message", |service| service.messages().len() == 1)
        .await;
    let (header, body) = world.service.bodies.borrow()[0].clone();
    assert!(signature::verify(
        std::slice::from_ref(&world.simulator.app_secret),
        &body,
        Some(header.as_bytes())
    ));
    assert!(!signature::verify(
        &[Secret::new("other")],
        &body,
        Some(header.as_bytes())
    ));
    let body = std::str::from_utf8(&body).unwrap();
    assert!(
        body.is_ascii() && body.contains(r"\u00e9 \ud83d\udca7 a\/b c\u0040d"),
        "{body}"
    );
}

/// One message under `fault`, one after it: what the first came to, and whether it was accepted.
async fn check_fault(world: &World, fault: Value, (expected, is_accepted): (&str, bool)) {
    let mut once = fault.clone();
    once["count"] = json!(1);
    world.post("faults", once).await;
    let before = world.accepted_count().await;
    let hangs = ["hang_before_accept", "timeout_after_accept"]
        .map(Value::from)
        .contains(&fault["fault"]);
    let client = world.client_waiting(if hangs { HANG } else { PATIENCE });
    let outcome = client.send(&world.outgoing(text("x"))).await;
    assert_eq!(line(&outcome), expected, "{fault}");
    assert_eq!(
        line(&world.send(text("y")).await),
        "accepted",
        "only once: {fault}"
    );
    let after = world.accepted_count().await;
    assert_eq!(after - before, 1 + usize::from(is_accepted), "{fault}");
}

#[tokio::test]
async fn every_fault_comes_to_the_right_outcome() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    world.says("hello").await;
    for (fault, expected, is_accepted) in [
        ("hang_before_accept", "unknown", false),
        ("timeout_after_accept", "unknown", true),
        ("error_before_accept", "unknown 131000", false),
        ("error_after_accept", "unknown 131000", true),
        ("ok_without_id", "unknown", true),
        ("truncated_answer", "unknown", true),
        ("rate_limited", "not sent", false),
        ("duplicate_webhooks", "accepted", true),
        ("reorder_webhooks", "accepted", true),
        ("hold_statuses", "accepted", true),
    ] {
        check_fault(&world, json!({ "fault": fault }), (expected, is_accepted)).await;
    }
    let listed = world.get("faults").await;
    let listed = listed["faults"].as_array().unwrap();
    assert!(
        listed
            .iter()
            .all(|fault| fault["struck"] == 1 && fault["count"] == 0)
    );
}

#[tokio::test]
async fn every_refusal_comes_to_the_right_outcome() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    world.says("hello").await;
    for (code, expected) in [
        (131_047, "rejected 131047"),
        (131_056, "not sent 131056"),
        (130_429, "not sent 130429"),
        (190, "not sent 190"),
        (368, "not sent 368"),
        (131_016, "unknown 131016"),
    ] {
        check_fault(
            &world,
            json!({ "fault": "refuse", "code": code }),
            (expected, false),
        )
        .await;
    }
    let failed = json!({ "fault": "failed_status", "code": 131_026 });
    check_fault(&world, failed, ("accepted", true)).await;
}

#[tokio::test]
async fn what_timed_out_after_it_was_accepted_is_echoed_by_its_statuses() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    world.says("hello").await;
    world
        .post(
            "faults",
            json!({ "fault": "timeout_after_accept", "count": 1 }),
        )
        .await;
    let client = world.client_waiting(HANG);
    let outcome = client.send(&world.outgoing(text("x"))).await;
    assert_eq!(line(&outcome), "unknown");
    world
        .service
        .wait("the echo", |service| !service.statuses().is_empty())
        .await;
    assert_eq!(
        world.service.statuses()[0].opaque,
        Some(opaque().to_string())
    );
}

#[tokio::test]
async fn a_failed_status_says_why() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    world.says("hello").await;
    world
        .post(
            "faults",
            json!({ "fault": "failed_status", "code": 131_026, "count": 1 }),
        )
        .await;
    accepted(world.send(text("x")).await);
    world
        .service
        .wait("the status", |service| !service.statuses().is_empty())
        .await;
    world.all_delivered().await;
    let statuses = world.service.statuses();
    assert_eq!(statuses.len(), 1);
    assert_eq!(
        (statuses[0].status, statuses[0].errors[0].code),
        (DeliveryStatus::Failed, 131_026)
    );
}

#[tokio::test]
async fn the_window_closes_after_a_day() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    assert_eq!(
        line(&world.send(text("x")).await),
        "rejected 131047",
        "who never wrote"
    );
    world.says("hello").await;
    assert_eq!(line(&world.send(text("x")).await), "accepted");
    world.clock.advance(SignedDuration::from_hours(23));
    assert_eq!(line(&world.send(text("x")).await), "accepted");
    world.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(line(&world.send(text("x")).await), "rejected 131047");
    world
        .post(
            "messages",
            json!({ "from": PALESA, "text": "old", "age_s": 90_000 }),
        )
        .await;
    assert_eq!(
        line(&world.send(text("x")).await),
        "rejected 131047",
        "an old message opens nothing"
    );
}

#[tokio::test]
async fn one_person_gets_45_messages_at_once_and_then_one_in_six_seconds() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    world.says("hello").await;
    let mut outcomes = Vec::new();
    for _ in 0..50 {
        outcomes.push(line(&world.send(text("x")).await));
    }
    let taken = outcomes
        .iter()
        .filter(|outcome| *outcome == "accepted")
        .count();
    assert!((45..=46).contains(&taken), "{taken}");
    assert_eq!(outcomes.last().unwrap(), "not sent 131056");
    world.clock.advance(SignedDuration::from_secs(6));
    assert_eq!(line(&world.send(text("x")).await), "accepted");
    world.post("limits", json!({ "pair_burst": 1_000 })).await;
    assert_eq!(line(&world.send(text("x")).await), "accepted");
}

#[tokio::test]
async fn a_wrong_token_number_or_message_is_refused() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    world.says("hello").await;
    let mut connection = Connection {
        api_url: world.simulator.api_url.clone(),
        api_version: "v24.0".to_owned(),
        access_token: Secret::new("wrong"),
    };
    let outcome = Client::new(connection.clone())
        .unwrap()
        .send(&world.outgoing(text("x")))
        .await;
    assert_eq!(line(&outcome), "not sent 190");
    connection.access_token = world.simulator.access_token.clone();
    connection.api_version = "latest".to_owned();
    let outcome = Client::new(connection)
        .unwrap()
        .send(&world.outgoing(text("x")))
        .await;
    assert_eq!(line(&outcome), "rejected 100");
    let other = Outgoing {
        phone_number_id: PhoneNumberId::from("1"),
        ..world.outgoing(text("x"))
    };
    assert_eq!(line(&world.client().send(&other).await), "not sent 33");
    assert_eq!(
        line(&world.send(text(&"x".repeat(4_097))).await),
        "rejected 131009"
    );
    let refused = world.get("journal").await["refused"].clone();
    let codes: Vec<_> = refused
        .as_array()
        .unwrap()
        .iter()
        .map(|refusal| refusal["code"].clone())
        .collect();
    assert_eq!(json!(codes), json!([190, 100, 33, 131_009]));
}

/// Buttons with one button, `yes`.
fn buttons() -> OutgoingContent {
    let buttons = vec![Button {
        id: "yes".to_owned(),
        title: "Ee".to_owned(),
    }];
    let header = Some("Metsi".to_owned());
    OutgoingContent::Buttons {
        header,
        text: "Water?".to_owned(),
        footer: None,
        buttons,
    }
}

fn list() -> OutgoingContent {
    let row = Row {
        id: "refuse".to_owned(),
        title: "Refuse".to_owned(),
        description: None,
    };
    OutgoingContent::List {
        header: None,
        text: "Choose".to_owned(),
        footer: Some("Mohokare".to_owned()),
        button: "Open".to_owned(),
        rows: vec![row],
    }
}

#[tokio::test]
async fn what_the_service_sends_is_shown_on_the_phone() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let written = world.says("hello").await;
    let wamid = Wamid::from(written["wamid"].as_str().unwrap());
    accepted(world.send(buttons()).await);
    accepted(world.send(list()).await);
    let emoji = "👍".to_owned();
    accepted(
        world
            .send(OutgoingContent::Reaction {
                wamid: wamid.clone(),
                emoji,
            })
            .await,
    );
    let quoting = Outgoing {
        reply_to: Some(wamid.clone()),
        ..world.outgoing(text("quoted"))
    };
    accepted(world.client().send(&quoting).await);
    let view = world
        .get(&format!(
            "conversations/{PALESA}?after={}",
            written["cursor"]
        ))
        .await;
    for (n, key, expected) in [
        (0, "header", json!("Metsi")),
        (0, "text", json!("Water?")),
        (0, "buttons", json!([{ "id": "yes", "title": "Ee" }])),
        (1, "button", json!("Open")),
        (1, "footer", json!("Mohokare")),
        (1, "rows", json!([{ "id": "refuse", "title": "Refuse" }])),
        (2, "emoji", json!("👍")),
        (2, "about", json!(wamid)),
        (3, "text", json!("quoted")),
        (3, "quotes", json!(wamid)),
    ] {
        assert_eq!(view["messages"][n][key], expected, "{n} {key}");
    }
}

#[tokio::test]
async fn a_tap_names_the_message_that_had_the_button() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    world.says("hello").await;
    let offering = accepted(world.send(buttons()).await);
    accepted(world.send(text("something else")).await);
    world
        .post(
            "messages",
            json!({ "from": PALESA, "button": { "id": "yes", "title": "Ee" } }),
        )
        .await;
    world
        .service
        .wait("the tap", |service| service.messages().len() == 2)
        .await;
    let messages = world.service.messages();
    let is_tap =
        |message: &&InboundMessage| message.content.message_type == MessageType::ButtonReply;
    let tapped = messages.iter().find(is_tap).unwrap();
    assert_eq!(tapped.content.button.as_deref(), Some("yes"));
    assert_eq!(tapped.reply_to.as_ref(), Some(&offering));
}

#[tokio::test]
async fn a_person_can_send_everything() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let cases = [
        (json!({ "text": "x" }), MessageType::Text),
        (
            json!({ "button": { "id": "a", "title": "A" } }),
            MessageType::ButtonReply,
        ),
        (
            json!({ "list": { "id": "a", "title": "A", "description": "D" } }),
            MessageType::ListReply,
        ),
        (
            json!({ "image": { "caption": "pothole" } }),
            MessageType::Image,
        ),
        (json!({ "video": {} }), MessageType::Video),
        (
            json!({ "document": { "filename": "a.pdf" } }),
            MessageType::Document,
        ),
        (json!({ "audio": {} }), MessageType::Audio),
        (json!({ "voice": {} }), MessageType::Voice),
        (json!({ "sticker": {} }), MessageType::Sticker),
        (
            json!({ "location": { "latitude": -29.8, "longitude": 27.0 } }),
            MessageType::Location,
        ),
        (
            json!({ "contacts": [{ "name": { "formatted_name": "T" } }] }),
            MessageType::Contacts,
        ),
        (
            json!({ "reaction": { "message_id": "wamid.A", "emoji": "👍" } }),
            MessageType::Reaction,
        ),
        (
            json!({ "message": { "type": "order", "order": { "catalog_id": "1" } } }),
            MessageType::Order,
        ),
    ];
    for (n, (content, expected)) in cases.into_iter().enumerate() {
        let mut written = content;
        written["from"] = json!(PALESA);
        let wamid = world.post("messages", written).await["wamid"]
            .as_str()
            .unwrap()
            .to_owned();
        world
            .service
            .wait("the message", |service| service.messages().len() == n + 1)
            .await;
        let message = world.service.messages().remove(n);
        assert_eq!(
            (message.content.message_type, message.wamid.as_str()),
            (expected, wamid.as_str())
        );
    }
}

#[tokio::test]
async fn odd_orders_are_refused_with_a_reason() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    for body in [
        json!({ "from": PALESA }),
        json!({ "from": PALESA, "text": "a", "image": {} }),
        json!({ "from": PALESA, "text": 5 }),
        json!({ "from": PALESA, "button": { "id": "a" } }),
        json!({ "from": PALESA, "telepathy": {} }),
        json!({ "from": "nobody", "text": "a" }),
    ] {
        let (status, answer) = world
            .control(reqwest::Method::POST, "messages", Some(body.clone()))
            .await;
        assert!(
            status == 400 && answer["error"].is_string(),
            "{body}: {status} {answer}"
        );
    }
    for fault in [
        json!({ "fault": "refuse" }),
        json!({ "fault": "error_before_accept", "probability": 2.0 }),
    ] {
        let (status, _) = world
            .control(reqwest::Method::POST, "faults", Some(fault.clone()))
            .await;
        assert_eq!(status, 400, "{fault}");
    }
    assert_eq!(world.get("journal").await["written"], json!([]));
}

#[tokio::test]
async fn a_person_may_be_known_by_user_id_only() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let hidden = json!({ "from": PALESA, "text": "hello", "hide_phone": true });
    let user_id = world.post("messages", hidden).await["user_id"]
        .as_str()
        .unwrap()
        .to_owned();
    world
        .service
        .wait("the message", |service| service.messages().len() == 1)
        .await;
    let from = world.service.messages().remove(0).from;
    assert_eq!(
        (from.phone, from.user_id.as_ref().map(UserId::as_str)),
        (None, Some(user_id.as_str()))
    );
    assert!(from.username.is_some_and(|name| !name.starts_with('@')));
    let to = |id: &str| Outgoing {
        to: Recipient::UserId(UserId::parse(id).unwrap()),
        ..world.outgoing(text("hi"))
    };
    accepted(world.client().send(&to(&user_id)).await);
    assert_eq!(
        line(&world.client().send(&to("ZA.1")).await),
        "rejected 131026"
    );
    assert_eq!(
        world.get(&format!("conversations/{PALESA}?after=1")).await["messages"][0]["text"],
        "hi"
    );
}

#[tokio::test]
async fn a_user_id_in_the_place_of_a_number_is_taken_and_lost() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let body = json!({ "messaging_product": "whatsapp", "to": "ZA.123", "type": "text", "text": { "body": "x" } });
    let url = format!(
        "{}/v24.0/{}/messages",
        world.simulator.api_url, world.simulator.phone_number_id
    );
    let call = world
        .http
        .post(url)
        .bearer_auth(world.simulator.access_token.expose())
        .body(body.to_string());
    assert_eq!(call.send().await.unwrap().status(), 200);
    let journal = world.get("journal").await;
    assert_eq!(
        (
            journal["lost"].as_array().unwrap().len(),
            &journal["accepted"]
        ),
        (1, &json!([]))
    );
}

#[tokio::test]
async fn webhooks_come_again_until_they_are_taken() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    world.service.answers(&[503, 500, 302, 201]);
    world.says("persistent").await;
    world
        .service
        .wait("the message", |service| service.messages().len() == 1)
        .await;
    world.all_delivered().await;
    assert_eq!(world.service.messages().len(), 1);
}

#[tokio::test]
async fn webhooks_can_come_twice_late_and_out_of_order() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    world
        .post(
            "faults",
            json!({ "fault": "duplicate_webhooks", "copies": 3, "count": 1 }),
        )
        .await;
    let wamid = world.says("thrice").await["wamid"].clone();
    world
        .service
        .wait("three copies", |service| service.messages().len() == 3)
        .await;
    assert!(
        world
            .service
            .messages()
            .iter()
            .all(|message| message.wamid.as_str() == wamid)
    );

    world
        .post(
            "faults",
            json!({ "fault": "reorder_webhooks", "count": 1, "to": THABO }),
        )
        .await;
    world.says("not for Palesa").await;
    world
        .post(
            "faults",
            json!({ "fault": "reorder_webhooks", "count": 1, "to": PALESA }),
        )
        .await;
    accepted(world.send(text("x")).await);
    world
        .service
        .wait("statuses", |service| service.statuses().len() == 3)
        .await;
    let words: Vec<_> = world
        .service
        .statuses()
        .iter()
        .map(|status| status.status)
        .collect();
    assert_eq!(
        words,
        [
            DeliveryStatus::Read,
            DeliveryStatus::Delivered,
            DeliveryStatus::Sent
        ]
    );
}

#[tokio::test]
async fn held_statuses_wait_for_their_release_even_over_a_restart() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    world.says("hello").await;
    world
        .post("faults", json!({ "fault": "hold_statuses", "count": 1 }))
        .await;
    accepted(world.send(text("x")).await);
    world
        .service
        .wait("the message", |service| service.messages().len() == 1)
        .await;
    let service = world.stop().await;
    let world = World::restart(&folder, service).await;
    let journal = world.get("journal").await;
    assert_eq!(
        (
            &journal["webhooks"]["held"],
            journal["accepted"].as_array().unwrap().len()
        ),
        (&json!(3), 1)
    );
    assert_eq!(
        world.get(&format!("conversations/{PALESA}?after=1")).await["messages"][0]["status"],
        "accepted"
    );
    assert!(world.service.statuses().is_empty());
    assert_eq!(world.post("release", json!({})).await["released"], 3);
    world
        .service
        .wait("statuses", |service| service.statuses().len() == 3)
        .await;
}

#[tokio::test]
async fn a_restart_forgets_nothing_and_delivers_what_was_on_its_way() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let first = world.simulator.clone();
    world.service.answers(&[503; 1_000]);
    for n in 0..20 {
        world.says(&format!("message {n}")).await;
    }
    accepted(world.send(text("x")).await);
    let before = world.get(&format!("conversations/{PALESA}")).await;
    let service = world.stop().await;
    assert!(service.messages().is_empty());
    service.answers.lock().unwrap().clear();
    // What a killed process was about to write is as if it had never been.
    let journal = folder.0.join("simulator.journal");
    let mut bytes = fs::read(&journal).unwrap();
    bytes.extend_from_slice(br#"[{"written":{"n":99,"at_"#);
    fs::write(&journal, bytes).unwrap();

    let world = World::restart(&folder, service).await;
    world
        .service
        .wait("all", |service| {
            service.messages().len() >= 20 && service.statuses().len() >= 3
        })
        .await;
    world.all_delivered().await;
    assert_eq!(
        (
            world.service.messages().len(),
            world.service.statuses().len()
        ),
        (20, 3)
    );
    let after = world.get(&format!("conversations/{PALESA}")).await;
    let texts = |view: &Value| {
        view["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["text"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(texts(&after), texts(&before));
    assert_eq!(world.simulator.phone_number_id, first.phone_number_id);
    assert_eq!(world.simulator.app_secret, first.app_secret);
    assert_eq!(world.simulator.access_token, first.access_token);
    let again = world.says("later").await;
    assert!(
        again["cursor"].as_u64() > before["cursor"].as_u64(),
        "numbers go on"
    );
}

#[tokio::test]
async fn the_account_is_kept_for_its_owner_only_and_a_folder_for_one_simulator() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    for file in ["simulator.json", "simulator.journal"] {
        let mode = fs::metadata(folder.0.join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let kept: Value = serde_json::from_slice(&fs::read(&world.simulator.file).unwrap()).unwrap();
    assert_eq!(kept["api_url"], world.simulator.api_url);
    assert_eq!(kept["app_secret"], world.simulator.app_secret.expose());
    let config = config(
        &folder.0,
        "http://127.0.0.1:1/",
        (&world.clock, &world.tasks),
    );
    let error = Simulator::start(config.clone())
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("another Puisano"), "{error}");
    let outside = SimulatorConfig {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..config
    };
    assert!(
        Simulator::start(outside)
            .await
            .unwrap_err()
            .to_string()
            .contains("loopback")
    );
    assert!(!format!("{:?}", world.simulator).contains(world.simulator.app_secret.expose()));
}

#[tokio::test]
async fn a_damaged_journal_is_said_and_not_lost() {
    let folder = Folder::new();
    fs::write(folder.0.join("simulator.journal"), "[]\nnonsense\n[]\n").unwrap();
    let (clock, tasks) = (Clock::default(), Tasks::default());
    let error = Simulator::start(config(&folder.0, "http://127.0.0.1:1/", (&clock, &tasks)))
        .await
        .unwrap_err();
    let chain = format!("{error:#}");
    assert!(
        chain.contains("damaged") && chain.contains("line 2"),
        "{chain}"
    );
}

#[tokio::test]
async fn a_phone_can_be_watched() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let cursor = world.says("hello").await["cursor"].clone();
    let path = format!("conversations/{PALESA}?after={cursor}&wait_ms=20000");
    let (view, outcome) = tokio::join!(world.get(&path), world.send(text("there you are")));
    assert_eq!(line(&outcome), "accepted");
    assert_eq!(view["messages"][0]["text"], "there you are");
    let nothing = world
        .get(&format!(
            "conversations/{PALESA}?after={}&wait_ms=1",
            view["cursor"]
        ))
        .await;
    assert_eq!(nothing["messages"], json!([]));
    assert_eq!(
        world.get("conversations/+27000000000").await["messages"],
        json!([])
    );
}

#[tokio::test]
async fn the_webhook_address_is_asked_as_whatsapp_asks() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let answer = world.post("handshake", json!({})).await;
    assert_eq!(answer, json!({ "status": 200, "echoed": true }));
}

#[tokio::test]
async fn the_control_calls_are_for_this_machine_only() {
    let folder = Folder::new();
    let world = World::start(&folder).await;
    let url = format!("{}/_simulator/journal", world.simulator.api_url);
    let answer = world
        .http
        .get(url)
        .header("host", "evil.example:80")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 403);
}

#[tokio::test]
async fn the_dice_roll_the_same_with_the_same_seed() {
    let roll = |seed: u64| {
        let mut faults = faults::Faults::default();
        let fault = json!({ "fault": "error_before_accept", "probability": 0.3, "seed": seed });
        faults.add(serde_json::from_value(fault).unwrap()).unwrap();
        (0..1_000)
            .map(|_| {
                faults
                    .strike(&[faults::Kind::ErrorBeforeAccept], None)
                    .is_some()
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(roll(7), roll(7));
    assert_ne!(roll(7), roll(8));
    let struck = roll(7).iter().filter(|struck| **struck).count();
    assert!((250..350).contains(&struck), "{struck}");
}

/// Runs in a process of its own, so that it can be killed: a simulator for the folder and webhook address on stdin.
#[tokio::test]
#[ignore = "the child of `a_killed_simulator_forgets_nothing_that_anybody_saw`"]
async fn a_simulator_to_be_killed() {
    let mut lines = std::io::stdin().lines();
    let (folder, webhook_url) = (
        lines.next().unwrap().unwrap(),
        lines.next().unwrap().unwrap(),
    );
    let (clock, tasks) = (Clock::default(), Tasks::default());
    Simulator::start(config(Path::new(&folder), &webhook_url, (&clock, &tasks)))
        .await
        .unwrap();
    std::future::pending::<()>().await;
}

/// Starts the child; returns it once its `simulator.json` names a new address.
async fn start_child(folder: &Folder, webhook_url: &str) -> (tokio::process::Child, Account) {
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--ignored",
            "channels::simulator::tests::a_simulator_to_be_killed",
        ])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let before = Account::open(&folder.0).unwrap().api_url;
    let orders = format!("{}\n{webhook_url}\n", folder.0.display());
    child
        .stdin
        .take()
        .unwrap()
        .write_all(orders.as_bytes())
        .await
        .unwrap();
    let started = async {
        loop {
            let account = Account::open(&folder.0).unwrap();
            if !account.api_url.is_empty() && account.api_url != before {
                return account;
            }
            tokio::task::yield_now().await;
        }
    };
    let account = tokio::time::timeout(PATIENCE, started).await.unwrap();
    (child, account)
}

#[tokio::test]
async fn a_killed_simulator_forgets_nothing_that_anybody_saw() {
    let folder = Folder::new();
    let service = Service::start(&Tasks::default()).await;
    let http = plain_http();
    let mut promised = std::collections::BTreeSet::new();
    let (mut templates_seen, mut files) = (Vec::new(), Vec::new());
    for round in 0..3 {
        let (mut child, account) = start_child(&folder, &service.url).await;
        templates_seen.push(templates::submit_to(&account, round).await);
        files.push(media::upload_to(&account).await);
        let url = format!("{}/_simulator/messages", account.api_url);
        for n in 0..40 {
            let phone = format!("+2782000{round}{n:03}");
            let body = json!({ "from": phone, "text": "hello" }).to_string();
            let call = http
                .post(&url)
                .header("content-type", "application/json")
                .body(body);
            let answer = call.send().await.unwrap().bytes().await.unwrap();
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            promised.insert(answer["wamid"].as_str().unwrap().to_owned());
        }
        // SIGKILL, with webhooks on their way.
        child.kill().await.unwrap();
    }
    let world = World::restart(&folder, service).await;
    world.all_delivered().await;
    for id in templates_seen.iter().chain(&files) {
        world.assert_known(id).await;
    }
    let came = world
        .service
        .messages()
        .into_iter()
        .map(|message| message.wamid.0);
    assert_eq!(came.collect::<std::collections::BTreeSet<_>>(), promised);
    assert_eq!(
        world.get("journal").await["written"]
            .as_array()
            .unwrap()
            .len(),
        120
    );
}
