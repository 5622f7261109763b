//! Files: uploaded by the service, sent by people, fetched from addresses that live for five minutes.
//!
//! Kept in `simulator.media` beside the journal. Goes by the type that is said, and does not look into files.

use std::collections::HashMap;
use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Multipart, Path as UrlPath, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::graph::{authorise, check_version, locate};
use super::graph_error::GraphError;
use super::parts::FILES;
use super::record::Record;
use super::shared::Shared;
use super::world::World;

const FOLDER: &str = "simulator.media";
const MINUTE_MS: i64 = 60 * 1_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
const ADDRESS_MS: i64 = 5 * MINUTE_MS;
const UPLOADED_MS: i64 = 30 * DAY_MS;
const OF_PEOPLE_MS: i64 = 7 * DAY_MS;

/// A request with the largest file and what is around it.
pub(super) const REQUEST_BYTES_MAX: usize = 101 * 1024 * 1024;

const KB: usize = 1_024;
const MB: usize = 1_024 * KB;

/// Kind, types and most bytes; the first kind that has the type counts.
const KINDS: [(&str, &str, usize); 5] = [
    (
        "audio",
        "audio/aac audio/amr audio/mpeg audio/mp4 audio/ogg",
        16 * MB,
    ),
    ("image", "image/jpeg image/png", 5 * MB),
    ("sticker", "image/webp", 500 * KB),
    ("video", "video/mp4 video/3gpp", 16 * MB),
    (
        "document",
        "text/plain application/pdf application/msword application/vnd.ms-excel application/vnd.ms-powerpoint \
         application/vnd.openxmlformats-officedocument.wordprocessingml.document \
         application/vnd.openxmlformats-officedocument.spreadsheetml.sheet \
         application/vnd.openxmlformats-officedocument.presentationml.presentation",
        100 * MB,
    ),
];

/// A file that the simulator has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Media {
    pub(super) id: String,
    mime: String,
    /// In base64.
    pub(super) sha256: String,
    bytes: usize,
    filename: Option<String>,
    until_ms: i64,
}

/// A file and where it comes from.
pub(super) struct NewFile {
    pub(super) bytes: Bytes,
    pub(super) mime: String,
    pub(super) filename: Option<String>,
}

impl NewFile {
    /// Whether WhatsApp takes a file of this type and size.
    fn check(&self) -> Result<(), GraphError> {
        let mime = plain(&self.mime);
        let kind = KINDS
            .iter()
            .find(|(_, types, _)| types.split_whitespace().any(|known| known == mime));
        let Some((_, _, most)) = kind else {
            let why =
                format!("Param file must be a file of a known type; it has the type '{mime}'.");
            return Err(GraphError::new(100, why));
        };
        if self.bytes.is_empty() || self.bytes.len() > *most {
            let why = format!("Param file must have 1 to {most} bytes.");
            return Err(GraphError::new(100, why));
        }
        Ok(())
    }

    /// Puts the file on the disk; it counts once the record is in the journal.
    pub(super) async fn keep(self, shared: &Shared, is_ours: bool) -> Result<Media, GraphError> {
        let id = shared.new_number();
        let life_ms = if is_ours { UPLOADED_MS } else { OF_PEOPLE_MS };
        let media = Media {
            sha256: BASE64.encode(Sha256::digest(&self.bytes)),
            mime: self.mime,
            bytes: self.bytes.len(),
            filename: self.filename,
            until_ms: shared.now_ms() + life_ms,
            id,
        };
        let (folder, id, bytes) = (shared.files.clone(), media.id.clone(), self.bytes);
        tokio::task::spawn_blocking(move || write(&folder, &id, &bytes))
            .await
            .map_err(io::Error::other)
            .flatten()
            .map_err(|error| {
                tracing::error!(%error, "the simulator cannot keep a file");
                GraphError::new(131_016, "The simulator cannot keep the file.")
            })?;
        Ok(media)
    }
}

pub(super) fn folder(data: &Path) -> PathBuf {
    data.join(FOLDER)
}

fn write(folder: &Path, id: &str, bytes: &[u8]) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)?;
    let mut file = File::create(folder.join(id))?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Without parameters such as `; codecs=opus`.
fn plain(mime: &str) -> &str {
    mime.split(';').next().unwrap_or_default().trim()
}

/// `POST /{phone number id}/media`.
pub(super) async fn upload(
    State(shared): State<Shared>,
    UrlPath((version, id)): UrlPath<(String, String)>,
    headers: HeaderMap,
    form: Multipart,
) -> Result<Json<Value>, GraphError> {
    authorise(&shared, &headers)?;
    locate(&shared, &version, &id)?;
    let file = read_form(form).await?;
    file.check()?;
    let media = file.keep(&shared, true).await?;
    let answer = json!({ "id": media.id });
    shared
        .commit(|plan| {
            plan.push(Record::Media(media));
            Ok(())
        })
        .await?;
    Ok(Json(answer))
}

async fn read_form(mut form: Multipart) -> Result<NewFile, GraphError> {
    let broken = |_| GraphError::new(100, "The request's body is not a form, or too large.");
    let (mut product, mut mime, mut file) = (None, None, None);
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name().unwrap_or_default() {
            "messaging_product" => product = Some(field.text().await.map_err(broken)?),
            "type" => mime = Some(field.text().await.map_err(broken)?),
            "file" => {
                let said = field.content_type().map(str::to_owned);
                let filename = field.file_name().map(str::to_owned);
                file = Some((said, filename, field.bytes().await.map_err(broken)?));
            }
            _ => {}
        }
    }
    if product.as_deref() != Some("whatsapp") {
        return Err(GraphError::new(
            100,
            "The parameter messaging_product is required.",
        ));
    }
    let (said, filename, bytes) =
        file.ok_or_else(|| GraphError::new(100, "The parameter file is required."))?;
    let mime = said
        .or(mime)
        .ok_or_else(|| GraphError::new(100, "The parameter type is required."))?;
    Ok(NewFile {
        bytes,
        mime,
        filename,
    })
}

impl World {
    /// The file with this id, unless it is gone.
    pub(super) fn media(&self, id: &str, now_ms: i64) -> Option<&Media> {
        self.media.get(id).filter(|media| media.until_ms > now_ms)
    }
}

/// `GET /{media id}`.
pub(super) fn describe(shared: &Shared, media: &Media) -> Value {
    json!({
        "messaging_product": "whatsapp",
        "url": address(shared, &media.id),
        "mime_type": media.mime,
        "sha256": media.sha256,
        // As text, which WhatsApp does at times.
        "file_size": media.bytes.to_string(),
        "id": media.id,
    })
}

/// Where the file can be fetched for five minutes.
pub(super) fn address(shared: &Shared, id: &str) -> String {
    let until_ms = shared.now_ms() + ADDRESS_MS;
    format!(
        "{}/whatsapp_business/attachments/{id}?ext={until_ms}&hash={}",
        shared.account.api_url,
        seal(shared, id, until_ms)
    )
}

fn seal(shared: &Shared, id: &str, until_ms: i64) -> String {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    let mut mac =
        Hmac::<Sha256>::new_from_slice(shared.account.app_secret.as_bytes()).expect("a key");
    mac.update(format!("{id}:{until_ms}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[derive(Debug, Deserialize)]
pub(super) struct Sealed {
    ext: i64,
    hash: String,
}

/// `GET` of an address that [`address`] made.
pub(super) async fn fetch(
    State(shared): State<Shared>,
    UrlPath(id): UrlPath<String>,
    Query(sealed): Query<Sealed>,
    headers: HeaderMap,
) -> Response {
    if let Err(error) = authorise(&shared, &headers) {
        return error.into_response();
    }
    let now_ms = shared.now_ms();
    let is_good = sealed.ext > now_ms && sealed.hash == seal(&shared, &id, sealed.ext);
    let media = shared.world().media(&id, now_ms).cloned();
    let Some(media) = media.filter(|_| is_good) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match tokio::fs::read(shared.files.join(&media.id)).await {
        Ok(bytes) => ([(header::CONTENT_TYPE, media.mime)], bytes).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `DELETE /{media id}`.
pub(super) async fn delete(shared: &Shared, id: &str) -> Result<Value, GraphError> {
    let gone = id.to_owned();
    shared
        .commit(|plan| {
            plan.push(Record::MediaGone { id: gone });
            Ok(())
        })
        .await?;
    // The record counts; a file that stays is only space.
    let _ = tokio::fs::remove_file(shared.files.join(id)).await;
    Ok(json!({ "success": true }))
}

/// Whether the uploaded files that `request` names can be sent: an error, or the code with which it fails later.
pub(super) fn usable(
    world: &World,
    request: &Value,
    now_ms: i64,
) -> Result<Option<i64>, GraphError> {
    let kind = request["type"].as_str().unwrap_or_default();
    let mut named: Vec<(&str, &Value)> = Vec::new();
    if FILES.contains(&kind) {
        named.push((kind, &request[kind]["id"]));
    }
    let components = request["template"]["components"].as_array();
    for parameter in components
        .into_iter()
        .flatten()
        .flat_map(|part| part["parameters"].as_array().into_iter().flatten())
    {
        let kind = parameter["type"].as_str().unwrap_or_default();
        if FILES.contains(&kind) {
            named.push((kind, &parameter[kind]["id"]));
        }
    }
    for (kind, id) in named {
        let Some(id) = id.as_str() else { continue };
        let media = world
            .media(id, now_ms)
            .ok_or_else(|| GraphError::new(131_009, "There is no file with this id."))?;
        let types = KINDS.iter().find(|(known, ..)| *known == kind);
        let fits = types.is_some_and(|(_, types, _)| {
            types
                .split_whitespace()
                .any(|known| known == plain(&media.mime))
        });
        if !fits {
            // WhatsApp finds out later.
            return Ok(Some(131_053));
        }
    }
    Ok(None)
}

/// What a person sends: `{"bytes":"<base64>"}` and what is said of it; nothing when there are no bytes.
pub(super) fn of_person(part: &Value, default_mime: &str) -> Option<Result<NewFile, &'static str>> {
    let encoded = part["bytes"].as_str()?;
    let text = |key: &str| part[key].as_str().map(str::to_owned);
    let Ok(bytes) = BASE64.decode(encoded) else {
        return Some(Err("`bytes` is not base64"));
    };
    Some(Ok(NewFile {
        bytes: bytes.into(),
        mime: text("mime_type").unwrap_or_else(|| default_mime.to_owned()),
        filename: text("filename"),
    }))
}

/// `POST /{app id}/uploads`: opens a session for a sample of a template.
pub(super) async fn open_session(
    State(shared): State<Shared>,
    UrlPath((version, _app)): UrlPath<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Json<Value>, GraphError> {
    authorise(&shared, &headers)?;
    check_version(&version)?;
    let length = query
        .get("file_length")
        .and_then(|length| length.parse::<usize>().ok());
    let has_type = query
        .get("file_type")
        .is_some_and(|mime| mime.contains('/'));
    match length.filter(|length| *length > 0 && has_type) {
        Some(length) => {
            let number = shared.new_number();
            let id = format!("upload:{number}-{length}");
            let hash = seal(&shared, &id, 0);
            Ok(Json(json!({ "id": format!("{id}?sig={hash}") })))
        }
        None => Err(GraphError::new(
            100,
            "The parameters file_length and file_type are required.",
        )),
    }
}

/// `POST /upload:…`: takes the sample; its handle is as good as a file, which nobody looks at.
pub(super) fn end_session(
    shared: &Shared,
    session: &str,
    (query, bytes): (&HashMap<String, String>, &[u8]),
) -> Result<Value, GraphError> {
    let length = session
        .rsplit_once('-')
        .and_then(|(_, length)| length.parse().ok());
    if query.get("sig") != Some(&seal(shared, session, 0)) {
        return Err(GraphError::new(100, "There is no such upload session."));
    }
    if length != Some(bytes.len()) {
        return Err(GraphError::new(
            100,
            "The file has another length than was said.",
        ));
    }
    let handle = BASE64.encode(Sha256::digest(bytes));
    Ok(json!({ "h": format!("4::{handle}") }))
}
