//! Packs and lexicons as files: reading the folders, and noticing that something was saved.
//!
//! Saving is noticed by comparing names, sizes and times a few times a second: that works on every file system and for
//! every way in which editors save, and costs next to nothing for the size of a pack.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use puisano_engine::Source;
use serde::{Deserialize, Serialize};

/// Files of a pack or a lexicon folder that are read at most.
const FILES_MAX: usize = 10_000;
/// Folders inside one another that are followed at most.
const DEPTH_MAX: usize = 16;

/// Where the files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    pub rules: PathBuf,
    pub lexicons: PathBuf,
}

/// The texts a rule set is compiled from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    pub rules: Vec<Source>,
    pub lexicons: Vec<Source>,
}

/// What a save changes: path, bytes and time of every file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint(Vec<(PathBuf, u64, Option<SystemTime>)>);

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read {path}: {cause}")]
    Io {
        path: PathBuf,
        /// Told in the sentence, so not another time as a source.
        cause: std::io::Error,
    },
    #[error("{path} holds no .yaml file: name the folder of the pack with --rules")]
    Empty { path: PathBuf },
    #[error("{path} holds more than {FILES_MAX} files: is it the folder of a pack?")]
    TooMany { path: PathBuf },
}

impl Folders {
    /// Reads both folders; names are relative to them, in order.
    pub fn load(&self) -> Result<Sources, LoadError> {
        let rules = read(&self.rules, &["yaml", "yml"])?;
        if rules.is_empty() {
            return Err(LoadError::Empty {
                path: self.rules.clone(),
            });
        }
        Ok(Sources {
            rules,
            lexicons: self.load_lexicons()?,
        })
    }

    /// Reads the lexicons alone.
    pub fn load_lexicons(&self) -> Result<Vec<Source>, LoadError> {
        read(&self.lexicons, &["tsv", "txt"])
    }

    /// What the folders look like now; unreadable ones look empty.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut files = Vec::new();
        for folder in [&self.rules, &self.lexicons] {
            let mut paths = Vec::new();
            if list(folder, DEPTH_MAX, &mut paths).is_ok() {
                files.extend(paths.into_iter().map(|path| {
                    let data = fs::metadata(&path).ok();
                    let bytes = data.as_ref().map_or(0, fs::Metadata::len);
                    (path, bytes, data.and_then(|data| data.modified().ok()))
                }));
            }
        }
        files.sort();
        Fingerprint(files)
    }
}

fn read(folder: &Path, extensions: &[&str]) -> Result<Vec<Source>, LoadError> {
    let mut paths = Vec::new();
    list(folder, DEPTH_MAX, &mut paths)?;
    let mut sources = Vec::new();
    for path in paths {
        let wanted = path
            .extension()
            .is_some_and(|e| extensions.iter().any(|wanted| e == *wanted));
        if wanted {
            sources.push(read_file(folder, &path)?);
        }
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sources)
}

fn read_file(folder: &Path, path: &Path) -> Result<Source, LoadError> {
    let bytes = fs::read(path).map_err(|cause| LoadError::Io {
        path: path.to_owned(),
        cause,
    })?;
    // What is not UTF-8 is a finding with its place, like any other mistake in the pack.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let name: Vec<_> = relative
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    Ok(Source {
        name: name.join("/"),
        text,
    })
}

/// Collects the files under `folder`, hidden ones left out (editors keep their own there).
fn list(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> Result<(), LoadError> {
    let failed = |cause| LoadError::Io {
        path: folder.to_owned(),
        cause,
    };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        if path.is_dir() {
            if depth > 0 {
                list(&path, depth - 1, paths)?;
            }
        } else {
            paths.push(path);
        }
        if paths.len() > FILES_MAX {
            return Err(LoadError::TooMany {
                path: folder.to_owned(),
            });
        }
    }
    Ok(())
}

/// A text as it is kept in the database.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    name: String,
    text: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredSources {
    rules: Vec<Stored>,
    lexicons: Vec<Stored>,
}

impl Sources {
    /// For the database.
    pub fn to_json(&self) -> String {
        let store = |sources: &[Source]| -> Vec<Stored> {
            sources
                .iter()
                .map(|s| Stored {
                    name: s.name.clone(),
                    text: s.text.clone(),
                })
                .collect()
        };
        let stored = StoredSources {
            rules: store(&self.rules),
            lexicons: store(&self.lexicons),
        };
        serde_json::to_string(&stored).unwrap_or_default()
    }

    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        let stored: StoredSources = serde_json::from_str(json)?;
        let load = |sources: Vec<Stored>| -> Vec<Source> {
            sources
                .into_iter()
                .map(|s| Source {
                    name: s.name,
                    text: s.text,
                })
                .collect()
        };
        Ok(Self {
            rules: load(stored.rules),
            lexicons: load(stored.lexicons),
        })
    }
}
