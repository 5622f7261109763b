//! A whole service on a real PostgreSQL, and a town of customers in front of it, for the road's bench.
//!
//! The service is put together as `app` does it, in a runtime of its own; the customers and the Cloud API's fake run in
//! another, on one thread.

mod cloud;
mod webhooks;
mod wire;

use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use puisano::channels::whatsapp::{Client, Connection};
use puisano::clock::Clock;
use puisano::config::Config;
use puisano::conversations::ingest::Intake;
use puisano::conversations::worker::Worker;
use puisano::media::{Files, Folder, Library};
use puisano::model::{Origin, PhoneNumberId};
use puisano::outbound::worker::{Outbox, Pace};
use puisano::rulesets::{self, Folders, LiveRules};
use puisano::security::Secret;
use puisano::security::sealed::KeySource;
use puisano::settings::{Access, Channel, Live, Settings, Surroundings};
use puisano::store::Store;
use puisano::store::embedded::Embedded;
use puisano::tasks::Tasks;
use puisano::web::{self, Door, Limits, Road};
use puisano::{conversations, outbound};
use sqlx::{AssertSqlSafe, Connection as _, Executor, PgConnection};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use cloud::Cloud;
pub(crate) use webhooks::CUSTOMERS;
use webhooks::Webhook;
use wire::Wire;

const STOP_MAX: Duration = Duration::from_secs(20);
/// WhatsApp's pace for a number would be the limit: here it is not to be one.
const NUMBER_PER_SECOND: u32 = 1_000_000;
const UNKNOWN_WINDOW_MS: u64 = 600_000;

/// A PostgreSQL server: that of `PUISANO_TEST_DATABASE_URL`, else a private one.
pub(crate) struct Server {
    url: String,
    own: Option<(Embedded, PathBuf)>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "benches have no config.rs")]
        let given = std::env::var("PUISANO_TEST_DATABASE_URL").ok();
        if let Some(url) = given {
            return Self { url, own: None };
        }
        let folder = format!("road-{}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        let embedded = Embedded::start(&folder)
            .await
            .expect("a private PostgreSQL");
        let url = embedded.url().to_owned();
        let own = Some((embedded, folder));
        Self { url, own }
    }

    pub(crate) async fn stop(self) {
        if let Some((embedded, folder)) = self.own {
            embedded.stop().await;
            std::fs::remove_dir_all(folder).expect("the folder is ours");
        }
    }

    /// The address of a new database.
    async fn database(&self, name: &str) -> String {
        self.tell(&format!("CREATE DATABASE {name}")).await;
        let (place, options) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let server = place.rsplit_once('/').map_or(place, |(server, _)| server);
        format!("{server}/{name}?{options}")
    }

    async fn tell(&self, sql: &str) {
        let mut admin = PgConnection::connect(&self.url)
            .await
            .expect("the database server answers");
        admin
            .execute(AssertSqlSafe(sql.to_owned()))
            .await
            .expect("databases may be made");
    }
}

/// Which parts of the service run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parts {
    /// What takes webhooks in.
    Door,
    /// All of it.
    Whole,
}

/// A running service with its customers.
pub(crate) struct Town {
    service: Runtime,
    outside: Runtime,
    name: String,
    url: String,
    store: Store,
    work: Tasks,
    cloud: Cloud,
    wires: Vec<Wire>,
    /// Messages written so far.
    written: u64,
}

impl Town {
    pub(crate) fn start(server: &Server, parts: Parts, connections: usize) -> Self {
        let service = Builder::new_multi_thread().enable_all().build();
        let service = service.expect("threads for the service");
        let outside = Builder::new_current_thread().enable_all().build();
        let outside = outside.expect("a runtime for the customers");
        let name = format!("road_{}_{connections}", std::process::id());
        let url = service.block_on(server.database(&name));
        let (work, cloud) = (Tasks::default(), Cloud::default());
        let api = outside.block_on(cloud.start(&work));
        let (store, door) = service.block_on(async {
            let store = Store::connect(&url).expect("a readable address");
            let door = open(&store, &work, (parts, api)).await;
            (store, door)
        });
        let wires = outside.block_on(webhooks::connections(door, connections));
        Self {
            service,
            outside,
            name,
            url,
            store,
            work,
            cloud,
            wires,
            written: 0,
        }
    }

    /// Has `count` messages of so many customers stored, on all connections at once. How long that took.
    pub(crate) fn take_in(&mut self, count: u64, customers: u64) -> Duration {
        let written = self.written;
        self.written += count;
        let mut shares: Vec<Vec<Webhook>> = self.wires.iter().map(|_| Vec::new()).collect();
        for (number, place) in (written..self.written).zip((0..shares.len()).cycle()) {
            shares[place].push(webhooks::message(number, customers));
        }
        let customers = self
            .wires
            .iter_mut()
            .zip(shares)
            .map(|(wire, share)| async {
                for webhook in share {
                    webhook.post(wire).await;
                }
            });
        let began = Instant::now();
        self.outside.block_on(join_all(customers));
        began.elapsed()
    }

    /// Has `count` messages stored, `per_second` of them whether or not those before were answered. How long that took; how
    /// long each waited goes into `waits`.
    pub(crate) fn take_in_steadily(
        &mut self,
        count: u64,
        per_second: u32,
        waits: &mut Vec<Duration>,
    ) -> Duration {
        let (first, next) = (self.written, Cell::new(0));
        self.written += count;
        let waited = RefCell::new(waits);
        let began = Instant::now();
        let customers = self.wires.iter_mut().map(|wire| async {
            loop {
                let place = next.replace(next.get() + 1);
                if place >= count {
                    return;
                }
                let webhook = webhooks::message(first + place, CUSTOMERS);
                let mut due = began + Duration::from_secs(place) / per_second;
                if due > Instant::now() {
                    tokio::time::sleep_until(due.into()).await;
                    // That the alarm rang late is nobody's wait.
                    due = Instant::now();
                }
                webhook.post(wire).await;
                waited.borrow_mut().push(due.elapsed());
            }
        });
        self.outside.block_on(join_all(customers));
        began.elapsed()
    }

    /// Has `count` messages answered and reported on, as many at once as there are connections. How long that took.
    pub(crate) fn converse(&mut self, count: u64) -> Duration {
        let (cloud, written, at_once) = (&self.cloud, self.written, self.wires.len());
        self.written += count;
        let end = self.written;
        let customers = self
            .wires
            .iter_mut()
            .zip(written..)
            .map(|(wire, first)| async move {
                for number in (first..end).step_by(at_once) {
                    turn(cloud, wire, number).await;
                }
            });
        let began = Instant::now();
        self.outside.block_on(join_all(customers));
        began.elapsed()
    }

    /// Stops everything; `complete` counts in the database what was measured, and must find all of it.
    pub(crate) fn stop(self, server: &Server, complete: &'static str) {
        let found: i64 = self.service.block_on(async {
            let mut connection = PgConnection::connect(&self.url)
                .await
                .expect("the database answers");
            sqlx::query_scalar(complete)
                .fetch_one(&mut connection)
                .await
                .expect("a count")
        });
        assert_eq!(found.cast_unsigned(), self.written, "{complete}");
        drop(self.wires);
        drop(self.outside);
        assert!(self.service.block_on(self.work.stop(STOP_MAX)));
        self.service.block_on(self.store.close());
        let drop_it = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        self.service.block_on(server.tell(&drop_it));
    }
}

/// A customer writes, is answered, receives and reads the answer.
async fn turn(cloud: &Cloud, wire: &mut Wire, number: u64) {
    let phone = webhooks::phone(number);
    let answer = cloud.next_to(&phone);
    webhooks::message(number, CUSTOMERS).post(wire).await;
    let accepted = answer.await.expect("an answer");
    for status in webhooks::statuses(&phone, &accepted) {
        status.post(wire).await;
    }
}

/// Opens the door of a service; where it is.
async fn open(store: &Store, work: &Tasks, (parts, api): (Parts, SocketAddr)) -> SocketAddr {
    store.migrate().await.expect("migrations apply");
    let (clock, live) = (Clock::default(), live(api));
    let rules = open_rules(store, work, &clock).await;
    if parts == Parts::Whole {
        start_workers(store, work, (&clock, &rules, &live));
    }
    let limits = Limits::default();
    let door = Door::new(live.clone(), clock.clone(), limits);
    let intake = Intake::start(store.clone(), clock.clone(), work);
    let surroundings = Surroundings {
        locked: true,
        graph: Config::from_pairs([]).expect("defaults").graph,
        key: KeySource {
            given: None,
            data: PathBuf::new(),
        },
    };
    let settings = Settings::open((store.clone(), clock), live, surroundings, work).await;
    door.open(Road {
        library: Library {
            store: store.clone(),
            clock: Clock::default(),
            files: Files::Folder(Folder::new(std::env::temp_dir())),
        },
        intake,
        store: store.clone(),
        rules,
        settings: settings.expect("the database answers"),
    });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port of this machine");
    let address = listener.local_addr().expect("our own address");
    let own = work.clone();
    work.spawn("door", async move {
        web::serve(listener, web::router(door), limits, &own).await;
    });
    address
}

async fn open_rules(store: &Store, work: &Tasks, clock: &Clock) -> LiveRules {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = Folders {
        rules: root.join("rules"),
        lexicons: root.join("lexicons"),
    };
    rulesets::open(store.clone(), clock.clone(), folders, work)
        .await
        .expect("the shipped pack")
}

fn live(api: SocketAddr) -> Live {
    let client = Client::new(Connection {
        api_url: format!("http://{api}"),
        api_version: "v24.0".to_owned(),
        access_token: Secret::new("bench"),
    })
    .expect("a client");
    Live::new(Channel {
        access: Access {
            app_secrets: vec![Secret::new(webhooks::APP_SECRET)],
            verify_tokens: Vec::new(),
            phone_number_id: PhoneNumberId(webhooks::PHONE_NUMBER_ID.to_owned()),
            origin: Origin::Simulated,
        },
        client,
        business_account_id: "1".to_owned(),
    })
}

fn start_workers(store: &Store, work: &Tasks, (clock, rules, live): (&Clock, &LiveRules, &Live)) {
    let pace = Pace {
        notices_per_day: 5,
        number_per_second: NUMBER_PER_SECOND,
        unknown_window_ms: UNKNOWN_WINDOW_MS,
    };
    let turns = Worker::new(store.clone(), rules.clone(), clock.clone());
    conversations::worker::start(turns.following(live.clone()), work);
    let outbox = Outbox {
        store: store.clone(),
        live: live.clone(),
        rules: rules.clone(),
        pace,
        clock: clock.clone(),
    };
    outbound::worker::start(&outbox, work);
}
