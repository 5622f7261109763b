//! A town with the real program in it: `puisano serve` as a process of its own with its private database and the
//! simulator, people who write to it, and hands that pull plugs.
//!
//! It reads what people see on their phones; it never looks into the database.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long an unknown message waits for its status before it is sent once more; short, so that tests are.
const UNKNOWN_WINDOW_MS: &str = "2000";

pub struct Town {
    folder: PathBuf,
    port: u16,
    server: Option<Child>,
    client: reqwest::Client,
}

impl Town {
    /// A town whose bot repeats the number in every message that holds one.
    pub async fn open(name: &str) -> Self {
        let folder = fresh_folder(name);
        std::fs::write(folder.join("rules/pack.yaml"), include_str!("pack.yaml")).unwrap();
        Self::open_in(folder).await
    }

    /// A town with the pack that is shipped.
    pub async fn open_shipped(name: &str) -> Self {
        let folder = fresh_folder(name);
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        for file in std::fs::read_dir(shipped).unwrap() {
            let path = file.unwrap().path();
            if path.is_file() {
                let name = path.file_name().unwrap();
                std::fs::copy(&path, folder.join("rules").join(name)).unwrap();
            }
        }
        Self::open_in(folder).await
    }

    async fn open_in(folder: PathBuf) -> Self {
        let client = puisano::channels::local_client(Duration::from_secs(20)).unwrap();
        let mut town = Self {
            folder,
            port: free_port(),
            server: None,
            client,
        };
        town.start().await;
        town
    }

    /// Where the program listens.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn rules(&self) -> PathBuf {
        self.folder.join("rules/pack.yaml")
    }

    /// The store of this town, for what people cannot do yet.
    pub fn store_url(&self) -> String {
        puisano::store::embedded::Embedded::attach(&self.folder.join("data")).expect("a database")
    }

    /// Starts the program and waits until it is ready.
    pub async fn start(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let server = Command::new(env!("CARGO_BIN_EXE_puisano"))
            .args(["serve", "--rules"])
            .arg(self.folder.join("rules"))
            .arg("--lexicons")
            .arg(root.join("lexicons"))
            .env("PUISANO_DATA", self.folder.join("data"))
            .env("PUISANO_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("PUISANO_NUMBER_PER_SECOND", "10000")
            .env("PUISANO_UNKNOWN_WINDOW_MS", UNKNOWN_WINDOW_MS)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.server = Some(server);
        let url = format!("http://127.0.0.1:{}/ready", self.port);
        let ready = async || {
            self.client
                .get(&url)
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
        };
        self.wait("the server to be ready", ready).await;
    }

    /// `kill -9` of the program, at whatever it was doing.
    pub fn kill(&mut self) {
        let mut server = self.server.take().unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
    }

    /// `kill -9` of the database's first process; the program stays.
    pub fn kill_database(&self) {
        let pid = std::fs::read_to_string(self.folder.join("data/pg/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap();
        assert!(signal("KILL", pid));
    }

    /// Where the program keeps what it knows.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A person writes. `false`: the program was down, nobody knows whether the message left the phone.
    pub async fn writes(&self, from: &str, text: &str) -> bool {
        self.sends(&json!({ "from": from, "text": text })).await
    }

    /// A person sends anything, as the simulator takes it.
    pub async fn sends(&self, message: &Value) -> bool {
        let Some(url) = self.simulator("messages") else {
            return false;
        };
        self.client
            .post(url)
            .json(message)
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
    }

    /// What the person's phone shows, in order.
    pub async fn phone(&self, person: &str) -> Vec<Value> {
        let Some(url) = self.simulator(&format!("conversations/{person}")) else {
            return Vec::new();
        };
        let Ok(answer) = self.client.get(url).send().await else {
            return Vec::new();
        };
        let shown: Value = answer.json().await.unwrap_or_default();
        shown["messages"].as_array().cloned().unwrap_or_default()
    }

    /// The texts the business sent to the person, in the order in which WhatsApp accepted them.
    pub async fn received(&self, person: &str) -> Vec<String> {
        texts(&self.phone(person).await, "business")
    }

    /// The texts the person wrote.
    pub async fn written(&self, person: &str) -> Vec<String> {
        texts(&self.phone(person).await, "person")
    }

    pub async fn fault(&self, fault: &Value) {
        let url = self.simulator("faults").unwrap();
        let answer = self.client.post(url).json(fault).send().await.unwrap();
        assert!(
            answer.status().is_success(),
            "{}",
            answer.text().await.unwrap()
        );
    }

    pub async fn heal(&self) {
        self.client
            .delete(self.simulator("faults").unwrap())
            .send()
            .await
            .unwrap();
        self.client
            .post(self.simulator("release").unwrap())
            .send()
            .await
            .unwrap();
    }

    /// Runs a command of the program on this town's data.
    pub fn command(&self, arguments: &[&str]) -> std::process::Output {
        Command::new(env!("CARGO_BIN_EXE_puisano"))
            .args(arguments)
            .env("PUISANO_DATA", self.folder.join("data"))
            .env("PUISANO_LISTEN", format!("127.0.0.1:{}", self.port))
            .current_dir(&self.folder)
            .output()
            .unwrap()
    }

    /// Waits until `state` holds; the log is part of the complaint if it never does.
    pub async fn wait(&self, what: &str, mut state: impl AsyncFnMut() -> bool) {
        let begun = Instant::now();
        while !state().await {
            if begun.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(30).collect();
                panic!(
                    "waited in vain for {what}\n{}",
                    tail.into_iter().rev().collect::<Vec<_>>().join("\n")
                );
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn simulator(&self, path: &str) -> Option<String> {
        let file = std::fs::read(self.folder.join("data/simulator.json")).ok()?;
        let account: Value = serde_json::from_slice(&file).ok()?;
        Some(format!(
            "{}/_simulator/{path}",
            account["api_url"].as_str()?
        ))
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            signal("TERM", &server.id().to_string());
            let _ = server.wait();
        }
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// Through the shell, which has `kill` built in: a bare machine has no program of that name.
fn signal(name: &str, pid: &str) -> bool {
    let kill = format!("kill -{name} {pid}");
    let sent = Command::new("sh").args(["-c", &kill]).status();
    sent.is_ok_and(|status| status.success())
}

fn texts(messages: &[Value], by: &str) -> Vec<String> {
    let of = messages.iter().filter(|message| message["by"] == by);
    of.map(|message| message["text"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// A folder with room for rules, and nothing in it.
fn fresh_folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("puisano-town-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("rules")).unwrap();
    folder
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}
