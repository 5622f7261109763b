//! WhatsApp's templates: listing all of them, submitting one, changing one.
//!
//! Does not decide which of them is ours, nor store them.

use puisano_engine::{Category, Layout};
use serde_json::{Value, json};

use super::call::{incomplete, text};
use super::{CallFailure, Client, components};
use crate::channels::whatsapp::errors::Retry;
use crate::model::{FailureScope, MediaKind};

const FIELDS: &str =
    "id,name,language,status,category,parameter_format,components,quality_score,rejected_reason";

const PAGE_TEMPLATES_MAX: usize = 100;

/// An account has 6,000 templates at most.
const PAGES_MAX: usize = 200;

/// How often a listing is begun again because its place in it was lost.
const RESTARTS_MAX: usize = 3;

/// The place in a listing is not valid any more.
const CURSOR_LOST: i64 = 131_059;

/// A template as WhatsApp has it.
#[derive(Clone, Debug, PartialEq)]
pub struct MetaTemplate {
    pub id: String,
    pub name: String,
    /// WhatsApp's code, such as `en_ZA`.
    pub language: String,
    /// As WhatsApp writes it: `APPROVED`, `PENDING`, `REJECTED`, `PAUSED`, `DISABLED` and so on.
    pub status: String,
    /// `UTILITY`, `MARKETING` or `AUTHENTICATION`.
    pub category: String,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    pub quality: Option<String>,
    pub rejected_reason: Option<String>,
    /// Whether its parameters have names rather than numbers.
    pub is_named: bool,
    /// As they came, for the record; [`super::TemplateTexts`] reads them.
    pub components: Value,
}

/// Part of a listing.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplatePage {
    pub templates: Vec<MetaTemplate>,
    /// Where the next page begins.
    pub after: Option<String>,
}

/// A template to be submitted, or what one is changed to.
#[derive(Clone, Debug)]
pub struct TemplateDraft<'a> {
    pub name: &'a str,
    /// WhatsApp's code.
    pub language: &'a str,
    pub category: Category,
    pub layout: &'a Layout,
    /// In the place of a header of text: its kind, and the handle of a sample from [`Client::upload_sample`].
    pub header_media: Option<(MediaKind, &'a str)>,
    /// How long WhatsApp tries to deliver it; left out where WhatsApp would not take it.
    pub ttl_s: Option<i64>,
}

/// WhatsApp's answer to a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmittedTemplate {
    pub id: String,
    pub status: String,
    /// May be another than was asked for.
    pub category: Option<String>,
}

impl Client {
    /// One page of the account's templates.
    pub async fn list_templates(
        &self,
        business_account_id: &str,
        after: Option<&str>,
    ) -> Result<TemplatePage, CallFailure> {
        let mut url = self.url(&[business_account_id, "message_templates"]);
        url.query_pairs_mut()
            .append_pair("fields", FIELDS)
            .append_pair("limit", &PAGE_TEMPLATES_MAX.to_string());
        if let Some(after) = after {
            url.query_pairs_mut().append_pair("after", after);
        }
        let body = self.ask(self.http.get(url)).await.map_err(no_account)?;
        page(&body).ok_or_else(incomplete)
    }

    /// All of the account's templates. Begins again when WhatsApp has lost the place.
    pub async fn all_templates(
        &self,
        business_account_id: &str,
    ) -> Result<Vec<MetaTemplate>, CallFailure> {
        for _ in 0..RESTARTS_MAX {
            match self.walk_templates(business_account_id).await {
                Err(lost) if lost.code == Some(CURSOR_LOST) => {}
                done => return done,
            }
        }
        Err(CallFailure::new(
            Retry::Backoff,
            "WhatsApp's list of templates changes while it is read. It is read again later.",
        ))
    }

    async fn walk_templates(
        &self,
        business_account_id: &str,
    ) -> Result<Vec<MetaTemplate>, CallFailure> {
        let (mut templates, mut after) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let page = self
                .list_templates(business_account_id, after.as_deref())
                .await?;
            let has_news = !page.templates.is_empty();
            templates.extend(page.templates);
            match page.after {
                Some(next) if has_news && Some(&next) != after.as_ref() => after = Some(next),
                _ => return Ok(templates),
            }
        }
        Err(CallFailure::new(
            Retry::Never,
            "WhatsApp's list of templates does not end. Delete templates that are not used.",
        ))
    }

    /// Submits a template for review.
    pub async fn create_template(
        &self,
        business_account_id: &str,
        draft: &TemplateDraft<'_>,
    ) -> Result<SubmittedTemplate, CallFailure> {
        let url = self.url(&[business_account_id, "message_templates"]);
        let mut body = changes(draft);
        body["name"] = json!(draft.name);
        body["language"] = json!(draft.language);
        body["parameter_format"] = json!("POSITIONAL");
        let answer = self.ask(self.http.post(url).json(&body)).await;
        let answer = answer.map_err(no_account)?;
        Ok(SubmittedTemplate {
            id: text(&answer, "id").ok_or_else(incomplete)?,
            status: text(&answer, "status").unwrap_or_else(|| "PENDING".to_owned()),
            category: text(&answer, "category"),
        })
    }

    /// Changes a template: its texts, its category and how long it is tried. Only one that is approved, rejected or paused
    /// can be changed, an approved one once a day; the category of an approved one is fixed, and is then left out.
    pub async fn edit_template(
        &self,
        meta_id: &str,
        draft: &TemplateDraft<'_>,
        is_approved: bool,
    ) -> Result<(), CallFailure> {
        let mut body = changes(draft);
        if let Some(fields) = body.as_object_mut().filter(|_| is_approved) {
            fields.remove("category");
        }
        let url = self.url(&[meta_id]);
        let edited = self.ask(self.http.post(url).json(&body)).await;
        let message = "WhatsApp does not have the template any more. Look at its templates again.";
        edited
            .map(drop)
            .map_err(|failure| failure.when_nothing_there(FailureScope::Item, message))
    }
}

fn no_account(failure: CallFailure) -> CallFailure {
    let message = "The business account id is wrong, or the token may not see the account. Check \
                   WHATSAPP_BUSINESS_ACCOUNT_ID.";
    failure.when_nothing_there(FailureScope::Operator, message)
}

fn changes(draft: &TemplateDraft<'_>) -> Value {
    let mut body = json!({
        "category": category(draft.category),
        "components": components::components(draft),
    });
    if let Some(ttl) = draft.ttl_s.filter(|ttl| is_taken(draft.category, *ttl)) {
        body["message_send_ttl_seconds"] = json!(ttl);
    }
    body
}

fn category(category: Category) -> &'static str {
    match category {
        Category::Utility => "UTILITY",
        Category::Marketing => "MARKETING",
        Category::Authentication => "AUTHENTICATION",
    }
}

/// Whether WhatsApp takes this time to live, in seconds.
fn is_taken(category: Category, ttl_s: i64) -> bool {
    let range = match category {
        Category::Utility => 30..=43_200,
        Category::Marketing => 43_200..=2_592_000,
        Category::Authentication => 30..=900,
    };
    range.contains(&ttl_s)
}

fn page(body: &Value) -> Option<TemplatePage> {
    let found = body["data"].as_array()?;
    let paging = &body["paging"];
    // WhatsApp leaves `next` out on the last page and keeps the cursor; others leave it out always.
    let goes_on = paging.get("next").is_some() || found.len() >= PAGE_TEMPLATES_MAX;
    Some(TemplatePage {
        templates: found.iter().filter_map(template).collect(),
        after: text(&paging["cursors"], "after").filter(|_| goes_on),
    })
}

fn template(value: &Value) -> Option<MetaTemplate> {
    let upper = |key: &str| text(value, key).map(|text| text.to_uppercase());
    Some(MetaTemplate {
        id: text(value, "id")?,
        name: text(value, "name")?,
        language: text(value, "language")?.replace('-', "_"),
        status: upper("status")?,
        category: upper("category").unwrap_or_default(),
        quality: text(&value["quality_score"], "score"),
        rejected_reason: text(value, "rejected_reason").filter(|reason| reason != "NONE"),
        is_named: upper("parameter_format").as_deref() == Some("NAMED"),
        components: value["components"].clone(),
    })
}
