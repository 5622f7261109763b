//! The HTTP API: every operation with the scope it needs, on one screen; its description and a viewer for it.
//!
//! Handlers turn JSON into calls of use cases and what these say into JSON or problems. They decide nothing and write
//! nothing themselves.

mod accounts;
mod contacts;
mod conversations;
mod document;
mod gate;
mod input;
mod media;
mod messages;
mod notifications;
mod page;
mod problem;
mod repeat;
mod settings;
mod templates;

use std::sync::Arc;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::Door;
use crate::security::api_key::Scope;
use document::scoped;

const DOCUMENT_PATH: &str = "/api/openapi.json";
const VIEWER_PATH: &str = "/api/docs";
/// What belongs to the API, and is answered in its way also where there is nothing.
const ROOT: &str = "/api/";

/// Every operation and its scope.
fn operations(door: &Door) -> OpenApiRouter<Door> {
    let open = OpenApiRouter::new;
    OpenApiRouter::with_openapi(document::frame())
        .merge(scoped(
            door,
            &[Scope::Send],
            open()
                .routes(routes!(notifications::payment_reminder))
                .routes(routes!(notifications::statement))
                .routes(routes!(notifications::payment_confirmation))
                .routes(routes!(notifications::query_response))
                .routes(routes!(notifications::service_interruption))
                .routes(routes!(notifications::list))
                .routes(routes!(notifications::one))
                .routes(routes!(notifications::recipients))
                .routes(routes!(notifications::stop))
                .routes(routes!(messages::send))
                .routes(routes!(messages::one))
                .routes(routes!(media::upload)),
        ))
        .merge(scoped(
            door,
            &[Scope::Conversations, Scope::Send],
            open().routes(routes!(media::one)),
        ))
        .merge(scoped(
            door,
            &[Scope::Contacts],
            open()
                .routes(routes!(contacts::list, contacts::create))
                .routes(routes!(contacts::one, contacts::change))
                .routes(routes!(contacts::consents, contacts::say_consent))
                .routes(routes!(contacts::accounts))
                .routes(routes!(accounts::list, accounts::put))
                .routes(routes!(accounts::one))
                .routes(routes!(accounts::contacts, accounts::link))
                .routes(routes!(accounts::areas))
                .routes(routes!(accounts::place)),
        ))
        .merge(scoped(
            door,
            &[Scope::Conversations],
            open()
                .routes(routes!(conversations::list))
                .routes(routes!(conversations::messages))
                .routes(routes!(conversations::reply))
                .routes(routes!(conversations::resolve))
                .routes(routes!(messages::list)),
        ))
        .merge(scoped(
            door,
            &[Scope::Templates],
            open()
                .routes(routes!(templates::list, templates::submit))
                .routes(routes!(templates::one, templates::bring)),
        ))
        .merge(scoped(
            door,
            &[Scope::Settings],
            open().routes(routes!(settings::read, settings::change)),
        ))
}

/// The API with its description and the viewer, which are open to everybody: they tell nothing about this installation.
pub(super) fn router(door: &Door) -> Router<Door> {
    let (router, description) = operations(door).split_for_parts();
    router
        .layer(map_response(not_kept))
        .route(DOCUMENT_PATH, described(&description))
        .merge(viewer())
}

/// What is told where there is nothing, if `path` belongs to the API.
pub(super) fn nothing_at(path: &str) -> Option<Response> {
    let nothing = problem::Problem::not_found("There is no such address.");
    path.starts_with(ROOT).then(|| nothing.into_response())
}

/// What is told to a method that is not there, if `path` belongs to the API.
pub(super) fn wrong_method_at(path: &str) -> Option<Response> {
    let wrong = problem::Problem::wrong_method();
    path.starts_with(ROOT).then(|| wrong.into_response())
}

fn described(description: &OpenApi) -> axum::routing::MethodRouter<Door> {
    let text = serde_json::to_string(description).unwrap_or_default();
    let text: Arc<str> = text.into();
    get(move || async move { ([(CONTENT_TYPE, "application/json")], text.to_string()) })
}

fn viewer() -> Router<Door> {
    let config = Config::from(DOCUMENT_PATH);
    Router::from(SwaggerUi::new(VIEWER_PATH).config(config)).layer(map_response(shut_in))
}

/// Answers hold people's data.
async fn not_kept(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The viewer may load and send nothing anywhere else.
async fn shut_in(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(document::VIEWER_POLICY),
    );
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
