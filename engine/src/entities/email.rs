//! E-mail addresses as people write them.
//!
//! Quoted names, addresses of machines by number and letters beyond ASCII are not recognised; whether anybody reads
//! mail there is not known.

use super::Value;

/// RFC 5321, 4.5.3.1, in bytes.
const NAME_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

pub(super) fn find(text: &str) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    for (at, _) in text.match_indices('@') {
        let begin = values.last().map_or(0, |(range, _)| range.end);
        let (Some(before), Some(after)) = (text.get(begin..at), text.get(at + 1..)) else {
            continue;
        };
        if let (Some(name), Some(domain)) = (name_before(before), domain_at(after)) {
            let value = format!("{name}@{}", domain.to_ascii_lowercase());
            values.push((at - name.len()..at + 1 + domain.len(), value));
        }
    }
    values
}

fn name_before(text: &str) -> Option<&str> {
    let fits = |b: &u8| b.is_ascii_alphanumeric() || b"._%+-'".contains(b);
    let bytes = text
        .bytes()
        .rev()
        .take(NAME_BYTES_MAX + 1)
        .take_while(|b| fits(b))
        .count();
    let name = text
        .get(text.len() - bytes..)?
        .trim_start_matches(['.', '\'', '-', '+', '%']);
    let before = text.get(..text.len() - name.len())?.chars().next_back();
    let cut = before.is_some_and(|c| c == '@' || c.is_alphanumeric());
    let good = !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && !name.ends_with('.')
        && !name.contains("..");
    (good && !cut).then_some(name)
}

fn domain_at(text: &str) -> Option<&str> {
    let fits = |b: &u8| b.is_ascii_alphanumeric() || b".-".contains(b);
    let bytes = text
        .bytes()
        .take(DOMAIN_BYTES_MAX + 1)
        .take_while(|b| fits(b))
        .count();
    let domain = text.get(..bytes)?.trim_end_matches(['.', '-']);
    let cut = text
        .get(bytes..)?
        .chars()
        .next()
        .is_some_and(|c| c == '@' || c.is_alphanumeric());
    let label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let (_, last) = domain.rsplit_once('.')?;
    let good = last.len() >= 2
        && last.bytes().all(|b| b.is_ascii_alphabetic())
        && domain.split('.').all(label);
    (good && !cut && bytes <= DOMAIN_BYTES_MAX).then_some(domain)
}
