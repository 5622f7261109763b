//! Where files are: in a folder of this machine, or in a bucket that all nodes see.
//!
//! Files are always written to the folder first; a bucket is given whole ones only.

use std::io;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::bucket::Bucket;
use super::folder::{Draft, Folder, Hash, Owner, Taken};

/// What is read of a file at a time.
const PORTION_BYTES: usize = 64 * 1024;

/// The bytes of a file, portion by portion.
pub type Contents = BoxStream<'static, io::Result<Bytes>>;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub enum Files {
    Folder(Folder),
    Bucket { bucket: Bucket, unfinished: Folder },
}

impl Files {
    /// Begins a file of at most `bytes_max`.
    pub async fn begin(&self, bytes_max: u64) -> io::Result<Draft> {
        self.folder().begin(bytes_max).await
    }

    /// Gives a file its name; from then on it survives a crash.
    pub async fn keep(&self, mut draft: Draft, owner: Owner) -> io::Result<Taken> {
        match self {
            Self::Folder(folder) => folder.keep(draft, owner).await,
            Self::Bucket { bucket, .. } => {
                let taken = draft.finish().await?;
                let bytes = tokio::fs::read(&draft.path).await?;
                bucket.put((owner, taken.hash), bytes.into()).await?;
                Ok(taken)
            }
        }
    }

    /// A file, and how large it is.
    pub async fn open(&self, owner: Owner, hash: Hash) -> io::Result<(u64, Contents)> {
        match self {
            Self::Folder(folder) => {
                let file = folder.open(owner, hash).await?;
                Ok((file.metadata().await?.len(), portions(file)))
            }
            Self::Bucket { bucket, .. } => bucket.open(owner, hash).await,
        }
    }

    /// Erases all files of an owner.
    pub async fn erase(&self, owner: Owner) -> io::Result<()> {
        match self {
            Self::Folder(folder) => folder.erase(owner).await,
            Self::Bucket { bucket, .. } => bucket.erase(owner).await,
        }
    }

    /// Takes away what an earlier process left unfinished.
    pub async fn tidy(&self) -> io::Result<()> {
        self.folder().tidy().await
    }

    fn folder(&self) -> &Folder {
        match self {
            Self::Folder(folder)
            | Self::Bucket {
                unfinished: folder, ..
            } => folder,
        }
    }
}

fn portions(file: File) -> Contents {
    stream::try_unfold(file, async |mut file| {
        let mut portion = BytesMut::with_capacity(PORTION_BYTES);
        let read = file.read_buf(&mut portion).await?;
        Ok((read > 0).then(|| (portion.freeze(), file)))
    })
    .boxed()
}
