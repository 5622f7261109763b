//! `/api/whatsapp/settings`: what a portal switches, and the connection to WhatsApp. Secrets go in and never come out.

use axum::Json;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::gate::Desk;
use super::input::Input;
use super::problem::{FieldProblem, Problem};
use crate::security::Secret;
use crate::settings::{Change, Refused, SecretState, View};

/// The settings as they are.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Settings {
    /// Off: nothing is stored and nothing is sent.
    enabled: bool,
    #[schema(required = true)]
    phone_number_id: Option<String>,
    #[schema(required = true)]
    business_account_id: Option<String>,
    access_token: SecretSetting,
    webhook_verify_token: SecretSetting,
    app_secret: SecretSetting,
    #[schema(example = "v24.0")]
    api_version: String,
    /// Off: everybody is handed to staff.
    auto_reply_enabled: bool,
    /// Said in place of the first answer to what was not understood.
    #[schema(required = true)]
    auto_reply_message: Option<String>,
    /// Whether messages go to WhatsApp or to the simulator.
    connection: Connection,
    /// What a connection to WhatsApp still lacks.
    missing: Vec<&'static str>,
    /// What the environment holds; it cannot be changed here.
    locked: Vec<&'static str>,
}

/// What may be known of a secret.
#[derive(Debug, Serialize, ToSchema)]
struct SecretSetting {
    set: bool,
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
    /// Until then the one before counts too.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    previous_until: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Connection {
    Whatsapp,
    Simulator,
}

/// What is to be different; what is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsChange {
    enabled: Option<bool>,
    /// Digits; not the phone number.
    #[schema(pattern = "^[0-9]{1,32}$")]
    phone_number_id: Option<String>,
    #[schema(pattern = "^[0-9]{1,32}$")]
    business_account_id: Option<String>,
    #[schema(value_type = Option<String>, write_only, min_length = 1)]
    access_token: Option<String>,
    /// The one before counts for another day.
    #[schema(value_type = Option<String>, write_only, min_length = 1)]
    webhook_verify_token: Option<String>,
    /// The one before counts for another day.
    #[schema(value_type = Option<String>, write_only, min_length = 1)]
    app_secret: Option<String>,
    #[schema(pattern = "^v[0-9]{1,3}\\.[0-9]{1,3}$", example = "v24.0")]
    api_version: Option<String>,
    auto_reply_enabled: Option<bool>,
    /// Empty takes it away.
    #[schema(max_length = 4096)]
    auto_reply_message: Option<String>,
}

/// Read the settings.
#[utoipa::path(
    get, path = "/api/whatsapp/settings", tag = "settings", operation_id = "read_settings",
    responses((status = 200, description = "The settings.", body = Settings))
)]
pub(super) async fn read(desk: Desk) -> Result<Json<Settings>, Problem> {
    Ok(Json(shown(desk.settings().view().await?)))
}

/// Change settings: all that is named, or nothing if one of them is wrong.
///
/// A connection may be given piece by piece. The moment it is whole, WhatsApp is asked whether token and number belong
/// together; only then it takes the simulator's place. Every node works with the change within a second.
#[utoipa::path(
    put, path = "/api/whatsapp/settings", tag = "settings", operation_id = "change_settings",
    request_body = SettingsChange,
    responses((status = 200, description = "The settings as they are now.", body = Settings))
)]
pub(super) async fn change(
    desk: Desk,
    input: Input<SettingsChange>,
) -> Result<Json<Settings>, Problem> {
    let SettingsChange {
        enabled,
        phone_number_id,
        business_account_id,
        access_token,
        webhook_verify_token,
        app_secret,
        api_version,
        auto_reply_enabled,
        auto_reply_message,
    } = input.body;
    let change = Change {
        enabled,
        phone_number_id,
        business_account_id,
        access_token: access_token.map(Secret::new),
        webhook_verify_token: webhook_verify_token.map(Secret::new),
        app_secret: app_secret.map(Secret::new),
        api_version,
        auto_reply_enabled,
        auto_reply_message,
    };
    let view = desk.settings().change(change).await.map_err(refused)?;
    Ok(Json(shown(view)))
}

fn refused(refused: Refused) -> Problem {
    match refused {
        Refused::Fields(fields) => {
            let named = fields.into_iter().map(|(field, problem)| FieldProblem {
                field: field.to_owned(),
                problem,
            });
            Problem::invalid(named.collect())
        }
        Refused::Conflict => {
            Problem::conflict("Somebody else changed the settings at this moment. Try again.")
        }
        Refused::Store(error) => error.into(),
        Refused::Key(reason) => {
            tracing::error!("stored secrets cannot be used: {reason:#}");
            Problem::broken()
        }
    }
}

fn shown(view: View) -> Settings {
    Settings {
        enabled: view.enabled,
        phone_number_id: view.phone_number_id,
        business_account_id: view.business_account_id,
        access_token: secret(view.access_token),
        webhook_verify_token: secret(view.webhook_verify_token),
        app_secret: secret(view.app_secret),
        api_version: view.api_version,
        auto_reply_enabled: view.auto_reply_enabled,
        auto_reply_message: view.auto_reply_message,
        connection: if view.connected {
            Connection::Whatsapp
        } else {
            Connection::Simulator
        },
        missing: view.missing,
        locked: view.locked,
    }
}

fn secret(state: SecretState) -> SecretSetting {
    SecretSetting {
        set: state.set,
        updated_at: state.updated_at,
        previous_until: state.previous_until,
    }
}
