//! Files over the API: what is taken and refused, who may have what, and how a file stands beside its message.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use puisano::media::Owner;
use puisano::model::{ContactId, Event};
use puisano::security::api_key::Scope;
use puisano::store::media::Fetched;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Answer, Node, request};
use crate::database::Database;
use crate::ingest::{phone, says};
use crate::road::{PALESA, Road};

const PDF: &[u8] = b"%PDF-1.7 a leaflet";
const MEDIA: &str = "/api/v1/media";
const UPLOAD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A part of a form: its name, what stands beside it, and what is in it.
type Part<'a> = (&'a str, &'a str, &'a [u8]);

fn form(boundary: &str, parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, beside, content) in parts {
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{beside}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    body
}

async fn upload(
    node: &Node,
    key: &str,
    (boundary, once): (&str, &str),
    parts: &[Part<'_>],
) -> Answer {
    let mut call = request("POST", MEDIA)
        .header("Authorization", format!("Bearer {key}"))
        .header(
            "Content-Type",
            format!("multipart/form-data; boundary={boundary}"),
        );
    if !once.is_empty() {
        call = call.header("Idempotency-Key", once);
    }
    node.send(call.body(Body::from(form(boundary, parts))).unwrap())
        .await
}

#[tokio::test]
async fn a_file_goes_up_and_comes_down_as_an_attachment() {
    let node = Node::new(&Database::new().await).await;
    let key = node.key("billing", &[Scope::Send]).await;
    let part = ("file", "; filename=\"leaflet.pdf\"", PDF);
    let first = upload(&node, &key, ("one", ""), &[part]).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let hash = hex::encode(Sha256::digest(PDF));
    let expected = json!({ "id": format!("shared/{hash}"), "mime": "application/pdf", "bytes": PDF.len(), "filename": "leaflet.pdf" });
    assert_eq!(first.body, expected);
    let own_name = ("filename", "", "tšhelete.pdf".as_bytes());
    let named = upload(
        &node,
        &key,
        ("two", ""),
        &[own_name, ("file", "", b"%PDF-1.4")],
    )
    .await;
    assert_eq!(named.body["filename"], "tšhelete.pdf");

    let described = node.description().await;
    let described = &described["components"]["schemas"]["FileBytes"];
    assert_eq!(
        (&described["type"], &described["format"]),
        (&json!("string"), &json!("binary"))
    );
    let had = node.get(&key, &format!("{MEDIA}/shared/{hash}")).await;
    assert_eq!((had.status.as_u16(), had.text.as_bytes()), (200, PDF));
    for (name, value) in [
        ("content-type", "application/pdf"),
        ("content-length", "18"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(had.headers[name], value, "{name}");
    }
    let disposition = had.headers["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment; filename=\"leaflet.pdf\""));
    for nothing in [
        format!("{MEDIA}/shared/{}", "00".repeat(32)),
        format!("{MEDIA}/shared/..%2f..%2fetc"),
        format!("{MEDIA}/%2e%2e/{hash}"),
    ] {
        node.get(&key, &nothing).await.is_problem(404);
    }
}

#[tokio::test]
async fn an_upload_that_comes_again_gets_its_first_answer_whatever_its_boundary() {
    let node = Node::new(&Database::new().await).await;
    let key = node.key("billing", &[Scope::Send]).await;
    let first = upload(&node, &key, ("one", "leaflet"), &[("file", "", PDF)]).await;
    let again = upload(&node, &key, ("two", "leaflet"), &[("file", "", PDF)]).await;
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert_eq!(again.status, 201);
    let other = upload(&node, &key, ("two", "leaflet"), &[("file", "", b"%PDF-2")]).await;
    assert_eq!(other.fields(422), ["Idempotency-Key"]);
}

#[tokio::test]
async fn what_cannot_be_taken_is_told_so() {
    let node = Node::new(&Database::new().await).await;
    let key = node.key("billing", &[Scope::Send]).await;
    let check = async |status: u16, field: Option<&str>, parts: &[Part<'_>]| {
        let refused = upload(&node, &key, ("b", ""), parts).await;
        let fields = refused.fields(status);
        assert_eq!(fields.first().copied(), field, "{}", refused.text);
    };
    check(422, Some("file"), &[("filename", "", b"x.pdf")]).await;
    check(422, Some("file"), &[("file", "", b"")]).await;
    check(
        422,
        Some("file"),
        &[("file", "; filename=\"x.pdf\"", b"GIF89a")],
    )
    .await;
    check(422, Some("file"), &[("file", "", PDF), ("file", "", PDF)]).await;
    check(422, Some("to"), &[("file", "", PDF), ("to", "", b"x")]).await;
    check(
        422,
        Some("filename"),
        &[("file", "", PDF), ("filename", "", b"\xff")],
    )
    .await;
    check(
        422,
        Some("filename"),
        &[("file", "", PDF), ("filename", "", b"a\0")],
    )
    .await;
    let long = "x".repeat(241);
    check(
        422,
        Some("filename"),
        &[("file", "", PDF), ("filename", "", long.as_bytes())],
    )
    .await;
    let mut largest = PDF.to_vec();
    largest.resize(UPLOAD_BYTES_MAX, b' ');
    let taken = upload(&node, &key, ("b", ""), &[("file", "", &largest)]).await;
    assert_eq!(taken.status, 201, "{}", taken.text);
    largest.push(b' ');
    check(413, None, &[("file", "", &largest)]).await;
    largest.resize(UPLOAD_BYTES_MAX + 64 * 1024, b' ');
    check(413, None, &[("file", "", &largest)]).await;
    // A picture may have less than that.
    largest[..4].copy_from_slice(b"\xff\xd8\xff\xe0");
    largest.truncate(6 * 1024 * 1024);
    check(422, Some("file"), &[("file", "", &largest)]).await;

    node.call(&key, "POST", MEDIA, &json!({}))
        .await
        .is_problem(415);
    for (kind, body, status) in [
        ("multipart/form-data", "", 415),
        ("multipart/form-data; boundary=b", "--b\r\nodd", 400),
        ("multipart/form-data; boundary=b", "", 400),
    ] {
        let call = request("POST", MEDIA)
            .header("Authorization", format!("Bearer {key}"))
            .header("Content-Type", kind);
        let refused = node.send(call.body(Body::from(body)).unwrap()).await;
        refused.is_problem(status);
    }
}

#[tokio::test]
async fn files_of_contacts_are_for_those_who_may_read_conversations() {
    let database = Database::new().await;
    let node = Node::new(&database).await;
    let owner = Owner::Contact(ContactId(database.clock.new_id()));
    let body = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(PDF))]);
    let own = node.library.upload((owner, None), body).await.unwrap();
    let sender = node.key("billing", &[Scope::Send]).await;
    let reader = node.key("inbox", &[Scope::Conversations]).await;
    let neither = node.key("crm", &[Scope::Contacts]).await;
    let shared = upload(&node, &sender, ("b", ""), &[("file", "", PDF)]).await;
    let shared = format!("{MEDIA}/{}", shared.body["id"].as_str().unwrap());
    let own = format!("{MEDIA}/{owner}/{}", own.hash);
    for (key, path, status) in [
        (&sender, &shared, 200),
        (&reader, &shared, 200),
        (&neither, &shared, 403),
        (&sender, &own, 403),
        (&reader, &own, 200),
        (&neither, &own, 403),
    ] {
        assert_eq!(node.get(key, path).await.status, status, "{path}");
    }
    node.call(&reader, "POST", MEDIA, &Value::Null)
        .await
        .is_problem(403);
}

#[tokio::test]
async fn a_file_is_sent_only_to_whom_it_is_for_and_as_what_it_is() {
    let road = Road::new().await;
    let node = Node::new(&road.database).await;
    let key = node.key("billing", &[Scope::Send]).await;
    road.says(PALESA, &["hello"]).await;
    let contact = road.database.texts("SELECT id::text FROM contacts").await;
    let stranger = road.database.clock.new_id().to_string();
    let mut ids = Vec::new();
    for owner in [&contact[0], &stranger] {
        let body = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(PDF))]);
        let owner: Owner = owner.parse().unwrap();
        let file = node.library.upload((owner, None), body).await.unwrap();
        ids.push(format!("{owner}/{}", file.hash));
    }
    ids.push(format!("shared/{}", "00".repeat(32)));
    let send = async |kind: &str, id: &str| {
        let body = json!({ "to": PALESA, "media_type": kind, "media_id": id });
        node.call(&key, "POST", "/api/whatsapp/send", &body).await
    };
    assert_eq!(send("document", &ids[0]).await.status, 202);
    for (kind, id) in [
        ("image", &ids[0]),
        ("voice", &ids[0]),
        ("document", &ids[1]),
        ("document", &ids[2]),
        ("document", &"shared/x".to_owned()),
    ] {
        assert_eq!(
            send(kind, id).await.fields(422),
            ["media_id"],
            "{kind} {id}"
        );
    }
}

#[tokio::test]
async fn a_message_shows_its_file_from_the_first_moment() {
    let road = Road::new().await;
    let node = Node::new(&road.database).await;
    let key = node.key("inbox", &[Scope::Conversations]).await;
    road.says(PALESA, &["no file"]).await;
    let mut event = says(phone(PALESA), "wamid.file", "", road.now());
    let Event::Message(message) = &mut event else {
        panic!("{event:?}");
    };
    message.content.media_id = Some("media.1".to_owned());
    road.webhook(vec![event]).await;
    let path = format!(
        "/api/whatsapp/messages?phone={}",
        PALESA.replace('+', "%2B")
    );
    let shown = async || {
        let page = node.get(&key, &path).await;
        assert_eq!(page.body["items"][1]["media"], Value::Null, "{}", page.text);
        page.body["items"][0]["media"].clone()
    };
    let nothing =
        json!({ "id": null, "mime": null, "bytes": null, "filename": null, "state": "pending" });
    assert_eq!(shown().await, nothing);
    let store = &node.store;
    let lease = jiff::SignedDuration::from_secs(60);
    let fetch = store.claim_media_fetches(1, lease).await.unwrap().remove(0);
    let owner = Owner::Contact(fetch.contact);
    let body = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(PDF))]);
    let file = node
        .library
        .upload((owner, Some("a.pdf")), body)
        .await
        .unwrap();
    let stored = Fetched::Stored {
        hash: file.hash.clone(),
    };
    store.finish_media_fetch(&fetch, &stored).await.unwrap();
    let media = shown().await;
    let id = format!("{owner}/{}", file.hash);
    let expected = json!({ "id": id, "mime": "application/pdf", "bytes": PDF.len(), "filename": "a.pdf", "state": "stored" });
    assert_eq!(media, expected);
    let had = node.get(&key, &format!("{MEDIA}/{id}")).await;
    assert_eq!(had.text.as_bytes(), PDF);
    let conversation = road
        .database
        .texts("SELECT id::text FROM conversations")
        .await;
    let path = format!("/api/v1/conversations/{}/messages", conversation[0]);
    let page = node.get(&key, &path).await;
    assert_eq!(page.body["items"][0]["media"], expected);
}
