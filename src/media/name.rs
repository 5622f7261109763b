//! Names that others gave to files: what is kept of them, and how a browser is told.

/// Characters of a name; what is longer loses its middle, never its ending.
const NAME_CHARS_MAX: usize = 120;

/// A name without folders, control characters and characters that turn the direction of reading.
pub(super) fn kept(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let clean: String = last.chars().filter(|c| !is_odd(*c)).collect();
    let clean = clean.trim().trim_start_matches('.');
    if clean.is_empty() {
        return None;
    }
    let chars = clean.chars().count();
    if chars <= NAME_CHARS_MAX {
        return Some(clean.to_owned());
    }
    let half = NAME_CHARS_MAX / 2;
    let head = clean.chars().take(half);
    Some(head.chain(clean.chars().skip(chars - half)).collect())
}

/// `Content-Disposition` by RFC 6266: always to be saved, never to be shown; the whole name in UTF-8 beside a plain one.
pub fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '%' | ';' => '_',
            c if c.is_ascii_graphic() || c == ' ' => c,
            _ => '_',
        })
        .collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&hex::encode_upper([byte]));
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_data_and_never_a_path() {
        for (given, expected) in [
            ("statement.pdf", Some("statement.pdf")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\temp\\bill.pdf", Some("bill.pdf")),
            (".bashrc", Some("bashrc")),
            ("a\r\nb\0.pdf", Some("ab.pdf")),
            ("bill\u{202e}fdp.exe", Some("billfdp.exe")),
            ("..", None),
            ("", None),
        ] {
            assert_eq!(kept(given).as_deref(), expected, "{given:?}");
        }
        let long = kept(&format!("{}.pdf", "x".repeat(300))).unwrap();
        assert!(long.ends_with("xx.pdf") && long.chars().count() == NAME_CHARS_MAX);
    }

    #[test]
    fn a_browser_is_told_in_both_ways() {
        assert_eq!(
            disposition("tšhelete \"1\".pdf"),
            "attachment; filename=\"t_helete _1_.pdf\"; filename*=UTF-8''t%C5%A1helete%20%221%22.pdf"
        );
    }

    proptest! {
        #[test]
        fn a_header_stays_one_line_with_two_quotes(name in "\\PC{0,40}|[\\x00-\\x7f]{0,40}") {
            let header = disposition(&name);
            prop_assert!(header.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            prop_assert_eq!(header.matches('"').count(), 2);
            if let Some(kept) = kept(&name) {
                prop_assert!(!kept.contains(['/', '\\', '\n', '\r', '\0']));
            }
        }
    }
}
