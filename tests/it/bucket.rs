//! A store that speaks as much of S3 as a bucket of files needs: objects are put, had, listed and deleted.
//!
//! It does not check signatures; it remembers whose key they name.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use puisano::tasks::Tasks;

#[derive(Default)]
struct Held {
    objects: BTreeMap<String, Bytes>,
    credentials: Vec<String>,
}

type Shared = Arc<Mutex<Held>>;

pub(crate) struct FakeS3 {
    pub(crate) url: String,
    held: Shared,
}

impl FakeS3 {
    pub(crate) async fn start() -> Self {
        let held = Shared::default();
        let router = Router::new()
            .route("/files", get(list).post(delete))
            .route("/files/{*name}", put(store).get(fetch))
            .with_state(held.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let tasks = Tasks::default();
        tasks.spawn("bucket", async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self { url, held }
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.held.lock().unwrap().objects.keys().cloned().collect()
    }

    /// Whether every call named this key.
    pub(crate) fn signed_by(&self, key: &str) -> bool {
        let named = format!("Credential={key}/");
        let held = self.held.lock().unwrap();
        !held.credentials.is_empty() && held.credentials.iter().all(|one| one.contains(&named))
    }
}

fn note(held: &mut Held, headers: &HeaderMap) {
    let credential = headers.get("authorization").map(|text| text.to_str());
    let credential = credential.and_then(Result::ok).unwrap_or_default();
    held.credentials.push(credential.to_owned());
}

async fn store(
    State(held): State<Shared>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut held = held.lock().unwrap();
    note(&mut held, &headers);
    held.objects.insert(name, body);
    [("etag", "\"1\"")].into_response()
}

async fn fetch(
    State(held): State<Shared>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let mut held = held.lock().unwrap();
    note(&mut held, &headers);
    match held.objects.get(&name) {
        Some(bytes) => {
            let headers = [
                ("etag", "\"1\""),
                ("last-modified", "Wed, 25 Nov 2026 00:00:00 GMT"),
            ];
            (headers, bytes.clone()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn list(
    State(held): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let mut held = held.lock().unwrap();
    note(&mut held, &headers);
    let prefix = &query["prefix"];
    let mut listed = String::new();
    for (name, bytes) in &held.objects {
        if name.starts_with(prefix) {
            let size = bytes.len();
            write!(
                listed,
                "<Contents><Key>{name}</Key><LastModified>2026-11-25T00:00:00.000Z</LastModified>\
                 <ETag>\"1\"</ETag><Size>{size}</Size></Contents>"
            )
            .unwrap();
        }
    }
    format!("<ListBucketResult><IsTruncated>false</IsTruncated>{listed}</ListBucketResult>")
        .into_response()
}

/// `POST /files?delete` with the names of many.
async fn delete(State(held): State<Shared>, headers: HeaderMap, body: String) -> Response {
    let mut held = held.lock().unwrap();
    note(&mut held, &headers);
    let mut told = String::new();
    for part in body.split("<Key>").skip(1) {
        let name = part.split("</Key>").next().unwrap();
        held.objects.remove(name);
        write!(told, "<Deleted><Key>{name}</Key></Deleted>").unwrap();
    }
    format!("<DeleteResult>{told}</DeleteResult>").into_response()
}
