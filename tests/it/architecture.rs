//! Holds the code against ARCHITECTURE.md: who may import whom, what may appear where, how long files and functions are.
//!
//! It reads the sources as text; rustfmt's layout makes that enough.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
/// Where a file's own tests begin.
const TESTS: &str = "\n#[cfg(test)]\nmod tests {";

/// What the engine may depend on: it must stay free of I/O, clocks, randomness and async.
const ENGINE_DEPENDENCIES: &[&str] = &[
    "annotate-snippets",
    "granit-parser",
    "handlebars",
    "jiff",
    "regex",
    "regex-automata",
    "regex-syntax",
    "serde",
    "serde_json",
    "unicode-normalization",
];

struct File {
    path: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &str) -> Vec<File> {
    let mut files = Vec::new();
    collect(&root().join(folder), &mut files);
    assert!(!files.is_empty(), "no Rust files under {folder}");
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn collect(folder: &Path, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let path = path
                .strip_prefix(root())
                .unwrap()
                .to_string_lossy()
                .replace('\\', "/");
            files.push(File { path, text });
        }
    }
}

/// The code of a file without its inline test module and without comments.
fn code(text: &str) -> String {
    let body = text.split(TESTS).next().unwrap_or(text);
    body.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn every_file_says_what_it_is_for() {
    let mut found = Vec::new();
    for folder in ["src", "engine", "tests", "benches"] {
        for file in rust_files(folder) {
            if !file.text.starts_with("//! ") {
                found.push(file.path);
            }
        }
    }
    assert_none("files that do not open with `//!`", &found);
}

#[test]
fn files_are_short() {
    let mut found = Vec::new();
    for file in rust_files("src")
        .into_iter()
        .chain(rust_files("engine/src"))
    {
        let lines = file.text.split(TESTS).next().unwrap_or("").lines().count();
        if lines > FILE_LINES_MAX && !is_test(&file.path) {
            found.push(format!("{}: {lines} lines", file.path));
        }
    }
    assert_none("files over the limit (two things in one)", &found);
}

#[test]
fn functions_are_short() {
    let mut found = Vec::new();
    let files = rust_files("src")
        .into_iter()
        .chain(rust_files("engine/src"));
    for file in files.filter(|file| !is_test(&file.path)) {
        let body = file.text.split(TESTS).next().unwrap_or("");
        for (name, line, length) in functions(body) {
            if length > FUNCTION_LINES_MAX {
                found.push(format!("{}:{line}: {name}, {length} lines", file.path));
            }
        }
    }
    assert_none("functions over the limit", &found);
}

/// Name, first line and length of every function: from its `fn` line to the closing brace at the same indent.
fn functions(text: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut functions = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let Some((head, rest)) = trimmed.split_once("fn ") else {
            continue;
        };
        let keywords = [
            "pub",
            "async",
            "const",
            "pub(crate)",
            "pub(super)",
            "unsafe",
            "extern",
        ];
        if !head.split_whitespace().all(|word| keywords.contains(&word)) {
            continue;
        }
        let indent = " ".repeat(line.len() - trimmed.len());
        let end = lines[at..]
            .iter()
            .position(|l| *l == format!("{indent}}}") || l.ends_with(';') && at_indent(l, &indent));
        let name: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        functions.push((name, at + 1, end.map_or(1, |end| end + 1)));
    }
    functions
}

fn at_indent(line: &str, indent: &str) -> bool {
    line.starts_with(indent) && !line[indent.len()..].starts_with(' ')
}

#[test]
fn modules_import_only_what_they_may() {
    // Folder or file, and what must not appear in its code.
    let rules: &[(&str, &[&str])] = &[
        (
            "src/model",
            &[
                "crate::store",
                "crate::web",
                "crate::channels",
                "crate::conversations",
                "crate::outbound",
                "axum",
                "reqwest",
                "sqlx::query",
            ],
        ),
        (
            "src/store",
            &[
                "crate::web",
                "crate::channels",
                "crate::conversations",
                "crate::outbound",
                "crate::rulesets",
                "axum",
                "reqwest",
            ],
        ),
        (
            "src/channels",
            &[
                "crate::store",
                "crate::web",
                "crate::conversations",
                "crate::outbound",
                "crate::rulesets",
                "puisano_engine::decide",
                "sqlx",
            ],
        ),
        (
            "src/rulesets",
            &[
                "crate::web",
                "crate::channels",
                "crate::outbound",
                "crate::conversations",
                "axum",
                "reqwest",
                "sqlx",
            ],
        ),
        (
            "src/outbound",
            &[
                "crate::conversations",
                "crate::web",
                "puisano_engine::decide",
                "axum",
                "reqwest",
                "sqlx::query",
            ],
        ),
        (
            "src/conversations",
            &[
                "crate::web",
                "crate::channels::whatsapp::webhook",
                "axum",
                "reqwest",
                "sqlx::query",
            ],
        ),
        (
            "src/people",
            &[
                "crate::web",
                "crate::channels",
                "crate::conversations",
                "crate::outbound",
                "axum",
                "reqwest",
                "sqlx",
            ],
        ),
        (
            "src/media",
            &[
                "crate::web",
                "crate::conversations",
                "crate::outbound",
                "axum",
                "reqwest",
                "sqlx",
            ],
        ),
        ("src/web", &["sqlx", "reqwest", "puisano_engine"]),
    ];
    let mut found = Vec::new();
    for (place, forbidden) in rules {
        for file in rust_files("src")
            .iter()
            .filter(|file| file.path.starts_with(place))
        {
            let code = code(&file.text);
            for word in *forbidden {
                if code.contains(word) {
                    found.push(format!("{}: `{word}`", file.path));
                }
            }
        }
    }
    assert_none("imports against ARCHITECTURE.md", &found);
}

#[test]
fn sql_appears_only_in_the_store() {
    let sql = [
        "SELECT ",
        "INSERT INTO",
        "UPDATE ",
        "DELETE FROM",
        "sqlx::query",
    ];
    let mut found = Vec::new();
    for file in rust_files("src")
        .iter()
        .filter(|file| !file.path.starts_with("src/store"))
    {
        let code = code(&file.text);
        found.extend(
            sql.iter()
                .filter(|word| code.contains(*word))
                .map(|word| format!("{}: `{word}`", file.path)),
        );
    }
    assert_none("SQL outside src/store", &found);
}

#[test]
fn nothing_imports_the_command_line() {
    let mut found = Vec::new();
    for file in rust_files("src")
        .iter()
        .filter(|file| !file.path.starts_with("src/cli") && file.path != "src/main.rs")
    {
        if code(&file.text).contains("crate::cli") {
            found.push(file.path.clone());
        }
    }
    assert_none("files that import the command line", &found);
}

#[test]
fn the_engine_is_pure() {
    let forbidden = [
        "std::fs",
        "std::net",
        "std::env",
        "std::time",
        "std::thread::spawn",
        "tokio",
        "async fn",
        "Timestamp::now",
        "Zoned::now",
        "SystemTime",
        "Instant",
        "println!",
        "eprintln!",
        "rand::",
    ];
    let mut found = Vec::new();
    for file in rust_files("engine/src")
        .iter()
        .filter(|file| !is_test(&file.path))
    {
        let code = code(&file.text);
        found.extend(
            forbidden
                .iter()
                .filter(|word| code.contains(*word))
                .map(|word| format!("{}: `{word}`", file.path)),
        );
    }
    assert_none("I/O, time, randomness or async in the engine", &found);
}

#[test]
fn the_engine_depends_on_little() {
    let manifest = fs::read_to_string(root().join("engine/Cargo.toml")).unwrap();
    let section = manifest
        .split("[dependencies]")
        .nth(1)
        .unwrap()
        .split("\n[")
        .next()
        .unwrap();
    let found: BTreeSet<&str> = section
        .lines()
        .filter_map(|line| line.split_once('=').map(|(name, _)| name.trim()))
        .collect();
    let allowed: BTreeSet<&str> = ENGINE_DEPENDENCIES.iter().copied().collect();
    assert_eq!(
        found.difference(&allowed).collect::<Vec<_>>(),
        Vec::<&&str>::new()
    );
}

#[test]
fn there_is_one_package_and_one_library() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(
        manifest.contains("members = [\"engine\"]"),
        "a new package needs a decision record"
    );
}

#[test]
fn lexicons_name_their_source_and_licence() {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join("lexicons")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let head: Vec<&str> = text
            .lines()
            .take_while(|line| line.starts_with('#'))
            .collect();
        let names = |key: &str| head.iter().any(|line| line.contains(key));
        if path.extension().is_none_or(|extension| extension != "md")
            && !(names("source:") && names("licence:"))
        {
            found.push(path.display().to_string());
        }
    }
    assert_none("lexicons without source or licence", &found);
}
