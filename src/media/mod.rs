//! Files: what customers send is fetched while WhatsApp still has it, what we send is checked and kept, and both are given
//! out as attachments.
//!
//! Bytes live in a folder or a bucket under names we make, see `files`; what they are is told by their first bytes, see
//! `kind`. What somebody else calls a file is data and never a path.

mod bucket;
pub mod fetch;
mod files;
mod folder;
mod kind;
mod name;
pub mod upload;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use puisano_engine::FieldProblem;

use crate::clock::Clock;
use crate::store::media::MediaFile;
use crate::store::{Store, StoreError};

pub use bucket::{Bucket, BucketPlace};
pub use files::{Contents, Files};
pub use folder::{Folder, Hash, Owner, TakeError, Taken};
pub use kind::{FILE_BYTES_MAX, FileType, detect};
pub use name::disposition;

/// What is not known by its first bytes.
const UNKNOWN_MIME: &str = "application/octet-stream";

/// What the use cases work with.
#[derive(Clone, Debug)]
pub struct Library {
    pub store: Store,
    pub clock: Clock,
    pub files: Files,
}

#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// What is wrong with the file.
    #[error("the file cannot be taken")]
    Refused(FieldProblem),
    #[error("there is no such file")]
    NotFound,
    #[error("the file could not be read or written")]
    Disk(#[from] std::io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A file on its way to somebody who may see it.
pub struct Served {
    pub contents: Contents,
    pub bytes: u64,
    /// To be sent as they are: a file is saved and never shown, whatever it says it is.
    pub headers: [(&'static str, String); 6],
}

impl std::fmt::Debug for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Served")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl Library {
    /// Erases all files of an owner.
    pub async fn erase(&self, owner: Owner) -> Result<(), MediaError> {
        Ok(self.files.erase(owner).await?)
    }

    /// Keeps a file that is to be sent. Its type is what its bytes say, and must be one that WhatsApp takes.
    pub async fn upload<E: std::fmt::Display>(
        &self,
        (owner, filename): (Owner, Option<&str>),
        mut body: impl Stream<Item = Result<Bytes, E>> + Unpin + Send,
    ) -> Result<MediaFile, MediaError> {
        let mut draft = self.files.begin(FILE_BYTES_MAX).await?;
        while let Some(portion) = body.next().await {
            let portion = portion.map_err(|_| refused("did not arrive whole"))?;
            draft.write(&portion).await.map_err(unfit)?;
        }
        let kind = detect(draft.head(), filename).map_err(|problem| refused(&problem))?;
        if draft.bytes() > kind.bytes_max {
            return Err(refused(&format!(
                "is larger than WhatsApp takes of {}: {} KB",
                kind.mime,
                kind.bytes_max / 1_024
            )));
        }
        let taken = self.files.keep(draft, owner).await?;
        self.note(owner, &taken, (kind.mime, filename)).await
    }

    /// Writes down what is in the folder.
    async fn note(
        &self,
        owner: Owner,
        taken: &Taken,
        (mime, filename): (&str, Option<&str>),
    ) -> Result<MediaFile, MediaError> {
        let file = MediaFile {
            owner: owner.to_string(),
            hash: taken.hash.to_string(),
            mime: mime.to_owned(),
            bytes: taken.bytes,
            filename: filename.and_then(name::kept),
        };
        self.store.put_media_file(&self.clock, &file).await?;
        Ok(file)
    }

    /// A file with the headers it must be given out with.
    pub async fn serve(&self, owner: Owner, hash: Hash) -> Result<Served, MediaError> {
        let known = self
            .store
            .media_file(&owner.to_string(), &hash.to_string())
            .await?;
        let known = known.ok_or(MediaError::NotFound)?;
        let (bytes, contents) = match self.files.open(owner, hash).await {
            Ok(opened) => opened,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(MediaError::NotFound);
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Served {
            contents,
            bytes,
            headers: headers(&known, bytes),
        })
    }
}

fn headers(known: &MediaFile, bytes: u64) -> [(&'static str, String); 6] {
    let filename = known
        .filename
        .clone()
        .unwrap_or_else(|| kind::default_name(&known.mime));
    [
        ("content-type", known.mime.clone()),
        ("content-length", bytes.to_string()),
        ("content-disposition", disposition(&filename)),
        ("x-content-type-options", "nosniff".to_owned()),
        (
            "content-security-policy",
            "sandbox; default-src 'none'".to_owned(),
        ),
        ("cross-origin-resource-policy", "same-origin".to_owned()),
    ]
}

fn unfit(error: TakeError) -> MediaError {
    match error {
        TakeError::TooLarge { bytes_max } => refused(&format!(
            "is larger than files may be: {} MB",
            bytes_max / 1_024 / 1_024
        )),
        TakeError::Disk(error) => MediaError::Disk(error),
    }
}

fn refused(problem: &str) -> MediaError {
    MediaError::Refused(FieldProblem {
        field: "file".to_owned(),
        problem: problem.to_owned(),
    })
}
