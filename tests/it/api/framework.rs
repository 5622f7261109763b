//! What holds for every operation: keys and scopes, limits, problems, repetitions, the description and its viewer.

use axum::body::Body;
use jiff::SignedDuration;
use puisano::model::ApiKeyId;
use puisano::security::api_key::{KeyText, Scope};
use puisano::store::keys::NewApiKey;
use puisano::store::rate_limits::Rate;
use serde_json::{Value, json};

use super::{Answer, Given, Node, request};
use crate::database::Database;
use crate::road::{PALESA, Road};

const SETTINGS: &str = "/api/whatsapp/settings";
/// For how long raw webhooks are kept, in days.
const KEEP_DAYS: u32 = 30;
const JSON: &str = "application/json";

/// Method, path with something in place of its parameters, and scopes of every operation that is described.
fn operations(description: &Value) -> Vec<(String, String, Vec<String>)> {
    let mut found = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        let filled: Vec<&str> = path
            .split('/')
            .map(|part| match part {
                "{id}" => "0193f0c2-7f1e-7c3a-9d52-0d3f6f1b2a77",
                part if part.starts_with('{') => "something",
                part => part,
            })
            .collect();
        for (method, operation) in item.as_object().unwrap() {
            let scopes = operation["security"].as_array().unwrap().iter();
            let scopes = scopes.map(|one| one["api_key"][0].as_str().unwrap().to_owned());
            found.push((method.to_uppercase(), filled.join("/"), scopes.collect()));
        }
    }
    found
}

#[tokio::test]
async fn every_operation_asks_for_a_key_and_its_scope() {
    let node = Node::new(&Database::new().await).await;
    let operations = operations(&node.description().await);
    assert!(operations.len() > 5);
    for scope in Scope::ALL {
        let own = node.key(scope.as_str(), &[scope]).await;
        for (at, (method, path, needs)) in operations.iter().enumerate() {
            if !needs.contains(&scope.to_string()) {
                continue;
            }
            let others: Vec<Scope> = Scope::ALL
                .into_iter()
                .filter(|other| !needs.contains(&other.to_string()))
                .collect();
            let others = node.key(&format!("not {scope} {at}"), &others).await;
            let what = format!("{method} {path}");
            let bare = request(method, path).body(Body::empty()).unwrap();
            let bare = node.send(bare).await;
            bare.is_problem(401);
            assert_eq!(bare.headers["WWW-Authenticate"], "Bearer", "{what}");
            node.call(&others, method, path, &json!({}))
                .await
                .is_problem(403);
            let admitted = node.call(&own, method, path, &json!({})).await;
            assert!(
                !matches!(admitted.status.as_u16(), 401 | 403 | 500..),
                "{what}: {}",
                admitted.text
            );
        }
    }
}

#[tokio::test]
async fn every_operation_describes_the_answers_of_the_gate() {
    let node = Node::new(&Database::new().await).await;
    let description = node.description().await;
    assert_eq!(description["openapi"], "3.1.0");
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let what = format!("{method} {path}");
            assert!(operation["operationId"].is_string(), "{what}");
            assert!(operation["summary"].is_string(), "{what}");
            for status in ["400", "401", "403", "404", "422", "429", "500", "503"] {
                assert!(
                    operation["responses"][status].is_object(),
                    "{what} {status}"
                );
            }
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let repeats = parameters
                .filter(|one| one["name"] == "Idempotency-Key")
                .count();
            assert_eq!(repeats, usize::from(method == "post"), "{what}");
        }
    }
}

#[tokio::test]
async fn only_a_key_that_counts_opens() {
    let database = Database::new().await;
    let node = Node::new(&database).await;
    let key = node.key("portal", &[Scope::Settings]).await;
    let ask = async |header: &str| {
        let request = request("GET", SETTINGS).header("Authorization", header);
        node.send(request.body(Body::empty()).unwrap())
            .await
            .status
            .as_u16()
    };
    assert_eq!(ask(&format!("Bearer {key}")).await, 200);
    assert_eq!(ask(&format!("bearer  {key}")).await, 200);
    for wrong in [
        key.clone(),
        format!("Basic {key}"),
        "Bearer".to_owned(),
        format!("Bearer {}", KeyText::new().unwrap().expose()),
        format!("Bearer {key}0"),
        format!("Bearer {}", key.to_uppercase()),
    ] {
        assert_eq!(ask(&wrong).await, 401, "{wrong}");
    }
    let twice = request("GET", SETTINGS)
        .header("Authorization", format!("Bearer {key}"))
        .header("Authorization", format!("Bearer {key}"));
    node.send(twice.body(Body::empty()).unwrap())
        .await
        .is_problem(401);
    assert_eq!(node.store.revoke_api_keys("portal").await.unwrap(), 1);
    assert_eq!(ask(&format!("Bearer {key}")).await, 401);
}

#[tokio::test]
async fn a_rotated_key_counts_a_while_longer_and_its_use_is_noted_once_a_minute() {
    let database = Database::new().await;
    let node = Node::new(&database).await;
    let old = node.key("portal", &[Scope::Settings, Scope::Send]).await;
    let used_at = async || node.store.api_keys().await.unwrap()[0].last_used_at;
    assert_eq!(used_at().await, None);
    node.get(&old, SETTINGS).await;
    let first = used_at().await.unwrap();
    database.advance(30).await;
    node.get(&old, SETTINGS).await;
    assert_eq!(used_at().await, Some(first));
    database.advance(31).await;
    node.get(&old, SETTINGS).await;
    assert!(used_at().await.unwrap() > first);

    let text = KeyText::new().unwrap();
    let fresh = |name: &str, text: &KeyText| NewApiKey {
        id: ApiKeyId(database.clock.new_id()),
        name: name.to_owned(),
        hash: text.hash(),
        prefix: text.prefix().to_owned(),
        scopes: Vec::new(),
        expires_at: None,
    };
    let until = database.clock.now() + SignedDuration::from_hours(1);
    let rotate = async |name: &str, text: &KeyText| {
        let rotated = node.store.rotate_api_key(&fresh(name, text), until).await;
        rotated.unwrap()
    };
    assert!(rotate("portal", &text).await);
    assert_eq!(node.get(&old, SETTINGS).await.status, 200);
    assert_eq!(node.get(text.expose(), SETTINGS).await.status, 200);
    database.advance(3_601).await;
    node.get(&old, SETTINGS).await.is_problem(401);
    assert_eq!(node.get(text.expose(), SETTINGS).await.status, 200);

    let other = KeyText::new().unwrap();
    assert!(
        !node
            .store
            .create_api_key(&fresh("portal", &other))
            .await
            .unwrap(),
        "the name is taken"
    );
    assert!(!rotate("nobody", &other).await);
}

#[tokio::test]
async fn a_key_has_its_share_of_requests_and_is_told_what_is_left() {
    let database = Database::new().await;
    let given = Given {
        api_per_minute: 3,
        ..Given::default()
    };
    let (here, there) = (
        Node::with(&database, given.clone()).await,
        Node::with(&database, given).await,
    );
    let key = here.key("portal", &[Scope::Settings]).await;
    let header = |answer: &Answer, name: &str| answer.headers[name].to_str().unwrap().to_owned();
    for (node, left) in [(&here, 2), (&there, 1), (&here, 0)] {
        let answer = node.get(&key, SETTINGS).await;
        assert_eq!(answer.status, 200);
        assert_eq!(header(&answer, "RateLimit-Policy"), "\"key\";q=3;w=60");
        assert!(header(&answer, "RateLimit").starts_with(&format!("\"key\";r={left};")));
    }
    let refused = there.get(&key, SETTINGS).await;
    refused.is_problem(429);
    let wait: i64 = header(&refused, "Retry-After").parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    database.advance(wait).await;
    assert_eq!(here.get(&key, SETTINGS).await.status, 200);
    here.get(&key, SETTINGS).await.is_problem(429);
}

#[tokio::test]
async fn buckets_give_what_a_naive_count_gives() {
    let database = Database::new().await;
    let rate = Rate {
        count: 4,
        window: std::time::Duration::from_secs(40),
    };
    // The twin counts shares that come back one every ten seconds.
    let mut shares = 4.0_f64;
    for (step, pause) in [0, 0, 3, 0, 0, 9, 0, 20, 0, 0, 1, 60, 0, 0, 0, 0, 10, 0]
        .into_iter()
        .enumerate()
    {
        database.advance(pause).await;
        #[expect(clippy::cast_precision_loss, reason = "a few seconds")]
        let back = pause as f64 / 10.0;
        shares = (shares + back).min(4.0);
        let taken = database.store.take_rate("one", rate).await.unwrap();
        // Real time passes too, though little of it.
        assert_eq!(
            taken.allowed,
            shares + 0.05 >= 1.0,
            "step {step}: {shares} {taken:?}"
        );
        if taken.allowed {
            shares = (shares - 1.0).max(0.0);
        }
    }
    database.advance(100).await;
    database.store.clean_up(KEEP_DAYS).await.unwrap();
    assert_eq!(database.number("SELECT count(*) FROM rate_limits").await, 0);
}

#[tokio::test]
async fn what_cannot_be_read_is_told_so() {
    let node = Node::new(&Database::new().await).await;
    let key = node
        .key("portal", &[Scope::Settings, Scope::Conversations])
        .await;
    let put = async |kind: &str, body: Vec<u8>| {
        let request = request("PUT", SETTINGS)
            .header("Authorization", format!("Bearer {key}"))
            .header("Content-Type", kind);
        node.send(request.body(Body::from(body)).unwrap()).await
    };
    put("text/plain", b"{}".to_vec()).await.is_problem(415);
    put("application/jsonp", b"{}".to_vec())
        .await
        .is_problem(415);
    assert_eq!(
        put("application/json; charset=utf-8", b"{}".to_vec())
            .await
            .status,
        200
    );
    for malformed in ["", "{", "{}{}", "\u{feff}{}", "{\"enabled\":tru"] {
        put(JSON, malformed.into()).await.is_problem(400);
    }
    put(JSON, b"{\"enabled\":\"\xff\"}".to_vec())
        .await
        .is_problem(400);
    put(JSON, ("[".repeat(33) + &"]".repeat(33)).into())
        .await
        .is_problem(400);
    assert_eq!(
        put(JSON, ("[".repeat(32) + &"]".repeat(32)).into())
            .await
            .fields(422),
        ["body"]
    );
    put(JSON, vec![b' '; 256 * 1024 + 1]).await.is_problem(413);
    put(JSON, vec![b' '; 256 * 1024]).await.is_problem(400);
    assert_eq!(
        put(JSON, br#"{"enable":true}"#.to_vec()).await.fields(422),
        ["enable"]
    );
    assert_eq!(
        put(JSON, br#"{"enabled":1}"#.to_vec()).await.fields(422),
        ["enabled"]
    );
    for (path, status) in [
        ("/api/", 404),
        ("/api/v1/nothing", 404),
        ("/api/v1/conversations/7/messages", 404),
        ("/api/v1/conversations/%00/messages", 404),
        (
            "/api/v1/conversations/0193f0c2-7f1e-7c3a-9d52-0d3f6f1b2a77/messages",
            404,
        ),
        ("/api/v1/conversations?limit=0", 422),
        ("/api/v1/conversations?limit=201", 422),
        ("/api/v1/conversations?limit=", 422),
        ("/api/v1/conversations?limit=1&limit=1", 422),
        ("/api/v1/conversations?after=x", 422),
        ("/api/v1/conversations?color=red", 422),
        ("/api/v1/conversations?%ff", 422),
    ] {
        node.get(&key, path).await.is_problem(status);
    }
    let wrong = node.call(&key, "DELETE", SETTINGS, &Value::Null).await;
    wrong.is_problem(405);
    assert!(wrong.headers["Allow"].to_str().unwrap().contains("PUT"));
}

#[tokio::test]
async fn a_request_that_comes_again_gets_its_first_answer() {
    let road = Road::new().await;
    let node = Node::new(&road.database).await;
    road.says(PALESA, &["hello"]).await;
    let conversation = road
        .database
        .texts("SELECT id::text FROM conversations")
        .await
        .remove(0);
    let keys = [
        node.key("one", &[Scope::Conversations]).await,
        node.key("two", &[Scope::Conversations]).await,
    ];
    let reply = async |key: &str, idempotency: &str, text: &str| {
        let request = request(
            "POST",
            &format!("/api/v1/conversations/{conversation}/reply"),
        )
        .header("Authorization", format!("Bearer {key}"))
        .header("Content-Type", "application/json")
        .header("Idempotency-Key", idempotency);
        let body = Body::from(json!({ "text": text }).to_string());
        node.send(request.body(body).unwrap()).await
    };
    let first = reply(&keys[0], "a", "Good day").await;
    assert_eq!(first.status, 202, "{}", first.text);
    let again = reply(&keys[0], "a", "Good day").await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(
        reply(&keys[0], "a", "Good night").await.fields(422),
        ["Idempotency-Key"]
    );
    assert_eq!(road.database.number("SELECT count(*) FROM outbox").await, 1);
    assert_ne!(reply(&keys[1], "a", "Good day").await.body, first.body);
    for odd in ["", &"x".repeat(256)] {
        assert_eq!(
            reply(&keys[0], odd, "Good day").await.fields(422),
            ["Idempotency-Key"]
        );
    }
    assert_eq!(
        reply(&keys[0], &"x".repeat(255), "Good day").await.status,
        202
    );
    assert_eq!(reply(&keys[0], "b", " ").await.fields(422), ["text"]);
    assert_eq!(reply(&keys[0], "c", "a\0b").await.fields(422), ["body"]);

    let resolve = async |idempotency: &str| {
        let request = request(
            "POST",
            &format!("/api/v1/conversations/{conversation}/resolve"),
        )
        .header("Authorization", format!("Bearer {}", keys[0]))
        .header("Idempotency-Key", idempotency);
        node.send(request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(resolve("r").await.status, 204);
    assert_eq!(resolve("r").await.status, 204);
    resolve("s").await.is_problem(409);
    resolve("a").await.is_problem(422);

    road.advance(8 * 24 * 3_600).await;
    node.store.clean_up(KEEP_DAYS).await.unwrap();
    assert_eq!(
        road.database
            .number("SELECT count(*) FROM idempotency_keys")
            .await,
        0
    );
}

#[tokio::test]
async fn conversations_are_listed_and_read_page_by_page() {
    let road = Road::new().await;
    let node = Node::new(&road.database).await;
    let key = node.key("inbox", &[Scope::Conversations]).await;
    road.says(PALESA, &["one", "two", "three"]).await;
    let conversation = road
        .database
        .texts("SELECT id::text FROM conversations")
        .await
        .remove(0);
    let path = format!("/api/v1/conversations/{conversation}");
    let nobody = node.get(&key, "/api/v1/conversations").await;
    assert_eq!(nobody.body, json!({ "items": [], "next": null }));
    let replied = node
        .call(
            &key,
            "POST",
            &format!("{path}/reply"),
            &json!({ "text": "four" }),
        )
        .await;
    assert_eq!(replied.status, 202, "{}", replied.text);
    let waiting = node.get(&key, "/api/v1/conversations").await;
    assert_eq!(waiting.body["items"][0]["id"], conversation.as_str());
    let mut texts = Vec::new();
    let mut next = String::new();
    loop {
        let page = node
            .get(&key, &format!("{path}/messages?limit=2{next}"))
            .await;
        let items = page.body["items"].as_array().unwrap().clone();
        texts.extend(
            items
                .iter()
                .map(|item| item["text"].as_str().unwrap().to_owned()),
        );
        match page.body["next"].as_str() {
            Some(after) => next = format!("&after={after}"),
            None => break,
        }
    }
    assert_eq!(texts, ["four", "three", "two", "one"]);
}

#[tokio::test]
async fn the_viewer_is_whole_and_loads_nothing_from_elsewhere() {
    let node = Node::new(&Database::new().await).await;
    let get = async |path: &str| {
        node.send(request("GET", path).body(Body::empty()).unwrap())
            .await
    };
    assert_eq!(get("/api/docs").await.status, 303);
    let page = get("/api/docs/").await;
    assert_eq!(page.status, 200);
    let policy = page.headers["Content-Security-Policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"));
    assert!(
        !page.text.contains("//cdn") && !page.text.contains("https://"),
        "{}",
        page.text
    );
    let mut loaded = 0;
    for mark in ["src=\"", "href=\""] {
        for part in page.text.split(mark).skip(1) {
            let name = part.split('"').next().unwrap();
            if name.starts_with('#') {
                continue;
            }
            let asset = get(&format!("/api/docs/{}", name.trim_start_matches("./"))).await;
            assert_eq!(asset.status, 200, "{name}");
            loaded += 1;
        }
    }
    assert!(loaded >= 4, "{}", page.text);
    // Scripts stand in files of their own, or the policy would keep them from running.
    assert!(!page.text.contains("<script>"));
    assert!(
        get("/api/docs/swagger-initializer.js")
            .await
            .text
            .contains("/api/openapi.json")
    );
}
