//! What commands need that send or look at what was sent: the database, the live rules, and our number.

use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use crate::channels::whatsapp::{Client, Connection};
use crate::cli::conversations::with_store;
use crate::cli::{Common, Exit, settings};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::Origin;
use crate::outbound::notifications::Desk;
use crate::outbound::templates::Account;
use crate::rulesets::{self, Folders, LiveRules, Sources};
use crate::security::Secret;
use crate::store::Store;

/// The simulator takes every version.
const SIMULATOR_VERSION: &str = "v24.0";

/// What is needed of the simulator's file.
#[derive(Deserialize)]
struct Simulator {
    api_url: String,
    access_token: String,
    phone_number_id: String,
    business_account_id: String,
}

/// Runs `work` at a desk with the database of the settings, and the account at WhatsApp or in the simulator.
pub(super) fn with_desk(
    common: &Common,
    work: impl AsyncFnOnce(&Desk, &Account) -> anyhow::Result<Exit>,
) -> anyhow::Result<Exit> {
    let config = settings::load(common)?;
    let (account, origin) = account(&config)?;
    with_store(common, async |store| {
        let desk = Desk {
            store: store.clone(),
            rules: live_rules(store, &config).await?,
            clock: Clock::default(),
            phone_number_id: account.phone_number_id.clone(),
            origin,
        };
        work(&desk, &account).await
    })
}

fn account(config: &Config) -> anyhow::Result<(Account, Origin)> {
    let (connection, number, business_account, origin) = if let Some(whatsapp) = &config.whatsapp {
        (
            Connection {
                api_url: whatsapp.api_url.clone(),
                api_version: whatsapp.api_version.clone(),
                access_token: whatsapp.access_token.clone(),
            },
            whatsapp.phone_number_id.clone(),
            whatsapp.business_account_id.clone(),
            Origin::Live,
        )
    } else {
        let simulator = simulator(&config.data)?;
        let connection = Connection {
            api_url: simulator.api_url,
            api_version: SIMULATOR_VERSION.to_owned(),
            access_token: Secret::new(&simulator.access_token),
        };
        let number = simulator.phone_number_id.as_str().into();
        (
            connection,
            number,
            simulator.business_account_id,
            Origin::Simulated,
        )
    };
    let account = Account {
        client: Client::new(connection)?,
        business_account,
        phone_number_id: number,
    };
    Ok((account, origin))
}

fn simulator(data: &Path) -> anyhow::Result<Simulator> {
    let path = data.join("simulator.json");
    let bytes = std::fs::read(&path).with_context(|| {
        format!(
            "no simulator in {}: start the server first (`puisano serve`)",
            data.display()
        )
    })?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is not the simulator's file", path.display()))
}

/// The rules that are live; those of the folder when none were ever published.
async fn live_rules(store: &Store, config: &Config) -> anyhow::Result<LiveRules> {
    let sources = match store.latest_ruleset().await? {
        Some((_, json)) => Sources::from_json(&json)?,
        None => Folders {
            rules: config.rules.clone(),
            lexicons: config.lexicons.clone(),
        }
        .load()?,
    };
    let live = rulesets::compile(sources)
        .live
        .context("the rules have errors: see `puisano check`")?;
    Ok(LiveRules::new(live))
}
