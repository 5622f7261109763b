//! The data folder: who holds it, where in it the database lives, and where its socket can be.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::EmbeddedError;

const LOCK_FILE: &str = "puisano.lock";
/// A Unix socket's path holds at most this much; the kernel's limit is 108 with the closing zero.
const SOCKET_PATH_BYTES_MAX: usize = 107;
const SOCKET_FILE: &str = ".s.PGSQL.5432";
const PRIVATE: u32 = 0o700;
/// A predecessor that is just ending gets this long to let go of the folder.
const LOCK_POLLS_MAX: u32 = 20;
const LOCK_POLL_MS: u64 = 50;

/// A data folder that belongs to this process until the value is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Makes the folder if needed and locks it.
    pub fn take(data: &Path) -> Result<Self, EmbeddedError> {
        if !data.exists() {
            private_folder(data)?;
        }
        let path = data
            .canonicalize()
            .map_err(EmbeddedError::io("find", data))?;
        check_owner(&path)?;
        let mut lock =
            open_lock(&path).map_err(EmbeddedError::io("open the lock file in", &path))?;
        for poll in 0.. {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if poll < LOCK_POLLS_MAX => {
                    std::thread::sleep(Duration::from_millis(LOCK_POLL_MS));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(EmbeddedError::Busy {
                        pid: holder(&path),
                        folder: path,
                    });
                }
                Err(TryLockError::Error(error)) => {
                    return Err(EmbeddedError::io("lock", &path)(error));
                }
            }
        }
        let pid = std::process::id().to_string();
        lock.set_len(0)
            .and_then(|()| lock.write_all(pid.as_bytes()))
            .map_err(EmbeddedError::io("write the lock file in", &path))?;
        Ok(Self { path, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn cluster(&self) -> PathBuf {
        cluster_path(&self.path)
    }

    pub(super) fn log(&self) -> PathBuf {
        log_path(&self.path)
    }

    /// A private folder for the socket, with a path that is short enough for one.
    pub(super) fn sockets(&self) -> Result<PathBuf, EmbeddedError> {
        let sockets = socket_folder(&self.path);
        if !sockets.exists() {
            private_folder(&sockets)?;
        }
        // In a shared place somebody else may have made it first.
        let found =
            fs::symlink_metadata(&sockets).map_err(EmbeddedError::io("look at", &sockets))?;
        if !found.is_dir() || !is_ours(found.uid()) {
            let (owner, me) = (found.uid(), self_uid());
            return Err(EmbeddedError::ForeignOwner {
                folder: sockets,
                owner,
                me,
            });
        }
        fs::set_permissions(&sockets, fs::Permissions::from_mode(PRIVATE))
            .map_err(EmbeddedError::io("make private", &sockets))?;
        Ok(sockets)
    }
}

pub(super) fn cluster_path(data: &Path) -> PathBuf {
    data.join("pg")
}

pub(super) fn log_path(data: &Path) -> PathBuf {
    data.join("postgres.log")
}

/// Whether some process holds the folder.
pub(super) fn is_taken(data: &Path) -> bool {
    File::open(data.join(LOCK_FILE))
        .is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// The process that took the folder last.
pub(super) fn holder(data: &Path) -> Option<u32> {
    fs::read_to_string(data.join(LOCK_FILE))
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// The address of the database that listens in `sockets`.
pub(super) fn url(sockets: &Path) -> String {
    let encoded: String = sockets
        .to_string_lossy()
        .bytes()
        .map(percent_encoded)
        .collect();
    format!("postgres://puisano@localhost/puisano?host={encoded}")
}

/// The user this process runs as.
pub(super) fn self_uid() -> u32 {
    const NOBODY: u32 = 65_534;
    fs::metadata("/proc/self").map_or(NOBODY, |this| this.uid())
}

fn percent_encoded(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    }
}

/// Beside the cluster where the path fits, else under /tmp by the name of the data folder, so that every process that
/// knows the data folder finds the same place.
fn socket_folder(data: &Path) -> PathBuf {
    let beside = data.join("pg-socket");
    if beside.join(SOCKET_FILE).as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
        return beside;
    }
    let digest = Sha256::digest(data.as_os_str().as_encoded_bytes());
    let name: String = hex::encode(digest).chars().take(16).collect();
    PathBuf::from(format!("/tmp/puisano-{name}"))
}

fn open_lock(data: &Path) -> std::io::Result<File> {
    let mut lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(data.join(LOCK_FILE))?;
    let mut held_by = String::new();
    lock.read_to_string(&mut held_by)
        .and_then(|_| std::io::Seek::rewind(&mut lock))
        .map(|()| lock)
}

fn private_folder(path: &Path) -> Result<(), EmbeddedError> {
    DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE)
        .create(path)
        .map_err(EmbeddedError::io("make the folder", path))
}

/// A cluster of another user's would fail later, with words that help nobody.
fn check_owner(data: &Path) -> Result<(), EmbeddedError> {
    let cluster = cluster_path(data);
    let folder = if cluster.exists() {
        cluster
    } else {
        data.to_owned()
    };
    let owner = fs::metadata(&folder)
        .map_err(EmbeddedError::io("look at", &folder))?
        .uid();
    if is_ours(owner) {
        return Ok(());
    }
    Err(EmbeddedError::ForeignOwner {
        folder,
        owner,
        me: self_uid(),
    })
}

fn is_ours(owner: u32) -> bool {
    owner == self_uid() || (self_uid() == 0 && super::launcher::root_stands_in_for(owner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_lies_beside_the_cluster_unless_its_path_would_be_too_long() {
        assert_eq!(
            socket_folder(Path::new("/srv/town")),
            Path::new("/srv/town/pg-socket")
        );
        let fits = format!(
            "/{}",
            "a".repeat(SOCKET_PATH_BYTES_MAX - "/".len() - "/pg-socket/.s.PGSQL.5432".len())
        );
        assert_eq!(
            socket_folder(Path::new(&fits)),
            Path::new(&fits).join("pg-socket")
        );
        let long = format!("{fits}a");
        let elsewhere = socket_folder(Path::new(&long));
        assert!(elsewhere.starts_with("/tmp"), "{}", elsewhere.display());
        assert_eq!(elsewhere, socket_folder(Path::new(&long)));
    }

    #[test]
    fn an_address_survives_odd_folder_names() {
        assert_eq!(
            url(Path::new("/a b/ë?&")),
            "postgres://puisano@localhost/puisano?host=/a%20b/%C3%AB%3F%26"
        );
    }
}
