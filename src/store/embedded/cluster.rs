//! The cluster on disk: made whole or not at all, its settings, and what `postmaster.pid` says about who runs it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::EmbeddedError;
use super::binaries::Binaries;
use super::folder::{DataFolder, cluster_path};
use super::launcher::{Launcher, signal};

/// The role and the database of everything we store.
const NAME: &str = "puisano";
/// A predecessor that outlived its program gets this long to write everything down, and again this long to let go.
const TAKE_OVER_SECONDS_MAX: u64 = 10;
const TAKE_OVER_POLL_MS: u64 = 10;

/// What the server runs with: small enough for a small machine, nothing that weakens durability, and no statement or
/// value in the log, because values are people's messages.
pub(super) const SETTINGS: [&str; 17] = [
    "listen_addresses=",
    "port=5432",
    "unix_socket_permissions=0700",
    "max_connections=50",
    "shared_buffers=32MB",
    "max_wal_size=256MB",
    "wal_compression=on",
    "huge_pages=off",
    "jit=off",
    "max_parallel_workers_per_gather=0",
    "autovacuum_max_workers=2",
    "logging_collector=off",
    "log_destination=stderr",
    "log_min_messages=warning",
    "log_checkpoints=off",
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
];

/// The version of the cluster that is already there.
pub(super) fn major(data: &Path) -> Option<u32> {
    fs::read_to_string(cluster_path(data).join("PG_VERSION"))
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// Makes the cluster beside its place and moves it there, so that a half-made one is never started.
pub(super) fn make(
    folder: &DataFolder,
    launcher: &Launcher,
    binaries: &Binaries,
) -> Result<(), EmbeddedError> {
    let cluster = folder.cluster();
    tracing::info!(
        "making a PostgreSQL {} database in {}",
        binaries.major,
        cluster.display()
    );
    let part = folder.path().join("pg.part");
    let making = Making {
        folder,
        launcher,
        binaries,
        part: &part,
    };
    // The system's UTF-8 knows what a capital letter is in every language; a machine without it still gets UTF-8.
    match making.initdb("C.UTF-8") {
        Err(EmbeddedError::DidNotStart { reason, .. }) if reason.contains("locale") => {
            making.initdb("C")?;
        }
        other => other?,
    }
    making.create_database()?;
    fs::rename(&part, &cluster).map_err(EmbeddedError::io("move into place", &part))
}

/// A cluster that is being made.
struct Making<'a> {
    folder: &'a DataFolder,
    launcher: &'a Launcher,
    binaries: &'a Binaries,
    part: &'a Path,
}

impl Making<'_> {
    fn initdb(&self, locale: &str) -> Result<(), EmbeddedError> {
        if self.part.exists() {
            fs::remove_dir_all(self.part).map_err(EmbeddedError::io("clear", self.part))?;
        }
        fs::create_dir(self.part).map_err(EmbeddedError::io("make the folder", self.part))?;
        self.launcher.hand_over(self.part)?;
        let mut initdb = self.launcher.command(self.binaries, "initdb");
        initdb.arg("-D").arg(self.part).args([
            "-U",
            NAME,
            "--auth=trust",
            "--encoding=UTF8",
            "--data-checksums",
        ]);
        initdb.arg(format!("--locale={locale}"));
        finish(self.folder, &mut initdb, None)
    }

    /// In the server's single-user mode, which needs no server.
    fn create_database(&self) -> Result<(), EmbeddedError> {
        let mut single = self.launcher.command(self.binaries, "postgres");
        single
            .args(["--single", "-D"])
            .arg(self.part)
            .arg("postgres");
        finish(
            self.folder,
            &mut single,
            Some(&format!("CREATE DATABASE {NAME};\n")),
        )
    }
}

/// Before a start: a server of a predecessor's that still runs is stopped, and a pid file that names somebody else's
/// process is taken away (the server itself only recognises dead ones).
pub(super) fn take_over(folder: &DataFolder) -> Result<(), EmbeddedError> {
    let cluster = folder.cluster();
    let Some(pid) = PidFile::read(&cluster).map(|file| file.pid) else {
        return Ok(());
    };
    if is_ours(pid, &cluster) {
        tracing::info!("the database of a former run (process {pid}) is still there; stopping it");
        for name in ["INT", "QUIT"] {
            signal(pid, name);
            let deadline = Instant::now() + Duration::from_secs(TAKE_OVER_SECONDS_MAX);
            while is_ours(pid, &cluster) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(TAKE_OVER_POLL_MS));
            }
            if !is_ours(pid, &cluster) {
                return Ok(());
            }
        }
        let reason = format!(
            "the database of a former run (process {pid}) does not stop; end it with `kill -9 {pid}`"
        );
        return Err(EmbeddedError::DidNotStart {
            reason,
            log: folder.log(),
        });
    }
    if Path::new("/proc").join(pid.to_string()).exists() {
        let sockets = folder.sockets()?;
        for stale in [
            cluster.join("postmaster.pid"),
            sockets.join(".s.PGSQL.5432.lock"),
        ] {
            if stale.exists() {
                fs::remove_file(&stale).map_err(EmbeddedError::io("remove", &stale))?;
            }
        }
    }
    Ok(())
}

/// Whether the server with this pid is up.
pub(super) fn is_ready(cluster: &Path, pid: u32) -> bool {
    PidFile::read(cluster).is_some_and(|file| file.ready && file.pid == pid)
}

/// Where the running server of `data` listens.
pub(super) fn ready_sockets(data: &Path) -> Option<PathBuf> {
    let cluster = cluster_path(data);
    let file = PidFile::read(&cluster)?;
    (file.ready && is_ours(file.pid, &cluster)).then_some(file.sockets)
}

/// The lines of `postmaster.pid` that matter: 1 the process, 5 the socket's folder, 8 the state.
#[derive(Debug, PartialEq, Eq)]
struct PidFile {
    pid: u32,
    sockets: PathBuf,
    ready: bool,
}

impl PidFile {
    fn read(cluster: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(cluster.join("postmaster.pid")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let line = |number: usize| text.lines().nth(number - 1).unwrap_or_default().trim();
        Some(Self {
            pid: line(1).parse().ok()?,
            sockets: PathBuf::from(line(5)),
            ready: line(8) == "ready",
        })
    }
}

/// Whether the process is a server on this cluster, and not one that got a dead one's number.
fn is_ours(pid: u32, cluster: &Path) -> bool {
    let Ok(words) = fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline")) else {
        return false;
    };
    let mut words = words.split(|&byte| byte == 0);
    let program = words.next().unwrap_or_default();
    program.ends_with(b"postgres")
        && words.any(|word| word == cluster.as_os_str().as_encoded_bytes())
}

/// Runs one of PostgreSQL's programs to its end; what it says goes to the log.
fn finish(
    folder: &DataFolder,
    command: &mut Command,
    input: Option<&str>,
) -> Result<(), EmbeddedError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut log = Log::open(folder)?;
    command.stdin(if input.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    });
    command.stdout(log.handle()?).stderr(log.handle()?);
    let run = |source| EmbeddedError::io("run", Path::new(&program))(source);
    let mut child = command.spawn().map_err(run)?;
    if let (Some(text), Some(mut pipe)) = (input, child.stdin.take()) {
        // If it ended before it read this, its exit status and its log say more than a broken pipe.
        let _ = pipe.write_all(text.as_bytes());
    }
    if child.wait().map_err(run)?.success() {
        Ok(())
    } else {
        Err(log.failure(folder))
    }
}

/// The server's log file, and where in it this run began.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: fs::File,
    from: u64,
}

impl Log {
    /// Past this size the log begins anew; it is for finding out why a start failed, not an archive.
    const BYTES_MAX: u64 = 4 * 1024 * 1024;

    pub(super) fn open(folder: &DataFolder) -> Result<Self, EmbeddedError> {
        let path = folder.log();
        if fs::metadata(&path).is_ok_and(|log| log.len() > Self::BYTES_MAX) {
            fs::remove_file(&path).map_err(EmbeddedError::io("remove", &path))?;
        }
        let file = fs::OpenOptions::new().create(true).append(true).open(&path);
        let file = file.map_err(EmbeddedError::io("open", &path))?;
        let from = file
            .metadata()
            .map_err(EmbeddedError::io("look at", &path))?
            .len();
        Ok(Self { path, file, from })
    }

    pub(super) fn handle(&mut self) -> Result<fs::File, EmbeddedError> {
        self.file
            .try_clone()
            .map_err(EmbeddedError::io("open", &self.path))
    }

    /// What the log says about why this run failed.
    pub(super) fn failure(&self, folder: &DataFolder) -> EmbeddedError {
        let bytes = fs::read(&self.path).unwrap_or_default();
        let new = bytes
            .get(usize::try_from(self.from).unwrap_or(0)..)
            .unwrap_or_default();
        let text = String::from_utf8_lossy(new);
        if text.contains("No space left on device") || text.contains("Disk quota exceeded") {
            return EmbeddedError::DiskFull {
                folder: folder.path().to_owned(),
            };
        }
        EmbeddedError::DidNotStart {
            reason: reason_in(&text),
            log: self.path.clone(),
        }
    }
}

/// The first complaint in a piece of the server's log, without date and process.
fn reason_in(log: &str) -> String {
    let found = log.lines().find_map(complaint).map(str::to_owned);
    let last = || {
        log.lines()
            .rfind(|line| !line.trim().is_empty())
            .map(|line| line.trim().to_owned())
    };
    found
        .or_else(last)
        .unwrap_or_else(|| "it did not say why".to_owned())
}

fn complaint(line: &str) -> Option<&str> {
    ["FATAL:", "PANIC:", "error:", "ERROR:"]
        .iter()
        .find_map(|&mark| line.split_once(mark))
        .map(|(_, text)| text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_is_read_by_its_lines_and_a_half_written_one_is_not_ready() {
        let whole = "4711\n/srv/pg\n1790000000\n5432\n/srv/pg-socket\n\n  123 456\nready   \n";
        let read = |text: &str| PidFile::parse(text).map(|file| (file.pid, file.ready));
        assert_eq!(read(whole), Some((4711, true)));
        assert_eq!(
            read(&whole.replace("ready   ", "starting")),
            Some((4711, false))
        );
        assert_eq!(read("4711\n"), Some((4711, false)));
        assert_eq!(read(""), None);
        assert_eq!(
            PidFile::parse(whole).unwrap().sockets,
            Path::new("/srv/pg-socket")
        );
    }

    #[test]
    fn only_a_server_on_this_cluster_is_ours() {
        assert!(!is_ours(std::process::id(), Path::new("/srv/pg")));
        assert!(!is_ours(u32::MAX, Path::new("/srv/pg")));
    }

    #[test]
    fn the_reason_is_the_first_complaint() {
        for (log, expected) in [
            (
                "2026 UTC [1] LOG:  hm\n2026 UTC [1] FATAL:  no memory\n2026 [1] LOG: end",
                "no memory",
            ),
            (
                "initdb: error: cannot be run as root\ninitdb: hint: do",
                "cannot be run as root",
            ),
            ("something\nelse\n\n", "else"),
            ("", "it did not say why"),
        ] {
            assert_eq!(reason_in(log), expected, "{log}");
        }
    }
}
