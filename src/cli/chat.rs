//! `puisano chat`: a conversation with the bot in the terminal. Only the engine: nothing is stored, nothing is sent.
//!
//! From a pipe it reads lines and prints only the replies.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal};

use clap::Args;
use jiff::Timestamp;
use puisano_engine::{
    Consent, Contact, Decision, Effect, Language, MessageKind, Notification, Owner, Spoken, State,
    Template, Turn, decide,
};

use crate::cli::describe::{describe, reply_lines};
use crate::cli::{Common, Exit, output, pack};
use crate::clock::Clock;
use crate::rulesets::Live;

/// Talk to the bot in the terminal; only the engine, nothing is stored
///
/// A line that begins with `/` is for the program: `/1` taps the first button, `/help` lists the others.
///
/// Examples:
///   puisano chat
///   puisano chat --language st
///   printf 'hi\nno water\n' | puisano chat
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Chat {
    /// The language the contact is known to speak
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
}

const HELP: &str = "/1 … /9 tap a button   /why the last decision   /state   /reset   /image /voice /location   /notify TEMPLATE   /quit";

pub(super) fn run(common: &Common, chat: &Chat) -> anyhow::Result<Exit> {
    let live = match pack::load(common)? {
        Ok(live) => live,
        Err(exit) => return Ok(exit),
    };
    let language = match &chat.language {
        Some(code) => Some(
            Language::parse(code).ok_or_else(|| anyhow::anyhow!("`{code}` is no language code"))?,
        ),
        None => None,
    };
    let mut talk = Talk::new(live, language);
    if std::io::stdin().is_terminal() {
        let hash = talk
            .live
            .hash
            .as_str()
            .get(..12)
            .unwrap_or_default()
            .to_owned();
        output::say(format_args!(
            "{} bot, rules {hash}. /help for commands, Ctrl-D to leave.",
            talk.live.ruleset.name()
        ));
        interactive(&mut talk)?;
    } else {
        for line in std::io::stdin().lock().lines() {
            if !talk.hear(&line?) {
                break;
            }
        }
    }
    Ok(Exit::Fine)
}

fn interactive(talk: &mut Talk) -> anyhow::Result<()> {
    let mut editor = rustyline::DefaultEditor::new()?;
    loop {
        match editor.readline("you> ") {
            Ok(line) => {
                let _ = editor.add_history_entry(&line);
                if !talk.hear(&line) {
                    return Ok(());
                }
            }
            Err(
                rustyline::error::ReadlineError::Eof | rustyline::error::ReadlineError::Interrupted,
            ) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// A conversation as it goes on.
struct Talk {
    live: Live,
    clock: Clock,
    language: Option<Language>,
    contact: Contact,
    state: State,
    owner: Owner,
    turns: u64,
    /// What the bot is taken to have sent last.
    notification: Option<Notification>,
    last: Option<(String, Decision)>,
}

/// One thing the person does.
struct Said<'a> {
    text: &'a str,
    kind: MessageKind,
    button: Option<&'a str>,
}

impl Talk {
    fn new(live: Live, language: Option<Language>) -> Self {
        let contact = Contact {
            language,
            ..Contact::default()
        };
        let (state, owner) = (State::default(), Owner::default());
        Self {
            live,
            clock: Clock::default(),
            language,
            contact,
            state,
            owner,
            turns: 0,
            notification: None,
            last: None,
        }
    }

    /// Takes a line; `false` ends the conversation.
    fn hear(&mut self, line: &str) -> bool {
        let text = line.trim();
        match text.strip_prefix('/') {
            None if text.is_empty() => {}
            None => self.turn(&Said {
                text,
                kind: MessageKind::Text,
                button: None,
            }),
            Some(command) => return self.command(command),
        }
        true
    }

    fn command(&mut self, command: &str) -> bool {
        match command {
            "quit" | "exit" => return false,
            "why" => match &self.last {
                Some((text, decision)) => output::line(describe(text, decision)),
                None => output::say("Nothing has been decided yet."),
            },
            "state" => output::line(format!("{:#}", self.state.to_json())),
            "reset" => {
                self.state = State::default();
                self.owner = Owner::default();
                self.notification = None;
                self.contact = Contact {
                    language: self.language,
                    ..Contact::default()
                };
                output::say("A new conversation.");
            }
            "image" => self.turn(&Said {
                text: "",
                kind: MessageKind::Image,
                button: None,
            }),
            "voice" => self.turn(&Said {
                text: "",
                kind: MessageKind::Voice,
                button: None,
            }),
            "location" => self.turn(&Said {
                text: "",
                kind: MessageKind::Location,
                button: None,
            }),
            notify if notify.starts_with("notify") => {
                self.notify(notify.trim_start_matches("notify").trim());
            }
            number => match number
                .parse::<usize>()
                .ok()
                .and_then(|number| self.choice(number))
            {
                Some((id, title)) => {
                    self.turn(&Said {
                        text: &title,
                        kind: MessageKind::Button,
                        button: Some(&id),
                    });
                }
                None => output::say(HELP),
            },
        }
        true
    }

    /// Shows a notification of this template with its samples; what is written next answers it.
    fn notify(&mut self, name: &str) {
        let rules = &self.live.ruleset;
        let notification = rules
            .template(name)
            .and_then(|template| Some((template, template.notification(&BTreeMap::new()).ok()?)));
        let Some((template, notification)) = notification else {
            let names: Vec<&str> = rules.templates().iter().map(Template::name).collect();
            output::say(format_args!("/notify NAME, of {}", names.join(", ")));
            return;
        };
        let languages = self.language.into_iter().chain(template.languages());
        let mut rendered =
            languages.filter_map(|language| template.render(language, &notification.fields));
        if let Some(Ok(rendered)) = rendered.next() {
            for line in rendered.text.lines() {
                output::line(format_args!("bot> {line}"));
            }
        }
        self.notification = Some(notification);
    }

    /// The n-th button or row of the last replies.
    fn choice(&self, number: usize) -> Option<(String, String)> {
        let (_, decision) = self.last.as_ref()?;
        let choices = decision
            .replies
            .iter()
            .flat_map(|spoken| spoken.reply.choices());
        let (id, title) = choices.into_iter().nth(number.checked_sub(1)?)?;
        Some((id.to_owned(), title.to_owned()))
    }

    fn turn(&mut self, said: &Said<'_>) {
        let now = self.clock.now();
        let decision = decide(&self.live.ruleset, &self.state, &self.situation(said, now));
        self.state = decision.state.clone();
        for effect in &decision.effects {
            self.carry_out(effect);
        }
        for line in decision
            .replies
            .iter()
            .flat_map(|Spoken { reply, .. }| reply_lines(reply))
        {
            output::line(format_args!("bot> {line}"));
        }
        if std::io::stdin().is_terminal() {
            output::say(format_args!("     {}", one_line(&decision)));
        }
        self.turns += 1;
        self.last = Some((said.text.to_owned(), decision));
    }

    fn situation<'a>(&'a self, said: &Said<'a>, now: Timestamp) -> Turn<'a> {
        Turn {
            text: said.text,
            kind: said.kind,
            button: said.button,
            sent_at: now,
            received_at: now,
            now,
            seed: self.turns,
            owner: self.owner,
            contact: &self.contact,
            events: &[],
            notification: self.notification.as_ref(),
        }
    }

    fn carry_out(&mut self, effect: &Effect) {
        match effect {
            Effect::Escalate { team, reason, .. } => {
                self.owner = Owner::Waiting;
                output::say(format_args!(
                    "     handed over to {team}: {reason}. The bot is silent now; /reset begins anew."
                ));
            }
            Effect::SetContact { field, value } => {
                self.contact.fields.insert(field.clone(), value.clone());
            }
            Effect::ForgetContact { field } => {
                self.contact.fields.remove(field);
            }
            Effect::Tag { tag } => {
                self.contact.tags.insert(tag.clone());
            }
            Effect::Untag { tag } => {
                self.contact.tags.remove(tag);
            }
            Effect::React { emoji } => output::line(format_args!("bot> {emoji}")),
            Effect::OptOut { categories } => {
                self.contact.opted_out |= categories.len() == Consent::ALL.len();
            }
            Effect::OptIn { .. } => self.contact.opted_out = false,
            Effect::Cancel { .. } | Effect::End => {}
        }
    }
}

/// Intent, score and mood in one line.
fn one_line(decision: &Decision) -> String {
    let intents: Vec<String> = decision
        .intents
        .iter()
        .map(|found| format!("{} {:.2}", found.intent, f64::from(found.score) / 1000.0))
        .collect();
    let understood = if intents.is_empty() {
        "not understood".to_owned()
    } else {
        intents.join(", ")
    };
    let mood = decision
        .mood
        .score
        .map_or_else(|| "not judged".to_owned(), |score| format!("{score:+.2}"));
    format!("{understood} · {} · {mood}", decision.language)
}
