//! The door on real sockets: what is let in, what is refused and how, and that nobody can hold it shut.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use puisano::channels::whatsapp::{Client, Connection, signature};
use puisano::clock::Clock;
use puisano::config::Config;
use puisano::conversations::ingest::Intake;
use puisano::media::{Files, Folder, Library};
use puisano::model::{Origin, PhoneNumberId};
use puisano::rulesets::{LiveRules, Sources, compile};
use puisano::security::Secret;
use puisano::security::sealed::KeySource;
use puisano::settings::{Access, Channel, Live, Settings, Surroundings};
use puisano::store::Store;
use puisano::store::embedded::Embedded;
use puisano::tasks::Tasks;
use puisano::web::{Door, Limits, Road, router, serve};
use puisano_engine::Source;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
const WEBHOOK: &str = "/api/whatsapp/webhook";
const EMPTY: &str = r#"{"object":"whatsapp_business_account","entry":[]}"#;
/// Short, because tests wait for them in earnest; far from each other, because machines are slow.
const SHORT: Duration = Duration::from_millis(200);
const PATIENT: Duration = Duration::from_secs(30);

/// A door on a port of its own. No road behind it unless it is opened: an authentic webhook is then answered by 503.
struct Server {
    address: SocketAddr,
    door: Door,
    live: Live,
    tasks: Tasks,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let access = Access {
            app_secrets: vec![Secret::new("new secret"), Secret::new("old secret")],
            verify_tokens: vec![Secret::new("friend")],
            phone_number_id: PhoneNumberId::from("123"),
            origin: Origin::Live,
        };
        let live = Live::new(channel(access));
        let (door, tasks) = (
            Door::new(live.clone(), Clock::default(), limits),
            Tasks::default(),
        );
        let (router, own) = (router(door.clone()), tasks.clone());
        tasks.spawn("door", async move {
            serve(listener, router, limits, &own).await;
        });
        Self {
            address,
            door,
            live,
            tasks,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes on a connection of their own and returns everything that comes back.
    async fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        // The other side may answer and close before it has read everything.
        let _ = stream.write_all(bytes.as_ref()).await;
        read_all(&mut stream).await
    }

    async fn post(&self, body: &[u8], signature: Option<&str>) -> String {
        let signature = signature
            .map(|value| format!("X-Hub-Signature-256: {value}\r\n"))
            .unwrap_or_default();
        let head = format!(
            "POST {WEBHOOK} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{signature}Content-Length: {}\r\n\r\n",
            body.len()
        );
        self.raw([head.as_bytes(), body].concat()).await
    }

    async fn post_signed(&self, body: &[u8]) -> String {
        self.post(body, Some(&sign("new secret", body))).await
    }

    async fn get(&self, path: &str) -> String {
        self.raw(format!(
            "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        ))
        .await
    }
}

/// A channel nobody speaks through.
pub(crate) fn channel(access: Access) -> Channel {
    let client = Client::new(Connection {
        api_url: "http://127.0.0.1:9".to_owned(),
        api_version: "v24.0".to_owned(),
        access_token: Secret::new("token"),
    });
    Channel {
        access,
        client: client.unwrap(),
        business_account_id: "456".to_owned(),
    }
}

/// What a door opens to.
async fn road(intake: Intake, store: Store, live: Live, work: &Tasks) -> Road {
    let config = Config::from_pairs([]).unwrap();
    let surroundings = Surroundings {
        locked: true,
        graph: config.graph,
        key: KeySource {
            given: None,
            data: std::env::temp_dir(),
        },
    };
    let base = (store.clone(), Clock::default());
    let settings = Settings::open(base, live, surroundings, work).await;
    let pack = Source {
        name: "pack.yaml".to_owned(),
        text: include_str!("world/pack.yaml").to_owned(),
    };
    let sources = Sources {
        rules: vec![pack],
        lexicons: Vec::new(),
    };
    Road {
        intake,
        library: library(&store),
        store,
        rules: LiveRules::new(compile(sources).live.unwrap()),
        settings: settings.unwrap(),
    }
}

fn library(store: &Store) -> Library {
    Library {
        store: store.clone(),
        clock: Clock::default(),
        files: Files::Folder(Folder::new(std::env::temp_dir())),
    }
}

fn sign(secret: &str, body: &[u8]) -> String {
    signature::sign(&Secret::new(secret), body)
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENT, stream.read_to_end(&mut answer)).await;
    assert!(
        read.is_ok(),
        "the connection stays open after {:?}",
        String::from_utf8_lossy(&answer)
    );
    String::from_utf8_lossy(&answer).into_owned()
}

/// 0 for a connection that was closed without a word.
fn status(answer: &str) -> u16 {
    answer
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or(0)
}

#[tokio::test]
async fn the_handshake_gives_the_challenge_back_to_who_knows_the_word() {
    let server = Server::start(Limits::default()).await;
    let ask = |query: &str| format!("{WEBHOOK}?{query}");
    let answer = server
        .get(&ask(
            "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=friend",
        ))
        .await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let head = head.to_lowercase();
    assert_eq!((status(&answer), body), (200, "1158201444"));
    assert!(
        head.contains("content-type: text/plain")
            && head.contains("x-content-type-options: nosniff"),
        "{head}"
    );
    for query in [
        "",
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=fiend",
        "hub.mode=subscribe&hub.challenge=1",
        "hub.challenge=1&hub.verify_token=friend",
        "hub.mode=subscribe&hub.challenge=%3Cb%3E&hub.verify_token=friend",
        "hub.mode=subscribe&hub.mode=subscribe&hub.challenge=1&hub.verify_token=friend",
        "hub.mode=%ff&%%%",
    ] {
        let answer = server.get(&ask(query)).await;
        assert_eq!(status(&answer), 403, "{query}");
        assert!(!answer.contains("<b>"), "{answer}");
    }
}

#[tokio::test]
async fn only_signed_json_gets_through_and_only_to_an_open_road() {
    let server = Server::start(Limits::default()).await;
    let body = EMPTY.as_bytes();
    let good = sign("new secret", body);
    for (what, body, signature, expected) in [
        ("no signature", body, None, 401),
        ("of another secret", body, Some(sign("guess", body)), 401),
        ("of another body", b"{}".as_slice(), Some(good.clone()), 401),
        ("without its prefix", body, Some(good[7..].to_owned()), 401),
        (
            "twice",
            body,
            Some(format!("{good}\r\nX-Hub-Signature-256: {good}")),
            401,
        ),
        ("not JSON and not signed", b"}".as_slice(), None, 401),
        (
            "not JSON",
            b"}".as_slice(),
            Some(sign("new secret", b"}")),
            400,
        ),
        ("empty", b"".as_slice(), Some(sign("new secret", b"")), 400),
        ("good", body, Some(good.clone()), 503),
        (
            "of the previous secret",
            body,
            Some(sign("old secret", body)),
            503,
        ),
    ] {
        let answer = server.post(body, signature.as_deref()).await;
        assert_eq!(status(&answer), expected, "{what}: {answer}");
        assert_eq!(
            expected == 503,
            answer.to_lowercase().contains("retry-after: "),
            "{what}: {answer}"
        );
    }
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_told_so_plainly() {
    let server = Server::start(Limits::default()).await;
    for (request, expected) in [
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            404,
        ),
        (
            "GET /api/whatsapp/webhook/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            404,
        ),
        (
            "POST /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            405,
        ),
        (
            "DELETE /api/whatsapp/webhook HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            405,
        ),
        (
            "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            200,
        ),
        (
            "GET /ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            503,
        ),
    ] {
        let answer = server.raw(request).await;
        assert_eq!(status(&answer), expected, "{request}: {answer}");
        assert!(
            expected != 405 || answer.to_lowercase().contains("allow: "),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn requests_that_could_be_read_in_two_ways_are_refused() {
    let server = Server::start(Limits::default()).await;
    for (what, request, expected) in [
        ("no host", "GET /health HTTP/1.1\r\n\r\n".to_owned(), 400),
        (
            "two hosts",
            "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n".to_owned(),
            400,
        ),
        (
            "an older protocol",
            "GET /health HTTP/1.0\r\nHost: a\r\n\r\n".to_owned(),
            505,
        ),
        (
            "HTTP/2, closed without a word",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
            0,
        ),
        (
            "two lengths",
            format!(
                "POST {WEBHOOK} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n}}"
            ),
            400,
        ),
        (
            "an odd encoding",
            format!("POST {WEBHOOK} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"),
            400,
        ),
        (
            "a space before the colon",
            "GET /health HTTP/1.1\r\nHost : a\r\n\r\n".to_owned(),
            400,
        ),
    ] {
        let answer = server.raw(&request).await;
        assert_eq!(status(&answer), expected, "{what}: {answer}");
    }
}

#[tokio::test]
async fn a_request_with_two_kinds_of_length_ends_its_connection() {
    let server = Server::start(Limits::default()).await;
    let smuggled = format!(
        "POST {WEBHOOK} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\
         GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
    );
    let answer = server.raw(smuggled).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert_eq!(status(&answer), 401, "{answer}");
}

#[tokio::test]
async fn heads_have_limits() {
    let server = Server::start(Limits::default()).await;
    let with = |headers: &str| {
        format!("GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n")
    };
    let many = |count: usize| with(&"X: y\r\n".repeat(count - 2));
    let long = |bytes: usize| {
        let rest = with("X: \r\n").len();
        with(&format!("X: {}\r\n", "y".repeat(bytes - rest)))
    };
    for (what, request, expected) in [
        ("64 headers", many(64), 200),
        ("65 headers", many(65), 431),
        ("16 KiB", long(16 * 1024), 200),
        ("16 KiB and a byte", long(16 * 1024 + 1), 431),
        ("500 KB", long(500_000), 431),
    ] {
        let answer = server.raw(request).await;
        assert_eq!(status(&answer), expected, "{what}: {answer}");
    }
}

#[tokio::test]
async fn a_body_may_have_four_mebibytes_and_not_a_byte_more() {
    let server = Server::start(Limits::default()).await;
    let mut body = EMPTY.as_bytes().to_vec();
    body.resize(BODY_BYTES_MAX, b' ');
    assert_eq!(
        status(&server.post_signed(&body).await),
        503,
        "authentic and whole"
    );
    body.push(b' ');
    assert_eq!(status(&server.post_signed(&body).await), 413);
    let head = format!("POST {WEBHOOK} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunk = format!("{:x}\r\n", body.len());
    let endless = [head.as_bytes(), chunk.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
    assert_eq!(
        status(&server.raw(endless).await),
        413,
        "a length that is not announced"
    );
}

#[tokio::test]
async fn all_bodies_together_have_a_limit_and_give_their_room_back() {
    let limits = Limits {
        bodies_bytes_max: EMPTY.len(),
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let too_much = [EMPTY.as_bytes(), b" "].concat();
    assert_eq!(
        status(&server.post(&too_much, None).await),
        503,
        "no room for it"
    );
    for _ in 0..3 {
        assert_eq!(
            status(&server.post(EMPTY.as_bytes(), None).await),
            401,
            "read whole"
        );
    }
}

#[tokio::test]
async fn a_body_in_pieces_is_one_body() {
    let server = Server::start(Limits::default()).await;
    let signature = sign("new secret", EMPTY.as_bytes());
    let (first, second) = EMPTY.split_at(7);
    let request = format!(
        "POST {WEBHOOK} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Hub-Signature-256: {signature}\r\n\
         Transfer-Encoding: chunked\r\n\r\n7\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
        second.len()
    );
    assert_eq!(status(&server.raw(request).await), 503);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let server = Server::start(Limits {
        body_read: SHORT,
        ..Limits::default()
    })
    .await;
    let head = format!("POST {WEBHOOK} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{{");
    assert_eq!(
        status(&server.raw(&head).await),
        408,
        "it stays open and silent"
    );
    let mut stream = server.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(
        status(&read_all(&mut stream).await),
        400,
        "it ends too early"
    );
}

#[tokio::test]
async fn a_head_that_does_not_end_loses_its_connection_however_it_dribbles() {
    let server = Server::start(Limits {
        header_read: SHORT,
        idle: PATIENT,
        ..Limits::default()
    })
    .await;
    let begun = Instant::now();
    assert_eq!(server.raw("").await, "", "nothing is said at all");
    assert_eq!(server.raw("GET /health HTTP/1.1\r\nHost:").await, "");
    let mut stream = server.connect().await;
    while stream.write_all(b"GET").await.is_ok() {
        assert!(begun.elapsed() < PATIENT, "a dribble goes on for ever");
        tokio::time::sleep(SHORT / 10).await;
    }
    // After a whole request the same connection may pause for longer than a head may take.
    let mut stream = server.connect().await;
    let request = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut answer = [0; 12];
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.read_exact(&mut answer).await.unwrap();
    tokio::time::sleep(SHORT * 2).await;
    stream
        .write_all(
            request
                .replace("Host: a", "Host: a\r\nConnection: close")
                .as_bytes(),
        )
        .await
        .unwrap();
    assert!(read_all(&mut stream).await.ends_with("ok\n"));
}

#[tokio::test]
async fn silence_between_requests_ends_too() {
    let server = Server::start(Limits {
        header_read: PATIENT,
        idle: SHORT,
        ..Limits::default()
    })
    .await;
    let answer = server.raw("GET /health HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(status(&answer), 200, "answered, then closed by the server");
}

#[tokio::test]
async fn slow_heads_by_the_hundred_leave_room_for_others() {
    let limits = Limits {
        header_read: SHORT,
        connections_max: 40,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = server.connect().await;
        let _ = stream.write_all(b"GET / HT").await;
        slow.push(stream);
    }
    let deadline = Instant::now() + PATIENT;
    while status(&server.get("/health").await) != 200 {
        assert!(Instant::now() < deadline, "the door stays shut");
    }
}

#[tokio::test]
async fn a_stop_finishes_what_is_under_way_and_lets_nobody_else_in() {
    let server = Server::start(Limits::default()).await;
    let mut stream = server.connect().await;
    let head = format!(
        "POST {WEBHOOK} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 12];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100", "the handler reads the body now");
    let stopped = server.tasks.stop(PATIENT);
    let ended = async {
        while TcpStream::connect(server.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        stream.write_all(b"}").await.unwrap();
        read_all(&mut stream).await
    };
    let (stopped, answer) = tokio::join!(stopped, ended);
    assert!(stopped && answer.contains("HTTP/1.1 401"), "{answer}");
}

#[tokio::test]
async fn what_is_answered_by_200_is_in_the_database_and_without_one_it_is_503() {
    let data = std::env::temp_dir().join(format!("puisano-door-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&data);
    let database = Embedded::start(&data).await.unwrap();
    let store = Store::connect(database.url()).unwrap();
    store.migrate().await.unwrap();
    let server = Server::start(Limits::default()).await;
    let work = Tasks::default();
    let intake = Intake::start(store.clone(), Clock::default(), &work);
    assert_eq!(status(&server.get("/ready").await), 503);
    let road = road(intake, store, server.live.clone(), &work).await;
    server.door.open(road);
    assert_eq!(status(&server.post_signed(EMPTY.as_bytes()).await), 200);
    let ready = server.get("/ready").await;
    assert!(
        ready.ends_with(r#"{"ready":true,"database":true,"rules":true}"#),
        "{ready}"
    );
    database.stop().await;
    assert_eq!(status(&server.post_signed(EMPTY.as_bytes()).await), 503);
    assert_eq!(status(&server.get("/ready").await), 503);
    assert_eq!(status(&server.get("/health").await), 200);
    let database = Embedded::start(&data).await.unwrap();
    let deadline = Instant::now() + PATIENT;
    while status(&server.post_signed(EMPTY.as_bytes()).await) != 200 {
        assert!(Instant::now() < deadline, "it does not recover");
    }
    assert_eq!(status(&server.get("/ready").await), 200);
    database.stop().await;
    std::fs::remove_dir_all(&data).unwrap();
}
