//! Texts with `{{values}}`: reads them strictly, says what is wrong, and fills them in.
//!
//! A small grammar of our own stands before handlebars, because handlebars can bring the process down with partials and
//! takes quadratic time over deep nesting: only what is understood here is ever handed to it. It knows values, `#if`,
//! `#unless`, `else` and the helpers of `formats`; no partials, decorators, raw blocks, sub-expressions or lists.

mod blocks;
mod read;
mod tags;

use handlebars::template::TemplateElement;
use handlebars::{Context, Handlebars, Output, RenderContext, Renderable, Template as Handled};
use std::sync::LazyLock;

use crate::respond::formats;

use read::Use;
pub(crate) use read::{Part, parts};

/// Bytes of one text; checked before anything is parsed.
pub(crate) const TEMPLATE_BYTES_MAX: usize = 16 * 1024;
/// Blocks inside blocks.
pub(crate) const TEMPLATE_DEPTH_MAX: usize = 16;
/// Length of a rendered text in UTF-16 units, as WhatsApp counts: what it takes as one message.
pub(crate) const OUTPUT_UNITS_MAX: usize = 4096;
/// Characters a value is taken to have when limits are checked at load.
const USUAL_VALUE_CHARS: usize = 40;

/// A text with `{{values}}`, parsed and checked.
#[derive(Debug)]
pub(crate) struct Template {
    handled: Handled,
    longest: String,
    uses: Vec<Use>,
}

/// What is wrong in a template, where (bytes of its text), and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateProblem {
    pub(crate) code: &'static str,
    pub(crate) at: std::ops::Range<usize>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// What a name in a template may stand for, as the pack knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Always there (`pack.name`).
    Always,
    /// May be missing: must stand under `{{#if}}`.
    Maybe,
    /// There in some situations; whether they are given is checked by whoever knows them.
    Sometimes,
    /// No such value.
    No,
}

impl Template {
    /// Parses `text`; refuses partials, decorators, dynamic names, unknown helpers, unguarded values that may be missing,
    /// and what goes over the limits. All problems at once, in order of place.
    pub(crate) fn parse(
        text: &str,
        known: &dyn Fn(&str) -> Known,
    ) -> Result<Self, Vec<TemplateProblem>> {
        let read::Parts { parts, uses } = parts(text, known)?;
        let mut longest = String::new();
        write_longest(&parts, &mut longest);
        match Handled::compile(text) {
            Ok(handled) if harmless(&handled) => Ok(Self {
                handled,
                longest,
                uses,
            }),
            _ => Err(vec![TemplateProblem {
                code: "template-syntax",
                at: 0..text.len(),
                message: "this text cannot be read as a template".to_owned(),
                help: Some("look for braces that do not belong together".to_owned()),
            }]),
        }
    }

    /// The values that are there only in some situations.
    pub(crate) fn uses(&self) -> &[Use] {
        &self.uses
    }

    /// The text with sample values of the greatest usual length, for checking limits at load.
    pub(crate) fn longest(&self) -> String {
        self.longest.clone()
    }

    /// Fills in `data`. Total: a value that is missing after all ends the text where it stands, and so does the limit.
    pub(crate) fn render(&self, data: &Context) -> String {
        let mut out = Limited::default();
        let mut context = RenderContext::new(None);
        let _cut_short = self
            .handled
            .render(&HANDLEBARS, data, &mut context, &mut out);
        out.text
    }
}

/// One registry for all templates: strict, no escaping (WhatsApp is not HTML), our helpers only ever reached by name.
static HANDLEBARS: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.register_escape_fn(handlebars::no_escape);
    for helper in formats::HELPERS {
        handlebars.register_helper(helper.name, Box::new(helper));
    }
    handlebars
});

/// The second wall: even if the grammar above let something through, only elements that cannot recurse are rendered.
fn harmless(template: &Handled) -> bool {
    template.elements.iter().all(|element| match element {
        TemplateElement::RawString(_)
        | TemplateElement::Comment(_)
        | TemplateElement::Expression(_) => true,
        TemplateElement::HelperBlock(block) => {
            block
                .name
                .as_name()
                .is_some_and(|name| name == "if" || name == "unless")
                && block
                    .template
                    .iter()
                    .chain(block.inverse.iter())
                    .all(harmless)
        }
        _ => false,
    })
}

fn write_longest(parts: &[Part], out: &mut String) {
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Value(_) => out.push_str(&"x".repeat(USUAL_VALUE_CHARS)),
            Part::Helper {
                helper, literals, ..
            } => {
                out.push_str(&formats::longest(helper, literals));
            }
            Part::Choice {
                then, otherwise, ..
            } => {
                let (mut a, mut b) = (String::new(), String::new());
                write_longest(then, &mut a);
                write_longest(otherwise, &mut b);
                out.push_str(if a.chars().count() >= b.chars().count() {
                    &a
                } else {
                    &b
                });
            }
        }
    }
}

/// Takes what fits and stops the rendering at the limit.
#[derive(Default)]
struct Limited {
    text: String,
    units: usize,
}

impl Output for Limited {
    fn write(&mut self, segment: &str) -> std::io::Result<()> {
        for c in segment.chars() {
            self.units += c.len_utf16();
            if self.units > OUTPUT_UNITS_MAX {
                return Err(std::io::Error::other(
                    "the text is longer than a message may be",
                ));
            }
            self.text.push(c);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
