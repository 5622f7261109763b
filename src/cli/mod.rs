//! The command line: one file per command. Data goes to stdout, talk to stderr.
//!
//! Exit codes: 0 fine, 1 problems found, 2 could not run.

mod chat;
mod check;
mod conversations;
mod describe;
mod doctor;
mod explain;
mod import;
mod key;
mod outbox;
mod output;
mod pack;
mod say;
mod sentiment;
mod serve;
mod settings;
mod test;

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ColorChoice, CommandFactory, Parser, Subcommand};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Fine,
    ProblemsFound,
    CouldNotRun,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Fine => Self::SUCCESS,
            Exit::ProblemsFound => Self::from(1),
            Exit::CouldNotRun => Self::from(2),
        }
    }
}

/// WhatsApp messages become answers, or a person's work.
#[derive(Debug, Parser)]
#[command(
    name = "puisano",
    version,
    about,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Options that every command understands.
#[derive(Clone, Debug, Args)]
struct Common {
    /// Folder of the pack: rules, responses, tests [default: rules, or `PUISANO_RULES`]
    #[arg(long, global = true, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Folder of the lexicons: words with weights [default: lexicons, or `PUISANO_LEXICONS`]
    #[arg(long, global = true, value_name = "DIR")]
    lexicons: Option<PathBuf>,
    /// Settings file; without it `puisano.env` or `.env` in this folder, if it is there
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Colours: auto, always, never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
}

/// A command without a sentence here is described where its options are: a comment here would take its examples away.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service
    Serve,
    Say(say::Say),
    Chat(chat::Chat),
    Check(check::Check),
    Test(test::Test),
    Explain(explain::Explain),
    Sentiment(sentiment::Sentiment),
    /// Check settings, database, rules and connection
    Doctor,
    Conversations(conversations::List),
    Import(import::Import),
    Reply(conversations::Reply),
    Resolve(conversations::Resolve),
    Key(key::Key),
    Outbox(outbox::Outbox),
}

/// Reads the arguments, runs the command and says how it ended.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                Exit::CouldNotRun
            } else {
                Exit::Fine
            }
            .into();
        }
    };
    output::set_color(cli.common.color);
    run(cli)
        .unwrap_or_else(|error| {
            output::error(&error);
            Exit::CouldNotRun
        })
        .into()
}

fn run(cli: Cli) -> anyhow::Result<Exit> {
    let Cli { common, command } = cli;
    match command {
        Command::Serve => serve::run(&common),
        Command::Say(say) => say::run(&common, &say),
        Command::Chat(chat) => chat::run(&common, &chat),
        Command::Check(check) => check::run(&common, &check),
        Command::Test(test) => test::run(&common, &test),
        Command::Explain(explain) => explain::run(&common, &explain),
        Command::Sentiment(sentiment) => sentiment::run(&common, &sentiment),
        Command::Doctor => doctor::run(&common),
        Command::Conversations(list) => conversations::list(&common, &list),
        Command::Import(import) => import::run(&common, &import),
        Command::Reply(reply) => conversations::reply(&common, &reply),
        Command::Key(key) => key::run(&common, &key),
        Command::Resolve(resolve) => conversations::resolve(&common, &resolve),
        Command::Outbox(outbox) => outbox::run(&common, &outbox),
    }
}

/// The whole manual of the command line, for `docs/cli.md`.
pub fn manual() -> String {
    let mut command = Cli::command();
    let mut text = String::from(
        "# The command line\n\nMade from the program's own help; a test keeps it so.\n\nA command ends with 0 \
         when all is well, with 1 when it found problems, and with 2 when it could not do its work.\n",
    );
    let mut section = |title: &str, help: String| {
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        let _ = write!(
            text,
            "\n## {title}\n\n```text\n{}\n```\n",
            help.join("\n").trim_end()
        );
    };
    section("puisano", command.render_help().to_string());
    command.build();
    for sub in command.get_subcommands() {
        let mut sub = sub.clone();
        section(
            &format!("puisano {}", sub.get_name()),
            sub.render_long_help().to_string(),
        );
    }
    text
}
