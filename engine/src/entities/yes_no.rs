//! Yes and no, as answers: at the beginning of a message, or the whole of it.
//!
//! "No" before a noun is no answer ("no water"), and what only nods along ("ok", a thumb) is one only by itself.

use super::Value;
use crate::text::{Token, TokenKind, Words};

/// First words that answer whatever follows: English, Sesotho, Afrikaans, isiXhosa, and isiZulu's "yebo", which many say.
const YES: [&str; 13] = [
    "yes", "yeah", "yep", "yup", "ee", "eee", "eya", "ja", "jaa", "jip", "ewe", "eewe", "yebo",
];
const NO: [&str; 12] = [
    "nope",
    "nah",
    "tjhe",
    "tjhee",
    "tjee",
    "che",
    "nee",
    "neee",
    "hayi",
    "hayibo",
    "hayikhona",
    "aowa",
];

/// Answers only as the whole message.
const WHOLE_YES: [&str; 16] = [
    "ok",
    "okay",
    "okey",
    "sure",
    "of course",
    "correct",
    "that's right",
    "e",
    "ho jwalo",
    "natuurlik",
    "reg so",
    "kulungile",
    "👍",
    "✅",
    "✔",
    "💯",
];
const WHOLE_NO: [&str; 7] = [
    "not at all",
    "never",
    "ha ho jwalo",
    "glad nie",
    "cha",
    "👎",
    "❌",
];

/// What may follow the English "no" when it is an answer; before other words it means that there is none of a thing.
const AFTER_NO: [&str; 24] = [
    "thanks", "thank", "thx", "please", "sorry", "sir", "madam", "i", "i'm", "im", "we", "it",
    "it's", "that", "that's", "this", "not", "he", "she", "they", "you", "dankie", "enkosi", "man",
];

const WHOLE_TOKENS_MAX: usize = 3;

pub(super) fn find(text: &str, words: &Words) -> Vec<Value> {
    answer(text, words).into_iter().collect()
}

fn answer(text: &str, words: &Words) -> Option<Value> {
    let (first, rest) = words.tokens.split_first()?;
    let word = words.text(first);
    let value = |tokens: &[Token], answer: &str| {
        Some((
            first.start as usize..tokens.last()?.end as usize,
            answer.to_owned(),
        ))
    };
    if YES.contains(&word) {
        return value(std::slice::from_ref(first), "yes");
    }
    if NO.contains(&word) || word == "no" && answers(text, words, first, rest.first()) {
        return value(std::slice::from_ref(first), "no");
    }
    if words.tokens.len() > WHOLE_TOKENS_MAX {
        return None;
    }
    let whole: Vec<&str> = words.tokens.iter().map(|token| words.text(token)).collect();
    let whole = whole.join(" ");
    if WHOLE_YES.contains(&whole.as_str()) {
        return value(&words.tokens, "yes");
    }
    if WHOLE_NO.contains(&whole.as_str()) {
        value(&words.tokens, "no")
    } else {
        None
    }
}

/// Whether the English "no" answers, by what comes after it.
fn answers(text: &str, words: &Words, no: &Token, next: Option<&Token>) -> bool {
    let Some(next) = next else { return true };
    let between = text.get(no.end as usize..next.start as usize).unwrap_or("");
    match next.kind {
        // "No. 5" is the number of a house.
        TokenKind::Number => between.contains(','),
        TokenKind::Emoji => true,
        TokenKind::Word => {
            between.contains([
                ',', '.', '!', ';', ':', '?', '\n', '\u{2013}', '\u{2014}', '…',
            ]) || between.contains(" - ")
                || AFTER_NO.contains(&words.text(next))
        }
    }
}
