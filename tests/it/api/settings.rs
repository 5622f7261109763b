//! Settings over the API: drafts, connections that are tested, secrets that stay sealed, and every node following.

use std::time::{Duration, Instant};

use axum::body::Body;
use puisano::conversations::worker::Worker;
use puisano::model::Origin;
use puisano::rulesets::{LiveRules, compile};
use puisano::security::api_key::Scope;
use puisano::tasks::Tasks;
use serde_json::{Value, json};

use super::{Given, Node, request, whatsapp};
use crate::database::Database;
use crate::road::{PALESA, Road};

const SETTINGS: &str = "/api/whatsapp/settings";
const WEBHOOK: &str = "/api/whatsapp/webhook";
/// What every node must have heard of by then.
const SECOND: Duration = Duration::from_secs(1);

async fn change(node: &Node, key: &str, change: Value) -> super::Answer {
    node.call(key, "PUT", SETTINGS, &change).await
}

#[tokio::test]
async fn a_connection_is_given_piece_by_piece_and_counts_when_whatsapp_knows_it() {
    let (database, tasks) = (Database::new().await, Tasks::default());
    let meta = whatsapp("pieces", &database, &tasks).await;
    let given = Given {
        api_url: meta.api_url.clone(),
        ..Given::default()
    };
    let here = Node::with(&database, given.clone()).await;
    let there = Node::with(&database, given).await;
    let key = here.key("portal", &[Scope::Settings]).await;

    let first = here.get(&key, SETTINGS).await.body;
    assert_eq!(
        (&first["connection"], &first["enabled"]),
        (&json!("simulator"), &json!(true))
    );
    assert_eq!(first["missing"].as_array().unwrap().len(), 5);
    let pieces = json!({ "phone_number_id": meta.phone_number_id, "business_account_id": meta.business_account_id,
                         "webhook_verify_token": "our-word", "app_secret": "secret-one" });
    let draft = change(&here, &key, pieces).await;
    assert_eq!(draft.status, 200, "{}", draft.text);
    assert_eq!(
        (&draft.body["connection"], &draft.body["missing"]),
        (&json!("simulator"), &json!(["access_token"]))
    );
    assert_eq!(draft.body["app_secret"]["set"], true);

    let refused = change(
        &here,
        &key,
        json!({ "access_token": "of-somebody-else", "enabled": false }),
    )
    .await;
    assert_eq!(refused.fields(422), ["access_token"]);
    let unchanged = here.get(&key, SETTINGS).await.body;
    assert_eq!(
        (&unchanged["enabled"], &unchanged["access_token"]["set"]),
        (&json!(true), &json!(false))
    );

    let whole = change(
        &here,
        &key,
        json!({ "access_token": meta.access_token.expose() }),
    )
    .await;
    assert_eq!(whole.status, 200, "{}", whole.text);
    assert_eq!(
        (&whole.body["connection"], &whole.body["missing"]),
        (&json!("whatsapp"), &json!([]))
    );
    let begun = Instant::now();
    while there.live.current().channel.access.origin != Origin::Live {
        assert!(
            begun.elapsed() < SECOND,
            "the other node has not heard of it"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(
        there.live.current().channel.access.phone_number_id,
        meta.phone_number_id
    );

    // Nothing that is secret is anywhere in the open, and nothing of it comes back.
    let everything = database
        .texts(
            "SELECT string_agg(x, ' ') FROM (SELECT value::text AS x FROM settings UNION ALL
                SELECT encode(ciphertext, 'escape') FROM secrets) all_of_it",
        )
        .await;
    for secret in ["our-word", "secret-one", meta.access_token.expose()] {
        assert!(!everything[0].contains(secret) && !whole.text.contains(secret));
    }
    tasks.stopping().cancel();
}

#[tokio::test]
async fn a_changed_secret_and_the_one_before_both_count_for_a_day() {
    let (database, tasks) = (Database::new().await, Tasks::default());
    let meta = whatsapp("rotation", &database, &tasks).await;
    let given = Given {
        api_url: meta.api_url.clone(),
        ..Given::default()
    };
    let node = Node::with(&database, given).await;
    let key = node.key("portal", &[Scope::Settings]).await;
    let whole = json!({ "phone_number_id": meta.phone_number_id, "business_account_id": meta.business_account_id,
        "webhook_verify_token": "word-one", "app_secret": "secret-one", "access_token": meta.access_token.expose() });
    assert_eq!(change(&node, &key, whole).await.status, 200);
    let shake = async |word: &str| {
        let path = format!("{WEBHOOK}?hub.mode=subscribe&hub.challenge=1&hub.verify_token={word}");
        node.send(request("GET", &path).body(Body::empty()).unwrap())
            .await
            .status
            .as_u16()
    };
    assert_eq!(
        (shake("word-one").await, shake("first-word").await),
        (200, 403)
    );
    let changed = change(
        &node,
        &key,
        json!({ "webhook_verify_token": "word-two", "app_secret": "secret-two" }),
    )
    .await;
    assert!(
        changed.body["app_secret"]["previous_until"].is_string(),
        "{}",
        changed.text
    );
    assert_eq!(
        (shake("word-one").await, shake("word-two").await),
        (200, 200)
    );
    let secrets = node.live.current().channel.access.app_secrets.clone();
    assert_eq!(
        secrets
            .iter()
            .map(puisano::security::Secret::expose)
            .collect::<Vec<_>>(),
        ["secret-two", "secret-one"]
    );
    // The same again is no further rotation.
    change(&node, &key, json!({ "app_secret": "secret-two" })).await;
    assert_eq!(node.live.current().channel.access.app_secrets.len(), 2);
    database.advance(24 * 3_600 + 1).await;
    let begun = Instant::now();
    while node.live.current().channel.access.app_secrets.len() == 2 {
        assert!(begun.elapsed() < SECOND, "the old secret still counts");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(
        (shake("word-one").await, shake("word-two").await),
        (403, 200)
    );
    tasks.stopping().cancel();
}

#[tokio::test]
async fn what_stands_in_the_environment_is_shown_as_locked_and_stays() {
    let database = Database::new().await;
    let given = Given {
        locked: true,
        ..Given::default()
    };
    let node = Node::with(&database, given).await;
    let key = node.key("portal", &[Scope::Settings]).await;
    let shown = node.get(&key, SETTINGS).await.body;
    assert_eq!(
        (&shown["phone_number_id"], &shown["access_token"]["set"]),
        (&json!("1"), &json!(true))
    );
    assert_eq!(shown["locked"].as_array().unwrap().len(), 6);
    let refused = change(
        &node,
        &key,
        json!({ "phone_number_id": "2", "api_version": "v25.0", "enabled": false }),
    )
    .await;
    assert_eq!(refused.fields(422), ["phone_number_id", "api_version"]);
    assert!(node.live.enabled());
    assert_eq!(
        change(&node, &key, json!({ "enabled": false })).await.body["enabled"],
        false
    );
    assert!(!node.live.enabled());
}

#[tokio::test]
async fn odd_values_are_refused_by_name_and_nothing_is_stored() {
    let database = Database::new().await;
    let node = Node::new(&database).await;
    let key = node.key("portal", &[Scope::Settings]).await;
    let odd = json!({ "phone_number_id": "+27600000001", "business_account_id": "", "api_version": "24",
        "access_token": "two words", "webhook_verify_token": "", "app_secret": "your_app_secret",
        "auto_reply_message": "x".repeat(4_097), "enabled": false });
    let mut fields = change(&node, &key, odd)
        .await
        .fields(422)
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>();
    fields.sort();
    assert_eq!(
        fields,
        [
            "access_token",
            "api_version",
            "app_secret",
            "auto_reply_message",
            "business_account_id",
            "phone_number_id",
            "webhook_verify_token"
        ]
    );
    assert_eq!(database.number("SELECT count(*) FROM settings").await, 0);
}

#[tokio::test]
async fn switched_off_nothing_is_stored_and_nothing_can_be_sent() {
    let database = Database::new().await;
    let node = Node::new(&database).await;
    let key = node
        .key("portal", &[Scope::Settings, Scope::Conversations])
        .await;
    let body = r#"{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{}}]}]}"#;
    let webhook = async || {
        let secret = puisano::security::Secret::new("first secret");
        let signature = puisano::channels::whatsapp::signature::sign(&secret, body.as_bytes());
        let request = request("POST", WEBHOOK).header("X-Hub-Signature-256", signature);
        node.send(request.body(Body::from(body)).unwrap())
            .await
            .status
            .as_u16()
    };
    let stored = async || {
        database
            .number("SELECT count(*) FROM webhook_envelopes")
            .await
    };
    assert_eq!((webhook().await, stored().await), (200, 1));
    change(&node, &key, json!({ "enabled": false })).await;
    assert_eq!((webhook().await, stored().await), (200, 1));
    let reply = "/api/v1/conversations/0193f0c2-7f1e-7c3a-9d52-0d3f6f1b2a77/reply";
    node.call(&key, "POST", reply, &json!({ "text": "hello" }))
        .await
        .is_problem(409);
    change(&node, &key, json!({ "enabled": true })).await;
    assert_eq!((webhook().await, stored().await), (200, 2));
}

#[tokio::test]
async fn automatic_answers_are_in_the_operators_words_or_not_at_all() {
    let road = Road::new().await;
    let node = Node::new(&road.database).await;
    let key = node.key("portal", &[Scope::Settings]).await;
    let rules = LiveRules::new(compile(Given::default().pack).live.unwrap());
    let (store, clock) = (road.database.store.clone(), road.database.clock.clone());
    let worker = Worker::new(store, rules, clock).following(node.live.clone());
    let said = async || {
        let said = "SELECT content FROM messages WHERE direction = 'outbound' ORDER BY id";
        road.database.texts(said).await
    };
    change(
        &node,
        &key,
        json!({ "auto_reply_message": "We answer tomorrow." }),
    )
    .await;
    road.says(PALESA, &["mountains"]).await;
    worker.round().await.unwrap();
    assert_eq!(said().await, ["We answer tomorrow."]);
    road.says(PALESA, &["number 5"]).await;
    worker.round().await.unwrap();
    assert_eq!(said().await, ["We answer tomorrow.", "You said 5."]);

    change(&node, &key, json!({ "auto_reply_enabled": false })).await;
    road.says("+27600000002", &["number 6"]).await;
    worker.round().await.unwrap();
    assert_eq!(said().await.len(), 2);
    let waiting = road.database.texts("SELECT reason FROM handoffs").await;
    assert_eq!(waiting, ["Automatic answers are switched off."]);
}
