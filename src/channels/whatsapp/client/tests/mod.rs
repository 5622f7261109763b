//! Requests as JSON, and every way a call can end against a server that speaks raw bytes.

mod manage;
mod parts;

use std::sync::{Arc, Mutex};

use puisano_engine::{Button, Row};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use super::*;
use crate::model::{
    ConversationId, OpaqueId, OutboxId, PhoneNumber, PhoneNumberId, Recipient, UserId,
};
use crate::tasks::Tasks;

const OPAQUE: &str =
    "00000000000000000000000000000001.00000000000000000000000000000002.0000000000000003";

fn outgoing(content: OutgoingContent) -> Outgoing {
    Outgoing {
        phone_number_id: PhoneNumberId::from("109988776655443"),
        to: Recipient::Phone(PhoneNumber::parse("+27820001111").unwrap()),
        content,
        reply_to: None,
        opaque: OpaqueId {
            conversation: ConversationId(Uuid::from_u128(1)),
            outbox: OutboxId(Uuid::from_u128(2)),
            tag: 3,
        },
    }
}

fn text() -> Outgoing {
    outgoing(OutgoingContent::Text {
        text: "Dumela".to_owned(),
    })
}

mod requests {
    use super::*;

    fn check(outgoing: &Outgoing, expected: &Value) {
        assert_eq!(request::body(outgoing), *expected);
    }

    fn framed(kind: &str, part: Value) -> Value {
        let mut body = json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+27820001111", "type": kind,
            "biz_opaque_callback_data": OPAQUE,
        });
        body[kind] = part;
        body
    }

    #[test]
    fn a_text_previews_nothing() {
        check(
            &text(),
            &framed("text", json!({ "body": "Dumela", "preview_url": false })),
        );
    }

    #[test]
    fn a_quote_and_a_user_id() {
        let id = UserId::parse("ZA.4821").unwrap();
        let quoting = Outgoing {
            reply_to: Some(Wamid::from("wamid.A=")),
            to: Recipient::UserId(id),
            ..text()
        };
        let mut expected = framed("text", json!({ "body": "Dumela", "preview_url": false }));
        expected["context"] = json!({ "message_id": "wamid.A=" });
        expected.as_object_mut().unwrap().remove("to");
        expected["recipient"] = json!("ZA.4821");
        check(&quoting, &expected);
    }

    #[test]
    fn buttons() {
        let buttons = vec![Button {
            id: "yes".to_owned(),
            title: "Ee".to_owned(),
        }];
        let part = json!({
            "type": "button", "header": { "type": "text", "text": "Water" }, "body": { "text": "Is it out?" },
            "footer": { "text": "Mohokare" },
            "action": { "buttons": [{ "type": "reply", "reply": { "id": "yes", "title": "Ee" } }] },
        });
        let (header, footer) = (Some("Water".to_owned()), Some("Mohokare".to_owned()));
        let content = OutgoingContent::Buttons {
            header,
            text: "Is it out?".to_owned(),
            footer,
            buttons,
        };
        check(&outgoing(content), &framed("interactive", part));
    }

    #[test]
    fn a_list_has_one_section_without_a_title() {
        let row = |id: &str, description: Option<&str>| Row {
            id: id.to_owned(),
            title: "T".to_owned(),
            description: description.map(str::to_owned),
        };
        let content = OutgoingContent::List {
            header: None,
            text: "Choose".to_owned(),
            footer: None,
            button: "Open".to_owned(),
            rows: vec![row("a", None), row("b", Some("more"))],
        };
        let rows = json!([{ "id": "a", "title": "T" }, { "id": "b", "title": "T", "description": "more" }]);
        let part = json!({
            "type": "list", "body": { "text": "Choose" }, "action": { "button": "Open", "sections": [{ "rows": rows }] },
        });
        check(&outgoing(content), &framed("interactive", part));
    }

    #[test]
    fn a_reaction_quotes_nothing() {
        let content = OutgoingContent::Reaction {
            wamid: Wamid::from("wamid.A="),
            emoji: String::new(),
        };
        let reaction = Outgoing {
            reply_to: Some(Wamid::from("wamid.B=")),
            ..outgoing(content)
        };
        check(
            &reaction,
            &framed("reaction", json!({ "message_id": "wamid.A=", "emoji": "" })),
        );
    }

    #[test]
    fn blue_ticks_and_typing() {
        let read = |typing| {
            outgoing(OutgoingContent::Read {
                wamid: Wamid::from("wamid.A="),
                typing,
            })
        };
        let plain =
            json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.A=" });
        check(&read(false), &plain);
        let mut typing = plain;
        typing["typing_indicator"] = json!({ "type": "text" });
        check(&read(true), &typing);
    }
}

/// What the server does once it has read a whole request.
#[derive(Clone, Debug)]
enum Then {
    Answer(String),
    /// Closes without a word.
    Close,
    Hang,
}

/// Deadlines that a busy machine keeps.
fn patient() -> Deadlines {
    let long = Duration::from_secs(20);
    Deadlines {
        connect: long,
        call: long,
        release: long,
    }
}

struct Server {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(then: &Then) -> Self {
        let then = then.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tasks, requests) = (Tasks::default(), Arc::new(Mutex::new(Vec::new())));
        let (inner, seen) = (tasks.clone(), requests.clone());
        tasks.spawn("server", async move {
            while let Ok((stream, _)) = listener.accept().await {
                inner.spawn("connection", serve(stream, then.clone(), seen.clone()));
            }
        });
        Self { url, requests }
    }

    fn client(&self, deadlines: Deadlines) -> Client {
        Client::with_deadlines(connection(&self.url), deadlines).unwrap()
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, then: Then, seen: Arc<Mutex<Vec<String>>>) {
    while let Some(request) = read_request(&mut stream).await {
        seen.lock().unwrap().push(request);
        match &then {
            Then::Answer(answer) => {
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
            Then::Close => return,
            Then::Hang => std::future::pending().await,
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream
            .read(&mut chunk)
            .await
            .ok()
            .filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
            .unwrap_or(0);
        if body.len() >= length {
            return Some(text);
        }
    }
}

fn connection(url: &str) -> Connection {
    Connection {
        api_url: url.to_owned(),
        api_version: "v24.0".to_owned(),
        access_token: Secret::new("EAAG-secret-token"),
    }
}

fn answer(status: &str, headers: &str, body: &str) -> Then {
    let length = body.len();
    Then::Answer(format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    ))
}

fn graph_error(status: &str, code: i64) -> Then {
    let error =
        json!({ "error": { "message": "to 27820001111", "code": code, "fbtrace_id": "x" } });
    answer(status, "", &error.to_string())
}

async fn outcome(then: Then, outgoing: &Outgoing) -> SendOutcome {
    let server = Server::start(&then).await;
    server.client(patient()).send(outgoing).await
}

/// An outcome in one line: kind, code, scope, wait.
fn line(outcome: &SendOutcome) -> String {
    let failed = |kind: &str, failure: &SendFailure| {
        assert!(
            failure.message.ends_with('.') && !failure.message.contains("2782"),
            "{}",
            failure.message
        );
        let code = failure
            .code
            .map(|code| format!(" {code}"))
            .unwrap_or_default();
        let wait = failure
            .retry_after_ms
            .map(|ms| format!(" {ms}ms"))
            .unwrap_or_default();
        format!("{kind}{code} {:?}{wait}", failure.scope)
    };
    match outcome {
        SendOutcome::Accepted { wamid } => {
            format!("accepted {}", wamid.as_ref().map_or("-", Wamid::as_str))
        }
        SendOutcome::NotSent(failure) => failed("not sent", failure),
        SendOutcome::Rejected(failure) => failed("rejected", failure),
        SendOutcome::Unknown(failure) => failed("unknown", failure),
    }
}

/// Sends a text to a server that does `then`; checks that there was exactly one call.
async fn check(then: Then, expected: &str) {
    // The half answers: nothing comes after them.
    let is_half = matches!(&then, Then::Answer(text) if text.contains("content-length: 99"));
    let call = Duration::from_millis(if is_half { 300 } else { 20_000 });
    let server = Server::start(&then).await;
    let client = server.client(Deadlines { call, ..patient() });
    assert_eq!(line(&client.send(&text()).await), expected, "{then:.80?}");
    assert_eq!(
        server.requests().len(),
        1,
        "no retry, no redirect: {then:.80?}"
    );
}

fn ok(body: &Value) -> Then {
    answer("200 OK", "", &body.to_string())
}

fn half(status: &str) -> Then {
    Then::Answer(format!(
        "HTTP/1.1 {status}\r\ncontent-length: 99\r\n\r\n{{\"half\""
    ))
}

#[tokio::test]
async fn a_yes_is_one_only_with_an_id() {
    let long = json!({ "messages": [{ "id": "w" }], "filler": "x".repeat(ANSWER_BYTES_MAX) });
    let yes = json!({ "messages": [{ "id": "wamid.A=" }] });
    check(ok(&yes), "accepted wamid.A=").await;
    check(
        answer("201 Created", "", &yes.to_string()),
        "accepted wamid.A=",
    )
    .await;
    for body in [
        json!({ "messages": [] }),
        json!({ "messages": [{ "id": "" }] }),
        json!({ "messages": [{ "id": 5 }] }),
        json!({ "success": true }),
        json!([]),
        long,
    ] {
        check(ok(&body), "unknown Item").await;
    }
    check(answer("200 OK", "", "<html>"), "unknown Item").await;
    check(answer("200 OK", "", ""), "unknown Item").await;
    check(half("200 OK"), "unknown Item").await;
}

#[tokio::test]
async fn a_failure_of_the_server_or_the_connection_is_unknown() {
    check(Then::Close, "unknown Item").await;
    check(
        Then::Answer("not http at all\r\n\r\n".to_owned()),
        "unknown Item",
    )
    .await;
    check(
        graph_error("500 Internal Server Error", 131_000),
        "unknown 131000 Item",
    )
    .await;
    check(
        graph_error("503 Service Unavailable", 2),
        "unknown 2 Number",
    )
    .await;
    check(answer("502 Bad Gateway", "", "<html>"), "unknown Item").await;
    check(answer("500 Internal Server Error", "", ""), "unknown Item").await;
    check(half("500 Internal Server Error"), "unknown Item").await;
}

#[tokio::test]
async fn a_refusal_goes_by_the_table() {
    for (status, code, expected) in [
        ("400 Bad Request", 131_047, "rejected 131047 Item"),
        ("400 Bad Request", 100, "rejected 100 Item"),
        ("404 Not Found", 132_001, "rejected 132001 Item"),
        (
            "400 Bad Request",
            131_056,
            "not sent 131056 Recipient 6000ms",
        ),
        ("400 Bad Request", 130_429, "not sent 130429 Number 1000ms"),
        ("401 Unauthorized", 190, "not sent 190 Operator"),
        ("403 Forbidden", 200, "not sent 200 Operator"),
        ("400 Bad Request", 424_242, "not sent 424242 Item"),
    ] {
        check(graph_error(status, code), expected).await;
    }
    let nothing_there = r#"{"error":{"code":100,"error_subcode":33}}"#;
    check(
        answer("400 Bad Request", "", nothing_there),
        "not sent 33 Operator",
    )
    .await;
    let as_text = r#"{"error":{"code":"131047"}}"#;
    check(
        answer("400 Bad Request", "", as_text),
        "rejected 131047 Item",
    )
    .await;
    let later = answer(
        "400 Bad Request",
        "retry-after: 9\r\n",
        r#"{"error":{"code":130429}}"#,
    );
    check(later, "not sent 130429 Number 9000ms").await;
}

#[tokio::test]
async fn a_refusal_of_somebody_else_is_one_too() {
    let busy = "429 Too Many Requests";
    check(answer(busy, "", ""), "not sent Number 1000ms").await;
    check(
        answer(busy, "retry-after: 7\r\n", "slow down"),
        "not sent Number 7000ms",
    )
    .await;
    check(
        answer(busy, "retry-after: 99999999999\r\n", ""),
        "not sent Number 3600000ms",
    )
    .await;
    check(answer("404 Not Found", "", "<html>"), "rejected Item").await;
    check(answer("413 Payload Too Large", "", ""), "rejected Item").await;
    check(half("400 Bad Request"), "not sent Item").await;
    check(
        answer("302 Found", "location: http://127.0.0.1:1/\r\n", ""),
        "rejected Item",
    )
    .await;
    check(
        answer("307 Temporary Redirect", "location: /elsewhere\r\n", ""),
        "rejected Item",
    )
    .await;
}

#[tokio::test]
async fn a_call_that_makes_no_message_has_no_id() {
    let read = outgoing(OutgoingContent::Read {
        wamid: Wamid::from("wamid.A="),
        typing: true,
    });
    assert_eq!(
        line(&outcome(answer("200 OK", "", r#"{"success":true}"#), &read).await),
        "accepted -"
    );
    assert_eq!(
        line(&outcome(graph_error("400 Bad Request", 100), &read).await),
        "rejected 100 Item"
    );
}

#[tokio::test]
async fn the_request_is_what_whatsapp_expects() {
    let server = Server::start(&answer("200 OK", "", r#"{"messages":[{"id":"wamid.A="}]}"#)).await;
    let outgoing = Outgoing {
        phone_number_id: PhoneNumberId::from("odd/../id"),
        ..text()
    };
    server.client(patient()).send(&outgoing).await;
    let request = server.requests().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let has = |line: &str| assert!(head.lines().any(|have| have == line), "{line} in {head}");
    has("POST /v24.0/odd%2F..%2Fid/messages HTTP/1.1");
    has("authorization: Bearer EAAG-secret-token");
    has("content-type: application/json");
    has(&format!("content-length: {}", body.len()));
    has(&format!(
        "user-agent: Puisano/{}",
        env!("CARGO_PKG_VERSION")
    ));
    assert_eq!(
        serde_json::from_str::<Value>(body).unwrap(),
        request::body(&outgoing)
    );
}

#[tokio::test]
async fn a_refused_connection_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let outcome = Client::new(connection(&url)).unwrap().send(&text()).await;
    assert_eq!(line(&outcome), "not sent Number");
}

#[tokio::test]
async fn a_server_without_the_right_certificate_learns_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    // A machine without certificates cannot call WhatsApp at all, and says so.
    let client = match Client::new(connection(&url)) {
        Ok(client) => client,
        Err(error) => return assert!(error.to_string().contains("ca-certificates"), "{error}"),
    };
    let impostor = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = vec![0; 4096];
        let length = stream.read(&mut heard).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        String::from_utf8_lossy(&heard[..length]).into_owned()
    };
    let outgoing = text();
    let (outcome, heard) = tokio::join!(client.send(&outgoing), impostor);
    assert_eq!(line(&outcome), "not sent Number");
    assert!(!heard.contains("secret-token") && !heard.contains("Dumela"));
}

#[tokio::test]
async fn a_name_that_does_not_exist_sent_nothing() {
    let outcome = Client::new(connection("http://graph.invalid"))
        .unwrap()
        .send(&text())
        .await;
    assert_eq!(line(&outcome), "not sent Number");
}

#[tokio::test]
async fn an_answer_that_does_not_come_leaves_it_unknown() {
    let server = Server::start(&Then::Hang).await;
    let deadlines = Deadlines {
        call: Duration::from_millis(200),
        ..patient()
    };
    assert_eq!(
        line(&server.client(deadlines).send(&text()).await),
        "unknown Item"
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_late_message_is_not_let_go_and_leaves_a_warm_connection() {
    let server = Server::start(&answer("200 OK", "", "")).await;
    let deadlines = Deadlines {
        release: Duration::ZERO,
        ..patient()
    };
    assert_eq!(
        line(&server.client(deadlines).send(&text()).await),
        "not sent Item"
    );
    let requests = server.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.starts_with("HEAD / ")),
        "{requests:?}"
    );
    assert!(
        requests
            .iter()
            .all(|request| !request.contains("secret-token")),
        "{requests:?}"
    );
}

#[test]
fn a_connection_that_cannot_work_is_said_at_once() {
    for url in [
        "",
        "graph.facebook.com",
        "ftp://graph.facebook.com",
        "http://",
    ] {
        let error = Client::new(connection(url)).unwrap_err();
        assert!(
            error.to_string().contains("WHATSAPP_API_URL"),
            "{url}: {error}"
        );
    }
    let token = Connection {
        access_token: Secret::new("two\nlines"),
        ..connection("http://127.0.0.1:1")
    };
    let error = Client::new(token).unwrap_err();
    assert!(
        error.to_string().contains("WHATSAPP_ACCESS_TOKEN") && !error.to_string().contains("two"),
        "{error}"
    );
}

#[test]
fn debug_shows_no_token() {
    let client = Client::new(connection("http://127.0.0.1:1")).unwrap();
    assert!(!format!("{client:?} {:?}", connection("http://127.0.0.1:1")).contains("secret-token"));
}
