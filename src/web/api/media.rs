//! `/api/v1/media`: a file to be sent is uploaded, and any file is given out, to be saved and never to be shown.

use axum::body::Body;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Multipart, Path, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::gate::{Caller, Desk};
use super::input::once;
use super::problem::Problem;
use super::repeat;
use crate::media::{Hash, MediaError, Owner};
use crate::security::api_key::Scope;
use crate::store::idempotency::Once;
use crate::store::media::{MediaFile, MessageMedia};
use crate::web::limits::{FORM_BYTES_MAX, UPLOAD_BYTES_MAX};
use crate::web::webhook::Refusal;
use crate::web::{Door, body};

const FILENAME_CHARS_MAX: usize = 240;

/// A file that is here.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StoredFile {
    /// By it the file is sent (`media_id`) and had.
    #[schema(example = "shared/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    id: String,
    /// What its bytes say.
    mime: String,
    bytes: u64,
    #[schema(required = true)]
    filename: Option<String>,
}

impl From<MediaFile> for StoredFile {
    fn from(file: MediaFile) -> Self {
        Self {
            id: format!("{}/{}", file.owner, file.hash),
            mime: file.mime,
            bytes: file.bytes,
            filename: file.filename,
        }
    }
}

/// The file of a message.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct MessageFile {
    /// By it the file is had (`/api/v1/media/{id}`); null while it is not here.
    #[schema(required = true)]
    id: Option<String>,
    #[schema(required = true)]
    mime: Option<String>,
    #[schema(required = true)]
    bytes: Option<u64>,
    #[schema(required = true)]
    filename: Option<String>,
    /// `pending`: it is being fetched from WhatsApp; `stored`: it is here; `failed`: it could not be had.
    state: String,
}

impl From<MessageMedia> for MessageFile {
    fn from(media: MessageMedia) -> Self {
        Self {
            id: media.id,
            mime: media.mime,
            bytes: media.bytes,
            filename: media.filename,
            state: media.state,
        }
    }
}

/// The bytes of a file
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "it only describes")]
pub(super) struct FileBytes(Vec<u8>);

/// The form with a file
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it is read field by field")]
pub(super) struct UploadForm {
    /// 16 MiB at most, and of a type and size that WhatsApp takes.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// What people see; else the name that stands in the form.
    #[schema(max_length = 240)]
    filename: Option<String>,
}

/// A form with a file.
#[derive(Debug)]
pub(super) struct Form {
    file: Bytes,
    filename: Option<String>,
    once: Option<Once>,
}

impl FromRequest<Door> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, door).await?;
        if !is_form(&parts) {
            return Err(Problem::not_a_form());
        }
        let bytes_max = UPLOAD_BYTES_MAX + FORM_BYTES_MAX;
        let whole = body::read(body, &parts.headers, (door, bytes_max)).await;
        let whole = whole.map_err(|refusal| match refusal {
            Refusal::TooLarge => Problem::file_too_large(),
            other => other.into(),
        })?;
        let mut inner = Request::new(Body::from(whole.body.clone()));
        inner.headers_mut().clone_from(&parts.headers);
        DefaultBodyLimit::max(bytes_max).apply(&mut inner);
        let form = Multipart::from_request(inner, &()).await;
        let (file, filename) = read(form.map_err(|_| Problem::not_a_form())?).await?;
        // The lines between the fields are others each time.
        let name = filename.as_deref().unwrap_or_default();
        let once = once(&parts, &caller, &[&file, name.as_bytes()])?;
        Ok(Self {
            file,
            filename,
            once,
        })
    }
}

fn is_form(parts: &Parts) -> bool {
    let kind = parts.headers.get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("multipart/form-data")
}

async fn read(mut form: Multipart) -> Result<(Bytes, Option<String>), Problem> {
    let (mut file, mut own_name, mut filename) = (None, None, None);
    while let Some(field) = form
        .next_field()
        .await
        .map_err(|error| unreadable(&error))?
    {
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "file" if file.is_none() => {
                own_name = field.file_name().map(str::to_owned);
                file = Some(field.bytes().await.map_err(|error| unreadable(&error))?);
            }
            "filename" if filename.is_none() => filename = Some(text(field).await?),
            "file" | "filename" => return Err(Problem::field(&name, "is given twice")),
            _ => {
                let known = "is not known here; known are file, filename";
                return Err(Problem::field(&name, known));
            }
        }
    }
    let file = file.ok_or_else(|| Problem::field("file", "is missing"))?;
    if file.len() > UPLOAD_BYTES_MAX {
        return Err(Problem::file_too_large());
    }
    let filename = filename.or(own_name).filter(|name| !name.is_empty());
    Ok((file, filename))
}

async fn text(field: Field<'_>) -> Result<String, Problem> {
    let wrong = |what: &str| Problem::field("filename", what);
    let bytes = field.bytes().await.map_err(|error| unreadable(&error))?;
    let text = String::from_utf8(bytes.into()).map_err(|_| wrong("must be UTF-8"))?;
    if text.contains('\0') {
        return Err(wrong("holds a NUL character"));
    }
    if text.chars().count() > FILENAME_CHARS_MAX {
        return Err(wrong("has more than 240 characters"));
    }
    Ok(text)
}

fn unreadable(error: &MultipartError) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::file_too_large();
    }
    Problem::malformed("The form cannot be read to its end.")
}

/// Upload a file that is to be sent.
///
/// What it is is told by its first bytes. The same file has the same `id`, however often it is uploaded; everybody with a
/// key that may send can have it.
#[utoipa::path(
    post, path = "/api/v1/media", tag = "media", operation_id = "upload_media",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "The file is here.", body = StoredFile))
)]
pub(super) async fn upload(desk: Desk, form: Form) -> Result<Response, Problem> {
    let Form {
        file,
        filename,
        once,
    } = form;
    repeat::once(desk.store(), desk.clock(), once.as_ref(), async {
        let whole = stream::iter([Ok::<_, std::convert::Infallible>(file)]);
        let given = (Owner::Shared, filename.as_deref());
        let stored = desk.library().upload(given, whole).await?;
        Ok(repeat::with(StatusCode::CREATED, &StoredFile::from(stored)))
    })
    .await
}

/// Whose file, and which.
#[derive(Debug)]
pub(super) struct Wanted {
    owner: Owner,
    hash: Hash,
}

impl FromRequestParts<Door> for Wanted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        let path = Path::<(String, String)>::from_request_parts(parts, door).await;
        let wanted = path.ok().and_then(|Path((owner, hash))| {
            Some(Self {
                owner: owner.parse().ok()?,
                hash: hash.parse().ok()?,
            })
        });
        wanted.ok_or_else(|| Problem::not_found("The address names nothing that is here."))
    }
}

/// Download a file.
///
/// It comes as an attachment. Files of contacts need a key with `conversations`; those for everybody (`shared`) are open to
/// keys with `send`, too.
#[utoipa::path(
    get, path = "/api/v1/media/{owner}/{hash}", tag = "media", operation_id = "download_media",
    params(
        ("owner" = String, Path, description = "A contact's id, or `shared`."),
        ("hash" = String, Path, description = "SHA-256 of the file, in hex."),
    ),
    responses((status = 200, description = "The file.", content_type = "*/*", body = FileBytes))
)]
pub(super) async fn one(desk: Desk, caller: Caller, wanted: Wanted) -> Result<Response, Problem> {
    if wanted.owner != Owner::Shared {
        caller.needs(Scope::Conversations)?;
    }
    let served = desk.library().serve(wanted.owner, wanted.hash).await?;
    let mut response = Body::from_stream(served.contents).into_response();
    for (name, value) in served.headers {
        let value = value.parse().map_err(|_| Problem::broken())?;
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

impl From<MediaError> for Problem {
    fn from(error: MediaError) -> Self {
        match error {
            MediaError::Refused(problem) => Self::field(&problem.field, &problem.problem),
            MediaError::NotFound => Self::not_found("There is no such file."),
            MediaError::Disk(error) => {
                tracing::error!(%error, "a file could not be read or written");
                Self::unavailable()
            }
            MediaError::Store(error) => error.into(),
        }
    }
}
