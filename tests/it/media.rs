//! Files: fetched when customers send them, checked when we send them, given out so that nothing is ever shown.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures_util::stream;
use jiff::SignedDuration;
use puisano::media::{FILE_BYTES_MAX, Folder, Library, MediaError, Owner};
use puisano::model::{ContactId, Event};
use puisano::store::media::{Fetched, MediaFile};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use crate::database::Database;
use crate::ingest::{phone, says};
use crate::road::{PALESA, Road};
use crate::world::Town;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0 not much of a picture";

/// A library in a folder that is gone afterwards.
struct Shelf {
    library: Library,
    root: PathBuf,
}

impl Shelf {
    fn new(database: &Database) -> Self {
        let root = std::env::temp_dir().join(format!("puisano-media-{}", database.clock.new_id()));
        let library = Library {
            store: database.store.clone(),
            clock: database.clock.clone(),
            folder: Folder::new(&root),
        };
        Self { library, root }
    }

    async fn upload(
        &self,
        owner: Owner,
        filename: Option<&str>,
        portions: Vec<Result<&'static [u8], &'static str>>,
    ) -> Result<MediaFile, MediaError> {
        let portions = portions
            .into_iter()
            .map(|portion| portion.map(Bytes::from_static));
        self.library
            .upload((owner, filename), stream::iter(portions))
            .await
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// All files below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn a_file_is_kept_once_under_its_content_and_only_ever_saved() {
    let database = Database::new().await;
    let shelf = Shelf::new(&database);
    let owner = Owner::Contact(ContactId(database.clock.new_id()));
    let (head, tail) = JPEG.split_at(5);
    let name = "../../tšhelete.jpg";
    let first = shelf
        .upload(owner, Some(name), vec![Ok(head), Ok(tail)])
        .await
        .unwrap();
    let again = shelf.upload(owner, None, vec![Ok(JPEG)]).await.unwrap();
    assert_eq!(
        (&first.hash, first.mime.as_str()),
        (&again.hash, "image/jpeg")
    );
    assert_eq!(first.hash, hex::encode(Sha256::digest(JPEG)));
    let place = shelf.root.join(owner.to_string()).join(&first.hash);
    assert_eq!(files(&shelf.root), std::slice::from_ref(&place));

    let mut served = shelf
        .library
        .serve(owner, first.hash.parse().unwrap())
        .await
        .unwrap();
    let mut bytes = Vec::new();
    served.file.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, JPEG);
    let header = |name: &str| {
        let found = served.headers.iter().find(|(header, _)| *header == name);
        found.unwrap().1.clone()
    };
    assert_eq!(header("content-length"), JPEG.len().to_string());
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(
        header("content-disposition"),
        "attachment; filename=\"t_helete.jpg\"; filename*=UTF-8''t%C5%A1helete.jpg"
    );
    let stranger = Owner::Contact(ContactId(database.clock.new_id()));
    for owner in [stranger, Owner::Shared] {
        let refused = shelf
            .library
            .serve(owner, first.hash.parse().unwrap())
            .await;
        assert!(matches!(refused, Err(MediaError::NotFound)));
    }
    shelf.library.folder.erase(owner).await.unwrap();
    let erased = shelf
        .library
        .serve(owner, first.hash.parse().unwrap())
        .await;
    assert!(matches!(erased, Err(MediaError::NotFound)));
}

#[tokio::test]
async fn what_whatsapp_does_not_take_leaves_nothing_behind() {
    const PORTION: &[u8] = &[b'a'; 1024 * 1024];
    let database = Database::new().await;
    let shelf = Shelf::new(&database);
    let portions = usize::try_from(FILE_BYTES_MAX).unwrap() / PORTION.len();
    let picture: Vec<_> = std::iter::once(Ok(JPEG))
        .chain((0..5).map(|_| Ok(PORTION)))
        .collect();
    let too_large: Vec<_> = (0..=portions).map(|_| Ok(PORTION)).collect();
    for (filename, body, expected) in [
        (None, vec![], "empty"),
        (Some("x.jpg"), vec![Ok(&b"GIF89a"[..])], "a GIF"),
        (Some("x.docx"), vec![Ok(b"PK\x03\x04....")], "archive"),
        (None, vec![Ok(JPEG), Err("broken")], "did not arrive whole"),
        (
            None,
            picture,
            "larger than WhatsApp takes of image/jpeg: 5120 KB",
        ),
        (None, too_large, "larger than files may be: 100 MB"),
    ] {
        let refused = shelf.upload(Owner::Shared, filename, body).await;
        let Err(MediaError::Refused(problem)) = refused else {
            panic!("{refused:?}");
        };
        assert!(problem.problem.contains(expected), "{problem:?}");
    }
    assert_eq!(files(&shelf.root), Vec::<PathBuf>::new());
    assert_eq!(database.number("SELECT count(*) FROM media_files").await, 0);
}

#[tokio::test]
async fn a_file_is_fetched_by_one_at_a_time_and_by_others_when_that_one_is_gone() {
    let road = Road::new().await;
    let store = &road.database.store;
    let lease = SignedDuration::from_secs(60);
    road.says(PALESA, &["no file"]).await;
    let mut event = says(phone(PALESA), "wamid.file", "", road.now());
    let Event::Message(message) = &mut event else {
        panic!("{event:?}");
    };
    message.content.media_id = Some("media.1".to_owned());
    message.raw = json!({ "document": { "filename": "bill.pdf" } });
    road.webhook(vec![event.clone()]).await;
    road.webhook(vec![event]).await;
    let claimed = store.claim_media_fetches(10, lease).await.unwrap();
    assert_eq!(claimed.len(), 1, "a duplicate is not fetched twice");
    let first = &claimed[0];
    assert_eq!(
        (
            first.media_id.as_str(),
            first.filename.as_deref(),
            first.attempts
        ),
        ("media.1", Some("bill.pdf"), 1)
    );
    assert!(
        store
            .claim_media_fetches(10, lease)
            .await
            .unwrap()
            .is_empty()
    );
    road.advance(61).await;
    let second = store
        .claim_media_fetches(10, lease)
        .await
        .unwrap()
        .remove(0);
    let lost = Fetched::Failed {
        failure: "from the dead".to_owned(),
    };
    store.finish_media_fetch(first, &lost).await.unwrap();
    let later = Fetched::Later {
        due_at: road.now() + SignedDuration::from_secs(5),
        failure: "not now".to_owned(),
    };
    store.finish_media_fetch(&second, &later).await.unwrap();
    assert!(
        store
            .claim_media_fetches(10, lease)
            .await
            .unwrap()
            .is_empty()
    );
    road.advance(6).await;
    let third = store
        .claim_media_fetches(10, lease)
        .await
        .unwrap()
        .remove(0);
    let hash = "ab".repeat(32);
    store
        .finish_media_fetch(&third, &Fetched::Stored { hash })
        .await
        .unwrap();
    road.advance(600).await;
    assert!(
        store
            .claim_media_fetches(10, lease)
            .await
            .unwrap()
            .is_empty()
    );
    let states = "SELECT concat_ws(' ', state, attempts, length(hash), failure) FROM media_fetches";
    assert_eq!(road.database.texts(states).await, ["stored 3 64"]);
}

#[tokio::test]
async fn what_a_customer_sends_is_in_the_folder_a_moment_later() {
    let town = Town::open("media").await;
    let image = json!({ "bytes": BASE64.encode(JPEG), "caption": "a leak" });
    assert!(town.sends(&json!({ "from": PALESA, "image": image })).await);
    let hash = hex::encode(Sha256::digest(JPEG));
    town.wait("the picture", async || {
        let kept = files(&town.data().join("media"));
        kept.iter().any(|path| path.ends_with(&hash))
    })
    .await;
    let kept = files(&town.data().join("media"));
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(std::fs::read(&kept[0]).unwrap(), JPEG);
}
