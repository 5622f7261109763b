//! `puisano outbox`: what was not sent and why, in words; sending it again; ending a pause.

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::json;

use crate::channels::whatsapp::errors;
use crate::cli::conversations::with_store;
use crate::cli::{Common, Exit, output};
use crate::model::{Class, FailureScope, OutboxId, OutboxState};
use crate::store::Store;
use crate::store::outbox::{Dead, DeadLetter, NumberState, Replayed};

/// Items read at once; `list` shows no more than asked for.
const PAGE: i64 = 200;
const TEXT_CHARS_MAX: usize = 60;

/// Show what was not sent and why, and send it again
///
/// Without more words: how many items are in which state, and whether sending is paused.
///
/// Examples:
///   puisano outbox
///   puisano outbox list --state held
///   puisano outbox show 0193f0c2-7f1e-7c3a-9d52-0d3f6f1b2a77
///   puisano outbox retry 0193f0c2-7f1e-7c3a-9d52-0d3f6f1b2a77
///   puisano outbox retry --all-held
///   puisano outbox resume
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Outbox {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List what was not sent
    List(List),
    /// Explain one item, with its history
    Show {
        /// The item, as `puisano outbox list` shows it
        id: uuid::Uuid,
    },
    /// Send again what was held or refused; what was sent is never sent again
    Retry(Retry),
    /// Try again at once after the cause of a pause has been mended
    Resume,
}

#[derive(Debug, Args)]
struct List {
    /// Only items in this state; held and rejected ones if not given
    #[arg(long)]
    state: Option<State>,
    /// How many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
    /// Begin after this item
    #[arg(long, value_name = "ID")]
    after: Option<uuid::Uuid>,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Retry {
    /// The item, as `puisano outbox list` shows it
    id: Option<uuid::Uuid>,
    /// Everything that is held, oldest first
    #[arg(long)]
    all_held: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    Held,
    Unknown,
    Rejected,
    Waiting,
}

pub(super) fn run(common: &Common, outbox: &Outbox) -> anyhow::Result<Exit> {
    with_store(common, async |store| match &outbox.command {
        None => summary(store).await,
        Some(Command::List(asked)) => list(store, asked).await,
        Some(Command::Show { id }) => show(store, OutboxId(*id)).await,
        Some(Command::Retry(asked)) => retry(store, asked).await,
        Some(Command::Resume) => resume(store).await,
    })
}

async fn summary(store: &Store) -> anyhow::Result<Exit> {
    for number in store.number_states().await? {
        output::line(number_words(&number));
    }
    for (state, count) in store.outbox_states().await? {
        output::line(format_args!("{count:>8}  {}", state_words(state)));
    }
    Ok(Exit::Fine)
}

/// How a number is, in one paragraph; `doctor` says the same.
pub(super) fn number_words(number: &NumberState) -> String {
    let id = &number.id;
    let Some(pause) = &number.pause else {
        return format!("number {id}: sending");
    };
    let code = pause
        .code
        .map(|code| format!(" (error {code})"))
        .unwrap_or_default();
    let then = if pause.scope == FailureScope::Operator {
        "It is tried again by itself; `puisano outbox resume` tries at once. Nothing is lost."
    } else {
        "It goes on by itself. Nothing is lost."
    };
    format!(
        "number {id}: paused since {}{code}. {} {then}",
        time(pause.since),
        pause.reason
    )
}

async fn list(store: &Store, asked: &List) -> anyhow::Result<Exit> {
    let which = match asked.state {
        None => Dead::All,
        Some(State::Held) => Dead::Held,
        Some(State::Unknown) => Dead::Unknown,
        Some(State::Rejected) => Dead::Rejected,
        Some(State::Waiting) => Dead::Waiting,
    };
    let after = asked.after.map(OutboxId);
    let letters = store.dead_letters(which, after, asked.limit).await?;
    for letter in &letters {
        if asked.json {
            output::line(as_json(letter));
        } else {
            output::line(as_text(letter));
        }
    }
    if letters.is_empty() {
        output::say("Nothing is here.");
    }
    Ok(Exit::Fine)
}

async fn show(store: &Store, id: OutboxId) -> anyhow::Result<Exit> {
    let Some((letter, statuses)) = store.outbox_item(id).await? else {
        bail!("there is no item {id} in the outbox");
    };
    output::line(as_text(&letter));
    output::line(format_args!("  queued {}", time(letter.created_at)));
    if letter.attempts > 0 {
        let calls = usize::try_from(letter.attempts).unwrap_or(0);
        output::line(format_args!("  calls  {}", output::count(calls, "call")));
    }
    for status in statuses {
        output::line(format_args!("  {:<6} {}", status.status, time(status.at)));
    }
    match letter.finished_at {
        Some(at) => output::line(format_args!("  ended  {}", time(at))),
        None => output::line(format_args!(
            "  looked at again {}, until {}",
            time(letter.due_at),
            time(letter.expires_at)
        )),
    }
    Ok(Exit::Fine)
}

async fn retry(store: &Store, asked: &Retry) -> anyhow::Result<Exit> {
    if let Some(id) = asked.id {
        return Ok(match store.replay(OutboxId(id)).await? {
            Replayed::Queued => {
                output::say("Queued.");
                Exit::Fine
            }
            Replayed::NotDead(state) => {
                output::say(format_args!("Left alone: it is {}", state_words(state)));
                Exit::ProblemsFound
            }
            Replayed::TooLate => {
                output::say(
                    "Left alone: more than 24 hours have passed since the customer last wrote. Send a template.",
                );
                Exit::ProblemsFound
            }
            Replayed::NoSuchItem => bail!("there is no item {id} in the outbox"),
        });
    }
    let (mut queued, mut after) = (0, None);
    loop {
        let letters = store.dead_letters(Dead::Held, after, PAGE).await?;
        let Some(last) = letters.last() else { break };
        after = Some(last.id);
        for letter in &letters {
            queued += usize::from(store.replay(letter.id).await? == Replayed::Queued);
        }
    }
    output::say(format_args!("Queued {}.", output::count(queued, "item")));
    Ok(Exit::Fine)
}

async fn resume(store: &Store) -> anyhow::Result<Exit> {
    let numbers = usize::try_from(store.end_pauses().await?).unwrap_or(usize::MAX);
    output::say(if numbers == 0 {
        "Nothing is paused."
    } else {
        "One message is tried now; if it gets through, the rest follows."
    });
    Ok(Exit::Fine)
}

fn as_text(letter: &DeadLetter) -> String {
    let text: String = letter.text.chars().take(TEXT_CHARS_MAX).collect();
    format!(
        "{}  {}  {}  {}\n  why   {}\n  text  {}",
        letter.id,
        name(letter.state),
        class_name(letter.class),
        time(letter.created_at),
        explanation(letter),
        text.replace(['\n', '\r'], " ")
    )
}

fn as_json(letter: &DeadLetter) -> serde_json::Value {
    json!({
        "id": letter.id,
        "conversation": letter.conversation,
        "state": letter.state,
        "class": letter.class,
        "waits_for": letter.waits_for,
        "template": letter.template,
        "text": letter.text,
        "attempts": letter.attempts,
        "failure_code": letter.failure_code,
        "why": explanation(letter),
        "created_at": letter.created_at,
        "due_at": letter.due_at,
        "expires_at": letter.expires_at,
        "finished_at": letter.finished_at,
    })
}

/// Why it is where it is, and what can be done.
fn explanation(letter: &DeadLetter) -> String {
    if let Some(waits) = letter.waits_for.as_deref() {
        return waits_words(waits).to_owned();
    }
    let failure = || match letter.failure_code {
        Some(code) => format!("{} (error {code})", errors::meaning(code).sentence()),
        None => letter.failure.clone().unwrap_or_default(),
    };
    match letter.state {
        OutboxState::Pending if letter.failure.is_some() => {
            format!("{} Tried again {}.", failure(), time(letter.due_at))
        }
        OutboxState::Pending => "It is waiting for its turn, or sending is paused.".to_owned(),
        OutboxState::Sending => "It is being sent.".to_owned(),
        OutboxState::Sent => "It was sent.".to_owned(),
        OutboxState::Unknown => {
            "WhatsApp did not say whether it took it. A sign of life is waited for.".to_owned()
        }
        OutboxState::Held => "WhatsApp never said whether it took it. It may have arrived; \
             `puisano outbox retry` sends it again."
            .to_owned(),
        OutboxState::Rejected | OutboxState::Cancelled => failure(),
    }
}

fn waits_words(waits_for: &str) -> &'static str {
    match waits_for {
        "quiet_hours" => {
            "It is evening or night where the customer is; it goes out at seven in the morning."
        }
        "template" => {
            "WhatsApp has approved no template for it; see `puisano template list`. It goes out when one is approved."
        }
        "tier" => {
            "The number has written first to as many people as WhatsApp allows in 24 hours; it goes out when there is room."
        }
        "cap" => {
            "The customer has had as many notifications in 24 hours as PUISANO_NOTICES_PER_DAY allows."
        }
        "upload" => "Its file is being given to WhatsApp; it goes out when WhatsApp has it.",
        "pair" => "The customer was sent many messages just now; it goes out in a moment.",
        _ => "It waits.",
    }
}

fn name(state: OutboxState) -> String {
    format!("{state:?}").to_lowercase()
}

fn state_words(state: OutboxState) -> &'static str {
    match state {
        OutboxState::Pending => "pending: not sent yet",
        OutboxState::Sending => "sending: a call is being made",
        OutboxState::Sent => "sent: WhatsApp has it",
        OutboxState::Rejected => "rejected: refused, or could not be delivered",
        OutboxState::Unknown => "unknown: WhatsApp did not say, and a sign of life is waited for",
        OutboxState::Held => "held: nobody knows whether it was sent",
        OutboxState::Cancelled => "cancelled: not to be sent any more",
    }
}

fn class_name(class: Class) -> String {
    format!("{class:?}").to_lowercase()
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::outbox::NumberPause;

    #[test]
    fn a_paused_number_says_since_when_why_and_what_to_do() {
        let mut number = NumberState {
            id: "106540352242922".into(),
            per_second: None,
            tier: None,
            tier_limit: None,
            quality: None,
            pause: None,
        };
        assert_eq!(number_words(&number), "number 106540352242922: sending");
        number.pause = Some(NumberPause {
            since: Timestamp::UNIX_EPOCH,
            until: Timestamp::UNIX_EPOCH,
            count: 1,
            scope: FailureScope::Operator,
            code: Some(190),
            reason: errors::meaning(190).sentence(),
        });
        let words = number_words(&number);
        assert!(words.starts_with("number 106540352242922: paused since 1970-01-01 00:00:00 UTC (error 190). The access token"), "{words}");
        assert!(words.contains("WHATSAPP_ACCESS_TOKEN"), "{words}");
        assert!(words.contains("puisano outbox resume"), "{words}");
    }
}
