//! The file before it is a table: its encoding, what parts its cells, and its bytes in portions of known size.
//!
//! A file is looked through once before anything of it is written, because half a file in the wrong encoding is worse than
//! none.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

const BOM: &[u8] = b"\xEF\xBB\xBF";
/// Bytes read at once.
const PORTION_BYTES: usize = 64 * 1024;
/// Bytes of one row, all its cells together. A quote that is never closed makes one row of the rest of the file.
pub(super) const ROW_BYTES_MAX: usize = 256 * 1024;

/// Why a file is no table that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotATable {
    #[error("the file is empty")]
    Empty,
    #[error("{0} File > Save as > `CSV UTF-8`, and import that file")]
    Workbook(&'static str),
    #[error(
        "the file is in {encoding}, not in UTF-8{place}. Save it again as `CSV UTF-8`{command}"
    )]
    Encoding {
        encoding: &'static str,
        place: String,
        command: String,
    },
    #[error("the file is no text: line {0} holds a zero byte")]
    Binary(u64),
    #[error("the file has the line ends of old Macintosh computers. Save it again as `CSV UTF-8`")]
    CarriageReturns,
}

/// Looks the whole file through and goes back to its beginning; gives what parts its cells.
pub(super) fn inspect(file: &mut File) -> io::Result<Result<u8, NotATable>> {
    let mut look = Look::default();
    let mut portion = vec![0; PORTION_BYTES];
    loop {
        let read = file.read(&mut portion)?;
        let Some(bytes) = portion.get(..read).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        if let Err(problem) = look.at(bytes) {
            return Ok(Err(problem));
        }
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(look.end())
}

/// What has been seen of a file so far.
#[derive(Default)]
struct Look {
    head: Vec<u8>,
    /// An unfinished character at the end of the last portion.
    rest: Vec<u8>,
    lines: u64,
    carriage_returns: u64,
    /// Line of the first byte that is not UTF-8.
    broken_at: Option<u64>,
    /// Bytes that Latin-1 has no characters for and Windows-1252 has.
    is_windows: bool,
}

impl Look {
    fn at(&mut self, bytes: &[u8]) -> Result<(), NotATable> {
        if self.head.is_empty() {
            self.head = bytes.to_vec();
            if let Some(problem) = by_first_bytes(bytes) {
                return Err(problem);
            }
        }
        if let Some(place) = bytes.iter().position(|byte| *byte == 0) {
            let before = bytes.get(..place).unwrap_or_default();
            return Err(NotATable::Binary(self.lines + newlines(before) + 1));
        }
        self.carriage_returns += count(bytes, b'\r');
        self.is_windows |= bytes.iter().any(|byte| (0x80..0xA0).contains(byte));
        self.check_utf8(bytes);
        self.lines += newlines(bytes);
        Ok(())
    }

    fn check_utf8(&mut self, bytes: &[u8]) {
        if self.broken_at.is_some() {
            return;
        }
        let begun = self.rest.len();
        self.rest.extend_from_slice(bytes);
        let Err(error) = std::str::from_utf8(&self.rest) else {
            self.rest.clear();
            return;
        };
        let good = error.valid_up_to();
        if error.error_len().is_none() {
            self.rest.drain(..good);
        } else {
            let before = bytes.get(..good.saturating_sub(begun)).unwrap_or_default();
            self.broken_at = Some(self.lines + newlines(before) + 1);
        }
    }

    fn end(self) -> Result<u8, NotATable> {
        let text = self.head.strip_prefix(BOM).unwrap_or(&self.head);
        if text.trim_ascii().is_empty() && self.lines <= 1 {
            return Err(NotATable::Empty);
        }
        let broken_at = self
            .broken_at
            .or((!self.rest.is_empty()).then_some(self.lines + 1));
        if let Some(line) = broken_at {
            return Err(self.other_encoding(line));
        }
        if self.lines == 0 && self.carriage_returns > 0 {
            return Err(NotATable::CarriageReturns);
        }
        Ok(delimiter(text))
    }

    fn other_encoding(&self, line: u64) -> NotATable {
        let (encoding, name) = if self.is_windows {
            ("Windows-1252", "WINDOWS-1252")
        } else {
            ("Latin-1 (ISO 8859-1)", "ISO-8859-1")
        };
        NotATable::Encoding {
            encoding,
            place: format!(", as line {line} shows"),
            command: format!(", or convert it: iconv -f {name} -t UTF-8 old.csv > new.csv"),
        }
    }
}

fn by_first_bytes(bytes: &[u8]) -> Option<NotATable> {
    let utf16 = |encoding| NotATable::Encoding {
        encoding,
        place: String::new(),
        command: ", or convert it: iconv -f UTF-16 -t UTF-8 old.csv > new.csv".to_owned(),
    };
    match bytes {
        [b'P', b'K', 3, 4, ..] => Some(NotATable::Workbook(
            "the file is a workbook, not a CSV file. In the spreadsheet:",
        )),
        [0xD0, 0xCF, 0x11, 0xE0, ..] => Some(NotATable::Workbook(
            "the file is an old Excel workbook, not a CSV file. In the spreadsheet:",
        )),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Some(utf16("UTF-16")),
        [0, second, 0, fourth, ..] if *second != 0 && *fourth != 0 => Some(utf16("UTF-16")),
        [first, 0, third, 0, ..] if *first != 0 && *third != 0 => Some(utf16("UTF-16")),
        _ => None,
    }
}

/// What the first line has most of, outside of quotes; a comma when it has none.
fn delimiter(text: &[u8]) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let mut is_quoted = false;
    for byte in text {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' if !is_quoted => break,
            byte if !is_quoted => {
                for (candidate, count) in &mut counts {
                    *count += u32::from(candidate == byte);
                }
            }
            _ => {}
        }
    }
    // Where there are as many of each, the rarer sign is the one that was meant: the last of the greatest wins.
    let most = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .max_by_key(|(_, count)| *count);
    most.map_or(b',', |(candidate, _)| *candidate)
}

fn newlines(bytes: &[u8]) -> u64 {
    count(bytes, b'\n')
}

fn count(bytes: &[u8], wanted: u8) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == wanted)).sum()
}

/// A reader that makes line ends uniform, ends the last line, leaves the byte order mark out, and gives no more for one
/// row than a row may have.
#[derive(Debug)]
pub(super) struct Portions<R> {
    inner: R,
    portion: Vec<u8>,
    /// What of the portion has been given.
    given: usize,
    /// A carriage return whose next byte is not known yet.
    held: bool,
    is_first: bool,
    is_ended: bool,
    left: usize,
    /// Bytes taken from the file.
    pub(super) taken: u64,
}

impl<R: Read> Portions<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            portion: Vec::new(),
            given: 0,
            held: false,
            is_first: true,
            is_ended: false,
            left: ROW_BYTES_MAX,
            taken: 0,
        }
    }

    /// A row was read: the next one may be as long again.
    pub(super) fn next_row(&mut self) {
        self.left = ROW_BYTES_MAX;
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut bytes = vec![0; PORTION_BYTES];
        let read = self.inner.read(&mut bytes)?;
        bytes.truncate(read);
        self.taken += read as u64;
        self.given = 0;
        self.portion.clear();
        if bytes.is_empty() {
            self.is_ended = true;
            self.portion.push(b'\n');
            return Ok(());
        }
        let text = if std::mem::take(&mut self.is_first) {
            bytes.strip_prefix(BOM).unwrap_or(&bytes)
        } else {
            &bytes
        };
        for byte in text {
            if std::mem::take(&mut self.held) && *byte != b'\n' {
                self.portion.push(b'\r');
            }
            if *byte == b'\r' {
                self.held = true;
            } else {
                self.portion.push(*byte);
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Portions<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.portion.len() {
            if self.is_ended {
                return Ok(0);
            }
            self.fill()?;
        }
        let ready = self.portion.get(self.given..).unwrap_or_default();
        let length = ready.len().min(into.len()).min(self.left);
        if length == 0 {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "a row is longer than rows may be",
            ));
        }
        for (place, byte) in into.iter_mut().zip(ready.iter().take(length)) {
            *place = *byte;
        }
        self.given += length;
        self.left -= length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let path = std::env::temp_dir().join(format!(
            "puisano-source-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .unwrap();
        std::fs::remove_file(&path).unwrap();
        file.write_all(bytes).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file
    }

    fn check(bytes: &[u8], expected: Result<u8, &str>) {
        let found = inspect(&mut file(bytes)).unwrap();
        match expected {
            Ok(delimiter) => assert_eq!(found, Ok(delimiter)),
            Err(part) => {
                let problem = found.unwrap_err().to_string();
                assert!(problem.contains(part), "{problem}");
            }
        }
    }

    #[test]
    fn encodings_and_delimiters_are_told_apart() {
        check(b"phone,name\n", Ok(b','));
        check(b"\xEF\xBB\xBFphone;name, first\n1;2", Ok(b';'));
        check(b"\"a;b;c\",d,e\n", Ok(b','));
        check(b"phone\tname\r\n", Ok(b'\t'));
        check(b"phone\n082", Ok(b','));
        check("phone,name\n082,Tšepo\n".as_bytes(), Ok(b','));
        check(b"", Err("empty"));
        check(b"\xEF\xBB\xBF \n", Err("empty"));
        check(b"\xFF\xFEp\0h\0", Err("UTF-16"));
        check(b"p\0h\0o\0", Err("UTF-16"));
        check(b"\0p\0h\0o", Err("UTF-16"));
        check(b"phone,name\n082,Andr\xE9\n", Err("Latin-1"));
        check(b"phone,name\n082,Andr\xE9\n", Err("line 2"));
        check(b"phone,name\n082,O\x92Brien\n", Err("Windows-1252"));
        check(b"phone,name\n082,Andr\xC3", Err("not in UTF-8"));
        check(b"PK\x03\x04xlsx", Err("workbook"));
        check(b"\xD0\xCF\x11\xE0", Err("old Excel"));
        check(b"phone\n08\x002", Err("line 2 holds a zero byte"));
        check(b"phone,name\r082,x\r", Err("Macintosh"));
    }

    #[test]
    fn a_character_may_lie_between_portions() {
        let mut bytes = vec![b'a'; PORTION_BYTES - 1];
        bytes.extend("é\n".as_bytes());
        check(&bytes, Ok(b','));
        bytes.extend(std::iter::repeat_n(b'a', PORTION_BYTES));
        bytes.push(0xE9);
        bytes.extend(b"aaa");
        check(&bytes, Err("line 2"));
    }

    #[test]
    fn one_row_is_not_the_whole_file() {
        let endless = vec![b'x'; ROW_BYTES_MAX + 1];
        let mut portions = Portions::new(endless.as_slice());
        let mut into = Vec::new();
        assert!(portions.read_to_end(&mut into).is_err());
        assert_eq!(into.len(), ROW_BYTES_MAX);
    }

    proptest! {
        #[test]
        fn line_ends_become_uniform(text in "[a\r\n]{0,40}") {
            let mut into = String::new();
            Portions::new(text.as_bytes()).read_to_string(&mut into).unwrap();
            let mut expected = text.replace("\r\n", "\n");
            // A carriage return at the very end ends the last line.
            if expected.ends_with('\r') { expected.pop(); }
            expected.push('\n');
            prop_assert_eq!(into, expected);
        }

        #[test]
        fn any_bytes_are_looked_at_without_breaking(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut look = Look::default();
            if look.at(&bytes).is_ok() {
                let good = std::str::from_utf8(&bytes).is_ok();
                if let Ok(found) = look.end() {
                    prop_assert!(good && b",;\t".contains(&found));
                }
            }
        }
    }
}
