//! Files: fetched when customers send them, checked when we send them, given out so that nothing is ever shown.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use jiff::SignedDuration;
use puisano::media::{
    Bucket, BucketPlace, Contents, FILE_BYTES_MAX, Files, Folder, Library, MediaError, Owner,
};
use puisano::model::{ContactId, Event};
use puisano::security::Secret;
use puisano::store::media::{Fetched, MediaFile, Uploaded};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::bucket::FakeS3;
use crate::database::Database;
use crate::ingest::{phone, says};
use crate::road::{PALESA, Road};
use crate::world::Town;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0 not much of a picture";

/// The API of a town, with a key.
struct Api {
    client: reqwest::Client,
    address: String,
    key: String,
}

impl Api {
    fn of(town: &Town) -> Self {
        let made = town.command(&["key", "create", "--name", "billing", "--scope", "send"]);
        Self {
            client: puisano::channels::local_client(std::time::Duration::from_secs(20)).unwrap(),
            address: town.address(),
            key: String::from_utf8(made.stdout).unwrap().trim().to_owned(),
        }
    }

    async fn upload(&self, bytes: &'static [u8], filename: &'static str) -> Value {
        let part = reqwest::multipart::Part::bytes(bytes).file_name(filename);
        let form = reqwest::multipart::Form::new().part("file", part);
        let call = self.client.post(format!("{}/api/v1/media", self.address));
        let answer = call.bearer_auth(&self.key).multipart(form).send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 201);
        answer.json().await.unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let call = self.client.post(format!("{}{path}", self.address));
        let answer = call.bearer_auth(&self.key).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        let call = self.client.get(format!("{}{path}", self.address));
        let answer = call.bearer_auth(&self.key).send().await.unwrap();
        answer.json().await.unwrap()
    }
}

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
            files: Files::Folder(Folder::new(&root)),
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

async fn whole(contents: Contents) -> Vec<u8> {
    let portions: Vec<Bytes> = contents.try_collect().await.unwrap();
    portions.concat()
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

    let served = shelf
        .library
        .serve(owner, first.hash.parse().unwrap())
        .await
        .unwrap();
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
    assert_eq!(whole(served.contents).await, JPEG);
    let stranger = Owner::Contact(ContactId(database.clock.new_id()));
    for owner in [stranger, Owner::Shared] {
        let refused = shelf
            .library
            .serve(owner, first.hash.parse().unwrap())
            .await;
        assert!(matches!(refused, Err(MediaError::NotFound)));
    }
    shelf.library.erase(owner).await.unwrap();
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

#[tokio::test]
async fn a_bucket_keeps_files_as_the_folder_does() {
    let database = Database::new().await;
    let fake = FakeS3::start().await;
    let unfinished = Shelf::new(&database);
    let files = |secret: &str| {
        let url = format!("s3://files/town?endpoint={}&region=af-south-1", fake.url);
        let place = BucketPlace {
            key_id: Secret::new("our-key"),
            secret: Secret::new(secret),
            ..BucketPlace::parse(&url).unwrap()
        };
        Files::Bucket {
            bucket: Bucket::connect(&place).unwrap(),
            unfinished: Folder::new(&unfinished.root),
        }
    };
    let library = Library {
        files: files("our-secret"),
        ..unfinished.library.clone()
    };
    let upload = async |owner, bytes: &'static [u8]| {
        let body = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(bytes))]);
        library.upload((owner, None), body).await
    };
    let somebody = Owner::Contact(ContactId(database.clock.new_id()));
    let own = upload(somebody, JPEG).await.unwrap();
    upload(somebody, b"a letter").await.unwrap();
    let shared = upload(Owner::Shared, JPEG).await.unwrap();
    assert_eq!(own.hash, shared.hash);
    let names = [
        format!("town/{somebody}/{}", own.hash),
        format!("town/shared/{}", own.hash),
    ];
    assert!(names.iter().all(|name| fake.names().contains(name)));
    assert_eq!(fake.names().len(), 3);
    assert_eq!(files_below(&unfinished), 0, "nothing stays on this machine");
    let hash = own.hash.parse().unwrap();
    let served = library.serve(somebody, hash).await.unwrap();
    assert_eq!(served.bytes, JPEG.len() as u64);
    assert_eq!(whole(served.contents).await, JPEG);
    library.erase(somebody).await.unwrap();
    assert_eq!(fake.names(), names[1..]);
    let gone = library.serve(somebody, hash).await;
    assert!(matches!(gone, Err(MediaError::NotFound)));
    assert!(library.serve(Owner::Shared, hash).await.is_ok());
    assert!(fake.signed_by("our-key"));
}

fn files_below(shelf: &Shelf) -> usize {
    files(&shelf.root).len()
}

#[tokio::test]
async fn a_file_of_ours_is_on_the_phone_and_is_uploaded_once() {
    let town = Town::open("stored").await;
    assert!(town.writes(PALESA, "hello 1").await);
    town.wait("an answer", async || {
        !town.received(PALESA).await.is_empty()
    })
    .await;
    let api = Api::of(&town);
    let answer = api.upload(b"%PDF-1.7 a bill", "bill.pdf").await;
    let hash = hex::encode(Sha256::digest(b"%PDF-1.7 a bill"));
    assert_eq!(answer["id"], format!("shared/{hash}"));
    for caption in ["first", "second"] {
        let message = json!({
            "to": PALESA, "media_type": "document", "media_id": answer["id"], "caption": caption,
        });
        let (status, queued) = api.post("/api/whatsapp/send", &message).await;
        assert_eq!(status, 202, "{queued}");
        let sent = format!("/api/whatsapp/messages/{}", queued["id"].as_str().unwrap());
        town.wait("the file", async || {
            api.get(&sent).await["status"] == "read"
        })
        .await;
        let media = &api.get(&sent).await["media"];
        assert_eq!(
            *media,
            json!({ "id": answer["id"], "mime": "application/pdf", "bytes": 15, "filename": "bill.pdf", "state": "stored" })
        );
    }
    let shown = town.phone(PALESA).await;
    let shown: Vec<_> = shown
        .iter()
        .filter(|one| one["type"] == "document")
        .collect();
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert_eq!(shown[0]["document"]["filename"], "bill.pdf");
    assert_eq!(
        shown[0]["document"]["id"], shown[1]["document"]["id"],
        "it was uploaded once"
    );
}

#[tokio::test]
async fn a_file_that_whatsapp_does_not_take_is_told_in_words() {
    let town = Town::open("refused").await;
    assert!(town.writes(PALESA, "hello 1").await);
    town.wait("an answer", async || {
        !town.received(PALESA).await.is_empty()
    })
    .await;
    let api = Api::of(&town);
    let answer = api.upload(JPEG, "leak.jpg").await;
    // Somebody has lost it in the meantime.
    let kept = files(&town.data().join("media"));
    for path in &kept {
        std::fs::remove_file(path).unwrap();
    }
    let message = json!({ "to": PALESA, "media_type": "image", "media_id": answer["id"] });
    let (_, queued) = api.post("/api/whatsapp/send", &message).await;
    let sent = format!("/api/whatsapp/messages/{}", queued["id"].as_str().unwrap());
    town.wait("the verdict", async || {
        api.get(&sent).await["status"] == "failed"
    })
    .await;
    let told = api.get(&sent).await;
    assert_eq!(
        told["explanation"],
        "The file could not be read: it is not here any more."
    );
}

#[tokio::test]
async fn an_upload_that_fails_for_now_keeps_its_messages_waiting() {
    let road = Road::new().await;
    let store = &road.database.store;
    road.says(PALESA, &["hello"]).await;
    let shelf = Shelf::new(&road.database);
    let file = shelf.upload(Owner::Shared, None, vec![Ok(JPEG)]).await;
    assert!(file.is_ok());
    road.database
        .texts(
            "INSERT INTO outbox (conversation_id, id, seq, tag, contact_id, phone_number_id, author, epoch, content, state,
                                 due_at, expires_at, created_at, class, waits_for)
             SELECT c.id, gen_random_uuid(), 0, 1, c.contact_id, '1', 'system', 0,
                    jsonb_build_object('source', jsonb_build_object('stored', f.owner || '/' || f.hash)), 'pending',
                    puisano_now() + interval '1 hour', puisano_now() + interval '1 day', puisano_now(),
                    'notification', 'upload'
             FROM conversations c, media_files f
             RETURNING id::text",
        )
        .await;
    let lease = SignedDuration::from_secs(60);
    let first = store.claim_media_uploads(4, lease).await.unwrap().remove(0);
    assert_eq!(store.claim_media_uploads(4, lease).await.unwrap(), []);
    road.advance(61).await;
    let second = store.claim_media_uploads(4, lease).await.unwrap().remove(0);
    let state = "SELECT concat_ws(' ', state, failure, due_at <= puisano_now()) FROM outbox WHERE class = 'notification'";
    let before = road.database.texts(state).await;
    let lost = Uploaded::Failed {
        failure: "from the dead".to_owned(),
    };
    store.finish_media_upload(&first, &lost).await.unwrap();
    assert_eq!(road.database.texts(state).await, before);
    let later = Uploaded::Later {
        due_at: road.now() + SignedDuration::from_secs(5),
        failure: "not now".to_owned(),
    };
    store.finish_media_upload(&second, &later).await.unwrap();
    assert_eq!(store.claim_media_uploads(4, lease).await.unwrap(), []);
    assert_eq!(road.database.texts(state).await, ["pending not now f"]);
    road.advance(6).await;
    let third = store.claim_media_uploads(4, lease).await.unwrap().remove(0);
    let there = Uploaded::There {
        id: "77".to_owned(),
        until: road.now() + SignedDuration::from_hours(29 * 24),
    };
    store.finish_media_upload(&third, &there).await.unwrap();
    road.advance(600).await;
    assert_eq!(store.claim_media_uploads(4, lease).await.unwrap(), []);
    assert_eq!(road.database.texts(state).await, ["pending t"]);
    let known =
        "SELECT concat_ws(' ', uploaded_id, uploaded_for, upload_attempts) FROM media_files";
    assert_eq!(road.database.texts(known).await, ["77 1 0"]);
}
