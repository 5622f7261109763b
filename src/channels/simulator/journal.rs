//! The simulator's memory on disk: one line for what happened together, only ever appended.
//!
//! A line is written before what it says shows anywhere, so that a killed process has forgotten nothing that anybody
//! saw; it is on the disk itself before an answer goes out. Never rewrites: delete the file to begin a new world.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, bail};

use super::record::Record;

const FILE: &str = "simulator.journal";

#[derive(Debug)]
pub(super) struct Journal {
    file: Arc<File>,
    lines_written: AtomicU64,
    lines_synced: tokio::sync::Mutex<u64>,
}

impl Journal {
    /// Opens the journal in `folder` and reads what happened so far. The file stays locked while it is open.
    pub(super) fn open(folder: &Path) -> anyhow::Result<(Self, Vec<Record>)> {
        let path = folder.join(FILE);
        let context = || format!("could not open {}", path.display());
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .with_context(context)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "{} is in use: another Puisano runs on this data folder",
                    path.display()
                )
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(context),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).with_context(context)?;
        let (records, whole) =
            read(&bytes).with_context(|| format!("{} is damaged", path.display()))?;
        // What a killed process did not finish never happened.
        file.set_len(whole).with_context(context)?;
        file.seek(SeekFrom::End(0)).with_context(context)?;
        let journal = Self {
            file: Arc::new(file),
            lines_written: AtomicU64::new(0),
            lines_synced: 0.into(),
        };
        Ok((journal, records))
    }

    /// Writes what happened together. The caller sees to it that only one writes at a time.
    pub(super) fn append(&self, records: &[Record]) -> io::Result<()> {
        let mut line = serde_json::to_vec(records)?;
        line.push(b'\n');
        let before = self.file.metadata()?.len();
        if let Err(error) = (&*self.file).write_all(&line) {
            // Half a line would spoil the one that follows it.
            self.file.set_len(before)?;
            return Err(error);
        }
        self.lines_written.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Returns when all that was written so far is on the disk. Those who ask together share one wait.
    pub(super) async fn sync(&self) -> io::Result<()> {
        let wanted = self.lines_written.load(Ordering::Acquire);
        let mut synced = self.lines_synced.lock().await;
        if *synced >= wanted {
            return Ok(());
        }
        let reached = self.lines_written.load(Ordering::Acquire);
        let file = self.file.clone();
        tokio::task::spawn_blocking(move || file.sync_data())
            .await
            .map_err(io::Error::other)??;
        *synced = reached;
        Ok(())
    }
}

/// The records of all whole lines, and how many bytes those are. Only the last line may be incomplete.
fn read(bytes: &[u8]) -> anyhow::Result<(Vec<Record>, u64)> {
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |last| last + 1);
    let mut records = Vec::new();
    for (number, line) in bytes[..whole]
        .split_inclusive(|byte| *byte == b'\n')
        .enumerate()
    {
        let together: Vec<Record> = serde_json::from_slice(line)
            .with_context(|| format!("line {} cannot be read", number + 1))?;
        records.extend(together);
    }
    Ok((records, whole as u64))
}
