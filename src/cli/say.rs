//! `puisano say`: writes to a running server as a customer would, through the simulator's signed webhooks, and prints what
//! the customer receives.
//!
//! It refuses a server that is connected to WhatsApp: there, customers write.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::{Common, Exit, output, settings};
use crate::model::PhoneNumber;

/// How long the first answer may take, and how long to listen for more after one.
const ANSWER_WAIT_MS: u64 = 10_000;
const MORE_WAIT_MS: u64 = 400;
const CALL_TIME_MAX: Duration = Duration::from_secs(20);

/// WhatsApp's own limits.
const IMAGE_BYTES_MAX: u64 = 5 * 1024 * 1024;
const DOCUMENT_BYTES_MAX: u64 = 100 * 1024 * 1024;

/// Write to a running server as a customer would, and print what the customer receives
///
/// Examples:
///   puisano say --from +27600000001 "no water in Zastron"
///   puisano say --from +27600000001 --tap "I have paid"
///   puisano say --from +27600000001 --image meter.jpg "my reading"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Say {
    /// The customer's phone number, with country code
    #[arg(long, value_name = "NUMBER")]
    from: String,
    /// Tap the button or list row with this id
    #[arg(long, value_name = "ID", conflicts_with = "text")]
    button: Option<String>,
    /// Tap what the customer was offered, by its id or title: a button, a list row, a quick reply of a template
    #[arg(long, value_name = "ID", conflicts_with_all = ["text", "button"])]
    tap: Option<String>,
    /// Send a picture (JPEG or PNG); the text becomes its caption
    #[arg(long, value_name = "FILE", conflicts_with_all = ["button", "tap"])]
    image: Option<PathBuf>,
    /// Send a document; the text becomes its caption
    #[arg(long, value_name = "FILE", conflicts_with_all = ["button", "tap", "image"])]
    document: Option<PathBuf>,
    /// The customer's profile name
    #[arg(long)]
    name: Option<String>,
    /// What the customer writes
    #[arg(required_unless_present_any = ["button", "tap", "image", "document"])]
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
        let (key, content) = content(say)?;
        message[key] = content;
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
            let reason = [&body["error"]["message"], &body["error"]];
            bail!(
                "the simulator refused it ({status}): {}",
                reason
                    .into_iter()
                    .find_map(Value::as_str)
                    .unwrap_or("no reason given")
            );
        }
        Ok(body)
    }
}

/// What is said, as the simulator takes it.
fn content(say: &Say) -> anyhow::Result<(&'static str, Value)> {
    Ok(match say {
        Say {
            image: Some(path), ..
        } => ("image", file(path, say, IMAGE_BYTES_MAX)?),
        Say {
            document: Some(path),
            ..
        } => ("document", file(path, say, DOCUMENT_BYTES_MAX)?),
        Say { tap: Some(id), .. } => ("tap", json!(id)),
        Say {
            button: Some(id), ..
        } => ("button", json!({ "id": id, "title": id })),
        Say {
            text: Some(text), ..
        } => ("text", json!(text)),
        _ => bail!("nothing to say"),
    })
}

fn file(path: &Path, say: &Say, bytes_max: u64) -> anyhow::Result<Value> {
    let context = || format!("could not read {}", path.display());
    let length = fs::metadata(path).with_context(context)?.len();
    ensure!(
        (1..=bytes_max).contains(&length),
        "{} has {length} bytes; WhatsApp takes 1 to {bytes_max}",
        path.display()
    );
    let bytes = fs::read(path).with_context(context)?;
    let mut part = json!({ "bytes": BASE64.encode(bytes), "mime_type": mime(path)? });
    if say.document.is_some() {
        part["filename"] = json!(path.file_name().map(|name| name.to_string_lossy()));
    }
    if let Some(text) = &say.text {
        part["caption"] = json!(text);
    }
    Ok(part)
}

/// By the name's ending, as a phone does it.
fn mime(path: &Path) -> anyhow::Result<&'static str> {
    let ending = path
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase());
    Ok(match ending.as_deref() {
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("pdf") => "application/pdf",
        Some("txt") => "text/plain",
        Some("doc") => "application/msword",
        Some("docx") => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        Some("xls") => "application/vnd.ms-excel",
        Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => bail!(
            "{} is of no type that WhatsApp takes: use .jpg, .png, .pdf, .txt, .doc, .docx, .xls or .xlsx",
            path.display()
        ),
    })
}

/// A message as its reader sees it: header, text, footer, then what can be tapped.
fn on_the_phone(message: &Value) -> String {
    let mut lines: Vec<String> = ["header", "text", "footer"]
        .iter()
        .filter_map(|key| message[key].as_str())
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect();
    lines.extend(attachment(message));
    for key in ["buttons", "rows"] {
        let choices = message[key].as_array().into_iter().flatten();
        let titles: Vec<String> = choices
            .map(|choice| {
                format!(
                    "[{}] {}",
                    [&choice["id"], &choice["url"], &choice["phone"]]
                        .into_iter()
                        .find_map(Value::as_str)
                        .unwrap_or("?"),
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

/// What a message brings beside its text.
fn attachment(message: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if message["link"].is_object() {
        let said = |key: &str| text(&message["link"][key]).unwrap_or_default();
        return Some(format!("[{}] {}", said("url"), said("title")));
    }
    if message["asks"] == "location" {
        return Some("[send location]".to_owned());
    }
    let kind = message["type"].as_str()?;
    let part = &message[kind];
    match kind {
        "image" | "video" | "audio" | "document" | "sticker" => {
            let name = ["filename", "link", "id"]
                .into_iter()
                .find_map(|key| text(&part[key]));
            Some(format!("({kind} {})", name.unwrap_or_default()))
        }
        "location" => Some(format!(
            "(location {}, {})",
            part["latitude"], part["longitude"]
        )),
        "contacts" => {
            let names = part.as_array()?.iter();
            let names: Vec<_> = names
                .filter_map(|card| text(&card["name"]["formatted_name"]))
                .collect();
            Some(format!("(contact {})", names.join(", ")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_reads_as_on_a_phone() {
        for (message, expected) in [
            (json!({ "type": "text", "text": "Dumela" }), "Dumela"),
            (
                json!({ "type": "interactive", "header": "Water", "text": "Is it out?", "footer": "Mohokare",
                    "buttons": [{ "id": "yes", "title": "Ee" }, { "id": "no", "title": "Tjhe" }] }),
                "Water\nIs it out?\nMohokare\n[yes] Ee  [no] Tjhe",
            ),
            (
                json!({ "type": "template", "text": "Pay.", "buttons": [
                    { "type": "quick_reply", "id": "paid", "title": "I have paid" },
                    { "type": "url", "title": "Open", "url": "https://x.za/1" } ] }),
                "Pay.\n[paid] I have paid  [https://x.za/1] Open",
            ),
            (
                json!({ "type": "interactive", "text": "Ready", "link": { "title": "Open", "url": "https://x.za" } }),
                "Ready\n[https://x.za] Open",
            ),
            (
                json!({ "type": "interactive", "text": "Where?", "asks": "location" }),
                "Where?\n[send location]",
            ),
            (
                json!({ "type": "document", "text": "Notice", "document": { "id": "1", "filename": "a.pdf" } }),
                "Notice\n(document a.pdf)",
            ),
            (
                json!({ "type": "contacts", "text": "", "contacts": [{ "name": { "formatted_name": "Desk" } }] }),
                "(contact Desk)",
            ),
        ] {
            assert_eq!(on_the_phone(&message), expected, "{message}");
        }
    }

    #[test]
    fn a_file_is_known_by_its_ending() {
        for (name, expected) in [
            ("a.JPG", Some("image/jpeg")),
            ("b/c.png", Some("image/png")),
            ("notice.pdf", Some("application/pdf")),
            ("run.exe", None),
            ("page.html", None),
            ("none", None),
        ] {
            assert_eq!(mime(Path::new(name)).ok(), expected, "{name}");
        }
    }
}
