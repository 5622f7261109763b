//! What every operation of the API has in common, written into its description: the scope it needs and the answers that
//! the gate and the readers give.

use axum::middleware::from_fn_with_state;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, HeaderBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
    Response, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::gate::{Gate, gate};
use super::problem::Problem;
use crate::security::api_key::Scope;
use crate::web::Door;

const SECURITY: &str = "api_key";

/// An answer of many operations.
type Shared = (
    &'static str,
    &'static str,
    &'static str,
    fn(&HttpMethod) -> bool,
);

/// Answers that any operation may give, by status, name and meaning. The last tells which operations have it.
const ANSWERS: [Shared; 12] = [
    ("400", "Malformed", "The request cannot be read.", any),
    (
        "401",
        "NoKey",
        "There is no key, or it does not count.",
        any,
    ),
    (
        "403",
        "OutOfScope",
        "The key lacks the scope of this operation.",
        any,
    ),
    ("404", "NotFound", "There is nothing at this address.", any),
    ("408", "TooSlow", "The body took too long.", with_body),
    (
        "409",
        "Conflict",
        "The present state does not allow this, or somebody else was changing the same.",
        with_body,
    ),
    ("413", "TooLarge", "The body is too large.", with_body),
    (
        "415",
        "NotJson",
        "The body is of a type that is not taken here.",
        with_body,
    ),
    (
        "422",
        "Invalid",
        "Fields are wrong, each is named; or the idempotency key belongs to another request.",
        any,
    ),
    (
        "429",
        "TooMany",
        "The key has used up its requests for now.",
        any,
    ),
    ("500", "Broken", "Something went wrong on our side.", any),
    (
        "503",
        "Unavailable",
        "Not at the moment; trying again is safe.",
        any,
    ),
];

fn any(_: &HttpMethod) -> bool {
    true
}

fn with_body(method: &HttpMethod) -> bool {
    !matches!(method, HttpMethod::Get)
}

/// The description before there are operations in it.
pub(super) fn frame() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Puisano")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT));
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A key that `puisano key create` has printed."))
        .build();
    let mut components = Components::new();
    components.add_security_scheme(SECURITY, SecurityScheme::Http(scheme));
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    for (_, name, meaning, _) in ANSWERS {
        components
            .responses
            .insert(name.to_owned(), RefOr::T(problem(name, meaning)));
    }
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .build()
}

const ABOUT: &str = "Notifications, messages, files, contacts, conversations, templates and settings over HTTP.\n\n\
    Every request carries `Authorization: Bearer KEY`. Every POST takes `Idempotency-Key`: the same key with the same \
    body gets the first answer again for seven days. Lists come in pages (`limit`, `after`). Every answer tells with \
    `RateLimit` what is left of the key's requests. What goes wrong is told as RFC 9457 problem details.";

/// The operations of `routes`, open to keys with any of `scopes`.
pub(super) fn scoped(
    door: &Door,
    scopes: &'static [Scope],
    mut routes: OpenApiRouter<Door>,
) -> OpenApiRouter<Door> {
    for item in routes.get_openapi_mut().paths.paths.values_mut() {
        for (method, operation) in operations(item) {
            complete(&method, operation, scopes);
        }
    }
    let door = door.clone();
    routes.route_layer(from_fn_with_state(Gate { door, scopes }, gate))
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, item.get.as_mut()),
        (HttpMethod::Post, item.post.as_mut()),
        (HttpMethod::Put, item.put.as_mut()),
        (HttpMethod::Patch, item.patch.as_mut()),
        (HttpMethod::Delete, item.delete.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
}

fn complete(method: &HttpMethod, operation: &mut Operation, scopes: &[Scope]) {
    let requirement = |scope: &Scope| SecurityRequirement::new(SECURITY, [scope.as_str()]);
    operation.security = Some(scopes.iter().map(requirement).collect());
    if matches!(method, HttpMethod::Post) {
        operation
            .parameters
            .get_or_insert_default()
            .push(RefOr::T(idempotency_key()));
    }
    for (status, name, _, holds) in ANSWERS {
        if holds(method) {
            let answers = &mut operation.responses.responses;
            answers
                .entry(status.to_owned())
                .or_insert_with(|| RefOr::Ref(Ref::from_response_name(name)));
        }
    }
}

fn idempotency_key() -> utoipa::openapi::path::Parameter {
    use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
    use utoipa::openapi::schema::{ObjectBuilder, Type};
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(255))
        .pattern(Some("^[!-~]+$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "Makes it safe to send the request again: the first answer is given again, and nothing is done twice.",
        ))
        .required(utoipa::openapi::Required::False)
        .schema(Some(text))
        .build()
}

fn problem(name: &str, meaning: &str) -> Response {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(Problem::name())))
        .build();
    let mut response = ResponseBuilder::new()
        .description(meaning)
        .content("application/problem+json", content);
    if matches!(name, "TooMany" | "Unavailable") {
        let seconds = HeaderBuilder::new()
            .schema(Some(u32::schema()))
            .description(Some("Seconds until it is worth trying again."))
            .build();
        response = response.header("Retry-After", seconds);
    }
    response.build()
}

/// The viewer: all of it is in this program, and its page may load nothing from anywhere else.
pub(super) const VIEWER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_frame_knows_every_answer_and_the_key() {
        let frame = serde_json::to_value(frame()).unwrap();
        assert_eq!(frame["openapi"], "3.1.0");
        let answers = frame["components"]["responses"].as_object().unwrap();
        assert_eq!(answers.len(), ANSWERS.len());
        let scheme = &frame["components"]["securitySchemes"][SECURITY];
        assert_eq!(scheme["scheme"], json!("bearer"));
        assert!(frame["components"]["schemas"]["FieldProblem"].is_object());
    }
}
