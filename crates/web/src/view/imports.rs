use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Choice, Errors, Page, Pager, ticked};

#[derive(Debug, Serialize)]
pub struct ImportList {
    pub page: Page,
    pub facilities: Vec<Choice>,
    pub kinds: Vec<ImportKind>,
    pub input: ImportInput,
    pub errors: Errors,
    pub imports: Vec<ImportRow>,
    pub pager: Pager,
    pub can_import: bool,
}

/// What a file may hold; `kind` is the plural noun that names it everywhere.
#[derive(Clone, Debug, Serialize)]
pub struct ImportKind {
    pub kind: &'static str,
    pub hint: &'static str,
    pub columns: Vec<Column>,
}

/// A column that an import knows.
#[derive(Clone, Debug, Serialize)]
pub struct Column {
    pub name: &'static str,
    pub label: &'static str,
    pub is_required: bool,
    /// `length`, `weight`, or empty: whether a unit belongs to it.
    pub measure: &'static str,
    pub hint: &'static str,
}

/// Sent as multipart with the file as `file`; [`ImportInput::with_columns`] adds the rows of the mapping table to `map`, which is
/// a list of `OUR=THEIRS` separated by commas or lines. `kind` is that of an [`ImportKind`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportInput {
    pub idempotency_key: String,
    pub kind: String,
    pub facility: String,
    pub map: String,
    pub length_unit: String,
    pub weight_unit: String,
    #[serde(default, deserialize_with = "ticked")]
    pub dry_run: bool,
    #[serde(default, deserialize_with = "ticked")]
    pub skip_bad: bool,
}

impl Default for ImportInput {
    fn default() -> Self {
        Self {
            idempotency_key: String::new(),
            kind: "items".into(),
            facility: String::new(),
            map: String::new(),
            length_unit: String::new(),
            weight_unit: String::new(),
            dry_run: true,
            skip_bad: false,
        }
    }
}

impl ImportInput {
    /// Adds what was typed into the mapping table, fields named `column:KIND:OUR`, to the mapping as text.
    pub fn with_columns(mut self, fields: &[(String, String)]) -> Self {
        let prefix = format!("column:{}:", self.kind);
        let typed = fields.iter().filter_map(|(name, theirs)| {
            let ours = name.strip_prefix(&prefix)?;
            let theirs = theirs.trim();
            (!theirs.is_empty()).then(|| format!("{ours}={theirs}"))
        });
        let own = self.map.split([',', '\n']).map(str::trim).filter(|pair| !pair.is_empty()).map(str::to_owned);
        self.map = own.chain(typed).collect::<Vec<_>>().join(", ");
        self
    }
}

/// `state` is `QUEUED`, `RUNNING`, `DONE`, `REFUSED` (bad rows, nothing taken) or `FAILED`.
#[derive(Debug, Serialize)]
pub struct ImportRow {
    pub href: String,
    pub file_name: String,
    pub kind: String,
    pub state: String,
    pub is_dry_run: bool,
    pub rows_total: u64,
    pub rows_bad: u64,
    pub by: String,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Serialize)]
pub struct ImportPage {
    pub page: Page,
    pub file_name: String,
    pub kind: String,
    pub state: String,
    pub is_running: bool,
    pub is_dry_run: bool,
    pub is_skip_bad: bool,
    pub rows_total: u64,
    pub rows_done: u64,
    pub rows_bad: u64,
    pub done_percent: f64,
    pub created_count: u64,
    pub updated_count: u64,
    pub problems: Vec<RowProblem>,
    /// More were found than are kept.
    pub problems_left_out: u64,
    /// What stopped it, when the state is FAILED.
    pub failure: Option<String>,
    pub by: String,
    pub at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    /// A dry run without bad rows can be repeated for good while the file is kept: POST there.
    pub apply_href: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct RowProblem {
    pub line: u64,
    pub column: String,
    pub value: String,
    pub reason: String,
    pub mend: String,
}

/// Makes columns of `(name, label, is_required, measure, hint)`.
pub fn columns(table: &[(&'static str, &'static str, bool, &'static str, &'static str)]) -> Vec<Column> {
    table.iter().map(|&(name, label, is_required, measure, hint)| Column { name, label, is_required, measure, hint }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::read;

    #[test]
    fn the_mapping_table_joins_the_text_and_an_unticked_box_stays_unticked() {
        let fields: Vec<_> = [
            ("kind", "items"),
            ("map", "code=sku,\n"),
            ("column:items:name", " title "),
            ("column:items:weight", ""),
            ("column:locations:zone", "area"),
        ]
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .into();
        let input = read::<ImportInput>(fields.clone()).unwrap().with_columns(&fields);
        assert_eq!(input.map, "code=sku, name=title");
        assert!(!input.dry_run && ImportInput::default().dry_run);
    }
}
