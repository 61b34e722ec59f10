use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Page, Pager};

#[derive(Debug, Serialize)]
pub struct AuditList {
    pub page: Page,
    pub filter: AuditFilter,
    pub entities: Vec<String>,
    pub records: Vec<AuditRow>,
    pub pager: Pager,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditFilter {
    pub actor: String,
    pub action: String,
    pub entity: String,
    pub entity_id: String,
}

#[derive(Debug, Serialize)]
pub struct AuditRow {
    pub id: String,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub action: String,
    pub entity: String,
    pub entity_id: String,
    pub href: Option<String>,
    pub request_id: String,
    pub changes: Vec<Change>,
}

/// A field that differs; absent text means that the field was not there.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    pub field: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// What differs between two recorded states, by field in alphabetical order; nested values are shown as JSON.
pub fn changes(before: Option<&Value>, after: Option<&Value>) -> Vec<Change> {
    let fields = |state: Option<&Value>| -> BTreeSet<String> {
        match state {
            Some(Value::Object(fields)) => fields.keys().cloned().collect(),
            Some(Value::Null) | None => BTreeSet::new(),
            Some(_) => BTreeSet::from(["value".to_owned()]),
        }
    };
    let text = |state: Option<&Value>, field: &str| -> Option<String> {
        let value = match state? {
            Value::Object(fields) => fields.get(field)?,
            whole => whole,
        };
        match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    };
    let all: BTreeSet<_> = fields(before).union(&fields(after)).cloned().collect();
    all.into_iter()
        .map(|field| Change { before: text(before, &field), after: text(after, &field), field })
        .filter(|change| change.before != change.after)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_shown() {
        let before = json!({"code": "A", "name": "old", "gone": 1, "same": [1, 2]});
        let after = json!({"code": "A", "name": "new", "units": [{"unit": "CS"}], "same": [1, 2]});
        let change = |field: &str, before: Option<&str>, after: Option<&str>| Change {
            field: field.into(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        assert_eq!(
            changes(Some(&before), Some(&after)),
            [
                change("gone", Some("1"), None),
                change("name", Some("old"), Some("new")),
                change("units", None, Some(r#"[{"unit":"CS"}]"#)),
            ]
        );
        assert_eq!(changes(None, Some(&json!({"a": null, "b": true}))), [change("b", None, Some("true"))]);
        assert!(changes(None, None).is_empty());
    }
}
