//! What a file is, by its first bytes, and how large WhatsApp takes it.
//!
//! Does not check that the rest of a file is sound; what plays it must do that anyway.

const KB: u64 = 1_024;
const MB: u64 = 1_024 * KB;
/// The largest of all.
pub const FILE_BYTES_MAX: u64 = 100 * MB;

const IMAGE_BYTES_MAX: u64 = 5 * MB;
const STICKER_BYTES_MAX: u64 = 500 * KB;
const SOUND_BYTES_MAX: u64 = 16 * MB;

/// A type that can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileType {
    pub mime: &'static str,
    pub extension: &'static str,
    /// How WhatsApp calls such messages.
    pub kind: &'static str,
    pub bytes_max: u64,
}

const fn file_type(
    mime: &'static str,
    extension: &'static str,
    kind: &'static str,
    bytes_max: u64,
) -> FileType {
    FileType {
        mime,
        extension,
        kind,
        bytes_max,
    }
}

const JPEG: FileType = file_type("image/jpeg", "jpg", "image", IMAGE_BYTES_MAX);
const PNG: FileType = file_type("image/png", "png", "image", IMAGE_BYTES_MAX);
const WEBP: FileType = file_type("image/webp", "webp", "sticker", STICKER_BYTES_MAX);
const PDF: FileType = file_type("application/pdf", "pdf", "document", FILE_BYTES_MAX);
const TEXT: FileType = file_type("text/plain", "txt", "document", FILE_BYTES_MAX);
const OGG: FileType = file_type("audio/ogg", "ogg", "audio", SOUND_BYTES_MAX);
const MP3: FileType = file_type("audio/mpeg", "mp3", "audio", SOUND_BYTES_MAX);
const AAC: FileType = file_type("audio/aac", "aac", "audio", SOUND_BYTES_MAX);
const AMR: FileType = file_type("audio/amr", "amr", "audio", SOUND_BYTES_MAX);
const M4A: FileType = file_type("audio/mp4", "m4a", "audio", SOUND_BYTES_MAX);
const MP4: FileType = file_type("video/mp4", "mp4", "video", SOUND_BYTES_MAX);
const THREE_GP: FileType = file_type("video/3gpp", "3gp", "video", SOUND_BYTES_MAX);
const DOC: FileType = file_type("application/msword", "doc", "document", FILE_BYTES_MAX);
const XLS: FileType = file_type(
    "application/vnd.ms-excel",
    "xls",
    "document",
    FILE_BYTES_MAX,
);
const PPT: FileType = file_type(
    "application/vnd.ms-powerpoint",
    "ppt",
    "document",
    FILE_BYTES_MAX,
);
const DOCX: FileType = file_type(
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "docx",
    "document",
    FILE_BYTES_MAX,
);
const XLSX: FileType = file_type(
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xlsx",
    "document",
    FILE_BYTES_MAX,
);
const PPTX: FileType = file_type(
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "pptx",
    "document",
    FILE_BYTES_MAX,
);

const ALL: [FileType; 18] = [
    JPEG, PNG, WEBP, PDF, TEXT, OGG, MP3, AAC, AMR, M4A, MP4, THREE_GP, DOC, XLS, PPT, DOCX, XLSX,
    PPTX,
];

/// The type of a file by its first bytes; `filename` only tells the old Office formats apart, which begin alike.
pub fn detect(head: &[u8], filename: Option<&str>) -> Result<FileType, String> {
    match head {
        [] => Err("is empty".to_owned()),
        [0xFF, 0xD8, 0xFF, ..] => Ok(JPEG),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Ok(PNG),
        [b'G', b'I', b'F', b'8', ..] => Err("is a GIF, which WhatsApp does not take".to_owned()),
        [b'%', b'P', b'D', b'F', b'-', ..] => Ok(PDF),
        [b'#', b'!', b'A', b'M', b'R', ..] => Ok(AMR),
        [b'I', b'D', b'3', ..] | [0xFF, 0xFB | 0xFA | 0xF3 | 0xF2, ..] => Ok(MP3),
        [0xFF, 0xF1 | 0xF9, ..] => Ok(AAC),
        [b'O', b'g', b'g', b'S', ..] => ogg(head),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Ok(WEBP),
        [_, _, _, _, b'f', b't', b'y', b'p', a, b, c, d, ..] => movie([*a, *b, *c, *d]),
        [b'P', b'K', 3, 4, ..] => office_zip(head),
        [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, ..] => old_office(filename),
        _ if is_text(head) => Ok(TEXT),
        _ => Err("is of a type that WhatsApp does not take".to_owned()),
    }
}

/// What a file without a name is called.
pub(super) fn default_name(mime: &str) -> String {
    let known = ALL.iter().find(|known| known.mime == mime);
    format!("file.{}", known.map_or("bin", |known| known.extension))
}

fn ogg(head: &[u8]) -> Result<FileType, String> {
    const FIRST_PAGE_BYTES: usize = 64;
    let page = head.get(..FIRST_PAGE_BYTES).unwrap_or(head);
    if contains(page, b"OpusHead") {
        Ok(OGG)
    } else {
        Err("is an Ogg file without Opus, which WhatsApp does not take".to_owned())
    }
}

fn movie(brand: [u8; 4]) -> Result<FileType, String> {
    match &brand {
        b"M4A " | b"M4B " => Ok(M4A),
        [b'3', b'g', b'p' | b'2', _] => Ok(THREE_GP),
        [b'i', b's', b'o', _] | [b'm', b'p', b'4', _] | b"avc1" | b"MSNV" | b"M4V " | b"dash" => {
            Ok(MP4)
        }
        b"qt  " => Err("is a QuickTime film: save it as MP4".to_owned()),
        _ => Err("is a film or picture of a kind that WhatsApp does not take".to_owned()),
    }
}

/// The parts of Office files stand in folders of these names.
fn office_zip(head: &[u8]) -> Result<FileType, String> {
    [
        (&b"word/"[..], DOCX),
        (&b"xl/"[..], XLSX),
        (&b"ppt/"[..], PPTX),
    ]
    .into_iter()
    .find(|(part, _)| contains(head, part))
    .map(|(_, found)| found)
    .ok_or_else(|| "is an archive, which WhatsApp does not take".to_owned())
}

fn old_office(filename: Option<&str>) -> Result<FileType, String> {
    let lower = filename.unwrap_or_default().to_lowercase();
    let extension = lower.rsplit_once('.').map(|(_, extension)| extension);
    [DOC, XLS, PPT]
        .into_iter()
        .find(|known| extension == Some(known.extension))
        .ok_or_else(|| {
            "is an Office file: its name must end in .doc, .xls or .ppt, or save it in the new format"
                .to_owned()
        })
}

/// UTF-8 without control characters; a character that the first bytes cut through does not count.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            let whole = head.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(whole).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}');
    !text.is_empty() && !text.chars().any(is_odd)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(head: &[u8], filename: Option<&str>, expected: Result<&str, &str>) {
        match (detect(head, filename), expected) {
            (Ok(found), Ok(mime)) => assert_eq!(found.mime, mime),
            (Err(problem), Err(part)) => assert!(problem.contains(part), "{problem}"),
            (found, expected) => panic!("{found:?}, not {expected:?}"),
        }
    }

    #[test]
    fn types_are_told_by_bytes_not_by_names() {
        check(
            b"\xFF\xD8\xFF\xE0..JFIF",
            Some("letter.pdf"),
            Ok("image/jpeg"),
        );
        check(b"\x89PNG\r\n\x1A\n....", None, Ok("image/png"));
        check(b"RIFF\0\0\0\0WEBPVP8 ", None, Ok("image/webp"));
        check(b"RIFF\0\0\0\0WAVE", None, Err("type"));
        check(b"GIF89a", None, Err("GIF"));
        check(b"%PDF-1.7\n", Some("x.jpg"), Ok("application/pdf"));
        check(b"OggS\0\x02............OpusHead", None, Ok("audio/ogg"));
        check(
            b"OggS\0\x02...........\x01vorbis",
            None,
            Err("without Opus"),
        );
        check(b"ID3\x03", None, Ok("audio/mpeg"));
        check(b"\xFF\xFB\x90", None, Ok("audio/mpeg"));
        check(b"\xFF\xF1\x50", None, Ok("audio/aac"));
        check(b"#!AMR\n", None, Ok("audio/amr"));
        check(b"\0\0\0\x18ftypM4A ", None, Ok("audio/mp4"));
        check(b"\0\0\0\x18ftypisom", None, Ok("video/mp4"));
        check(b"\0\0\0\x18ftyp3gp5", None, Ok("video/3gpp"));
        check(b"\0\0\0\x18ftypqt  ", None, Err("QuickTime"));
        check(b"\0\0\0\x18ftypheic", None, Err("picture"));
        check(
            b"PK\x03\x04..[Content_Types].xml..PK\x03\x04word/document.xml",
            None,
            Ok(DOCX.mime),
        );
        check(b"PK\x03\x04....evil.exe", Some("x.docx"), Err("an archive"));
        let old = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
        check(old, Some("Rates.XLS"), Ok("application/vnd.ms-excel"));
        check(old, None, Err(".doc, .xls or .ppt"));
        check("Ke a leboha š".as_bytes(), None, Ok("text/plain"));
        check(b"<svg onload=alert(1)>", Some("x.svg"), Ok("text/plain"));
        check(b"cut through \xC5", None, Ok("text/plain"));
        check(b"MZ\x90\0", None, Err("type"));
        check(b"", None, Err("empty"));
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(head in proptest::collection::vec(any::<u8>(), 0..64), name in proptest::option::of("\\PC{0,9}")) {
            let _ = detect(&head, name.as_deref());
        }
    }
}
