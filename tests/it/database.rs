//! A database for each test: a server that is shared by all, a migrated template, and a copy of it per test.
//!
//! The server is the one of `PUISANO_TEST_DATABASE_URL`, else a private one that ends with the tests.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use puisano::clock::Clock;
use puisano::store::Store;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection, PgPool};

const TEMPLATE: &str = "puisano_template";

static SERVER: LazyLock<Server> = LazyLock::new(Server::start);
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A fresh, migrated database with a clock that moves it.
pub(crate) struct Database {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    /// For looking at rows behind the store's back.
    pub(crate) pool: PgPool,
}

impl Database {
    pub(crate) async fn new() -> Self {
        let server = &*SERVER;
        let name = format!(
            "{}_{}",
            server.prefix,
            DATABASES.fetch_add(1, Ordering::Relaxed)
        );
        let mut admin = connect(&server.url).await;
        let sql = format!("CREATE DATABASE {name} TEMPLATE {}", server.template);
        admin
            .execute(sqlx::AssertSqlSafe(sql))
            .await
            .expect("a database for the test");
        let url = with_database(&server.url, &name);
        let store = Store::connect(&url).expect("a readable URL");
        let pool = PgPool::connect_lazy(&url).expect("a readable URL");
        Self {
            store,
            clock: Clock::default(),
            pool,
        }
    }

    /// Lets time pass, for the program and for SQL.
    pub(crate) async fn advance(&self, seconds: i64) {
        self.clock.advance(jiff::SignedDuration::from_secs(seconds));
        self.store.follow_clock(&self.clock).await.unwrap();
    }

    /// The one number that `sql` asks for.
    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    /// The first column of all rows, as text.
    pub(crate) async fn texts(&self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(&self.pool).await.unwrap()
    }
}

struct Server {
    url: String,
    prefix: String,
    template: String,
    /// Ends the private server when the tests end, because its standard input is then closed.
    _guard: Option<Child>,
}

impl Server {
    fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "tests have no config.rs")]
        let given = std::env::var("PUISANO_TEST_DATABASE_URL").ok();
        let (url, guard) = match given {
            Some(url) => (url, None),
            None => private_server(),
        };
        let prefix = format!("puisano_test_{}", std::process::id());
        let template = format!("{TEMPLATE}_{}", std::process::id());
        let (admin_url, name) = (url.clone(), template.clone());
        // Tests run in runtimes of their own; this one only makes the template.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(make_template(&admin_url, &name));
        })
        .join()
        .expect("a template database");
        Self {
            url,
            prefix,
            template,
            _guard: guard,
        }
    }
}

async fn make_template(url: &str, name: &str) {
    let mut admin = connect(url).await;
    admin
        .execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .await
        .expect("a template database");
    let store = Store::connect(&with_database(url, name)).unwrap();
    store.migrate().await.expect("migrations apply");
    store.close().await;
}

async fn connect(url: &str) -> PgConnection {
    let options: PgConnectOptions = url.parse().expect("a readable URL");
    for _ in 0..200 {
        if let Ok(connection) = PgConnection::connect_with(&options).await {
            return connection;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the test server does not answer");
}

/// `url` with another database in it.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let (server, _) = base.rsplit_once('/').expect("a URL names a database");
    format!("{server}/{name}?{query}")
}

/// Starts a server that listens on a socket only, does not trouble the disk, and is gone when the tests are.
fn private_server() -> (String, Option<Child>) {
    let directory = std::env::temp_dir().join(format!("puisano-it-{}", std::process::id()));
    let binaries = server_binaries();
    let script = format!(
        "set -e; rm -rf '{dir}'; mkdir -m 700 '{dir}'; \
         '{bin}/initdb' -D '{dir}/data' -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N >/dev/null; \
         '{bin}/postgres' -D '{dir}/data' -k '{dir}' -c listen_addresses= -c fsync=off -c max_connections=400 \
             >'{dir}/log' 2>&1 & server=$!; \
         echo started; cat >/dev/null || true; kill -INT $server; wait $server || true; rm -rf '{dir}'",
        dir = directory.display(),
        bin = binaries.display(),
    );
    let mut command = as_ordinary_user();
    let mut child = command
        .args(["sh", "-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut started = [0_u8; 8];
    let mut output = child.stdout.take().unwrap();
    std::io::Read::read_exact(&mut output, &mut started).expect("PostgreSQL starts");
    (
        format!(
            "postgres://postgres@localhost/postgres?host={}",
            directory.display()
        ),
        Some(child),
    )
}

/// PostgreSQL refuses to run as root.
fn as_ordinary_user() -> Command {
    let is_root = std::fs::metadata("/proc/self")
        .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if is_root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
        command
    } else {
        Command::new("env")
    }
}

/// The newest of Debian's places, else what is on the PATH.
fn server_binaries() -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut folders: Vec<PathBuf> = installed
        .map(|version| version.path().join("bin"))
        .collect();
    folders.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).collect::<Vec<_>>();
    let mut places = folders.into_iter().rev().chain(on_path);
    places
        .find(|folder| folder.join("initdb").exists())
        .expect("PostgreSQL is installed: scripts/test sees to it")
}
