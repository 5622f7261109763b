//! The embedded database on a real file system: it starts, survives being killed together with us or alone, comes up
//! with everything that was committed, and lets nobody else in meanwhile.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use puisano::store::embedded::{Embedded, EmbeddedError};
use sqlx::{Connection, Executor, PgConnection, Row};

const CHILD_FOLDER: &str = "PUISANO_TEST_CHILD_FOLDER";
const WAIT_SECONDS_MAX: u64 = 30;

/// A data folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("puisano-test-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn connect(url: &str) -> Option<PgConnection> {
    PgConnection::connect(url).await.ok()
}

/// Connects as soon as that works.
async fn reconnect(url: &str) -> PgConnection {
    let deadline = Instant::now() + Duration::from_secs(WAIT_SECONDS_MAX);
    loop {
        if let Some(connection) = connect(url).await {
            return connection;
        }
        assert!(Instant::now() < deadline, "the database did not come back");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn store(url: &str, number: i32) {
    let mut db = reconnect(url).await;
    db.execute("CREATE TABLE IF NOT EXISTS kept (number int PRIMARY KEY)")
        .await
        .unwrap();
    sqlx::query("INSERT INTO kept VALUES ($1)")
        .bind(number)
        .execute(&mut db)
        .await
        .unwrap();
}

async fn stored(url: &str) -> Vec<i32> {
    let mut db = reconnect(url).await;
    let rows = sqlx::query("SELECT number FROM kept ORDER BY number")
        .fetch_all(&mut db)
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn kill(pid: u32) {
    assert!(
        Command::new("sh")
            .args(["-c", "kill -9 \"$0\"", &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
}

/// Runs the database in a process of its own, which can be killed; prints its address when it is up.
fn child(data: &Path) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "embedded::a_process_with_a_database",
            "--ignored",
            "--nocapture",
        ])
        .env(CHILD_FOLDER, data)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = lines
        .map_while(Result::ok)
        .find_map(|line| line.split_once("up at ").map(|(_, url)| url.to_owned()));
    (child, url.expect("the child has a database"))
}

/// Not a test: what [`child`] runs.
#[tokio::test]
#[ignore = "run by other tests as a process of its own"]
async fn a_process_with_a_database() {
    let Some(data) = std::env::var_os(CHILD_FOLDER) else {
        return;
    };
    let database = Embedded::start(Path::new(&data)).await.unwrap();
    assert!(!database.url().is_empty());
    #[expect(clippy::print_stdout, reason = "the parent reads it")]
    {
        println!("up at {}", database.url());
    }
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn what_is_stored_is_there_after_a_stop_and_the_second_start_is_quick() {
    let folder = Folder::new("stop");
    let database = Embedded::start(&folder.0).await.unwrap();
    store(database.url(), 1).await;
    let mut db = reconnect(database.url()).await;
    for (setting, expected) in [
        ("fsync", "on"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("listen_addresses", ""),
    ] {
        let row = sqlx::query("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut db)
            .await
            .unwrap();
        assert_eq!(row.get::<String, _>(0), expected, "{setting}");
    }
    drop(db);
    database.stop().await;
    let begun = Instant::now();
    let database = Embedded::start(&folder.0).await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(stored(database.url()).await, [1]);
    database.stop().await;
    assert_eq!(Embedded::attach(&folder.0), None);
}

#[tokio::test]
async fn a_killed_server_is_started_again_at_the_same_address() {
    let folder = Folder::new("server");
    let database = Embedded::start(&folder.0).await.unwrap();
    store(database.url(), 1).await;
    let first = database.pid().unwrap();
    kill(first);
    store(database.url(), 2).await;
    assert_eq!(stored(database.url()).await, [1, 2]);
    assert_ne!(database.pid(), Some(first));
    database.stop().await;
}

#[tokio::test]
async fn after_we_are_killed_the_next_start_has_everything() {
    let folder = Folder::new("killed");
    for round in 1..=3 {
        let (mut process, url) = child(&folder.0);
        store(&url, round).await;
        process.kill().unwrap();
        process.wait().unwrap();
    }
    let database = Embedded::start(&folder.0).await.unwrap();
    assert_eq!(stored(database.url()).await, [1, 2, 3]);
    database.stop().await;
}

#[tokio::test]
async fn a_database_that_outlived_us_is_taken_over_and_both_killed_at_once_is_no_loss() {
    let folder = Folder::new("both");
    let (mut process, url) = child(&folder.0);
    store(&url, 1).await;
    let file = std::fs::read_to_string(folder.0.join("pg/postmaster.pid")).unwrap();
    kill(file.lines().next().unwrap().parse().unwrap());
    process.kill().unwrap();
    process.wait().unwrap();
    let database = Embedded::start(&folder.0).await.unwrap();
    assert_eq!(stored(database.url()).await, [1]);
    database.stop().await;
}

#[tokio::test]
async fn a_stale_pid_file_with_a_living_strangers_number_does_not_keep_us_out() {
    let folder = Folder::new("stale");
    let database = Embedded::start(&folder.0).await.unwrap();
    store(database.url(), 1).await;
    let pid_file = folder.0.join("pg/postmaster.pid");
    let text = std::fs::read_to_string(&pid_file).unwrap();
    database.stop().await;
    let stranger = std::process::id().to_string();
    let (_, rest) = text.split_once('\n').unwrap();
    std::fs::write(&pid_file, format!("{stranger}\n{rest}")).unwrap();
    assert_eq!(Embedded::attach(&folder.0), None);
    let database = Embedded::start(&folder.0).await.unwrap();
    assert_eq!(stored(database.url()).await, [1]);
    database.stop().await;
}

#[tokio::test]
async fn a_second_instance_is_told_so_and_a_command_joins_in() {
    let folder = Folder::new("second");
    let (mut process, url) = child(&folder.0);
    match Embedded::start(&folder.0).await {
        Err(error @ EmbeddedError::Busy { pid, .. }) => {
            assert_eq!(pid, Some(process.id()));
            assert!(
                error.to_string().contains("another Puisano (process "),
                "{error}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(Embedded::attach(&folder.0), Some(url.clone()));
    let joined = Embedded::attach_or_start(&folder.0).await.unwrap();
    assert_eq!(joined.url(), url);
    joined.stop().await;
    store(&url, 1).await;
    process.kill().unwrap();
    process.wait().unwrap();
    let own = Embedded::attach_or_start(&folder.0).await.unwrap();
    assert_eq!(stored(own.url()).await, [1]);
    assert!(own.pid().is_some());
    own.stop().await;
}

#[tokio::test]
async fn a_folder_with_a_long_name_works_too() {
    let folder = Folder::new("long");
    let data = folder
        .0
        .join("a folder of quite some length".repeat(3))
        .join("with \"quotes\", commas and ë");
    let database = Embedded::start(&data).await.unwrap();
    store(database.url(), 1).await;
    assert_eq!(stored(database.url()).await, [1]);
    let sockets = database.url().split_once("?host=").unwrap().1.to_owned();
    assert!(sockets.starts_with("/tmp/puisano-"), "{sockets}");
    database.stop().await;
    std::fs::remove_dir_all(sockets).unwrap();
}

#[tokio::test]
async fn a_file_in_place_of_the_folder_is_a_sentence() {
    let folder = Folder::new("file");
    std::fs::write(&folder.0, "").unwrap();
    let error = Embedded::start(&folder.0).await.unwrap_err().to_string();
    std::fs::remove_file(&folder.0).unwrap();
    assert!(
        error.starts_with("could not open the lock file in /"),
        "{error}"
    );
}
