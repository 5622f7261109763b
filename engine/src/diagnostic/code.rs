//! Every code a finding can have, with the sentence that explains it.
//!
//! A code is a promise: tests, scripts and people's notes go by it, so it is never renamed and never reused.

/// A code and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    pub name: &'static str,
    /// One sentence.
    pub about: &'static str,
}

/// What reading a text with `{{values}}` may find.
pub(crate) const TEMPLATE_CODES: [&str; 7] = [
    TEMPLATE_SYNTAX,
    TEMPLATE_TOO_LARGE,
    TEMPLATE_TOO_DEEP,
    TEMPLATE_NOT_ALLOWED,
    UNKNOWN_HELPER,
    UNKNOWN_VALUE,
    UNGUARDED_VALUE,
];

macro_rules! codes {
    ($(#[doc = $about:literal] $constant:ident = $name:literal;)+) => {
        $(#[doc = $about] pub(crate) const $constant: &str = $name;)+

        /// All codes, in the order of the stages that give them.
        pub const CODES: &[Code] = &[$(Code { name: $name, about: $about.trim_ascii() }),+];
    };
}

codes! {
    /// The file was not saved as UTF-8, so some of its characters could not be read.
    NOT_UTF8 = "not-utf8";
    /// The file breaks the rules of YAML, so nothing in it could be read.
    YAML_SYNTAX = "yaml-syntax";
    /// A file holds more than 1 MiB; split it, a pack may have many files.
    FILE_TOO_LARGE = "file-too-large";
    /// Lists and maps stand inside each other more than 32 deep.
    TOO_DEEP = "too-deep";
    /// A file holds more than 100,000 values; split it.
    TOO_MANY_NODES = "too-many-nodes";
    /// `&name` is YAML that packs do not use: write the value where it is needed.
    ANCHOR = "anchor";
    /// `*name` is YAML that packs do not use: write the value, in quotes if it begins with a star.
    ALIAS = "alias";
    /// `!type` is YAML that packs do not use: every value is text.
    TAG = "tag";
    /// `<<` is YAML that packs do not use: write the keys out.
    MERGE_KEY = "merge-key";
    /// A file holds one document; `---` may not begin another.
    SEVERAL_DOCUMENTS = "several-documents";
    /// The same key stands twice in one map.
    DUPLICATE_KEY = "duplicate-key";
    /// A key is empty, a list or a map.
    KEY_NOT_TEXT = "key-not-text";

    /// The pack has no `pack.yaml`.
    MISSING_PACK = "missing-pack";
    /// A key that the rules language does not have at this place.
    UNKNOWN_KEY = "unknown-key";
    /// A key or name of the rules language that this version does not have yet.
    NOT_YET_SUPPORTED = "not-yet-supported";
    /// A key of the whole pack that stands outside `pack.yaml`.
    MISPLACED_KEY = "misplaced-key";
    /// A key that must be there is not.
    MISSING_KEY = "missing-key";
    /// A text, list or map where another was expected.
    WRONG_SHAPE = "wrong-shape";
    /// A text that is not one of the values possible here.
    INVALID_VALUE = "invalid-value";
    /// A name that is not `snake_case`.
    INVALID_NAME = "invalid-name";
    /// A name that is used twice for the same kind of thing.
    DUPLICATE_NAME = "duplicate-name";
    /// A name that is built in and cannot be given another meaning.
    RESERVED_NAME = "reserved-name";
    /// More of something than a pack may hold.
    TOO_MANY = "too-many";
    /// Opening hours that are not times of one day.
    INVALID_HOURS = "invalid-hours";

    /// No intent has this name.
    UNKNOWN_INTENT = "unknown-intent";
    /// No response has this name.
    UNKNOWN_RESPONSE = "unknown-response";
    /// No entity and no capture has this name.
    UNKNOWN_ENTITY = "unknown-entity";
    /// No list has this name.
    UNKNOWN_LIST = "unknown-list";
    /// The pack's `teams` do not hold this name.
    UNKNOWN_TEAM = "unknown-team";
    /// The pack's `languages` do not hold this code.
    UNKNOWN_LANGUAGE = "unknown-language";
    /// No template has this name.
    UNKNOWN_TEMPLATE = "unknown-template";
    /// The entity has no value of this name.
    UNKNOWN_ENTITY_VALUE = "unknown-entity-value";

    /// A phrase that is not a pattern.
    BAD_PATTERN = "bad-pattern";
    /// A regular expression that is malformed, too large or too slow.
    BAD_REGEX = "bad-regex";
    /// Braces that cannot be read.
    TEMPLATE_SYNTAX = "template-syntax";
    /// A text with `{{values}}` of more than 16 KiB.
    TEMPLATE_TOO_LARGE = "template-too-large";
    /// `{{#if}}` inside each other more than 16 deep.
    TEMPLATE_TOO_DEEP = "template-too-deep";
    /// A part of handlebars that replies do not use.
    TEMPLATE_NOT_ALLOWED = "template-not-allowed";
    /// `{{helper value}}` with a helper that there is not.
    UNKNOWN_HELPER = "unknown-helper";
    /// `{{name}}` that stands for nothing in this pack.
    UNKNOWN_VALUE = "unknown-value";
    /// `{{name}}` of a value that may be missing, without `{{#if name}}` around it.
    UNGUARDED_VALUE = "unguarded-value";
    /// `{{values}}` in a place where only plain text can stand.
    VALUE_IN_PLAIN_TEXT = "value-in-plain-text";

    /// A text longer than WhatsApp takes.
    TEXT_TOO_LONG = "text-too-long";
    /// A text that says nothing; WhatsApp refuses it.
    EMPTY_TEXT = "empty-text";
    /// Two buttons or rows of one message with the same id or title.
    DUPLICATE_BUTTON = "duplicate-button";

    /// A template's text that begins or ends with a value; WhatsApp does not approve new ones.
    PARAMETER_AT_EDGE = "parameter-at-edge";
    /// Two values of a template without words between them; WhatsApp does not approve it.
    ADJACENT_PARAMETERS = "adjacent-parameters";
    /// A template's header with more than one value.
    HEADER_PARAMETERS = "header-parameters";
    /// A text of several lines where WhatsApp takes one.
    LINE_BREAK = "line-break";
    /// Buttons of a template as WhatsApp does not approve them.
    TEMPLATE_BUTTON = "template-button";
    /// The sample of a field is not of the field's type.
    BAD_SAMPLE = "bad-sample";

    /// A lexicon that does not open with what it is, or says something that cannot be used.
    LEXICON_HEAD = "lexicon-head";
    /// A line of a lexicon without the columns that its form asks for.
    LEXICON_LINE = "lexicon-line";
    /// Two entries of a lexicon for the same words.
    LEXICON_DUPLICATE = "lexicon-duplicate";
    /// A weight outside -4 to 4.
    LEXICON_RANGE = "lexicon-range";

    /// No rule answers a message that was not understood.
    NO_FALLBACK = "no-fallback";

    /// A response that no rule gives.
    UNUSED_RESPONSE = "unused-response";
    /// A list that no pattern and no entity uses.
    UNUSED_LIST = "unused-list";
    /// An entity that no pattern, rule or response uses.
    UNUSED_ENTITY = "unused-entity";
    /// An intent that no rule answers.
    UNANSWERED_INTENT = "unanswered-intent";
    /// Two intents that claim the same phrase.
    DUPLICATE_PHRASE = "duplicate-phrase";
    /// A response that one of the pack's languages does not have.
    MISSING_TRANSLATION = "missing-translation";
    /// A field that a template asks for and does not print.
    UNUSED_FIELD = "unused-field";
    /// A rule waits for a button that no response shows.
    UNKNOWN_BUTTON = "unknown-button";
}
