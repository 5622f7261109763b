//! Asking a node for the shape a reader needs; what has another shape is reported once, where it stands.
//!
//! It knows shapes only, no keys of the rules language.

use std::ops::RangeInclusive;

use super::{Entry, Node, Value};
use crate::diagnostic::Diagnostics;

impl Node {
    /// What this is, in words for people.
    pub(crate) fn shape(&self) -> &'static str {
        match self.value {
            Value::Text { .. } => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Empty => "nothing",
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self.value, Value::Empty)
    }

    /// The items of a list; anything else is a list of itself.
    pub(crate) fn one_or_many(&self) -> &[Node] {
        self.list().unwrap_or(std::slice::from_ref(self))
    }

    pub(crate) fn expect_text(
        &self,
        expected: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<&str> {
        let text = self.text();
        match &self.value {
            Value::Text { .. } => {}
            Value::Empty => diagnostics.wrong_shape(self.span, expected, self.shape()),
            Value::List(_) | Value::Map(_) => {
                diagnostics.not_a_text(self.span, expected, self.shape());
            }
        }
        text
    }

    pub(crate) fn expect_map(
        &self,
        expected: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<&[Entry]> {
        let map = self.map();
        if map.is_none() {
            diagnostics.wrong_shape(self.span, expected, self.shape());
        }
        map
    }

    pub(crate) fn expect_list(
        &self,
        expected: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<&[Node]> {
        let list = self.list();
        if list.is_none() {
            diagnostics.wrong_shape(self.span, expected, self.shape());
        }
        list
    }

    pub(crate) fn expect_bool(&self, diagnostics: &mut Diagnostics) -> Option<bool> {
        match self.expect_text("`true` or `false`", diagnostics)? {
            "true" => Some(true),
            "false" => Some(false),
            other => {
                diagnostics.invalid_value(self.span, (other, "`true` or `false`"), None);
                None
            }
        }
    }

    pub(crate) fn expect_whole(
        &self,
        range: RangeInclusive<i32>,
        diagnostics: &mut Diagnostics,
    ) -> Option<i32> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let text = self.expect_text(&expected, diagnostics)?;
        let number = text.parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            diagnostics.invalid_value(self.span, (text, &expected), None);
        }
        number
    }

    /// One of `words`; what is near to one of them is suggested.
    pub(crate) fn expect_word<'w>(
        &self,
        what: &str,
        words: &[&'w str],
        diagnostics: &mut Diagnostics,
    ) -> Option<&'w str> {
        let text = self.expect_text(what, diagnostics)?;
        let word = words.iter().copied().find(|word| *word == text);
        if word.is_none() {
            let expected = format!("{what} ({})", words.join(", "));
            let suggestion = diagnostics.nearest(text, words.iter().copied());
            diagnostics.invalid_value(self.span, (text, &expected), suggestion);
        }
        word
    }
}

impl Entry {
    /// Reports a key that is none of `known`; `place` says where, as in "in `when`".
    pub(crate) fn unknown(&self, place: &str, known: &[&str], diagnostics: &mut Diagnostics) {
        let suggestion = diagnostics.nearest(&self.key, known.iter().copied());
        diagnostics.unknown_key(self.key_span, (&self.key, place), suggestion);
    }
}
