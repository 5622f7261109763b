//! `puisano notify`: the five calls of a billing system by hand, with the same checks; how far one is, and stopping it.

use anyhow::anyhow;
use clap::{Args, Subcommand};
use puisano_engine::FieldProblem;
use serde_json::Value;
use uuid::Uuid;

use crate::cli::desk::with_desk;
use crate::cli::{Common, Exit, output};
use crate::model::NotificationId;
use crate::outbound::notifications::calls::{
    PaymentConfirmation, PaymentReminder, QueryResponse, ServiceInterruption, Statement,
};
use crate::outbound::notifications::{self, Caller, Desk, Given, NoticeRequest, Refused};

/// Send a notification, see how far one is, stop one
///
/// Amounts are in rand with a dot, dates as 2026-12-07, times with their zone as 2026-12-07T08:00:00+02:00.
///
/// Examples:
///   puisano notify payment-reminder --to +27600000001 --name Thandi --account 10012345 --amount 1250.50 --due-date 2026-12-07
///   puisano notify service-interruption --area zastron --service Water --start 2026-12-07T08:00:00+02:00 \
///     --end 2026-12-07T16:00:00+02:00 --reason repairs --dry-run
///   puisano notify status 0193f0c2-7f1e-7c3a-9d52-0d3f6f1b2a77
///   puisano notify stop 0193f0c2-7f1e-7c3a-9d52-0d3f6f1b2a77
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Notify {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// An account has a balance that is due
    PaymentReminder {
        #[command(flatten)]
        person: Person,
        #[arg(long)]
        account: Option<String>,
        #[arg(long, allow_hyphen_values = true)]
        amount: Option<String>,
        #[arg(long, value_name = "DATE")]
        due_date: Option<String>,
        #[command(flatten)]
        options: Options,
    },
    /// A statement can be read
    Statement {
        #[command(flatten)]
        person: Person,
        #[arg(long)]
        account: Option<String>,
        #[arg(long, value_name = "DATE")]
        statement_date: Option<String>,
        #[arg(long, value_name = "LINK")]
        statement_url: Option<String>,
        #[command(flatten)]
        options: Options,
    },
    /// A payment was received; reminders for the account that are not sent yet are cancelled
    PaymentConfirmation {
        #[command(flatten)]
        person: Person,
        #[arg(long, allow_hyphen_values = true)]
        amount: Option<String>,
        #[arg(long)]
        account: Option<String>,
        #[arg(long, value_name = "DATE")]
        payment_date: Option<String>,
        #[arg(long)]
        receipt: Option<String>,
        /// Leave the account's reminders in place
        #[arg(long)]
        keep_reminders: bool,
        #[command(flatten)]
        options: Options,
    },
    /// A query was answered
    QueryResponse {
        #[command(flatten)]
        person: Person,
        #[arg(long)]
        reference: Option<String>,
        #[command(flatten)]
        options: Options,
    },
    /// A service will be interrupted: to everybody in an area, or to one person
    ServiceInterruption {
        /// Key or name of the area
        #[arg(long)]
        area: Option<String>,
        /// Only to this phone number, or contact
        #[arg(long, value_name = "NUMBER")]
        to: Option<String>,
        #[arg(long)]
        service: Option<String>,
        #[arg(long, value_name = "TIME")]
        start: Option<String>,
        #[arg(long, value_name = "TIME")]
        end: Option<String>,
        #[arg(long)]
        reason: Option<String>,
        /// Also in quiet hours, and beyond the daily cap
        #[arg(long)]
        critical: bool,
        #[command(flatten)]
        options: Options,
    },
    /// How far a notification is
    Status {
        id: Uuid,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take back what is not sent yet
    Stop { id: Uuid },
}

#[derive(Debug, Args)]
struct Person {
    /// Phone number with country code, or a contact's id
    #[arg(long, value_name = "NUMBER")]
    to: Option<String>,
    /// How the person is addressed
    #[arg(long)]
    name: Option<String>,
}

#[derive(Debug, Args)]
struct Options {
    /// Language of the text; the person's own if not given
    #[arg(long)]
    language: Option<String>,
    /// Not before this time
    #[arg(long, value_name = "TIME")]
    send_at: Option<String>,
    /// Not after this time
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// Print the text and how many would get it; send nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(common: &Common, notify: &Notify) -> anyhow::Result<Exit> {
    match &notify.what {
        What::Status { id, json } => status(common, NotificationId(*id), *json),
        What::Stop { id } => stop(common, NotificationId(*id)),
        what => match request(what) {
            Ok((request, dry_run)) => send(common, request, dry_run),
            Err(problems) => Ok(tell(&problems)),
        },
    }
}

/// The call, checked as the API checks it, and whether it is only to be shown.
fn request(what: &What) -> Result<(NoticeRequest, bool), Vec<FieldProblem>> {
    let given = |value: &Option<String>| Given::from(value.clone());
    let flag = |flag: bool| Given(Value::Bool(flag));
    match what {
        What::PaymentReminder {
            person,
            account,
            amount,
            due_date,
            options,
        } => {
            let call = PaymentReminder {
                to: given(&person.to),
                name: given(&person.name),
                account: given(account),
                amount: given(amount),
                due_date: given(due_date),
                language: given(&options.language),
                send_at: given(&options.send_at),
                expires_at: given(&options.expires_at),
            };
            Ok((NoticeRequest::try_from(&call)?, options.dry_run))
        }
        What::Statement {
            person,
            account,
            statement_date,
            statement_url,
            options,
        } => {
            let call = Statement {
                to: given(&person.to),
                name: given(&person.name),
                account: given(account),
                statement_date: given(statement_date),
                statement_url: given(statement_url),
                language: given(&options.language),
                send_at: given(&options.send_at),
                expires_at: given(&options.expires_at),
            };
            Ok((NoticeRequest::try_from(&call)?, options.dry_run))
        }
        What::PaymentConfirmation {
            person,
            amount,
            account,
            payment_date,
            receipt,
            keep_reminders,
            options,
        } => {
            let call = PaymentConfirmation {
                to: given(&person.to),
                name: given(&person.name),
                amount: given(amount),
                account: given(account),
                payment_date: given(payment_date),
                receipt: given(receipt),
                keep_reminders: flag(*keep_reminders),
                language: given(&options.language),
                send_at: given(&options.send_at),
                expires_at: given(&options.expires_at),
            };
            Ok((NoticeRequest::try_from(&call)?, options.dry_run))
        }
        other => request_of_the_others(other),
    }
}

fn request_of_the_others(what: &What) -> Result<(NoticeRequest, bool), Vec<FieldProblem>> {
    let given = |value: &Option<String>| Given::from(value.clone());
    match what {
        What::QueryResponse {
            person,
            reference,
            options,
        } => {
            let call = QueryResponse {
                to: given(&person.to),
                name: given(&person.name),
                reference: given(reference),
                language: given(&options.language),
                send_at: given(&options.send_at),
                expires_at: given(&options.expires_at),
            };
            Ok((NoticeRequest::try_from(&call)?, options.dry_run))
        }
        What::ServiceInterruption {
            area,
            to,
            service,
            start,
            end,
            reason,
            critical,
            options,
        } => {
            let call = ServiceInterruption {
                area: given(area),
                to: given(to),
                service: given(service),
                start: given(start),
                end: given(end),
                reason: given(reason),
                critical: Given(Value::Bool(*critical)),
                language: given(&options.language),
                send_at: given(&options.send_at),
                expires_at: given(&options.expires_at),
            };
            Ok((NoticeRequest::try_from(&call)?, options.dry_run))
        }
        _ => Err(Vec::new()),
    }
}

fn send(common: &Common, request: NoticeRequest, dry_run: bool) -> anyhow::Result<Exit> {
    with_desk(common, async |desk, _| {
        let outcome = if dry_run {
            show(desk, &request).await
        } else {
            let caller = Caller {
                created_by: "command line".to_owned(),
                once: None,
            };
            notifications::accept(desk, &caller, request)
                .await
                .map(|answer| {
                    output::line(text(&answer.body["id"]));
                    if !answer.body["repeat_of"].is_null() {
                        output::say(
                            "The same was asked for within the last day; it is sent again.",
                        );
                    }
                    if answer.body["state"] == "finished" {
                        output::say("Nobody gets it: `puisano notify status` says why.");
                    }
                })
        };
        match outcome {
            Ok(()) => Ok(Exit::Fine),
            Err(Refused::Fields(problems)) => Ok(tell(&problems)),
            Err(refused) => Err(anyhow!(refused)),
        }
    })
}

async fn show(desk: &Desk, request: &NoticeRequest) -> Result<(), Refused> {
    let preview = notifications::preview(desk, request).await?;
    for filling in &preview.texts {
        output::line(format_args!("[{}] {}", filling.language, filling.text));
    }
    let people = usize::try_from(preview.recipients).unwrap_or(usize::MAX);
    output::say(format_args!(
        "Nothing was sent. It would go to {}, in the language of each.",
        output::count(people, "recipient")
    ));
    Ok(())
}

fn status(common: &Common, id: NotificationId, json: bool) -> anyhow::Result<Exit> {
    with_desk(common, async |desk, _| {
        let state = notifications::state(desk, id).await?;
        if json {
            output::line(&state);
        } else {
            print(&state);
        }
        Ok(Exit::Fine)
    })
}

fn stop(common: &Common, id: NotificationId) -> anyhow::Result<Exit> {
    with_desk(common, async |desk, _| {
        print(&notifications::stop(desk, id).await?);
        Ok(Exit::Fine)
    })
}

fn print(state: &Value) {
    output::line(format_args!(
        "{}  {}",
        text(&state["template"]),
        text(&state["state"])
    ));
    if let Some(reason) = state["reason"].as_str() {
        output::line(format_args!("  {reason}"));
    }
    for (outcome, count) in state["counts"].as_object().into_iter().flatten() {
        if count != 0 {
            output::line(format_args!("  {count:>7} {outcome}"));
        }
    }
    for (why, count) in state["skipped"].as_object().into_iter().flatten() {
        output::line(format_args!("          of these {count} {why}"));
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Every problem with the option it is about.
fn tell(problems: &[FieldProblem]) -> Exit {
    for FieldProblem { field, problem } in problems {
        output::say(format_args!("--{}: {problem}", field.replace('_', "-")));
    }
    Exit::ProblemsFound
}
