//! The question which of several things is meant, asked with buttons in the customer's language.

use crate::decision::{Button, Reply, Spoken};
use crate::language::Language;
use crate::ruleset::{Form, Intent, IntentId, Ruleset};

/// UTF-16 units of a button's title; WhatsApp's limit.
const TITLE_UNITS_MAX: usize = 20;
/// Buttons of one message; WhatsApp's limit.
const BUTTONS_MAX: usize = 3;

/// Asks which of `rivals` is meant; each button carries the name of its intent. `None` when there are not two to tell apart.
pub(super) fn question(rules: &Ruleset, rivals: &[IntentId], language: Language) -> Option<Spoken> {
    let mut buttons: Vec<Button> = Vec::with_capacity(BUTTONS_MAX);
    let intents = rivals.iter().filter_map(|id| rules.intents.get(id.at()));
    for intent in intents.take(BUTTONS_MAX) {
        let title = title(rules, intent, language, &buttons);
        buttons.push(Button {
            id: intent.name.clone(),
            title,
        });
    }
    let (language, text) = wording(language);
    let reply = Reply::Buttons {
        header: None,
        text: text.to_owned(),
        footer: None,
        buttons,
    };
    (rivals.len() > 1).then_some(Spoken {
        responses: Vec::new(),
        language,
        reply,
    })
}

fn wording(language: Language) -> (Language, &'static str) {
    match language {
        Language::ST => (language, "O bua ka efe ho tsena?"),
        Language::AF => (language, "Watter een bedoel u?"),
        Language::XH => (language, "Uthetha ngeyiphi kwezi?"),
        _ => (Language::EN, "Which of these do you mean?"),
    }
}

/// The title that the pack itself gives a button for this intent in this language; else its `about` if that is short
/// enough; else its name. Titles of one message differ.
fn title(rules: &Ruleset, intent: &Intent, language: Language, taken: &[Button]) -> String {
    let about = intent
        .about
        .as_deref()
        .map(|about| about.trim_end_matches('.').to_owned());
    let own = button_title(rules, &intent.name, language).map(str::to_owned);
    let name = label(&intent.name);
    let fits = |title: &String| {
        let length = title.encode_utf16().count();
        (1..=TITLE_UNITS_MAX).contains(&length) && taken.iter().all(|button| button.title != *title)
    };
    let mut titles = own.into_iter().chain(about).chain([name.clone()]);
    titles
        .find(fits)
        .unwrap_or_else(|| numbered(&name, taken.len() + 1))
}

/// A title that cannot be one of the others.
fn numbered(name: &str, number: usize) -> String {
    let short: String = name.chars().take(TITLE_UNITS_MAX - 4).collect();
    format!("{number}. {short}…")
}

/// `water_outage` is shown as "Water outage".
fn label(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let mut chars = spaced.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// What a response of the pack calls the button with this id.
fn button_title<'r>(rules: &'r Ruleset, id: &str, language: Language) -> Option<&'r str> {
    if !rules.buttons.titles.contains_key(id) {
        return None;
    }
    let speeches = rules
        .responses
        .iter()
        .filter_map(|response| response.languages.get(&language))
        .flatten();
    let mut choices = speeches.flat_map(|speech| match &speech.form {
        Form::Buttons(choices) => choices,
        Form::List { rows, .. } => rows,
        _ => [].as_slice(),
    });
    choices
        .find(|choice| choice.id == id)
        .map(|choice| choice.title.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::fixture::ruleset;

    fn titles(names: &[&str], abouts: &[&str], language: Language) -> Vec<String> {
        let mut rules = ruleset([0; 4], Vec::new());
        for ((intent, name), about) in rules.intents.iter_mut().zip(names).zip(abouts) {
            (*name).clone_into(&mut intent.name);
            intent.about = (!about.is_empty()).then(|| (*about).to_owned());
        }
        let asked = question(
            &rules,
            &[IntentId(0), IntentId(1), IntentId(2), IntentId(3)],
            language,
        );
        let choices = asked
            .as_ref()
            .map(|spoken| spoken.reply.choices())
            .unwrap_or_default();
        choices
            .into_iter()
            .map(|(_, title)| title.to_owned())
            .collect()
    }

    #[test]
    fn titles_are_short_and_differ() {
        let abouts = [
            "No water at home.",
            "The customer has no water or low pressure.",
            "",
        ];
        let shown = titles(
            &[
                "water_outage",
                "water_pressure",
                "a_pipe_that_has_burst_here",
            ],
            &abouts,
            Language::EN,
        );
        assert_eq!(
            shown,
            ["No water at home", "Water pressure", "3. A pipe that has …"]
        );
        assert_eq!(
            titles(&["x", "y", "z"], &["Same", "Same", "Same"], Language::EN),
            ["Same", "Y", "Z"]
        );
        // The pack's own title for a button of this name comes first, in its language.
        assert_eq!(
            titles(&["balance", "y", "z"], &["Money", "", ""], Language::ST),
            ["My balance", "Y", "Z"]
        );
    }

    #[test]
    fn one_thing_is_not_asked_about() {
        assert_eq!(
            question(&ruleset([0; 4], Vec::new()), &[IntentId(0)], Language::EN),
            None
        );
    }
}
