//! Shows people how two texts differ: the place, with some words around it.

/// Words shown before and after what differs.
const WORDS_AROUND: usize = 4;

/// Both texts around the first to the last word in which they differ, one below the other.
pub(super) fn diff(ours: &str, theirs: &str) -> String {
    let (ours, theirs) = (words(ours), words(theirs));
    let shorter = ours.len().min(theirs.len());
    let same_start = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
    let same_end = ours
        .iter()
        .rev()
        .zip(theirs.iter().rev())
        .take(shorter - same_start)
        .take_while(|(a, b)| a == b)
        .count();
    format!(
        "  rules     {}\n  WhatsApp  {}",
        around(&ours, same_start, same_end),
        around(&theirs, same_start, same_end)
    )
}

/// Words with the blanks before them, so that blanks and line breaks count.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut in_word) = (0, false);
    for (at, c) in text.char_indices() {
        if c.is_whitespace() && in_word {
            words.extend(text.get(start..at));
            (start, in_word) = (at, false);
        } else if !c.is_whitespace() {
            in_word = true;
        }
    }
    words.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    words
}

/// The middle of `words` in brackets, between some of the words that are the same.
fn around(words: &[&str], same_start: usize, same_end: usize) -> String {
    let from = same_start.saturating_sub(WORDS_AROUND);
    let end = words.len() - same_end;
    let to = (end + WORDS_AROUND).min(words.len());
    let part = |from: usize, to: usize| words.get(from..to).unwrap_or_default().concat();
    let visible = |text: String| text.replace('\n', "⏎").trim().to_owned();
    let dots = |cut: bool| if cut { "…" } else { "" };
    let middle = part(same_start, end).replace('\n', "⏎");
    let mut shown = format!("{}{}", dots(from > 0), visible(part(from, same_start)));
    if !shown.is_empty() && shown != "…" {
        shown.push(' ');
    }
    // What is in the brackets is exact but for the blank that divides it from the word before.
    shown.push_str(&format!(
        "[{}]",
        middle.strip_prefix(' ').unwrap_or(&middle)
    ));
    let after = visible(part(end, to));
    if !after.is_empty() {
        shown.push(' ');
        shown.push_str(&after);
    }
    shown.push_str(dots(to < words.len()));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_shown_with_some_words_around_it() {
        for (ours, theirs, expected) in [
            (
                "Hello {{1}}, your account {{2}} has a balance of R{{3}} due soon.",
                "Hello {{1}}, your acct {{2}} has a balance of R{{3}} due soon.",
                "  rules     Hello {{1}}, your [account] {{2}} has a balance…\n  WhatsApp  Hello {{1}}, your [acct] {{2}} has a balance…",
            ),
            ("a b", "a b c", "  rules     a b []\n  WhatsApp  a b [c]"),
            ("a", "b", "  rules     [a]\n  WhatsApp  [b]"),
            ("", "b", "  rules     []\n  WhatsApp  [b]"),
            ("x x", "x x x", "  rules     x x []\n  WhatsApp  x x [x]"),
            ("a b", "a\nb", "  rules     a [b]\n  WhatsApp  a [⏎b]"),
            ("same", "same", "  rules     same []\n  WhatsApp  same []"),
        ] {
            assert_eq!(diff(ours, theirs), expected);
        }
    }
}
