//! Files in a folder, by owner and content: erasing somebody is erasing a folder, and the same file is there once.
//!
//! A file appears under its name whole or not at all. One node sees it; several nodes need a folder they share, or a
//! bucket, for which this is the place where files are until they are whole.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sha2::{Digest, Sha256};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use crate::model::ContactId;

/// Where files are until they are whole.
const UNFINISHED: &str = "unfinished";
/// First bytes that are kept at hand, to tell a file's type by.
const HEAD_BYTES: usize = 64 * 1024;

/// Whose a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// It came from this contact or is for this contact only.
    Contact(ContactId),
    /// For anybody, such as a leaflet.
    Shared,
}

/// SHA-256 of a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

/// A folder of files. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

/// A file that is being written; it is gone when it is dropped before it is kept.
#[derive(Debug)]
pub struct Draft {
    pub(super) path: PathBuf,
    file: File,
    digest: Sha256,
    head: Vec<u8>,
    bytes: u64,
    bytes_max: u64,
    is_kept: bool,
}

/// A file that is in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub hash: Hash,
    pub bytes: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    #[error("the file is larger than {bytes_max} bytes")]
    TooLarge { bytes_max: u64 },
    #[error(transparent)]
    Disk(#[from] io::Error),
}

impl Folder {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Begins a file of at most `bytes_max`.
    pub async fn begin(&self, bytes_max: u64) -> io::Result<Draft> {
        let folder = self.root.join(UNFINISHED);
        private_folder(&folder).await?;
        let path = folder.join(Uuid::now_v7().simple().to_string());
        let mut options = fs::OpenOptions::new();
        let file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .await?;
        Ok(Draft {
            path,
            file,
            digest: Sha256::new(),
            head: Vec::new(),
            bytes: 0,
            bytes_max,
            is_kept: false,
        })
    }

    /// Gives a file its name; from then on it survives a crash.
    pub(super) async fn keep(&self, mut draft: Draft, owner: Owner) -> io::Result<Taken> {
        let taken = draft.finish().await?;
        let folder = self.root.join(owner.to_string());
        private_folder(&folder).await?;
        fs::rename(&draft.path, place(&self.root, owner, taken.hash)).await?;
        draft.is_kept = true;
        // The name is in the folder, which is a file too.
        File::open(&folder).await?.sync_all().await?;
        Ok(taken)
    }

    pub async fn open(&self, owner: Owner, hash: Hash) -> io::Result<File> {
        File::open(place(&self.root, owner, hash)).await
    }

    /// Erases all files of an owner.
    pub async fn erase(&self, owner: Owner) -> io::Result<()> {
        match fs::remove_dir_all(self.root.join(owner.to_string())).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Takes away what an earlier process left unfinished.
    pub async fn tidy(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.root.join(UNFINISHED)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

impl Draft {
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), TakeError> {
        self.bytes += bytes.len() as u64;
        if self.bytes > self.bytes_max {
            return Err(TakeError::TooLarge {
                bytes_max: self.bytes_max,
            });
        }
        let missing = HEAD_BYTES.saturating_sub(self.head.len());
        let head = bytes.get(..missing.min(bytes.len())).unwrap_or_default();
        self.head.extend_from_slice(head);
        self.digest.update(bytes);
        Ok(self.file.write_all(bytes).await?)
    }

    /// The first bytes.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All of it is on the disk.
    pub(super) async fn finish(&mut self) -> io::Result<Taken> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        Ok(Taken {
            hash: Hash(self.digest.clone().finalize().into()),
            bytes: self.bytes,
        })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_kept {
            // Best effort: `tidy` takes what stays behind.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Made of a UUID or a fixed word and of hex digits: nothing that comes from outside is in it.
fn place(root: &Path, owner: Owner, hash: Hash) -> PathBuf {
    root.join(owner.to_string()).join(hash.to_string())
}

async fn private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .await
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contact(contact) => contact.fmt(f),
            Self::Shared => f.write_str("shared"),
        }
    }
}

impl FromStr for Owner {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "shared" => Ok(Self::Shared),
            text => Uuid::try_parse(text)
                .map(|id| Self::Contact(ContactId(id)))
                .map_err(drop),
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for Hash {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).map_err(drop)?;
        Ok(Self(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_ids_and_hashes_becomes_a_path() {
        for odd in ["../x", "", "shared/..", "/etc", "0193f0c2"] {
            assert_eq!(odd.parse::<Owner>(), Err(()), "{odd}");
            assert_eq!(odd.parse::<Hash>(), Err(()), "{odd}");
        }
        let hash = "ab".repeat(32);
        assert_eq!(hash.parse::<Hash>().unwrap().to_string(), hash);
        assert_eq!("shared".parse(), Ok(Owner::Shared));
    }
}
