//! JSON as it comes over the wire: what `serde_json` or the database would refuse although it is JSON is made harmless,
//! so that one odd text in one message does not cost a thousand others.
//!
//! Never makes JSON of what is none.

use serde_json::Value;

/// Containers deeper than this become a text. `serde_json` stops at 128.
const DEPTH_KEPT_MAX: usize = 100;

const TOO_DEEP: &[u8] = br#""(nested too deep)""#;
const REPLACEMENT: &[u8] = br"\ufffd";
const NUL: &[u8] = br"\u0000";

/// The value of `body`, or nothing when it is not JSON. Bytes that are not UTF-8, halves of surrogate pairs and NUL
/// (which Postgres cannot keep) are read as U+FFFD, numbers beyond a double as text.
pub(super) fn read(body: &[u8]) -> Option<Value> {
    let clean = !body.windows(NUL.len()).any(|window| window == NUL);
    let plain = if clean {
        serde_json::from_slice(body).ok()
    } else {
        None
    };
    plain.or_else(|| serde_json::from_slice(&repair(&String::from_utf8_lossy(body))).ok())
}

fn repair(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut out = Vec::with_capacity(rest.len());
    let mut depth = 0_usize;
    while let Some(&byte) = rest.first() {
        let taken = match byte {
            b'"' => repair_string(rest, &mut out),
            b'-' | b'0'..=b'9' => repair_number(rest, &mut out),
            b'[' | b'{' if depth >= DEPTH_KEPT_MAX => {
                out.extend_from_slice(TOO_DEEP);
                container_bytes(rest)
            }
            _ => {
                match byte {
                    b'[' | b'{' => depth += 1,
                    b']' | b'}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                out.push(byte);
                1
            }
        };
        rest = &rest[taken..];
    }
    out
}

/// Copies the string that `rest` starts with; returns the bytes read.
fn repair_string(rest: &[u8], out: &mut Vec<u8>) -> usize {
    out.push(b'"');
    let mut at = 1;
    while let Some(&byte) = rest.get(at) {
        let taken = if byte == b'\\' {
            repair_escape(&rest[at..], out)
        } else {
            1
        };
        if byte != b'\\' {
            out.push(byte);
        }
        at += taken;
        if byte == b'"' {
            break;
        }
    }
    at
}

/// Copies the escape that `rest` starts with; returns the bytes read.
fn repair_escape(rest: &[u8], out: &mut Vec<u8>) -> usize {
    let pair = |low: u16| (0xdc00..0xe000).contains(&low);
    match code_unit(rest) {
        Some(0xd800..0xdc00) if rest.get(6..).and_then(code_unit).is_some_and(pair) => {
            out.extend_from_slice(&rest[..12]);
            12
        }
        Some(0 | 0xd800..0xe000) => {
            out.extend_from_slice(REPLACEMENT);
            6
        }
        _ => {
            let taken = rest.len().min(2);
            out.extend_from_slice(&rest[..taken]);
            taken
        }
    }
}

/// The code unit of a `\uXXXX` at the start of `rest`.
fn code_unit(rest: &[u8]) -> Option<u16> {
    let digits = rest.strip_prefix(br"\u")?.get(..4)?;
    let digits = digits.iter().all(u8::is_ascii_hexdigit).then_some(digits)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Copies the number that `rest` starts with, in quotes if a double cannot hold it; returns the bytes read.
fn repair_number(rest: &[u8], out: &mut Vec<u8>) -> usize {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    let length = rest
        .iter()
        .position(|byte| !is_part(byte))
        .unwrap_or(rest.len());
    let number = &rest[..length];
    let value: Option<f64> = std::str::from_utf8(number)
        .ok()
        .and_then(|text| text.parse().ok());
    if value.is_some_and(f64::is_infinite) {
        out.push(b'"');
        out.extend_from_slice(number);
        out.push(b'"');
    } else {
        out.extend_from_slice(number);
    }
    length
}

/// The bytes of the array or object that `rest` starts with, or all of `rest` when it does not end.
fn container_bytes(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            b'"' => at += string_bytes(&rest[at..]) - 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at.min(rest.len())
}

/// The bytes of the string that `rest` starts with.
fn string_bytes(rest: &[u8]) -> usize {
    let mut at = 1;
    while let Some(&byte) = rest.get(at) {
        at += if byte == b'\\' { 2 } else { 1 };
        if byte == b'"' {
            break;
        }
    }
    at.min(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[track_caller]
    fn check(body: &[u8], expected: &Value) {
        assert_eq!(
            read(body).as_ref(),
            Some(expected),
            "{}",
            String::from_utf8_lossy(body)
        );
    }

    #[test]
    fn plain_json_is_read_as_it_is() {
        check(
            br#"{"a":[1,2.5,true,null,"\u00e9\/\ud83d\ude00"]}"#,
            &json!({ "a": [1, 2.5, true, null, "é/😀"] }),
        );
        check(b" 5 ", &json!(5));
    }

    #[test]
    fn odd_text_becomes_harmless() {
        check(br#"["\ud800"]"#, &json!(["\u{fffd}"]));
        check(br#"["a\udc00b"]"#, &json!(["a\u{fffd}b"]));
        check(br#"["\ud800\ud83d\ude00"]"#, &json!(["\u{fffd}😀"]));
        check(br#"["\ud83dx"]"#, &json!(["\u{fffd}x"]));
        check(br#"["\u0000"]"#, &json!(["\u{fffd}"]));
        check(br#"{"\u0000":1}"#, &json!({ "\u{fffd}": 1 }));
        check(br#"["\\u0000 \\ud800"]"#, &json!([r"\u0000 \ud800"]));
        check(b"[\"a\xffb\"]", &json!(["a\u{fffd}b"]));
        check(
            br#"[1e999,-1e999,3,"\ud800"]"#,
            &json!(["1e999", "-1e999", 3, "\u{fffd}"]),
        );
    }

    #[test]
    fn deep_nesting_is_cut_and_the_rest_is_kept() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let body = format!(r#"{{"a":{deep},"b":{{"c":"]}}\"["}}}}"#);
        let value = read(body.as_bytes()).expect("JSON");
        assert_eq!(value["b"]["c"], r#"]}"["#);
    }

    #[test]
    fn what_is_not_json_stays_none() {
        for body in [
            "",
            " ",
            "{",
            "[1,",
            "hello",
            "{'a':1}",
            "[\"\\ud800\"",
            "\"\\u12\"",
            "\"\\",
            "[1]]",
            "[1e999",
            "--5",
        ] {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
        assert_eq!(read("[".repeat(100_000).as_bytes()), None);
        assert_eq!(read(b"\xff\xfe"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived_and_json_is_never_changed(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".*") {
            read(&bytes);
            let body = serde_json::to_vec(&json!({ "a": [text] })).unwrap();
            let plain: Value = serde_json::from_slice(&body).unwrap();
            if !text.contains('\0') {
                prop_assert_eq!(read(&body), Some(plain.clone()));
                let repaired: Value = serde_json::from_slice(&repair(std::str::from_utf8(&body).unwrap())).unwrap();
                prop_assert_eq!(repaired, plain);
            }
        }
    }
}
