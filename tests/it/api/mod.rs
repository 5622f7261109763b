//! The HTTP API in front of a real database: who is let in, what is told to whom, and what comes of it.

mod framework;
mod media;
mod sending;
mod settings;

use std::path::PathBuf;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use puisano::channels::simulator::{Simulator, SimulatorConfig};
use puisano::config::Graph;
use puisano::conversations::ingest::Intake;
use puisano::media::{Files, Folder, Library};
use puisano::model::{ApiKeyId, Origin, PhoneNumberId};
use puisano::rulesets::{LiveRules, Sources, compile};
use puisano::security::Secret;
use puisano::security::api_key::{KeyText, Scope};
use puisano::security::sealed::{KeySource, SealingKey};
use puisano::settings::{Access, Live, Settings, Surroundings};
use puisano::store::Store;
use puisano::store::keys::NewApiKey;
use puisano::tasks::Tasks;
use puisano::web::{Door, Limits, Road, router};
use puisano_engine::Source;
use serde_json::Value;
use tower::ServiceExt;

use crate::database::Database;
use crate::door::channel;

const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// One node of the service without its workers.
pub(crate) struct Node {
    router: Router,
    pub(crate) live: Live,
    pub(crate) store: Store,
    tasks: Tasks,
    pub(crate) library: Library,
    folder: PathBuf,
}

/// What a node is given beside the database.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) api_per_minute: u32,
    pub(crate) locked: bool,
    pub(crate) api_url: String,
    pub(crate) pack: Sources,
}

impl Default for Given {
    fn default() -> Self {
        let pack = Source {
            name: "pack.yaml".to_owned(),
            text: include_str!("../world/pack.yaml").to_owned(),
        };
        Self {
            api_per_minute: 100_000,
            locked: false,
            api_url: "http://127.0.0.1:9".to_owned(),
            pack: Sources {
                rules: vec![pack],
                lexicons: Vec::new(),
            },
        }
    }
}

impl Node {
    pub(crate) async fn new(database: &Database) -> Self {
        Self::with(database, Given::default()).await
    }

    pub(crate) async fn with(database: &Database, given: Given) -> Self {
        let (store, clock) = (database.store.clone(), database.clock.clone());
        let tasks = Tasks::default();
        let live = Live::new(channel(Access {
            app_secrets: vec![Secret::new("first secret")],
            verify_tokens: vec![Secret::new("first-word")],
            phone_number_id: PhoneNumberId::from("1"),
            origin: Origin::Simulated,
        }));
        let limits = Limits {
            api_per_minute: given.api_per_minute,
            ..Limits::default()
        };
        let surroundings = Surroundings {
            locked: given.locked,
            graph: Graph {
                api_url: given.api_url,
                api_version: "v24.0".to_owned(),
            },
            key: KeySource {
                given: SealingKey::parse(&"5a".repeat(32)),
                data: std::env::temp_dir(),
            },
        };
        let base = (store.clone(), clock.clone());
        let settings = Settings::open(base, live.clone(), surroundings, &tasks)
            .await
            .unwrap();
        let door = Door::new(live.clone(), clock.clone(), limits);
        let folder = format!("puisano-api-media-{}", clock.new_id());
        let folder = std::env::temp_dir().join(folder);
        let library = Library {
            store: store.clone(),
            clock: clock.clone(),
            files: Files::Folder(Folder::new(&folder)),
        };
        door.open(Road {
            library: library.clone(),
            intake: Intake::start(store.clone(), clock, &tasks),
            store: store.clone(),
            rules: LiveRules::new(compile(given.pack).live.unwrap()),
            settings,
        });
        Self {
            router: router(door),
            live,
            store,
            tasks,
            library,
            folder,
        }
    }

    /// A key with these scopes.
    pub(crate) async fn key(&self, name: &str, scopes: &[Scope]) -> String {
        let text = KeyText::new().unwrap();
        let key = NewApiKey {
            id: ApiKeyId(uuid::Uuid::now_v7()),
            name: name.to_owned(),
            hash: text.hash(),
            prefix: text.prefix().to_owned(),
            scopes: scopes.iter().map(ToString::to_string).collect(),
            expires_at: None,
        };
        assert!(self.store.create_api_key(&key).await.unwrap());
        text.expose().to_owned()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, ANSWER_BYTES_MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// A call with JSON, as a well-behaved client makes it.
    pub(crate) async fn call(&self, key: &str, method: &str, path: &str, body: &Value) -> Answer {
        let mut request = request(method, path).header("Authorization", format!("Bearer {key}"));
        if !body.is_null() {
            request = request.header("Content-Type", "application/json");
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        self.send(request.body(body).unwrap()).await
    }

    pub(crate) async fn get(&self, key: &str, path: &str) -> Answer {
        self.call(key, "GET", path, &Value::Null).await
    }

    /// The description of the API.
    pub(crate) async fn description(&self) -> Value {
        let request = request("GET", "/api/openapi.json");
        self.send(request.body(Body::empty()).unwrap()).await.body
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.tasks.stopping().cancel();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(path)
        .header("Host", "town.example")
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Answer {
    /// The fields that are complained about; also checks that it is a problem of ours.
    pub(crate) fn fields(&self, status: u16) -> Vec<&str> {
        self.is_problem(status);
        let errors = self.body["errors"].as_array().into_iter().flatten();
        errors.filter_map(|error| error["field"].as_str()).collect()
    }

    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.headers["Content-Type"], "application/problem+json");
        assert_eq!(self.body["status"], status);
        for member in ["type", "title", "detail"] {
            assert!(self.body[member].is_string(), "{member}: {}", self.text);
        }
    }
}

/// A WhatsApp to be connected to.
pub(crate) async fn whatsapp(name: &str, database: &Database, tasks: &Tasks) -> Simulator {
    let folder = format!("puisano-api-{}-{name}", std::process::id());
    Simulator::start(SimulatorConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        data: std::env::temp_dir().join(folder),
        webhook_url: "http://127.0.0.1:9/".to_owned(),
        clock: database.clock.clone(),
        tasks: tasks.clone(),
    })
    .await
    .unwrap()
}
