//! Gives WhatsApp the files of ours that messages wait for. Nothing is being sent meanwhile: a message is looked at again
//! when WhatsApp has its file.
//!
//! WhatsApp keeps a file for 30 days; for 29 the same id is used again.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt, TryStreamExt};
use jiff::SignedDuration;
use tracing::warn;

use super::{Library, kind};
use crate::channels::whatsapp::errors::Retry;
use crate::channels::whatsapp::{CallFailure, Upload};
use crate::model::FailureScope;
use crate::settings::Live;
use crate::store::media::{MediaUpload, Uploaded};
use crate::tasks::Tasks;

/// Files that are uploaded at the same time by one process.
const AT_ONCE_MAX: usize = 4;
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Longer than any upload.
const LEASE: SignedDuration = SignedDuration::from_mins(6);
/// A day less than WhatsApp keeps it.
const KEPT: SignedDuration = SignedDuration::from_hours(29 * 24);
/// The first pause; each further one is twice as long.
const PAUSE_SECONDS: i64 = 2;
const PAUSE_SECONDS_MAX: i64 = 10 * 60;
/// Attempts at what may be the file's own fault.
const FEW: u16 = 5;

/// Starts to upload, until the process is told to stop.
pub fn start(library: Library, live: Live, tasks: &Tasks) {
    let stopping = tasks.stopping();
    tasks.spawn("uploads", async move {
        stopping
            .run_until_cancelled(Box::pin(run(library, live)))
            .await;
    });
}

async fn run(library: Library, live: Live) {
    let mut running = FuturesUnordered::new();
    loop {
        let free = AT_ONCE_MAX - running.len();
        if free > 0 && live.enabled() {
            let free = i64::try_from(free).unwrap_or(1);
            let due = library.store.claim_media_uploads(free, LEASE).await;
            // A database that is away is told about by those who cannot do without it.
            for upload in due.unwrap_or_default() {
                running.push(attempt(&library, &live, upload));
            }
        }
        tokio::select! {
            _ = running.next(), if !running.is_empty() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// One attempt, and what became of it.
async fn attempt(library: &Library, live: &Live, upload: MediaUpload) {
    let begun = library.clock.now();
    let uploaded = match give(library, live, &upload).await {
        Ok(id) => Uploaded::There {
            id,
            until: begun.saturating_add(KEPT).unwrap_or(begun),
        },
        Err(trouble) => judge(library, &upload, trouble),
    };
    if let Uploaded::Failed { failure } | Uploaded::Later { failure, .. } = &uploaded {
        warn!("WhatsApp was not given a file: {failure}");
    }
    if let Err(error) = library.store.finish_media_upload(&upload, &uploaded).await {
        warn!("a file will be uploaded once more: {error}");
    }
}

/// Why a file could not be given.
struct Trouble {
    retry: Retry,
    failure: String,
}

async fn give(library: &Library, live: &Live, upload: &MediaUpload) -> Result<String, Trouble> {
    let file = &upload.file;
    let bytes = read(library, upload).await?;
    let filename = file.filename.clone();
    let given = Upload {
        bytes,
        mime: file.mime.clone(),
        filename: filename.unwrap_or_else(|| kind::default_name(&file.mime)),
    };
    live.client_for(&upload.phone_number_id)
        .upload_media(&upload.phone_number_id, given)
        .await
        .map_err(|failure| of_call(&failure))
}

async fn read(library: &Library, upload: &MediaUpload) -> Result<Bytes, Trouble> {
    let lost = |retry, why: &str| Trouble {
        retry,
        failure: format!("The file could not be read: {why}."),
    };
    let (Ok(owner), Ok(hash)) = (upload.file.owner.parse(), upload.file.hash.parse()) else {
        return Err(lost(Retry::Never, "its name is none of ours"));
    };
    let opened = library.files.open(owner, hash).await;
    let (_, contents) = opened.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => lost(Retry::Never, "it is not here any more"),
        _ => lost(Retry::Backoff, "its store does not answer"),
    })?;
    let whole = contents.try_fold(BytesMut::new(), async |mut whole, portion| {
        whole.extend_from_slice(&portion);
        Ok(whole)
    });
    let whole = whole
        .await
        .map_err(|_| lost(Retry::Backoff, "its store broke off"))?;
    Ok(whole.freeze())
}

/// What an operator can mend, such as a token that was taken back, does not make a file hopeless.
fn of_call(failure: &CallFailure) -> Trouble {
    let retry = match (failure.scope, failure.retry) {
        (FailureScope::Operator | FailureScope::Number, Retry::Never) => Retry::Backoff,
        (_, retry) => retry,
    };
    Trouble {
        retry,
        failure: format!(
            "WhatsApp did not take the file of this message. {}",
            failure.message
        ),
    }
}

/// Once more later, or never. Messages that wait too long meanwhile are given up by themselves.
fn judge(library: &Library, upload: &MediaUpload, trouble: Trouble) -> Uploaded {
    let failure = trouble.failure;
    let is_hopeless = match trouble.retry {
        Retry::Never => true,
        Retry::Few => upload.attempts >= FEW,
        Retry::Backoff | Retry::After(_) => false,
    };
    if is_hopeless {
        return Uploaded::Failed { failure };
    }
    let exponent = u32::from(upload.attempts.saturating_sub(1));
    let grown = PAUSE_SECONDS.saturating_mul(2_i64.saturating_pow(exponent));
    let least = match trouble.retry {
        Retry::After(seconds) => i64::from(seconds),
        _ => 0,
    };
    let pause = SignedDuration::from_secs(grown.min(PAUSE_SECONDS_MAX).max(least));
    let now = library.clock.now();
    Uploaded::Later {
        due_at: now.saturating_add(pause).unwrap_or(now),
        failure,
    }
}
