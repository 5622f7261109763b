//! Contacts and accounts from a file: read as a stream, checked row by row, written in batches that can be repeated.
//!
//! Rows that cannot be taken are named and left out, the others are written. Nothing is kept of a file, so that a run that
//! was broken off is simply begun again.

mod columns;
mod row;
mod seen;
mod source;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use puisano_engine::Language;
use serde::Serialize;

use crate::clock::Clock;
use crate::model::Origin;
use crate::people::Areas;
use crate::store::accounts::Outcome;
use crate::store::consents::name_of;
use crate::store::people::{Hand, ImportRow, ImportedRow, Keep};
use crate::store::{Store, StoreError};
use columns::{Column, Columns};
use row::Reader;
use seen::Seen;
use source::{Portions, ROW_BYTES_MAX};

pub use row::CellProblem;
pub use source::NotATable;

/// Rows of one transaction.
const BATCH_ROWS: usize = 1_000;
/// Failures of the database within a batch that are waited out.
const FAILURES_MAX: u32 = 10;
const PAUSE: Duration = Duration::from_millis(500);

/// What a file is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Contacts,
    Accounts,
}

impl Kind {
    fn required(self) -> (Column, &'static str) {
        match self {
            Self::Contacts => (Column::Phone, "phone"),
            Self::Accounts => (Column::Account, "account"),
        }
    }
}

/// A file and what its rows are held against.
#[derive(Debug)]
pub struct Import<'a> {
    pub kind: Kind,
    pub store: &'a Store,
    pub clock: &'a Clock,
    pub origin: Origin,
    pub languages: &'a [Language],
    pub areas: &'a Areas,
    pub keep: Keep,
}

/// What whoever watches is told.
#[derive(Debug)]
pub enum News {
    /// About a column.
    Warning(String),
    /// A row was left out.
    Problem(CellProblem),
    /// A row was taken, but not all of it.
    Note(CellProblem),
    /// Bytes of the file that are done.
    Progress { bytes: u64, rows: u64 },
}

/// What became of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub rows: u64,
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub refused: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is refused as a whole; nothing was written.
    #[error(transparent)]
    NotATable(#[from] NotATable),
    /// What is wrong with the first row; nothing was written.
    #[error("{}", .0.join("\n"))]
    Header(Vec<String>),
    #[error("could not read the file")]
    Read(#[from] std::io::Error),
    /// What stands in the rows before is written.
    #[error(
        "row {row} is longer than {ROW_BYTES_MAX} bytes: is there a quote that is never closed?"
    )]
    Endless { row: u64 },
    #[error("the database failed; what was written stays: run the same command again")]
    Store(#[from] StoreError),
}

impl Import<'_> {
    /// Reads and writes the whole file.
    pub async fn run(
        &self,
        path: &Path,
        watch: &mut dyn FnMut(News),
    ) -> Result<Summary, ImportError> {
        let mut file = File::open(path)?;
        let delimiter = source::inspect(&mut file)??;
        let mut table = Table::open(file, delimiter);
        let mut header = csv::StringRecord::new();
        table.read(&mut header)?;
        let columns = Columns::read(self.kind, header.iter()).map_err(ImportError::Header)?;
        for warning in &columns.warnings {
            watch(News::Warning(warning.clone()));
        }
        let mut work = Work {
            import: self,
            columns: &columns,
            seen: Seen::default(),
            batch: Vec::with_capacity(BATCH_ROWS),
            summary: Summary::default(),
        };
        let mut record = csv::StringRecord::new();
        while table.read(&mut record)? {
            work.take(table.row, &record, watch);
            if work.batch.len() == BATCH_ROWS {
                work.write(table.bytes(), watch).await?;
            }
        }
        work.write(table.bytes(), watch).await?;
        Ok(work.summary)
    }
}

impl Import<'_> {
    /// Writes rows whole or in halves: a batch that is too much for the database at the moment is not too much in parts.
    async fn write(&self, rows: &[ImportRow]) -> Result<Vec<ImportedRow>, StoreError> {
        let hand = Hand {
            clock: self.clock,
            origin: self.origin,
            once: None,
        };
        let mut written = Vec::with_capacity(rows.len());
        let (mut size, mut failures) = (rows.len(), 0);
        while let Some(part) = rows.get(written.len()..).filter(|rest| !rest.is_empty()) {
            let part = part.get(..size).unwrap_or(part);
            match self.store.import_people(hand, part, self.keep).await {
                Ok(more) => written.extend(more),
                Err(error) if failures < FAILURES_MAX && passes(&error) => {
                    failures += 1;
                    size = size.div_ceil(2);
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }
}

/// Whether the same is likely to work in a moment.
fn passes(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::TimedOut { .. } | StoreError::Unavailable { .. }
    ) || error.is_conflict()
}

/// The rows of a file, with their numbers.
struct Table {
    reader: csv::Reader<Portions<BufReader<File>>>,
    row: u64,
    /// Line breaks within cells so far: a spreadsheet shows them in one row.
    breaks: u64,
}

impl Table {
    fn open(file: File, delimiter: u8) -> Self {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(Portions::new(BufReader::new(file)));
        Self {
            reader,
            row: 0,
            breaks: 0,
        }
    }

    /// `false` at the end.
    fn read(&mut self, record: &mut csv::StringRecord) -> Result<bool, ImportError> {
        self.reader.get_mut().next_row();
        let more = self.reader.read_record(record).map_err(|error| {
            let row = self.row + 1;
            match error.into_kind() {
                csv::ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
                    ImportError::Endless { row }
                }
                csv::ErrorKind::Io(error) => ImportError::Read(error),
                // The file was looked through before: somebody is changing it.
                _ => ImportError::Read(std::io::ErrorKind::InvalidData.into()),
            }
        })?;
        let breaks = record
            .iter()
            .map(|cell| cell.bytes().filter(|byte| *byte == b'\n').count());
        self.breaks += breaks.sum::<usize>() as u64;
        // Every line is ended, also the last.
        self.row = (self.reader.position().line() - 1).saturating_sub(self.breaks);
        Ok(more)
    }

    fn bytes(&self) -> u64 {
        self.reader.get_ref().taken
    }
}

/// A run at work.
struct Work<'a> {
    import: &'a Import<'a>,
    columns: &'a Columns,
    seen: Seen,
    /// With the numbers of the rows.
    batch: Vec<(u64, ImportRow)>,
    summary: Summary,
}

impl Work<'_> {
    fn take(&mut self, row: u64, record: &csv::StringRecord, watch: &mut dyn FnMut(News)) {
        let reader = Reader {
            kind: self.import.kind,
            columns: self.columns,
            languages: self.import.languages,
            areas: self.import.areas,
        };
        let cells: Vec<&str> = record.iter().collect();
        match reader.read(row, &cells, &mut self.seen) {
            Ok(None) => {}
            Ok(Some(read)) => {
                self.summary.rows += 1;
                self.batch.push((row, read));
            }
            Err(problems) => {
                self.summary.rows += 1;
                self.summary.refused += 1;
                for problem in problems {
                    watch(News::Problem(problem));
                }
            }
        }
    }

    async fn write(&mut self, bytes: u64, watch: &mut dyn FnMut(News)) -> Result<(), StoreError> {
        let (numbers, rows): (Vec<u64>, Vec<ImportRow>) = self.batch.drain(..).unzip();
        if !rows.is_empty() {
            let written = self.import.write(&rows).await?;
            for (row, written) in numbers.into_iter().zip(written) {
                match written.outcome {
                    Outcome::Created => self.summary.created += 1,
                    Outcome::Updated => self.summary.updated += 1,
                    Outcome::Unchanged => self.summary.unchanged += 1,
                }
                for category in written.overruled {
                    watch(News::Note(CellProblem {
                        row,
                        column: Some(format!("consent_{}", name_of(category))),
                        value: None,
                        problem: "stays ended: this person said so personally".to_owned(),
                    }));
                }
            }
        }
        watch(News::Progress {
            bytes,
            rows: self.summary.rows,
        });
        Ok(())
    }
}
