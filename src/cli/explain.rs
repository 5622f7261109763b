//! `puisano explain`: why a text is answered as it is.

use std::collections::BTreeMap;
use std::io::BufRead;

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use jiff::civil::DateTime;
use puisano_engine::{
    Contact, Decision, Language, MessageKind, Notification, Owner, State, Turn, decide,
};
use serde::Deserialize;
use serde_json::json;

use crate::cli::describe::describe;
use crate::cli::{Common, Exit, output, pack};
use crate::clock::Clock;
use crate::rulesets::Live;

/// Say why a text is answered as it is
///
/// With --json and no TEXT, JSON lines {"text": "…", "language": "en"?, "now": "2026-11-23T10:00"?, "notification":
/// {"template": "…", "fields": {…}}?} are read from standard input, and one JSON object a line is written in the same order.
///
/// Examples:
///   puisano explain "no water AGAIN, this is useless"
///   puisano explain --language af --now 2026-12-25T10:00 "is julle oop"
///   puisano explain --replying-to payment_reminder "I have already paid"
///   puisano explain --json < messages.jsonl
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[expect(
    clippy::doc_markdown,
    reason = "the help is printed as it stands, with names as they are typed"
)]
pub(super) struct Explain {
    /// What the customer writes
    text: Option<String>,
    /// The language the conversation has been in
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
    /// The moment, in the pack's zone (2026-12-25T10:00) or with an offset
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// The template of the notification that is answered, with its samples
    #[arg(long, value_name = "TEMPLATE")]
    replying_to: Option<String>,
    /// Read and write JSON lines
    #[arg(long)]
    json: bool,
}

/// A message to explain, as it stands on a line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    text: String,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    now: Option<String>,
    #[serde(default)]
    notification: Option<Answered>,
}

/// The notification that a message answers; fields that are not given have their samples.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    template: String,
    #[serde(default)]
    fields: BTreeMap<String, String>,
}

impl Explain {
    fn answered(&self) -> Option<Answered> {
        self.replying_to.clone().map(|template| Answered {
            template,
            fields: BTreeMap::new(),
        })
    }
}

pub(super) fn run(common: &Common, explain: &Explain) -> anyhow::Result<Exit> {
    let live = match pack::load(common)? {
        Ok(live) => live,
        Err(exit) => return Ok(exit),
    };
    let clock = Clock::default();
    if let Some(text) = &explain.text {
        let question = Question {
            text: text.clone(),
            language: explain.language.clone(),
            now: explain.now.clone(),
            notification: explain.answered(),
        };
        let decision = answer(&live, &clock, &question)?;
        if explain.json {
            output::line(decision.to_json());
        } else {
            output::line(describe(text, &decision));
        }
        return Ok(Exit::Fine);
    }
    let mut exit = Exit::Fine;
    for (number, line) in std::io::stdin().lock().split(b'\n').enumerate() {
        let text = String::from_utf8(line?).context("this line is not UTF-8 text");
        let question = text.and_then(|text| read(text.trim_end_matches('\r'), explain));
        match question.and_then(|question| Ok((answer(&live, &clock, &question)?, question))) {
            Ok((decision, _)) if explain.json => output::line(decision.to_json()),
            Ok((decision, question)) => output::line(describe(&question.text, &decision)),
            Err(error) => {
                output::line(json!({ "error": format!("line {}: {error:#}", number + 1) }));
                exit = Exit::ProblemsFound;
            }
        }
    }
    Ok(exit)
}

fn read(line: &str, explain: &Explain) -> anyhow::Result<Question> {
    if !explain.json {
        return Ok(Question {
            text: line.to_owned(),
            language: explain.language.clone(),
            now: explain.now.clone(),
            notification: explain.answered(),
        });
    }
    let question: Question = serde_json::from_str(line)
        .context("expected {\"text\": \"…\", \"language\"?, \"now\"?, \"notification\"?}")?;
    let language = question.language.or_else(|| explain.language.clone());
    Ok(Question {
        language,
        now: question.now.or_else(|| explain.now.clone()),
        notification: question.notification.or_else(|| explain.answered()),
        text: question.text,
    })
}

/// Decides the text as the first message of a conversation.
fn answer(live: &Live, clock: &Clock, question: &Question) -> anyhow::Result<Decision> {
    let language = match &question.language {
        Some(code) => {
            Some(Language::parse(code).with_context(|| format!("`{code}` is no language code"))?)
        }
        None => None,
    };
    let now = match &question.now {
        Some(text) => moment(live, text)?,
        None => clock.now(),
    };
    let notification = match &question.notification {
        Some(answered) => Some(notification(live, answered)?),
        None => None,
    };
    let turn = Turn {
        text: &question.text,
        kind: MessageKind::Text,
        button: None,
        sent_at: now,
        received_at: now,
        now,
        seed: 0,
        owner: Owner::Bot,
        contact: &Contact {
            language,
            ..Contact::default()
        },
        events: &[],
        notification: notification.as_ref(),
    };
    Ok(decide(
        &live.ruleset,
        &State {
            language,
            ..State::default()
        },
        &turn,
    ))
}

fn notification(live: &Live, answered: &Answered) -> anyhow::Result<Notification> {
    let name = &answered.template;
    let template = live
        .ruleset
        .template(name)
        .with_context(|| format!("the rules have no template `{name}`"))?;
    template.notification(&answered.fields).map_err(|problems| {
        let problems = problems
            .iter()
            .map(|problem| format!("{}: {}", problem.field, problem.problem));
        anyhow::anyhow!("{}", problems.collect::<Vec<_>>().join("; "))
    })
}

fn moment(live: &Live, text: &str) -> anyhow::Result<Timestamp> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp);
    }
    let local: DateTime = text
        .parse()
        .with_context(|| format!("`{text}` is no time: write 2026-12-25T10:00"))?;
    Ok(local.to_zoned(live.ruleset.timezone().clone())?.timestamp())
}
