//! The simulated business account: its ids and secrets, made once and kept in a file that only the owner can read.
//!
//! The same file tells the command line where the simulator is.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

const FILE: &str = "simulator.json";
const SECRET_BYTES: usize = 24;

/// What stands in `simulator.json`.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) phone_number_id: String,
    pub(super) business_account_id: String,
    /// Digits.
    pub(super) display_phone_number: String,
    pub(super) app_secret: String,
    pub(super) verify_token: String,
    pub(super) access_token: String,
    /// Where the simulator listens now.
    pub(super) api_url: String,
    /// Where it sends webhooks now.
    pub(super) webhook_url: String,
}

impl Account {
    /// The account kept in `folder`, or a new one.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = path(folder);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
                format!(
                    "{} is damaged; move it away to begin with a new simulated account",
                    path.display()
                )
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::generate(),
            Err(error) => Err(error).with_context(|| format!("could not read {}", path.display())),
        }
    }

    fn generate() -> anyhow::Result<Self> {
        Ok(Self {
            phone_number_id: format!("10{:013}", random_number(10_000_000_000_000)?),
            business_account_id: format!("20{:013}", random_number(10_000_000_000_000)?),
            display_phone_number: "27510000000".to_owned(),
            app_secret: random_hex()?,
            verify_token: random_hex()?,
            access_token: format!("SIMULATED{}", random_hex()?),
            api_url: String::new(),
            webhook_url: String::new(),
        })
    }

    /// Writes the file whole, readable for its owner only.
    pub(super) fn save(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        let (path, new) = (path(folder), folder.join(format!("{FILE}.new")));
        let write = || -> io::Result<()> {
            // A left-over of another owner or mode is not written into.
            let _ = fs::remove_file(&new);
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&new)?;
            file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        write().with_context(|| format!("could not write {}", path.display()))?;
        Ok(path)
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("phone_number_id", &self.phone_number_id)
            .finish_non_exhaustive()
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

fn random_hex() -> anyhow::Result<String> {
    let mut bytes = [0; SECRET_BYTES];
    fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}

fn random_number(below: u64) -> anyhow::Result<u64> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes) % below)
}

fn fill(bytes: &mut [u8]) -> anyhow::Result<()> {
    getrandom::fill(bytes)
        .map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))
}
