//! A compiled pack: immutable, whole, ready to decide with.
//!
//! Only `compile` makes one, and only from a pack without errors; so no code that reads it checks again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::decision::{Card, MediaKind, Place, Priority};
use crate::entities::Kind;
use crate::language::Language;
use crate::pattern::Matcher;
use crate::sentiment::{Label, Scorer};
use crate::source::Location;
use crate::template::Template;
use crate::text::{Identifier, Vocabulary};
use crate::turn::{Consent, Event, MessageKind};

macro_rules! index {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(pub(crate) u32);
    )+};
}

/// Indices that a place in a list of the rule set is looked up by.
macro_rules! place {
    ($($name:ident),+) => {$(
        impl $name {
            pub(crate) fn at(self) -> usize {
                self.0 as usize
            }
        }
    )+};
}

index!(
    /// Place in [`Ruleset::intents`].
    IntentId,
    /// Place in [`Ruleset::entities`].
    EntityId,
    /// Place in [`Ruleset::responses`].
    ResponseId,
    /// Place in [`Ruleset::rules`]: also the order in which rules are tried.
    RuleId,
    /// A word list used inside patterns.
    ListId,
    /// A `pattern:` condition.
    PatternId,
);

place!(IntentId, EntityId, ResponseId, RuleId);
#[cfg(test)]
place!(ListId);

#[derive(Debug)]
pub struct Ruleset {
    pub(crate) pack: Pack,
    pub(crate) intents: Vec<Intent>,
    pub(crate) entities: Vec<Entity>,
    pub(crate) responses: Vec<Response>,
    /// In the pack's order.
    pub(crate) templates: Vec<Template>,
    /// Sorted: built-in rules, then by priority (high first), then by place in the pack.
    pub(crate) rules: Vec<Rule>,
    pub(crate) index: RuleIndex,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) matcher: Matcher,
    /// The phrase behind each phrase number of the matcher, for the trace.
    pub(crate) phrases: Vec<Phrase>,
    pub(crate) identifier: Identifier,
    pub(crate) scorer: Scorer,
    pub(crate) intent_names: HashMap<String, IntentId>,
    /// Folded button titles and ids of all responses: tapping an old button, or typing its title.
    pub(crate) buttons: Buttons,
    pub(crate) tests: Vec<crate::transcript::Transcript>,
}

/// One value of a value list, such as a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListValue<'a> {
    /// Its normal form.
    pub key: &'a str,
    /// What replies print.
    pub label: &'a str,
    /// How people write it, as the pack has it; none when they write the key or the label.
    pub spellings: &'a [String],
}

/// How much a pack holds, without what is built in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub intents: usize,
    /// With those of the shortest form.
    pub rules: usize,
    /// With texts that stand where a response is expected.
    pub responses: usize,
    pub templates: usize,
    /// Of intents, rules and values.
    pub phrases: usize,
    pub tests: usize,
}

impl Ruleset {
    /// The pack's name.
    pub fn name(&self) -> &str {
        &self.pack.name
    }

    /// The pack's languages, the default first; at least one.
    pub fn languages(&self) -> &[Language] {
        &self.pack.languages
    }

    /// Where hours, dates and "tomorrow" are counted.
    pub fn timezone(&self) -> &TimeZone {
        &self.pack.timezone
    }

    /// Names of the teams that conversations are handed to, the default first; at least one.
    pub fn teams(&self) -> &[String] {
        &self.pack.teams
    }

    /// A message older than this when it arrives is not answered as if fresh; 1 to 1,440.
    pub fn stale_after_minutes(&self) -> i64 {
        self.pack.stale_after_minutes
    }

    /// Replies to one contact in a minute beyond which further ones wait; 1 to 600.
    pub fn replies_per_minute(&self) -> u32 {
        self.pack.replies_per_minute
    }

    /// The templates of notifications, in the pack's order.
    pub fn templates(&self) -> &[Template] {
        &self.templates
    }

    pub fn template(&self, name: &str) -> Option<&Template> {
        self.templates
            .iter()
            .find(|template| template.name() == name)
    }

    /// The values of a value list, in the order of the pack; none when `entity` is none.
    pub fn values_of(&self, entity: &str) -> impl Iterator<Item = ListValue<'_>> {
        let keys = self
            .entities
            .iter()
            .filter(move |known| known.name == entity)
            .filter_map(|known| match &known.kind {
                Kind::Values { keys } => Some(keys),
                _ => None,
            });
        keys.flatten().map(|value| ListValue {
            key: &value.key,
            label: &value.label,
            spellings: &value.spellings,
        })
    }

    pub fn counts(&self) -> Counts {
        let own = |at: &Location| *at.file != *crate::compile::BUILT_IN.0;
        Counts {
            intents: self.intents.iter().filter(|intent| own(&intent.at)).count(),
            rules: self.rules.iter().filter(|rule| own(&rule.at)).count(),
            responses: self
                .responses
                .iter()
                .filter(|response| own(&response.at))
                .count(),
            templates: self.templates.len(),
            phrases: self.phrases.iter().filter(|phrase| own(&phrase.at)).count(),
            tests: self.tests.len(),
        }
    }
}

/// `pack.yaml`.
#[derive(Clone, Debug)]
pub(crate) struct Pack {
    pub(crate) name: String,
    /// First is the default. At most 16.
    pub(crate) languages: Vec<Language>,
    pub(crate) timezone: TimeZone,
    pub(crate) hours: Hours,
    pub(crate) matching: Matching,
    /// Minutes without a message after which the next one begins a new session.
    pub(crate) idle_minutes: i64,
    pub(crate) stale_after_minutes: i64,
    pub(crate) replies_per_minute: u32,
    /// In the pack's order; the first is the default for escalations without a team.
    pub(crate) teams: Vec<String>,
}

/// When the office is open. `None` in the pack means always open.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hours {
    /// Index 0 is Monday; no blocks is closed.
    pub(crate) week: Option<[Vec<(Time, Time)>; 7]>,
    pub(crate) holidays: Holidays,
    /// Dates with hours of their own; they win over holidays and week days.
    pub(crate) exceptions: BTreeMap<Date, Vec<(Time, Time)>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Holidays {
    #[default]
    None,
    /// Public Holidays Act 36 of 1994: computed, with the Monday rule.
    SouthAfrica,
    Dates(BTreeSet<Date>),
}

/// Thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Matching {
    pub(crate) accept: u16,
    pub(crate) margin: u16,
    pub(crate) typos: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Intent {
    pub(crate) name: String,
    pub(crate) about: Option<String>,
    pub(crate) priority: i32,
    pub(crate) at: Location,
}

#[derive(Clone, Debug)]
pub(crate) struct Phrase {
    /// As written.
    pub(crate) text: String,
    pub(crate) at: Location,
    pub(crate) language: Option<Language>,
}

#[derive(Debug)]
pub(crate) struct Entity {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What the bot can say under one name.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    /// Empty for a text that stands where a response is expected.
    pub(crate) name: String,
    pub(crate) at: Location,
    /// Variants per language; at least one language, at least one variant each.
    pub(crate) languages: BTreeMap<Language, Vec<Speech>>,
}

/// One variant. Texts are templates until rendered.
#[derive(Clone, Debug)]
pub(crate) struct Speech {
    /// The words, or the caption of media; empty where a message has none.
    pub(crate) text: Text,
    pub(crate) header: Option<Text>,
    pub(crate) footer: Option<Text>,
    pub(crate) form: Form,
}

/// What a message is besides its words.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    Text,
    /// One to three: id and title.
    Buttons(Vec<Choice>),
    /// One to ten rows behind a button of this title.
    List {
        button: String,
        rows: Vec<Choice>,
    },
    /// A button that opens an address.
    Link {
        button: String,
        url: String,
    },
    /// A button with which the customer sends where they are.
    AskLocation,
    Media {
        kind: MediaKind,
        link: String,
        filename: Option<String>,
    },
    Location(Place),
    Contacts(Vec<Card>),
}

#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) description: Option<String>,
}

/// A text with or without `{{values}}`.
#[derive(Clone, Debug)]
pub(crate) enum Text {
    Plain(String),
    Template(std::sync::Arc<crate::respond::Template>),
}

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// Its `name`, or "intent NAME" for the shortest form, or "built in: stop".
    pub(crate) name: String,
    pub(crate) at: Location,
    pub(crate) priority: i32,
    pub(crate) when: Condition,
    pub(crate) then: Vec<Action>,
    /// `continue: true`.
    pub(crate) goes_on: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Intent(IntentId),
    Pattern(PatternId),
    /// The message holds a value of the entity (under a capture name or its own), or exactly this value.
    Entity {
        name: String,
        value: Option<String>,
    },
    Button(String),
    Message(MessageKind),
    /// Strictly below / above, in -1..1.
    SentimentBelow(f64),
    SentimentAbove(f64),
    SentimentLabel(Label),
    /// Each of the last three judged messages lower than the one before.
    SentimentFalling,
    Language(Language),
    Open,
    Closed,
    Holiday,
    Event(Event),
    NotUnderstood {
        times: u32,
    },
    /// The message answers a notification made of this template, or of any.
    ReplyingTo(Option<String>),
    Field {
        scope: Scope,
        name: String,
        test: Test,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Contact,
    Conversation,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    Is(String),
    OneOf(Vec<String>),
    /// `true`: has any value; `false`: has none.
    Present(bool),
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    Reply(ResponseId),
    Escalate {
        team: String,
        priority: Priority,
        note: Option<Text>,
    },
    Set {
        scope: Scope,
        name: String,
        value: Text,
    },
    Forget {
        scope: Scope,
        name: String,
    },
    Tag(String),
    Untag(String),
    React(String),
    OptOut(Vec<Consent>),
    OptIn(Vec<Consent>),
    /// What is still to be sent of this template, to this contact or about the account, is pointless now.
    Cancel(String),
    /// Say nothing, not even that it was not understood.
    Silence,
    End,
}

/// Which rules a piece of evidence calls up, so that a turn tries few of them.
///
/// Every rule stands under one kind of evidence that it cannot hold without, else in `always`. With alternatives (`any`, a
/// list of intents) it stands under each of them, so a turn that shows several meets it several times. Each list is in the
/// order in which rules are tried and holds a rule once; across lists the number of a rule is that order.
/// A rule under `not_understood` or an event needs no other evidence to be looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct RuleIndex {
    pub(crate) by_intent: HashMap<IntentId, Vec<RuleId>>,
    pub(crate) by_pattern: HashMap<PatternId, Vec<RuleId>>,
    pub(crate) by_entity: HashMap<String, Vec<RuleId>>,
    pub(crate) by_button: HashMap<String, Vec<RuleId>>,
    pub(crate) by_message: HashMap<MessageKind, Vec<RuleId>>,
    pub(crate) by_event: HashMap<Event, Vec<RuleId>>,
    pub(crate) not_understood: Vec<RuleId>,
    /// By the template that the message answers.
    pub(crate) by_notification: HashMap<String, Vec<RuleId>>,
    pub(crate) any_notification: Vec<RuleId>,
    pub(crate) always: Vec<RuleId>,
}

/// Every button and row of the pack.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buttons {
    /// Folded title to button id, for titles typed by hand.
    pub(crate) by_title: HashMap<String, String>,
    /// Button id to titles, for the trace.
    pub(crate) titles: HashMap<String, String>,
}
