//! Imports: files become business rows in one transaction, all or nothing, and the same file again changes nothing.
//!
//! A context brings an [`Importer`]; this module reads the file, finds the columns, tells which rows are bad and why,
//! keeps the history, and offers it all to the command line ([`run_import`]), to REST ([`api`]) and to pages ([`submit`]).

mod http;
mod run;
mod service;
mod store;

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use futures::future::BoxFuture;
use kernel::Invalid;
use serde::{Deserialize, Serialize};

use crate::auth::{Actor, Permission, roles};
use crate::database::Tx;
use crate::tabular::{BadCell, Column, ColumnUse, Row, Units};
use crate::{Error, Result};

pub use http::{ImportColumn, ImportKind, UploadFields, api, read_upload};
pub use run::{CHUNK_ROWS, run_import};
pub use service::{Import, ImportState, NewImport, get, jobs, list, repeat, submit};

pub const IMPORTS_READ: Permission = Permission::new("imports:read", roles::STAFF);
pub const IMPORTS_WRITE: Permission = Permission::new("imports:write", roles::STAFF);

/// Bad cells that a report lists; all of them are counted.
pub const BAD_CELLS_KEPT: usize = 1_000;

pub type Registry = Arc<[Arc<dyn Importer>]>;

/// Makes business rows of table rows; one per kind of thing.
pub trait Importer: Send + Sync {
    /// The plural noun that names it everywhere: `items`.
    fn kind(&self) -> &'static str;

    /// What the caller needs besides [`IMPORTS_WRITE`].
    fn permission(&self) -> Permission;

    fn columns(&self) -> &'static [Column];

    /// Published once after an import that changed something: `catalog.items.imported`.
    fn event(&self) -> &'static str;

    /// Whether the import belongs to one facility, so that [`Options::facility`] must name it.
    fn needs_facility(&self) -> bool {
        false
    }

    /// Whether rows with the same key are several of the same thing, told apart by [`Row::occurrence`], instead of a mistake.
    fn repeats(&self) -> bool {
        false
    }

    /// Creates or updates what `rows` describe, at most [`CHUNK_ROWS`] at a time, by their key.
    ///
    /// A row with a fault gets it by [`Row::refuse`] and is not written; rows that are bad already are to be skipped.
    /// A thing that is as the row says it should be is left alone: no new version, no audit. Keys are unique in the file,
    /// unless the importer [`repeats`](Self::repeats).
    /// A column that the file lacks, or a blank cell, leaves what is stored. The transaction is rolled back
    /// when any row is bad, unless the caller asked to skip those.
    fn apply<'a>(
        &'a self,
        tx: &'a mut Tx,
        actor: &'a Actor,
        options: &'a Options,
        rows: &'a mut [Row],
    ) -> BoxFuture<'a, Result<Counts>>;
}

/// What became of the good rows of a chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
}

/// How to read the file and what to do with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Our column name to the header in the file, where they differ.
    pub map: BTreeMap<String, String>,
    /// Units of columns whose header names none.
    pub units: Units,
    /// Do everything except keeping it.
    pub dry_run: bool,
    /// Take the good rows although others are bad.
    pub skip_bad: bool,
    /// Id or code of the facility, for things that belong to one.
    pub facility: Option<String>,
}

impl Options {
    /// Reads `ours=theirs,ours=theirs`.
    pub fn parse_map(text: &str) -> Result<BTreeMap<String, String>, Invalid> {
        let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| match pair.split_once('=') {
                Some((ours, theirs)) if !ours.trim().is_empty() && !theirs.trim().is_empty() => {
                    Ok((ours.trim().to_owned(), theirs.trim().to_owned()))
                }
                _ => Err(Invalid(format!("must be OURS=THEIRS pairs with commas between; {pair:?} is not one"))),
            })
            .collect()
    }
}

/// A file to import.
pub struct Source {
    /// As the user calls it; for the history.
    pub name: String,
    pub content: Box<dyn Read + Send>,
    pub limits: crate::tabular::Limits,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub rows_total: u64,
    pub rows_done: u64,
    pub rows_bad: u64,
}

/// What an import did, or why it did nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Report {
    pub rows_total: u64,
    pub created: u64,
    pub updated: u64,
    /// Rows that say what is stored already.
    pub unchanged: u64,
    pub rows_bad: u64,
    /// The first thousand faults, in the order of the file.
    pub bad: Vec<BadCell>,
    pub encoding: String,
    pub delimiter: String,
    pub columns: Vec<ColumnUse>,
    /// Headers of the file that were not used.
    pub ignored: Vec<String>,
    /// What was decided that the user may want to know.
    pub notes: Vec<String>,
    pub dry_run: bool,
    /// Whether anything is kept: not in a dry run, and not when bad rows refused the whole.
    pub applied: bool,
    pub milliseconds: u64,
}

pub(crate) fn importer_of<'a>(registry: &'a [Arc<dyn Importer>], kind: &str) -> Result<&'a dyn Importer> {
    registry.iter().map(AsRef::as_ref).find(|importer| importer.kind() == kind).ok_or_else(|| {
        let kinds: Vec<&str> = registry.iter().map(|importer| importer.kind()).collect();
        Error::field("kind", format!("must be one of {}", kinds.join(", ")))
    })
}
