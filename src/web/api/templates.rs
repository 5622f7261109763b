//! `/api/whatsapp/templates`: the templates of the rules, and whether WhatsApp has approved them. The texts themselves stand
//! in the rules; here they are brought to WhatsApp for review.

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::gate::Desk;
use super::input::{Input, Named};
use super::problem::Problem;
use super::repeat;
use crate::outbound::templates::{self, Submitted, SyncError};
use crate::store::idempotency::Once;
use crate::store::templates::TemplateLink;

/// A template of the rules.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Template {
    #[schema(example = "payment_reminder")]
    name: String,
    /// `account`, `service` or `marketing`: which consent it needs.
    consent: String,
    fields: Vec<Field>,
    texts: Vec<Text>,
}

/// A value that the text needs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Field {
    name: String,
    /// What WhatsApp's reviewers see.
    sample: String,
}

/// A template in one language, and where it stands at WhatsApp.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Text {
    language: String,
    /// `approved`, `pending`, `rejected`, `paused`, `disabled`, `differs` or `missing`. Only what is approved is sent
    /// outside of the 24-hour window.
    state: String,
    /// What stands between us and sending.
    #[schema(required = true)]
    explanation: Option<String>,
    #[schema(required = true)]
    meta_name: Option<String>,
    /// WhatsApp's code of the language.
    #[schema(required = true)]
    meta_language: Option<String>,
}

/// The templates.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Templates {
    items: Vec<Template>,
    /// All are on one page.
    #[schema(required = true)]
    next: Option<String>,
    /// When WhatsApp was last asked for all of them.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    synced_at: Option<Timestamp>,
}

/// Which texts to bring to WhatsApp.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Submission {
    /// Names of templates; without any, all texts that WhatsApp does not have yet.
    #[serde(default)]
    #[schema(max_items = 100)]
    names: Vec<String>,
}

/// Nothing to choose: the text stands in the rules.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Resubmission {}

/// What became of the texts.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Submissions {
    items: Vec<Brought>,
}

/// What became of one text.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Brought {
    template: String,
    language: String,
    meta_name: String,
    meta_language: String,
    /// `submitted`, `changed` or `failed`.
    outcome: String,
    /// Why it failed, and what to do.
    #[schema(required = true)]
    problem: Option<String>,
}

/// List the templates of the rules, each language with its state at WhatsApp.
#[utoipa::path(
    get, path = "/api/whatsapp/templates", tag = "templates", operation_id = "list_templates",
    responses((status = 200, description = "Templates, all of them.", body = Templates))
)]
pub(super) async fn list(desk: Desk) -> Result<Json<Templates>, Problem> {
    let (links, synced_at) = (
        desk.store().template_links().await?,
        desk.store().templates_synced_at().await?,
    );
    Ok(Json(Templates {
        items: shown(&desk, &links, None),
        next: None,
        synced_at,
    }))
}

/// Read a template of the rules.
#[utoipa::path(
    get, path = "/api/whatsapp/templates/{name}", tag = "templates", operation_id = "read_template",
    params(("name" = String, Path, description = "Its name in the rules.")),
    responses((status = 200, description = "The template.", body = Template))
)]
pub(super) async fn one(desk: Desk, Named(name): Named<String>) -> Result<Json<Template>, Problem> {
    let links = desk.store().template_links().await?;
    let found = shown(&desk, &links, Some(&name)).into_iter().next();
    found.map(Json).ok_or_else(no_template)
}

/// Submit texts for review: those that WhatsApp does not have, and of templates that are named also those that differ.
#[utoipa::path(
    post, path = "/api/whatsapp/templates", tag = "templates", operation_id = "submit_templates",
    request_body = Submission,
    responses((status = 200, description = "What became of each text.", body = Submissions))
)]
pub(super) async fn submit(desk: Desk, input: Input<Submission>) -> Result<Response, Problem> {
    let names = input.body.names;
    for (at, name) in names.iter().enumerate() {
        if desk.rules().ruleset.template(name).is_none() {
            let field = format!("names[{at}]");
            return Err(Problem::field(&field, "names no template of the rules"));
        }
    }
    submitted(&desk, &names, input.once.as_ref()).await
}

/// Bring a template at WhatsApp to the text of the rules.
#[utoipa::path(
    put, path = "/api/whatsapp/templates/{name}", tag = "templates", operation_id = "bring_template",
    params(("name" = String, Path, description = "Its name in the rules.")), request_body = Resubmission,
    responses((status = 200, description = "What became of each text.", body = Submissions))
)]
pub(super) async fn bring(
    desk: Desk,
    Named(name): Named<String>,
    _: Input<Resubmission>,
) -> Result<Response, Problem> {
    if desk.rules().ruleset.template(&name).is_none() {
        return Err(no_template());
    }
    submitted(&desk, &[name], None).await
}

async fn submitted(
    desk: &Desk,
    names: &[String],
    once: Option<&Once>,
) -> Result<Response, Problem> {
    desk.enabled()?;
    repeat::once(desk.store(), desk.clock(), once, async {
        let (live, account) = (desk.rules(), desk.account());
        // What is compared must be fresh, and what was submitted is seen at once.
        let sync = || templates::sync(desk.store(), &account, (&live, desk.clock()));
        sync().await?;
        let outcomes = templates::submit(desk.store(), &account, (&live, names)).await?;
        sync().await?;
        let items = outcomes.into_iter().map(outcome).collect();
        Ok(repeat::with(StatusCode::OK, &Submissions { items }))
    })
    .await
}

fn outcome(submitted: Submitted) -> Brought {
    let (outcome, problem) = match submitted.outcome {
        Ok(done) => (done.to_owned(), None),
        Err(failure) => ("failed".to_owned(), Some(failure.message)),
    };
    Brought {
        template: submitted.template,
        language: submitted.language.to_string(),
        meta_name: submitted.meta_name,
        meta_language: submitted.meta_language,
        outcome,
        problem,
    }
}

fn shown(desk: &Desk, links: &[TemplateLink], only: Option<&str>) -> Vec<Template> {
    let live = desk.rules();
    let wanted = live
        .ruleset
        .templates()
        .iter()
        .filter(|template| only.is_none_or(|name| name == template.name()));
    wanted
        .map(|template| Template {
            name: template.name().to_owned(),
            consent: serde_json::to_value(template.consent())
                .ok()
                .and_then(|word| word.as_str().map(str::to_owned))
                .unwrap_or_default(),
            fields: template
                .fields()
                .iter()
                .map(|field| Field {
                    name: field.name.clone(),
                    sample: field.sample.clone(),
                })
                .collect(),
            texts: template
                .languages()
                .iter()
                .map(|language| text(links, template.name(), language.as_str()))
                .collect(),
        })
        .collect()
}

fn text(links: &[TemplateLink], template: &str, language: &str) -> Text {
    let link = links
        .iter()
        .find(|link| link.template == template && link.language == language);
    Text {
        language: language.to_owned(),
        state: link.map_or("missing", |link| link.state.name()).to_owned(),
        explanation: link.and_then(|link| link.explanation.clone()),
        meta_name: link.and_then(|link| link.meta_name.clone()),
        meta_language: link.and_then(|link| link.meta_language.clone()),
    }
}

fn no_template() -> Problem {
    Problem::not_found("The rules have no template of this name.")
}

impl From<SyncError> for Problem {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Store(error) => error.into(),
            SyncError::WhatsApp(failure) => {
                tracing::warn!(%failure, "WhatsApp could not be asked for its templates");
                Self::conflict(&failure.message)
            }
        }
    }
}
