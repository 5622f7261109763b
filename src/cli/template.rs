//! `puisano template`: our texts and WhatsApp's, side by side; fetching, showing, submitting.

use std::collections::BTreeMap;

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use puisano_engine::{Language, Template as PackTemplate};
use serde_json::json;

use crate::cli::desk::with_desk;
use crate::cli::{Common, Exit, output};
use crate::outbound::notifications::Desk;
use crate::outbound::templates::{self, Account, Submitted};
use crate::store::templates::{LinkState, TemplateLink};

/// List templates, compare them with WhatsApp's, try them, submit them
///
/// Examples:
///   puisano template list
///   puisano template sync
///   puisano template preview query_response --language st --set name=Thandi
///   puisano template diff
///   puisano template submit
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[expect(clippy::doc_markdown, reason = "examples are typed as they stand")]
pub(super) struct Template {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Every text with how it stands at WhatsApp
    List {
        /// Print JSON, one object a line
        #[arg(long)]
        json: bool,
    },
    /// Fetch WhatsApp's templates and compare them with ours
    Sync,
    /// Print a template's text with its samples, or with values of yours
    Preview {
        name: String,
        /// Only in this language
        #[arg(long)]
        language: Option<String>,
        /// A value in the place of the sample
        #[arg(long = "set", value_name = "FIELD=VALUE")]
        values: Vec<String>,
    },
    /// Show what stands between our texts and sending them
    Diff,
    /// Submit what WhatsApp does not have; by name also what differs there
    Submit { names: Vec<String> },
}

pub(super) fn run(common: &Common, template: &Template) -> anyhow::Result<Exit> {
    with_desk(common, async |desk, account| match &template.what {
        What::List { json } => list(desk, *json).await,
        What::Sync => sync(desk, account).await,
        What::Preview {
            name,
            language,
            values,
        } => preview(desk, (name, language.as_deref()), values),
        What::Diff => diff(desk).await,
        What::Submit { names } => submit(desk, account, names).await,
    })
}

async fn list(desk: &Desk, as_json: bool) -> anyhow::Result<Exit> {
    for link in desk.store.template_links().await? {
        let filed = filed(&link);
        if as_json {
            output::line(json!({
                "template": link.template, "language": link.language, "state": link.state,
                "meta_name": link.meta_name, "meta_language": link.meta_language, "explanation": link.explanation,
            }));
        } else {
            let (name, state) = (&link.template, link.state.name());
            output::line(format_args!(
                "{name:<24} {:<4} {state:<9} {filed}",
                link.language
            ));
        }
    }
    Ok(Exit::Fine)
}

/// WhatsApp's name and code, where it has one.
fn filed(link: &TemplateLink) -> String {
    match (&link.meta_name, &link.meta_language) {
        (Some(name), Some(code)) => format!("as {name} ({code})"),
        _ => String::new(),
    }
}

async fn sync(desk: &Desk, account: &Account) -> anyhow::Result<Exit> {
    let summary =
        templates::sync(&desk.store, account, (&desk.rules.current(), &desk.clock)).await?;
    output::say(format_args!(
        "WhatsApp has {}.",
        output::count(summary.remote, "template")
    ));
    for (state, texts) in &summary.ours {
        output::line(format_args!("{texts:>5} {state}"));
    }
    Ok(Exit::Fine)
}

fn preview(
    desk: &Desk,
    (name, language): (&str, Option<&str>),
    set: &[String],
) -> anyhow::Result<Exit> {
    let live = desk.rules.current();
    let Some(template) = live.ruleset.template(name) else {
        let names: Vec<&str> = live
            .ruleset
            .templates()
            .iter()
            .map(PackTemplate::name)
            .collect();
        bail!(
            "there is no template `{name}`; there is {}",
            names.join(", ")
        );
    };
    let mut given: BTreeMap<String, String> = template
        .fields()
        .iter()
        .map(|field| (field.name.clone(), field.sample.clone()))
        .collect();
    for pair in set {
        let (field, value) = pair
            .split_once('=')
            .ok_or_else(|| anyhow!("write --set FIELD=VALUE instead of `{pair}`"))?;
        given.insert(field.to_owned(), value.to_owned());
    }
    let values = match template.read(&given) {
        Ok(values) => values,
        Err(problems) => {
            for problem in problems {
                output::say(format_args!("{}: {}", problem.field, problem.problem));
            }
            return Ok(Exit::ProblemsFound);
        }
    };
    let languages = match language.map(|code| (code, Language::parse(code))) {
        None => template.languages(),
        Some((_, Some(language))) if template.languages().contains(&language) => vec![language],
        Some((code, _)) => bail!("`{name}` has no text in `{code}`"),
    };
    let mut exit = Exit::Fine;
    for language in languages {
        match template.render(language, &values) {
            Some(Ok(rendered)) => output::line(format_args!("[{language}] {}", rendered.text)),
            Some(Err(problems)) => {
                exit = Exit::ProblemsFound;
                for problem in problems {
                    output::say(format_args!("{}: {}", problem.field, problem.problem));
                }
            }
            None => {}
        }
    }
    Ok(exit)
}

async fn diff(desk: &Desk) -> anyhow::Result<Exit> {
    let links = desk.store.template_links().await?;
    let mut exit = Exit::Fine;
    for link in links
        .iter()
        .filter(|link| link.state != LinkState::Approved)
    {
        exit = Exit::ProblemsFound;
        output::line(format_args!(
            "{} [{}] {} {}",
            link.template,
            link.language,
            link.state.name(),
            filed(link)
        ));
        for line in link.explanation.as_deref().unwrap_or_default().lines() {
            output::line(format_args!("  {line}"));
        }
    }
    if exit == Exit::Fine {
        output::say("Every text is approved as it stands in the rules.");
    }
    Ok(exit)
}

async fn submit(desk: &Desk, account: &Account, names: &[String]) -> anyhow::Result<Exit> {
    let live = desk.rules.current();
    if let Some(unknown) = names
        .iter()
        .find(|name| live.ruleset.template(name).is_none())
    {
        bail!("there is no template `{unknown}` in the rules");
    }
    templates::sync(&desk.store, account, (&live, &desk.clock)).await?;
    let submitted = templates::submit(&desk.store, account, (&live, names)).await?;
    let mut exit = Exit::Fine;
    for Submitted {
        template,
        language,
        meta_name,
        meta_language,
        outcome,
    } in &submitted
    {
        match outcome {
            Ok(what) => output::line(format_args!(
                "{template} [{language}] {what} as {meta_name} ({meta_language})"
            )),
            Err(failure) => {
                exit = Exit::ProblemsFound;
                let said = failure.said.as_deref().unwrap_or_default();
                output::say(format_args!("{template} [{language}] {failure} {said}"));
            }
        }
    }
    if submitted.is_empty() {
        output::say("There is nothing to submit.");
    } else {
        templates::sync(&desk.store, account, (&live, &desk.clock)).await?;
    }
    Ok(exit)
}
