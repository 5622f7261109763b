//! Keeps the server running from a thread of its own: starts it, says when it is ready, starts it again when it dies,
//! and ends when it was asked to stop.

use std::process::{Child, ExitStatus};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use std::os::unix::process::CommandExt;
use tokio::sync::oneshot;

use super::EmbeddedError;
use super::binaries::{self, Binaries};
use super::cluster::{self, Log};
use super::folder::{self, DataFolder};
use super::launcher::{Launcher, signal};

/// After a crash the server first repairs its data from its log, which can take a while.
const READY_SECONDS_MAX: u64 = 300;
const READY_POLL_MS: u64 = 3;
/// A killed server's children hold its memory for a moment; a new one cannot start before they are gone.
const FIRST_START_ATTEMPTS_MAX: u32 = 20;
const RETRY_MS: u64 = 100;
const RETRY_MS_MAX: u64 = 5_000;

/// What the owner of the database and its thread tell each other.
#[derive(Debug, Default)]
pub(super) struct Control {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stopping: bool,
    pid: Option<u32>,
}

impl Control {
    /// Asks the server to end, and the thread not to start another.
    pub(super) fn stop(&self, name: &str) {
        let mut state = self.lock();
        state.stopping = true;
        if let Some(pid) = state.pid {
            signal(pid, name);
        }
        self.changed.notify_all();
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.lock().pid
    }

    fn stopping(&self) -> bool {
        self.lock().stopping
    }

    /// Notes the server that was just started; one that nobody wants any more is told at once.
    fn runs(&self, pid: u32) {
        let mut state = self.lock();
        state.pid = Some(pid);
        if state.stopping {
            signal(pid, "INT");
        }
    }

    fn ended(&self) {
        self.lock().pid = None;
    }

    /// Waits, but not past a stop.
    fn pause(&self, time: Duration) {
        let state = self.lock();
        let _ = self
            .changed
            .wait_timeout_while(state, time, |state| !state.stopping);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The whole life of a database; blocks until it was asked to stop and has ended.
pub(super) fn run(
    folder: DataFolder,
    control: &Control,
    ready: oneshot::Sender<Result<String, EmbeddedError>>,
) {
    let begun = Instant::now();
    let started = Server::prepare(folder).and_then(|server| {
        let child = server.start_first(control)?;
        let url = server.url()?;
        Ok((server, child, url))
    });
    let (server, mut child, url) = match started {
        Ok(started) => started,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    tracing::info!(
        "the database is ready: PostgreSQL {} from {}, in {} ms",
        server.binaries.major,
        server.binaries.place(),
        begun.elapsed().as_millis()
    );
    if ready.send(Ok(url)).is_err() {
        control.stop("INT");
    }
    while let Some(status) = server.outlive(&mut child, control) {
        tracing::error!("the database ended by itself ({status}); starting it again");
        match server.start_again(control) {
            Some(next) => child = next,
            None => return,
        }
    }
}

struct Server {
    folder: DataFolder,
    launcher: Launcher,
    binaries: Binaries,
}

impl Server {
    /// Everything up to the start: the programs are there, the cluster exists, nobody else runs it.
    fn prepare(folder: DataFolder) -> Result<Self, EmbeddedError> {
        let launcher = Launcher::find(folder.path())?;
        let existing = cluster::major(folder.path());
        let binaries = binaries::find_or_fetch(folder.path(), existing)?;
        if existing.is_none() {
            cluster::make(&folder, &launcher, &binaries)?;
        }
        cluster::take_over(&folder)?;
        launcher.hand_over(&folder.sockets()?)?;
        Ok(Self {
            folder,
            launcher,
            binaries,
        })
    }

    fn url(&self) -> Result<String, EmbeddedError> {
        Ok(folder::url(&self.folder.sockets()?))
    }

    fn start_first(&self, control: &Control) -> Result<Child, EmbeddedError> {
        let mut attempt = 1;
        loop {
            match self.start(control) {
                Err(EmbeddedError::DidNotStart { reason, .. })
                    if attempt < FIRST_START_ATTEMPTS_MAX && reason.contains("shared memory") =>
                {
                    attempt += 1;
                    control.pause(Duration::from_millis(RETRY_MS));
                }
                other => return other,
            }
        }
    }

    /// Tries until it works or nobody wants it any more.
    fn start_again(&self, control: &Control) -> Option<Child> {
        let mut wait_ms = RETRY_MS;
        while !control.stopping() {
            match self.start(control) {
                Ok(child) => {
                    tracing::info!("the database is ready again");
                    return Some(child);
                }
                Err(error) => tracing::warn!("{error}; trying again in {wait_ms} ms"),
            }
            control.pause(Duration::from_millis(wait_ms));
            wait_ms = (wait_ms * 2).min(RETRY_MS_MAX);
        }
        None
    }

    /// One try: up and ready, or gone with a reason.
    fn start(&self, control: &Control) -> Result<Child, EmbeddedError> {
        let mut log = Log::open(&self.folder)?;
        let mut command = self.launcher.command(&self.binaries, "postgres");
        command.arg("-D").arg(self.folder.cluster());
        for setting in cluster::SETTINGS {
            command.args(["-c", setting]);
        }
        let sockets = self
            .folder
            .sockets()?
            .to_string_lossy()
            .replace('"', "\"\"");
        command.args(["-c", &format!("unix_socket_directories=\"{sockets}\"")]);
        command.stdout(log.handle()?).stderr(log.handle()?);
        // Ctrl-C in a terminal reaches the whole group; the server must outlast our own last sentences.
        command.process_group(0);
        let mut child = command
            .spawn()
            .map_err(EmbeddedError::io("run postgres for", self.folder.path()))?;
        control.runs(child.id());
        let deadline = Instant::now() + Duration::from_secs(READY_SECONDS_MAX);
        while !cluster::is_ready(&self.folder.cluster(), child.id()) {
            let over = child.try_wait().map_err(EmbeddedError::io(
                "wait for postgres on",
                self.folder.path(),
            ))?;
            if over.is_some() {
                control.ended();
                return Err(log.failure(&self.folder));
            }
            if Instant::now() > deadline {
                signal(child.id(), "QUIT");
                let _ = child.wait();
                control.ended();
                let reason = format!("it was not ready after {READY_SECONDS_MAX} s");
                return Err(EmbeddedError::DidNotStart {
                    reason,
                    log: self.folder.log(),
                });
            }
            std::thread::sleep(Duration::from_millis(READY_POLL_MS));
        }
        Ok(child)
    }

    /// Waits for the server's end; `None` when that was asked for.
    fn outlive(&self, child: &mut Child, control: &Control) -> Option<ExitStatus> {
        let status = child.wait();
        control.ended();
        match status {
            Ok(status) => (!control.stopping()).then_some(status),
            Err(error) => {
                tracing::error!(%error, "lost sight of the database on {}", self.folder.path().display());
                None
            }
        }
    }
}
