//! `puisano key`: keys of the HTTP API. A key is printed when it is made, and never again.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::cli::{Common, Exit, conversations, output};
use crate::clock::Clock;
use crate::model::ApiKeyId;
use crate::security::api_key::{KeyText, Scope};
use crate::store::Store;
use crate::store::keys::{ApiKey, NewApiKey};

const NAME_CHARS_MAX: usize = 100;
const OVERLAP_HOURS_MAX: u32 = 24 * 90;

/// Make, list, revoke and rotate keys of the HTTP API
///
/// Examples:
///   puisano key create --name billing --scope send
///   puisano key list
///   puisano key rotate billing
///   puisano key revoke billing
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Key {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key and print it; it cannot be shown again
    Create {
        /// What uses it; `billing`, say
        #[arg(long)]
        name: String,
        /// What it allows: send, contacts, conversations, templates, settings; may be given several times
        #[arg(long = "scope", required = true, value_parser = scope)]
        scopes: Vec<Scope>,
        /// The last day on which it counts (UTC), like 2027-12-31; without one it counts until it is revoked
        #[arg(long, value_name = "DATE")]
        expires: Option<Date>,
    },
    /// List keys: never the key itself
    List {
        /// Print JSON, one object a line
        #[arg(long)]
        json: bool,
    },
    /// Make a new key for a name, print it, and let the old one count a while longer
    Rotate {
        name: String,
        /// How long the old key still counts
        #[arg(long, default_value_t = 24, value_name = "HOURS",
              value_parser = clap::value_parser!(u32).range(0..=i64::from(OVERLAP_HOURS_MAX)))]
        overlap_hours: u32,
    },
    /// Let a key, or all keys of a name, count no more
    Revoke {
        /// Name or id
        name: String,
    },
}

pub(super) fn run(common: &Common, key: &Key) -> anyhow::Result<Exit> {
    conversations::with_store(common, async |store| match &key.action {
        Action::Create {
            name,
            scopes,
            expires,
        } => create(store, (name, scopes), *expires).await,
        Action::List { json } => list(store, *json).await,
        Action::Rotate {
            name,
            overlap_hours,
        } => rotate(store, name, *overlap_hours).await,
        Action::Revoke { name } => revoke(store, name).await,
    })
}

fn scope(text: &str) -> Result<Scope, String> {
    text.parse()
}

async fn create(
    store: &Store,
    (name, scopes): (&str, &[Scope]),
    expires: Option<Date>,
) -> anyhow::Result<Exit> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.contains('\0') {
        bail!("--name takes 1 to {NAME_CHARS_MAX} characters");
    }
    let clock = Clock::default();
    let mut scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    scopes.sort();
    scopes.dedup();
    let expires_at = expires.map(end_of).transpose()?;
    if expires_at.is_some_and(|at| at <= clock.now()) {
        bail!("--expires is over already");
    }
    let (text, mut key) = fresh(&clock, name)?;
    key.scopes = scopes;
    key.expires_at = expires_at;
    if !store.create_api_key(&key).await? {
        bail!("there is a key called {name}: rotate it, revoke it, or take another name");
    }
    print(&text);
    Ok(Exit::Fine)
}

async fn list(store: &Store, json: bool) -> anyhow::Result<Exit> {
    let keys = store.api_keys().await?;
    for key in &keys {
        output::line(if json {
            as_json(key).to_string()
        } else {
            as_text(key)
        });
    }
    if keys.is_empty() {
        output::say("There is no key. Make one with `puisano key create`.");
    }
    Ok(Exit::Fine)
}

async fn rotate(store: &Store, name: &str, overlap_hours: u32) -> anyhow::Result<Exit> {
    let clock = Clock::default();
    let (text, key) = fresh(&clock, name)?;
    let old_until = clock
        .now()
        .checked_add(SignedDuration::from_hours(i64::from(overlap_hours)))?;
    if !store.rotate_api_key(&key, old_until).await? {
        bail!("no key called {name} is in use; `puisano key list` shows them");
    }
    print(&text);
    output::say(format_args!(
        "The old key counts until {}.",
        old_until.strftime("%Y-%m-%d %H:%M UTC")
    ));
    Ok(Exit::Fine)
}

async fn revoke(store: &Store, name: &str) -> anyhow::Result<Exit> {
    let revoked = store.revoke_api_keys(name).await?;
    if revoked == 0 {
        bail!("no key called {name} is in use; `puisano key list` shows them");
    }
    let revoked = output::count(usize::try_from(revoked).unwrap_or(usize::MAX), "key");
    output::say(format_args!("Revoked: {revoked}."));
    Ok(Exit::Fine)
}

fn fresh(clock: &Clock, name: &str) -> anyhow::Result<(KeyText, NewApiKey)> {
    let text = KeyText::new().context("there is no source of randomness")?;
    let key = NewApiKey {
        id: ApiKeyId(clock.new_id()),
        name: name.to_owned(),
        hash: text.hash(),
        prefix: text.prefix().to_owned(),
        scopes: Vec::new(),
        expires_at: None,
    };
    Ok((text, key))
}

fn print(text: &KeyText) {
    output::line(text.expose());
    output::say("Keep it now: it cannot be shown again.");
}

/// When the day is over.
fn end_of(day: Date) -> anyhow::Result<Timestamp> {
    let next = day.tomorrow().context("--expires is too far away")?;
    Ok(next.to_zoned(TimeZone::UTC)?.timestamp())
}

fn as_text(key: &ApiKey) -> String {
    let time = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let used = key.last_used_at.map_or_else(
        || "never used".to_owned(),
        |at| format!("used {}", time(at)),
    );
    let end = match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("  revoked {}", time(at)),
        (None, Some(at)) => format!("  until {}", time(at)),
        (None, None) => String::new(),
    };
    format!(
        "{}  {}…  {}  {}  created {}  {used}{end}",
        key.id,
        key.prefix,
        key.name,
        key.scopes.join(","),
        time(key.created_at)
    )
}

fn as_json(key: &ApiKey) -> serde_json::Value {
    serde_json::json!({
        "id": key.id,
        "prefix": key.prefix,
        "name": key.name,
        "scopes": key.scopes,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    })
}
