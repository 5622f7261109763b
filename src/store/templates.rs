//! Templates as WhatsApp has them, and which of them are ours.
//!
//! What links one with the other is decided elsewhere; here it is kept, and read by whoever sends.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{Connection, Row};

use super::{Store, StoreError, call, to_jiff, to_sql};

/// Templates in one answer; an account has 6,000 at most.
const LIST_MAX: i64 = 10_000;

/// One of WhatsApp's templates.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTemplate {
    pub name: String,
    /// WhatsApp's code.
    pub language: String,
    pub meta_id: String,
    /// As WhatsApp writes it: `APPROVED`, `PENDING` …
    pub status: String,
    pub category: String,
    pub quality: Option<String>,
    pub rejected_reason: Option<String>,
    /// Whether its parameters have names rather than numbers.
    pub is_named: bool,
    /// WhatsApp's own JSON.
    pub components: Value,
}

/// Whether one of our templates may be sent, and as which of WhatsApp's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateLink {
    pub template: String,
    pub language: String,
    pub state: LinkState,
    pub meta_name: Option<String>,
    pub meta_language: Option<String>,
    /// Names of WhatsApp's parameters in our order; none when they go by position.
    pub parameter_names: Option<ParameterNames>,
    /// For people: what stands between us and sending.
    pub explanation: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum LinkState {
    Approved,
    Pending,
    Rejected,
    Paused,
    Disabled,
    /// WhatsApp has another text.
    Differs,
    /// WhatsApp has none.
    Missing,
}

impl LinkState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Pending => "pending",
            Self::Rejected => "rejected",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::Differs => "differs",
            Self::Missing => "missing",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ParameterNames {
    #[serde(default)]
    pub header: Vec<String>,
    #[serde(default)]
    pub body: Vec<String>,
}

/// A change that WhatsApp announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateChange {
    Status {
        status: String,
        reason: Option<String>,
    },
    Quality(String),
    Category(String),
}

impl Store {
    /// Takes what WhatsApp has in the place of what it had.
    pub async fn replace_templates(
        &self,
        business_account: &str,
        templates: &[StoredTemplate],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut call = self.call("store WhatsApp's templates").await?;
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            // Two nodes that have looked at the same time follow each other.
            sqlx::query("LOCK TABLE meta_templates IN SHARE ROW EXCLUSIVE MODE")
                .execute(&mut *transaction)
                .await?;
            sqlx::query("DELETE FROM meta_templates")
                .execute(&mut *transaction)
                .await?;
            insert(&mut transaction, (business_account, templates), now).await?;
            transaction.commit().await
        })
        .await;
        call.end(outcome)
    }

    /// What WhatsApp has, as of the last look.
    pub async fn meta_templates(&self) -> Result<Vec<StoredTemplate>, StoreError> {
        let mut call = self.call("read WhatsApp's templates").await?;
        let outcome = call::deadline(async {
            sqlx::query("SELECT * FROM meta_templates ORDER BY name, language LIMIT $1")
                .bind(LIST_MAX)
                .fetch_all(call.db())
                .await?
                .iter()
                .map(stored_of)
                .collect()
        })
        .await;
        call.end(outcome)
    }

    /// When WhatsApp was last asked for its templates.
    pub async fn templates_synced_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut call = self.call("read when templates were fetched").await?;
        let outcome = call::deadline(async {
            sqlx::query_scalar::<_, Option<jiff_sqlx::Timestamp>>(
                "SELECT max(synced_at) FROM meta_templates",
            )
            .fetch_one(call.db())
            .await
        })
        .await;
        Ok(call.end(outcome)?.map(to_jiff))
    }

    /// Notes what WhatsApp announced about a template; `false` when we do not know it.
    pub async fn change_template(
        &self,
        (name, language): (&str, &str),
        change: &TemplateChange,
    ) -> Result<bool, StoreError> {
        let mut call = self.call("note a template's change").await?;
        let (status, reason, quality, category) = match change {
            TemplateChange::Status { status, reason } => {
                (Some(status), reason.as_ref(), None, None)
            }
            TemplateChange::Quality(quality) => (None, None, Some(quality), None),
            TemplateChange::Category(category) => (None, None, None, Some(category)),
        };
        let outcome = call::deadline(async {
            sqlx::query(
                "UPDATE meta_templates
                 SET status = coalesce($3, status), quality = coalesce($5, quality), category = coalesce($6, category),
                     rejected_reason = CASE WHEN $3 IS NULL THEN rejected_reason ELSE $4 END
                 WHERE name = $1 AND language = $2",
            )
            .bind(name)
            .bind(language)
            .bind(status)
            .bind(reason)
            .bind(quality)
            .bind(category)
            .execute(call.db())
            .await
        })
        .await;
        Ok(call.end(outcome)?.rows_affected() > 0)
    }

    /// Takes `links` in the place of those there were; whether anything is different now.
    pub async fn replace_template_links(
        &self,
        links: &[TemplateLink],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut call = self.call("store which templates are ours").await?;
        let column = |of: fn(&TemplateLink) -> Option<String>| -> Vec<Option<String>> {
            links.iter().map(of).collect()
        };
        let names: Vec<Option<Json<&ParameterNames>>> = links
            .iter()
            .map(|link| link.parameter_names.as_ref().map(Json))
            .collect();
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            let gone = sqlx::query(
                "DELETE FROM template_links l WHERE NOT EXISTS (
                     SELECT FROM unnest($1::text[], $2::text[]) AS n (template, language)
                     WHERE n.template = l.template AND n.language = l.language)",
            )
            .bind(column(|link| Some(link.template.clone())))
            .bind(column(|link| Some(link.language.clone())))
            .execute(&mut *transaction)
            .await?;
            let changed = sqlx::query(PUT_LINKS)
                .bind(column(|link| Some(link.template.clone())))
                .bind(column(|link| Some(link.language.clone())))
                .bind(column(|link| Some(link.state.name().to_owned())))
                .bind(column(|link| link.meta_name.clone()))
                .bind(column(|link| link.meta_language.clone()))
                .bind(names)
                .bind(column(|link| link.explanation.clone()))
                .bind(to_sql(now))
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(gone.rows_affected() + changed.rows_affected() > 0)
        })
        .await;
        call.end(outcome)
    }

    /// Every template of ours in every language, with how it stands.
    pub async fn template_links(&self) -> Result<Vec<TemplateLink>, StoreError> {
        let mut call = self.call("read which templates are ours").await?;
        let outcome = call::deadline(async {
            sqlx::query("SELECT * FROM template_links ORDER BY template, language LIMIT $1")
                .bind(LIST_MAX)
                .fetch_all(call.db())
                .await?
                .iter()
                .map(link_of)
                .collect()
        })
        .await;
        call.end(outcome)
    }

    /// What WhatsApp has that goes by `name`: its own name, or that of a template of ours; with the language of the text,
    /// where it is ours.
    pub async fn known_templates(
        &self,
        name: &str,
    ) -> Result<Vec<(StoredTemplate, Option<String>)>, StoreError> {
        let mut call = self.call("look up a template").await?;
        let outcome = call::deadline(async {
            sqlx::query(
                "SELECT m.*, l.language AS text_language
                 FROM meta_templates m
                 LEFT JOIN template_links l ON l.meta_name = m.name AND l.meta_language = m.language
                 WHERE m.name = $1 OR l.template = $1
                 ORDER BY l.language = 'en' DESC NULLS LAST, m.status = 'APPROVED' DESC, m.name, m.language LIMIT $2",
            )
            .bind(name)
            .bind(LIST_MAX)
            .fetch_all(call.db())
            .await?
            .iter()
            .map(|row| Ok((stored_of(row)?, row.try_get("text_language")?)))
            .collect()
        })
        .await;
        call.end(outcome)
    }
}

async fn insert(
    db: &mut sqlx::PgConnection,
    (business_account, templates): (&str, &[StoredTemplate]),
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let column = |of: fn(&StoredTemplate) -> Option<String>| -> Vec<Option<String>> {
        templates.iter().map(of).collect()
    };
    sqlx::query(
        "INSERT INTO meta_templates (business_account_id, name, language, meta_id, status, category, quality,
                                     rejected_reason, parameter_format, components, synced_at)
         SELECT $1, n.*, $11
         FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                     $10::jsonb[]) AS n
         ON CONFLICT DO NOTHING",
    )
    .bind(business_account)
    .bind(column(|template| Some(template.name.clone())))
    .bind(column(|template| Some(template.language.clone())))
    .bind(column(|template| Some(template.meta_id.clone())))
    .bind(column(|template| Some(template.status.clone())))
    .bind(column(|template| Some(template.category.clone())))
    .bind(column(|template| template.quality.clone()))
    .bind(column(|template| template.rejected_reason.clone()))
    .bind(column(|template| {
        let format = if template.is_named { "named" } else { "positional" };
        Some(format.to_owned())
    }))
    .bind(
        templates
            .iter()
            .map(|template| Json(&template.components))
            .collect::<Vec<_>>(),
    )
    .bind(to_sql(now))
    .execute(db)
    .await
    .map(drop)
}

/// Rows that are as they were are not touched.
const PUT_LINKS: &str = "
INSERT INTO template_links AS l (template, language, state, meta_name, meta_language, parameter_names, explanation, updated_at)
SELECT n.*, $8
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::text[]) AS n
ON CONFLICT (template, language) DO UPDATE
SET state = excluded.state, meta_name = excluded.meta_name, meta_language = excluded.meta_language,
    parameter_names = excluded.parameter_names, explanation = excluded.explanation, updated_at = excluded.updated_at
WHERE (l.state, l.meta_name, l.meta_language, l.parameter_names, l.explanation)
    IS DISTINCT FROM
    (excluded.state, excluded.meta_name, excluded.meta_language, excluded.parameter_names, excluded.explanation)";

fn stored_of(row: &PgRow) -> Result<StoredTemplate, sqlx::Error> {
    Ok(StoredTemplate {
        name: row.try_get("name")?,
        language: row.try_get("language")?,
        meta_id: row.try_get("meta_id")?,
        status: row.try_get("status")?,
        category: row.try_get("category")?,
        quality: row.try_get("quality")?,
        rejected_reason: row.try_get("rejected_reason")?,
        is_named: row.try_get::<&str, _>("parameter_format")? == "named",
        components: row.try_get("components")?,
    })
}

fn link_of(row: &PgRow) -> Result<TemplateLink, sqlx::Error> {
    Ok(TemplateLink {
        template: row.try_get("template")?,
        language: row.try_get("language")?,
        state: row.try_get("state")?,
        meta_name: row.try_get("meta_name")?,
        meta_language: row.try_get("meta_language")?,
        parameter_names: row
            .try_get::<Option<Json<ParameterNames>>, _>("parameter_names")?
            .map(|names| names.0),
        explanation: row.try_get("explanation")?,
    })
}
