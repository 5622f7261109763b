//! Numbers in words: English, Afrikaans, Sesotho and isiXhosa, up to millions.
//!
//! Every language's words are known in every message, because people count in whichever comes first. Ordinals,
//! fractions and the pronouns that look like numbers ("the one", "nngwe": another) are not recognised.

mod parts;
#[cfg(test)]
mod tests;

use super::Value;
use crate::text::{Token, TokenKind, Words};
use parts::{Part, part};

/// Characters between two words of one number.
const GAP_BYTES_MAX: usize = 3;

/// Concords between two words of one number.
const LINKS_MAX: usize = 2;

/// Numbers in words in order of appearance.
pub(super) fn find(text: &str, words: &Words) -> Vec<Value> {
    let mut values = Vec::new();
    let mut at = 0;
    while let Some(first) = words.tokens.get(at) {
        let mut reader = Reader {
            text,
            words,
            first: at,
            next: at,
        };
        let value = if is_other_word(words, at) {
            None
        } else {
            reader.number()
        };
        at = reader.next.max(at + 1);
        if let (Some(value), Some(last)) = (value, words.tokens.get(at - 1)) {
            values.push((first.start as usize..last.end as usize, value.to_string()));
        }
    }
    values
}

/// Words that look like numbers but are not, by their neighbours: "the one", "no one", "ten minste".
fn is_other_word(words: &Words, at: usize) -> bool {
    let word = |at: usize| words.tokens.get(at).map_or("", |token| words.text(token));
    let before = at.checked_sub(1).map_or("", word);
    match word(at) {
        "one" | "een" => matches!(
            before,
            "no" | "the"
                | "this"
                | "that"
                | "which"
                | "any"
                | "every"
                | "each"
                | "another"
                | "geen"
                | "die"
                | "elke"
        ),
        "ten" => matches!(
            word(at + 1),
            "minste" | "einde" | "spyte" | "opsigte" | "slotte" | "volle"
        ),
        _ => false,
    }
}

/// Reads one number from the tokens; after a failed attempt `next` is where it was before.
struct Reader<'a> {
    text: &'a str,
    words: &'a Words,
    first: usize,
    next: usize,
}

impl Reader<'_> {
    fn number(&mut self) -> Option<u64> {
        match self.peek()? {
            Part::Zero => {
                self.next += 1;
                Some(0)
            }
            Part::Unit(_) | Part::Teen(_) | Part::Tens(_) | Part::Power(_) => self.by_powers(),
            Part::One(_) | Part::Many(_) | Part::Count(_) => self.by_nouns(),
            Part::And | Part::Digit(_) | Part::Plus(_) | Part::Root | Part::Link => None,
        }
    }

    /// The next word's part, if the word is beside the one before it.
    fn peek(&self) -> Option<Part> {
        let token = self.words.tokens.get(self.next)?;
        let beside = |before: &Token| {
            let gap = self
                .text
                .get(before.end as usize..token.start as usize)
                .unwrap_or("?");
            gap.len() <= GAP_BYTES_MAX && gap.chars().all(|c| c.is_whitespace() || c == '-')
        };
        let before = self.next.checked_sub(1).filter(|_| self.next > self.first);
        let beside = before
            .and_then(|at| self.words.tokens.get(at))
            .is_none_or(beside);
        if token.kind == TokenKind::Word && beside {
            part(self.words.text(token))
        } else {
            None
        }
    }

    fn take<T>(&mut self, wanted: impl Fn(Part) -> Option<T>) -> Option<T> {
        let value = self.peek().and_then(wanted)?;
        self.next += 1;
        Some(value)
    }

    /// Runs `step` and goes back if it finds nothing.
    fn attempt<T>(&mut self, step: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let before = self.next;
        let value = step(self);
        if value.is_none() {
            self.next = before;
        }
        value
    }

    /// English and Afrikaans: "two thousand five hundred and six", "twee duisend vyf honderd ses en twintig".
    fn by_powers(&mut self) -> Option<u64> {
        let mut total = None;
        let mut limit = u64::MAX;
        loop {
            let step = self.attempt(|reader| {
                if total.is_some() {
                    reader.take(|part| (part == Part::And).then_some(()));
                }
                let count = reader.below_thousand();
                let power = reader.take(|part| match part {
                    Part::Power(power) if power >= 1000 && power < limit => Some(power),
                    _ => None,
                });
                let rest_fits = power.is_some() || count.is_some_and(|count| count < limit);
                (rest_fits && (power.is_some() || count.is_some()))
                    .then_some((count.unwrap_or(1), power))
            });
            let Some((count, power)) = step else {
                return total;
            };
            total = Some(total.unwrap_or(0) + count * power.unwrap_or(1));
            match power {
                Some(power) => limit = power,
                None => return total,
            }
        }
    }

    fn below_thousand(&mut self) -> Option<u64> {
        let count = self.below_hundred();
        let hundreds = self.take(|part| (part == Part::Power(100)).then_some(count.unwrap_or(1)));
        let Some(hundreds) = hundreds else {
            return count;
        };
        let rest = self.attempt(|reader| {
            reader.take(|part| (part == Part::And).then_some(()));
            reader.below_hundred()
        });
        Some(hundreds * 100 + rest.unwrap_or(0))
    }

    fn below_hundred(&mut self) -> Option<u64> {
        if let Some(tens) = self.take(|part| {
            if let Part::Tens(tens) = part {
                Some(tens)
            } else {
                None
            }
        }) {
            return Some(tens + self.take(unit).unwrap_or(0));
        }
        if let Some(teen) = self.take(|part| {
            if let Part::Teen(teen) = part {
                Some(teen)
            } else {
                None
            }
        }) {
            return Some(teen);
        }
        let unit = self.take(unit)?;
        // "vyf en twintig"
        let tens = self.attempt(|reader| {
            reader.take(|part| (part == Part::And).then_some(()))?;
            reader.take(|part| {
                if let Part::Tens(tens) = part {
                    Some(tens)
                } else {
                    None
                }
            })
        });
        Some(unit + tens.unwrap_or(0))
    }

    /// Sesotho and isiXhosa: "makgolo a mabedi le mashome a mahlano", "amakhulu amabini anamashumi amahlanu".
    fn by_nouns(&mut self) -> Option<u64> {
        if let Some(count) = self.take(|part| {
            if let Part::Count(count) = part {
                Some(count)
            } else {
                None
            }
        }) {
            return Some(count);
        }
        let mut total = None;
        let mut limit = u64::MAX;
        while let Some((noun, value)) = self.attempt(|reader| reader.noun(limit, total.is_some())) {
            total = Some(total.unwrap_or(0) + value);
            limit = noun;
            if let Some(unit) = self.attempt(Self::added_unit) {
                return total.map(|total| total + unit);
            }
        }
        total
    }

    /// A noun of number below `limit` with what it is multiplied by: the noun's own value and the product.
    fn noun(&mut self, limit: u64, linked: bool) -> Option<(u64, u64)> {
        if linked {
            self.links();
        }
        match self.peek()? {
            Part::One(noun) if noun < limit => {
                self.next += 1;
                Some((noun, noun))
            }
            Part::Many(noun) if noun < limit => {
                self.next += 1;
                self.links();
                let factor = self.take(|part| match part {
                    Part::Digit(digit) | Part::Count(digit) => Some(digit),
                    Part::One(factor) if factor < noun => Some(factor),
                    _ => None,
                });
                Some((noun, noun * factor?))
            }
            _ => None,
        }
    }

    /// "le metso e mehlano", "anesihlanu".
    fn added_unit(&mut self) -> Option<u64> {
        if let Some(unit) = self.take(|part| {
            if let Part::Plus(unit) = part {
                Some(unit)
            } else {
                None
            }
        }) {
            return Some(unit);
        }
        self.links();
        self.take(|part| (part == Part::Root).then_some(()))?;
        self.links();
        self.take(|part| match part {
            Part::Digit(digit) | Part::Count(digit) => Some(digit),
            _ => None,
        })
    }

    fn links(&mut self) {
        for _ in 0..LINKS_MAX {
            self.take(|part| (part == Part::Link).then_some(()));
        }
    }
}

fn unit(part: Part) -> Option<u64> {
    if let Part::Unit(unit) = part {
        Some(unit)
    } else {
        None
    }
}
