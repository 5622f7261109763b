//! Fetches what customers sent, as soon as it has come: WhatsApp keeps it for seven days and gives its address for five
//! minutes.
//!
//! What cannot be had now is tried again with growing pauses until WhatsApp has thrown it away. A message whose file is
//! missing is answered all the same; nothing waits for files.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use super::{FILE_BYTES_MAX, Library, Owner, TakeError, UNKNOWN_MIME, detect};
use crate::channels::whatsapp::errors::Retry;
use crate::channels::whatsapp::{CallFailure, DownloadLimits};
use crate::model::FailureScope;
use crate::settings::Live;
use crate::store::media::{Fetched, MediaFetch};
use crate::tasks::Tasks;

/// Files that are fetched at the same time by one process.
const AT_ONCE_MAX: usize = 4;
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// From the question for the address to the last byte of the largest file.
const TIME_MAX: Duration = Duration::from_mins(4);
/// A little longer than any fetch.
const LEASE: SignedDuration = SignedDuration::from_mins(5);
/// How long WhatsApp keeps what customers send.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The first pause; each further one is three times as long.
const PAUSE_SECONDS: i64 = 5;
const PAUSE_SECONDS_MAX: i64 = 6 * 60 * 60;
/// Attempts at what may be the file's own fault.
const FEW: u16 = 5;

/// Starts to fetch, until the process is told to stop.
pub fn start(library: Library, live: Live, tasks: &Tasks) {
    let stopping = tasks.stopping();
    tasks.spawn("media", async move {
        if let Err(error) = library.files.tidy().await {
            warn!("unfinished files could not be taken away: {error}");
        }
        stopping
            .run_until_cancelled(Box::pin(run(library, live)))
            .await;
    });
}

async fn run(library: Library, live: Live) {
    let mut running = FuturesUnordered::new();
    loop {
        let free = AT_ONCE_MAX - running.len();
        if free > 0 {
            let free = i64::try_from(free).unwrap_or(1);
            let due = library.store.claim_media_fetches(free, LEASE).await;
            // A database that is away is told about by those who cannot do without it.
            for fetch in due.unwrap_or_default() {
                running.push(attempt(&library, &live, fetch));
            }
        }
        tokio::select! {
            _ = running.next(), if !running.is_empty() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// One attempt, and what became of it.
async fn attempt(library: &Library, live: &Live, fetch: MediaFetch) {
    let fetched = match take(library, live, &fetch).await {
        Ok(hash) => Fetched::Stored { hash },
        Err(trouble) => judge(&fetch, library.clock.now(), &trouble),
    };
    if let Fetched::Failed { failure } = &fetched {
        warn!("a file of message {} is lost: {failure}", fetch.message);
    }
    if let Err(error) = library.store.finish_media_fetch(&fetch, &fetched).await {
        warn!("a file will be fetched once more: {error}");
    }
}

/// Why a file could not be had.
struct Trouble {
    retry: Retry,
    failure: String,
}

async fn take(library: &Library, live: &Live, fetch: &MediaFetch) -> Result<String, Trouble> {
    let client = live.client_for(&fetch.phone_number_id);
    let location = client
        .media_url(&fetch.phone_number_id, &fetch.media_id)
        .await
        .map_err(of_call)?;
    let limits = DownloadLimits {
        bytes_max: FILE_BYTES_MAX,
        time_max: TIME_MAX,
    };
    let mut download = client
        .download(&location.url, limits)
        .await
        .map_err(of_call)?;
    let mut draft = library
        .files
        .begin(FILE_BYTES_MAX)
        .await
        .map_err(|error| of_disk(error.into()))?;
    while let Some(portion) = download.chunk().await.map_err(of_call)? {
        draft.write(&portion).await.map_err(of_disk)?;
    }
    let kind = detect(draft.head(), fetch.filename.as_deref());
    let mime = kind.map_or(UNKNOWN_MIME, |known| known.mime);
    let owner = Owner::Contact(fetch.contact);
    let taken = library.files.keep(draft, owner).await;
    let taken = taken.map_err(|error| of_disk(error.into()))?;
    let noted = library
        .note(owner, &taken, (mime, fetch.filename.as_deref()))
        .await;
    noted.map(|file| file.hash).map_err(|error| Trouble {
        retry: Retry::Backoff,
        failure: format!("The file could not be written down: {error}."),
    })
}

/// What an operator can mend, such as a token that was taken back, does not make a file hopeless.
fn of_call(failure: CallFailure) -> Trouble {
    let retry = match (failure.scope, failure.retry) {
        (FailureScope::Operator | FailureScope::Number, Retry::Never) => Retry::Backoff,
        (_, retry) => retry,
    };
    Trouble {
        retry,
        failure: failure.message,
    }
}

fn of_disk(error: TakeError) -> Trouble {
    match error {
        TakeError::TooLarge { .. } => Trouble {
            retry: Retry::Never,
            failure: "The file is larger than is taken.".to_owned(),
        },
        TakeError::Disk(error) => Trouble {
            retry: Retry::Backoff,
            failure: format!("The file could not be written: {error}."),
        },
    }
}

/// Once more later, or never.
fn judge(fetch: &MediaFetch, now: Timestamp, trouble: &Trouble) -> Fetched {
    let (retry, failure) = (trouble.retry, trouble.failure.clone());
    let is_hopeless = match retry {
        Retry::Never => true,
        Retry::Few => fetch.attempts >= FEW,
        Retry::Backoff | Retry::After(_) => false,
    };
    let exponent = u32::from(fetch.attempts.saturating_sub(1));
    let grown = PAUSE_SECONDS.saturating_mul(3_i64.saturating_pow(exponent));
    let least = match retry {
        Retry::After(seconds) => i64::from(seconds),
        _ => 0,
    };
    let pause = grown.min(PAUSE_SECONDS_MAX).max(least);
    let due_at = now.saturating_add(SignedDuration::from_secs(pause));
    let thrown_away_at = fetch.received_at.saturating_add(KEPT);
    match (due_at, thrown_away_at) {
        (Ok(due_at), Ok(until)) if !is_hopeless && due_at < until => {
            Fetched::Later { due_at, failure }
        }
        _ => Fetched::Failed { failure },
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::{ContactId, ConversationId, MessageId};

    #[test]
    fn pauses_grow_until_whatsapp_has_thrown_the_file_away() {
        let mut fetch = MediaFetch {
            conversation: ConversationId(Uuid::nil()),
            message: MessageId(Uuid::nil()),
            contact: ContactId(Uuid::nil()),
            phone_number_id: "1".into(),
            media_id: "m".to_owned(),
            filename: None,
            received_at: Timestamp::UNIX_EPOCH,
            attempts: 1,
        };
        let pause = |fetch: &MediaFetch, now: Timestamp, retry: Retry| {
            let failure = String::new();
            match judge(fetch, now, &Trouble { retry, failure }) {
                Fetched::Later { due_at, .. } => Some(due_at.duration_since(now).as_secs()),
                _ => None,
            }
        };
        let begun = Timestamp::UNIX_EPOCH;
        assert_eq!(pause(&fetch, begun, Retry::Backoff), Some(5));
        assert_eq!(pause(&fetch, begun, Retry::After(60)), Some(60));
        assert_eq!(pause(&fetch, begun, Retry::Never), None);
        fetch.attempts = 3;
        assert_eq!(pause(&fetch, begun, Retry::Few), Some(45));
        fetch.attempts = FEW;
        assert_eq!(pause(&fetch, begun, Retry::Few), None);
        fetch.attempts = u16::MAX;
        assert_eq!(
            pause(&fetch, begun, Retry::Backoff),
            Some(PAUSE_SECONDS_MAX)
        );
        let late = begun + KEPT - SignedDuration::from_hours(5);
        assert_eq!(pause(&fetch, late, Retry::Backoff), None);
    }
}
