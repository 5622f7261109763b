//! What stands between braces, and its words. What a tag means is not known here.

use super::read::At;

/// A tag with what stands before it.
#[derive(Debug)]
pub(super) struct Scanned<'t> {
    pub(super) before: &'t str,
    pub(super) tag: Tag<'t>,
    pub(super) at: At,
}

#[derive(Debug)]
pub(super) enum Tag<'t> {
    /// Without its braces.
    Says(&'t str),
    Comment,
    /// Three or four braces, or a backslash before them.
    Odd,
    /// Not closed; reaches to the end of the text.
    Open,
}

/// The first tag at or after byte `position` of `text`.
pub(super) fn next(text: &str, position: usize) -> Option<Scanned<'_>> {
    let rest = text.get(position..)?;
    let open = rest.find("{{")?;
    let start = position + open;
    let before = rest.get(..open)?;
    let inside = rest.get(open + 2..)?;
    let comment_end = if inside.starts_with("!--") {
        "--}}"
    } else {
        "}}"
    };
    let Some(length) = inside.find(comment_end) else {
        return Some(Scanned {
            before,
            tag: Tag::Open,
            at: start..text.len(),
        });
    };
    let at = start..start + 2 + length + comment_end.len();
    let says = inside.get(..length)?;
    let escaped = before.ends_with('\\');
    let tag = if says.starts_with('!') && !escaped {
        Tag::Comment
    } else if escaped || says.contains('{') || text.get(at.end..)?.starts_with('}') {
        Tag::Odd
    } else {
        Tag::Says(says.trim())
    };
    Some(Scanned { before, tag, at })
}

/// A word inside the braces.
#[derive(Clone, Copy, Debug)]
pub(super) enum Word<'t> {
    Name(&'t str),
    Literal(&'t str),
}

pub(super) fn first_word(tag: &str) -> &str {
    tag.split_whitespace().next().unwrap_or("")
}

/// Splits a tag into names and quoted literals; `None` when something else stands in it.
pub(super) fn words(tag: &str) -> Option<Vec<Word<'_>>> {
    let mut words = Vec::new();
    let mut rest = tag.trim();
    while let Some(first) = rest.chars().next() {
        let length = if first == '"' || first == '\'' {
            let inside = rest.get(1..)?;
            let length = inside.find(first)?;
            let literal = inside
                .get(..length)
                .filter(|literal| !literal.contains('\\'))?;
            words.push(Word::Literal(literal));
            length + 2
        } else {
            let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
            words.push(Word::Name(rest.get(..length).filter(|name| is_name(name))?));
            length
        };
        let after = rest.get(length..)?;
        if !after.is_empty() && !after.starts_with(char::is_whitespace) {
            return None;
        }
        rest = after.trim_start();
    }
    Some(words)
}

/// Snake-case parts joined by dots.
fn is_name(name: &str) -> bool {
    name.split('.').all(|part| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}
