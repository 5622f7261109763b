//! What holds for every request: it names its host, a panic is one failed request and not more, and browsers do not
//! guess at what an answer is.

use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::http::header::{CONNECTION, HOST, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

pub(super) async fn every_request(request: Request, next: Next) -> Response {
    let mut response = match refusal(request.version(), request.headers()) {
        // Who is not understood is not listened to any further.
        Some((status, why)) => (status, [(CONNECTION, "close")], why).into_response(),
        None => match AssertUnwindSafe(next.run(request)).catch_unwind().await {
            Ok(response) => response,
            // The panic hook has told the log where.
            Err(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "This went wrong on our side.\n",
            )
                .into_response(),
        },
    };
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A request without one host, or of an older protocol, may be read in two ways by us and a proxy in front.
fn refusal(version: Version, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
    if version != Version::HTTP_11 {
        return Some((
            StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            "This server speaks HTTP/1.1 (nginx: proxy_http_version 1.1).\n",
        ));
    }
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if !host.is_empty() => None,
        _ => Some((
            StatusCode::BAD_REQUEST,
            "A request names exactly one host.\n",
        )),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn status(request: axum::http::request::Builder) -> StatusCode {
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/panic", get(async || -> &'static str { panic!("oh") }))
            .layer(from_fn(every_request));
        let response = router
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
        response.status()
    }

    #[tokio::test]
    async fn a_request_names_one_host_and_speaks_one_protocol() {
        let get = |path: &str| axum::http::Request::get(path);
        assert_eq!(status(get("/").header(HOST, "a")).await, StatusCode::OK);
        assert_eq!(status(get("/")).await, StatusCode::BAD_REQUEST);
        assert_eq!(
            status(get("/").header(HOST, "")).await,
            StatusCode::BAD_REQUEST
        );
        assert_eq!(
            status(get("/").header(HOST, "a").header(HOST, "b")).await,
            StatusCode::BAD_REQUEST
        );
        let old = get("/").header(HOST, "a").version(Version::HTTP_10);
        assert_eq!(status(old).await, StatusCode::HTTP_VERSION_NOT_SUPPORTED);
    }

    #[tokio::test]
    async fn a_panic_is_one_failed_request() {
        let request = axum::http::Request::get("/panic").header(HOST, "a");
        assert_eq!(status(request).await, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
