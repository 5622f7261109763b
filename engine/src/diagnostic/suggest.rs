//! "Did you mean": the name nearest to one that does not exist.

/// Candidates looked at; beyond them no suggestion is worth the time.
const CANDIDATES_MAX: usize = 50_000;
/// Characters of a name that are compared.
const NAME_CHARS_MAX: usize = 64;

/// The candidate nearest to `name`, when it is near enough to be what was meant: a third of its letters at most.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted: Vec<char> = name.chars().take(NAME_CHARS_MAX).collect();
    let allowed = wanted.len().div_ceil(3);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates.into_iter().take(CANDIDATES_MAX) {
        if candidate.len().abs_diff(name.len()) > allowed * 4 {
            continue;
        }
        let distance = edit_distance(&wanted, candidate);
        // Equal distances go by the alphabet, so that the answer does not hang on the order of a table.
        if distance <= allowed && best.is_none_or(|best| (distance, candidate) < best) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment), in three rows.
fn edit_distance(wanted: &[char], candidate: &str) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=wanted.len()).collect();
    let mut previous: Option<char> = None;
    for (row, c) in candidate.chars().take(NAME_CHARS_MAX).enumerate() {
        let mut current = Vec::with_capacity(last.len());
        current.push(row + 1);
        for (column, w) in wanted.iter().enumerate() {
            let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX - 1);
            let replaced = cell(&last, column) + usize::from(*w != c);
            let mut cost = replaced
                .min(cell(&last, column + 1) + 1)
                .min(cell(&current, column) + 1);
            let swapped = column > 0 && previous == Some(*w) && wanted.get(column - 1) == Some(&c);
            if swapped {
                cost = cost.min(cell(&before_last, column - 1) + 1);
            }
            current.push(cost);
        }
        previous = Some(c);
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, distance) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("abc", "ab", 1),
            ("abc", "xabc", 1),
            ("entitty", "entity", 1),
            ("kitten", "sitting", 3),
        ] {
            let chars: Vec<char> = a.chars().collect();
            assert_eq!(edit_distance(&chars, b), distance, "{a} {b}");
        }
    }

    #[test]
    fn only_what_is_near_is_suggested() {
        let names = ["entity", "intent", "button"];
        assert_eq!(nearest("entitty", names), Some("entity"));
        assert_eq!(nearest("buton", names), Some("button"));
        assert_eq!(nearest("weather", names), None);
        assert_eq!(nearest("", names), None);
    }
}
