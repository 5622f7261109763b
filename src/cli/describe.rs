//! A decision in words, for people at a terminal.

use std::fmt::Write;

use puisano_engine::{Consent, Decision, Effect, Outcome, Reply, Trace, Verdict};

/// A reply as lines of a terminal.
pub(super) fn reply_lines(reply: &Reply) -> Vec<String> {
    let choices = |titles: Vec<&String>| {
        let numbered = titles
            .iter()
            .enumerate()
            .map(|(n, title)| format!("[{}] {title}", n + 1));
        numbered.collect::<Vec<_>>().join("  ")
    };
    let below = match reply {
        Reply::Text { .. } => None,
        Reply::Buttons { buttons, .. } => Some(choices(buttons.iter().map(|b| &b.title).collect())),
        Reply::List { rows, .. } => Some(choices(rows.iter().map(|row| &row.title).collect())),
        Reply::CtaUrl { button, url, .. } => Some(format!("[{button}] {url}")),
        Reply::AskLocation { .. } => Some("[location]".to_owned()),
        Reply::Media {
            kind,
            link,
            filename,
            ..
        } => Some(
            [word(kind), link.clone()]
                .into_iter()
                .chain(filename.clone())
                .collect::<Vec<_>>()
                .join(" "),
        ),
        Reply::Location(place) => Some(
            [format!("{}, {}", place.latitude, place.longitude)]
                .into_iter()
                .chain(place.name.clone())
                .chain(place.address.clone())
                .collect::<Vec<_>>()
                .join(" "),
        ),
        Reply::Contacts { contacts } => Some(
            contacts
                .iter()
                .map(|card| format!("{} {}", card.name, card.phones.join(" ")))
                .collect::<Vec<_>>()
                .join("; "),
        ),
    };
    reply
        .text()
        .lines()
        .map(str::to_owned)
        .chain(below)
        .collect()
}

/// Everything about a decision, the way `explain` prints it.
pub(super) fn describe(text: &str, decision: &Decision) -> String {
    let mut page = String::new();
    language(&mut page, decision);
    entities(&mut page, text, decision);
    candidates(&mut page, text, &decision.trace);
    rules(&mut page, &decision.trace);
    mood(&mut page, decision);
    outcome(&mut page, decision);
    page.trim_end().to_owned()
}

/// A line with its name in the first column.
fn row(page: &mut String, name: &str, text: impl std::fmt::Display) {
    let _ = writeln!(page, "{name:<9} {text}");
}

fn language(page: &mut String, decision: &Decision) {
    let trace = &decision.trace.language;
    let guess = trace.guess.map_or_else(
        || "not recognised".to_owned(),
        |guess| format!("looks like {guess}"),
    );
    row(
        page,
        "language",
        format_args!(
            "{} ({guess}, {:.2}; from the {})",
            decision.language,
            trace.certainty,
            word(trace.from)
        ),
    );
}

/// A value's name as it is stored.
fn word(value: impl serde::Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().replace('_', " ")
}

fn entities(page: &mut String, text: &str, decision: &Decision) {
    for (n, value) in decision.entities.iter().enumerate() {
        let name = if n == 0 { "entities" } else { "" };
        row(
            page,
            name,
            format_args!(
                "{} = {}    \"{}\"",
                value.name,
                value.value,
                cut(text, value.start, value.end)
            ),
        );
    }
}

fn candidates(page: &mut String, text: &str, trace: &Trace) {
    if trace.candidates.is_empty() {
        row(
            page,
            "intent",
            "none: no phrase of the pack is in the message",
        );
    }
    for candidate in &trace.candidates {
        let name = if candidate.outcome == Outcome::Chosen {
            "intent"
        } else {
            "also"
        };
        let score = f64::from(candidate.score) / 1000.0;
        row(
            page,
            name,
            format_args!("{}  {score:.3}    {}", candidate.intent, candidate.at),
        );
        let typos = if candidate.typos > 0 {
            format!(", {} letters off", candidate.typos)
        } else {
            String::new()
        };
        let words = cut(text, candidate.start, candidate.end);
        row(
            page,
            "",
            format_args!(
                "  `{}` matched \"{words}\"{typos}{}",
                candidate.phrase,
                standing(&candidate.outcome)
            ),
        );
    }
}

fn standing(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Chosen => String::new(),
        Outcome::BelowAccept => "; too little to go on".to_owned(),
        Outcome::Loses { to, by } => format!("; loses to {to} by {}", word(by)),
        Outcome::Rival { with } => format!("; too close to {with} to tell which is meant"),
        Outcome::Unless { phrase, at } => format!("; removed by `unless: {phrase}` ({at})"),
        Outcome::TooMany => "; the message already has its most intents".to_owned(),
    }
}

fn rules(page: &mut String, trace: &Trace) {
    for rule in &trace.rules {
        let (name, verdict) = match &rule.verdict {
            Verdict::Decided => ("rule", "decided".to_owned()),
            Verdict::Added => ("rule", "acted, later rules may add to it".to_owned()),
            Verdict::ActedBefore => ("", "had acted already".to_owned()),
            Verdict::Held { back } => ("", format!("held back: {back}")),
            Verdict::Fails { why } => ("", format!("no: {why}")),
            Verdict::NotReached => continue,
        };
        row(
            page,
            name,
            format_args!("{}    {}    {verdict}", rule.name, rule.at),
        );
    }
    for note in &trace.notes {
        row(page, "note", note);
    }
}

fn mood(page: &mut String, decision: &Decision) {
    let label = word(decision.mood.label);
    match decision.mood.score {
        Some(score) => row(page, "mood", format_args!("{score:+.4} {label}")),
        None => row(page, "mood", label),
    }
    for word in &decision.mood.words {
        let at = word
            .at
            .as_ref()
            .map_or_else(String::new, |at| format!("    {at}"));
        row(
            page,
            "",
            format_args!("  {}  {:+.2}  {}{at}", word.text, word.value, word.why),
        );
    }
}

fn outcome(page: &mut String, decision: &Decision) {
    for spoken in &decision.replies {
        let names = if spoken.responses.is_empty() {
            "a text".to_owned()
        } else {
            spoken.responses.join(" + ")
        };
        row(page, "reply", format_args!("{names} ({})", spoken.language));
        for line in reply_lines(&spoken.reply) {
            row(page, "", format_args!("  {line}"));
        }
    }
    if decision.replies.is_empty() {
        row(page, "reply", "nothing");
    }
    for effect in &decision.effects {
        row(page, "then", effect_words(effect));
    }
}

fn effect_words(effect: &Effect) -> String {
    match effect {
        Effect::Escalate {
            team,
            priority,
            reason,
            ..
        } => {
            format!("hand over to {team}, priority {}: {reason}", word(priority))
        }
        Effect::SetContact { field, value } => format!("contact.{field} = {value}"),
        Effect::ForgetContact { field } => format!("forget contact.{field}"),
        Effect::Tag { tag } => format!("tag {tag}"),
        Effect::Untag { tag } => format!("untag {tag}"),
        Effect::React { emoji } => format!("react {emoji}"),
        Effect::OptOut { categories } => format!("no more messages about {}", consents(categories)),
        Effect::OptIn { categories } => format!("messages again about {}", consents(categories)),
        Effect::Cancel { template } => format!("cancel what is still to be sent of {template}"),
        Effect::End => "end of the session".to_owned(),
    }
}

fn consents(categories: &[Consent]) -> String {
    if categories.len() == Consent::ALL.len() {
        return "anything".to_owned();
    }
    categories.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// Bytes of the message, as far as they are whole characters.
fn cut(text: &str, start: u32, end: u32) -> &str {
    text.get(start as usize..end as usize).unwrap_or_default()
}
