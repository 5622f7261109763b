//! Findings of reading: what is not YAML as packs use it, and what does not have the shape of the rules language.

use super::{Diagnostics, codes};
use crate::source::Span;

impl Diagnostics {
    /// `at` is the first character that stands for bytes that were no text.
    pub(crate) fn not_utf8(&mut self, at: Span) {
        self.error(codes::NOT_UTF8, at, "this file is not UTF-8 text")
            .label("cannot be read")
            .help("save the file as UTF-8, then look whether this character is right");
    }

    pub(crate) fn yaml_syntax(&mut self, at: Span, why: &str, help: &str) {
        self.error(
            codes::YAML_SYNTAX,
            at,
            format!("this file is not valid YAML: {why}"),
        )
        .label("reading stopped here")
        .help(help);
    }

    pub(crate) fn file_too_large(&mut self, at: Span, bytes: usize, max: usize) {
        self.error(
            codes::FILE_TOO_LARGE,
            at,
            format!("this file has {bytes} bytes; at most {max} are read"),
        )
        .help("split it: a pack may have any number of files");
    }

    pub(crate) fn too_deep(&mut self, at: Span, max: usize) {
        self.error(
            codes::TOO_DEEP,
            at,
            format!("lists and maps stand inside each other more than {max} deep"),
        )
        .label("one level too many");
    }

    pub(crate) fn too_many_nodes(&mut self, at: Span, max: usize) {
        self.error(
            codes::TOO_MANY_NODES,
            at,
            format!("this file holds more than {max} values"),
        )
        .label("reading stopped here")
        .help("split it: a pack may have any number of files");
    }

    pub(crate) fn anchor(&mut self, at: Span) {
        self.error(codes::ANCHOR, at, "anchors (`&name`) are not used in packs")
            .label("has an anchor")
            .help("write the value where it is needed; for word sets there are `lists`; a text that begins with `&` needs quotes");
    }

    pub(crate) fn alias(&mut self, at: Span) {
        self.error(codes::ALIAS, at, "aliases (`*name`) are not used in packs")
            .label("an alias to YAML")
            .help("write the value itself; a text that begins with `*` needs quotes");
    }

    pub(crate) fn tag(&mut self, at: Span) {
        self.error(codes::TAG, at, "tags (`!type`) are not used in packs")
            .label("has a tag")
            .help(
                "leave the tag out: every value is text; a text that begins with `!` needs quotes",
            );
    }

    pub(crate) fn merge_key(&mut self, at: Span) {
        self.error(
            codes::MERGE_KEY,
            at,
            "merge keys (`<<`) are not used in packs",
        )
        .help("write the keys out");
    }

    pub(crate) fn several_documents(&mut self, at: Span) {
        self.error(
            codes::SEVERAL_DOCUMENTS,
            at,
            "a second YAML document begins here; a file holds one",
        )
        .label("not read from here on")
        .help("remove the `---`, or put the rest into a file of its own");
    }

    pub(crate) fn duplicate_key(&mut self, at: Span, key: &str, first: Span) {
        self.error(
            codes::DUPLICATE_KEY,
            at,
            format!("`{key}` stands twice here"),
        )
        .label("used again")
        .other(first, "first used here")
        .help("put both under one key, or give one of them another name");
    }

    pub(crate) fn key_not_text(&mut self, at: Span) {
        self.error(codes::KEY_NOT_TEXT, at, "a key must be a text")
            .label("not a text");
    }

    pub(crate) fn missing_pack(&mut self, at: Span) {
        self.error(codes::MISSING_PACK, at, "this pack has no `pack.yaml`").help(
            "make a file `pack.yaml` with at least `pack: NAME` and `languages: [en]`, first language first",
        );
    }

    /// `place` says where, as in "in `when`".
    pub(crate) fn unknown_key(
        &mut self,
        at: Span,
        (key, place): (&str, &str),
        suggestion: Option<&str>,
    ) {
        self.error(
            codes::UNKNOWN_KEY,
            at,
            format!("unknown key `{key}` {place}"),
        )
        .label("not known here")
        .did_you_mean(suggestion);
    }

    pub(crate) fn not_yet_supported(&mut self, at: Span, what: &str) {
        self.error(
            codes::NOT_YET_SUPPORTED,
            at,
            format!("{what} is not yet supported"),
        )
        .label("comes with a later version")
        .help("remove it for now, or put a `#` before it");
    }

    pub(crate) fn misplaced_key(&mut self, at: Span, key: &str) {
        self.error(
            codes::MISPLACED_KEY,
            at,
            format!("`{key}` is true of the whole bot and stands only in `pack.yaml`"),
        )
        .label("not in this file")
        .help("move it to `pack.yaml` in the top folder of the pack");
    }

    pub(crate) fn missing_key(&mut self, at: Span, key: &str, place: &str) {
        self.error(
            codes::MISSING_KEY,
            at,
            format!("`{key}` is missing {place}"),
        )
        .label(format!("has no `{key}`"));
    }

    pub(crate) fn wrong_shape(&mut self, at: Span, expected: &str, found: &str) {
        self.error(
            codes::WRONG_SHAPE,
            at,
            format!("expected {expected}, found {found}"),
        )
        .label(format!("expected {expected}"));
    }

    /// A list or map where a text was expected; often the author forgot quotes.
    pub(crate) fn not_a_text(&mut self, at: Span, expected: &str, found: &str) {
        self.wrong_shape(at, expected, found);
        if let Some(finding) = self.list.last_mut() {
            finding.help("a text that begins with `{` or `[` or holds `: ` needs quotes");
        }
    }

    /// `expected` says what would be right.
    pub(crate) fn invalid_value(
        &mut self,
        at: Span,
        (value, expected): (&str, &str),
        suggestion: Option<&str>,
    ) {
        self.error(
            codes::INVALID_VALUE,
            at,
            format!("`{value}` is not {expected}"),
        )
        .label("not possible here")
        .did_you_mean(suggestion);
    }

    pub(crate) fn invalid_name(&mut self, at: Span, name: &str, suggestion: &str) {
        let finding = self.error(codes::INVALID_NAME, at, format!("`{name}` is not a name"));
        finding.label("names are made of a-z, 0-9 and _, and begin with a letter");
        if !suggestion.is_empty() {
            finding.help(format!("call it `{suggestion}`"));
        }
    }

    pub(crate) fn duplicate_name(&mut self, at: Span, (kind, name): (&str, &str), first: Span) {
        self.error(
            codes::DUPLICATE_NAME,
            at,
            format!("the {kind} `{name}` stands in this pack twice"),
        )
        .label("used again")
        .other(first, "first used here")
        .help("names are unique in a pack; rename one, or put both under one name");
    }

    pub(crate) fn reserved_name(&mut self, at: Span, message: &str, help: &str) {
        self.error(codes::RESERVED_NAME, at, message)
            .label("built in")
            .help(help);
    }

    pub(crate) fn too_many(&mut self, at: Span, what: &str, (count, max): (usize, usize)) {
        self.error(
            codes::TOO_MANY,
            at,
            format!("{count} {what}; there may be {max}"),
        )
        .label("one too many");
    }

    pub(crate) fn invalid_hours(&mut self, at: Span, message: &str, help: &str) {
        self.error(codes::INVALID_HOURS, at, message)
            .label("cannot be opening hours")
            .help(help);
    }
}
