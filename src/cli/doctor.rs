//! `puisano doctor`: whether settings, rules, database and server are as they should be, each with what to do if not.

use std::time::Duration;

use anyhow::bail;

use crate::channels::{
    self,
    whatsapp::{Client, Connection},
};
use crate::cli::{Common, Exit, outbox, output, pack, settings};
use crate::config::Config;
use crate::rulesets::compile;
use crate::store::Store;
use crate::store::embedded::Embedded;
use crate::store::outbox::NumberState;

const SERVER_ANSWER_MAX: Duration = Duration::from_secs(5);

pub(super) fn run(common: &Common) -> anyhow::Result<Exit> {
    let config = match settings::load(common) {
        Ok(config) => config,
        Err(error) => {
            problem("settings", &format!("{error:#}"), "see docs/settings.md");
            return Ok(Exit::ProblemsFound);
        }
    };
    ok("settings", &channel_words(&config));
    let rules = check_rules(common);
    let rest = settings::block_on(async {
        let database = check_database(&config).await;
        let whatsapp = check_whatsapp(&config).await?;
        Ok(database & whatsapp & check_server(&config).await)
    })?;
    Ok(if rules && rest {
        Exit::Fine
    } else {
        Exit::ProblemsFound
    })
}

fn ok(what: &str, words: &str) {
    output::line(format_args!("ok       {what:<10} {words}"));
}

fn problem(what: &str, words: &str, hint: &str) {
    output::line(format_args!(
        "problem  {what:<10} {words}\n         Hint: {hint}"
    ));
}

fn channel_words(config: &Config) -> String {
    match &config.whatsapp {
        Some(whatsapp) => {
            format!(
                "WhatsApp number id {}, API {} {}",
                whatsapp.phone_number_id, whatsapp.api_url, whatsapp.api_version
            )
        }
        None => "no WhatsApp settings: the simulator stands in".to_owned(),
    }
}

fn check_rules(common: &Common) -> bool {
    let checked = match pack::folders(common).load() {
        Ok(sources) => compile(sources),
        Err(error) => {
            problem("rules", &error.to_string(), "name the folder with --rules");
            return false;
        }
    };
    let (errors, warnings) = checked.findings.counts();
    let Some(live) = checked.live else {
        problem("rules", &output::count(errors, "error"), "puisano check");
        return false;
    };
    let counts = live.ruleset.counts();
    let words = format!(
        "{}: {} rules, {} intents",
        live.ruleset.name(),
        counts.rules,
        counts.intents
    );
    ok(
        "rules",
        &format!("{words}, {}", output::count(warnings, "warning")),
    );
    true
}

async fn check_database(config: &Config) -> bool {
    let found = match &config.database {
        Some(url) => look(url.expose())
            .await
            .map(|numbers| (format!("external, {url}"), numbers)),
        None if !Embedded::exists(&config.data) => {
            ok("database", "none yet: `puisano serve` makes a private one");
            return true;
        }
        None => match Embedded::attach_or_start(&config.data).await {
            Ok(embedded) => {
                let found = look(embedded.url()).await;
                embedded.stop().await;
                let place = format!("private PostgreSQL in {}", config.data.display());
                found.map(|numbers| (place, numbers))
            }
            Err(error) => Err(error.into()),
        },
    };
    if let Err(error) = &found {
        problem(
            "database",
            &format!("{error:#}"),
            "is it running, and is DATABASE_URL right?",
        );
    }
    found.is_ok_and(|(words, numbers)| {
        ok("database", &words);
        check_sending(&numbers)
    })
}

/// Whether the database answers, and how our numbers are.
async fn look(url: &str) -> anyhow::Result<Vec<NumberState>> {
    let store = Store::connect(url)?;
    let answer = store.ping().await;
    // A database that no server has used yet knows no numbers.
    let numbers = store.number_states().await.unwrap_or_default();
    store.close().await;
    answer?;
    Ok(numbers)
}

/// Whether our numbers may send.
fn check_sending(numbers: &[NumberState]) -> bool {
    let (paused, sending): (Vec<_>, Vec<_>) =
        numbers.iter().partition(|number| number.pause.is_some());
    for number in &sending {
        ok("sending", &outbox::number_words(number));
    }
    for number in &paused {
        problem(
            "sending",
            &outbox::number_words(number),
            "puisano outbox list --state waiting",
        );
    }
    paused.is_empty()
}

/// Whether address, token and number belong together; nothing to check with the simulator.
async fn check_whatsapp(config: &Config) -> anyhow::Result<bool> {
    let Some(whatsapp) = &config.whatsapp else {
        return Ok(true);
    };
    let client = Client::new(Connection {
        api_url: whatsapp.api_url.clone(),
        api_version: whatsapp.api_version.clone(),
        access_token: whatsapp.access_token.clone(),
    })?;
    let described = client.describe(&whatsapp.phone_number_id).await;
    match &described {
        Ok(number) => ok("WhatsApp", number),
        Err(reason) => problem(
            "WhatsApp",
            reason,
            "see \"With a real number\" in docs/operations.md",
        ),
    }
    Ok(described.is_ok())
}

async fn check_server(config: &Config) -> bool {
    let url = format!("http://{}/ready", config.listen);
    match ready(&url).await {
        Ok(()) => {
            ok("server", &format!("ready at {}", config.listen));
            true
        }
        Err(error) => {
            problem(
                "server",
                &format!("{error:#}"),
                "start it with `puisano serve`",
            );
            false
        }
    }
}

async fn ready(url: &str) -> anyhow::Result<()> {
    let Ok(answer) = channels::local_client(SERVER_ANSWER_MAX)?
        .get(url)
        .send()
        .await
    else {
        bail!("nothing answers at {url}");
    };
    if !answer.status().is_success() {
        bail!(
            "{url} says it is not ready: {}",
            answer.text().await.unwrap_or_default()
        );
    }
    Ok(())
}
