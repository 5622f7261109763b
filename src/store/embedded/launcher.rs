//! Runs PostgreSQL's programs as somebody they accept (they refuse root), and so that the server ends with the thread
//! that started it. Both through util-linux, because starting a process this way by hand needs unsafe code.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};

use super::EmbeddedError;
use super::binaries::Binaries;
use super::folder::{cluster_path, self_uid};

/// SIGINT is PostgreSQL's fast shutdown: sessions are cut, everything is written.
const DIES_WITH_US: [&str; 4] = ["setpriv", "--pdeathsig", "INT", "--"];
/// In a user namespace of its own root looks like nobody, and files stay root's: it works under /root as well.
const AS_NOBODY_INSIDE: [&str; 5] = [
    "unshare",
    "--user",
    "--map-user=65534",
    "--map-group=65534",
    "--",
];
/// Whom root may become where there are no user namespaces.
const STAND_INS: [&str; 2] = ["postgres", "nobody"];

/// What stands before every command of PostgreSQL's.
#[derive(Debug)]
pub(super) struct Launcher {
    prefix: Vec<String>,
    /// The user and group that root becomes, where files must change hands.
    stand_in: Option<(u32, u32)>,
}

impl Launcher {
    /// Finds out what works here.
    pub(super) fn find(data: &Path) -> Result<Self, EmbeddedError> {
        let dies_with_us: Vec<String> = words(&DIES_WITH_US);
        // Without setpriv the server may outlive us; the next start takes it over.
        let dies_with_us = if works(&dies_with_us, &["true"]) {
            dies_with_us
        } else {
            Vec::new()
        };
        if self_uid() != 0 {
            return Ok(Self {
                prefix: dies_with_us,
                stand_in: None,
            });
        }
        let inside = words(&AS_NOBODY_INSIDE);
        // Inside, root's power over other people's folders is gone: the way to the data must be open, and a cluster that
        // was once handed over stays with whom it was handed to.
        let handed_over = fs::metadata(cluster_path(data)).is_ok_and(|cluster| cluster.uid() != 0);
        if !handed_over && works(&inside, &["test", "-x", data.to_string_lossy().as_ref()]) {
            return Ok(Self {
                prefix: [inside, dies_with_us].concat(),
                stand_in: None,
            });
        }
        Self::as_stand_in(data, dies_with_us)
    }

    fn as_stand_in(data: &Path, dies_with_us: Vec<String>) -> Result<Self, EmbeddedError> {
        let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let Some((uid, gid)) = STAND_INS.iter().find_map(|name| account(&accounts, name)) else {
            return Err(EmbeddedError::AsRoot {
                reason: "there is no user postgres or nobody".to_owned(),
            });
        };
        let mut prefix = words(&["setpriv"]);
        prefix.extend([format!("--reuid={uid}"), format!("--regid={gid}")]);
        prefix.extend(words(&["--clear-groups", "--"]));
        fs::set_permissions(data, fs::Permissions::from_mode(0o711))
            .map_err(EmbeddedError::io("open", data))?;
        let folder = data.to_string_lossy();
        if !works(&prefix, &["test", "-x", folder.as_ref()]) {
            let reason = format!(
                "user {uid} cannot reach {folder}; a folder like /var/lib/puisano can be reached"
            );
            return Err(EmbeddedError::AsRoot { reason });
        }
        Ok(Self {
            prefix: [prefix, dies_with_us].concat(),
            stand_in: Some((uid, gid)),
        })
    }

    /// A command that runs `program` of `binaries`.
    pub(super) fn command(&self, binaries: &Binaries, program: &str) -> Command {
        let mut words = self.prefix.clone();
        if let Some(libraries) = &binaries.libraries {
            words.extend(["env".to_owned(), format!("LD_LIBRARY_PATH={libraries}")]);
        }
        let program = binaries.folder.join(program);
        let mut words = words.into_iter();
        let mut command = match words.next() {
            Some(first) => {
                let mut command = Command::new(first);
                command.args(words).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.stdin(Stdio::null());
        command
    }

    /// Gives a folder to the user that the server runs as.
    pub(super) fn hand_over(&self, folder: &Path) -> Result<(), EmbeddedError> {
        let Some((uid, gid)) = self.stand_in else {
            return Ok(());
        };
        chown(folder, Some(uid), Some(gid))
            .map_err(EmbeddedError::io("change the owner of", folder))
    }
}

/// Whether root may have handed its cluster to this user.
pub(super) fn root_stands_in_for(owner: u32) -> bool {
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    STAND_INS
        .iter()
        .filter_map(|name| account(&accounts, name))
        .any(|(uid, _)| uid == owner)
}

/// Sends a signal through the shell's own `kill`, which every system has.
pub(super) fn signal(pid: u32, name: &str) {
    let sent = Command::new("sh")
        .args([
            "-c",
            "kill -\"$0\" \"$1\" 2>/dev/null",
            name,
            &pid.to_string(),
        ])
        .status();
    if let Err(error) = sent {
        tracing::warn!(%error, "could not signal the database");
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn works(prefix: &[String], command: &[&str]) -> bool {
    let Some((first, rest)) = prefix.split_first() else {
        return false;
    };
    let mut probe = Command::new(first);
    probe
        .args(rest)
        .args(command)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

/// The ids of `name` in the text of /etc/passwd.
fn account(accounts: &str, name: &str) -> Option<(u32, u32)> {
    let line = accounts
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_their_whole_name() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\npostgresql:x:5:5::/:/bin/sh\npostgres:x:104:110::/:/bin/sh\nbad:x\n";
        for (name, expected) in [
            ("postgres", Some((104, 110))),
            ("root", Some((0, 0))),
            ("bad", None),
            ("no", None),
        ] {
            assert_eq!(account(accounts, name), expected, "{name}");
        }
    }
}
