//! `puisano import`: contacts and accounts from a file, on the database of the settings.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use puisano_engine::Ruleset;
use serde_json::json;

use crate::cli::{Common, Exit, conversations, output, settings};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::Origin;
use crate::people::Areas;
use crate::people::import::{CellProblem, Import as Run, ImportError, Kind, News, Summary};
use crate::rulesets::{self, Folders, Sources};
use crate::store::Store;
use crate::store::areas::Area;
use crate::store::people::Keep;

/// Problems that are printed for people; a file in which nothing fits has as many as rows.
const SHOWN_MAX: u64 = 200;
/// Rows between two lines about progress, where there is no terminal.
const LINE_ROWS: u64 = 50_000;

/// Import contacts or accounts from a CSV file
///
/// Rows with problems are named and left out, all others are written; running it again changes nothing more. The columns
/// are described in docs/import.md.
///
/// Examples:
///   puisano import contacts residents.csv --dry-run
///   puisano import accounts accounts.csv
///   puisano import accounts accounts.csv --json > problems.jsonl
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Import {
    /// What the file holds
    what: What,
    /// The file: CSV in UTF-8, cells parted by comma, semicolon or tab
    file: PathBuf,
    /// Do everything but keep it
    #[arg(long)]
    dry_run: bool,
    /// Print JSON, one object a line: problems, notes, and a summary at the end
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    Contacts,
    Accounts,
}

pub(super) fn run(common: &Common, import: &Import) -> anyhow::Result<Exit> {
    let config = settings::load(common)?;
    let bytes = std::fs::metadata(&import.file)
        .with_context(|| format!("cannot read {}", import.file.display()))?;
    anyhow::ensure!(bytes.is_file(), "{} is no file", import.file.display());
    let mut teller = Teller::new(import, bytes.len());
    conversations::with_store(common, async |store| {
        let outcome = work(store, &config, import, &mut teller).await;
        teller.end(outcome)
    })
}

async fn work(
    store: &Store,
    config: &Config,
    import: &Import,
    teller: &mut Teller,
) -> anyhow::Result<Result<Summary, ImportError>> {
    let clock = Clock::default();
    let keep = if import.dry_run {
        Keep::DryRun
    } else {
        Keep::Yes
    };
    let ruleset = live_rules(store, config).await?;
    let languages = ruleset.languages().to_vec();
    let areas = areas(store, &clock, (&ruleset, keep)).await?;
    // Compiled rules are large, and a large file is still to come.
    drop(ruleset);
    let run = Run {
        kind: match import.what {
            What::Contacts => Kind::Contacts,
            What::Accounts => Kind::Accounts,
        },
        store,
        clock: &clock,
        origin: if config.whatsapp.is_some() {
            Origin::Live
        } else {
            Origin::Simulated
        },
        languages: &languages,
        areas: &areas,
        keep,
    };
    Ok(run.run(&import.file, &mut |news| teller.tell(news)).await)
}

/// The rules that are live; those of the folder when none were ever published.
async fn live_rules(store: &Store, config: &Config) -> anyhow::Result<Ruleset> {
    let sources = match store.latest_ruleset().await? {
        Some((_, json)) => Sources::from_json(&json)?,
        None => Folders {
            rules: config.rules.clone(),
            lexicons: config.lexicons.clone(),
        }
        .load()?,
    };
    let checked = rulesets::compile(sources);
    let live = checked
        .live
        .context("the rules have errors: see `puisano check`")?;
    Ok(live.ruleset)
}

/// The places of database and pack.
async fn areas(
    store: &Store,
    clock: &Clock,
    (ruleset, keep): (&Ruleset, Keep),
) -> anyhow::Result<Areas> {
    if keep == Keep::Yes {
        rulesets::areas::seed(store, clock, ruleset).await?;
    }
    let mut areas = store.areas().await?;
    for seed in rulesets::areas::seeds(ruleset) {
        if !areas.iter().any(|area| area.key == seed.key) {
            areas.push(Area {
                key: seed.key,
                name: seed.name,
                aliases: seed.aliases,
                parent: None,
                updated_at: clock.now(),
            });
        }
    }
    Ok(Areas::new(&areas))
}

/// Tells a person or a program what happens.
struct Teller {
    file: PathBuf,
    is_json: bool,
    is_dry_run: bool,
    bar: Option<ProgressBar>,
    problems: u64,
    /// Rows at which the next line about progress is due.
    next_line: u64,
}

impl Teller {
    fn new(import: &Import, bytes: u64) -> Self {
        let bar = (std::io::stderr().is_terminal() && !import.json).then(|| {
            let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3}%  {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self {
            file: import.file.clone(),
            is_json: import.json,
            is_dry_run: import.dry_run,
            bar,
            problems: 0,
            next_line: LINE_ROWS,
        }
    }

    fn tell(&mut self, news: News) {
        match news {
            News::Warning(text) => self.aside(|| output::say(format_args!("Warning: {text}"))),
            News::Problem(problem) => self.row("problem", &problem),
            News::Note(note) => self.row("note", &note),
            News::Progress { bytes, rows } => self.progress(bytes, rows),
        }
    }

    fn row(&mut self, what: &str, problem: &CellProblem) {
        self.problems += 1;
        if self.is_json {
            let mut object = json!(problem);
            object["type"] = json!(what);
            output::line(object);
        } else if self.problems <= SHOWN_MAX {
            self.aside(|| output::line(problem));
        }
    }

    fn progress(&mut self, bytes: u64, rows: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
            bar.set_message(format!("{rows} rows"));
        } else if rows >= self.next_line {
            self.next_line = rows - rows % LINE_ROWS + LINE_ROWS;
            output::say(format_args!("{rows} rows …"));
        }
    }

    /// Prints without a bar in between.
    fn aside(&self, print: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn end(&self, outcome: anyhow::Result<Result<Summary, ImportError>>) -> anyhow::Result<Exit> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let summary = match outcome? {
            Ok(summary) => summary,
            Err(ImportError::Store(error)) => return Err(ImportError::Store(error).into()),
            Err(ImportError::Read(error)) => {
                return Err(error).with_context(|| unreadable(&self.file));
            }
            Err(error) => {
                self.refused(&error.to_string());
                return Ok(Exit::ProblemsFound);
            }
        };
        if self.is_json {
            let mut object = json!(summary);
            object["type"] = json!("summary");
            object["dry_run"] = json!(self.is_dry_run);
            output::line(object);
        } else {
            self.summary(summary);
        }
        Ok(if summary.refused == 0 {
            Exit::Fine
        } else {
            Exit::ProblemsFound
        })
    }

    /// The file as a whole.
    fn refused(&self, problem: &str) {
        if self.is_json {
            output::line(json!({ "type": "problem", "problem": problem }));
        } else {
            output::line(format_args!("{}: {problem}", self.file.display()));
        }
    }

    fn summary(&self, summary: Summary) {
        let Summary {
            rows,
            created,
            updated,
            unchanged,
            refused,
        } = summary;
        if self.problems > SHOWN_MAX {
            let more = self.problems - SHOWN_MAX;
            output::line(format_args!("… and {more} more; --json shows all"));
        }
        output::say(format_args!(
            "{rows} rows: {created} created, {updated} updated, {unchanged} unchanged, {refused} refused."
        ));
        if self.is_dry_run {
            output::say("This was a dry run: nothing was kept.");
        } else if refused > 0 {
            output::say(
                "Mend the rows above and import the file again: what is written stays as it is.",
            );
        }
    }
}

fn unreadable(file: &Path) -> String {
    format!("cannot read {}", file.display())
}
