//! Reads what a request brings: JSON bodies, parameters of the query, names in the path, and the key under which a
//! request may come again. What is wrong is named.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::gate::Caller;
use super::problem::Problem;
use crate::store::idempotency::Once;
use crate::web::limits::{API_BODY_BYTES_MAX, JSON_DEPTH_MAX};
use crate::web::{Door, body};

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// Parameters of one query.
const PARAMETERS_MAX: usize = 32;

/// A JSON body, and what makes the request one that may be repeated.
#[derive(Debug)]
pub(super) struct Input<T> {
    pub(super) body: T,
    pub(super) once: Option<Once>,
}

impl<T: DeserializeOwned> FromRequest<Door> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, door).await?;
        if !is_json(&parts.headers) {
            return Err(Problem::not_json());
        }
        let whole = body::read(body, &parts.headers, (door, API_BODY_BYTES_MAX)).await?;
        let once = once(&parts, &caller, &[&whole.body])?;
        Ok(Self {
            body: read(&whole.body)?,
            once,
        })
    }
}

/// A request that brings nothing but itself.
#[derive(Debug)]
pub(super) struct Bare {
    pub(super) once: Option<Once>,
}

impl FromRequest<Door> for Bare {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, door).await?;
        let whole = body::read(body, &parts.headers, (door, API_BODY_BYTES_MAX)).await?;
        let once = once(&parts, &caller, &[&whole.body])?;
        let text = whole.body.trim_ascii();
        if text.is_empty() || text == b"{}" {
            return Ok(Self { once });
        }
        Err(Problem::malformed("This takes no body."))
    }
}

/// Parameters of the query.
#[derive(Debug)]
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Door> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::from_request_parts(parts, door).await;
        let Ok(Query(pairs)) = pairs else {
            return Err(Problem::malformed("The query cannot be read."));
        };
        if pairs.len() > PARAMETERS_MAX {
            return Err(Problem::malformed("The query has too many parameters."));
        }
        let mut parameters = Map::new();
        for (name, value) in pairs {
            if parameters.contains_key(&name) {
                return Err(Problem::field(&name, "is given twice"));
            }
            if value.contains('\0') {
                return Err(Problem::field(&name, "holds a NUL character"));
            }
            parameters.insert(name, Value::String(value));
        }
        serde_path_to_error::deserialize(Value::Object(parameters))
            .map(Self)
            .map_err(|error| wrong(&error))
    }
}

/// The name or id in the path.
#[derive(Debug)]
pub(super) struct Named<T>(pub(super) T);

impl<T: FromStr> FromRequestParts<Door> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, door).await;
        let named = path.ok().filter(|name| !name.contains('\0'));
        let named = named.and_then(|Path(name)| name.parse().ok());
        named
            .map(Self)
            .ok_or_else(|| Problem::not_found("The address names nothing that is here."))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next());
    essence.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// What makes the request one that may be repeated; `content` is what must be the same then.
pub(super) fn once(
    parts: &Parts,
    caller: &Caller,
    content: &[&[u8]],
) -> Result<Option<Once>, Problem> {
    let mut given = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
    let key = match (given.next(), given.next()) {
        _ if parts.method != Method::POST => return Ok(None),
        (None, _) => return Ok(None),
        (Some(key), None) => key.to_str().ok(),
        (Some(_), Some(_)) => None,
    };
    let fits = |key: &&str| (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len());
    let key = key.filter(fits).ok_or_else(|| {
        Problem::field(
            "Idempotency-Key",
            "must be given once, with 1 to 255 visible characters of ASCII",
        )
    })?;
    let mut hash = Sha256::new();
    let request = [
        parts.method.as_str().as_bytes(),
        parts.uri.path().as_bytes(),
    ];
    for part in request.iter().chain(content) {
        // Length first, so that no two requests look alike.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    Ok(Some(Once {
        api_key: caller.key,
        key: key.to_owned(),
        request_hash: hash.finalize().into(),
    }))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let shape = Shape::of(body);
    if shape.depth > JSON_DEPTH_MAX {
        return Err(Problem::malformed("The JSON is nested too deeply."));
    }
    if shape.holds_nul {
        return Err(Problem::field("body", "holds \\u0000, which no text may"));
    }
    // A list would be taken as fields in order.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(Problem::field("body", "must be an object, {…}"));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut json);
    let read = read.and_then(|read| {
        let end = json.end();
        end.map(|()| read).map_err(|error| {
            serde_path_to_error::Error::new(serde_path_to_error::Track::new().path(), error)
        })
    });
    read.map_err(|error| {
        if error.inner().is_data() {
            wrong(&error)
        } else {
            let (line, column) = (error.inner().line(), error.inner().column());
            Problem::malformed(&format!(
                "The body is not JSON: line {line}, column {column}."
            ))
        }
    })
}

/// What is to be known of a JSON text before it is read.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shape {
    /// How deep lists and objects stand in each other; brackets in texts do not count.
    depth: usize,
    /// A text holds the one character that the database cannot store.
    holds_nul: bool,
}

impl Shape {
    fn of(json: &[u8]) -> Self {
        let mut shape = Self::default();
        let mut depth = 0_usize;
        let (mut in_text, mut escaped) = (false, false);
        for (at, byte) in json.iter().enumerate() {
            match byte {
                _ if escaped => {
                    escaped = false;
                    let rest = json.get(at..).unwrap_or_default();
                    shape.holds_nul |= rest.starts_with(b"u0000");
                }
                b'\\' if in_text => escaped = true,
                b'"' => in_text = !in_text,
                b'[' | b'{' if !in_text => depth += 1,
                b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
                _ => {}
            }
            shape.depth = shape.depth.max(depth);
        }
        shape
    }
}

/// What serde says, as a field and a sentence.
fn wrong(error: &serde_path_to_error::Error<impl Display>) -> Problem {
    let (path, said) = (error.path().to_string(), error.inner().to_string());
    // The place in the text is the parser's business.
    let said = said.split(" at line ").next().unwrap_or_default();
    let within = |name: &str| match path.as_str() {
        "." => name.to_owned(),
        path if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        path => format!("{path}.{name}"),
    };
    let quoted = said.split('`').nth(1).unwrap_or_default();
    if said.starts_with("unknown field") {
        let known: Vec<&str> = said.split('`').skip(3).step_by(2).collect();
        let problem = match known.as_slice() {
            [] => "is not known here".to_owned(),
            known => format!("is not known here; known are {}", known.join(", ")),
        };
        return Problem::field(&within(quoted), &problem);
    }
    if said.starts_with("missing field") {
        return Problem::field(&within(quoted), "is missing");
    }
    if said.starts_with("duplicate field") {
        return Problem::field(&within(quoted), "is given twice");
    }
    let field = if path == "." { "body" } else { &path };
    Problem::field(field, &format!("is not as it should be: {said}"))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read counts here")]
    struct Order {
        to: String,
        #[serde(default)]
        lines: Vec<Line>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read counts here")]
    struct Line {
        count: u8,
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        for (body, field) in [
            (r"{}", Some("to")),
            (r#"{"to":7}"#, Some("to")),
            (r#"{"to":"a","cc":"b"}"#, Some("cc")),
            (r#"{"to":"a","to":"b"}"#, Some("to")),
            (
                r#"{"to":"a","lines":[{"count":1},{}]}"#,
                Some("lines[1].count"),
            ),
            (
                r#"{"to":"a","lines":[{"count":300}]}"#,
                Some("lines[0].count"),
            ),
            (r#"{"to":"a","lines":[{"x":1}]}"#, Some("lines[0].x")),
            (r#"["a"]"#, Some("body")),
            ("7", Some("body")),
            ("", None),
            ("{", None),
            (r#"{"to":"a"} x"#, None),
            ("{\"to\":\"\u{1}\"}", None),
        ] {
            let problem = read::<Order>(body.as_bytes()).expect_err(body);
            let problem = serde_json::to_value(problem).unwrap();
            let named = problem["errors"][0]["field"].as_str();
            assert_eq!(named, field, "{body}: {problem}");
            let status = if field.is_some() { 422 } else { 400 };
            assert_eq!(problem["status"], status, "{body}");
        }
        assert!(read::<Order>(br#"{"to":"a","lines":[{"count":1}]} "#).is_ok());
    }

    #[test]
    fn depth_is_counted_outside_of_texts() {
        for (json, expected) in [
            ("1", 0),
            ("[]", 1),
            ("[[1],{}]", 2),
            (r#"["[[[", "\"[["]"#, 1),
            ("]]][", 1),
        ] {
            assert_eq!(Shape::of(json.as_bytes()).depth, expected, "{json}");
        }
        for (json, expected) in [
            (r#"{"a":"\u0000"}"#, true),
            (r#"{"a":"\\u0000"}"#, false),
            (r#"{"a":"\\\u0000"}"#, true),
            (r#"{"a":"u0000"}"#, false),
        ] {
            assert_eq!(Shape::of(json.as_bytes()).holds_nul, expected, "{json}");
        }
        let deep = |levels: usize| "{\"a\":".repeat(levels) + "1" + &"}".repeat(levels);
        assert!(read::<Value>(deep(JSON_DEPTH_MAX).as_bytes()).is_ok());
        assert!(read::<Value>(deep(JSON_DEPTH_MAX + 1).as_bytes()).is_err());
    }
}
