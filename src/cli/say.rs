//! `puisano say`: writes to a running server as a customer would, through the simulator's signed webhooks, and prints what
//! the customer receives.
//!
//! It refuses a server that is connected to WhatsApp: there, customers write.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::{Common, Exit, output, settings};
use crate::model::PhoneNumber;

/// How long the first answer may take, and how long to listen for more after one.
const ANSWER_WAIT_MS: u64 = 10_000;
const MORE_WAIT_MS: u64 = 400;
const CALL_TIME_MAX: Duration = Duration::from_secs(20);

/// Write to a running server as a customer would, and print what the customer receives
///
/// Examples:
///   puisano say --from +27600000001 "no water in Zastron"
///   puisano say --from +27600000001 --button balance
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Say {
    /// The customer's phone number, with country code
    #[arg(long, value_name = "NUMBER")]
    from: String,
    /// Tap the button or list row with this id
    #[arg(long, value_name = "ID", conflicts_with = "text")]
    button: Option<String>,
    /// The customer's profile name
    #[arg(long)]
    name: Option<String>,
    /// What the customer writes
    #[arg(required_unless_present = "button")]
    text: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What this command needs of the simulator's file.
#[derive(Deserialize)]
struct Simulator {
    api_url: String,
}

pub(super) fn run(common: &Common, say: &Say) -> anyhow::Result<Exit> {
    let config = settings::load(common)?;
    if config.whatsapp.is_some() {
        bail!(
            "the settings connect this server to WhatsApp: write to its number with a phone; `say` works with the simulator"
        );
    }
    let Some(from) = PhoneNumber::parse(&say.from) else {
        bail!(
            "`{}` is no phone number: write it with the country code, as in +27600000001",
            say.from
        );
    };
    let simulator = find(&config.data)?;
    settings::block_on(talk(&simulator, &from, say))
}

fn find(data: &Path) -> anyhow::Result<Simulator> {
    let path = data.join("simulator.json");
    let missing = || {
        format!(
            "no simulator in {}: start the server first (`puisano serve`)",
            data.display()
        )
    };
    let bytes = fs::read(&path).with_context(missing)?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is not the simulator's file", path.display()))
}

async fn talk(simulator: &Simulator, from: &PhoneNumber, say: &Say) -> anyhow::Result<Exit> {
    let phone = Phone::new(simulator, from)?;
    let mut cursor = phone.write(say).await?;
    let mut shown = 0;
    let mut wait_ms = ANSWER_WAIT_MS;
    loop {
        let news = phone.read(cursor, wait_ms).await?;
        let messages: Vec<&Value> = news["messages"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|m| m["by"] == "business")
            .collect();
        if messages.is_empty() {
            break;
        }
        for message in &messages {
            output::line(if say.json {
                message.to_string()
            } else {
                on_the_phone(message)
            });
        }
        shown += messages.len();
        cursor = news["cursor"].as_u64().unwrap_or(cursor);
        wait_ms = MORE_WAIT_MS;
    }
    if shown == 0 {
        output::say(format_args!(
            "(no answer within {} s)",
            ANSWER_WAIT_MS / 1000
        ));
    }
    Ok(Exit::Fine)
}

/// The customer's phone, as the simulator keeps it.
struct Phone {
    client: reqwest::Client,
    messages_url: String,
    conversation_url: String,
    from: String,
}

impl Phone {
    fn new(simulator: &Simulator, from: &PhoneNumber) -> anyhow::Result<Self> {
        let client = crate::channels::local_client(CALL_TIME_MAX)?;
        let base = format!("{}/_simulator", simulator.api_url);
        let conversation_url = format!("{base}/conversations/{from}");
        Ok(Self {
            client,
            messages_url: format!("{base}/messages"),
            conversation_url,
            from: from.to_string(),
        })
    }

    /// Returns the place in the conversation after which answers come.
    async fn write(&self, say: &Say) -> anyhow::Result<u64> {
        let mut message = json!({ "from": self.from });
        if let Some(name) = &say.name {
            message["name"] = json!(name);
        }
        match (&say.button, &say.text) {
            (Some(id), _) => message["button"] = json!({ "id": id, "title": id }),
            (None, Some(text)) => message["text"] = json!(text),
            (None, None) => bail!("nothing to say"),
        }
        let answer = self
            .call(self.client.post(&self.messages_url).json(&message))
            .await?;
        answer["cursor"]
            .as_u64()
            .context("the simulator gave no place in the conversation")
    }

    async fn read(&self, after: u64, wait_ms: u64) -> anyhow::Result<Value> {
        let query = [("after", after), ("wait_ms", wait_ms)];
        self.call(self.client.get(&self.conversation_url).query(&query))
            .await
    }

    async fn call(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        let answer = request
            .send()
            .await
            .map_err(|_| anyhow!("the server does not answer: is `puisano serve` running?"))?;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap_or_default();
        if !status.is_success() {
            bail!(
                "the simulator refused it ({status}): {}",
                body["error"]["message"]
                    .as_str()
                    .unwrap_or("no reason given")
            );
        }
        Ok(body)
    }
}

/// A message as its reader sees it: text, then what can be tapped.
fn on_the_phone(message: &Value) -> String {
    let mut lines = vec![message["text"].as_str().unwrap_or_default().to_owned()];
    for key in ["buttons", "rows"] {
        let choices = message[key].as_array().into_iter().flatten();
        let titles: Vec<String> = choices
            .map(|choice| {
                format!(
                    "[{}] {}",
                    choice["id"].as_str().unwrap_or("?"),
                    choice["title"].as_str().unwrap_or("")
                )
            })
            .collect();
        if !titles.is_empty() {
            lines.push(titles.join("  "));
        }
    }
    lines.join("\n")
}
